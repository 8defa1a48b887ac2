//! Links over TCP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use regrow_model::message::client::Info;
use regrow_model::message::{Address, Line, Reply};
use regrow_model::port::End;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::admission::{Crowded, Place};
use super::connection::Connection;
use super::{Shared, stream};
use crate::edge::Guest;
use crate::runtime::{Dial, Event};

/// How long a listener rests after an error that is likely to last, as when no file descriptors are left.
const REST: Duration = Duration::from_millis(100);

/// After how long without a sign of the far end's kernel a connection is given up.
const VANISHED: Duration = Duration::from_secs(30);

/// Dials and listens.
#[derive(Clone)]
pub struct Tcp(Arc<Shared>);

impl Tcp {
    /// A transport whose connections share these things.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Accepts connections until the process ends.
    pub async fn listen(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, from)) => self.accept(stream, from),
                Err(error) => {
                    tracing::warn!(event = "accept_failed", %error, "cannot accept a connection");
                    sleep(REST).await;
                }
            }
        }
    }

    /// Returns when all connections have ended, those that are being closed included.
    pub async fn idle(&self) {
        // A connection that never ends is not waited for.
        let _ = timeout(self.0.pace.linger, self.0.present.none()).await;
    }

    fn accept(&self, stream: TcpStream, from: SocketAddr) {
        match Place::take(&self.0, from.ip()) {
            Ok(place) => self.carry(stream, Some(from.ip()), End::Accepted, place),
            Err(crowded) => {
                tracing::warn!(event = "connection_refused", %from, why = %crowded, "refused a connection");
                turn_away(&stream, crowded);
            }
        }
    }

    fn carry(&self, stream: TcpStream, from: Option<IpAddr>, end: End, place: Place) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a far end that vanishes may be noticed late");
        }
        let guest = Guest::new(from, self.0.limits().activities_per_second);
        let stream = Box::new(stream::Tcp::new(stream));
        let connection = Connection::new(self.0.clone(), stream, guest);
        tokio::spawn(Box::new(connection).carry(end, place));
    }
}

/// Says why, if the kernel takes it at once, and closes.
fn turn_away(stream: &TcpStream, why: Crowded) {
    let mut line = Vec::new();
    let info = Info::Text(why.to_string().into());
    if Line::from(Reply::Invalid { info })
        .encode(&mut line)
        .is_ok()
    {
        // One line always fits; what doesn't get through here is of no use to anybody.
        let _ = stream.try_write(&line);
    }
}

/// Sends small lines at once, and lets the kernel notice a host that has vanished: a client that is silent
/// sends no heartbeats of ours.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    #[cfg(target_os = "linux")]
    {
        let vanished = VANISHED.as_millis().try_into().unwrap_or(u32::MAX);
        sockopt::set_tcp_keepidle(stream, VANISHED / 2)?;
        sockopt::set_tcp_keepintvl(stream, VANISHED / 6)?;
        sockopt::set_tcp_user_timeout(stream, vanished)?;
    }
    Ok(())
}

impl Dial for Tcp {
    fn dial(&self, address: Address) {
        let this = self.clone();
        tokio::spawn(async move {
            let dialed = timeout(this.0.pace.dial, TcpStream::connect(address.as_str())).await;
            let error = match dialed {
                Ok(Ok(stream)) => {
                    let place = Place::own(&this.0);
                    return this.carry(stream, None, End::Dialed(address), place);
                }
                Ok(Err(error)) => error.to_string(),
                Err(late) => late.to_string(),
            };
            tracing::debug!(%address, error, "cannot be reached");
            // Nobody to tell: the runtime has ended.
            let _ = this.0.events.send(Event::Unreachable { address }).await;
        });
    }
}

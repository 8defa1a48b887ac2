//! Links over TCP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use regrow_model::message::Address;
use regrow_model::port::End;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::connection::Connection;
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
                Ok((stream, from)) => {
                    tracing::debug!(%from, "accepted");
                    self.carry(stream, End::Accepted);
                }
                Err(error) => {
                    tracing::warn!(event = "accept_failed", %error, "cannot accept a connection");
                    sleep(REST).await;
                }
            }
        }
    }

    /// Returns when all connections have ended, those that are being closed included.
    pub async fn idle(&self) {
        let longest = self.0.pace.linger;
        // The sender lives in self. A connection that never ends is not waited for.
        let _ = timeout(longest, self.0.live.subscribe().wait_for(|live| *live == 0)).await;
    }

    fn carry(&self, stream: TcpStream, end: End) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a far end that vanishes may be noticed late");
        }
        let shared = self.0.clone();
        shared.live.send_modify(|live| *live += 1);
        tokio::spawn(async move {
            Connection::new(shared.clone(), stream).carry(end).await;
            shared.live.send_modify(|live| *live -= 1);
        });
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
                Ok(Ok(stream)) => return this.carry(stream, End::Dialed(address)),
                Ok(Err(error)) => error.to_string(),
                Err(late) => late.to_string(),
            };
            tracing::debug!(%address, error, "cannot be reached");
            // Nobody to tell: the runtime has ended.
            let _ = this.0.events.send(Event::Unreachable { address }).await;
        });
    }
}

//! Takes the connections that others open.

use std::net::SocketAddr;
use std::time::Duration;

use regrow_model::message::client::Info;
use regrow_model::message::{Line, Reply};
use regrow_model::port::End;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::Transport;
use super::admission::{Crowded, Place};
use super::sniff::Sniff;
use super::tcp::Tcp;
use crate::metrics::Refused;

/// How long a listener rests after an error that is likely to last, as when no file descriptors are left.
const REST: Duration = Duration::from_millis(100);

impl Transport {
    /// Accepts connections until the process ends.
    pub async fn listen(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, from)) => self.accept(stream, from),
                Err(error) => {
                    self.0.traffic.refused.of(Refused::System).inc();
                    tracing::warn!(event = "accept_failed", %error, "cannot accept a connection");
                    sleep(REST).await;
                }
            }
        }
    }

    fn accept(&self, stream: TcpStream, from: SocketAddr) {
        match Place::take(&self.0, from.ip()) {
            Ok(place) => {
                let stream = Box::new(Sniff::new(Tcp::new(stream), self.0.clone()));
                self.carry(stream, Some(from.ip()), End::Accepted, place);
            }
            Err(crowded) => {
                tracing::warn!(event = "connection_refused", %from, why = %crowded, "refused a connection");
                self.0.traffic.refused.of(crowded.into()).inc();
                turn_away(&stream, crowded);
            }
        }
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

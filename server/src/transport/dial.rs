//! Opens the connections that the actor asks for.

use std::io::ErrorKind;
use std::sync::Arc;

use regrow_model::message::client::Info;
use regrow_model::message::{Address, Line, Peer};
use regrow_model::port::End;
use tokio::time::timeout;

use super::admission::Place;
use super::handshake::{Dialer, Unfit};
use super::stream::Stream;
use super::{Shared, Side, Transport};
use crate::metrics::Dialed;
use crate::runtime::{Dial, Event, Outbox};

impl Dial for Transport {
    fn dial(&self, address: Address) {
        let this = self.clone();
        tokio::spawn(async move {
            let error = match timeout(this.0.pace.dial, this.reach(&address)).await {
                Ok(Ok(stream)) => {
                    this.0.traffic.dials.of(Dialed::Up).inc();
                    let place = Place::own(&this.0);
                    return this.carry(stream, None, End::Dialed(address), place);
                }
                Ok(Err(Unfit::Stranger)) => {
                    this.0.traffic.dials.of(Dialed::Refused).inc();
                    return this.0.refused(address).await;
                }
                Ok(Err(error @ Unfit::Incompatible(_))) => {
                    tracing::error!(event = "incompatible", %address, %error, "not a peer");
                    error.to_string()
                }
                Ok(Err(Unfit::Io(error))) => {
                    if error.kind() == ErrorKind::InvalidData {
                        tracing::warn!(event = "certificate_refused", %address, %error, "not linked");
                    }
                    error.to_string()
                }
                Err(late) => late.to_string(),
            };
            this.0.traffic.dials.of(Dialed::Failed).inc();
            tracing::debug!(%address, error, "cannot be reached");
            // Nobody to tell: the runtime has ended.
            let _ = this.0.events.send(Event::Unreachable { address }).await;
        });
    }
}

impl Transport {
    /// Connects, and as a server proves to be one.
    async fn reach(&self, address: &Address) -> Result<Box<dyn Stream>, Unfit> {
        #[cfg(feature = "mutants")]
        let address = &crate::steered::route(address);
        let limits = self.0.limits();
        let mut stream = self.0.connector.connect(address, &limits).await?;
        if let Side::Server(_, key) = &self.0.side {
            Dialer::new(key.clone()).introduce(&mut *stream).await?;
        }
        Ok(stream)
    }
}

impl Shared {
    /// A server that was reached knows another secret: the actor hears it as that server would say it, and no more.
    async fn refused(self: &Arc<Self>, address: Address) {
        let link = self.link();
        let outbox = Arc::new(Outbox::new(self.limits().outbox));
        let end = End::Dialed(address);
        let info = Info::IncorrectServerSecret;
        let line = Line::Peer(Peer::AuthenticationFail { info });
        for event in [
            Event::Up { link, end, outbox },
            Event::Line { link, line },
            Event::Down { link },
        ] {
            let _ = self.report(event).await;
        }
    }
}

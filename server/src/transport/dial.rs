//! Opens the connections that the actor asks for.

use std::io;

use regrow_model::message::Address;
use regrow_model::port::End;
use tokio::time::timeout;

use super::Transport;
use super::admission::Place;
use super::stream::Stream;
use super::tcp::Tcp;
use crate::metrics::Dialed;
use crate::runtime::{Dial, Event};

impl Dial for Transport {
    fn dial(&self, address: Address) {
        let this = self.clone();
        tokio::spawn(async move {
            let error = match timeout(this.0.pace.dial, connect(&address)).await {
                Ok(Ok(stream)) => {
                    this.0.traffic.dials.of(Dialed::Up).inc();
                    let place = Place::own(&this.0);
                    return this.carry(stream, None, End::Dialed(address), place);
                }
                Ok(Err(error)) => error.to_string(),
                Err(late) => late.to_string(),
            };
            this.0.traffic.dials.of(Dialed::Failed).inc();
            tracing::debug!(%address, error, "cannot be reached");
            // Nobody to tell: the runtime has ended.
            let _ = this.0.events.send(Event::Unreachable { address }).await;
        });
    }
}

async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(Tcp::connect(address).await?))
}

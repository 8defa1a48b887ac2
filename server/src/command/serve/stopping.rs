//! SIGTERM and SIGINT: the server drains, then ends; a second one ends it at once.

use std::io;
use std::time::Duration;

use regrow_model::node::{Halt, Order};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The signals that stop a server.
pub(super) struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    /// From here on they no longer end the process by themselves.
    ///
    /// # Errors
    /// When the system doesn't let us wait for signals.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Lets the actor send its clients on, hand over and leave, in so much time.
pub(super) async fn drain(
    asks: mpsc::Sender<Order>,
    halted: &mut mpsc::Receiver<Halt>,
    within: Duration,
) {
    let left = async {
        // An actor that is gone has nothing to drain.
        let _ = asks.send(Order::Drain).await;
        halted.recv().await
    };
    if tokio::time::timeout(within, left).await.is_err() {
        let seconds = within.as_secs();
        tracing::warn!(
            event = "drain_cut_short",
            seconds,
            "not everything could be handed over in time; what is here comes back with this server's data directory"
        );
    }
}

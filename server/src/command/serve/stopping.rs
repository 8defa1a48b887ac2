//! SIGTERM and SIGINT: the server drains, then ends; a second one ends it at once.

use std::io;
use std::time::Duration;

use regrow_model::node::{Halt, Order, State};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::runtime::Handle;

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

/// How long the actor may take to hear an order.
const HEARING: Duration = Duration::from_secs(1);

/// Lets the actor send its clients on, hand over and leave, in so much time.
pub(super) async fn drain(
    node: &Handle<Order, State>,
    halted: &mut mpsc::Receiver<Halt>,
    within: Duration,
) {
    order(node).await;
    if tokio::time::timeout(within, halted.recv()).await.is_ok() {
        return;
    }
    let seconds = within.as_secs();
    if seconds > 0 {
        tracing::warn!(
            event = "drain_cut_short",
            seconds,
            "not everything could be handed over in time; what is here comes back with this server's data directory"
        );
    }
    // What has come since the first one is saved, too.
    order(node).await;
}

/// Returns when the actor has heard the order, and so asked for what it has to be saved.
async fn order(node: &Handle<Order, State>) {
    // An actor that is gone has nothing to drain.
    let _ = node.asks().send(Order::Drain).await;
    let _ = node.looks().at(HEARING, |_| ()).await;
}

//! What passes between a runtime and its transport.

use std::sync::Arc;

use regrow_model::message::{Address, Line};
use regrow_model::port::{End, Link};
use tokio::sync::mpsc;

use super::Outbox;

/// What happens on the transport. For each link: one `Up`, then its lines in order, then one `Down`,
/// whatever else happens.
#[derive(Debug)]
pub enum Event {
    /// A new link.
    Up {
        /// Its name, never used before in this process.
        link: Link,
        /// Who dialed.
        end: End,
        /// Where lines to its far end go.
        outbox: Arc<Outbox>,
    },
    /// A line came in.
    Line {
        /// Over which link.
        link: Link,
        /// What it says.
        line: Line,
    },
    /// The far end's kernel has acknowledged more lines.
    Received {
        /// On which link.
        link: Link,
        /// How many in all.
        lines: u64,
    },
    /// A link is gone.
    Down {
        /// Which.
        link: Link,
    },
    /// A dial has failed.
    Unreachable {
        /// What was dialed.
        address: Address,
    },
}

/// Where a transport puts events. Bounded: a transport that must wait stops reading from its sockets.
pub type Events = mpsc::Sender<Event>;

/// Opens links.
pub trait Dial: Send + 'static {
    /// Begins to dial and returns at once. Ends, within a limit of time, in exactly one
    /// [`Event::Up`] with [`End::Dialed`] or one [`Event::Unreachable`].
    fn dial(&self, address: Address);
}

//! What a recording shows that must not be.

use std::time::Duration;

use regrow_model::message::Address;
use regrow_model::node::Timer;
use regrow_model::port::Link;
use serde::Serialize;

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The node that ran is the node that is checked.
    SameNode,
    /// Handlers are atomic, and none is left out.
    Atomic,
    /// Each `Up` is followed by one `Down`, nothing comes over a link before or after, and each dial ends once.
    UpAndDown,
    /// What follows a save leaves when it is on disk.
    SavedBeforeSent,
    /// What was on disk is there at the next start.
    Durable,
    /// A timer fires once per set, late but never lost.
    Timers,
    /// What one server receives on a link is what the other sent on it, in that order.
    Links,
    /// A property of the protocol.
    Property,
}

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// The recording isn't of this program, or the program depends on something else than its inputs.
    #[error("run again, the node asks for something else: {asks}")]
    Outcome {
        /// For what.
        asks: String,
    },
    /// The same, seen later.
    #[error("run again, the node comes to another state")]
    State,
    /// A handler is missing, or twice.
    #[error("handler {found} where {expected} was to come")]
    Number {
        /// Which was recorded.
        found: u64,
        /// Which came next.
        expected: u64,
    },
    /// One handler within another.
    #[error("a handler began before the one before it had ended, or ended twice")]
    Overlap,
    /// A second connection under the name of another.
    #[error("{link:?} came up that had been there before")]
    Again {
        /// Which.
        link: Link,
    },
    /// Something of a connection that isn't there.
    #[error("something came over {link:?}, which was not up")]
    NotUp {
        /// Which.
        link: Link,
    },
    /// A dial that nobody asked for, or its second end.
    #[error("a dial of {address} ended that had not begun")]
    NotDialed {
        /// Where.
        address: Address,
    },
    /// More than was sent.
    #[error("{link:?}: its far end has received {received} lines of {released}")]
    ReceivedUnsent {
        /// Where.
        link: Link,
        /// What its kernel said.
        received: u64,
        /// How many the transport had been given.
        released: u64,
    },
    /// The transport was given what nobody had sent.
    #[error("{link:?}: more lines went out than the node had sent")]
    ReleasedUnsent {
        /// Where.
        link: Link,
    },
    /// It left too early.
    #[error(
        "{link:?}: a line went out that waits for save {save}, when saves up to {durable} were on disk"
    )]
    SentBeforeSaved {
        /// Where.
        link: Link,
        /// What it had to wait for.
        save: u64,
        /// What was on disk.
        durable: u64,
    },
    /// The disk's numbers are wrong.
    #[error("save {found} was on disk, of {saves}, after {before}")]
    NeverSaved {
        /// Which was said to be.
        found: u64,
        /// How many there were.
        saves: u64,
        /// Which was before.
        before: u64,
    },
    /// An identity was used before it was kept.
    #[error("a second handler ran before the first one's save was on disk")]
    Unkept,
    /// Something is missing on the disk, or it was changed while the server was down.
    #[error(
        "its disk is not as the start before had left it: saves up to {durable} of {saves} were there. \
         If an operator has changed it meanwhile, begin a new recording elsewhere"
    )]
    OtherDisk {
        /// Which were known to be there.
        durable: u64,
        /// How many had been asked for.
        saves: u64,
    },
    /// A timer that isn't set.
    #[error("timer {timer:?} fired that was not set")]
    NotSet {
        /// Which.
        timer: Timer,
    },
    /// Before its time.
    #[error("timer {timer:?} fired after {after:?}, which is before its time, {start:?}")]
    Early {
        /// Which.
        timer: Timer,
        /// How long it had been set.
        after: Duration,
        /// How long it was to be set, at least.
        start: Duration,
    },
    /// A timer that was to fire and didn't.
    #[error("timer {timer:?} was lost: it was set at {set:?} and due at {due:?}")]
    Lost {
        /// Which.
        timer: Timer,
        /// When it was set, since the recording began.
        set: Duration,
        /// When it was due at the latest.
        due: Duration,
    },
    /// Something was received that wasn't sent there.
    #[error(
        "{link:?}: line {number} that it received from {other} isn't what {other} sent as such on {far:?} of its start {start}"
    )]
    OtherLine {
        /// Where.
        link: Link,
        /// Counted from 1.
        number: usize,
        /// The other server.
        other: String,
        /// The other end.
        far: Link,
        /// Of which start there.
        start: u64,
    },
    /// Somebody spoke who wasn't there.
    #[error("{link:?}: {other} speaks on it, and has no such link in its recording")]
    NoFarEnd {
        /// Where.
        link: Link,
        /// Who.
        other: String,
    },
    /// The protocol's own law.
    #[error("\"{name}\" does not hold")]
    Property {
        /// Its name.
        name: &'static str,
    },
}

impl Breach {
    /// Which promise is broken.
    pub fn promise(&self) -> Promise {
        match self {
            Self::Outcome { .. } | Self::State => Promise::SameNode,
            Self::Number { .. } | Self::Overlap => Promise::Atomic,
            Self::Again { .. }
            | Self::NotUp { .. }
            | Self::NotDialed { .. }
            | Self::ReceivedUnsent { .. }
            | Self::ReleasedUnsent { .. } => Promise::UpAndDown,
            Self::SentBeforeSaved { .. } | Self::NeverSaved { .. } | Self::Unkept => {
                Promise::SavedBeforeSent
            }
            Self::OtherDisk { .. } => Promise::Durable,
            Self::NotSet { .. } | Self::Early { .. } | Self::Lost { .. } => Promise::Timers,
            Self::OtherLine { .. } | Self::NoFarEnd { .. } => Promise::Links,
            Self::Property { .. } => Promise::Property,
        }
    }
}

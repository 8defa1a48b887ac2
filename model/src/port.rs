//! What a runtime hands to an actor, and what an actor asks of it. The checker's
//! [`World`](crate::world) and the server's runtime both speak exactly this (`docs/protocol.md`, Links).
//!
//! stateright's `Command` knows sends, timers and saves, and one message type serves both directions.
//! So [`Port`] is either an [`Input`] or an [`Effect`], and effects are sent to the one reserved
//! [`runtime_id`] id.
//!
//! What the runtime promises:
//! - Lines arrive in the order in which they were sent on that link; a suffix may be lost, nothing else.
//! - Every `Up` is followed by exactly one `Down`, unless the actor closed the link itself: after its own
//!   `Close` it never hears of that link again. What was sent before a `Close` is still delivered if the link lasts.
//! - Every `Open` ends in exactly one `Up` with [`End::Dialed`] or one `Unreachable`, within a limit of time.
//! - What an actor sends on a link that has broken, but whose `Down` it hasn't been handed, is lost with that link.
//! - A [`Link`] is never used for two connections while the actor may still remember the first.

use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use stateright::actor::Id;

use crate::message::{Address, Line};

/// The id that effects are sent to: the runtime itself.
pub fn runtime_id() -> Id {
    Id::from(usize::MAX)
}

/// Names a connection within one actor, as a file descriptor does within a process. Compared for equality only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link(pub u64);

impl Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// Which side of a new link the actor is on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum End {
    /// The actor asked for it, by this address.
    Dialed(Address),
    /// Somebody connected to the actor.
    Accepted,
}

/// What happens to an actor. `A` is what its own user or operator can ask of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Input<A> {
    /// A new link carries lines from now on.
    Up {
        /// Its name.
        link: Link,
        /// Who dialed.
        end: End,
    },
    /// A line came in.
    Line {
        /// Over which link.
        link: Link,
        /// What it says.
        line: Line,
    },
    /// What the far end's kernel has acknowledged by now.
    Received {
        /// On which link.
        link: Link,
        /// How many of the lines sent on it, from its beginning.
        lines: u64,
    },
    /// A link is gone; nothing more comes over it.
    Down {
        /// Which.
        link: Link,
    },
    /// A dial has failed.
    Unreachable {
        /// The address that was dialed.
        address: Address,
    },
    /// The actor's own user or operator asks for something.
    Ask(A),
}

impl Input<Infallible> {
    /// The same input, to any actor: its user or operator has no part in it.
    pub fn cast<A>(self) -> Input<A> {
        match self {
            Self::Up { link, end } => Input::Up { link, end },
            Self::Line { link, line } => Input::Line { link, line },
            Self::Received { link, lines } => Input::Received { link, lines },
            Self::Down { link } => Input::Down { link },
            Self::Unreachable { address } => Input::Unreachable { address },
            Self::Ask(never) => match never {},
        }
    }
}

/// What an actor asks of its runtime. `T` is what it tells its own user or operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<T> {
    /// Dial this address.
    Open {
        /// `host:port`.
        address: Address,
    },
    /// Send a line.
    Send {
        /// Over which link.
        link: Link,
        /// What to say.
        line: Line,
    },
    /// Send one line over many links, as one send each in this order.
    Spread {
        /// Over which links.
        links: Vec<Link>,
        /// What to say.
        line: Line,
    },
    /// Close a link once what was sent on it before has left.
    Close {
        /// Which.
        link: Link,
    },
    /// For the user or the log; nothing in the protocol depends on it.
    Tell(T),
}

/// An actor's stateright message: something happens to it, or it wants something to happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Port<A, T> {
    /// To the actor.
    In(Input<A>),
    /// From the actor.
    Out(Effect<T>),
}

/// What both actors' outputs share: effects addressed to the runtime.
pub trait Effects<T> {
    /// Queues one effect.
    fn effect(&mut self, effect: Effect<T>);
}

impl<N, A, T> Effects<T> for stateright::actor::Out<N>
where
    N: stateright::actor::Actor<Msg = Port<A, T>>,
    A: Clone + Debug + Eq + Hash,
    T: Clone + Debug + Eq + Hash,
{
    fn effect(&mut self, effect: Effect<T>) {
        self.send(runtime_id(), Port::Out(effect));
    }
}

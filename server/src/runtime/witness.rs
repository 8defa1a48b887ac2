//! Who sees all that an actor is given and what becomes of it, in the order in which it happens: enough to run the same
//! actor again later, and to tell whether its runtime kept its promises.

use regrow_model::port::{Input, Link};
use stateright::actor::{Actor, Out};

/// Why a handler runs.
pub enum Cause<'a, N: Actor, A> {
    /// The actor starts.
    Start,
    /// Something has happened.
    Input(&'a Input<A>),
    /// A timer has fired.
    Timer(&'a N::Timer),
    /// This was chosen at random of what the actor offered.
    Random(&'a N::Random),
}

/// Sees a running actor. Called on the actor's task: it must not block.
pub trait Witness<N: Actor, A>: Send {
    /// A handler begins. Timers that are due fire once a `round`, before all else that happens in it.
    fn begins(&mut self, round: u64, cause: Cause<'_, N, A>);

    /// The same handler has ended, left the actor in this state, and asks for this.
    fn ends(&mut self, state: &N::State, out: &Out<N>);

    /// All that it asked for has been done: timers that it has set run since before this moment.
    fn obeyed(&mut self);

    /// All saves up to this one are on disk. They are counted from 1.
    fn durable(&mut self, save: u64);

    /// So many lines were handed to the transport, link by link.
    fn released(&mut self, lines: &[(Link, usize)]);

    /// The actor has been stopped: no handler runs any more, and all is on disk.
    fn stopped(&mut self, round: u64, state: &N::State);
}

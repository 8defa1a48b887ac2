//! What an actor makes of what happens to it, remembered. In a world of several actors one of them meets the same thing
//! in the same state over and over, while something differs elsewhere. An actor is a pure function of the two: what it
//! did is what it would do again.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stateright::actor::{Actor, Command, Id, Out};

use super::link::Deed;
use super::{Memo, memo};
use crate::client::{self, Ask, Client, Told};
use crate::message::{Line, Peer};
use crate::node::{self, Node, Order, Report};
use crate::port::{Effect, Input, Link, Port};

/// How many reactions and states are remembered per actor, at most: a new one takes the place of an older one.
pub(super) const SLOTS: usize = 1 << 13;

/// An actor of a world.
pub(super) trait Reacts: Actor<Msg = Port<Self::Ask, Self::Told>> {
    /// What its own user or operator can ask of it.
    type Ask: Clone + Eq + Hash;
    /// What it tells them.
    type Told;
}

impl Reacts for Node {
    type Ask = Order;
    type Told = Report;
}

impl Reacts for Client {
    type Ask = Ask;
    type Told = Told;
}

/// Something that happens to an actor with timers `T`, of which `A` can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause<T, A> {
    /// A timer fires.
    Timer(T),
    /// A line comes in.
    Line { link: Link, line: Memo<Line> },
    /// Anything else.
    Input(Input<A>),
}

/// What can happen to any party: its timers and its user have no part in it.
pub(super) type Happening = Cause<Infallible, Infallible>;

/// What happens to a server.
pub(super) type OfServer = Cause<node::Timer, Order>;

/// What happens to a client.
pub(super) type OfClient = Cause<client::Timer, Ask>;

impl Happening {
    /// The same, to any actor.
    pub(super) fn cast<T, A>(self) -> Cause<T, A> {
        match self {
            Self::Timer(never) => match never {},
            Self::Line { link, line } => Cause::Line { link, line },
            Self::Input(input) => Cause::Input(input.cast()),
        }
    }
}

/// What an actor makes of something.
pub(super) struct Reaction<N: Reacts> {
    /// Its state afterwards.
    pub(super) state: Memo<N::State>,
    /// What it wants done, in order.
    pub(super) wants: Vec<Want<N>>,
    /// What it tells its user or operator, in order.
    pub(super) told: Vec<N::Told>,
}

/// Something that an actor wants done.
pub(super) enum Want<N: Reacts> {
    Set(N::Timer, Range<Duration>),
    Unset(N::Timer),
    Save(Memo<N::Storage>),
    Do(Deed),
}

impl<N: Reacts> Reaction<N> {
    /// An actor's state, and what its handler has asked for.
    pub(super) fn new(state: Memo<N::State>, out: Out<N>) -> Self {
        let (mut wants, mut told) = (Vec::new(), Vec::new());
        for command in out {
            match command {
                Command::SetTimer(timer, after) => {
                    // Those that are told the same shall not all act at once.
                    assert!(!after.is_empty(), "{after:?} leaves nothing to chance");
                    wants.push(Want::Set(timer, after));
                }
                Command::CancelTimer(timer) => wants.push(Want::Unset(timer)),
                Command::Save(durable) => wants.push(Want::Save(Memo::new(durable))),
                Command::Send(_, Port::Out(effect)) => match effect {
                    Effect::Tell(news) => told.push(news),
                    Effect::Open { address } => wants.push(Want::Do(Deed::Open { address })),
                    Effect::Send { link, line } => {
                        let line = Memo::new(line);
                        wants.push(Want::Do(Deed::Send { link, line }));
                    }
                    Effect::Spread { links, line } => {
                        let line = Memo::new(line);
                        wants.extend(links.into_iter().map(|link| {
                            let line = line.clone();
                            Want::Do(Deed::Send { link, line })
                        }));
                    }
                    Effect::Close { link } => wants.push(Want::Do(Deed::Close { link })),
                },
                Command::Send(_, Port::In(_)) | Command::ChooseRandom(..) => {}
            }
        }
        Self { state, wants, told }
    }

    fn of(actor: &N, before: &Memo<N::State>, cause: Cause<N::Timer, N::Ask>) -> Self {
        let mut out = Out::new();
        let mut state = Cow::Borrowed(&**before);
        let input = match cause {
            Cause::Timer(timer) => Err(timer),
            Cause::Line { link, line } => {
                let line = Line::clone(&line);
                Ok(Input::Line { link, line })
            }
            Cause::Input(input) => Ok(input),
        };
        match input {
            Ok(input) => actor.on_msg(nobody(), &mut state, nobody(), Port::In(input), &mut out),
            Err(timer) => actor.on_timeout(nobody(), &mut state, &timer, &mut out),
        }
        let after = match state {
            Cow::Borrowed(_) => before.clone(),
            Cow::Owned(state) => Memo::new(state),
        };
        Self::new(after, out)
    }
}

impl Reaction<Node> {
    /// Whether nothing has come of it: but for credit, its state is the one before, and it asks for nothing and tells nothing.
    pub(super) fn is_nothing(&self, before: &Memo<node::State>) -> bool {
        let is_credit = |want: &Want<Node>| match want {
            Want::Do(Deed::Send { line, .. }) => matches!(
                **line,
                Line::Peer(Peer::DirectoryCredit { .. } | Peer::DeliveryCredit { .. })
            ),
            Want::Do(Deed::Open { .. } | Deed::Close { .. })
            | Want::Set(..)
            | Want::Unset(_)
            | Want::Save(_) => false,
        };
        self.told.is_empty()
            && self.wants.iter().all(is_credit)
            && self.state.durable == before.durable
            && self.state.without_debts() == before.without_debts()
    }
}

/// The actors in a world are told apart by their links; their stateright id says nothing.
pub(super) fn nobody() -> Id {
    Id::from(0)
}

/// An actor that remembers what it did.
#[derive(Clone)]
pub(super) struct Practised<N: Reacts> {
    actor: N,
    deeds: Slots<Arc<Deja<N>>>,
    /// States that came of them, so that equal ones are one, however they came about.
    states: Slots<Memo<N::State>>,
}

/// What was met last of all that belongs in each slot.
type Slots<T> = Arc<[Mutex<Option<T>>]>;

/// Something that has happened before.
pub(super) struct Deja<N: Reacts> {
    before: Memo<N::State>,
    pub(super) cause: Cause<N::Timer, N::Ask>,
    /// What came of it.
    pub(super) reaction: Reaction<N>,
}

impl<N: Reacts> Practised<N> {
    /// An actor that hasn't done anything yet, and will remember so many reactions and states.
    pub(super) fn new(actor: N, memory: usize) -> Self {
        Self {
            actor,
            deeds: slots(memory),
            states: slots(memory),
        }
    }

    /// The actor itself.
    pub(super) fn actor(&self) -> &N {
        &self.actor
    }

    /// What it makes of something that happens to it in this state.
    pub(super) fn react(
        &self,
        before: &Memo<N::State>,
        cause: Cause<N::Timer, N::Ask>,
    ) -> Arc<Deja<N>>
    where
        N::State: Eq,
    {
        if self.deeds.is_empty() {
            let reaction = Reaction::of(&self.actor, before, cause.clone());
            let before = before.clone();
            return Arc::new(Deja {
                before,
                cause,
                reaction,
            });
        }
        let hash = memo::hash_of(&(before, &cause));
        let is_this = |deja: &Arc<Deja<N>>| deja.before == *before && deja.cause == cause;
        if let Some(deja) = lock(&self.deeds, hash).clone().filter(is_this) {
            return deja;
        }
        let mut reaction = Reaction::of(&self.actor, before, cause.clone());
        self.unite(&mut reaction.state);
        let deja = Arc::new(Deja {
            before: before.clone(),
            cause,
            reaction,
        });
        *lock(&self.deeds, hash) = Some(Arc::clone(&deja));
        deja
    }

    /// Replaces a state by an equal one that was met before, if that is remembered.
    fn unite(&self, state: &mut Memo<N::State>)
    where
        N::State: Eq,
    {
        let mut known = lock(&self.states, memo::hash_of(state));
        match &*known {
            Some(known) if known == state => *state = known.clone(),
            Some(_) | None => *known = Some(state.clone()),
        }
    }
}

fn slots<T>(memory: usize) -> Slots<T> {
    (0..memory).map(|_| Mutex::new(None)).collect()
}

/// The slot for what has this hash. A panic of another thread leaves nothing half done in it.
fn lock<T>(slots: &Slots<T>, hash: u64) -> MutexGuard<'_, Option<T>> {
    let slot = &slots[hash as usize % slots.len()];
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<N: Reacts + fmt::Debug> fmt::Debug for Practised<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.actor.fmt(f)
    }
}

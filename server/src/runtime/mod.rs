//! Drives any stateright [`Actor`] whose messages are a [`Port`] on real links, a real clock and a real disk.
//!
//! ```text
//!              ┌──────────────── one task ────────────────┐
//!  Event  ───▶ │ one handler at a time ─▶ its commands, in │ ──▶ Outbox of a link
//!  ask    ───▶ │ order: sends, timers, saves, dials        │ ──▶ Dial
//!  timer  ───▶ │ [timers]   [links: held sends]   [commit] │ ──▶ told
//!  look   ───▶ │ changes nothing                           │ ──▶ what it saw
//!              └───────────────▲──────────────────│────────┘
//!                              └── durable up to ─┘ the disk's own thread, one fsync for many saves
//! ```
//!
//! What it promises is written on [`regrow_model::port`] (`design.md` §4); what is particular to this
//! implementation:
//! - A handler runs to its end before anything else is looked at, on a state that is always owned.
//! - The first handler's save is on disk before a second handler runs: an identity is never used before it is kept.
//! - A send or close after a save in the same handler waits for that save, later ones on the same link
//!   wait behind it, nothing else waits (`links.rs`).
//! - A [`Witness`] sees each handler's input before the handler runs, what it asks for before that is done, and a save on
//!   disk before anything that waited for it goes to the transport.
//! - Nothing queues without a bound. A link whose far end doesn't read is cut at its bound; everything
//!   else waits where it came from, down to the sender's own socket.

mod commit;
mod desk;
mod event;
#[cfg(test)]
pub(crate) mod flaw;
mod links;
mod look;
mod outbox;
#[cfg(test)]
mod promises;
mod reins;
mod sheet;
mod timers;
mod witness;

pub use commit::{Disk, DiskHealth, Forgetful};
pub use event::{Dial, Event, Events};
pub use look::{LookError, Looks, View, Waiting};
pub use outbox::{Bound, Far, Fate, Outbox, Status};
#[cfg(feature = "mutants")]
pub use reins::{Pull, Pulls, Taken};
pub use sheet::Passage;
pub use witness::{Cause, Witness};

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use regrow_model::message::Line;
use regrow_model::port::{Effect, Input, Port, runtime_id};
use stateright::actor::{Actor, Command, Id, Out};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use commit::Keeper;
use links::Links;
use look::Glance;
use reins::Reins;
use timers::Timers;

/// How many events are taken from the queue at once.
const BATCH: usize = 256;
/// How many events of all links together may wait for the actor.
pub const EVENTS: usize = 1024;
/// How much of what the actor tells may wait for its saves. Past it the oldest is told: nothing in the protocol depends on it.
const UNTOLD: usize = 4_096;
/// How many questions of the user may wait for the actor.
const ASKS: usize = 16;

/// How long links are kept at the end while the disk has still to save.
const PARTING: Duration = Duration::from_secs(1);

/// Sees lines that are sent, and over how many links.
pub type Said = Box<dyn FnMut(&Line, usize) + Send>;

/// What an actor is run with.
pub struct Setup<N: Actor, A, T> {
    /// The actor.
    pub actor: N,
    /// What its disk held when it started.
    pub storage: Option<N::Storage>,
    /// Where its saves go.
    pub disk: Box<dyn Disk<N::Storage>>,
    /// What opens links for it.
    pub dial: Box<dyn Dial>,
    /// Receives what it tells. Called on the actor's task: it must not block.
    pub told: Box<dyn FnMut(T) + Send>,
    /// Sees each line that it sends, and over how many links, to count them. It must not block either.
    pub said: Said,
    /// Sees all of it, if it is recorded.
    pub witness: Option<Box<dyn Witness<N, A>>>,
}

/// Holds a running actor. Dropping it stops the actor without waiting.
pub struct Handle<A, S> {
    asks: mpsc::Sender<A>,
    disk: watch::Receiver<DiskHealth>,
    looks: Looks<S>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl<A, S: 'static> Handle<A, S> {
    /// A way to ask the actor for something, to be handed out.
    pub fn asks(&self) -> mpsc::Sender<A> {
        self.asks.clone()
    }

    /// Whether its saves succeed, to be handed out; it changes as that changes.
    pub fn disk(&self) -> watch::Receiver<DiskHealth> {
        self.disk.clone()
    }

    /// A way to look at the actor's state, to be handed out.
    pub fn looks(&self) -> Looks<S> {
        self.looks.clone()
    }

    /// Ends the actor after its present handler, once all that it saved is on disk.
    ///
    /// # Errors
    /// When the actor has panicked.
    pub async fn stop(self) -> Result<(), tokio::task::JoinError> {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(());
        self.task.await
    }

    /// Returns when the actor has ended by itself, which only a panic makes it do.
    pub async fn ended(&mut self) -> Result<(), tokio::task::JoinError> {
        (&mut self.task).await
    }
}

impl<N, A, T> Setup<N, A, T>
where
    N: Actor<Msg = Port<A, T>> + Send + Sync + 'static,
    N::State: Send + Sync + 'static,
    N::Timer: Send,
    N::Random: Send,
    N::Storage: Send + 'static,
    A: Clone + Debug + Eq + Hash + Send + 'static,
    T: Clone + Debug + Eq + Hash + Send + 'static,
{
    /// Starts the actor on the current tokio runtime. `events` is where its transport puts what happens.
    pub fn spawn(self, events: mpsc::Receiver<Event>) -> Handle<A, N::State> {
        self.spawn_with(events, Reins::loose())
    }

    /// The same; its timers fire and its saves reach the disk when it is told so.
    #[cfg(feature = "mutants")]
    pub fn spawn_held(self, events: mpsc::Receiver<Event>, pulls: Pulls<N>) -> Handle<A, N::State> {
        let reins = Reins::held(pulls, self.storage.clone());
        self.spawn_with(events, reins)
    }

    fn spawn_with(self, events: mpsc::Receiver<Event>, reins: Reins<N>) -> Handle<A, N::State> {
        let (asks, asked) = mpsc::channel(ASKS);
        let (looks, looked) = Looks::new();
        let (stop, stopped) = oneshot::channel();
        let running = Running::start(self, reins);
        let disk = running.keeper.health();
        let task = tokio::spawn(running.run(events, asked, looked, stopped));
        Handle {
            asks,
            looks,
            disk,
            stop,
            task,
        }
    }
}

/// The actor and all that it has asked for.
struct Running<N: Actor<State: 'static>, A, T> {
    actor: N,
    state: Cow<'static, N::State>,
    timers: Timers<N::Timer>,
    choices: VecDeque<(String, N::Random)>,
    links: Links,
    keeper: Keeper<N::Storage>,
    reins: Reins<N>,
    dial: Box<dyn Dial>,
    told: Box<dyn FnMut(T) + Send>,
    said: Said,
    untold: VecDeque<(u64, T)>,
    witness: Option<Box<dyn Witness<N, A>>>,
    /// How often it has looked at its timers.
    round: u64,
    /// Which save the witness knows to be on disk.
    shown_durable: u64,
    #[cfg(test)]
    broken: flaw::Broken,
}

impl<N, A, T> Running<N, A, T>
where
    N: Actor<Msg = Port<A, T>>,
    N::State: 'static,
    N::Storage: Send + 'static,
    A: Clone + Debug + Eq + Hash,
    T: Clone + Debug + Eq + Hash,
{
    fn start(setup: Setup<N, A, T>, reins: Reins<N>) -> Self {
        let mut witness = setup.witness;
        if let Some(witness) = &mut witness {
            witness.begins(0, Cause::Start);
        }
        let mut out = Out::new();
        let state = setup.actor.on_start(own_id(), &setup.storage, &mut out);
        let mut running = Self {
            actor: setup.actor,
            state: Cow::Owned(state),
            timers: Timers::new(),
            choices: VecDeque::new(),
            links: Links::new(witness.is_some()),
            keeper: Keeper::new(setup.disk),
            reins,
            dial: setup.dial,
            told: setup.told,
            said: setup.said,
            untold: VecDeque::new(),
            witness,
            round: 0,
            shown_durable: 0,
            #[cfg(test)]
            broken: flaw::Broken::next(),
        };
        running.ended(out);
        running
    }

    async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut asked: mpsc::Receiver<A>,
        mut looked: mpsc::Receiver<Glance<N::State>>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        if !self.reins.are_held() {
            self.keeper.settled().await;
        }
        loop {
            self.round += 1;
            self.release();
            self.fire_timers();
            self.flush();
            let alarm = self.timers.next().filter(|_| !self.reins.are_held());
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = self.keeper.advanced() => {}
                pull = self.reins.pulled() => self.pull(pull),
                Some(ask) = asked.recv() => self.input(Input::Ask(ask)),
                Some(glance) = looked.recv() => glance(&self.view(events.len())),
                taken = events.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        break;
                    }
                    for event in batch.drain(..) {
                        #[cfg(test)]
                        for event in self.broken.bend(event) {
                            self.event(event);
                        }
                        #[cfg(not(test))]
                        self.event(event);
                    }
                }
                () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {}
            }
        }
        if timeout(PARTING, self.keeper.settled()).await.is_err() {
            // While its disk fails it carries nothing any more: to others it has to be gone, not silent.
            self.links.cut_all();
            self.keeper.settled().await;
        }
        self.release();
        self.flush();
        self.links.finish();
        if let Some(witness) = &mut self.witness {
            witness.stopped(self.round, &self.state);
        }
        // What still comes is for nobody; a transport that waits to say it must not wait for ever.
        events.close();
    }

    /// What can be seen of it now, with so many events waiting.
    fn view(&self, events: usize) -> View<'_, N::State> {
        View {
            state: &self.state,
            unsaved: self.keeper.unsaved(),
            events,
            links: &self.links,
            #[cfg(feature = "mutants")]
            taken: Taken {
                is_on_disk: self.keeper.is_durable(self.reins.let_out),
                ..self.reins.taken
            },
        }
    }

    /// Hands one event to the actor, unless it is about a link that the actor has closed.
    fn event(&mut self, event: Event) {
        #[cfg(feature = "mutants")]
        if let Event::Line { link, .. } | Event::Down { link } = &event {
            self.reins.take(&event, self.links.hears(*link));
        }
        let input = match event {
            Event::Up { link, end, outbox } => {
                self.links.up(link, outbox);
                Input::Up { link, end }
            }
            Event::Line { link, line } if self.links.hears(link) => Input::Line { link, line },
            Event::Received { link, lines } if self.links.hears(link) => {
                Input::Received { link, lines }
            }
            Event::Down { link } if self.links.down(link) => Input::Down { link },
            Event::Unreachable { address } => Input::Unreachable { address },
            Event::Line { .. } | Event::Received { .. } | Event::Down { .. } => return,
        };
        self.input(input);
    }

    fn input(&mut self, input: Input<A>) {
        self.begins(Cause::Input(&input));
        self.step(|actor, state, out| {
            actor.on_msg(own_id(), state, runtime_id(), Port::In(input), out);
        });
    }

    /// Does what whoever holds the reins wants: nobody does.
    #[cfg(not(feature = "mutants"))]
    fn pull(&mut self, pull: reins::Pull) {
        match pull {}
    }

    /// Does what whoever holds the reins wants.
    #[cfg(feature = "mutants")]
    fn pull(&mut self, pull: Pull<N>) {
        // Nobody is left to hear an answer: whoever held the reins has gone.
        match pull {
            Pull::Fire(timer, was_set) => {
                let is_set = self.timers.take(&timer);
                if is_set {
                    self.fire(&timer);
                }
                let _ = was_set.send(is_set);
            }
            Pull::Sync(was_there) => {
                let oldest = self.reins.next_save();
                let _ = was_there.send(oldest.is_some());
                self.put(oldest);
            }
            Pull::Receive(link, lines) => self.input(Input::Received { link, lines }),
            Pull::LetGo => {
                let newest = self.reins.let_go();
                self.put(newest);
            }
            Pull::Alter(change) => {
                let (state, storage) = change(&self.state);
                self.state = Cow::Owned(state);
                self.save(storage);
                while let Some(oldest) = self.reins.next_save() {
                    self.put(Some(oldest));
                }
            }
        }
    }

    /// Lets a save to the disk at once.
    #[cfg(feature = "mutants")]
    fn put(&mut self, save: Option<(u64, N::Storage)>) {
        if let Some((number, storage)) = save {
            self.reins.let_out = number;
            self.keeper.put(number, storage);
            self.keeper.want(number);
        }
    }

    fn fire(&mut self, timer: &N::Timer) {
        self.begins(Cause::Timer(timer));
        self.step(|actor, state, out| actor.on_timeout(own_id(), state, timer, out));
    }

    /// Asks for a save and returns its number.
    fn save(&mut self, storage: N::Storage) -> u64 {
        let number = self.keeper.number();
        if let Some((number, storage)) = self.reins.saved(number, storage) {
            self.keeper.put(number, storage);
        }
        number
    }

    fn fire_timers(&mut self) {
        if self.reins.are_held() {
            return;
        }
        let now = Instant::now();
        for timer in self.timers.due(now) {
            // An earlier one of the same moment may have cancelled it, or set it to a later one.
            if self.timers.take_due(&timer, now) {
                self.fire(&timer);
            }
        }
    }

    /// Runs one handler and what it chose at random, and obeys them.
    fn step(&mut self, handler: impl FnOnce(&N, &mut Cow<'static, N::State>, &mut Out<N>)) {
        let mut out = Out::new();
        handler(&self.actor, &mut self.state, &mut out);
        self.ended(out);
        while let Some((_, random)) = self.choices.pop_front() {
            self.begins(Cause::Random(&random));
            let mut out = Out::new();
            self.actor
                .on_random(own_id(), &mut self.state, &random, &mut out);
            self.ended(out);
        }
    }

    /// A handler is about to run.
    fn begins(&mut self, cause: Cause<'_, N, A>) {
        if self.witness.is_some() {
            self.show_released();
        }
        if let Some(witness) = &mut self.witness {
            witness.begins(self.round, cause);
        }
    }

    /// It has run, and is obeyed.
    fn ended(&mut self, out: Out<N>) {
        if let Some(witness) = &mut self.witness {
            witness.ends(&self.state, &out);
        }
        self.obey(out);
        if let Some(witness) = &mut self.witness {
            witness.obeyed();
        }
    }

    /// Gives the transport what is ready.
    fn flush(&mut self) {
        self.links.flush();
        self.show_released();
    }

    /// Shows the witness what the transport was given.
    fn show_released(&mut self) {
        let Some(witness) = &mut self.witness else {
            return;
        };
        let released = self.links.take_released();
        if !released.is_empty() {
            witness.released(&released);
        }
    }

    /// Carries out one handler's commands, in order.
    fn obey(&mut self, out: Out<N>) {
        let mut barrier = None;
        for command in out {
            #[cfg(test)]
            match &command {
                Command::SetTimer(..) if self.broken.is(flaw::Flaw::ForgetsTimers) => continue,
                Command::Send(..) if self.broken.is(flaw::Flaw::SendsBeforeSaved) => barrier = None,
                _ => {}
            }
            match command {
                Command::Send(_, Port::Out(effect)) => self.effect(effect, barrier),
                Command::Send(to, Port::In(input)) => {
                    tracing::error!(?to, ?input, "an actor can send only effects: ignored");
                }
                Command::SetTimer(timer, range) => self.timers.set(timer, &range, Instant::now()),
                Command::CancelTimer(timer) => {
                    self.timers.take(&timer);
                }
                Command::ChooseRandom(key, options) => self.choose(key, options),
                Command::Save(storage) => barrier = Some(self.save(storage)),
            }
        }
    }

    fn effect(&mut self, effect: Effect<T>, barrier: Option<u64>) {
        if let Some(save) = barrier {
            self.keeper.want(save);
        }
        match effect {
            Effect::Open { address } => self.dial.dial(address),
            Effect::Send { link, line } => {
                (self.said)(&line, 1);
                self.links.send(link, &line, barrier);
            }
            Effect::Spread { links, line } => {
                (self.said)(&line, links.len());
                self.links.spread(links, &line, barrier);
            }
            Effect::Close { link } => self.links.close(link, barrier),
            Effect::Tell(told) => match barrier.or(self.untold.back().map(|(seq, _)| *seq)) {
                Some(seq) => self.untold.push_back((seq, told)),
                None => (self.told)(told),
            },
        }
    }

    fn choose(&mut self, key: String, options: Vec<N::Random>) {
        use rand::seq::IndexedRandom;
        self.choices.retain(|(other, _)| *other != key);
        if let Some(random) = options.choose(&mut rand::rng()) {
            self.choices.push_back((key, random.clone()));
        }
    }

    /// Lets go of everything that waited for what is on disk by now.
    fn release(&mut self) {
        let durable = self.keeper.durable();
        if durable > self.shown_durable && self.witness.is_some() {
            self.show_released();
            self.shown_durable = durable;
            if let Some(witness) = &mut self.witness {
                witness.durable(durable);
            }
        }
        self.links.release(durable);
        while self.untold.len() > UNTOLD
            || self.untold.front().is_some_and(|(seq, _)| *seq <= durable)
        {
            if let Some((_, told)) = self.untold.pop_front() {
                (self.told)(told);
            }
        }
    }
}

/// What the actor is called by itself. It lives alone in its process: its name in the protocol is its own affair.
fn own_id() -> Id {
    Id::from(0)
}

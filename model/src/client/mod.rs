//! The client actor. One link at a time; it knows several servers and goes to the next when its server dies.
//! [`Kind::Legacy`] is the original protocol's client: no acknowledgement, no resumption, no second
//! attempt at anything (`docs/protocol.md`, Client).
//!
//! ```text
//!          Register, Login                Up: REGISTER or LOGIN       LOGIN_SUCCESS: offers what it kept
//!   Idle ───────────────────▶ Dialing ───────────────────────▶ greeting ──────────▶ Live
//!    ▲                         │   ▲ ▲                          │ │ │                │ │
//!    │ gives up, Logout, Quit  │   │ └──────── REDIRECT ────────┼─┼─┴────────────────┘ │
//!    │            Unreachable  ▼   │ Retry                      │ │                    │
//!    └──────────────────────── Waiting ◀──── Down, a refusal ───┴─┴────────────────────┘
//! ```
//!
//! What it must not forget ([`Memory`]) it keeps for as long as its process runs. It saves nothing: a
//! client that dies and starts again is another copy of the program, and needs another
//! [`Config::client`]. A runtime that did keep a [`Memory`] may hand it to the next start as its storage.

pub mod coherence;
mod connection;
pub mod identity;
pub mod memory;
pub mod rules;
pub mod servers;
#[cfg(test)]
mod tests;
mod user;

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stateright::actor::{Actor, Id, Out};

use crate::message::{Address, ClientId, Line, Request};
use crate::port::{Effect, Effects, End, Input, Link, Port};
pub use connection::{Connection, Phase};
pub use identity::{Claim, Greeting, Identity};
pub use memory::Memory;
use rules::Rules;
pub use servers::Servers;
pub use user::{Ask, Declined, Told};

/// What a client is told when it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which running copy of the program this is: another one at each start, unless it starts with
    /// the [`Memory`] of the one before.
    pub client: ClientId,
    /// Servers to connect to, in order; at least one.
    pub servers: Vec<Address>,
    /// Whether it asks for our extension of the protocol.
    pub kind: Kind,
    /// How many of its own messages it keeps until they are stable; more are declined.
    pub kept_max: usize,
    /// How many lines it may have heard before ACTIVITY_GOT says so at once; `None`: any number, until it is time.
    pub ungot_max: Option<u32>,
    /// Which intervals it keeps.
    pub timing: Timing,
}

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// With our extension.
    Ours,
    /// The original one. It reports every end of a connection and waits for its user.
    Legacy,
}

/// The intervals that a client keeps. Ranges, so that a server's clients don't all come back at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Before each dial but the first.
    pub retry: Range<Duration>,
    /// How often that interval is doubled, at most: once each time that all servers were tried in vain.
    pub backoffs: u32,
    /// How long something may have been heard before ACTIVITY_GOT says so.
    pub got: Range<Duration>,
}

impl Default for Timing {
    /// Back within a blink, and at most every few seconds when nobody answers.
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            retry: ms(20)..ms(60),
            backoffs: 6,
            got: ms(500)..ms(1000),
        }
    }
}

/// The client actor, for one start.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    rules: Rules,
}

impl Client {
    /// A client that keeps the protocol's rules.
    pub fn new(config: Config) -> Self {
        Self::with_rules(config, rules::SOUND)
    }

    /// A client that keeps other rules: for the checker alone.
    pub(crate) fn with_rules(config: Config, rules: Rules) -> Self {
        Self { config, rules }
    }

    /// What it was told when it was set up.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// All that a client remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What it said and heard.
    pub memory: Memory,
    /// Who its user is; nobody when there is nothing to connect for.
    pub identity: Option<Identity>,
    /// How far its connection is.
    pub stage: Stage,
    /// Whom it can dial.
    pub servers: Servers,
}

/// How far a client's connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// There is none, and none is wanted.
    Idle,
    /// The retry timer runs.
    Waiting,
    /// A dial is under way.
    Dialing(Address),
    /// There is one.
    Connected(Connection),
}

/// A client's timers: a closed set without counters; setting one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// No connection: dial the next server.
    Retry,
    /// Something was heard that the server hasn't been told of: ACTIVITY_GOT.
    Got,
}

/// A client's stateright message.
pub type Msg = Port<Ask, Told>;

/// One handler's run: who runs it, and what it asks for.
struct Step<'a> {
    config: &'a Config,
    rules: &'a Rules,
    out: &'a mut Out<Client>,
}

impl Step<'_> {
    fn say(&mut self, link: Link, request: Request) {
        let line = Line::Request(request.into());
        self.out.effect(Effect::Send { link, line });
    }

    fn open(&mut self, address: Address) {
        self.out.effect(Effect::Open { address });
    }

    fn close(&mut self, link: Link) {
        self.out.effect(Effect::Close { link });
    }

    fn tell(&mut self, told: Told) {
        self.out.effect(Effect::Tell(told));
    }
}

impl Actor for Client {
    type Msg = Msg;
    type Timer = Timer;
    type State = State;
    type Storage = Memory;
    type Random = ();

    fn on_start(&self, _: Id, storage: &Option<Memory>, _: &mut Out<Self>) -> State {
        State {
            memory: storage.clone().unwrap_or_default(),
            identity: None,
            stage: Stage::Idle,
            servers: Servers::new(&self.config.servers),
        }
    }

    fn on_msg(&self, _: Id, state: &mut Cow<State>, _: Id, msg: Msg, out: &mut Out<Self>) {
        match msg {
            Port::In(input) => on_input(state.to_mut(), input, &mut self.step(out)),
            Port::Out(_) => {}
        }
    }

    fn on_timeout(&self, _: Id, state: &mut Cow<State>, timer: &Timer, out: &mut Out<Self>) {
        let (state, step) = (state.to_mut(), &mut self.step(out));
        match timer {
            Timer::Retry => on_retry(state, step),
            Timer::Got => connection::on_got_timer(state, step),
        }
    }
}

impl Client {
    fn step<'a>(&'a self, out: &'a mut Out<Client>) -> Step<'a> {
        Step {
            config: &self.config,
            rules: &self.rules,
            out,
        }
    }
}

fn on_input(s: &mut State, input: Input<Ask>, step: &mut Step<'_>) {
    match input {
        Input::Up { link, end } => match end {
            End::Dialed(address) => on_dialed(s, link, address, step),
            End::Accepted => step.close(link),
        },
        Input::Line { link, line } => connection::on_line(s, link, line, step),
        Input::Down { .. } => connection::on_down(s, step),
        Input::Unreachable { address } => on_unreachable(s, address, step),
        Input::Received { .. } => {}
        Input::Ask(ask) => on_ask(s, ask, step),
    }
}

/// Its user asks for something.
fn on_ask(s: &mut State, ask: Ask, step: &mut Step<'_>) {
    match ask {
        Ask::Register { username, secret } => {
            let identity = Identity::new(username, Some(secret), Claim::Wanted);
            on_identity(s, identity, step);
        }
        Ask::Login { username, secret } => {
            on_identity(s, Identity::new(username, secret, Claim::Presumed), step);
        }
        Ask::Say(activity) => connection::on_say(s, activity, step),
        Ask::Move { to } => on_move(s, to, step),
        Ask::Logout => {
            connection::on_logout(s, step);
            leave(s, Memory::begin_anew, step);
        }
        Ask::Quit => leave(s, |memory| memory.said.len() as u64, step),
    }
}

/// Its user wants to be somebody.
fn on_identity(s: &mut State, identity: Identity, step: &mut Step<'_>) {
    if s.identity.is_some() {
        return step.tell(Told::Declined(Declined::AlreadySomebody));
    }
    if identity.claim == Claim::Wanted {
        s.memory.begin_anew();
    }
    if (step.rules.begins_anew)() {
        s.memory.belong_to(&identity.username);
    }
    s.identity = Some(identity);
    dial_next(s, step);
}

fn on_move(s: &mut State, to: Address, step: &mut Step<'_>) {
    if s.identity.is_none() {
        return step.tell(Told::Declined(Declined::Nobody));
    }
    connection::close(s, step);
    s.servers.learn([to.clone()]);
    dial(s, to, step);
}

/// The connection ends by its user's wish.
fn leave(s: &mut State, ends: fn(&mut Memory) -> u64, step: &mut Step<'_>) {
    if s.identity.is_none() {
        return step.tell(Told::Declined(Declined::Nobody));
    }
    rest(s, step);
    let unsaid = (step.rules.admits)(ends(&mut s.memory));
    step.tell(Told::Left { unsaid });
}

/// There is nothing left to connect for.
fn rest(s: &mut State, step: &mut Step<'_>) {
    connection::close(s, step);
    if s.stage == Stage::Waiting {
        step.out.cancel_timer(Timer::Retry);
    }
    s.identity = None;
    s.stage = Stage::Idle;
    s.servers.start();
}

/// Timer: no connection. Dials the next server, for ever.
fn on_retry(s: &mut State, step: &mut Step<'_>) {
    if s.stage == Stage::Waiting {
        dial_next(s, step);
    }
}

fn dial_next(s: &mut State, step: &mut Step<'_>) {
    match s.servers.next(step.config.timing.backoffs) {
        Some(address) => dial(s, address, step),
        None => rest(s, step),
    }
}

fn dial(s: &mut State, address: Address, step: &mut Step<'_>) {
    if s.stage == Stage::Waiting {
        step.out.cancel_timer(Timer::Retry);
    }
    s.stage = Stage::Dialing(address.clone());
    step.open(address);
}

/// Dials the next candidate a little later.
fn wait(s: &mut State, step: &mut Step<'_>) {
    s.stage = Stage::Waiting;
    let retry = &step.config.timing.retry;
    let factor = (step.rules.backs_off)(s.servers.rounds);
    let after = retry.start * factor..retry.end * factor;
    step.out.set_timer(Timer::Retry, after);
}

/// A dial has become a link: greets the server.
fn on_dialed(s: &mut State, link: Link, address: Address, step: &mut Step<'_>) {
    if s.stage == Stage::Dialing(address.clone()) {
        connection::greet(s, link, address, step);
    } else {
        step.close(link);
    }
}

/// A dial has failed.
fn on_unreachable(s: &mut State, address: Address, step: &mut Step<'_>) {
    if s.stage != Stage::Dialing(address.clone()) {
        return;
    }
    step.tell(Told::Unreachable { address });
    match step.config.kind {
        Kind::Ours => wait(s, step),
        Kind::Legacy => rest(s, step),
    }
}

//! The server actor. [`Node`] hands each input to the one part that it belongs to; the parts are
//! [`tree`] (who is whose parent), [`connection`] (what a client may say next), and, over the edges of the tree,
//! the protocols that use it. Every part has the same face, in the same order: its state, its messages,
//! its timers, then one `on_…` function per input. [`drain`] is how all of it ends on purpose.
//!
//! ```text
//!            ┌────────────── Node ──────────────┐
//!  a client ─┤ connection ──┬─ registry         │
//!            │              └─ delivery         ├─ other servers
//!            │ tree ── edges up and down ─┬─┬─┬ │
//!            └──────────── registry, delivery, balance
//! ```

pub mod balance;
pub mod coherence;
pub mod connection;
pub mod delivery;
pub mod drain;
#[cfg(test)]
mod laws;
pub mod registry;
pub mod rules;
pub mod tree;
pub mod window;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stateright::actor::{Actor, Id, Out};

use crate::message::client::Secret;
use crate::message::{Address, Line, Peer, Reply, ServerName, Stamp};
use crate::port::{Effect, Effects, End, Input, Link, Port};
use connection::Connection;
use rules::Rules;

/// What a node is told when it is set up; the same at each of its starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// What it is known by.
    pub name: ServerName,
    /// Where others reach it.
    pub address: Address,
    /// Servers to join, in order; none for a root.
    pub seeds: Vec<Address>,
    /// What every server of this system knows. Kept nowhere.
    #[serde(skip, default = "Secret::never")]
    pub secret: Secret,
    /// Which intervals it keeps.
    pub timing: tree::Timing,
    /// What it does about delivery.
    pub delivery: delivery::Settings,
}

/// What differs from start to start: time and chance, as inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Boot {
    /// The clock at this start.
    pub now: Stamp,
    /// A random number.
    pub nonce: u64,
}

/// The server actor, for one start.
#[derive(Clone, Debug)]
pub struct Node {
    config: Config,
    boot: Boot,
    rules: Rules,
}

impl Node {
    /// A node that keeps the protocol's rules.
    pub fn new(config: Config, boot: Boot) -> Self {
        Self::with_rules(config, boot, rules::SOUND)
    }

    /// A node that keeps other rules: for the checker alone.
    pub(crate) fn with_rules(config: Config, boot: Boot, rules: Rules) -> Self {
        Self {
            config,
            boot,
            rules,
        }
    }

    /// What it was told when it was set up.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// All that a node remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// What survives a crash, once saved.
    pub durable: Durable,
    /// What each link is for.
    pub links: BTreeMap<Link, Role>,
    /// Its place in the tree.
    pub tree: tree::State,
    /// Its lock rounds.
    pub registry: registry::State,
    /// Its live sessions and the state of its catching up.
    pub delivery: delivery::State,
    /// Its own load and the others'.
    pub balance: balance::State,
    /// How far it has got with leaving.
    pub drain: drain::Stage,
    /// Set once it has stopped for good.
    pub halted: Option<Halt>,
}

/// What is on a node's disk. Persistent maps: a clone is free, and a diff to the last one saved is what to write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// Who it is and whom it knows.
    pub tree: tree::Durable,
    /// The directory.
    pub registry: registry::Durable,
    /// The log, the sessions, the floors.
    pub delivery: delivery::Durable,
}

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Accepted; its first line will tell.
    Fresh,
    /// Dialed, and not yet an edge.
    Attempt,
    /// The edge to the parent.
    Parent,
    /// The edge to this child.
    Child(ServerName),
    /// A client's.
    Client(Box<Connection>),
    /// The edge to a neighbour that was told LEAVE.
    Leaving,
}

/// Why a node stops by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Halt {
    /// Another process runs under this name, and it started later.
    Superseded {
        /// The later start.
        by: crate::message::Incarnation,
    },
    /// An operator has given this server up.
    Retired,
    /// Its operator has stopped it, and it has left.
    Drained {
        /// Whether a neighbour has said that it has on disk all that this server has. Otherwise it had none that lasted.
        handed_over: bool,
    },
}

/// A node's timers: a closed set without counters; setting one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// No parent: dial the next candidate.
    Retry,
    /// With a parent: dial a known server elsewhere, in case its tree has a better root.
    Probe,
    /// Delivery: the floor may have risen.
    Floor,
    /// Delivery: what doesn't move is waited for one tick less.
    Patience,
    /// Delivery: what waits is one tick older.
    Age,
    /// The own load has changed: tell the others.
    Announce,
    /// Tell them again, changed or not.
    Renew,
    /// Draining: send more clients on.
    Drain,
}

/// What an operator can ask of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// Give a server up: nobody shall miss it any more.
    Forget {
        /// Which.
        server: ServerName,
    },
    /// Stop: send the clients on, hand over, leave.
    Drain,
}

/// What a node tells its operator; nothing in the protocol depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Report {
    /// About the tree.
    Tree(tree::Report),
    /// About delivery.
    Delivery(delivery::Report),
    /// It stops.
    Halted(Halt),
}

/// A node's stateright message.
pub type Msg = Port<Order, Report>;

/// One handler's run: who runs it, and what it asks for.
pub struct Step<'a> {
    /// Whose step it is.
    pub config: &'a Config,
    /// The rules that it keeps.
    pub rules: &'a Rules,
    out: &'a mut Out<Node>,
}

impl Step<'_> {
    /// Says something to another server.
    pub fn say(&mut self, link: Link, peer: Peer) {
        self.send(link, Line::Peer(peer));
    }

    /// Says something to a client.
    pub fn reply(&mut self, link: Link, reply: Reply) {
        self.send(link, Line::Reply(reply));
    }

    /// Says one thing to many clients.
    pub fn reply_all(&mut self, links: Vec<Link>, reply: Reply) {
        self.spread(links, Line::Reply(reply));
    }

    /// Says one thing to many servers.
    pub fn say_all(&mut self, links: Vec<Link>, peer: Peer) {
        self.spread(links, Line::Peer(peer));
    }

    fn spread(&mut self, links: Vec<Link>, line: Line) {
        if !links.is_empty() {
            self.out.effect(Effect::Spread { links, line });
        }
    }

    fn send(&mut self, link: Link, line: Line) {
        self.out.effect(Effect::Send { link, line });
    }

    /// Dials.
    pub fn open(&mut self, address: Address) {
        self.out.effect(Effect::Open { address });
    }

    /// Closes a link, once what was said on it has left.
    pub fn close(&mut self, link: Link) {
        self.out.effect(Effect::Close { link });
    }

    /// Tells the operator.
    pub fn tell(&mut self, report: Report) {
        self.out.effect(Effect::Tell(report));
    }

    /// Puts the state on disk: what this handler says after it waits until it is there.
    pub fn save(&mut self, durable: &Durable) {
        self.out.save(durable.clone());
    }

    /// Sets a timer, or sets it anew.
    pub fn set(&mut self, timer: Timer, after: std::ops::Range<std::time::Duration>) {
        self.out.set_timer(timer, after);
    }

    /// Unsets a timer.
    pub fn cancel(&mut self, timer: Timer) {
        self.out.cancel_timer(timer);
    }
}

impl State {
    /// The links to this node's neighbours in the tree: its parent, then its children by name.
    pub fn edges(&self) -> impl Iterator<Item = Link> + '_ {
        let parent = self.tree.parent.iter().map(|parent| parent.link);
        parent.chain(self.tree.children.values().map(|child| child.link))
    }

    /// Whether what others say still matters here: it has not halted, and is no neighbour that is leaving.
    pub fn listens(&self) -> bool {
        self.halted.is_none() && !self.drain.is_leaving()
    }

    /// The same, but for the credit that it owes its neighbours.
    pub fn without_debts(&self) -> Self {
        let mut state = self.clone();
        for edge in state.registry.edges.values_mut() {
            edge.window = edge.window.without_debt();
        }
        for edge in state.delivery.edges.values_mut() {
            edge.window = edge.window.without_debt();
        }
        state
    }

    /// Stops for good: says so, and lets go of everything.
    pub(crate) fn halt(&mut self, why: Halt, step: &mut Step<'_>) {
        for link in std::mem::take(&mut self.links).into_keys() {
            step.close(link);
        }
        tree::let_go(self);
        cancel_all(step);
        step.tell(Report::Halted(why.clone()));
        self.halted = Some(why);
    }

    /// An edge of the tree has come up: the protocols that use the tree greet each other over it.
    pub(crate) fn edge_up(&mut self, link: Link, step: &mut Step<'_>) {
        let loads = balance::on_edge_up(self, link, step);
        if (step.rules.tree.greets)() {
            let mut hello = delivery::hello(self);
            hello.directory = registry::vector(self);
            hello.loads = loads;
            step.say(link, Peer::Hello(Box::new(hello)));
            tree::on_edge_up(self, link, step);
        }
        registry::on_edge_up(self, link, step);
        delivery::on_edge_up(self, link, step);
    }

    /// An edge of the tree is gone.
    pub(crate) fn edge_down(&mut self, link: Link, step: &mut Step<'_>) {
        delivery::on_edge_down(self, link, step);
        balance::on_edge_down(self, link, step);
        // Last, for a round may end by it, and whoever has waited behind its REGISTER is heard: nobody reckons with the edge any more.
        registry::on_edge_down(self, link, step);
    }
}

/// No timer fires any more.
fn cancel_all(step: &mut Step<'_>) {
    step.cancel(Timer::Retry);
    step.cancel(Timer::Probe);
    step.cancel(Timer::Floor);
    step.cancel(Timer::Patience);
    step.cancel(Timer::Age);
    step.cancel(Timer::Announce);
    step.cancel(Timer::Renew);
    step.cancel(Timer::Drain);
}

impl Actor for Node {
    type Msg = Msg;
    type Timer = Timer;
    type State = State;
    type Storage = Durable;
    type Random = ();

    fn on_start(&self, _: Id, storage: &Option<Durable>, out: &mut Out<Self>) -> State {
        let (tree, identity) = tree::start(
            &self.config,
            self.boot,
            storage.as_ref().map(|disk| &disk.tree),
        );
        let directory = storage
            .as_ref()
            .map(|disk| disk.registry.clone())
            .unwrap_or_default();
        let rounds = registry::start(self.boot, &directory);
        let mut state = State {
            durable: Durable {
                tree: identity,
                registry: directory,
                delivery: storage
                    .as_ref()
                    .map(|disk| disk.delivery.clone())
                    .unwrap_or_default(),
            },
            links: BTreeMap::new(),
            tree,
            registry: rounds,
            delivery: delivery::State::default(),
            balance: balance::State::default(),
            drain: drain::Stage::default(),
            halted: None,
        };
        let mut step = self.step(out);
        delivery::start(&mut state, &mut step);
        step.save(&state.durable);
        tree::on_start(&mut state, &mut step);
        balance::on_start(&mut step);
        state
    }

    fn on_msg(&self, _: Id, state: &mut Cow<State>, _: Id, msg: Msg, out: &mut Out<Self>) {
        match msg {
            Port::In(input) if state.halted.is_none() => {
                on_input(state.to_mut(), input, &mut self.step(out));
            }
            // Whoever had knocked before it stopped must not wait for an answer.
            Port::In(Input::Up { link, .. }) => {
                if (self.rules.drain.turns_away)() {
                    self.step(out).close(link);
                }
            }
            Port::In(_) | Port::Out(_) => {}
        }
    }

    fn on_timeout(&self, _: Id, state: &mut Cow<State>, timer: &Timer, out: &mut Out<Self>) {
        if state.halted.is_some() {
            return;
        }
        let (state, step) = (state.to_mut(), &mut self.step(out));
        match timer {
            Timer::Retry => tree::on_retry(state, step),
            Timer::Probe => tree::on_probe(state, step),
            Timer::Floor => delivery::on_floor(state, step),
            Timer::Patience => delivery::on_patience(state, step),
            Timer::Age => delivery::on_age(state, step),
            Timer::Announce => balance::on_announce(state, step),
            Timer::Renew => balance::on_renew(state, step),
            Timer::Drain => drain::on_timer(state, step),
        }
    }
}

impl Node {
    fn step<'a>(&'a self, out: &'a mut Out<Node>) -> Step<'a> {
        Step {
            config: &self.config,
            rules: &self.rules,
            out,
        }
    }
}

fn on_input(s: &mut State, input: Input<Order>, step: &mut Step<'_>) {
    match input {
        Input::Up { link, end } => match end {
            End::Accepted if s.drain.is_leaving() => step.close(link),
            End::Accepted => {
                s.links.insert(link, Role::Fresh);
            }
            End::Dialed(address) => tree::on_dialed(s, link, address, step),
        },
        Input::Line { link, line } => on_line(s, link, line, step),
        Input::Received { link, lines } => delivery::on_received(s, link, lines, step),
        Input::Down { link } => on_down(s, link, step),
        Input::Unreachable { address } => tree::on_unreachable(s, &address, step),
        Input::Ask(Order::Forget { server }) => tree::on_order(s, server, step),
        Input::Ask(Order::Drain) => drain::on_order(s, step),
    }
}

fn on_line(s: &mut State, link: Link, line: Line, step: &mut Step<'_>) {
    match s.links.get(&link) {
        None => {}
        Some(Role::Fresh) => on_first_line(s, link, line, step),
        Some(Role::Attempt | Role::Parent | Role::Child(_)) => match line {
            Line::Peer(peer) => on_peer(s, link, peer, step),
            Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => {
                tree::on_nonsense(s, link, step)
            }
        },
        Some(Role::Client(_)) => on_client_line(s, link, line, step),
        Some(Role::Leaving) => drain::on_line(s, link, &line, step),
    }
}

/// The first line of an accepted link says whether a server or a client is there.
fn on_first_line(s: &mut State, link: Link, line: Line, step: &mut Step<'_>) {
    match line {
        Line::Peer(Peer::Authenticate(join)) => tree::on_join(s, link, *join, step),
        Line::Peer(Peer::Forget { secret, server }) => {
            tree::on_forget(s, link, &secret, server, step);
        }
        Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => {
            let connection = Box::new(Connection::default());
            s.links.insert(link, Role::Client(connection));
            on_client_line(s, link, line, step);
        }
    }
}

fn on_client_line(s: &mut State, link: Link, line: Line, step: &mut Step<'_>) {
    match line {
        Line::Request(request) => connection::on_request(s, link, *request, step),
        Line::Malformed(info) => connection::refuse(s, link, Reply::Invalid { info }, step),
        Line::Peer(_) | Line::Reply(_) => connection::on_foreign(s, link, &line, step),
    }
}

/// A line from a server on a link that was dialed or has authenticated.
fn on_peer(s: &mut State, link: Link, peer: Peer, step: &mut Step<'_>) {
    if s.links.get(&link) == Some(&Role::Attempt) && !tree::is_for_strangers(&peer) {
        return tree::on_nonsense(s, link, step);
    }
    match peer {
        Peer::Path { path, children } => tree::on_path(s, link, path, children, step),
        Peer::Known { servers } => tree::on_known(s, link, servers, step),
        Peer::Retired { servers } => tree::on_retired(s, link, servers, step),
        Peer::Hello(hello) => {
            registry::on_hello(s, link, &hello.directory, step);
            delivery::on_hello(s, link, &hello, step);
            balance::on_loads(s, link, hello.loads, step);
        }
        Peer::LockRequest(request) => registry::on_lock_request(s, link, *request, step),
        Peer::LockAllowed(lock) => registry::on_lock_allowed(s, link, &lock, step),
        Peer::LockDenied(denied) => registry::on_lock_denied(s, link, *denied, step),
        Peer::LockRelease(lock) => registry::on_lock_release(s, link, &lock, step),
        Peer::Directory(changes) => registry::on_directory(s, link, *changes, step),
        Peer::DirectoryCredit { chunks } => {
            registry::on_directory_credit(s, link, chunks, step);
        }
        Peer::ActivityBroadcast(message) => delivery::on_broadcast(s, link, message, step),
        Peer::Skip(skip) => delivery::on_skip(s, link, *skip, step),
        Peer::Sessions(sessions) => delivery::on_sessions(s, link, *sessions, step),
        Peer::DeliveryCredit { lines } => delivery::on_credit(s, link, lines, step),
        Peer::Floors { floors } => delivery::on_floors(s, link, floors, step),
        Peer::ServerAnnounce { loads } => balance::on_loads(s, link, loads, step),
        Peer::Leave => tree::on_leave(s, link, step),
        Peer::Authenticate(_) | Peer::Forget { .. } | Peer::Left => {
            tree::on_nonsense(s, link, step)
        }
        Peer::AuthenticationFail { info } => tree::on_authentication_fail(s, link, info, step),
    }
}

fn on_down(s: &mut State, link: Link, step: &mut Step<'_>) {
    match s.links.get(&link) {
        None => {}
        Some(Role::Fresh) => {
            s.links.remove(&link);
        }
        Some(Role::Attempt | Role::Parent | Role::Child(_)) => tree::on_down(s, link, step),
        Some(Role::Client(_)) => connection::on_down(s, link, step),
        Some(Role::Leaving) => drain::on_down(s, link, step),
    }
}

//! What passes over an edge of the tree (`docs/protocol.md`, Delivery: A link comes up).
//!
//! ```text
//!   us                          neighbour
//!    │── HELLO: what we have ──────▶│
//!    │◀────── HELLO: what it has ───│
//!    │── SESSIONS that it lacks ───▶│   then each change as it comes
//!    │── FLOORS ───────────────────▶│   never before the sessions that they presuppose
//!    │── SKIP, what it lacks of ───▶│
//!    │   the log, in its order      │   then each message as it comes
//!    │◀─────────── DELIVERY_CREDIT ─│   now and then: as much again may follow
//! ```
//!
//! This one mechanism is what a late joiner, a repaired tree and a healed cut have in common. Sessions go before messages,
//! so whoever has a message knows every mailbox that was waiting for it where it came from. What there is no credit for
//! waits where it is kept anyway, in the book and in the log, and in this order.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::window::Window;
use super::super::{State, Step, tree};
use super::log::Entry;
use super::skip::{self, Skipping};
use super::{age, floor, forget, home, receiver, vector};
use crate::message::client::Vector;
use crate::message::server::{Hello, Message, Sender, Sessions, Skip};
use crate::message::{Peer, ServerName, Stream};
use crate::port::Link;

/// What passes over one edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Which changes of sessions the neighbour has, or will have once it has taken in what was sent. Unknown before its
    /// HELLO, and until then it is told nothing.
    pub sessions: Option<Vector>,
    /// Origins of whose changes it lacks some.
    pub lacking: BTreeSet<Stream>,
    /// Servers whose floors it is to be told once it lacks no sessions.
    pub floors: BTreeSet<ServerName>,
    /// What it lacks of the log, if it lacks something that has not been sent.
    pub behind: Option<Behind>,
    /// What the parts so far of a SKIP of the neighbour's say of senders.
    pub skipped: Vec<(Sender, u64)>,
    /// How much more may be on its way: SESSIONS, SKIP and ACTIVITY_BROADCAST.
    pub window: Window,
}

/// A neighbour that hasn't been sent all of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Behind {
    /// From this place on.
    pub from: u64,
    /// What it has, or will have once it has taken in what was sent.
    pub have: Vector,
    /// What it is being told to skip.
    pub skipping: Option<Skipping>,
}

/// The message that a neighbour is sent next, and where what follows begins.
pub type Next = (u64, Arc<Message>);

impl Behind {
    fn new(from: u64, have: Vector) -> Self {
        Self {
            from,
            have,
            skipping: None,
        }
    }
}

impl Edge {
    fn new(window: Option<u32>) -> Self {
        Self {
            sessions: None,
            lacking: BTreeSet::new(),
            floors: BTreeSet::new(),
            behind: None,
            skipped: Vec::new(),
            window: Window::new(window),
        }
    }

    /// Whether the next line may be sent at once: then the neighbour lacks nothing, for whatever it lacks is sent as soon as it may be.
    fn is_open(&self, step: &Step<'_>) -> bool {
        self.window.is_open() || !(step.rules.delivery.waits_for_credit)()
    }

    /// Whether there is nothing that the neighbour lacks and has not been sent.
    pub(super) fn has_been_sent_all(&self) -> bool {
        self.sessions.is_some() && self.lacking.is_empty() && self.behind.is_none()
    }
}

/// An edge is up: our HELLO is sent.
pub(super) fn on_edge_up(s: &mut State, link: Link, step: &mut Step<'_>) {
    let edge = Edge::new(step.rules.delivery.limits.window_lines);
    s.delivery.edges.insert(link, edge);
}

/// HELLO: what the neighbour lacks follows.
pub(super) fn on_hello(s: &mut State, link: Link, hello: &Hello, step: &mut Step<'_>) {
    let Some(edge) = s.delivery.edges.get_mut(&link) else {
        return;
    };
    let vector = s.durable.delivery.book.vector.iter();
    let lacking = vector.filter(|(stream, upto)| vector::at(&hello.sessions, stream) < **upto);
    edge.lacking = lacking.map(|(stream, _)| stream.clone()).collect();
    edge.floors = s.durable.delivery.floors.keys().cloned().collect();
    edge.sessions = Some(hello.sessions.clone());
    let from = s.durable.delivery.log.first_after(&hello.have);
    edge.behind = Some(Behind::new(from, hello.have.clone()));
    save_first(s, link, step);
    pump(s, link, step);
}

/// DELIVERY_CREDIT: the neighbour has taken in so many lines.
pub(super) fn on_credit(s: &mut State, link: Link, lines: u32, step: &mut Step<'_>) {
    if let Some(edge) = s.delivery.edges.get_mut(&link) {
        let size = step.rules.delivery.limits.window_lines;
        edge.window.grant(lines, size);
        save_first(s, link, step);
        pump(s, link, step);
    }
}

/// What a neighbour is about to be told of this server itself may have changed in an earlier handler, whose save is not on
/// disk yet: it waits until it is. What happens now needs none of this, for whoever changes something saves it first.
fn save_first(s: &State, link: Link, step: &mut Step<'_>) {
    let me = &s.id().name;
    let lacks_ours = |edge: &Edge| {
        edge.floors.contains(me) || edge.lacking.iter().any(|stream| stream.server == *me)
    };
    if s.delivery.edges.get(&link).is_some_and(lacks_ours)
        && (step.rules.delivery.catches_up_durably)()
    {
        step.save(&s.durable);
    }
}

/// A line that takes credit has come from this neighbour.
fn on_taken_in(s: &mut State, link: Link, step: &mut Step<'_>) {
    let size = step.rules.delivery.limits.window_lines;
    if let Some(edge) = s.delivery.edges.get_mut(&link)
        && let Some(lines) = edge.window.take_in(size)
        && (step.rules.delivery.grants)()
    {
        step.say(link, Peer::DeliveryCredit { lines });
    }
}

/// Sends what a neighbour lacks, as far as the credit goes: sessions, then the floors that presuppose them, then the log.
fn pump(s: &mut State, link: Link, step: &mut Step<'_>) {
    if (step.rules.delivery.floors_go_first)() {
        send_floors(s, link, step);
    }
    while let Some(edge) = s.delivery.edges.get_mut(&link)
        && edge.is_open(step)
        && let Some(stream) = edge.lacking.first().cloned()
    {
        edge.window.send();
        send_sessions(s, link, stream, step);
    }
    let edge = s.delivery.edges.get(&link);
    if edge.is_none_or(|edge| !edge.lacking.is_empty()) {
        return;
    }
    send_floors(s, link, step);
    while let Some(edge) = s.delivery.edges.get_mut(&link)
        && edge.behind.is_some()
        && edge.is_open(step)
    {
        send_next(s, link, step);
    }
}

fn send_floors(s: &mut State, link: Link, step: &mut Step<'_>) {
    if let Some(edge) = s.delivery.edges.get_mut(&link) {
        let floors = std::mem::take(&mut edge.floors);
        floor::tell_these(s, link, floors, step);
    }
}

/// A chunk of the changes of one origin that a neighbour lacks.
fn send_sessions(s: &mut State, link: Link, stream: Stream, step: &mut Step<'_>) {
    let Some(edge) = s.delivery.edges.get_mut(&link) else {
        return;
    };
    let Some(has) = &mut edge.sessions else {
        return;
    };
    let book = &s.durable.delivery.book;
    let after = vector::at(has, &stream);
    let most = step.rules.delivery.limits.chunk_sessions;
    let (sessions, upto) = book.changed(&s.delivery.index, &stream, after, most);
    vector::raise(has, &stream, upto);
    if upto >= vector::at(&book.vector, &stream) {
        edge.lacking.remove(&stream);
    }
    let sessions = Sessions {
        stream,
        after,
        upto,
        sessions,
    };
    step.say(link, Peer::Sessions(Box::new(sessions)));
}

/// The next thing of the log that a neighbour lacks: SKIP for what is gone, else a message. There may be none.
fn send_next(s: &mut State, link: Link, step: &mut Step<'_>) {
    let log = &s.durable.delivery.log;
    let Some(edge) = s.delivery.edges.get_mut(&link) else {
        return;
    };
    let Some(behind) = &mut edge.behind else {
        return;
    };
    if let Some(skip) = skip::next(behind, log, step) {
        edge.window.send();
        return step.say(link, Peer::Skip(Box::new(skip)));
    }
    let Some((next, message)) = (step.rules.delivery.replay)(log, behind) else {
        edge.behind = None;
        return;
    };
    behind.from = next;
    vector::raise(&mut behind.have, &message.stream, message.number);
    edge.window.send();
    step.say(link, Peer::ActivityBroadcast(message));
}

/// ACTIVITY_BROADCAST of a neighbour: news for everyone but the neighbour.
pub(super) fn on_broadcast(s: &mut State, link: Link, message: Arc<Message>, step: &mut Step<'_>) {
    on_taken_in(s, link, step);
    let edge = s.delivery.edges.get_mut(&link);
    if let Some(behind) = edge.and_then(|edge| edge.behind.as_mut()) {
        vector::raise(&mut behind.have, &message.stream, message.number);
    }
    let log = &mut s.durable.delivery.log;
    match log.append(message, step.rules.delivery.is_repeat) {
        Ok(Some(entry)) => {
            flood(s, &entry, Some(link), step);
            age::on_said(s, &entry.message, step);
            receiver::deliver(s, &entry, None, step);
            forget::on_longer(s, &entry, step);
            floor::on_log(s, step);
        }
        Ok(None) => {}
        Err(_) => tree::on_nonsense(s, link, step),
    }
}

/// The newest entry of the log to every neighbour that has said HELLO, but the one that it came from.
pub(super) fn flood(s: &mut State, entry: &Entry, from: Option<Link>, step: &mut Step<'_>) {
    let log = &s.durable.delivery.log;
    let message = &entry.message;
    let mut even = Vec::new();
    for (link, edge) in &mut s.delivery.edges {
        if edge.sessions.is_none() || Some(*link) == from {
            continue;
        }
        if edge.is_open(step) {
            edge.window.send();
            even.push(*link);
        } else if edge.behind.is_none() {
            let mut have = log.have.clone();
            have.insert(message.stream.clone(), message.number - 1);
            let from = log.next - 1;
            edge.behind = Some(Behind::new(from, have));
        }
    }
    step.say_all(even, Peer::ActivityBroadcast(message.clone()));
}

/// SKIP of a neighbour.
pub(super) fn on_skip(s: &mut State, link: Link, skip: Skip, step: &mut Step<'_>) {
    on_taken_in(s, link, step);
    skip::on_skip(s, link, skip, step);
}

/// What this server had before it was told to skip the rest, its neighbours have, or will have: they must skip it, too.
pub(super) fn pass_on(s: &mut State, from: Link, had: Vector, step: &mut Step<'_>) {
    let next = s.durable.delivery.log.next;
    let mut links = Vec::new();
    for (link, edge) in &mut s.delivery.edges {
        if edge.sessions.is_some() && *link != from && edge.behind.is_none() {
            edge.behind = Some(Behind::new(next, had.clone()));
            links.push(*link);
        }
    }
    for link in links {
        pump(s, link, step);
    }
}

/// SESSIONS: takes in what one origin changed, passes it on, and does what follows from it.
pub(super) fn on_sessions(s: &mut State, link: Link, sessions: Sessions, step: &mut Step<'_>) {
    let Sessions {
        stream,
        after,
        upto,
        sessions,
    } = sessions;
    let book = &mut s.durable.delivery.book;
    if after > vector::at(&book.vector, &stream) {
        return tree::on_nonsense(s, link, step);
    }
    if let Some(edge) = s.delivery.edges.get_mut(&link)
        && let Some(has) = &mut edge.sessions
    {
        vector::raise(has, &stream, upto);
        if vector::at(has, &stream) >= vector::at(&book.vector, &stream) {
            edge.lacking.remove(&stream);
        }
    }
    let mut changed = Vec::new();
    for (registration, session) in sessions {
        if book.merge(&mut s.delivery.index, &registration, session) {
            changed.push(registration);
        }
    }
    vector::raise(&mut book.vector, &stream, upto);
    on_taken_in(s, link, step);
    flood_sessions(s, &stream, step);
    for registration in &changed {
        forget::on_session(s, registration, step);
        home::react(s, registration, step);
    }
    if !changed.is_empty() {
        forget::review(s, step);
    }
}

/// An origin's changes, to every neighbour that lacks them.
pub(super) fn flood_sessions(s: &mut State, stream: &Stream, step: &mut Step<'_>) {
    let upto = vector::at(&s.durable.delivery.book.vector, stream);
    let mut links = Vec::new();
    for (link, edge) in &mut s.delivery.edges {
        let has = edge.sessions.as_ref().map(|has| vector::at(has, stream));
        if has.is_some_and(|has| has < upto) {
            edge.lacking.insert(stream.clone());
            links.push(*link);
        }
    }
    for link in links {
        pump(s, link, step);
    }
}

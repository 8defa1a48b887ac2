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
//! ```
//!
//! This one mechanism is what a late joiner, a repaired tree and a healed cut have in common. Sessions go before messages,
//! so whoever has a message knows every mailbox that was waiting for it where it came from.

use std::sync::Arc;

use super::super::{State, Step, tree};
use super::log::Entry;
use super::{floor, forget, login, receiver, vector};
use crate::message::client::Vector;
use crate::message::server::{Hello, Message, Sessions, Skip};
use crate::message::{Peer, Stream};
use crate::port::Link;

/// What passes over one edge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Which changes of sessions the neighbour has, or will have once it has taken in what was sent. Unknown before its
    /// HELLO, and until then it is told nothing.
    pub sessions: Option<Vector>,
}

/// An edge is up: our HELLO is sent.
pub(super) fn on_edge_up(s: &mut State, link: Link, step: &mut Step<'_>) {
    s.delivery.edges.insert(link, Edge::default());
    if !(step.rules.delivery.floors_follow_sessions)() {
        floor::tell_all(s, link, step);
    }
}

/// HELLO: what the neighbour lacks follows.
pub(super) fn on_hello(s: &mut State, link: Link, hello: &Hello, step: &mut Step<'_>) {
    let Some(edge) = s.delivery.edges.get_mut(&link) else {
        return;
    };
    edge.sessions = Some(hello.sessions.clone());
    let streams: Vec<Stream> = s.durable.delivery.book.vector.keys().cloned().collect();
    for stream in streams {
        tell_sessions(s, link, &stream, step);
    }
    floor::tell_all(s, link, step);
    let log = &s.durable.delivery.log;
    let rules = &step.rules.delivery;
    let mut have = hello.have.clone();
    if let Some(mut skip) = log.skip_for(&have) {
        have = vector::join(&have, &skip.base);
        (rules.skip_said)(&mut skip.said);
        step.say(link, Peer::Skip(Box::new(skip)));
    }
    let mut entries: Vec<Entry> = log.after(&have).map(|(_, entry)| entry.clone()).collect();
    (rules.replay)(&mut entries);
    for entry in entries {
        step.say(link, Peer::ActivityBroadcast(entry.message));
    }
}

/// ACTIVITY_BROADCAST of a neighbour: news for everyone but the neighbour.
pub(super) fn on_broadcast(s: &mut State, link: Link, message: Arc<Message>, step: &mut Step<'_>) {
    let log = &mut s.durable.delivery.log;
    match log.append(message, step.rules.delivery.is_repeat) {
        Ok(Some(entry)) => {
            flood(s, &entry.message, Some(link), step);
            receiver::deliver(s, &entry, None, step);
            floor::expect(s, step);
        }
        Ok(None) => {}
        Err(_) => tree::on_nonsense(s, link, step),
    }
}

/// A message to every neighbour that has said HELLO, but the one that it came from.
pub(super) fn flood(s: &State, message: &Arc<Message>, from: Option<Link>, step: &mut Step<'_>) {
    for (link, edge) in &s.delivery.edges {
        if edge.sessions.is_some() && Some(*link) != from {
            step.say(*link, Peer::ActivityBroadcast(message.clone()));
        }
    }
}

/// SKIP: what this server lacks of it, it will never get, and neither will those behind it.
pub(super) fn on_skip(s: &mut State, link: Link, skip: Skip, step: &mut Step<'_>) {
    let log = &mut s.durable.delivery.log;
    let had = log.have.clone();
    if log.skip(&skip) == 0 {
        return;
    }
    receiver::on_skipped(s, &had, step);
    for (edge, state) in &s.delivery.edges {
        if state.sessions.is_some() && *edge != link {
            step.say(*edge, Peer::Skip(Box::new(skip.clone())));
        }
    }
    floor::expect(s, step);
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
    let has = s
        .delivery
        .edges
        .get_mut(&link)
        .and_then(|edge| edge.sessions.as_mut());
    if let Some(has) = has {
        vector::raise(has, &stream, upto);
    }
    let mut changed = Vec::new();
    for (registration, session) in sessions {
        if book.merge(&mut s.delivery.index, &registration, session) {
            changed.push(registration);
        }
    }
    if upto > vector::at(&book.vector, &stream) {
        vector::raise(&mut book.vector, &stream, upto);
        flood_sessions(s, &stream, step);
    }
    for registration in &changed {
        login::react(s, registration, step);
    }
    if !changed.is_empty() {
        forget::review(s, step);
    }
}

/// An origin's changes, to every neighbour that lacks them.
pub(super) fn flood_sessions(s: &mut State, stream: &Stream, step: &mut Step<'_>) {
    let links: Vec<Link> = s.delivery.edges.keys().copied().collect();
    for link in links {
        tell_sessions(s, link, stream, step);
    }
}

fn tell_sessions(s: &mut State, link: Link, stream: &Stream, step: &mut Step<'_>) {
    let book = &s.durable.delivery.book;
    let upto = vector::at(&book.vector, stream);
    let has = s
        .delivery
        .edges
        .get_mut(&link)
        .and_then(|edge| edge.sessions.as_mut());
    let Some(has) = has else {
        return;
    };
    let after = vector::at(has, stream);
    if after >= upto {
        return;
    }
    vector::raise(has, stream, upto);
    let sessions = Sessions {
        stream: stream.clone(),
        after,
        upto,
        sessions: book.changed(&s.delivery.index, stream, after),
    };
    step.say(link, Peer::Sessions(Box::new(sessions)));
}

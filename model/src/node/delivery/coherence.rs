//! What delivery's state must agree with, whatever it was told (see [`crate::node::coherence`]).

use std::collections::{BTreeMap, BTreeSet};

use super::home::cursor_of;
use super::lows::Lows;
use super::vector;
use crate::message::client::Vector;
use crate::message::server::Phase;
use crate::message::{Registration, Stream};
use crate::node::{Role, State};
use crate::port::Link;

/// Something in delivery's state that contradicts something else in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incoherence {
    /// The log's length.
    #[error("the log's bytes are counted wrong")]
    Bytes,
    /// The log's places and numbers.
    #[error("the log holds what it has not arrived at, or one thing twice")]
    Log,
    /// What is forgotten.
    #[error("more is forgotten than ever arrived")]
    Base,
    /// What a SKIP has passed over.
    #[error("what is still here of what was passed over isn't what is listed so")]
    Passed,
    /// What finds sessions.
    #[error("the index of sessions finds what isn't there")]
    Sessions,
    /// Who hears.
    #[error("the receivers aren't the clients that are logged in")]
    Receivers,
    /// What they were sent.
    #[error("a receiver hasn't heard what it wasn't sent, or reads beyond the log's end")]
    Unheard,
    /// Where users are.
    #[error("the sessions that are present aren't those that receivers hold")]
    Present,
    /// What holds the floor down.
    #[error("what holds the floor down isn't where the live receivers are")]
    Live,
    /// What holds the log, here.
    #[error("what holds the log isn't where those are that have fallen behind")]
    Reading,
    /// What holds the log, for those who are away.
    #[error("what holds the log isn't where the mailboxes are")]
    Pins,
    /// The least of many cursors.
    #[error("the least of many cursors isn't what a walk finds")]
    Lows,
    /// What is to become stable.
    #[error("what is to become stable isn't what receivers wait for")]
    Unsettled,
}

fn ensure(holds: bool, otherwise: Incoherence) -> Result<(), Incoherence> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whether delivery's state agrees with itself, and with who is on which link.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub(in crate::node) fn check(s: &State) -> Result<(), Incoherence> {
    log(s)?;
    receivers(s)?;
    cursors(s)
}

fn log(s: &State) -> Result<(), Incoherence> {
    let log = &s.durable.delivery.log;
    let (mut bytes, mut numbers) = (0, BTreeSet::new());
    let mut passed = BTreeMap::new();
    for (place, entry) in &log.entries {
        let message = &entry.message;
        bytes += entry.bytes();
        let number = (message.stream.clone(), message.number);
        let arrived = *place < log.next && message.is_in(&log.have);
        let once = numbers.insert(number.clone());
        ensure(arrived && once, Incoherence::Log)?;
        if message.is_in(&log.base) {
            passed.insert(number, *place);
        }
    }
    ensure(s.delivery.log_bytes == bytes, Incoherence::Bytes)?;
    ensure(vector::covers(&log.have, &log.base), Incoherence::Base)?;
    ensure(log.passed.iter().eq(&passed), Incoherence::Passed)?;
    let is_found = s.delivery.index.is_of(&s.durable.delivery.book);
    ensure(is_found, Incoherence::Sessions)
}

fn receivers(s: &State) -> Result<(), Incoherence> {
    let clients = s.links.iter().filter_map(|(link, role)| match role {
        Role::Client(connection) => connection.standing.is_logged_in().then_some(link),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => None,
    });
    let delivery = &s.delivery;
    ensure(
        delivery.receivers.keys().eq(clients),
        Incoherence::Receivers,
    )?;
    let mut held: BTreeSet<(&Registration, Link)> = BTreeSet::new();
    let mut pending: BTreeSet<(Stream, u64, Link)> = BTreeSet::new();
    for (link, receiver) in &delivery.receivers {
        let lines = receiver.unheard.iter().map(|(line, _)| *line);
        let in_order = lines.is_sorted();
        let last = receiver.unheard.back();
        let sent = last.is_none_or(|(line, _)| *line <= receiver.lines);
        let within = receiver.behind.as_ref();
        let within = within.is_none_or(|behind| behind.from <= s.durable.delivery.log.next);
        ensure(in_order && sent && within, Incoherence::Unheard)?;
        held.extend(
            receiver
                .session
                .iter()
                .map(|held| (&held.registration, *link)),
        );
        let places = receiver.pending.iter().map(|pending| pending.place.clone());
        pending.extend(places.map(|(stream, number)| (stream, number, *link)));
    }
    let present = delivery.present.iter();
    let present = present.flat_map(|(user, links)| links.iter().map(move |link| (user, *link)));
    ensure(held == present.collect(), Incoherence::Present)?;
    ensure(delivery.unsettled == pending, Incoherence::Unsettled)
}

fn cursors(s: &State) -> Result<(), Incoherence> {
    let delivery = &s.delivery;
    let receivers = delivery.receivers.iter();
    let live = receivers.clone().filter(|(_, receiver)| receiver.is_live());
    let live = live.map(|(link, receiver)| (*link, receiver.cursor.clone()));
    ensure(delivery.live.are(&live.collect()), Incoherence::Live)?;
    let behind = receivers.filter(|(_, receiver)| receiver.behind.is_some());
    let behind = behind.map(|(link, receiver)| (*link, receiver.cursor.clone()));
    ensure(
        delivery.reading.are(&behind.collect()),
        Incoherence::Reading,
    )?;
    let sessions = s.durable.delivery.book.sessions.iter();
    let pins = sessions.filter(|(_, session)| match session.phase {
        Phase::CatchingUp | Phase::Left => true,
        Phase::Live => delivery
            .uncounted
            .contains_key(&session.version.home.server),
        Phase::Expired | Phase::Out => false,
    });
    let pins = pins.filter_map(|(user, _)| Some((user.clone(), cursor_of(s, user)?)));
    ensure(delivery.pins.are(&pins.collect()), Incoherence::Pins)?;
    let have = &s.durable.delivery.log.have;
    let as_walked = is_as_walked(&delivery.live, have)
        && is_as_walked(&delivery.reading, have)
        && is_as_walked(&delivery.pins, have);
    ensure(as_walked, Incoherence::Lows)
}

fn is_as_walked<K: Ord>(lows: &Lows<K>, upto: &Vector) -> bool {
    lows.within(upto.clone()) == lows.walk(upto.clone())
}

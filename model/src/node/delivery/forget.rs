//! What nobody needs any more is forgotten (`docs/protocol.md`, Delivery: Forgetting): what every counted server has for
//! good, and everyone in a mailbox has heard. A server that doesn't move is not counted for ever.

use super::super::{State, Step, Timer};
use super::log::Entry;
use super::{Report, Settings, age, home, speaker, tell, vector};
use crate::message::client::{Info, Vector};
use crate::message::server::{Phase, Session};
use crate::message::{Registration, ServerName};
use std::time::Duration;

/// The pace at which patience is lost.
const TICK: std::ops::Range<Duration> = Duration::from_secs(60)..Duration::from_secs(66);

/// Floors or sessions have changed: forgets what can be forgotten, and tells speakers what everyone has.
pub(super) fn review(s: &mut State, step: &mut Step<'_>) {
    let everywhere = everywhere(s);
    speaker::settle(s, &everywhere, step);
    forget(s, everywhere, step);
    let waits = !s.durable.delivery.log.entries.is_empty();
    if step.config.delivery.patience.is_some() && waits && !s.delivery.loses_patience {
        s.delivery.loses_patience = true;
        step.set(Timer::Patience, TICK);
    }
}

/// Lets go of what of `everywhere` nobody needs.
pub(super) fn forget(s: &mut State, everywhere: Vector, step: &Step<'_>) {
    if s.durable.delivery.log.entries.is_empty() {
        return;
    }
    let upto = unneeded(s, everywhere);
    let log = &mut s.durable.delivery.log;
    if (step.rules.delivery.forgets)(&upto, &log.base) {
        s.delivery.log_bytes -= length(&log.forget(&upto));
    }
}

/// What all counted servers have, for good.
pub(super) fn everywhere(s: &State) -> Vector {
    let floors = &s.durable.delivery.floors;
    let known = s.durable.tree.known.keys();
    let counted = known.filter(|server| !s.delivery.uncounted.contains(*server));
    let floors = counted.map(|server| floors.get(server).cloned().unwrap_or_default());
    let least = floors.reduce(|least, floor| vector::meet(&least, &floor));
    least.unwrap_or_default()
}

/// What of `everywhere` no mailbox needs, and no client here that has fallen behind.
fn unneeded(s: &State, everywhere: Vector) -> Vector {
    let delivery = &s.delivery;
    delivery.reading.within(delivery.pins.within(everywhere))
}

/// A start: mailboxes pin, and everything that waits begins to age.
pub(super) fn start(s: &mut State, step: &mut Step<'_>) {
    let entries = s.durable.delivery.log.entries.values();
    s.delivery.log_bytes = entries.map(Entry::bytes).sum();
    // What was on disk may be one too long, or the bounds have been lowered.
    bound(s, step);
    let sessions = &s.durable.delivery.book.sessions;
    for registration in sessions.keys().cloned().collect::<Vec<_>>() {
        on_session(s, &registration, step);
    }
    age::start(s, step);
}

/// A session has become something else: it may pin now, or no longer, and begins to age, or ends to.
pub(super) fn on_session(s: &mut State, registration: &Registration, step: &mut Step<'_>) {
    let session = s.durable.delivery.book.sessions.get(registration);
    let pins = session.is_some_and(|session| pins(s, session, step));
    let cursor = home::cursor_of(s, registration).filter(|_| pins);
    s.delivery.pins.put(registration.clone(), cursor);
    age::on_session(s, registration, step);
}

/// A server is no longer counted, or is counted again: its sessions are mailboxes now, or no longer. The one thing here that
/// walks all sessions, for it is rare.
fn on_counted(s: &mut State, server: &ServerName, step: &mut Step<'_>) {
    let sessions = s.durable.delivery.book.sessions.iter();
    let there = sessions.filter(|(_, session)| session.version.home.server == *server);
    let there: Vec<_> = there
        .map(|(registration, _)| registration.clone())
        .collect();
    for registration in there {
        on_session(s, &registration, step);
    }
}

/// Whether a session keeps what it hasn't heard. For a live one its home's floor speaks, while that is counted.
fn pins(s: &State, session: &Session, step: &Step<'_>) -> bool {
    match session.phase {
        Phase::CatchingUp | Phase::Left => true,
        Phase::Live => {
            s.delivery.uncounted.contains(&session.version.home.server)
                && (step.rules.delivery.pins_for_the_dead)()
        }
        Phase::Expired => (step.rules.delivery.pins_for_the_expired)(),
        Phase::Out => false,
    }
}

/// The log is longer by one. It has bounds: past one of them the oldest goes, whoever needs it, and that is counted. Who reads
/// the log is told where it is missing.
pub(super) fn on_longer(s: &mut State, by: &Entry, step: &mut Step<'_>) {
    s.delivery.log_bytes += by.bytes();
    if (step.rules.delivery.log_ends)() {
        bound(s, step);
    }
}

fn bound(s: &mut State, step: &mut Step<'_>) {
    let mut gone = Vec::new();
    while !is_within_bounds(s, &step.config.delivery)
        && let Some(oldest) = s.durable.delivery.log.entries.values().next().cloned()
    {
        // Within a stream numbers rise with places: nothing else of it is here up to this number.
        let message = &oldest.message;
        let upto = Vector::unit(message.stream.clone(), message.number);
        s.delivery.log_bytes -= length(&s.durable.delivery.log.forget(&upto));
        gone.push(oldest);
    }
    if gone.is_empty() {
        return;
    }
    let missed = gone.len() as u64;
    let info = Info::MailboxFull;
    tell(Report::Gap { missed, info }, step);
}

/// How long these are in all.
fn length(entries: &[Entry]) -> usize {
    entries.iter().map(Entry::bytes).sum()
}

fn is_within_bounds(s: &State, settings: &Settings) -> bool {
    let entries = &s.durable.delivery.log.entries;
    entries.len() <= settings.log_max && s.delivery.log_bytes <= settings.log_max_bytes
}

/// Timer: servers that lack something and don't move are waited for one tick less, and at last no longer.
pub(super) fn on_patience(s: &mut State, step: &mut Step<'_>) {
    s.delivery.loses_patience = false;
    let Some(patience) = step.config.delivery.patience else {
        return;
    };
    let have = &s.durable.delivery.log.have;
    let floors = &s.durable.delivery.floors;
    let mut missed = std::collections::BTreeMap::new();
    let mut lost: Vec<ServerName> = Vec::new();
    for server in s.durable.tree.known.keys() {
        let floor = floors.get(server).cloned().unwrap_or_default();
        if *server == s.id().name
            || vector::covers(&floor, have)
            || s.delivery.uncounted.contains(server)
        {
            continue;
        }
        let ticks = match s.delivery.missed.get(server) {
            Some(ticks) => ticks + 1,
            None => 0,
        };
        if ticks >= patience {
            lost.push(server.clone());
        } else {
            missed.insert(server.clone(), ticks);
        }
    }
    s.delivery.missed = missed;
    for server in lost {
        s.delivery.uncounted.insert(server.clone());
        on_counted(s, &server, step);
        tell(Report::Uncounted { server }, step);
    }
    review(s, step);
}

/// A server was given up: who was there is away, having heard what it said last; nobody waits for it.
pub(super) fn on_retired(s: &mut State, server: &ServerName, step: &mut Step<'_>) {
    let sessions = s.durable.delivery.book.sessions.iter();
    let there = sessions.filter(|(_, session)| {
        session.version.home.server == *server && home::is_here(session.phase)
    });
    let there: Vec<_> = there
        .map(|(registration, _)| registration.clone())
        .collect();
    home::turn_all(s, &there, Phase::Left, step);
    s.durable.delivery.floors.remove(server);
    s.delivery.uncounted.remove(server);
    s.delivery.missed.remove(server);
}

/// A server has moved: it is counted again.
pub(super) fn on_moved(s: &mut State, server: &ServerName, step: &mut Step<'_>) {
    s.delivery.missed.remove(server);
    if s.delivery.uncounted.remove(server) {
        on_counted(s, server, step);
    }
}

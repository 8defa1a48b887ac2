//! What nobody needs any more is forgotten (`docs/protocol.md`, Delivery: Forgetting): what every counted server has for
//! good, and everyone in a mailbox has heard. A server that doesn't move is not counted for ever.

use super::super::{State, Step, Timer};
use super::{Report, login, receiver, speaker, tell, vector};
use crate::message::ServerName;
use crate::message::client::{Info, Vector};
use crate::message::server::{Phase, Session};
use std::time::Duration;

/// The pace at which patience is lost.
const TICK: std::ops::Range<Duration> = Duration::from_secs(60)..Duration::from_secs(66);

/// Floors or sessions have changed: forgets what can be forgotten, and tells speakers what everyone has.
pub(super) fn review(s: &mut State, step: &mut Step<'_>) {
    let everywhere = everywhere(s);
    speaker::settle(s, &everywhere, step);
    if s.durable.delivery.log.entries.is_empty() {
        return;
    }
    let upto = unneeded(s, everywhere, step);
    let log = &mut s.durable.delivery.log;
    if !vector::covers(&log.base, &upto) {
        log.forget(&upto);
    }
    bound(s, step);
    let waits = !s.durable.delivery.log.entries.is_empty();
    if step.config.delivery.patience.is_some() && waits && !s.delivery.loses_patience {
        s.delivery.loses_patience = true;
        step.set(Timer::Patience, TICK);
    }
}

/// What all counted servers have, for good.
pub(super) fn everywhere(s: &State) -> Vector {
    let floors = &s.durable.delivery.floors;
    let known = s.durable.tree.known.keys();
    let counted = known.filter(|server| !s.delivery.uncounted.contains_key(*server));
    let floors = counted.map(|server| floors.get(server).cloned().unwrap_or_default());
    let least = floors.reduce(|least, floor| vector::meet(&least, &floor));
    least.unwrap_or_default()
}

/// What of `everywhere` no mailbox needs, and no client here that has fallen behind.
fn unneeded(s: &State, everywhere: Vector, step: &Step<'_>) -> Vector {
    let mut upto = everywhere;
    for (registration, session) in &s.durable.delivery.book.sessions {
        if pins(s, session, step)
            && let Some(cursor) = login::cursor_of(s, registration)
        {
            upto = vector::meet(&upto, &cursor);
        }
        if upto.is_empty() {
            return upto;
        }
    }
    let behind = s
        .delivery
        .receivers
        .values()
        .filter(|receiver| receiver.behind.is_some());
    behind.fold(upto, |upto, receiver| vector::meet(&upto, &receiver.cursor))
}

/// Whether a session keeps what it hasn't heard. For a live one its home's floor speaks, while that is counted.
fn pins(s: &State, session: &Session, step: &Step<'_>) -> bool {
    match session.phase {
        Phase::CatchingUp | Phase::Left => true,
        Phase::Live => {
            s.delivery
                .uncounted
                .contains_key(&session.version.home.server)
                && (step.rules.delivery.pins_for_the_dead)()
        }
        Phase::Out => false,
    }
}

/// The log has a bound: past it the oldest goes, whoever needs it, and that is counted.
fn bound(s: &mut State, step: &mut Step<'_>) {
    let log = &mut s.durable.delivery.log;
    let surplus = log
        .entries
        .len()
        .saturating_sub(step.config.delivery.log_max);
    if surplus == 0 {
        return;
    }
    let mut upto = Vector::new();
    for entry in log.entries.values().take(surplus) {
        vector::raise(&mut upto, &entry.message.stream, entry.message.number);
    }
    let gone: Vec<_> = log
        .entries
        .iter()
        .filter(|(_, entry)| entry.message.is_in(&upto))
        .map(|(place, entry)| (*place, entry.message.clone()))
        .collect();
    log.forget(&upto);
    tell(
        Report::Gap {
            missed: gone.len() as u64,
            info: Info::MailboxFull,
        },
        step,
    );
    let behind = s.delivery.receivers.iter().filter_map(|(link, receiver)| {
        let next = receiver.behind?;
        let missed = gone
            .iter()
            .filter(|(place, message)| *place >= next && !message.is_in(&receiver.cursor));
        Some((*link, missed.count() as u64))
    });
    for (link, missed) in behind.collect::<Vec<_>>() {
        receiver::gap(s, link, missed, Info::MailboxFull, step);
    }
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
            || s.delivery.uncounted.contains_key(server)
        {
            continue;
        }
        let ticks = match s.delivery.missed.get(server) {
            Some((before, ticks)) if *before == floor => ticks + 1,
            Some(_) | None => 0,
        };
        if ticks >= patience {
            lost.push(server.clone());
        } else {
            missed.insert(server.clone(), (floor, ticks));
        }
    }
    s.delivery.missed = missed;
    for server in lost {
        let floor = s
            .durable
            .delivery
            .floors
            .get(&server)
            .cloned()
            .unwrap_or_default();
        s.delivery.uncounted.insert(server.clone(), floor);
        tell(Report::Uncounted { server }, step);
    }
    review(s, step);
}

/// A server has moved: it is counted again.
pub(super) fn on_moved(s: &mut State, server: &ServerName) {
    s.delivery.uncounted.remove(server);
    s.delivery.missed.remove(server);
}

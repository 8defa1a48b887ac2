//! Floors: up to where a server has got everything for good, and so has everyone who is live there (`docs/protocol.md`,
//! Delivery: Floors). A floor only rises. It is told now and then, never per message, and never before the sessions
//! that it presupposes: one that has left no longer holds it down.

use super::super::{State, Step, Timer};
use super::{forget, vector};
use crate::message::client::Vector;
use crate::message::{Peer, ServerName};
use crate::port::Link;
use std::time::Duration;

/// How long a server waits before it says how far it has got: long enough for many messages, far shorter than anyone
/// waits for them to be forgotten.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_millis(200);

/// Something has happened after which this server's floor may rise.
pub(super) fn expect(s: &mut State, step: &mut Step<'_>) {
    if s.delivery.floor_is_due {
        return;
    }
    if floor(s, step).is_some() {
        set(s, step);
    }
}

/// The log has changed, and nobody has saved it: it is to be on disk soon, however long the floor is held down.
pub(super) fn on_log(s: &mut State, step: &mut Step<'_>) {
    if (step.rules.delivery.log_is_saved_soon)() {
        set(s, step);
    } else {
        expect(s, step);
    }
}

/// A timer that is set already isn't put off.
fn set(s: &mut State, step: &mut Step<'_>) {
    if s.delivery.floor_is_due {
        return;
    }
    s.delivery.floor_is_due = true;
    step.set(Timer::Floor, PAUSE);
}

/// Timer: the log, and the floor if it has risen, on disk first and then to all.
pub(super) fn on_timer(s: &mut State, step: &mut Step<'_>) {
    s.delivery.floor_is_due = false;
    let Some(floor) = floor(s, step) else {
        return step.save(&s.durable);
    };
    let me = s.id().name.clone();
    s.durable.delivery.floors.insert(me.clone(), floor.clone());
    // What nobody needs from here on needn't go to disk first. What is told of it waits until the floor is there.
    let everywhere = forget::everywhere(s);
    forget::forget(s, everywhere, step);
    let news = vec![(me, floor)];
    if (step.rules.delivery.floor_is_durable)() {
        step.save(&s.durable);
    }
    tell(s, None, &news, step);
    forget::review(s, step);
}

/// What the floor has risen to, if it has.
fn floor(s: &State, step: &Step<'_>) -> Option<Vector> {
    let delivery = &s.durable.delivery;
    let have = &delivery.log.have;
    let heard = s.delivery.live.within(have.clone());
    let floor = (step.rules.delivery.floor)(have, heard);
    let before = delivery
        .floors
        .get(&s.id().name)
        .cloned()
        .unwrap_or_default();
    (!vector::covers(&before, &floor)).then(|| vector::join(&before, &floor))
}

/// FLOORS: merges them, and passes on what is news.
pub(super) fn on_floors(
    s: &mut State,
    link: Link,
    floors: Vec<(ServerName, Vector)>,
    step: &mut Step<'_>,
) {
    let mut news = Vec::new();
    for (server, floor) in floors {
        if s.durable.tree.retired.contains_key(&server) {
            continue;
        }
        let known = s.durable.delivery.floors.entry(server.clone()).or_default();
        if !vector::covers(known, &floor) {
            *known = vector::join(known, &floor);
            let floor = known.clone();
            forget::on_moved(s, &server, step);
            news.push((server, floor));
        }
    }
    if !news.is_empty() {
        tell(s, Some(link), &news, step);
        forget::review(s, step);
    }
}

/// The floors of these servers, to one neighbour.
pub(super) fn tell_these(
    s: &State,
    link: Link,
    servers: impl IntoIterator<Item = ServerName>,
    step: &mut Step<'_>,
) {
    let floors = servers.into_iter().filter_map(|server| {
        let floor = s.durable.delivery.floors.get(&server)?.clone();
        Some((server, floor))
    });
    let floors: Vec<_> = floors.collect();
    if !floors.is_empty() {
        step.say(link, Peer::Floors { floors });
    }
}

/// Some floors, to every neighbour once it has been told the sessions before them.
fn tell(s: &mut State, from: Option<Link>, floors: &[(ServerName, Vector)], step: &mut Step<'_>) {
    for (link, edge) in &mut s.delivery.edges {
        if Some(*link) == from || edge.sessions.is_none() {
            continue;
        }
        if edge.lacking.is_empty() {
            let floors = floors.to_vec();
            step.say(*link, Peer::Floors { floors });
        } else {
            let servers = floors.iter().map(|(server, _)| server.clone());
            edge.floors.extend(servers);
        }
    }
}

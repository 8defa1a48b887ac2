//! How many clients each server has, and who is sent on to a lighter one (`docs/protocol.md`, Load).
//!
//! What is said of a server's load is ordered: by its start, by its own count of changes, and "nobody hears of
//! it any more" after what it last said. Only what is later than what is known is taken and passed on, so nothing
//! goes round, whatever shape the tree has at the moment.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Role, State as Node, Step, Timer, connection, delivery};
use crate::message::server::Load;
use crate::message::{Address, Peer, Reply, ServerName, Stream};
use crate::port::Link;

/// How often what is known of a server may miss a renewal before it is forgotten.
pub const AGE_MAX: u8 = 3;

/// What a server knows of loads. Volatile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// How many clients are logged in here.
    pub clients: u64,
    /// What was said last of that.
    pub announced: u64,
    /// How often it was said.
    pub number: u64,
    /// Whether this server is being stopped: what it says is that it is no place for clients.
    pub is_closed: bool,
    /// Whether it shall be said shortly: the timer runs.
    pub owes: bool,
    /// What is known of the others.
    pub others: BTreeMap<ServerName, Other>,
    /// Who is at the other end of each edge.
    pub neighbours: BTreeMap<Link, ServerName>,
}

/// What is known of another server's load.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Other {
    /// What was said last of it.
    pub load: Load,
    /// How many clients were sent there since.
    pub sent: u64,
    /// How many renewals it may have missed since.
    pub age: u8,
}

/// The intervals of announcing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timing {
    /// How long changes are gathered before they are announced.
    pub merge: Range<Duration>,
    /// How often a load is announced that doesn't change; `None` for never, and then nothing is
    /// forgotten for want of it.
    pub renew: Option<Range<Duration>>,
}

impl Timing {
    /// Every so often, give or take a tenth, so that servers don't all speak at once.
    pub fn every(interval: Duration) -> Self {
        let tenth = interval / 10;
        Self {
            renew: Some(interval - tenth..interval + tenth),
            ..Self::default()
        }
    }
}

impl Default for Timing {
    /// Changes alone.
    fn default() -> Self {
        Self {
            merge: Duration::from_millis(20)..Duration::from_millis(50),
            renew: None,
        }
    }
}

/// A start.
pub(super) fn on_start(step: &mut Step<'_>) {
    renew_later(step);
}

/// An edge is up: everything known, for the neighbour.
pub(super) fn on_edge_up(s: &mut Node, link: Link, step: &Step<'_>) -> Vec<Load> {
    let neighbour = match s.links.get(&link) {
        Some(Role::Child(name)) => Some(name),
        Some(Role::Parent) => s.tree.path().first().map(|parent| &parent.name),
        Some(Role::Fresh | Role::Attempt | Role::Client(_) | Role::Leaving) | None => None,
    };
    if let Some(name) = neighbour {
        s.balance.neighbours.insert(link, name.clone());
    }
    if !(step.rules.balance.announces)() {
        return Vec::new();
    }
    let others = s.balance.others.values().map(|other| other.load.clone());
    std::iter::once(own(s)).chain(others).collect()
}

/// HELLO and SERVER_ANNOUNCE: what a neighbour knows. What is news is passed on.
pub(super) fn on_loads(s: &mut Node, from: Link, loads: Vec<Load>, step: &mut Step<'_>) {
    if !(step.rules.balance.announces)() {
        return;
    }
    let mut news = Vec::new();
    for load in loads {
        if load.server.server == s.id().name {
            on_rumour(s, &load, step);
        } else if take(s, load.clone(), step) {
            news.push(load);
        }
    }
    if (step.rules.balance.passes_on)() {
        flood(s, Some(from), &news, step);
    }
}

/// An edge is gone: who was at its other end is no place to send clients to, until more is heard.
pub(super) fn on_edge_down(s: &mut Node, link: Link, step: &mut Step<'_>) {
    let neighbour = s.balance.neighbours.remove(&link);
    if let Some(other) = neighbour.and_then(|name| s.balance.others.get(&name)) {
        let lost = Load {
            clients: None,
            ..other.load.clone()
        };
        if take(s, lost.clone(), step) {
            flood(s, None, &[lost], step);
        }
    }
}

/// A server was given up: nobody is sent there.
pub(super) fn on_retired(s: &mut Node, server: &ServerName) {
    s.balance.others.remove(server);
}

/// A client is logged in now.
pub(super) fn on_present(s: &mut Node, step: &mut Step<'_>) {
    s.balance.clients += 1;
    announce_soon(s, step);
}

/// A client that was logged in is gone.
pub(super) fn on_absent(s: &mut Node, step: &mut Step<'_>) {
    s.balance.clients -= u64::from((step.rules.balance.discounts)());
    announce_soon(s, step);
}

/// Where a client that logs in is sent on to: another server that is lighter by two, if the login's record doesn't say that it has
/// been sent on already.
pub(super) fn elsewhere(s: &Node, link: Link, step: &Step<'_>) -> Option<(ServerName, Address)> {
    let rules = &step.rules.balance;
    if !(rules.announces)() {
        return None;
    }
    let (load, server, to) = lightest(s)?;
    let is_lighter = (rules.redirects)(s.balance.clients, load);
    (is_lighter && (rules.sends_on)(delivery::sent_on(s, link))).then_some((server, to))
}

/// This server is being stopped: nobody shall be sent here.
pub(super) fn on_drain(s: &mut Node, step: &mut Step<'_>) {
    s.balance.is_closed = (step.rules.drain.is_closed)();
    if (step.rules.balance.announces)() {
        announce(s, step);
    }
}

/// REDIRECT, however light this server is: it is being stopped. Without another one to go to, a close.
pub(super) fn send_away(s: &mut Node, link: Link, step: &mut Step<'_>) {
    match lightest(s).filter(|_| (step.rules.drain.says_where)()) {
        Some((_, name, to)) => redirect(s, link, &name, to, step),
        None => connection::leave(s, link, step),
    }
}

/// REDIRECT, and a close. Sent on is sent for good: until that server speaks again, the client counts there.
pub(super) fn redirect(
    s: &mut Node,
    link: Link,
    name: &ServerName,
    to: Address,
    step: &mut Step<'_>,
) {
    if let Some(other) = s.balance.others.get_mut(name) {
        other.sent += (step.rules.balance.raises)();
    }
    connection::refuse(s, link, Reply::Redirect { to }, step);
}

/// Timer: what has changed is said, once for all changes.
pub(super) fn on_announce(s: &mut Node, step: &mut Step<'_>) {
    s.balance.owes = false;
    if s.balance.clients != s.balance.announced {
        announce(s, step);
    }
}

/// Timer: says it again, so that the others know that there is a server; forgets those that no longer do.
pub(super) fn on_renew(s: &mut Node, step: &mut Step<'_>) {
    s.balance.others.retain(|_, other| {
        other.age += 1;
        other.age <= AGE_MAX
    });
    announce(s, step);
    renew_later(step);
}

/// What is said of this server itself: that nobody hears of it any more is wrong, if it has come this far. So a server
/// that was cut off, and has a new place in the tree, speaks up.
fn on_rumour(s: &mut Node, rumour: &Load, step: &mut Step<'_>) {
    if (step.rules.balance.answers)(&own(s), rumour) {
        announce(s, step);
    }
}

fn announce_soon(s: &mut Node, step: &mut Step<'_>) {
    if !s.balance.owes && (step.rules.balance.announces)() {
        s.balance.owes = true;
        step.set(Timer::Announce, step.config.timing.loads.merge.clone());
    }
}

fn renew_later(step: &mut Step<'_>) {
    if let Some(renew) = step.config.timing.loads.renew.clone() {
        step.set(Timer::Renew, renew);
    }
}

/// SERVER_ANNOUNCE: how many clients are here.
fn announce(s: &mut Node, step: &mut Step<'_>) {
    s.balance.number += 1;
    s.balance.announced = s.balance.clients;
    let own = own(s);
    flood(s, None, &[own], step);
}

fn flood(s: &Node, from: Option<Link>, loads: &[Load], step: &mut Step<'_>) {
    if loads.is_empty() {
        return;
    }
    for edge in s.edges().filter(|edge| Some(*edge) != from) {
        let loads = loads.to_vec();
        step.say(edge, Peer::ServerAnnounce { loads });
    }
}

/// Takes what is later than what is known, of a server that is known: one that was given up isn't, whoever still speaks of it.
/// Whether it was.
fn take(s: &mut Node, load: Load, step: &Step<'_>) -> bool {
    let name = load.server.server.clone();
    if !s.durable.tree.known.contains_key(&name) {
        return false;
    }
    let known = s.balance.others.get(&name).map(|other| &other.load);
    let is_news = (step.rules.balance.is_news)(known, &load);
    if is_news {
        let (sent, age) = (0, 0);
        s.balance.others.insert(name, Other { load, sent, age });
    }
    is_news
}

/// What this server says of itself.
fn own(s: &Node) -> Load {
    Load {
        server: Stream {
            server: s.id().name.clone(),
            incarnation: s.durable.tree.incarnation,
        },
        number: s.balance.number,
        clients: (!s.balance.is_closed).then_some(s.balance.announced),
    }
}

/// The lightest other server, and its load.
fn lightest(s: &Node) -> Option<(u64, ServerName, Address)> {
    let loads = s.balance.others.iter().filter_map(|(name, other)| {
        let address = &s.durable.tree.known.get(name)?.address;
        Some((other.load.clients? + other.sent, name, address))
    });
    let (load, name, address) = loads.min()?;
    Some((load, name.clone(), address.clone()))
}

#[cfg(test)]
mod tests;

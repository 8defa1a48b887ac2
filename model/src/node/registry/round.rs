//! A lock round: how a name is given away (`docs/protocol.md`, Usernames: Rounds).
//! The elder passes, the younger dies; nobody waits for anybody, so no deadlock is possible.
//!
//! ```text
//!                 REGISTER at its own server,         every downstream allowed
//!                 LOCK_REQUEST from upstream          or its link broken
//!   (the name is free) ─────────────▶ asking ───────────────────────────────▶ promised
//!                                       │                                      │  (origin: committed)
//!        a downstream denies: LOCK_DENIED upstream                             │
//!        an elder claim comes to the origin                                    │
//!        ┌──────────────────────────────┤ LOCK_RELEASE · upstream link down    │
//!        ▼                              │ client gone · a record enters        │
//!      over ◀───────────────────────────┴──────────────────────────────────────┘
//!        LOCK_RELEASE to the downstreams
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{State, Step, connection};
use super::{enter, grant, own_stream};
use crate::message::client::Info;
use crate::message::server::{Changes, Lock, LockDenied, LockRequest, Record, Winner};
use crate::message::{Claim, Peer, Registration, Reply, SecretHash, Stamp, Username};
use crate::port::Link;

/// What a server keeps of a round: its reservation of the name for that claim. Never on disk, never merged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Round {
    /// What the user will prove the name with.
    pub secret: SecretHash,
    /// Who is told how it ends.
    pub upstream: Upstream,
    /// The neighbours that were asked.
    pub downstream: BTreeMap<Link, Answer>,
}

/// Where a round came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Upstream {
    /// This server is its origin: from this client's REGISTER.
    Client(Link),
    /// This neighbour's LOCK_REQUEST.
    Server(Link),
}

/// What a neighbour says to a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing yet.
    Awaited,
    /// It keeps the name, and so do all beyond it.
    Allowed,
    /// It doesn't, or one beyond it: the round is over, and there it is known.
    Denied,
}

impl Round {
    /// Whether all that were asked, and are still there, have allowed it.
    fn is_allowed(&self) -> bool {
        self.downstream
            .values()
            .all(|answer| *answer == Answer::Allowed)
    }
}

/// REGISTER: a new claim, younger than all that this server has seen.
pub(super) fn begin(
    s: &mut State,
    link: Link,
    username: Username,
    secret: SecretHash,
    at: Stamp,
    step: &mut Step<'_>,
) {
    let rules = &step.rules.registry;
    let registertime = (rules.registertime)(at, s.registry.seen);
    let origin = own_stream(s);
    let claim = Claim {
        registertime,
        origin,
    };
    let lock = Lock { username, claim };
    if refusal(s, &lock, step).is_some() {
        let info = Info::NameTaken(lock.username);
        return connection::refuse(s, link, Reply::RegisterFailed { info }, step);
    }
    if !has_room_for_own(s, step) {
        let info = Info::TooManyRegistering;
        return connection::refuse(s, link, Reply::RegisterFailed { info }, step);
    }
    s.registry.seen = s.registry.seen.max(registertime);
    yield_to(s, &lock, step);
    s.registry.asking.insert(link, lock.clone());
    ask(s, lock, secret, Upstream::Client(link), step);
}

/// The client that waits for this server's own round is gone.
pub(super) fn abandon(s: &mut State, link: Link, step: &mut Step<'_>) {
    if !(step.rules.registry.ends_with_client)() {
        return;
    }
    if let Some(lock) = s.registry.asking.get(&link).cloned() {
        end(s, &lock, None, step);
    }
}

/// LOCK_REQUEST.
pub(super) fn on_request(s: &mut State, link: Link, request: LockRequest, step: &mut Step<'_>) {
    let rules = &step.rules.registry;
    let LockRequest {
        username,
        claim,
        secret,
    } = request;
    if (rules.sees_requests)() {
        s.registry.seen = s.registry.seen.max(claim.registertime);
    }
    let lock = Lock { username, claim };
    if s.registry.rounds.contains_key(&lock) {
        if (rules.answers_again)() {
            step.say(link, Peer::LockAllowed(Box::new(lock)));
        }
        return;
    }
    let has_room = s.registry.rounds.len() < rules.limits.rounds;
    let refusal = refusal(s, &lock, step).map(rules.names_winner);
    if let Some(winner) = refusal.or((!has_room).then_some(None)) {
        return deny(link, lock, winner, step);
    }
    yield_to(s, &lock, step);
    ask(s, lock, secret, Upstream::Server(link), step);
}

/// LOCK_ALLOWED.
pub(super) fn on_allowed(s: &mut State, link: Link, lock: &Lock, step: &mut Step<'_>) {
    if let Some(round) = s.registry.rounds.get_mut(lock)
        && let Some(answer) = round.downstream.get_mut(&link)
        && *answer == Answer::Awaited
    {
        *answer = Answer::Allowed;
        settle(s, lock, step);
    }
}

/// LOCK_DENIED: the round is over, and what has won is learned if it has won for good.
pub(super) fn on_denied(s: &mut State, link: Link, denied: LockDenied, step: &mut Step<'_>) {
    let LockDenied {
        username,
        claim,
        winner,
    } = denied;
    let lock = Lock { username, claim };
    let rounds = &mut s.registry.rounds;
    let round = rounds.get_mut(&lock);
    let answer = round.and_then(|round| round.downstream.get_mut(&link));
    let Some(answer @ Answer::Awaited) = answer else {
        return;
    };
    *answer = if (step.rules.registry.passes_denial)() {
        Answer::Denied
    } else {
        Answer::Allowed
    };
    fail(s, &lock, winner.clone(), None, step);
    if let Some(record) = winner.as_ref().and_then(step.rules.registry.learns) {
        learn(s, link, lock.username, record, step);
    }
}

/// LOCK_RELEASE from where the round came from.
pub(super) fn on_release(s: &mut State, link: Link, lock: &Lock, step: &mut Step<'_>) {
    let round = s.registry.rounds.get(lock);
    if round.is_some_and(|round| round.upstream == Upstream::Server(link)) {
        end(s, lock, None, step);
    }
}

/// An edge is gone: rounds that came over it are over, and what was asked over it counts as allowed.
pub(super) fn on_edge_down(s: &mut State, link: Link, step: &mut Step<'_>) {
    let rules = &step.rules.registry;
    let touched = s.registry.rounds.iter().filter(|(_, round)| {
        round.upstream == Upstream::Server(link) || round.downstream.contains_key(&link)
    });
    let touched: Vec<Lock> = touched.map(|(lock, _)| lock.clone()).collect();
    for lock in touched {
        let Some(round) = s.registry.rounds.get_mut(&lock) else {
            continue;
        };
        if round.upstream == Upstream::Server(link) {
            if (rules.ends_with_upstream)() {
                if !(rules.releases_orphans)() {
                    round.downstream.clear();
                }
                end(s, &lock, None, step);
            }
        } else if round.downstream.remove(&link) == Some(Answer::Awaited) {
            if (rules.broken_allows)() {
                settle(s, &lock, step);
            } else {
                fail(s, &lock, None, None, step);
            }
        }
    }
}

/// A record of this name has entered the directory: a server holds a record or reservations, never both.
/// Whoever still waits for an answer hears who has won; `from`, where the record came from, knows already.
pub(super) fn on_record(
    s: &mut State,
    from: Option<Link>,
    username: &Username,
    step: &mut Step<'_>,
) {
    if !(step.rules.registry.record_ends_rounds)() {
        return;
    }
    let Some(record) = s.durable.registry.records.get(username).cloned() else {
        return;
    };
    let granted = record.registration.claim();
    for lock in locks_of(s, username) {
        if lock.claim == granted {
            complete(s, from, &lock, step);
        } else {
            let winner = (step.rules.registry.names_winner)(Winner::Registered(record.clone()));
            fail(s, &lock, winner, from, step);
        }
    }
}

/// Why `lock` can't be had here: the name is given away, or an elder claim reserves it.
fn refusal(s: &State, lock: &Lock, step: &Step<'_>) -> Option<Winner> {
    let rules = &step.rules.registry;
    let record = s.durable.registry.records.get(&lock.username);
    if let Some(record) = record.filter(|record| (rules.bars)(record, &lock.claim)) {
        return Some(Winner::Registered(record.clone()));
    }
    let mut reservations = reservations(s, &lock.username);
    let elder = reservations.find(|(other, _)| (rules.outranks)(&other.claim, &lock.claim));
    elder.map(|(other, round)| Winner::Reserved {
        claim: other.claim.clone(),
        secret: round.secret.clone(),
    })
}

/// This server's own younger rounds of the name end: an elder claim passes, and they are not committed.
fn yield_to(s: &mut State, elder: &Lock, step: &mut Step<'_>) {
    if !(step.rules.registry.yields)() {
        return;
    }
    let own = reservations(s, &elder.username)
        .filter(|(_, round)| matches!(round.upstream, Upstream::Client(_)));
    let own: Vec<_> = own.map(|(lock, _)| lock.clone()).collect();
    for lock in own {
        fail(s, &lock, None, None, step);
    }
}

/// Reserves the name, and asks every neighbour but the one that it came from.
fn ask(s: &mut State, lock: Lock, secret: SecretHash, upstream: Upstream, step: &mut Step<'_>) {
    let asked = s.edges().filter(|edge| upstream != Upstream::Server(*edge));
    let downstream: BTreeMap<_, _> = asked.map(|edge| (edge, Answer::Awaited)).collect();
    for edge in downstream.keys() {
        let request = LockRequest {
            username: lock.username.clone(),
            claim: lock.claim.clone(),
            secret: secret.clone(),
        };
        step.say(*edge, Peer::LockRequest(Box::new(request)));
    }
    let round = Round {
        secret,
        upstream,
        downstream,
    };
    s.registry.rounds.insert(lock.clone(), round);
    settle(s, &lock, step);
}

/// If everyone asked has allowed it: at its origin the name is given away, elsewhere upstream is told.
fn settle(s: &mut State, lock: &Lock, step: &mut Step<'_>) {
    let round = s.registry.rounds.get(lock);
    let Some(round) = round.filter(|round| round.is_allowed()) else {
        return;
    };
    match round.upstream {
        Upstream::Server(link) => step.say(link, Peer::LockAllowed(Box::new(lock.clone()))),
        Upstream::Client(link) => commit(s, link, lock, step),
    }
}

/// The name is given away: on disk first, then its client and everyone hears of it.
fn commit(s: &mut State, link: Link, lock: &Lock, step: &mut Step<'_>) {
    let Some(round) = s.registry.rounds.remove(lock) else {
        return;
    };
    s.registry.asking.remove(&link);
    let Claim {
        registertime,
        origin,
    } = lock.claim.clone();
    let number = s.durable.registry.complete(&origin) + 1;
    let registration = Registration {
        registertime,
        origin,
        number,
    };
    let secret = round.secret;
    let record = Record {
        registration: registration.clone(),
        secret: secret.clone(),
    };
    grant(s, &lock.username, &record, step);
    on_record(s, None, &lock.username, step);
    let username = lock.username.clone();
    connection::on_registered(s, link, username, registration, secret, step);
    if !(step.rules.registry.durable_first)() {
        step.save(&s.durable);
    }
}

/// A round has lost: its client, or its upstream if that still waits, is told; downstreams are released.
fn fail(
    s: &mut State,
    lock: &Lock,
    winner: Option<Winner>,
    knows: Option<Link>,
    step: &mut Step<'_>,
) {
    let Some(round) = end(s, lock, knows, step) else {
        return;
    };
    match round.upstream {
        Upstream::Client(link) => {
            let info = Info::NameTaken(lock.username.clone());
            connection::refuse(s, link, Reply::RegisterFailed { info }, step);
        }
        Upstream::Server(link) => {
            if Some(link) != knows && !round.is_allowed() {
                deny(link, lock.clone(), winner, step);
            }
        }
    }
}

/// The claim itself was granted, and the record came before the last answers: what waits for one gets it.
fn complete(s: &mut State, from: Option<Link>, lock: &Lock, step: &mut Step<'_>) {
    let Some(round) = s.registry.rounds.remove(lock) else {
        return;
    };
    if let Upstream::Server(link) = round.upstream
        && Some(link) != from
        && !round.is_allowed()
    {
        step.say(link, Peer::LockAllowed(Box::new(lock.clone())));
    }
}

/// A round is over here: its downstreams are released, but for one that knows.
fn end(s: &mut State, lock: &Lock, knows: Option<Link>, step: &mut Step<'_>) -> Option<Round> {
    let round = s.registry.rounds.remove(lock)?;
    if let Upstream::Client(link) = round.upstream {
        s.registry.asking.remove(&link);
    }
    if (step.rules.registry.releases)() {
        let asked = round.downstream.iter();
        let reserve =
            asked.filter(|(link, answer)| Some(**link) != knows && **answer != Answer::Denied);
        for (link, _) in reserve {
            step.say(*link, Peer::LockRelease(Box::new(lock.clone())));
        }
    }
    Some(round)
}

fn deny(link: Link, lock: Lock, winner: Option<Winner>, step: &mut Step<'_>) {
    let Lock { username, claim } = lock;
    let denied = LockDenied {
        username,
        claim,
        winner,
    };
    step.say(link, Peer::LockDenied(Box::new(denied)));
}

/// What a denial showed: a record, maybe ahead of the changes that precede it in its stream.
fn learn(s: &mut State, link: Link, username: Username, record: Record, step: &mut Step<'_>) {
    let stream = record.registration.origin.clone();
    let changes = Changes {
        after: 0,
        upto: 0,
        records: vec![(username, record)],
        lost: Vec::new(),
        stream,
    };
    enter(s, Some(link), changes, step);
}

fn reservations<'a>(
    s: &'a State,
    username: &'a Username,
) -> impl Iterator<Item = (&'a Lock, &'a Round)> + 'a {
    let first = Lock {
        username: username.clone(),
        claim: Claim::eldest(),
    };
    let rounds = s.registry.rounds.range(first..);
    rounds.take_while(move |(lock, _)| lock.username == *username)
}

fn locks_of(s: &State, username: &Username) -> Vec<Lock> {
    reservations(s, username)
        .map(|(lock, _)| lock.clone())
        .collect()
}

fn has_room_for_own(s: &State, step: &Step<'_>) -> bool {
    let limits = &step.rules.registry.limits;
    s.registry.rounds.len() < limits.rounds && s.registry.asking.len() < limits.own_rounds
}

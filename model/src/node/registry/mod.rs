//! Usernames: the replicated directory and the lock rounds (`docs/protocol.md`, Usernames). The elder wins:
//! claims that cross in the tree and records that meet after a cut are settled by one total order.
//!
//! - [`directory`]: who holds each name, and merging.
//! - [`round`]: how a name is given away, hop by hop; what a server keeps of a round is its reservation.
//! - [`exchange`]: what each neighbour's directory lacks, sent in bounded chunks.
//! - [`import`]: names that an operator brings along.
//! - [`owners`]: the clients that believe in a name, and telling those that lost it.

pub mod directory;
pub mod exchange;
pub mod import;
pub mod owners;
pub mod round;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Boot, Role, Step, connection, tree};
use crate::message::client::{Info, Vector};
use crate::message::server::{Changes, Lock, LockDenied, LockRequest, Record};
use crate::message::{Registration, SecretHash, Stamp, Stream, Username};
use crate::port::Link;
use directory::{Directory, Index, Merged};
use exchange::Exchange;
use round::Round;

/// The part of usernames that a crash wipes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The largest stamp that this server has seen.
    pub seen: Stamp,
    /// The rounds that this server takes part in: its own and others'. What it has promised is its reservation.
    #[serde(with = "crate::pairs")]
    pub rounds: BTreeMap<Lock, Round>,
    /// The clients that wait for an answer to their REGISTER, and its round.
    pub asking: BTreeMap<Link, Lock>,
    /// What passes over each edge of the tree.
    pub edges: BTreeMap<Link, Exchange>,
    /// Where each user is logged in at this server.
    pub present: BTreeMap<Username, BTreeSet<Link>>,
    /// Finds records by their change.
    pub index: Index,
}

/// The directory.
pub type Durable = Directory;

/// What a start makes of the disk.
pub(super) fn start(boot: Boot, disk: &Durable) -> State {
    State {
        seen: boot.now.max(disk.latest()),
        index: Index::of(disk),
        ..State::default()
    }
}

/// Who may log in under this name with this secret: the registration that it proves.
pub fn verify(
    s: &super::State,
    username: &Username,
    secret: &SecretHash,
) -> Result<Registration, Info> {
    match s.durable.registry.records.get(username) {
        Some(record) if record.secret == *secret => Ok(record.registration.clone()),
        Some(_) => Err(Info::WrongSecret),
        None => Err(Info::UnknownUser(username.clone())),
    }
}

/// Up to which change of each origin this server's directory is complete.
pub fn vector(s: &super::State) -> Vector {
    s.durable.registry.vector.clone()
}

/// REGISTER: a client wants a name. Its connection is [`Registering`](connection::Standing::Registering).
pub(super) fn on_register(
    s: &mut super::State,
    link: Link,
    username: Username,
    secret: SecretHash,
    at: Stamp,
    step: &mut Step<'_>,
) {
    round::begin(s, link, username, secret, at, step);
}

/// A client's standing is set: from now on it believes in this name.
pub(super) fn on_present(s: &mut super::State, link: Link, username: Username) {
    let links = s.registry.present.entry(username).or_default();
    links.insert(link);
}

/// A client is gone, or is being closed by this server.
pub(super) fn on_client_down(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    let Some(Role::Client(connection)) = s.links.get(&link) else {
        return;
    };
    match &connection.standing {
        connection::Standing::Registering => round::abandon(s, link, step),
        connection::Standing::User { username, .. } => {
            owners::leave(&mut s.registry, username, link)
        }
        connection::Standing::Stranger | connection::Standing::Anonymous => {}
    }
}

/// An edge of the tree is up: our HELLO is sent.
pub(super) fn on_edge_up(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    let exchange = Exchange::new(step.rules.registry.limits.window_chunks);
    s.registry.edges.insert(link, exchange);
}

/// HELLO: what the neighbour's directory covers.
pub(super) fn on_hello(s: &mut super::State, link: Link, vector: &Vector, step: &mut Step<'_>) {
    exchange::begin(s, link, vector, step);
}

/// DIRECTORY: changes of one origin's directory.
pub(super) fn on_directory(
    s: &mut super::State,
    link: Link,
    changes: Changes,
    step: &mut Step<'_>,
) {
    let stamps = changes.records.iter();
    let mut stamps = stamps.map(|(_, record)| record.registration.registertime);
    if changes.after > s.durable.registry.complete(&changes.stream)
        || stamps.any(|stamp| stamp > Stamp::MAX)
        || !changes.lost.iter().all(|lost| changes.explains(lost))
    {
        return tree::on_nonsense(s, link, step);
    }
    exchange::on_taken_in(s, link, &changes, step);
    enter(s, Some(link), changes, step);
}

/// Whether no name is being asked for.
pub(super) fn is_idle(s: &super::State) -> bool {
    s.registry.rounds.is_empty()
}

/// Whether every neighbour has been sent everything.
pub(super) fn all_is_sent(s: &super::State) -> bool {
    let mut edges = s.registry.edges.values();
    edges.all(Exchange::has_been_sent_all)
}

/// DIRECTORY_CREDIT: the neighbour has taken in so many DIRECTORY messages.
pub(super) fn on_directory_credit(
    s: &mut super::State,
    link: Link,
    chunks: u32,
    step: &mut Step<'_>,
) {
    exchange::on_credit(s, link, chunks, step);
}

/// LOCK_REQUEST: another server's client wants a name.
pub(super) fn on_lock_request(
    s: &mut super::State,
    link: Link,
    request: LockRequest,
    step: &mut Step<'_>,
) {
    if request.claim.registertime > Stamp::MAX {
        return tree::on_nonsense(s, link, step);
    }
    round::on_request(s, link, request, step);
}

/// LOCK_ALLOWED: the neighbour and all beyond it keep the name.
pub(super) fn on_lock_allowed(s: &mut super::State, link: Link, lock: &Lock, step: &mut Step<'_>) {
    round::on_allowed(s, link, lock, step);
}

/// LOCK_DENIED: the claim has lost.
pub(super) fn on_lock_denied(
    s: &mut super::State,
    link: Link,
    denied: LockDenied,
    step: &mut Step<'_>,
) {
    round::on_denied(s, link, denied, step);
}

/// LOCK_RELEASE: the round is over and nothing came of it.
pub(super) fn on_lock_release(s: &mut super::State, link: Link, lock: &Lock, step: &mut Step<'_>) {
    round::on_release(s, link, lock, step);
}

/// An edge of the tree is gone.
pub(super) fn on_edge_down(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    s.registry.edges.remove(&link);
    round::on_edge_down(s, link, step);
}

/// The stream of this server's own changes.
fn own_stream(s: &super::State) -> Stream {
    Stream {
        server: s.id().name.clone(),
        incarnation: s.durable.tree.incarnation,
    }
}

/// Records enter the directory: the rounds of their names end, the neighbours hear of them, and once all is on
/// disk, so do those who lost a name by it.
fn enter(s: &mut super::State, from: Option<Link>, changes: Changes, step: &mut Step<'_>) {
    let rules = &step.rules.registry;
    let mut losses = Vec::new();
    let mut entered = Vec::new();
    for (username, record) in changes.records {
        let stamp = record.registration.registertime;
        s.registry.seen = s.registry.seen.max(stamp);
        let directory = &mut s.durable.registry;
        match directory.merge(&mut s.registry.index, &username, record, rules.replaces) {
            Merged::Kept => continue,
            Merged::New => {}
            Merged::Replaced(lost) => losses.push((username.clone(), lost)),
        }
        entered.push(username);
    }
    let directory = &mut s.durable.registry;
    for (number, username) in changes.lost {
        let change = (changes.stream.clone(), number);
        directory.lose(&mut s.registry.index, change, &username);
    }
    let news = directory.advance(&mut s.registry.index, &changes.stream, changes.upto);
    if !news && entered.is_empty() {
        return;
    }
    if news {
        exchange::flood(s, &changes.stream, step);
    }
    exchange::flood_ahead(s, from, &entered, step);
    for username in &entered {
        round::on_record(s, from, username, step);
    }
    step.save(&s.durable);
    for (username, lost) in losses {
        owners::on_lost(s, &username, &lost, step);
    }
}

/// This server's own grant: what its client, and then everyone, is told of it.
fn grant(s: &mut super::State, username: &Username, record: &Record, step: &mut Step<'_>) {
    let rules = &step.rules.registry;
    let Registration { origin, number, .. } = record.registration.clone();
    let directory = &mut s.durable.registry;
    directory.merge(&mut s.registry.index, username, record.clone(), |_, _| true);
    directory.advance(&mut s.registry.index, &origin, number);
    if (rules.durable_first)() {
        step.save(&s.durable);
    }
    if (rules.floods)() {
        exchange::flood(s, &origin, step);
    }
}

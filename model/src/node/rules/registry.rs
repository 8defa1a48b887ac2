//! The rules of usernames (`docs/protocol.md`, Usernames).

use crate::message::server::{Record, Winner};
use crate::message::{Claim, Registration, Stamp};

/// The rules of usernames that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Given a clock and the largest stamp seen: what a new claim is stamped with.
    pub registertime: fn(now: Stamp, seen: Stamp) -> Stamp,
    /// Is a stamp that a LOCK_REQUEST shows counted as seen?
    pub sees_requests: fn() -> bool,
    /// Given a reservation and a claim that meets it: does the reservation prevail?
    pub outranks: fn(reserved: &Claim, claim: &Claim) -> bool,
    /// Given a record of the name and a claim that meets it: is the claim denied?
    pub bars: fn(&Record, &Claim) -> bool,
    /// Does an origin's own round end when an elder claim passes?
    pub yields: fn() -> bool,
    /// Does a second request of the same round get an answer at once?
    pub answers_again: fn() -> bool,
    /// Is a denial passed on to upstream also by who had asked nobody else?
    pub passes_denial: fn() -> bool,
    /// Does a link that breaks count as allowed?
    pub broken_allows: fn() -> bool,
    /// Does a reservation end with the link that it came over?
    pub ends_with_upstream: fn() -> bool,
    /// Does a server that loses a round's upstream link send the release to its downstreams?
    pub releases_orphans: fn() -> bool,
    /// Does a round that is over tell its downstreams?
    pub releases: fn() -> bool,
    /// Does a round end when the client that asked is gone?
    pub ends_with_client: fn() -> bool,
    /// Does a record that enters the directory end the rounds of its name?
    pub record_ends_rounds: fn() -> bool,
    /// Which record a denial brings along.
    pub learns: fn(&Winner) -> Option<Record>,
    /// What a denial says of who has won.
    pub names_winner: fn(Winner) -> Option<Winner>,
    /// Given the record held and one that comes in: does the latter replace it?
    pub replaces: fn(held: &Registration, other: &Registration) -> bool,
    /// Is a registration on disk before it is told?
    pub durable_first: fn() -> bool,
    /// Is a registration told to the other servers?
    pub floods: fn() -> bool,
    /// Given what a new neighbour says it has of a stream: where does what is sent to it begin?
    pub resumes_after: fn(u64) -> u64,
    /// Is a neighbour that is told of a change that has lost told who has won?
    pub names_winners: fn() -> bool,
    /// Do the clients that believe in a name hear it when it is lost?
    pub tells_losers: fn() -> bool,
    /// Do two records with the same secret make one user?
    pub unites: fn(lost: &Record, won: &Record) -> bool,
    /// How much is kept and sent at once.
    pub limits: Limits,
}

/// How much the registry keeps and sends at once, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of this server's own clients.
    pub own_rounds: usize,
    /// Rounds in all, other servers' too.
    pub rounds: usize,
    /// Records in one DIRECTORY.
    pub chunk_records: usize,
    /// DIRECTORY messages on their way to one neighbour.
    pub window_chunks: u32,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    registertime,
    sees_requests: || true,
    outranks: |reserved, claim| reserved <= claim,
    bars: |_, _| true,
    yields: || true,
    answers_again: || true,
    passes_denial: || true,
    broken_allows: || true,
    ends_with_upstream: || true,
    releases_orphans: || true,
    releases: || true,
    ends_with_client: || true,
    record_ends_rounds: || true,
    learns,
    names_winner: Some,
    replaces: |held, other| other < held,
    durable_first: || true,
    floods: || true,
    resumes_after: |has| has,
    names_winners: || true,
    tells_losers: || true,
    unites: |lost, won| lost.secret == won.secret,
    limits: Limits {
        own_rounds: 1_024,
        rounds: 16_384,
        chunk_records: 256,
        window_chunks: 8,
    },
};

/// A clock that runs ahead takes everyone along by one such step at a time, in milliseconds. As long as no
/// honest server goes without news for that long, honest stamps are never shortened.
pub const LEAP_MAX_MS: u64 = 366 * 24 * 3_600_000;

/// Never at or before what was seen: a clock that goes back steals no old name. Never far beyond it either.
fn registertime(now: Stamp, seen: Stamp) -> Stamp {
    let bounded = now.min(Stamp(seen.0.saturating_add(LEAP_MAX_MS)));
    bounded.max(seen.next()).min(Stamp::MAX)
}

/// Only what is given away for good: a reservation may still come to nothing, and the record of a name that nobody
/// holds would bar everyone from it.
fn learns(winner: &Winner) -> Option<Record> {
    match winner {
        Winner::Registered(record) => Some(record.clone()),
        Winner::Reserved { .. } => None,
    }
}

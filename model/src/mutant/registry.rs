//! Usernames, broken.

use super::Mutant;
use crate::message::Registration;
use crate::message::server::{Record, Winner};

/// Every mutant of usernames.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no-arbitration",
        says: "an elder claim passes, and the younger's origin goes on with its own round",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.yields = || false,
    },
    Mutant {
        name: "blind-to-requests",
        says: "the stamps that LOCK_REQUESTs show don't count as seen",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.sees_requests = || false,
    },
    Mutant {
        name: "clock-alone",
        says: "a claim is stamped by the clock, whatever was seen",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.registertime = |now, _| now,
    },
    Mutant {
        name: "far-reservation-stays",
        says: "a server that loses a round's upstream link doesn't release its downstreams",
        scenario: "origin-crash",
        alter: |setup| setup.rules.registry.releases_orphans = || false,
    },
    Mutant {
        name: "record-beside-reservations",
        says: "a record that enters the directory leaves the rounds of its name alone",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.record_ends_rounds = || false,
    },
    Mutant {
        name: "tentative-winner-merged",
        says: "a denial's winner is merged although it isn't committed",
        scenario: "name-race",
        alter: |setup| {
            setup.rules.registry.learns = |winner| {
                Some(match winner {
                    Winner::Registered(record) => record.clone(),
                    Winner::Reserved { claim, secret } => Record {
                        registration: Registration {
                            registertime: claim.registertime,
                            origin: claim.origin.clone(),
                            number: 1,
                        },
                        secret: secret.clone(),
                    },
                })
            }
        },
    },
    Mutant {
        name: "no-tie-break",
        says: "of two claims with one stamp neither outranks the other",
        scenario: "name-race",
        alter: |setup| {
            setup.rules.registry.outranks =
                |reserved, claim| reserved.registertime < claim.registertime;
        },
    },
    Mutant {
        name: "no-tie-break-in-merge",
        says: "of two records with one stamp each server keeps the one that it has",
        scenario: "name-race-cut",
        alter: |setup| {
            setup.rules.registry.replaces = |held, other| other.registertime < held.registertime;
        },
    },
    Mutant {
        name: "younger-record-wins",
        says: "the record that comes last replaces what is held",
        scenario: "name-race-cut",
        alter: |setup| setup.rules.registry.replaces = |held, other| other > held,
    },
    Mutant {
        name: "lock-ignored",
        says: "a reservation stops no claim",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.outranks = |_, _| false,
    },
    Mutant {
        name: "two-winners",
        says: "no reservation stops a claim, and none that is under way ends when another is granted",
        scenario: "name-race",
        alter: |setup| {
            setup.law = Some("no double success");
            setup.rules.registry.outranks = |_, _| false;
            setup.rules.registry.yields = || false;
            setup.rules.registry.record_ends_rounds = || false;
        },
    },
    Mutant {
        name: "elder-denied-too",
        says: "any reservation stops any claim, an elder one's too",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.outranks = |_, _| true,
    },
    Mutant {
        name: "elder-passes-record",
        says: "a claim that is elder than a record of the name passes it",
        scenario: "name-race-cut",
        alter: |setup| {
            setup.rules.registry.bars = |record, claim| record.registration.claim() < *claim;
        },
    },
    Mutant {
        name: "broken-link-denies",
        says: "a link that breaks counts as denied",
        scenario: "name-race-cut",
        alter: |setup| setup.rules.registry.broken_allows = || false,
    },
    Mutant {
        name: "denial-stays",
        says: "who has asked one neighbour alone, and is denied, leaves upstream without an answer",
        scenario: "room-for-one-round",
        alter: |setup| setup.rules.registry.passes_denial = || false,
    },
    Mutant {
        name: "reservation-outlives-link",
        says: "a reservation stays when the link that it came over is gone",
        scenario: "name-race-crash",
        alter: |setup| setup.rules.registry.ends_with_upstream = || false,
    },
    Mutant {
        name: "no-release",
        says: "a round that is over doesn't tell its downstreams",
        scenario: "name-race-departure",
        alter: |setup| setup.rules.registry.releases = || false,
    },
    Mutant {
        name: "round-outlives-client",
        says: "a round goes on when the client that asked is gone",
        scenario: "name-race-departure",
        alter: |setup| setup.rules.registry.ends_with_client = || false,
    },
    Mutant {
        name: "commit-not-flooded",
        says: "a registration isn't told to the other servers",
        scenario: "name-race",
        alter: |setup| setup.rules.registry.floods = || false,
    },
    Mutant {
        name: "vector-misread",
        says: "what a new neighbour lacks is sent from one change too late",
        scenario: "small-window",
        alter: |setup| setup.rules.registry.resumes_after = |has| has + 1,
    },
    Mutant {
        name: "winner-left-out",
        says: "a new neighbour is told of a change that has lost, and not who has won",
        scenario: "newcomer-hears-of-a-loser-patient",
        alter: |setup| setup.rules.registry.names_winners = || false,
    },
    Mutant {
        name: "loser-not-told",
        says: "a client that believes in a name isn't told that it has lost it",
        scenario: "name-race-cut",
        alter: |setup| setup.rules.registry.tells_losers = || false,
    },
    Mutant {
        name: "all-are-one-user",
        says: "two records of a name make one user, whatever their secrets",
        scenario: "name-race-cut",
        alter: |setup| setup.rules.registry.unites = |_, _| true,
    },
    Mutant {
        name: "one-user-told-to-go",
        says: "one user who registered on both sides of a cut is told that the name is lost",
        scenario: "one-user-both-sides",
        alter: |setup| setup.rules.registry.unites = |_, _| false,
    },
    Mutant {
        name: "success-before-durable",
        says: "REGISTER_SUCCESS leaves before the record is on disk",
        scenario: "name-race-crash",
        alter: |setup| setup.rules.registry.durable_first = || false,
    },
];

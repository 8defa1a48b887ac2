//! Usernames: clients that contest names, with and without faults, over a tree that may be cut meanwhile.
//! No server that has a parent looks for a better tree here: the eldest server is the root throughout, and probing
//! is checked in the tree's own scenarios.

use super::{Scenario, Size};
use crate::message::{SecretHash, Stamp, Username};
use crate::property::Part;
use crate::world::guest::Want;
use crate::world::{Event, Faults, Setup, Ways};

/// Every scenario of usernames.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "names-alone",
        says: "two clients of one server ask for one name, one after the other or both at once",
        size: Size::Smoke,
        setup: || {
            race(
                &[0, 1],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 1, 8)],
            )
        },
        reaches: &["REGISTER_SUCCESS", "REGISTER_FAILED"],
    },
    Scenario {
        name: "name-race",
        says: "two clients ask for one name at the two ends of three servers in a line",
        size: Size::Smoke,
        setup: || {
            race(
                &[0, 1, 2],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 3, 9)],
            )
        },
        reaches: &["LOCK_ALLOWED", "LOCK_DENIED", "LOCK_RELEASE", "DIRECTORY"],
    },
    Scenario {
        name: "name-race-fork",
        says: "two clients ask for one name at two children of one root; one clock is behind",
        size: Size::Smoke,
        setup: || {
            race(
                &[0, 1, 1],
                &[wish("aaron", "s1", 2, 5), wish("aaron", "s2", 3, 9)],
            )
        },
        reaches: &["LOCK_ALLOWED", "LOCK_DENIED", "LOCK_RELEASE", "DIRECTORY"],
    },
    Scenario {
        name: "last-stamp",
        says: "two clients ask for a name at one of two servers, whose clock shows the last stamp that there is",
        size: Size::Smoke,
        setup: || Setup {
            clocks: vec![Stamp(1), Stamp::MAX],
            ..race(
                &[0, 1],
                &[
                    wish("aaron", "s1", 2, Stamp::MAX.0),
                    wish("aaron", "s2", 2, Stamp::MAX.0),
                ],
            )
        },
        reaches: &["LOCK_ALLOWED", "DIRECTORY", "REGISTER_FAILED"],
    },
    Scenario {
        name: "clock-goes-back",
        says: "a server gives a name away, crashes and starts again, and its clock shows an earlier time when it gives the next one away",
        size: Size::Smoke,
        setup: || {
            let guests = [wish("aaron", "s1", 1, 99), wish("bella", "s2", 1, 9)];
            crash(race(&[0], &guests), 1)
        },
        reaches: &["crash", "restart", "REGISTER_SUCCESS"],
    },
    Scenario {
        name: "name-race-departure",
        says: "two clients ask for one name, and one may leave before it is answered",
        size: Size::Smoke,
        setup: || {
            let mut setup = race(
                &[0, 1, 2],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 3, 9)],
            );
            setup.faults.departures = 1;
            setup
        },
        reaches: &["guest leaves"],
    },
    Scenario {
        name: "room-for-one-round",
        says: "three clients ask for three names at the two ends of a line whose servers have room for one round each",
        size: Size::Smoke,
        setup: || {
            let guests = [
                wish("aaron", "s1", 1, 9),
                wish("bella", "s2", 3, 9),
                wish("chloe", "s3", 3, 9),
            ];
            let mut setup = race(&[0, 1, 2], &guests);
            setup.rules.registry.limits.rounds = 1;
            setup.rules.registry.limits.own_rounds = 1;
            setup
        },
        reaches: &["LOCK_DENIED", "REGISTER_FAILED"],
    },
    Scenario {
        name: "denied-before-told-patient",
        says: "an operator brings two names along for a server that is down, and it tells them one by one; who asks for the second is denied before it is told, and passes on what that showed; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                story: vec![Event::Crash(1), Event::Restart(1)],
                brought: vec![bring("aaron", "s1", 5), bring("bella", "s2", 5)],
                ..race(&[0, 1, 2], &[wish("bella", "s3", 2, 9)]).patient()
            };
            setup.rules.registry.limits.chunk_records = 1;
            setup.rules.registry.limits.window_chunks = 1;
            setup
        },
        reaches: &[
            "LOCK_DENIED",
            "record ahead of its stream",
            "crash",
            "in vain: DIRECTORY_CREDIT",
        ],
    },
    Scenario {
        name: "asked-of-who-is-given-up-patient",
        says: "a client asks a server for a name that was given up although it runs, and stops when it can be heard again; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Forget { at: 1, server: 2 },
                Event::Heal,
            ],
            ..race(&[0, 1], &[wish("aaron", "s1", 2, 9)]).patient()
        },
        reaches: &["server given up", "halted", "REGISTER_SUCCESS"],
    },
    Scenario {
        name: "names-brought-along-patient",
        says: "a server gives a name away and crashes; its operator brings along two, one of them twice and the other from beyond all time; it starts again, and its clock stood still; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Crash(1), Event::Restart(1)],
            clock_step: 0,
            brought: vec![
                bring("bella", "s2", Stamp::MAX.0),
                bring("bella", "s3", 5),
                bring("chloe", "s4", Stamp::MAX.0 + 1),
            ],
            ..race(&[0, 1], &[wish("aaron", "s1", 1, 9)]).patient()
        },
        reaches: &[
            "name brought along",
            "name brought along in vain",
            "name beyond all time",
            "DIRECTORY",
        ],
    },
    Scenario {
        name: "told-of-a-loser-patient",
        says: "both sides of a cut give one name away; who has the elder hears of the other after the heal, and may crash; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Heal,
                Event::Crash(1),
            ],
            ..race(
                &[0, 1],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
            )
            .patient()
        },
        reaches: &["two owners of one name", "loser told", "crash"],
    },
    Scenario {
        name: "origin-crash",
        says: "the origin of a round crashes for good, two servers away from another that wants the name",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Crash(1)],
            ..race(
                &[0, 1, 2],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 3, 9)],
            )
        },
        reaches: &["crash", "LOCK_RELEASE"],
    },
    Scenario {
        name: "three-claimants",
        says: "three clients ask for one name, one at each server of a line",
        size: Size::Smoke,
        setup: || {
            let guests = [
                wish("aaron", "s1", 1, 9),
                wish("aaron", "s2", 2, 9),
                wish("aaron", "s3", 3, 8),
            ];
            race(&[0, 1, 2], &guests)
        },
        reaches: &["LOCK_DENIED", "LOCK_RELEASE"],
    },
    Scenario {
        name: "two-names",
        says: "two names are contested at two servers at once",
        size: Size::Smoke,
        setup: || {
            let guests = [
                wish("aaron", "s1", 1, 9),
                wish("aaron", "s2", 2, 9),
                wish("bella", "s3", 1, 8),
                wish("bella", "s4", 2, 9),
            ];
            race(&[0, 1], &guests)
        },
        reaches: &["LOCK_DENIED", "LOCK_RELEASE"],
    },
    Scenario {
        name: "name-race-cut",
        says: "the report's §4.2: two servers are cut apart and both give one name away; the cut heals",
        size: Size::Smoke,
        setup: || {
            cut(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
                ),
                &[1],
                &[2],
                1,
            )
        },
        reaches: &["two owners of one name", "loser told"],
    },
    Scenario {
        name: "name-race-cut-line",
        says: "three servers in a line, the last one is cut off and returns",
        size: Size::Full,
        setup: || {
            cut(
                race(
                    &[0, 1, 2],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 3, 9)],
                ),
                &[1, 2],
                &[3],
                1,
            )
        },
        reaches: &["two owners of one name", "loser told", "in vain: DIRECTORY"],
    },
    Scenario {
        name: "name-race-crash",
        says: "two clients of two servers ask for one name; one server crashes and restarts",
        size: Size::Full,
        setup: || {
            crash(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
                ),
                1,
            )
        },
        reaches: &["crash", "restart", "in vain: KNOWN"],
    },
    Scenario {
        name: "one-user-both-sides",
        says: "one user registers the same name with the same secret on both sides of a cut",
        size: Size::Smoke,
        setup: || {
            cut(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s1", 2, 8)],
                ),
                &[1],
                &[2],
                1,
            )
        },
        reaches: &["two owners of one name"],
    },
    Scenario {
        name: "offline-loser",
        says: "both sides of a cut give one name away; an owner may leave, and log in again when it has lost",
        size: Size::Full,
        setup: || {
            let mut setup = cut(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
                ),
                &[1],
                &[2],
                1,
            );
            setup.faults.departures = 1;
            setup.guests[1].returns = Some(1);
            setup
        },
        reaches: &[
            "guest leaves",
            "guest returns",
            "loser told",
            "loser refused at login",
        ],
    },
    Scenario {
        name: "small-window",
        says: "two names are given away, some of it in a cut, and told one by one, each for a credit",
        size: Size::Smoke,
        setup: || {
            let mut setup = cut(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("bella", "s2", 1, 9)],
                ),
                &[1],
                &[2],
                1,
            );
            setup.rules.registry.limits.chunk_records = 1;
            setup.rules.registry.limits.window_chunks = 1;
            setup
        },
        reaches: &["DIRECTORY_CREDIT"],
    },
    Scenario {
        name: "name-race-two-cuts",
        says: "two servers are cut apart twice, the second time perhaps while they are healing",
        size: Size::Full,
        setup: || {
            cut(
                race(
                    &[0, 1],
                    &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
                ),
                &[1],
                &[2],
                2,
            )
        },
        reaches: &["two owners of one name", "loser told"],
    },
    Scenario {
        name: "name-race-fork-cut",
        says: "the root and its two children; one child is cut off from it, and not from the other child",
        size: Size::Full,
        setup: || {
            cut(
                race(
                    &[0, 1, 1],
                    &[wish("aaron", "s1", 2, 9), wish("aaron", "s2", 3, 9)],
                ),
                &[1],
                &[2],
                1,
            )
        },
        reaches: &["two owners of one name", "loser told", "in vain: DIRECTORY"],
    },
    Scenario {
        name: "newcomer-hears-of-a-loser-patient",
        says: "both sides of a cut give one name away and unite, until one crashes; the other tells a third server of both changes; timers wait",
        size: Size::Full,
        setup: || Setup {
            story: vec![
                Event::Crash(3),
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Heal,
                Event::Crash(1),
                Event::Restart(3),
            ],
            ..race(
                &[0, 1, 1],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 8)],
            )
            .patient()
        },
        reaches: &["two owners of one name", "loser told", "restart"],
    },
    Scenario {
        name: "four-in-line",
        says: "two clients ask for one name in a line of four servers",
        size: Size::Smoke,
        setup: || {
            race(
                &[0, 1, 2, 3],
                &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 4, 9)],
            )
        },
        reaches: &["LOCK_DENIED", "LOCK_RELEASE"],
    },
    Scenario {
        name: "report-crash",
        says: "the report's §4.2: a server that may know better crashes during the round, and comes back",
        size: Size::Full,
        setup: || Setup {
            story: vec![Event::Crash(3), Event::Restart(3)],
            ..race(
                &[0, 1, 1],
                &[wish("aaron", "s1", 2, 9), wish("aaron", "s2", 3, 9)],
            )
        },
        reaches: &["crash", "restart", "LOCK_DENIED"],
    },
    Scenario {
        name: "name-race-cut-crash",
        says: "two servers are cut apart, and one crashes and restarts",
        size: Size::Full,
        setup: || {
            crash(
                cut(
                    race(
                        &[0, 1],
                        &[wish("aaron", "s1", 1, 9), wish("aaron", "s2", 2, 9)],
                    ),
                    &[1],
                    &[2],
                    1,
                ),
                1,
            )
        },
        reaches: &[
            "cut",
            "crash",
            "restart",
            "two owners of one name",
            "loser told",
            "in vain: KNOWN",
            "in vain: LOCK_REQUEST",
        ],
    },
    Scenario {
        name: "two-names-cut",
        says: "two names are contested at two servers that are cut apart once",
        size: Size::Deep,
        setup: two_names_cut,
        reaches: &["two owners of one name", "loser told"],
    },
    Scenario {
        name: "two-names-cut-patient",
        says: "the same; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || two_names_cut().patient(),
        reaches: &["two owners of one name", "loser told"],
    },
];

/// A tree that is at rest, and guests.
fn race(parents: &[usize], guests: &[Want]) -> Setup {
    Setup {
        guests: guests.to_vec(),
        parts: &[Part::Registry],
        ..Setup::tree(parents).without_probes()
    }
}

/// A wish for a name, at a server that counts from 1, whose clock then shows `now`.
pub(super) fn wish(username: &str, secret: &str, server: usize, now: u64) -> Want {
    Want {
        username: Username::from(username),
        secret: SecretHash::from(secret),
        at: server - 1,
        now: Stamp(now),
        returns: None,
        behind: Vec::new(),
        heckles: Vec::new(),
        untold: false,
    }
}

/// A name that an operator brings along.
pub(super) fn bring(
    username: &str,
    secret: &str,
    registertime: u64,
) -> (Username, SecretHash, Stamp) {
    let (username, secret) = (Username::from(username), SecretHash::from(secret));
    (username, secret, Stamp(registertime))
}

/// So many cuts, each of the one way between these servers, both directions.
fn cut(mut setup: Setup, one: &[usize], other: &[usize], times: u8) -> Setup {
    setup.cuts = vec![Ways::between(one, other)];
    setup.faults = Faults {
        cuts: times,
        ..setup.faults
    };
    setup
}

/// So many crashes, each with a restart.
fn crash(mut setup: Setup, times: u8) -> Setup {
    setup.faults = Faults {
        crashes: times,
        restarts: times,
        ..setup.faults
    };
    setup
}

/// Two names that two pairs of guests want, at two servers that are cut apart once.
fn two_names_cut() -> Setup {
    let guests = [
        wish("aaron", "s1", 1, 9),
        wish("aaron", "s2", 2, 9),
        wish("bella", "s3", 1, 8),
        wish("bella", "s4", 2, 9),
    ];
    cut(race(&[0, 1], &guests), &[1], &[2], 1)
}

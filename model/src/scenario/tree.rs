//! The tree alone: joining, losing a parent, a root, a link; growing back.

use super::{Scenario, Size};
use crate::message::client::Secret;
use crate::message::{Address, SecretHash, Stamp};
use crate::node::rules;
use crate::world::{Event, Faults, Setup, Start, Ways};

/// Every scenario of the tree.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "given-up-in-a-line",
        says: "the far end of a line is down for good, and is given up at the near end",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Crash(3), Event::Forget { at: 1, server: 3 }],
            ..Setup::tree(&[0, 1, 2]).without_probes()
        },
        reaches: &["server given up", "RETIRED"],
    },
    Scenario {
        name: "given-up-runs",
        says: "a server that can't be heard is given up although it runs, and stops when it can be heard again",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Forget { at: 1, server: 2 },
                Event::Heal,
            ],
            ..Setup::tree(&[0, 1]).without_probes()
        },
        reaches: &[
            "server given up",
            "RETIRED",
            "join refused: retired",
            "halted",
        ],
    },
    Scenario {
        name: "given-up-over-a-cut",
        says: "one of three servers is down for good, and is given up at another one while the third can't be reached",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Crash(3),
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Forget { at: 1, server: 3 },
                Event::Heal,
            ],
            ..Setup::tree(&[0, 1, 1]).without_probes()
        },
        reaches: &["server given up", "RETIRED"],
    },
    Scenario {
        name: "given-up-and-back",
        says: "the far end of a line is down, is given up at the near end, and starts again: as a new server",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Crash(3),
                Event::Forget { at: 1, server: 3 },
                Event::Restart(3),
            ],
            ..Setup::tree(&[0, 1, 2]).without_probes()
        },
        reaches: &["server given up", "RETIRED", "restart"],
    },
    Scenario {
        name: "given-up-and-back-behind-a-cut",
        says: "the far end of a line is down, is given up at the near end, and starts again where only its neighbour can be reached, before the cut heals",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![
                Event::Cut(Ways::between(&[1], &[3])),
                Event::Crash(3),
                Event::Forget { at: 1, server: 3 },
                Event::Restart(3),
                Event::Heal,
            ],
            ..Setup::tree(&[0, 1, 2]).without_probes()
        },
        reaches: &[
            "cut",
            "heal",
            "server given up",
            "restart",
            "in vain: RETIRED",
        ],
    },
    Scenario {
        name: "pair-backs-off",
        says: "two servers are cut off and meet again; who has tried everyone in vain waits longer",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                story: vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal],
                ..Setup::tree(&[0, 1])
            };
            for server in &mut setup.servers {
                server.timing.backoffs = 2;
            }
            setup.tree_alone()
        },
        reaches: &["backs off", "joined"],
    },
    Scenario {
        name: "return-to-the-eldest",
        says: "one of three servers crashes and returns with a clock that stood still, and chance is against it: the eldest takes it at once",
        size: Size::Smoke,
        setup: || {
            Setup {
                story: vec![Event::Crash(3), Event::Restart(3)],
                drawn: Some(vec![0, 1, 1]),
                clock_step: 0,
                unlucky: true,
                ..Setup::tree(&[0, 1, 1])
            }
            .tree_alone()
            .without_probes()
        },
        reaches: &["crash", "restart", "joined"],
    },
    Scenario {
        name: "pair-cold",
        says: "two servers start and find each other; dials take their time",
        size: Size::Smoke,
        setup: || {
            Setup {
                start: Start::Cold,
                slow_dials: true,
                ..Setup::tree(&[0, 1])
            }
            .tree_alone()
        },
        reaches: &["joined", "child accepted"],
    },
    Scenario {
        name: "pair-cut",
        says: "two servers are cut off twice and meet again; dials take their time",
        size: Size::Smoke,
        setup: || {
            cuts(
                2,
                &[Ways::between(&[1], &[2])],
                Setup {
                    slow_dials: true,
                    ..Setup::tree(&[0, 1])
                },
            )
        },
        reaches: &["cut", "heal", "parent lost", "unreachable", "Retry"],
    },
    Scenario {
        name: "pair-one-way",
        says: "the way between two servers breaks in either direction",
        size: Size::Smoke,
        setup: || {
            let ways = [Ways::only(1, 2), Ways::only(2, 1)];
            cuts(
                2,
                &ways,
                Setup {
                    slow_dials: true,
                    ..Setup::tree(&[0, 1])
                },
            )
        },
        reaches: &["cut", "heal", "parent lost", "child lost"],
    },
    Scenario {
        name: "pair-crash",
        says: "either of two servers crashes twice and returns",
        size: Size::Full,
        setup: || {
            crashes(
                2,
                Setup {
                    start: Start::Cold,
                    ..Setup::tree(&[0, 1])
                },
            )
        },
        reaches: &[
            "crash",
            "restart",
            "sync",
            "join refused: not elder",
            "in vain: KNOWN",
        ],
    },
    Scenario {
        name: "three-cold",
        says: "three servers start in any order",
        size: Size::Smoke,
        setup: || {
            Setup {
                start: Start::Cold,
                ..Setup::tree(&[0, 1, 1])
            }
            .tree_alone()
        },
        reaches: &["joined", "KNOWN", "in vain: KNOWN"],
    },
    Scenario {
        name: "cut-three",
        says: "any link of three servers is cut and heals",
        size: Size::Smoke,
        setup: || cuts(1, &pairs(3), Setup::tree(&[0, 1, 1])),
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "cut-line",
        says: "a line of three servers is cut anywhere, and again while it heals",
        size: Size::Full,
        setup: || cuts(2, &pairs(3), Setup::tree(&[0, 1, 2])),
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "isolated-three",
        says: "any one of three servers is cut off from both others",
        size: Size::Smoke,
        setup: || {
            let alone = [
                Ways::between(&[1], &[2, 3]),
                Ways::between(&[2], &[1, 3]),
                Ways::between(&[3], &[1, 2]),
            ];
            cuts(1, &alone, Setup::tree(&[0, 1, 2]))
        },
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "thirds",
        says: "three servers are cut into three parts that each have a root, and meet again",
        size: Size::Full,
        setup: || {
            let apart = Ways::between(&[1], &[2, 3]).and(Ways::between(&[2], &[3]));
            cuts(1, &[apart], Setup::tree(&[0, 1, 2]))
        },
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "halves-patient",
        says: "four servers are cut into halves that each have a root, and meet again; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || halves().patient(),
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "halves-unprobed",
        says: "the same with timers that may fire at any time, and nobody who has a parent probes",
        size: Size::Full,
        setup: || halves().without_probes(),
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "roots-apart",
        says: "three servers are cut into two parts; when they can meet again, the two roots still cannot",
        size: Size::Smoke,
        setup: || {
            let story = vec![
                Event::Cut(Ways::between(&[1], &[2, 3])),
                Event::Heal,
                Event::Cut(Ways::between(&[1], &[2])),
            ];
            Setup {
                story,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["cut", "heal", "Probe", "joined"],
    },
    Scenario {
        name: "cut-three-unprobed",
        says: "any link of three servers is cut and heals, and nobody who has a parent probes",
        size: Size::Smoke,
        setup: || cuts(1, &pairs(3), Setup::tree(&[0, 1, 1])).without_probes(),
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "root-crash-line",
        says: "any of three in a line crashes for good",
        size: Size::Smoke,
        setup: || {
            Setup {
                faults: Faults {
                    crashes: 1,
                    ..Faults::default()
                },
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["crash", "parent lost"],
    },
    Scenario {
        name: "younger-in-the-middle",
        says: "any of three in a line crashes for good; the middle one is the youngest",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                faults: Faults {
                    crashes: 1,
                    ..Faults::default()
                },
                ..Setup::tree(&[0, 1, 2])
            };
            setup.clocks = vec![Stamp(1), Stamp(3), Stamp(2)];
            setup.tree_alone()
        },
        reaches: &["crash", "parent lost", "parent left"],
    },
    Scenario {
        name: "root-comes-and-goes-patient",
        says: "the root of four is cut off, comes back, and is cut off again for good, perhaps while they are still healing; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || come_and_go().patient(),
        reaches: &["cut", "heal", "parent lost", "parent left", "Probe"],
    },
    Scenario {
        name: "root-comes-and-goes-few-dials",
        says: "the same with timers that may fire at any time; the root dials nobody, and nobody but its child ever dials it",
        size: Size::Smoke,
        setup: || {
            let mut setup = come_and_go();
            setup.rules.tree.elsewhere = |s| {
                let mut others = (rules::SOUND.tree.elsewhere)(s);
                match s.id().name.as_str() {
                    "s1" => others.clear(),
                    "s2" => {}
                    _ => others.retain(|other| other.as_str() != "s1"),
                }
                others
            };
            setup
        },
        reaches: &["cut", "heal", "parent lost", "parent left", "Probe"],
    },
    Scenario {
        name: "return-of-the-root",
        says: "the root of three crashes and returns",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Crash(1), Event::Restart(1)];
            Setup {
                story,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["crash", "restart", "parent lost", "in vain: KNOWN"],
    },
    Scenario {
        name: "without-the-middle",
        says: "all three of a line crash; the middle one, the only seed that the last one has, never returns",
        size: Size::Smoke,
        setup: || {
            let crashes = [Event::Crash(2), Event::Crash(3), Event::Crash(1)];
            let restarts = [Event::Restart(1), Event::Restart(3)];
            Setup {
                story: crashes.into_iter().chain(restarts).collect(),
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["crash", "restart", "joined", "in vain: KNOWN"],
    },
    Scenario {
        name: "restart-line",
        says: "any of three in a line crashes and returns",
        size: Size::Full,
        setup: || crashes(1, Setup::tree(&[0, 1, 2])),
        reaches: &["crash", "restart", "parent lost", "in vain: KNOWN"],
    },
    Scenario {
        name: "root-restart-patient",
        says: "any two of three in a line crash and return; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || crashes(2, Setup::tree(&[0, 1, 2])).patient(),
        reaches: &["crash", "restart", "parent lost", "sync"],
    },
    Scenario {
        name: "root-restart-unprobed",
        says: "the same with timers that may fire at any time, and nobody who has a parent probes",
        size: Size::Full,
        setup: || crashes(2, Setup::tree(&[0, 1, 2])).without_probes(),
        reaches: &["crash", "restart", "parent lost", "sync", "in vain: KNOWN"],
    },
    Scenario {
        name: "halves-crash-unprobed",
        says: "four servers are cut into halves and heal while any of them crashes for good; nobody who has a parent probes",
        size: Size::Full,
        setup: || {
            let faults = Faults {
                crashes: 1,
                cuts: 1,
                ..Faults::default()
            };
            Setup {
                faults,
                cuts: vec![Ways::between(&[1, 2], &[3, 4])],
                ..Setup::tree(&[0, 1, 2, 2])
            }
            .tree_alone()
            .without_probes()
        },
        reaches: &["crash", "cut", "heal", "parent lost"],
    },
    Scenario {
        name: "cut-crash",
        says: "a link of three is cut and heals, a server crashes and returns",
        size: Size::Deep,
        setup: || {
            let faults = Faults {
                cuts: 1,
                crashes: 1,
                restarts: 1,
                ..Faults::default()
            };
            Setup {
                faults,
                cuts: pairs(3),
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["crash", "restart", "cut", "heal"],
    },
    Scenario {
        name: "duplicate-identity",
        says: "a second process with server 2's name joins, knowing nothing",
        size: Size::Smoke,
        setup: || duplicate(Stamp(5)),
        reaches: &["halted"],
    },
    Scenario {
        name: "duplicate-identity-slow-clock",
        says: "a second process with server 2's name joins, and its clock is behind",
        size: Size::Smoke,
        setup: || duplicate(Stamp(1)),
        reaches: &["halted"],
    },
    Scenario {
        name: "two-systems",
        says: "a server is told to join another system, whose secret it doesn't have",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                start: Start::Cold,
                ..Setup::tree(&[0, 1, 1])
            };
            setup.servers[2].secret = Secret::Hashed(SecretHash::from("another system"));
            setup.tree_alone()
        },
        reaches: &["join refused: wrong secret", "secret refused"],
    },
    Scenario {
        name: "lost-disk",
        says: "server 2 of three crashes, loses its disk and returns with a clock that stood still",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Crash(2), Event::LoseDisk(2), Event::Restart(2)];
            Setup {
                story,
                clock_step: 0,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart", "in vain: KNOWN"],
    },
    Scenario {
        name: "lost-disk-of-the-root",
        says: "the root of three crashes, loses its disk and returns as the youngest",
        size: Size::Smoke,
        setup: || {
            let story = vec![Event::Crash(1), Event::LoseDisk(1), Event::Restart(1)];
            Setup {
                story,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart", "in vain: KNOWN"],
    },
    Scenario {
        name: "lost-disk-of-a-later-start",
        says: "the root of two starts once more, loses its disk, and returns with a clock that stood still: its child knows of a later start",
        size: Size::Smoke,
        setup: || {
            let story = vec![
                Event::Crash(1),
                Event::Restart(1),
                Event::Crash(1),
                Event::LoseDisk(1),
                Event::Restart(1),
            ];
            Setup {
                story,
                clock_step: 0,
                ..Setup::tree(&[0, 1])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart", "in vain: KNOWN"],
    },
    Scenario {
        name: "lost-disk-and-luck",
        says: "the root of two loses its disk, and returns with a clock that stood still, and chance is against it",
        size: Size::Smoke,
        setup: || {
            Setup {
                story: vec![Event::Crash(1), Event::LoseDisk(1), Event::Restart(1)],
                clock_step: 0,
                unlucky: true,
                ..Setup::tree(&[0, 1])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart", "joined"],
    },
    Scenario {
        name: "lost-disks-over-a-cut",
        says: "the root starts once more, then it and its child lose their disks, behind a cut: the third knows of a later start; nobody who has a parent probes",
        size: Size::Full,
        setup: || {
            let story = vec![
                Event::Crash(1),
                Event::Restart(1),
                Event::Cut(Ways::between(&[1, 2], &[3])),
                Event::Crash(1),
                Event::LoseDisk(1),
                Event::Crash(2),
                Event::LoseDisk(2),
                Event::Restart(2),
                Event::Restart(1),
                Event::Heal,
            ];
            let setup = Setup {
                story,
                clock_step: 0,
                ..Setup::tree(&[0, 1, 2])
            };
            setup.without_probes()
        },
        reaches: &["lost disk", "restart", "in vain: KNOWN"],
    },
];

/// Four servers whose root goes, comes back, and goes for good.
fn come_and_go() -> Setup {
    let gone = Event::Cut(Ways::between(&[1], &[2, 3, 4]));
    Setup {
        story: vec![gone.clone(), Event::Heal, gone],
        ..Setup::tree(&[0, 1, 2, 2])
    }
    .tree_alone()
}

/// Four servers in a line, and two ways to halve them.
fn halves() -> Setup {
    let halves = [
        Ways::between(&[1, 2], &[3, 4]),
        Ways::between(&[1, 3], &[2, 4]),
    ];
    cuts(1, &halves, Setup::tree(&[0, 1, 2, 3]))
}

fn cuts(cuts: u8, ways: &[Ways], setup: Setup) -> Setup {
    let faults = Faults {
        cuts,
        ..Faults::default()
    };
    Setup {
        faults,
        cuts: ways.to_vec(),
        ..setup
    }
    .tree_alone()
}

fn crashes(crashes: u8, setup: Setup) -> Setup {
    let faults = Faults {
        crashes,
        restarts: crashes,
        ..Faults::default()
    };
    Setup { faults, ..setup }.tree_alone()
}

/// Each pair of servers can be cut.
fn pairs(servers: usize) -> Vec<Ways> {
    let of = |a: usize| (a + 1..=servers).map(move |b| Ways::between(&[a], &[b]));
    (1..=servers).flat_map(of).collect()
}

/// Server 3 bears the name of server 2, and its clock shows this at its first start.
fn duplicate(clock: Stamp) -> Setup {
    let mut setup = Setup {
        start: Start::Cold,
        ..Setup::tree(&[0, 1, 1])
    };
    setup.servers[2].name = setup.servers[1].name.clone();
    setup.servers[2].address = Address::new("twin", 1).expect("a host and a port");
    setup.clocks[2] = clock;
    setup.tree_alone()
}

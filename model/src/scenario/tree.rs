//! The tree alone: joining, losing a parent, a root, a link; growing back.

use super::{Scenario, Size};
use crate::message::{Address, Stamp};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// The report's tree (figure 1, and 8): servers 2 and 5 under 1, servers 3 and 4 under 2, server 6 under 5.
const REPORT: &[usize] = &[0, 1, 2, 2, 1, 5];

/// Every scenario of the tree.
pub const SCENARIOS: &[Scenario] = &[
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
        reaches: &["crash", "restart", "sync", "join refused: not elder"],
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
        reaches: &["joined", "KNOWN"],
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
        size: Size::Full,
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
        name: "halves",
        says: "four servers are cut into halves that each have a root, and meet again",
        size: Size::Deep,
        setup: || {
            let halves = [
                Ways::between(&[1, 2], &[3, 4]),
                Ways::between(&[1, 3], &[2, 4]),
            ];
            cuts(1, &halves, Setup::tree(&[0, 1, 2, 3]))
        },
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "roots-apart",
        says: "three servers are cut into two parts; when they can meet again, the two roots still cannot",
        size: Size::Deep,
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
        reaches: &["crash", "restart", "parent lost"],
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
        reaches: &["crash", "restart", "joined"],
    },
    Scenario {
        name: "root-restart",
        says: "any two of three servers that start together crash and return",
        size: Size::Deep,
        setup: || crashes(2, Setup::tree(&[0, 1, 2])),
        reaches: &["crash", "restart", "parent lost", "sync"],
    },
    Scenario {
        name: "root-crash-four",
        says: "any of four servers crashes for good while a link is cut and heals",
        size: Size::Deep,
        setup: || {
            let faults = Faults {
                crashes: 1,
                cuts: 1,
                ..Faults::default()
            };
            Setup {
                faults,
                cuts: pairs(4),
                ..Setup::tree(&[0, 1, 2, 2])
            }
            .tree_alone()
            .without_probes()
        },
        reaches: &["crash", "cut", "parent lost"],
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
        name: "lost-disk",
        says: "server 2 of three crashes, loses its disk and returns with a clock that stood still",
        size: Size::Deep,
        setup: || {
            let story = vec![Event::Crash(2), Event::LoseDisk(2), Event::Restart(2)];
            Setup {
                story,
                clock_step: 0,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart"],
    },
    Scenario {
        name: "lost-disk-of-the-root",
        says: "the root of three crashes, loses its disk and returns as the youngest",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Crash(1), Event::LoseDisk(1), Event::Restart(1)];
            Setup {
                story,
                ..Setup::tree(&[0, 1, 2])
            }
            .tree_alone()
        },
        reaches: &["lost disk", "restart"],
    },
    Scenario {
        name: "figure-2",
        says: "server 2 of the report's six crashes: 3 and 4 join their grandparent",
        size: Size::Smoke,
        setup: || figure(vec![Event::Crash(2)], &[0, 0, 1, 1, 1, 5]),
        reaches: &["parent lost", "joined"],
    },
    Scenario {
        name: "figure-3",
        says: "the root of the report's six crashes: 2 is root, 5 joins it",
        size: Size::Deep,
        setup: || figure(vec![Event::Crash(1)], &[0, 0, 2, 2, 2, 5]),
        reaches: &["parent lost", "joined"],
    },
    Scenario {
        name: "figure-4",
        says: "servers 2 and 3 of the report's six are cut: 3 joins its grandparent",
        size: Size::Smoke,
        setup: || {
            figure(
                vec![Event::Cut(Ways::between(&[2], &[3]))],
                &[0, 1, 1, 2, 1, 5],
            )
        },
        reaches: &["parent lost", "joined"],
    },
    Scenario {
        name: "appendix",
        says: "server 1 of the report's six crashes, then 5: 6 joins 2",
        size: Size::Deep,
        setup: || figure(vec![Event::Crash(1), Event::Crash(5)], &[0, 0, 2, 2, 0, 2]),
        reaches: &["parent lost", "joined"],
    },
];

/// A figure of the report: what happens to its six servers, and who is whose parent then. Nobody looks elsewhere, for a
/// repair takes a moment, and a probe comes once a minute.
fn figure(story: Vec<Event>, drawn: &[usize]) -> Setup {
    Setup {
        story,
        drawn: Some(drawn.to_vec()),
        ..Setup::tree(REPORT)
    }
    .tree_alone()
    .mending_only()
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

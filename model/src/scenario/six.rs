//! The tree of the report's six servers: its figures, and larger cuts. What six servers can do at once is too much to see all
//! of it: names say what is left out. *Patient*: no timer fires while anything else can happen, as if it took longer
//! (the report's profile: six seconds). *Unprobed*: nobody who has a parent looks for a better tree.

use super::{Scenario, Size};
use crate::node::tree::Timing;
use crate::world::{Event, Setup, Ways};

/// The report's tree (figure 1, and 8): servers 2 and 5 under 1, servers 3 and 4 under 2, server 6 under 5.
const REPORT: &[usize] = &[0, 1, 2, 2, 1, 5];

/// Every scenario of six servers.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "figure-2",
        says: "server 2 of the report's six crashes: 3 and 4 join their grandparent",
        size: Size::Smoke,
        setup: || figure(vec![Event::Crash(2)], &[0, 0, 1, 1, 1, 5]),
        reaches: &["parent lost", "joined"],
    },
    Scenario {
        name: "figure-3-patient",
        says: "the root of the report's six crashes: 2 is root, 5 joins it; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || figure(vec![Event::Crash(1)], &[0, 0, 2, 2, 2, 5]).patient(),
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
        name: "appendix-patient",
        says: "server 1 of the report's six crashes, then 5: 6 joins 2; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let story = vec![Event::Crash(1), Event::Crash(5)];
            figure(story, &[0, 0, 2, 2, 0, 2]).patient()
        },
        reaches: &["parent lost", "joined"],
    },
    Scenario {
        name: "six-halves-patient",
        says: "the report's six are cut into halves that each have a root, and meet again; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: halves,
        reaches: &["cut", "heal", "parent lost", "joined", "Probe"],
    },
    Scenario {
        name: "six-halves-patient-unprobed",
        says: "the same, and nobody who has a parent probes",
        size: Size::Smoke,
        setup: || halves().without_probes(),
        reaches: &["cut", "heal", "parent lost", "joined"],
    },
    Scenario {
        name: "six-thirds-patient-unprobed",
        says: "the report's six are cut into thirds that each have a root, and meet again; timers wait until nothing else can happen, and nobody who has a parent probes",
        size: Size::Full,
        setup: || {
            let two = Ways::between(&[1, 2], &[3, 4, 5, 6]);
            let three = two.and(Ways::between(&[3, 4], &[5, 6]));
            six(vec![Event::Cut(three), Event::Heal]).without_probes()
        },
        reaches: &["cut", "heal", "parent lost", "joined"],
    },
    Scenario {
        name: "six-twice-patient-unprobed",
        says: "the report's six are cut into halves, heal, are cut into other halves, perhaps while they are still healing, and meet again; timers wait until nothing else can happen, and nobody who has a parent probes",
        size: Size::Full,
        setup: || {
            let halves = Event::Cut(Ways::between(&[1, 2, 3], &[4, 5, 6]));
            let others = Event::Cut(Ways::between(&[1, 5, 6], &[2, 3, 4]));
            six(vec![halves, Event::Heal, others, Event::Heal]).without_probes()
        },
        reaches: &["cut", "heal", "parent lost", "joined"],
    },
    Scenario {
        name: "six-return-patient-unprobed",
        says: "the root of the report's six crashes and returns; timers wait until nothing else can happen, and nobody who has a parent probes",
        size: Size::Smoke,
        setup: || six(vec![Event::Crash(1), Event::Restart(1)]).without_probes(),
        reaches: &["crash", "restart", "parent lost", "joined", "KNOWN"],
    },
];

/// A figure of the report: what happens to its six servers, who wait as long as it says, and who is whose parent then. Nobody looks
/// elsewhere, for a repair takes a moment, and a probe comes once a minute.
fn figure(story: Vec<Event>, drawn: &[usize]) -> Setup {
    let mut setup = Setup {
        story,
        drawn: Some(drawn.to_vec()),
        ..Setup::tree(REPORT)
    };
    for server in &mut setup.servers {
        server.timing.lost_parent = Timing::report().lost_parent;
    }
    setup.tree_alone().mending_only()
}

/// The six are cut into halves, and heal.
fn halves() -> Setup {
    let apart = Ways::between(&[1, 2, 3], &[4, 5, 6]);
    six(vec![Event::Cut(apart), Event::Heal])
}

/// The report's six servers, whose timers wait.
fn six(story: Vec<Event>) -> Setup {
    Setup {
        story,
        ..Setup::tree(REPORT)
    }
    .tree_alone()
    .patient()
}

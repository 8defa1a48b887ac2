//! The tree alone: joining, losing a parent, a root, a link; growing back.

use super::{Scenario, Size};
use crate::world::{Faults, Setup, Start, Ways};

/// Every scenario of the tree.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "pair-cold",
        says: "two servers start and find each other, and dials take their time",
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
        name: "three-cold",
        says: "three servers start in any order",
        size: Size::Full,
        setup: || {
            Setup {
                start: Start::Cold,
                ..Setup::tree(&[0, 1, 1])
            }
            .tree_alone()
        },
        reaches: &["joined"],
    },
    Scenario {
        name: "cut-three",
        says: "a link of three servers is cut and heals",
        size: Size::Full,
        setup: || {
            Setup {
                cuts: vec![Ways::between(&[1], &[2])],
                faults: Faults {
                    cuts: 1,
                    ..Faults::default()
                },
                ..Setup::tree(&[0, 1, 1])
            }
            .tree_alone()
        },
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "cut-three-unprobed",
        says: "a link of three servers is cut and heals",
        size: Size::Full,
        setup: || {
            Setup {
                cuts: vec![Ways::between(&[1], &[2])],
                faults: Faults {
                    cuts: 1,
                    ..Faults::default()
                },
                ..Setup::tree(&[0, 1, 1])
            }
            .tree_alone()
            .without_probes()
        },
        reaches: &["cut", "heal", "parent lost"],
    },
    Scenario {
        name: "root-crash-line",
        says: "the root of three in a line crashes",
        size: Size::Full,
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
];

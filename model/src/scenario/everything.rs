//! Everything at once: the tree, usernames and delivery on, two people who want one name and speak to each other, a cut that
//! heals and a server that crashes and returns.

use smol_str::format_smolstr;

use super::users::{CALM, client, say, world};
use super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::client::Secret;
use crate::message::{SecretHash, Username};
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// Every scenario of everything at once.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "pair-over-a-cut-patient",
        says: "two servers, two people who want one name and speak, and a cut that heals; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            Setup {
                story,
                ..all_parts(&[0, 1])
            }
            .patient()
        },
        reaches: &["told: name lost", "cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "pair-in-a-crash-patient",
        says: "two servers, two people who want one name and speak, a crash and a return; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Crash(2), Event::Restart(2)];
            Setup {
                story,
                ..all_parts(&[0, 1])
            }
            .patient()
        },
        reaches: &["told: refused", "crash", "restart", "in vain: FLOORS"],
    },
    Scenario {
        name: "pair-at-once-patient",
        says: "two servers, two people who want one name and speak, a cut that heals, a crash and a return, in this order; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: || in_order(&[0, 1], 2).patient(),
        reaches: &["told: name lost", "cut", "heal", "crash", "restart"],
    },
    Scenario {
        name: "trio-over-a-cut-patient",
        says: "three servers in a line, two people at its ends who want one name and speak, and the first server is cut off and returns; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = vec![Event::Cut(first_cut_off(3)), Event::Heal];
            Setup {
                story,
                ..all_parts(&[0, 1, 2])
            }
            .patient()
        },
        reaches: &["told: name lost", "cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "trio-in-a-crash-patient",
        says: "three servers in a line, two people at its ends who want one name and speak, a crash of the middle one and its return; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: || {
            let story = vec![Event::Crash(2), Event::Restart(2)];
            Setup {
                story,
                ..all_parts(&[0, 1, 2])
            }
            .patient()
        },
        reaches: &["told: refused", "crash", "restart"],
    },
    Scenario {
        name: "trio-unspoken-patient",
        says: "three servers in a line, two people at its ends who want one name, a cut that heals, a crash and a return, in this order; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let mut setup = in_order(&[0, 1, 2], 2).patient();
            silence(&mut setup.users[0]);
            silence(&mut setup.users[1]);
            setup
        },
        reaches: &["told: name lost", "cut", "heal", "crash", "restart"],
    },
    Scenario {
        name: "trio-one-speaks-patient",
        says: "the same, and the one at the last server speaks",
        size: Size::Deep,
        setup: || {
            let mut setup = in_order(&[0, 1, 2], 2).patient();
            silence(&mut setup.users[0]);
            setup
        },
        reaches: &["told: name lost", "cut", "heal", "crash", "restart"],
    },
    Scenario {
        name: "everything-patient",
        says: "the same, and both speak",
        size: Size::Vast,
        setup: || in_order(&[0, 1, 2], 2).patient(),
        reaches: &["told: name lost", "cut", "heal", "crash", "restart"],
    },
    Scenario {
        name: "everything-at-once",
        says: "three servers in a line, two people who want one name and speak, a cut that heals, and a crash and a return, whenever they will",
        size: Size::Vast,
        setup: || Setup {
            faults: Faults {
                cuts: 1,
                crashes: 1,
                restarts: 1,
                ..CALM
            },
            cuts: vec![first_cut_off(3)],
            ..all_parts(&[0, 1, 2])
        },
        reaches: &["told: name lost", "cut", "heal", "crash", "restart"],
    },
];

/// Two people at the first and the last server of these, who register one name and say something each.
fn all_parts(parents: &[usize]) -> Setup {
    let person = |n: usize, server: usize, text: &str| User {
        client: client(n, 1, Kind::Ours, &[server]),
        wishes: vec![
            Wish::Ask(Ask::Register {
                username: Username::from("u1"),
                secret: Secret::Hashed(SecretHash::from(format_smolstr!("secret {n}"))),
            }),
            say(text),
        ],
    };
    let users = vec![person(1, 1, "a"), person(2, parents.len(), "b")];
    Setup {
        start: Start::Settled,
        parts: &[Part::Tree, Part::Registry, Part::Delivery],
        ..world(parents, users, CALM)
    }
}

/// Who only wants the name.
fn silence(user: &mut User) {
    user.wishes.truncate(1);
}

/// All ways between the first of so many servers and the others. Were one left, only a probe would find it, and nobody probes here.
fn first_cut_off(servers: usize) -> Ways {
    let others: Vec<usize> = (2..=servers).collect();
    Ways::between(&[1], &others)
}

/// The first server is cut off and returns, and then this one crashes and returns.
fn in_order(parents: &[usize], crashes: usize) -> Setup {
    Setup {
        story: vec![
            Event::Cut(first_cut_off(parents.len())),
            Event::Heal,
            Event::Crash(crashes),
            Event::Restart(crashes),
        ],
        ..all_parts(parents)
    }
}

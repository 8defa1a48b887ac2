//! Load: who logs in to a server with too many is sent on.

use std::time::Duration;

use super::users::{address, anonymous, returns, say, user};
use super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::node::{balance, rules};
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// Somebody who only listens.
fn listener(n: usize) -> User {
    anonymous(n, Kind::Legacy, &[1], [])
}

/// Somebody who speaks once.
fn speaker(n: usize) -> User {
    user(n, Kind::Ours, &[1, 2], [say("hi")])
}

fn world(parents: &[usize], users: Vec<User>) -> Setup {
    let mut setup = Setup {
        users,
        parts: &[Part::Balance],
        ..Setup::tree(parents)
    };
    setup.rules.balance = rules::balance::SOUND;
    setup.without_probes()
}

/// The same world, in which servers say again what their load is, so often in all.
fn renewed(mut setup: Setup, renewals: u8) -> Setup {
    setup.faults.renewals = renewals;
    for server in &mut setup.servers {
        server.timing.loads = balance::Timing::every(Duration::from_secs(5));
    }
    setup
}

/// Two servers, and two users who come to the first: one for the first time, and one who was there, dies, returns, and does this.
fn back_and(then: Vec<Wish>) -> Setup {
    let mut other = listener(1);
    other.wishes.insert(0, Wish::Ask(Ask::Quit));
    let mut comes = speaker(2);
    comes.wishes.truncate(1);
    comes.wishes.extend(returns(2, 2, Kind::Ours, &[1]));
    comes.wishes.extend(then);
    Setup {
        start: Start::LoggedIn,
        parts: &[Part::Delivery, Part::Balance],
        ..world(&[0, 1], vec![other, comes])
    }
}

/// Every scenario of load.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "redirect-two",
        says: "two listeners come to the same of two servers",
        size: Size::Smoke,
        setup: || world(&[0, 1], (1..=2).map(listener).collect()),
        reaches: &["SERVER_ANNOUNCE", "REDIRECT", "told: redirected"],
    },
    Scenario {
        name: "loads-renewed-three-times",
        says: "a listener comes to one of two servers, which say again how many clients they have, three times in all",
        size: Size::Smoke,
        setup: || renewed(world(&[0, 1], vec![listener(1)]), 3),
        reaches: &["Renew", "SERVER_ANNOUNCE"],
    },
    Scenario {
        name: "neighbour-dies",
        says: "a listener comes to one of two servers, the other one of which dies",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Crash(2)],
            ..world(&[0, 1], vec![listener(1)])
        },
        reaches: &["SERVER_ANNOUNCE", "crash"],
    },
    Scenario {
        name: "loads-over-a-cut",
        says: "two servers without clients are cut off and meet again: neither is lost to the other",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal],
            parts: &[Part::Tree, Part::Balance],
            ..world(&[0, 1], vec![])
        },
        reaches: &["SERVER_ANNOUNCE", "cut", "heal"],
    },
    Scenario {
        name: "neighbour-forgotten",
        says: "one of two servers dies, and is heard of no more for as long as it takes to be forgotten",
        size: Size::Smoke,
        setup: || {
            let mut setup = renewed(world(&[0, 1], vec![]), 1 + balance::AGE_MAX);
            setup.story = vec![Event::Crash(2)];
            // Who renews more often than the others forgets servers that run.
            setup.parts = &[Part::Tree];
            setup
        },
        reaches: &["crash", "Renew", "load forgotten"],
    },
    Scenario {
        name: "neighbour-given-up",
        says: "the end of a line of three servers dies, and is given up at the root: nobody is sent there any more",
        size: Size::Smoke,
        setup: || Setup {
            story: vec![Event::Crash(3), Event::Forget { at: 1, server: 3 }],
            parts: &[Part::Tree, Part::Balance],
            ..world(&[0, 1, 2], vec![])
        },
        reaches: &[
            "crash",
            "server given up",
            "RETIRED",
            "in vain: SERVER_ANNOUNCE",
        ],
    },
    Scenario {
        name: "redirect-line",
        says: "two listeners come to an end of a line of three servers",
        size: Size::Smoke,
        setup: || world(&[0, 1, 2], (1..=2).map(listener).collect()),
        reaches: &["SERVER_ANNOUNCE", "REDIRECT"],
    },
    Scenario {
        name: "redirect-three",
        says: "three listeners come to the root of three servers",
        size: Size::Full,
        setup: || world(&[0, 1, 1], (1..=3).map(listener).collect()),
        reaches: &["REDIRECT"],
    },
    Scenario {
        name: "redirect-once",
        says: "a user is sent on to a server that is no longer the lighter one when it gets there, and stays",
        size: Size::Full,
        setup: || {
            let mut leaves = listener(1);
            leaves.wishes.push(Wish::Die);
            let mut comes = listener(3);
            comes.client.servers = vec![address(2)];
            comes.wishes.insert(0, Wish::Ask(Ask::Quit));
            let mut named = speaker(2);
            named.client.kind = Kind::Legacy;
            named.wishes.truncate(1);
            named.wishes.insert(0, Wish::Ask(Ask::Quit));
            Setup {
                start: Start::LoggedIn,
                ..world(&[0, 1], vec![leaves, named, comes])
            }
        },
        reaches: &["REDIRECT", "client dies"],
    },
    Scenario {
        name: "redirect-unannounced-patient",
        says: "a user is sent on to a server where there are as many, and stays if that knows; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let mut other = listener(2);
            other.client.servers = vec![address(2)];
            let mut comes = speaker(3);
            comes.wishes = vec![Wish::Ask(Ask::Quit), comes.wishes[0].clone()];
            let setup = Setup {
                start: Start::LoggedIn,
                parts: &[Part::Delivery, Part::Balance],
                ..world(&[0, 1], vec![listener(1), other, comes])
            };
            setup.patient()
        },
        reaches: &["REDIRECT"],
    },
    Scenario {
        name: "redirect-and-gone-patient",
        says: "a user who was here before comes again, is sent on and dies on the way; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || back_and(vec![Wish::Die]).patient(),
        reaches: &["REDIRECT", "client dies"],
    },
    Scenario {
        name: "redirect-and-back-patient",
        says: "a user who was here before comes again twice, each time as another client, and may be sent on; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || back_and(returns(2, 3, Kind::Ours, &[1]).to_vec()).patient(),
        reaches: &["REDIRECT", "client dies"],
    },
    Scenario {
        name: "redirect-cut",
        says: "two listeners come to the same of two servers, and the link between the two is cut and heals",
        size: Size::Full,
        setup: || Setup {
            cuts: vec![Ways::between(&[1], &[2])],
            faults: Faults {
                cuts: 1,
                ..Faults::default()
            },
            parts: &[Part::Tree, Part::Balance],
            ..world(&[0, 1], (1..=2).map(listener).collect())
        },
        reaches: &["REDIRECT", "cut", "heal"],
    },
    Scenario {
        name: "redirect",
        says: "a user who speaks comes to a server that has a listener, and is sent on",
        size: Size::Full,
        setup: || Setup {
            parts: &[Part::Delivery, Part::Balance],
            ..world(&[0, 1], vec![listener(1), speaker(2)])
        },
        reaches: &["REDIRECT", "ACTIVITY_ACK", "ACTIVITY_BROADCAST of a server"],
    },
    Scenario {
        name: "redirect-and-logout",
        says: "a user comes to a server that has a listener, is sent on, and logs out there, maybe before the news of the first login has come",
        size: Size::Smoke,
        setup: || {
            let mut first = listener(1);
            first.client.servers = vec![address(2)];
            let mut leaves = speaker(2);
            leaves.client.servers = vec![address(2)];
            leaves.wishes = vec![leaves.wishes[0].clone(), Wish::Then(Ask::Logout)];
            Setup {
                parts: &[Part::Delivery, Part::Balance],
                ..world(&[0, 1], vec![first, leaves])
            }
        },
        reaches: &["REDIRECT", "LOGOUT"],
    },
];

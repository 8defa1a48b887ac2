//! Who was elsewhere catches up: a neighbour on a new link, a client that comes to another server. What each world shows lies in
//! the order in which two of them hear of something.

use super::super::users::{CALM, anonymous, narrow, quiet, say, told, user, world};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::node::drain;
use crate::property::Part;
use crate::world::user::Wish;
use crate::world::{Event, Setup, Start, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "login-goes-round",
        says: "a user logs in at the root of three servers; one of its children is cut off from it and brings the news to the other",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [])];
            let cut = Event::Cut(Ways::between(&[1], &[3]));
            Setup {
                start: Start::Settled,
                ..told(world(&[0, 1, 1], users, CALM), &[cut])
            }
        },
        reaches: &["SESSIONS", "parent lost", "joined", "in vain: SESSIONS"],
    },
    Scenario {
        name: "late-joiners-patient",
        says: "a server joins another one, with a child of its own, when what was said there is forgotten; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a")])];
            let mut setup = world(&[0, 1, 2], users, CALM).patient();
            setup.servers[0].delivery.log_max = 1;
            Setup {
                start: Start::Cold,
                ..setup
            }
        },
        reaches: &["SKIP", "ACTIVITY_ACK"],
    },
    Scenario {
        name: "crossing-words-patient",
        says: "two servers, on which something is said, lose and find each other; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                anonymous(2, Kind::Legacy, &[2], [say("b")]),
            ];
            let story = [Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            quiet(told(world(&[0, 1], users, CALM), &story)).patient()
        },
        reaches: &["cut", "heal", "HELLO", "in vain: FLOORS"],
    },
    Scenario {
        name: "joins-and-leaves",
        says: "a server is stopped while it joins another one that lacks what was said there, and is sent that a line at a time",
        size: Size::Smoke,
        setup: || {
            let users = vec![anonymous(1, Kind::Legacy, &[2], [say("a"), say("b")])];
            let setup = told(world(&[0, 1], users, CALM), &[Event::Drain(2)]);
            let mut setup = narrow(quiet(setup));
            setup.servers[1].timing.drain = drain::Timing {
                patience: Some(1),
                ..drain::Timing::default()
            };
            Setup {
                start: Start::Acquainted,
                parts: &[Part::Tree, Part::Delivery],
                ..setup
            }
        },
        reaches: &["drain", "handed over", "HELLO", "in vain: KNOWN"],
    },
    Scenario {
        name: "logs-in-and-joins",
        says: "a user logs in at a server that joins another one, and crashes",
        size: Size::Smoke,
        setup: || Setup {
            start: Start::Cold,
            ..told(
                world(&[0, 1], vec![user(1, Kind::Ours, &[2], [])], CALM),
                &[Event::Crash(2)],
            )
        },
        reaches: &["SESSIONS", "crash"],
    },
    Scenario {
        name: "nothing-to-read",
        says: "a server lets nobody have anything unread; who speaks and isn't told that itself has nothing to read, and stays",
        size: Size::Smoke,
        setup: || {
            let wishes = [say("a"), Wish::Then(Ask::Logout)];
            let users = vec![anonymous(1, Kind::Legacy, &[1], wishes)];
            let mut setup = quiet(world(&[0], users, CALM));
            setup.servers[0].delivery.unheard_max = 0;
            setup
        },
        reaches: &["LOGOUT"],
    },
];

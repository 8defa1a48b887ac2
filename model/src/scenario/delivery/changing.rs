//! Delivery over a tree that changes on the way: servers find other parents while something is said and heard.

use super::super::users::{CALM, anonymous, client, login, narrow, quiet, say, told, user, world};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Setup, Start, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "middle-dies",
        says: "the server between a speaker's and a listener's dies for good",
        size: Size::Full,
        setup: || over(&[0, 1, 2], &[Event::Crash(2)]),
        reaches: &["crash", "parent lost", "joined", "in vain: FLOORS"],
    },
    Scenario {
        name: "middle-returns-patient",
        says: "the server between a speaker's and a listener's dies and returns; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || over(&[0, 1, 2], &[Event::Crash(2), Event::Restart(2)]).patient(),
        reaches: &[
            "crash",
            "restart",
            "parent lost",
            "joined",
            "in vain: FLOORS",
        ],
    },
    Scenario {
        name: "goes-round",
        says: "a listener's server is cut off from its parent, where the speaker is, and joins its sibling",
        size: Size::Full,
        setup: || over(&[0, 1, 1], &[Event::Cut(Ways::between(&[1], &[3]))]),
        reaches: &[
            "cut",
            "parent lost",
            "joined",
            "in vain: FLOORS",
            "in vain: ACTIVITY_BROADCAST",
        ],
    },
    Scenario {
        name: "goes-round-and-back-patient",
        says: "the same, and its sibling dies when they have met again; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = [
                Event::Cut(Ways::between(&[1], &[3])),
                Event::Heal,
                Event::Crash(2),
            ];
            over(&[0, 1, 1], &story).patient()
        },
        reaches: &["cut", "crash", "parent lost", "joined", "in vain: FLOORS"],
    },
    Scenario {
        name: "logout-goes-round",
        says: "one line at a time is on its way while a user logs in and out, whose server is cut off from its parent and joins its sibling",
        size: Size::Smoke,
        setup: || {
            let comes_and_goes = user(3, Kind::Legacy, &[3], [Wish::Then(Ask::Logout)]);
            let cut = Event::Cut(Ways::between(&[1], &[3]));
            let setup = Setup {
                start: Start::Settled,
                ..world(&[0, 1, 1], vec![comes_and_goes], CALM)
            };
            narrow(both(told(setup, &[cut])))
        },
        reaches: &["cut", "joined", "SESSIONS", "in vain: SESSIONS"],
    },
    Scenario {
        name: "root-dies-under-its-speaker",
        says: "the root dies under a speaker, who goes on at one of its children; a user listens at the other",
        size: Size::Deep,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[1, 2], [say("a")]),
                user(2, Kind::Legacy, &[3], []),
            ];
            both(told(world(&[0, 1, 1], users, CALM), &[Event::Crash(1)]))
        },
        reaches: &["crash", "parent lost", "joined"],
    },
    Scenario {
        name: "halves-speak-patient",
        says: "four servers in a line are cut into halves that each have a root and a speaker, and meet again; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[4], [say("b")]),
            ];
            let story = [Event::Cut(Ways::between(&[1, 2], &[3, 4])), Event::Heal];
            both(told(world(&[0, 1, 2, 3], users, CALM), &story)).patient()
        },
        reaches: &["cut", "heal", "parent lost", "joined"],
    },
    Scenario {
        name: "legacy-devices-patient",
        says: "a user listens with two legacy clients on two servers, one of which dies and returns, over a cut; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let again = [
                Wish::Die,
                Wish::Start(client(3, 2, Kind::Legacy, &[2])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[1], []),
                User {
                    client: client(3, 1, Kind::Legacy, &[2]),
                    ..user(2, Kind::Legacy, &[2], again)
                },
            ];
            let story = [Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            quiet(told(world(&[0, 1], users, CALM), &story)).patient()
        },
        reaches: &[
            "client dies",
            "client starts again",
            "cut",
            "in vain: FLOORS",
        ],
    },
];

/// Somebody speaks at the first server while this goes wrong, and a user listens at the third.
fn over(parents: &[usize], story: &[Event]) -> Setup {
    let users = vec![
        anonymous(1, Kind::Legacy, &[1], [say("a")]),
        user(2, Kind::Ours, &[3], []),
    ];
    both(quiet(told(world(parents, users, CALM), story)))
}

/// The same world, in which the tree must hold, too.
fn both(setup: Setup) -> Setup {
    Setup {
        parts: &[Part::Tree, Part::Delivery],
        ..setup
    }
}

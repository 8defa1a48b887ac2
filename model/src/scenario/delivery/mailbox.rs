//! Listeners go away and return, to the same server or to another one; users with two clients; users who log out.

use super::super::users::{
    CALM, CUT, ageing, anonymous, back, client, go, impatient, login, quiet, returns, say, told,
    user, world,
};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::world::user::{User, Wish};
use crate::world::{Event, Setup, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "mailbox",
        says: "a listener's client dies, and another copy of it returns at the same server",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[2])),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["client dies", "client starts again"],
    },
    Scenario {
        name: "mailbox-over-a-cut",
        says: "a listener's client dies and another copy of it returns at the same server, over a cut",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[2])),
            ];
            quiet(world(&[0, 1], users, CUT))
        },
        reaches: &[
            "client dies",
            "client starts again",
            "cut",
            "in vain: FLOORS",
        ],
    },
    Scenario {
        name: "mailbox-moves",
        says: "a listener's client dies, and another copy of it returns at another server, over a cut; nobody else has a session",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[1])),
            ];
            let story = [Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            quiet(told(world(&[0, 1], users, CALM), &story))
        },
        reaches: &[
            "client dies",
            "client starts again",
            "cut",
            "in vain: FLOORS",
        ],
    },
    Scenario {
        name: "mailbox-dies-again",
        says: "a listener's client dies, and so does the copy that returns; a third one hears it all",
        size: Size::Full,
        setup: || {
            let back = [
                returns(2, 2, Kind::Ours, &[2]),
                returns(2, 3, Kind::Ours, &[1]),
            ]
            .concat();
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["client dies"],
    },
    Scenario {
        name: "mailbox-crash",
        says: "a listener's client dies, and its server crashes while a copy of it is catching up",
        size: Size::Full,
        setup: || {
            let back = [
                returns(2, 2, Kind::Legacy, &[1]),
                returns(2, 3, Kind::Ours, &[1]),
            ]
            .concat();
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[1], back),
            ];
            told(
                world(&[0], users, CALM),
                &[Event::Crash(1), Event::Restart(1)],
            )
        },
        reaches: &["client dies", "crash"],
    },
    Scenario {
        name: "mailbox-and-crash",
        says: "a server crashes while a listener that had died is catching up there",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Legacy, &[1])),
                Wish::Ask(login(2)),
                // Once more by hand, for a legacy client doesn't come back by itself.
                Wish::Ask(login(2)),
            ];
            let users = vec![
                anonymous(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[1], back),
            ];
            told(
                world(&[0], users, CALM),
                &[Event::Crash(1), Event::Restart(1)],
            )
        },
        reaches: &["client dies", "crash"],
    },
    Scenario {
        name: "mailbox-expires",
        says: "a listener's client dies, and another copy of it returns, maybe when its mailbox has expired",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], back(2, &[1])),
            ];
            ageing(world(&[0], users, CALM))
        },
        reaches: &["Age", "mailbox expired", "GAP", "told: gap"],
    },
    Scenario {
        name: "mailbox-expires-elsewhere",
        says: "a listener's client dies, and another copy of it returns at another server, maybe when its mailbox has expired",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[1])),
            ];
            ageing(quiet(world(&[0, 1], users, CALM)))
        },
        reaches: &["mailbox expired", "told: gap"],
    },
    Scenario {
        name: "legacy-returns",
        says: "a legacy listener dies and returns",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], returns(2, 2, Kind::Legacy, &[2])),
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["client dies", "received"],
    },
    Scenario {
        name: "legacy-returns-twice",
        says: "a legacy listener dies and returns, and so does the next copy, maybe before it has received what it missed",
        size: Size::Smoke,
        setup: || {
            let copies = [
                returns(2, 2, Kind::Legacy, &[1]),
                returns(2, 3, Kind::Ours, &[1]),
            ];
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[1], copies.concat()),
            ];
            quiet(world(&[0], users, CALM))
        },
        reaches: &["client dies", "received"],
    },
    Scenario {
        name: "two-devices",
        says: "a user listens with two clients on two servers, one of which dies, while another user speaks",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], []),
                User {
                    client: client(3, 1, Kind::Ours, &[2]),
                    ..user(2, Kind::Ours, &[2], [Wish::Die])
                },
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["client dies"],
    },
    Scenario {
        name: "two-devices-expire",
        says: "a user listens with two clients on two servers; one dies while the servers can't hear each other, and its \
               mailbox expires",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(2, Kind::Ours, &[1], []),
                User {
                    client: client(3, 1, Kind::Ours, &[2]),
                    ..user(2, Kind::Ours, &[2], [Wish::Die])
                },
            ];
            let story = vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            Setup {
                story,
                ..ageing(world(&[0, 1], users, CALM))
            }
        },
        reaches: &["mailbox expired", "client dies"],
    },
    Scenario {
        name: "two-devices-uncounted-patient",
        says: "a user listens with two clients on two servers; the one of the later login is cut off and not counted any more; timers wait",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], []),
                User {
                    client: client(3, 1, Kind::Ours, &[2]),
                    ..user(2, Kind::Ours, &[2], [])
                },
            ];
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let mut setup = impatient(told(world(&[0, 1], users, CALM), &[cut]));
            // At the other server nobody would age who isn't asserted anew here, and so on for ever.
            setup.servers[0].delivery.mailbox_age = Some(1);
            setup.patient()
        },
        reaches: &["Age", "server uncounted"],
    },
    Scenario {
        name: "device-moves",
        says: "one of a user's two clients moves to the server of the other, which may have heard more",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[2], [say("a")]),
                user(2, Kind::Ours, &[1], [go(2)]),
                User {
                    client: client(3, 1, Kind::Ours, &[2]),
                    ..user(2, Kind::Ours, &[2], [])
                },
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["SESSIONS"],
    },
    Scenario {
        name: "logout-elsewhere",
        says: "a user moves to another server and logs out there while the first one hasn't missed it yet",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [go(2), Wish::Then(Ask::Logout)]),
                user(2, Kind::Ours, &[2], [say("a")]),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["LOGOUT"],
    },
    Scenario {
        name: "logout-at-the-root",
        says: "a user moves to the root and logs out there while the first server hasn't missed it yet",
        size: Size::Smoke,
        setup: || {
            let leaves = Wish::Then(Ask::Logout);
            let users = vec![user(1, Kind::Ours, &[2], [go(1), leaves])];
            world(&[0, 1], users, CALM)
        },
        reaches: &["LOGOUT"],
    },
];

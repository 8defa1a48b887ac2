//! Servers crash under their speakers and listeners, and start again or never do.

use super::super::users::{CALM, anonymous, back, client, quiet, say, told, user, world};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::Username;
use crate::world::user::Wish;
use crate::world::{Event, Faults, Setup, Start, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "crash-alone",
        says: "the only server crashes while one user speaks to another, and starts again",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], []),
            ];
            let faults = Faults {
                crashes: 1,
                restarts: 1,
                ..CALM
            };
            world(&[0], users, faults)
        },
        reaches: &["crash", "restart"],
    },
    Scenario {
        name: "crash-and-restart-patient",
        says: "the server of two speakers crashes and starts again; others listen elsewhere; timers wait until nothing else can happen",
        size: Size::Vast,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], []),
                user(3, Kind::Ours, &[1], [say("b")]),
            ];
            told(
                world(&[0, 1], users, CALM),
                &[Event::Crash(1), Event::Restart(1)],
            )
            .patient()
        },
        reaches: &["crash", "restart"],
    },
    Scenario {
        name: "listener-crash",
        says: "the listener's server crashes and starts again",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            let story = vec![Event::Crash(2), Event::Restart(2)];
            Setup {
                story,
                ..quiet(world(&[0, 1], users, CALM))
            }
        },
        reaches: &["crash", "restart", "in vain: FLOORS"],
    },
    Scenario {
        name: "login-crash",
        says: "a user logs in at a server that crashes, and returns with another copy of its client",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [])];
            let faults = Faults {
                crashes: 1,
                restarts: 1,
                ..CALM
            };
            Setup {
                start: Start::Settled,
                ..world(&[0], users, faults)
            }
        },
        reaches: &["crash", "restart"],
    },
    Scenario {
        name: "says-on-after-a-crash",
        says: "a server crashes and starts again between two things that one client says there",
        size: Size::Vast,
        setup: says_on,
        reaches: &["crash", "restart"],
    },
    Scenario {
        name: "says-on-after-a-crash-patient",
        says: "the same; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || says_on().patient(),
        reaches: &["crash", "restart", "in vain: FLOORS"],
    },
    Scenario {
        name: "returns-after-a-crash",
        says: "a server crashes and starts again, and a legacy speaker returns to it",
        size: Size::Full,
        setup: || {
            let back = [
                say("a"),
                Wish::Die,
                Wish::Start(client(1, 2, Kind::Legacy, &[1])),
                Wish::Ask(Ask::Login {
                    username: Username::anonymous(),
                    secret: None,
                }),
                say("b"),
            ];
            let users = vec![anonymous(1, Kind::Legacy, &[1], back)];
            told(
                quiet(world(&[0, 1], users, CALM)),
                &[Event::Crash(1), Event::Restart(1)],
            )
        },
        reaches: &["crash", "restart", "in vain: FLOORS", "in vain: KNOWN"],
    },
    Scenario {
        name: "another-copy-after-a-crash",
        says: "the server of the only listener crashes and starts again, and another copy of the listener's client returns",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[2, 1])),
            ];
            told(
                quiet(world(&[0, 1], users, CALM)),
                &[Event::Crash(2), Event::Restart(2)],
            )
        },
        reaches: &[
            "client starts again",
            "crash",
            "restart",
            "in vain: FLOORS",
            "in vain: SESSIONS",
        ],
    },
    Scenario {
        name: "another-copy-at-the-only-server",
        says: "a user speaks, the only server crashes and starts again, and another copy of the user's client returns",
        size: Size::Smoke,
        setup: || {
            let wishes = [vec![say("a")], back(1, &[1]).to_vec()].concat();
            let users = vec![user(1, Kind::Ours, &[1], wishes)];
            let story = [Event::Crash(1), Event::Restart(1)];
            told(world(&[0], users, CALM), &story)
        },
        reaches: &["client starts again", "crash", "restart"],
    },
    Scenario {
        name: "crash-after-a-heal-patient",
        says: "the server of the only listener is cut off, meets the other again and crashes, and another copy of the listener's client returns; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[2, 1])),
            ];
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let story = [cut, Event::Heal, Event::Crash(2), Event::Restart(2)];
            told(quiet(world(&[0, 1], users, CALM)), &story).patient()
        },
        reaches: &[
            "cut",
            "heal",
            "client starts again",
            "crash",
            "restart",
            "in vain: FLOORS",
        ],
    },
    Scenario {
        name: "server-dies",
        says: "a server dies under its speaker and its listener, who go on elsewhere",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[2, 1], [say("a")]),
                user(2, Kind::Ours, &[2, 1], []),
            ];
            world(&[0, 1], users, Faults { crashes: 1, ..CALM })
        },
        reaches: &["crash"],
    },
    Scenario {
        name: "speaker-s-server-dies",
        says: "the server of a speaker dies for good, and the speaker goes on elsewhere",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[2, 1], [say("a")]),
                user(2, Kind::Legacy, &[1], []),
            ];
            told(world(&[0, 1], users, CALM), &[Event::Crash(2)])
        },
        reaches: &["crash"],
    },
    Scenario {
        name: "listener-s-server-dies",
        says: "the server of a listener dies for good, and the listener goes on elsewhere",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                // Of the other server it knows only because its own one tells it.
                user(2, Kind::Ours, &[2], []),
            ];
            told(quiet(world(&[0, 1], users, CALM)), &[Event::Crash(2)])
        },
        reaches: &["crash", "LOGIN_SUCCESS"],
    },
];

/// A server that crashes and starts again at some time, while one client says two things there.
fn says_on() -> Setup {
    let users = vec![anonymous(1, Kind::Ours, &[1], [say("a"), say("b")])];
    told(
        world(&[0, 1], users, CALM),
        &[Event::Crash(1), Event::Restart(1)],
    )
}

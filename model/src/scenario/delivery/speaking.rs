//! What is said is heard, in order and once: while all is well, and over a link that is cut.

use super::super::users::{CALM, CUT, anonymous, go, narrow, quiet, say, user, world};
use super::super::{Scenario, Size};
use crate::client::Kind;
use crate::world::{Event, Setup, Start, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "one-message",
        says: "one user speaks to another on the same server, and nothing goes wrong",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], []),
            ];
            world(&[0], users, CALM)
        },
        reaches: &["ACTIVITY_BROADCAST", "ACTIVITY_ACK", "ACTIVITY_GOT"],
    },
    Scenario {
        name: "two-messages",
        says: "one user says two things to another on the same server",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[1], []),
            ];
            quiet(world(&[0], users, CALM))
        },
        reaches: &["ACTIVITY_GOT"],
    },
    Scenario {
        name: "logging-in",
        says: "two users log in while one of them speaks",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            }
        },
        reaches: &["LOGIN", "LOGIN_SUCCESS", "SESSIONS"],
    },
    Scenario {
        name: "two-servers",
        says: "one user speaks to another over two servers",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["ACTIVITY_BROADCAST of a server", "FLOORS"],
    },
    Scenario {
        name: "legacy-listener",
        says: "one user speaks to a legacy client over two servers",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], []),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["received"],
    },
    Scenario {
        name: "narrow-link",
        says: "one user says two things to another over two servers, between which one line at a time is on its way",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            narrow(quiet(world(&[0, 1], users, CALM)))
        },
        reaches: &["DELIVERY_CREDIT"],
    },
    Scenario {
        name: "less-narrow-link",
        says: "somebody says two things over two servers, between which three lines at a time are on their way",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                anonymous(2, Kind::Legacy, &[2], []),
            ];
            let mut setup = quiet(world(&[0, 1], users, CALM));
            setup.rules.delivery.limits.window_lines = Some(3);
            setup
        },
        reaches: &["DELIVERY_CREDIT"],
    },
    Scenario {
        name: "narrow-link-over-a-cut",
        says: "the same, while the two servers lose and find each other",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], []),
            ];
            let story = vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            Setup {
                story,
                ..narrow(quiet(world(&[0, 1], users, CALM)))
            }
        },
        reaches: &["DELIVERY_CREDIT", "cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "message-over-a-cut",
        says: "one user speaks to another while the two servers lose and find each other",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            world(&[0, 1], users, CUT)
        },
        reaches: &["cut", "heal", "HELLO", "in vain: FLOORS"],
    },
    Scenario {
        name: "two-messages-over-a-cut",
        says: "one user says two things to another while the two servers lose and find each other",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            world(&[0, 1], users, CUT)
        },
        reaches: &["cut", "heal", "HELLO", "in vain: FLOORS"],
    },
    Scenario {
        name: "two-senders",
        says: "two speakers on two servers say something to each other",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                anonymous(2, Kind::Legacy, &[2], [say("b")]),
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["ACTIVITY_BROADCAST of a server", "FLOORS"],
    },
    Scenario {
        name: "two-senders-over-a-cut",
        says: "two users on two servers speak to each other while the two servers lose and find each other",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], [say("b")]),
            ];
            world(&[0, 1], users, CUT)
        },
        reaches: &["cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "three-in-a-line",
        says: "a message goes over two hops, one of which is cut",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[3], []),
            ];
            quiet(world(&[0, 1, 2], users, CUT))
        },
        reaches: &["cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "speaker-connects-anew",
        says: "a speaker connects anew to its server, which may be the only one to have its words",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go(1)])];
            world(&[0, 1], users, CALM)
        },
        reaches: &["ACTIVITY_GOT", "ACTIVITY_ACK"],
    },
    Scenario {
        name: "speaker-moves-on",
        says: "a speaker moves to another server while its words are on their way there",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[1], [say("a"), go(2)]),
                user(2, Kind::Legacy, &[2], []),
                user(3, Kind::Ours, &[2], []),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["received", "ACTIVITY_GOT"],
    },
    Scenario {
        name: "moving-sender",
        says: "a user speaks, moves to another server and speaks again, to a legacy client there, over a cut",
        size: Size::Vast,
        setup: moving_sender,
        reaches: &["cut", "heal", "received"],
    },
    Scenario {
        name: "moving-sender-patient",
        says: "the same; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || moving_sender().patient(),
        reaches: &["cut", "heal", "received", "in vain: FLOORS"],
    },
    Scenario {
        name: "anonymous-comes-again",
        says: "an anonymous legacy client connects anew while somebody speaks, and comes as somebody new",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b"), say("c")]),
                anonymous(2, Kind::Legacy, &[1], [go(1)]),
            ];
            quiet(world(&[0], users, CALM))
        },
        reaches: &["told: heard"],
    },
    Scenario {
        name: "says-again-to-newcomers-patient",
        says: "a speaker moves on while its words are on their way to where it goes, says them again there, and goes on; a listener comes at any time; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: || {
            let says = [say("a"), go(2), say("b"), say("c")];
            let users = vec![
                anonymous(1, Kind::Ours, &[1], says),
                anonymous(2, Kind::Ours, &[2], []),
            ];
            let setup = Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            };
            quiet(setup).patient()
        },
        reaches: &["ACTIVITY_GOT"],
    },
];

/// A user speaks, moves and speaks again; the two servers lose each other at some time, and meet again.
fn moving_sender() -> Setup {
    let users = vec![
        user(1, Kind::Ours, &[1], [say("a"), go(2), say("b")]),
        user(2, Kind::Legacy, &[2], []),
    ];
    world(&[0, 1], users, CUT)
}

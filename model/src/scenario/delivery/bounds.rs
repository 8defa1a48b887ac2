//! Bounds that are near: a log of one message, a reader that is cut off at once, a client whose user speaks too soon, and one that is forgotten.

use super::super::users::{
    CALM, CRASH, CUT, anonymous, back, client, forgetful, go, quiet, say, told, user, world,
};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::Activity;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "log-full",
        says: "a log has room for one message; a listener is away while two are said",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[1], back(2, &[1])),
            ];
            short_log(quiet(world(&[0], users, CALM)))
        },
        reaches: &["why: mailbox full", "GAP"],
    },
    Scenario {
        name: "log-too-long",
        says: "a log has room for one message's bytes; a listener is away while two are said",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[1], back(2, &[1])),
            ];
            let mut setup = quiet(world(&[0], users, CALM));
            setup.servers[0].delivery.log_max_bytes = 50;
            setup
        },
        reaches: &["why: mailbox full", "GAP"],
    },
    Scenario {
        name: "log-full-of-another-start",
        says: "a log has room for one message; a server crashes after two, starts again and hears a third",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a"), say("b"), say("c")]),
                user(2, Kind::Ours, &[1], []),
            ];
            let faults = Faults {
                restarts: 1,
                ..CRASH
            };
            short_log(quiet(world(&[0], users, faults)))
        },
        reaches: &["crash", "why: mailbox full", "GAP"],
    },
    Scenario {
        name: "log-full-over-a-cut",
        says: "a log has room for one message; two are said while the listener's server is cut off",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            short_log(quiet(world(&[0, 1], users, CUT)))
        },
        reaches: &["SKIP", "why: server forgotten", "in vain: FLOORS"],
    },
    Scenario {
        name: "log-full-over-a-cut-patient",
        says: "the same; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            short_log(quiet(world(&[0, 1], users, CUT))).patient()
        },
        reaches: &["SKIP", "why: server forgotten", "in vain: FLOORS"],
    },
    Scenario {
        name: "skip-over-unheard-patient",
        says: "a log has room for one message; a listener hasn't heard what its server has when that is told what it will never get; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a"), say("b"), say("c")]),
                user(2, Kind::Ours, &[2], back(2, &[2])),
            ];
            short_log(quiet(world(&[0, 1], users, CUT))).patient()
        },
        reaches: &["SKIP", "why: server forgotten", "in vain: FLOORS"],
    },
    Scenario {
        name: "skip-past-slow-reader-patient",
        says: "the same with four messages and a listener who catches up one by one",
        size: Size::Deep,
        setup: || {
            let says = [say("a"), say("b"), say("c"), say("d")];
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], says),
                user(2, Kind::Ours, &[2], back(2, &[2])),
            ];
            let mut setup = short_log(quiet(world(&[0, 1], users, CUT))).patient();
            setup.servers[1].delivery.window = 1;
            setup
        },
        reaches: &["SKIP", "why: server forgotten"],
    },
    Scenario {
        name: "slow-reader",
        says: "a listener reads so slowly that it is cut off at the second message, and catches up",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[1], []),
            ];
            let mut setup = quiet(world(&[0], users, CALM));
            setup.servers[0].delivery.unheard_max = 1;
            setup
        },
        reaches: &["slow reader cut off"],
    },
    Scenario {
        name: "slow-to-say-got",
        says: "a listener says ACTIVITY_GOT when it has heard two messages, or when it is time",
        size: Size::Smoke,
        setup: || {
            let mut listener = user(2, Kind::Ours, &[1], []);
            listener.client.ungot_max = Some(2);
            let speaker = anonymous(1, Kind::Legacy, &[1], [say("a"), say("b")]);
            quiet(world(&[0], vec![speaker, listener], CALM))
        },
        reaches: &["ACTIVITY_GOT", "client's Got"],
    },
    Scenario {
        name: "speaks-too-soon",
        says: "a user speaks before the client knows who that is",
        size: Size::Smoke,
        setup: || {
            let hi = Activity::parse("{\"t\":\"a\"}").expect("an object is an activity");
            let speaker = User {
                client: client(1, 1, Kind::Ours, &[1]),
                wishes: vec![Wish::Ask(Ask::Say(hi))],
            };
            Setup {
                start: Start::Settled,
                ..world(&[0], vec![speaker], CALM)
            }
        },
        reaches: &["told: declined"],
    },
    Scenario {
        name: "client-expires",
        says: "a user speaks, connects anew and speaks again, maybe when nobody knows any more how far it was",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go(1), say("b")])];
            forgetful(world(&[0], users, CALM))
        },
        reaches: &["Age", "client expired"],
    },
    Scenario {
        name: "client-expires-after-a-crash",
        says: "a user speaks and leaves, and the server crashes, starts again and forgets how far its client was",
        size: Size::Smoke,
        setup: || {
            let wishes = [say("a"), Wish::Then(Ask::Quit)];
            let users = vec![anonymous(1, Kind::Ours, &[1], wishes)];
            let story = [Event::Crash(1), Event::Restart(1)];
            forgetful(told(world(&[0], users, CALM), &story))
        },
        reaches: &["restart", "client expired"],
    },
];

/// The same world, in which the first server keeps no more than one message.
fn short_log(mut setup: Setup) -> Setup {
    setup.servers[0].delivery.log_max = 1;
    setup
}

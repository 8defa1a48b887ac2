//! Bounds that are near: a log of one message, a reader that is cut off at once, a client whose user speaks too soon.

use super::delivery::{CALM, client, login, quiet, say, user, world};
use super::narrow::{CUT, anonymous};
use super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::Activity;
use crate::world::user::{User, Wish};
use crate::world::{Setup, Start};

/// Every scenario of bounds.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "log-full",
        says: "a log has room for one message; a listener is away while two are said",
        size: Size::Smoke,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a"), say("b")]),
                user(2, Kind::Ours, &[1], back),
            ];
            let mut setup = quiet(world(&[0], users, CALM));
            setup.servers[0].delivery.log_max = 1;
            setup
        },
        reaches: &["why: mailbox full", "GAP"],
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
            let mut setup = quiet(world(&[0, 1], users, CUT));
            setup.servers[0].delivery.log_max = 1;
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
];

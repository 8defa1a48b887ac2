//! Servers that err: they say to their clients what they never should.

use super::super::users::{CALM, anonymous, backing_off, newcomer, say, told, world};
use super::super::{Scenario, Size};
use crate::client::Kind;
use crate::message::client::Info;
use crate::message::{Line, Reply};
use crate::world::user::User;
use crate::world::{Event, Setup, Start};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "shown-out-in-error",
        says: "a server shows its client out for nothing, which goes on elsewhere",
        size: Size::Smoke,
        setup: || {
            let info = Info::NotExpected;
            let line = Line::from(Reply::Invalid { info });
            let users = vec![anonymous(1, Kind::Ours, &[1, 2], [])];
            erring(&[0, 1], users, line)
        },
        reaches: &["server blurts", "INVALID_MESSAGE", "told: disconnected"],
    },
    Scenario {
        name: "talks-nonsense",
        says: "a server talks nonsense to its speaker",
        size: Size::Smoke,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a")])];
            erring(&[0], users, Line::Malformed(Info::NotJson))
        },
        reaches: &["server blurts", "malformed", "INVALID_MESSAGE of a client"],
    },
    Scenario {
        name: "dies-of-a-register-patient",
        says: "a server dies twice while a user registers there, and the user goes on elsewhere; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![newcomer(1, &[2, 1], [])];
            let story = [Event::Crash(2), Event::Restart(2), Event::Crash(2)];
            Setup {
                start: Start::Settled,
                ..told(world(&[0, 1], users, CALM), &story)
            }
            .patient()
        },
        reaches: &["crash", "told: registered", "LOGIN_FAILED"],
    },
];

/// A world whose first server says this to its clients at some time.
fn erring(parents: &[usize], users: Vec<User>, line: Line) -> Setup {
    let story = [Event::Blurt { server: 1, line }];
    backing_off(told(world(parents, users, CALM), &story))
}

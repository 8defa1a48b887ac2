//! Users who change their minds: they leave, come back, go elsewhere, become somebody else, whatever their client is about just then.

use super::super::users::{CALM, anonymous, go, login, say, told, user, world};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::world::user::Wish;
use crate::world::{Event, Faults, Setup};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "becomes-somebody-else",
        says: "a user's client disconnects and speaks on as another user's",
        size: Size::Smoke,
        setup: || {
            alone(
                CALM,
                &[Wish::Then(Ask::Quit), Wish::Ask(login(3)), say("b")],
            )
        },
        reaches: &["told: left"],
    },
    Scenario {
        name: "logs-out-and-in",
        says: "a user logs out, logs in with the same client, and speaks",
        size: Size::Smoke,
        setup: || {
            alone(
                CALM,
                &[Wish::Then(Ask::Logout), Wish::Ask(login(1)), say("b")],
            )
        },
        reaches: &["LOGOUT", "told: left"],
    },
    Scenario {
        name: "speaks-and-logs-out",
        says: "a user speaks and logs out, whatever has become of that",
        size: Size::Smoke,
        setup: || alone(CALM, &[say("a"), Wish::Then(Ask::Logout)]),
        reaches: &["LOGOUT", "told: left"],
    },
    Scenario {
        name: "quits-in-a-crash",
        says: "a user speaks, disconnects and logs in again, while the only server crashes and starts again",
        size: Size::Smoke,
        setup: || {
            let faults = Faults {
                crashes: 1,
                restarts: 1,
                ..CALM
            };
            alone(
                faults,
                &[say("a"), Wish::Then(Ask::Quit), Wish::Ask(login(1))],
            )
        },
        reaches: &["crash", "restart", "told: left"],
    },
    Scenario {
        name: "moves-in-a-crash",
        says: "`anonymous` moves to another server, while its own crashes for good",
        size: Size::Smoke,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[2], [go(1)])];
            told(world(&[0, 1], users, CALM), &[Event::Crash(2)])
        },
        reaches: &["crash"],
    },
];

/// A user who has these wishes, and a listener, both at the only server.
fn alone(faults: Faults, wishes: &[Wish]) -> Setup {
    let users = vec![
        user(1, Kind::Ours, &[1], wishes.to_vec()),
        user(2, Kind::Ours, &[1], []),
    ];
    world(&[0], users, faults)
}

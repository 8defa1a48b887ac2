//! Users register, and speak, listen and move from there.

use super::super::users::{
    CALM, CRASH, anonymous, backing_off, client, go, newcomer, quiet, say, told, user, world,
};
use super::super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::client::Secret;
use crate::message::{Activity, SecretHash, Username};
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "first-login-moves",
        says: "a user logs in for the first time, and moves on before the other server knows of it",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[2], [say("a")]),
                user(2, Kind::Ours, &[1], [go(2)]),
            ];
            quiet(Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            })
        },
        reaches: &["SESSIONS"],
    },
    Scenario {
        name: "registers-in-a-crash",
        says: "a user registers at a server that crashes and starts again",
        size: Size::Smoke,
        setup: || {
            let users = vec![newcomer(1, &[1], [])];
            let faults = Faults {
                restarts: 1,
                ..CRASH
            };
            Setup {
                start: Start::Settled,
                ..world(&[0], users, faults)
            }
        },
        reaches: &["crash", "told: registered"],
    },
    Scenario {
        name: "registers-and-moves",
        says: "a user registers, and moves to a server that may not know the name yet",
        size: Size::Smoke,
        setup: || {
            let users = vec![newcomer(1, &[1], [go(2)])];
            backing_off(Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            })
        },
        reaches: &["told: registered", "LOGIN_FAILED"],
    },
    Scenario {
        name: "registers-meanwhile",
        says: "a user registers while another speaks and moves to the same server",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[2], [say("a"), go(1)]),
                newcomer(2, &[1], []),
            ];
            Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            }
        },
        reaches: &["told: registered", "ACTIVITY_GOT"],
    },
    Scenario {
        name: "hears-before-login-patient",
        says: "a user registers where another speaks, and the only server crashes and starts again; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[1], [say("a")]),
                newcomer(2, &[1], []),
            ];
            let story = [Event::Crash(1), Event::Restart(1)];
            let setup = Setup {
                start: Start::Settled,
                ..told(world(&[0], users, CALM), &story)
            };
            setup.patient()
        },
        reaches: &["crash", "restart", "told: registered", "told: heard"],
    },
    Scenario {
        name: "one-user-over-a-cut-patient",
        says: "one user registers with two legacy clients, and speaks with one of them, on two sides of a cut, which heals; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let device = |n: usize, then: &[Wish]| User {
                client: client(n, 1, Kind::Legacy, &[n]),
                ..newcomer(1, &[n], then.to_vec())
            };
            // It has no session before it has spoken, and isn't told that it is logged in.
            let hi = Activity::parse("{\"t\":\"a\"}").expect("an object is an activity");
            let users = vec![device(1, &[]), device(2, &[Wish::Ask(Ask::Say(hi))])];
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            Setup {
                start: Start::Settled,
                ..told(world(&[0, 1], users, CALM), &[cut, Event::Heal])
            }
            .patient()
        },
        reaches: &["told: registered", "cut", "heal", "in vain: FLOORS"],
    },
    Scenario {
        name: "registers-where-somebody-speaks",
        says: "a user registers where another speaks",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[1], [say("a")]),
                newcomer(2, &[1], []),
            ];
            Setup {
                start: Start::Settled,
                ..world(&[0], users, CALM)
            }
        },
        reaches: &["told: registered", "told: heard"],
    },
    Scenario {
        name: "one-name-in-a-crash",
        says: "two clients of ours register one name at a server that crashes and starts again",
        size: Size::Smoke,
        setup: || {
            let faults = Faults {
                restarts: 1,
                ..CRASH
            };
            let users = vec![claimant(1, 1), claimant(2, 1)];
            Setup {
                start: Start::Settled,
                ..world(&[0], users, faults)
            }
        },
        reaches: &["crash", "told: registered", "told: refused"],
    },
    Scenario {
        name: "one-name-over-a-cut",
        says: "two clients of ours register one name on two sides of a cut, which heals",
        size: Size::Smoke,
        setup: || {
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let users = vec![claimant(1, 1), claimant(2, 2)];
            Setup {
                start: Start::Settled,
                ..told(world(&[0, 1], users, CALM), &[cut, Event::Heal])
            }
        },
        reaches: &["told: name lost", "told: refused"],
    },
];

/// A user who registers the same name as others, with a secret of its own, at this server.
fn claimant(n: usize, server: usize) -> User {
    let secret = SecretHash::from(smol_str::format_smolstr!("secret {n}"));
    User {
        client: client(n, 1, Kind::Ours, &[server]),
        wishes: vec![Wish::Ask(Ask::Register {
            username: Username::from("u1"),
            secret: Secret::Hashed(secret),
        })],
    }
}

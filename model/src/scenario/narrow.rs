//! Delivery, narrowed: each world is as small as lets one rule be seen to matter. Who speaks is `anonymous` wherever
//! nothing depends on it: then the speaker has no session, and servers have nothing to tell each other of it.

use super::delivery::{CALM, address, client, impatient, login, quiet, say, user, world};
use super::{Scenario, Size};
use crate::client::{Ask, Kind};
use crate::message::SecretHash;
use crate::message::Username;
use crate::message::client::Secret;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// A client of nobody in particular, who logs in at these servers and then has these wishes.
pub(super) fn anonymous(
    n: usize,
    kind: Kind,
    servers: &[usize],
    then: impl IntoIterator<Item = Wish>,
) -> User {
    let mut wishes = vec![Wish::Ask(Ask::Login {
        username: Username::anonymous(),
        secret: None,
    })];
    wishes.extend(then);
    User {
        client: client(n, 1, kind, servers),
        wishes,
    }
}

/// A user who registers, and then has these wishes.
fn newcomer(n: usize, servers: &[usize], then: impl IntoIterator<Item = Wish>) -> User {
    let mut wishes = vec![Wish::Ask(Ask::Register {
        username: Username::from(smol_str::format_smolstr!("u{n}")),
        secret: Secret::Hashed(SecretHash::from("secret")),
    })];
    wishes.extend(then);
    User {
        client: client(n, 1, Kind::Ours, servers),
        wishes,
    }
}

fn go(server: usize) -> Wish {
    Wish::Then(Ask::Move {
        to: address(server),
    })
}

/// A user whose client dies, and who returns with another copy of it that knows these servers.
fn back(n: usize, servers: &[usize]) -> [Wish; 3] {
    [
        Wish::Die,
        Wish::Start(client(n, 2, Kind::Ours, servers)),
        Wish::Ask(login(n)),
    ]
}

/// The same world, in which this goes wrong in this order.
fn told(setup: Setup, story: &[Event]) -> Setup {
    Setup {
        story: story.to_vec(),
        ..setup
    }
}

const CRASH: Faults = Faults { crashes: 1, ..CALM };

pub(super) const CUT: Faults = Faults { cuts: 1, ..CALM };

/// Every narrowed scenario of delivery.
pub const SCENARIOS: &[Scenario] = &[
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
        name: "says-on-after-a-crash",
        says: "a server crashes and starts again between two things that one client says there",
        size: Size::Deep,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a"), say("b")])];
            told(
                world(&[0, 1], users, CALM),
                &[Event::Crash(1), Event::Restart(1)],
            )
        },
        reaches: &["crash", "restart"],
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
        reaches: &["crash", "restart"],
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
        reaches: &["client starts again", "crash", "restart"],
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
        reaches: &["client dies", "client starts again", "cut"],
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
                user(2, Kind::Ours, &[2, 1], []),
            ];
            told(quiet(world(&[0, 1], users, CALM)), &[Event::Crash(2)])
        },
        reaches: &["crash"],
    },
    Scenario {
        name: "uncounted",
        says: "a listener's server is away for so long that it isn't waited for",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            quiet(impatient(world(&[0, 1], users, CUT)))
        },
        reaches: &["cut", "server uncounted"],
    },
    Scenario {
        name: "uncounted-speaker",
        says: "a speaker goes to a server that was away for so long that it wasn't waited for",
        size: Size::Deep,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a"), go(2), say("b")])];
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            impatient(told(world(&[0, 1], users, CALM), &[cut, Event::Heal]))
        },
        reaches: &["cut", "server uncounted"],
    },
    Scenario {
        name: "skipped-unheard",
        says: "a server that was away for so long that it wasn't waited for skips what the other has forgotten",
        size: Size::Full,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a")])];
            let story = [Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            impatient(told(world(&[0, 1], users, CALM), &story))
        },
        reaches: &["SKIP", "server uncounted"],
    },
    Scenario {
        name: "skipped-once",
        says: "a speaker goes to a server that has to skip what the speaker has said and heard",
        size: Size::Deep,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go(2)])];
            let story = [Event::Cut(Ways::between(&[1], &[2])), Event::Heal];
            impatient(told(world(&[0, 1], users, CALM), &story))
        },
        reaches: &["SKIP", "server uncounted"],
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
        name: "first-login-moves",
        says: "a user logs in for the first time, and moves on before the other server knows of it",
        size: Size::Full,
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
            Setup {
                start: Start::Settled,
                ..world(&[0, 1], users, CALM)
            }
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
        name: "one-name-over-a-cut",
        says: "two clients of ours register one name on two sides of a cut, which heals",
        size: Size::Full,
        setup: || {
            let claimant = |n: usize| User {
                client: client(n, 1, Kind::Ours, &[n]),
                wishes: vec![Wish::Ask(Ask::Register {
                    username: Username::from("u1"),
                    secret: Secret::Hashed(SecretHash::from(smol_str::format_smolstr!(
                        "secret {n}"
                    ))),
                })],
            };
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let users = vec![claimant(1), claimant(2)];
            Setup {
                start: Start::Settled,
                ..told(world(&[0, 1], users, CALM), &[cut, Event::Heal])
            }
        },
        reaches: &["told: name lost", "told: refused"],
    },
];

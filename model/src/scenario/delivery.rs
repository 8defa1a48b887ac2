//! Delivery: what is said is heard, whatever breaks meanwhile.

use smol_str::format_smolstr;

use super::{Scenario, Size};
use crate::client::{self, Ask, Kind, Timing};
use crate::message::client::Secret;
use crate::message::{Activity, Address, ClientId, SecretHash, Username};
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Faults, Setup, Start, Ways};

/// A client of the user `u`*n* that knows these servers. Servers count from 1.
fn client(n: usize, start: usize, kind: Kind, servers: &[usize]) -> client::Config {
    client::Config {
        client: ClientId::from(format_smolstr!("c{n}.{start}")),
        servers: servers.iter().map(|server| address(*server)).collect(),
        kind,
        kept_max: 8,
        timing: Timing {
            backoffs: 0,
            ..Timing::default()
        },
    }
}

fn address(server: usize) -> Address {
    Address::new(&format_smolstr!("s{server}"), 1).expect("a name and a port are an address")
}

/// A user who logs in, and then has these wishes.
fn user(n: usize, kind: Kind, servers: &[usize], then: impl IntoIterator<Item = Wish>) -> User {
    let mut wishes = vec![Wish::Ask(login(n))];
    wishes.extend(then);
    User {
        client: client(n, 1, kind, servers),
        wishes,
    }
}

fn login(n: usize) -> Ask {
    Ask::Login {
        username: Username::from(format_smolstr!("u{n}")),
        secret: Some(Secret::Hashed(SecretHash::from("secret"))),
    }
}

fn say(text: &str) -> Wish {
    let activity = Activity::parse(&format!("{{\"t\":\"{text}\"}}"));
    Wish::Then(Ask::Say(activity.expect("an object is an activity")))
}

fn world(parents: &[usize], users: Vec<User>, faults: Faults) -> Setup {
    Setup {
        users,
        start: Start::LoggedIn,
        faults,
        cuts: vec![Ways::between(&[1], &[2])],
        parts: &[Part::Delivery],
        ..Setup::tree(parents)
    }
    .without_probes()
}

const CALM: Faults = Faults {
    cuts: 0,
    crashes: 0,
    restarts: 0,
    lost_disks: 0,
    departures: 0,
};

/// Every scenario of delivery.
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
        reaches: &["LOGIN", "LOGIN_SUCCESS"],
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
        reaches: &["ACTIVITY_BROADCAST of a server", "FLOORS", "SESSIONS"],
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
        name: "message-over-a-cut",
        says: "one user speaks to another while the two servers lose and find each other",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            world(&[0, 1], users, Faults { cuts: 1, ..CALM })
        },
        reaches: &["cut", "heal", "HELLO"],
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
            world(&[0, 1], users, Faults { cuts: 1, ..CALM })
        },
        reaches: &["cut", "heal", "HELLO"],
    },
    Scenario {
        name: "moving-sender",
        says: "a user speaks, moves to another server and speaks again, to a legacy client there, over a cut",
        size: Size::Full,
        setup: || {
            let go = Wish::Then(Ask::Move { to: address(2) });
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a"), go, say("b")]),
                user(2, Kind::Legacy, &[2], []),
            ];
            world(&[0, 1], users, Faults { cuts: 1, ..CALM })
        },
        reaches: &["cut", "heal", "received"],
    },
    Scenario {
        name: "crash-and-restart",
        says: "the speaker's server crashes and starts again",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], []),
            ];
            world(
                &[0, 1],
                users,
                Faults {
                    crashes: 1,
                    restarts: 1,
                    ..CALM
                },
            )
        },
        reaches: &["crash", "restart"],
    },
    Scenario {
        name: "mailbox",
        says: "a listener's client dies, and another copy of it returns at the same server",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[2])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["client dies", "client starts again"],
    },
    Scenario {
        name: "mailbox-elsewhere",
        says: "a listener's client dies, and another copy of it returns at another server, over a cut",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            world(&[0, 1], users, Faults { cuts: 1, ..CALM })
        },
        reaches: &["client dies", "client starts again"],
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
];

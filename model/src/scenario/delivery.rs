//! Delivery: what is said is heard, whatever breaks meanwhile.

use smol_str::format_smolstr;

use super::{Scenario, Size};
use crate::client::{self, Ask, Kind, Timing};
use crate::message::client::Secret;
use crate::message::{Activity, Address, ClientId, SecretHash, Username};
use crate::node::rules::delivery::Limits;
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// A client of the user `u`*n* that knows these servers. Servers count from 1.
pub(super) fn client(n: usize, start: usize, kind: Kind, servers: &[usize]) -> client::Config {
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

pub(super) fn address(server: usize) -> Address {
    Address::new(&format_smolstr!("s{server}"), 1).expect("a name and a port are an address")
}

/// A user who logs in, and then has these wishes.
pub(super) fn user(
    n: usize,
    kind: Kind,
    servers: &[usize],
    then: impl IntoIterator<Item = Wish>,
) -> User {
    let mut wishes = vec![Wish::Ask(login(n))];
    wishes.extend(then);
    User {
        client: client(n, 1, kind, servers),
        wishes,
    }
}

pub(super) fn login(n: usize) -> Ask {
    Ask::Login {
        username: Username::from(format_smolstr!("u{n}")),
        secret: Some(Secret::Hashed(SecretHash::from("secret"))),
    }
}

pub(super) fn say(text: &str) -> Wish {
    let activity = Activity::parse(&format!("{{\"t\":\"{text}\"}}"));
    Wish::Then(Ask::Say(activity.expect("an object is an activity")))
}

pub(super) fn world(parents: &[usize], users: Vec<User>, faults: Faults) -> Setup {
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

/// The same world, in which a legacy speaker isn't told what it says itself.
pub(super) fn quiet(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.echoes = false;
    }
    setup
}

/// The same world, in which servers that don't move are not waited for.
pub(super) fn impatient(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.patience = Some(0);
    }
    setup
}

/// The same world, in which a mailbox expires at the first tick that it lives to see.
fn ageing(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.mailbox_age = Some(1);
    }
    setup
}

/// The same world, in which it isn't known any more after a tick how far a client was.
fn forgetful(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.client_age = Some(1);
    }
    setup
}

/// The same world, in which one line at a time is on its way from server to server, with one session at most.
fn narrow(mut setup: Setup) -> Setup {
    setup.rules.delivery.limits = Limits {
        chunk_sessions: 1,
        window_lines: Some(1),
    };
    setup
}

pub(super) const CALM: Faults = Faults {
    cuts: 0,
    crashes: 0,
    restarts: 0,
    lost_disks: 0,
    departures: 0,
    renewals: 0,
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
        name: "narrow-link-over-a-cut",
        says: "the same, while the two servers lose and find each other",
        size: Size::Full,
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
        reaches: &["DELIVERY_CREDIT", "cut", "heal"],
    },
    Scenario {
        name: "client-expires",
        says: "a user speaks, connects anew and speaks again, maybe when nobody knows any more how far it was",
        size: Size::Smoke,
        setup: || {
            let go = Wish::Then(Ask::Move { to: address(1) });
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go, say("b")])];
            forgetful(world(&[0], users, CALM))
        },
        reaches: &["Age", "client expired"],
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
        size: Size::Deep,
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
        name: "crash-and-restart",
        says: "the server of two speakers crashes and starts again; others listen elsewhere",
        size: Size::Deep,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], []),
                user(3, Kind::Ours, &[1], [say("b")]),
            ];
            let story = vec![Event::Crash(1), Event::Restart(1)];
            Setup {
                story,
                ..world(&[0, 1], users, CALM)
            }
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
        name: "mailbox-expires",
        says: "a listener's client dies, and another copy of it returns, maybe when its mailbox has expired",
        size: Size::Smoke,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Ours, &[1], back),
            ];
            ageing(world(&[0], users, CALM))
        },
        reaches: &["Age", "mailbox expired", "GAP", "told: gap"],
    },
    Scenario {
        name: "mailbox-expires-elsewhere",
        says: "a listener's client dies, and another copy of it returns at another server, maybe when its mailbox has expired",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            ageing(quiet(world(&[0, 1], users, CALM)))
        },
        reaches: &["mailbox expired", "told: gap"],
    },
    Scenario {
        name: "two-devices-expire",
        says: "a user listens with two clients on two servers; one dies while the servers can't hear each other, and its \
               mailbox expires",
        size: Size::Full,
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
        name: "mailbox-elsewhere",
        says: "a listener's client dies, and another copy of it returns at another server, over a cut",
        size: Size::Deep,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            quiet(world(&[0, 1], users, Faults { cuts: 1, ..CALM }))
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
    Scenario {
        name: "mailbox-over-a-cut",
        says: "a listener's client dies and another copy of it returns at the same server, over a cut",
        size: Size::Deep,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[2])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back),
            ];
            quiet(world(&[0, 1], users, Faults { cuts: 1, ..CALM }))
        },
        reaches: &["client dies", "client starts again", "cut"],
    },
    Scenario {
        name: "mailbox-dies-again",
        says: "a listener's client dies, and so does the copy that returns; a third one hears it all",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Ours, &[2])),
                Wish::Ask(login(2)),
                Wish::Die,
                Wish::Start(client(2, 3, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
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
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Legacy, &[1])),
                Wish::Ask(login(2)),
                Wish::Die,
                Wish::Start(client(2, 3, Kind::Ours, &[1])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a")]),
                user(2, Kind::Legacy, &[1], back),
            ];
            let story = vec![Event::Crash(1), Event::Restart(1)];
            Setup {
                story,
                ..world(&[0], users, CALM)
            }
        },
        reaches: &["client dies", "crash"],
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
        name: "logout-elsewhere",
        says: "a user moves to another server and logs out there while the first one hasn't missed it yet",
        size: Size::Full,
        setup: || {
            let go = Wish::Then(Ask::Move { to: address(2) });
            let users = vec![
                user(1, Kind::Ours, &[1], [go, Wish::Then(Ask::Logout)]),
                user(2, Kind::Ours, &[2], [say("a")]),
            ];
            world(&[0, 1], users, CALM)
        },
        reaches: &["LOGOUT"],
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
        name: "long-absence",
        says: "a server is away for so long that it isn't waited for; a speaker moves there",
        size: Size::Deep,
        setup: || {
            let go = Wish::Then(Ask::Move { to: address(2) });
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a"), go, say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            impatient(world(&[0, 1], users, Faults { cuts: 1, ..CALM }))
        },
        reaches: &["cut", "server uncounted"],
    },
    Scenario {
        name: "skipped",
        says: "a server is away for so long that it isn't waited for, and skips what the others have forgotten",
        size: Size::Deep,
        setup: || {
            let go = Wish::Then(Ask::Move { to: address(2) });
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go, say("b")])];
            impatient(world(&[0, 1], users, Faults { cuts: 1, ..CALM }))
        },
        reaches: &["SKIP", "server uncounted"],
    },
    Scenario {
        name: "given-up",
        says: "a server is down for good and given up, and what was said in vain to it is no longer kept",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [say("a")])];
            let story = vec![Event::Crash(2), Event::Forget { at: 1, server: 2 }];
            Setup {
                story,
                parts: &[Part::Tree, Part::Delivery],
                ..world(&[0, 1], users, CALM)
            }
        },
        reaches: &["crash", "server given up"],
    },
    Scenario {
        name: "given-up-returns",
        says: "a server that was given up with a user on it starts again, as a new one; the user goes on at the other",
        size: Size::Full,
        setup: || {
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2, 1], []),
            ];
            let story = vec![
                Event::Crash(2),
                Event::Forget { at: 1, server: 2 },
                Event::Restart(2),
            ];
            Setup {
                story,
                parts: &[Part::Tree, Part::Delivery],
                ..quiet(world(&[0, 1], users, CALM))
            }
        },
        reaches: &["crash", "server given up", "restart"],
    },
    Scenario {
        name: "legacy-returns",
        says: "a legacy listener dies and returns",
        size: Size::Full,
        setup: || {
            let back = [
                Wish::Die,
                Wish::Start(client(2, 2, Kind::Legacy, &[2])),
                Wish::Ask(login(2)),
            ];
            let users = vec![
                user(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Legacy, &[2], back),
            ];
            quiet(world(&[0, 1], users, CALM))
        },
        reaches: &["client dies", "received"],
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
            world(&[0, 1], users, Faults { cuts: 1, ..CALM })
        },
        reaches: &["cut", "heal"],
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
            quiet(world(&[0, 1, 2], users, Faults { cuts: 1, ..CALM }))
        },
        reaches: &["cut", "heal"],
    },
];

//! Who speaks and listens in the worlds of delivery, and what these worlds are made of. Who speaks is `anonymous` wherever
//! nothing depends on it: then the speaker has no session, and servers have nothing to tell each other of it.

use smol_str::format_smolstr;

use crate::client::{self, Ask, Kind, Timing};
use crate::message::client::Secret;
use crate::message::{Activity, Address, ClientId, SecretHash, Username};
use crate::node::rules::delivery::Limits;
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// A client of the user `u`*n* that knows these servers. Servers count from 1.
pub(in crate::scenario) fn client(
    n: usize,
    start: usize,
    kind: Kind,
    servers: &[usize],
) -> client::Config {
    client::Config {
        client: ClientId::from(format_smolstr!("c{n}.{start}")),
        servers: servers.iter().map(|server| address(*server)).collect(),
        kind,
        kept_max: 8,
        ungot_max: None,
        timing: Timing {
            backoffs: 0,
            ..Timing::default()
        },
    }
}

pub(in crate::scenario) fn address(server: usize) -> Address {
    Address::new(&format_smolstr!("s{server}"), 1).expect("a name and a port are an address")
}

/// A user who logs in, and then has these wishes.
pub(in crate::scenario) fn user(
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

pub(in crate::scenario) fn login(n: usize) -> Ask {
    Ask::Login {
        username: Username::from(format_smolstr!("u{n}")),
        secret: Some(Secret::Hashed(SecretHash::from("secret"))),
    }
}

pub(in crate::scenario) fn say(text: &str) -> Wish {
    let activity = Activity::parse(&format!("{{\"t\":\"{text}\"}}"));
    Wish::Then(Ask::Say(activity.expect("an object is an activity")))
}

pub(in crate::scenario) fn world(parents: &[usize], users: Vec<User>, faults: Faults) -> Setup {
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
pub(in crate::scenario) fn quiet(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.echoes = false;
    }
    setup
}

/// The same world, in which servers that don't move are not waited for.
pub(in crate::scenario) fn impatient(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.patience = Some(0);
    }
    setup
}

/// The same world, in which a mailbox expires at the first tick that it lives to see.
pub(in crate::scenario) fn ageing(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.mailbox_age = Some(1);
    }
    setup
}

/// The same world, in which it isn't known any more after a tick how far a client was.
pub(in crate::scenario) fn forgetful(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.delivery.client_age = Some(1);
    }
    setup
}

/// The same world, in which clients that are dialing in vain wait twice as long at last.
pub(in crate::scenario) fn backing_off(mut setup: Setup) -> Setup {
    for user in &mut setup.users {
        user.client.timing.backoffs = 1;
    }
    setup
}

/// The same world, in which one line at a time is on its way from server to server, with one session or sender at most.
pub(in crate::scenario) fn narrow(mut setup: Setup) -> Setup {
    setup.rules.delivery.limits = Limits {
        chunk_sessions: 1,
        chunk_senders: 1,
        window_lines: Some(1),
    };
    setup
}

pub(in crate::scenario) const CALM: Faults = Faults {
    cuts: 0,
    crashes: 0,
    restarts: 0,
    lost_disks: 0,
    departures: 0,
    renewals: 0,
};

/// A client of nobody in particular, who logs in at these servers and then has these wishes.
pub(in crate::scenario) fn anonymous(
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
pub(in crate::scenario) fn newcomer(
    n: usize,
    servers: &[usize],
    then: impl IntoIterator<Item = Wish>,
) -> User {
    let mut wishes = vec![Wish::Ask(Ask::Register {
        username: Username::from(format_smolstr!("u{n}")),
        secret: Secret::Hashed(SecretHash::from("secret")),
    })];
    wishes.extend(then);
    User {
        client: client(n, 1, Kind::Ours, servers),
        wishes,
    }
}

pub(in crate::scenario) fn go(server: usize) -> Wish {
    Wish::Then(Ask::Move {
        to: address(server),
    })
}

/// A user whose client dies, and who returns with another copy of it that knows these servers.
pub(in crate::scenario) fn back(n: usize, servers: &[usize]) -> [Wish; 3] {
    returns(n, 2, Kind::Ours, servers)
}

/// The same, for the copy with this number, of this kind.
pub(in crate::scenario) fn returns(
    n: usize,
    start: usize,
    kind: Kind,
    servers: &[usize],
) -> [Wish; 3] {
    [
        Wish::Die,
        Wish::Start(client(n, start, kind, servers)),
        Wish::Ask(login(n)),
    ]
}

/// The same world, in which this goes wrong in this order.
pub(in crate::scenario) fn told(setup: Setup, story: &[Event]) -> Setup {
    Setup {
        story: story.to_vec(),
        ..setup
    }
}

pub(in crate::scenario) const CRASH: Faults = Faults { crashes: 1, ..CALM };

pub(in crate::scenario) const CUT: Faults = Faults { cuts: 1, ..CALM };

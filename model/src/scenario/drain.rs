//! Leaving on purpose: who is on a server that is stopped goes on elsewhere, and what it has is handed over.

use super::registry::{bring, wish};
use super::users::{anonymous, narrow, newcomer, quiet, say, told, user};
use super::{Scenario, Size};
use crate::client::Kind;
use crate::node::{drain, rules};
use crate::property::Part;
use crate::world::user::{User, Wish};
use crate::world::{Event, Setup, Start, Ways};

fn world(parents: &[usize], users: Vec<User>, story: &[Event]) -> Setup {
    let mut setup = Setup {
        users,
        start: Start::LoggedIn,
        parts: &[Part::Tree, Part::Delivery, Part::Balance],
        ..Setup::tree(parents)
    };
    setup.rules.balance = rules::balance::SOUND;
    for server in &mut setup.servers {
        server.timing.drain = drain::Timing {
            clients: 1,
            patience: Some(1),
            ..drain::Timing::default()
        };
    }
    told(setup.without_probes(), story)
}

/// The same world, whose loads nothing is asked of: for a time there may be no server to go to.
fn unbalanced(setup: Setup) -> Setup {
    Setup {
        parts: &[Part::Tree, Part::Delivery],
        ..setup
    }
}

/// The same world, in which whoever is stopped waits for as long as it takes.
fn unhurried(mut setup: Setup) -> Setup {
    for server in &mut setup.servers {
        server.timing.drain.patience = None;
    }
    setup
}

/// Somebody who only listens, on the second server, and follows a REDIRECT alone.
fn listener(n: usize) -> User {
    anonymous(n, Kind::Legacy, &[2], [])
}

/// Somebody who speaks once, on the second server.
fn speaker(n: usize) -> User {
    user(n, Kind::Ours, &[2, 1], [say("a")])
}

/// Two servers, the second of which is stopped; its listener is to hear what somebody says on the first.
fn listener_told(words: impl IntoIterator<Item = Wish>) -> Setup {
    let says = anonymous(1, Kind::Legacy, &[1], words);
    let story = [Event::Drain(2)];
    let mut setup = world(&[0, 1], vec![says, listener(2)], &story);
    setup.rules.delivery = rules::delivery::UNWINDOWED;
    quiet(unbalanced(setup))
}

/// Every scenario of leaving.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "drain-patient",
        says: "a server with three listeners is stopped, which are sent on one by one; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let listeners = (1..=3).map(listener).collect();
            let mut setup = world(&[0, 1], listeners, &[Event::Drain(2)]).patient();
            setup.servers[1].timing.drain.patience = Some(5);
            setup
        },
        reaches: &["drain", "REDIRECT", "LEAVE", "LEFT", "handed over"],
    },
    Scenario {
        name: "drain-alone",
        says: "a server that has no neighbour is stopped, and dies some time",
        size: Size::Smoke,
        setup: || {
            let speaker = anonymous(1, Kind::Legacy, &[1], [say("a")]);
            let story = [Event::Drain(1), Event::Crash(1)];
            unhurried(unbalanced(world(&[0], vec![speaker], &story)))
        },
        reaches: &["drain", "left without handing over", "crash"],
    },
    Scenario {
        name: "drain-orphan",
        says: "a server is stopped that has started again and is still to find the other one that it knows",
        size: Size::Smoke,
        setup: || Setup {
            start: Start::Acquainted,
            ..unhurried(world(&[0, 1], vec![], &[Event::Drain(2)]))
        },
        reaches: &["drain", "joined", "handed over", "in vain: KNOWN"],
    },
    Scenario {
        name: "drain-one-at-a-time",
        says: "a server is stopped where somebody has said two things, of which its neighbour is told one at a time",
        size: Size::Smoke,
        setup: || {
            let says = anonymous(1, Kind::Legacy, &[2], [say("a"), say("b"), Wish::Die]);
            let mut world = world(&[0, 1], vec![says], &[Event::Drain(2)]);
            world.rules.balance = rules::balance::SILENT;
            unhurried(unbalanced(quiet(narrow(world))))
        },
        reaches: &["DELIVERY_CREDIT", "handed over"],
    },
    Scenario {
        name: "drain-root",
        says: "the root of three servers is stopped",
        size: Size::Smoke,
        setup: || world(&[0, 1, 1], vec![], &[Event::Drain(1)]),
        reaches: &[
            "drain",
            "LEAVE",
            "parent left",
            "handed over",
            "in vain: SERVER_ANNOUNCE",
        ],
    },
    Scenario {
        name: "drain-neighbours",
        says: "the two first of a line of three servers are stopped",
        size: Size::Smoke,
        setup: || {
            let story = [Event::Drain(1), Event::Drain(2)];
            world(&[0, 1, 2], vec![], &story)
        },
        reaches: &[
            "drain",
            "handed over",
            "left without handing over",
            "in vain: SERVER_ANNOUNCE",
        ],
    },
    Scenario {
        name: "drain-speaking",
        says: "a server is stopped while a user who is on it speaks",
        size: Size::Full,
        setup: || world(&[0, 1], vec![speaker(1)], &[Event::Drain(2)]),
        reaches: &["REDIRECT", "handed over", "ACTIVITY_ACK"],
    },
    Scenario {
        name: "drain-full-window",
        says: "a server is stopped while its neighbour has still to be told what was said, a line at a time",
        size: Size::Full,
        setup: || {
            let users = vec![anonymous(1, Kind::Legacy, &[2], [say("a"), say("b")])];
            quiet(narrow(world(&[0, 1], users, &[Event::Drain(2)])))
        },
        reaches: &["DELIVERY_CREDIT", "handed over"],
    },
    Scenario {
        name: "drain-registering",
        says: "a server is stopped while somebody registers there",
        size: Size::Smoke,
        setup: || Setup {
            start: Start::Settled,
            parts: &[Part::Tree, Part::Registry, Part::Delivery, Part::Balance],
            ..world(&[0, 1], vec![newcomer(1, &[2, 1], [])], &[Event::Drain(2)])
        },
        reaches: &["REGISTER_SUCCESS", "REDIRECT", "handed over"],
    },
    Scenario {
        name: "drain-names-patient",
        says: "a server is stopped that gives two names away, and tells its neighbour one by one; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                guests: vec![wish("aaron", "s1", 2, 9), wish("bella", "s2", 2, 9)],
                parts: &[Part::Tree, Part::Registry],
                ..world(&[0, 1], vec![], &[Event::Drain(2)]).patient()
            };
            setup.rules.registry.limits.chunk_records = 1;
            setup.rules.registry.limits.window_chunks = 1;
            setup
        },
        reaches: &[
            "REGISTER_SUCCESS",
            "REDIRECT",
            "DIRECTORY_CREDIT",
            "handed over",
        ],
    },
    Scenario {
        name: "drain-told",
        says: "a server is stopped to whose listener a word is on its way",
        size: Size::Smoke,
        setup: || listener_told([say("a")]),
        reaches: &["REDIRECT", "received", "handed over"],
    },
    Scenario {
        name: "drain-told-more",
        says: "a server is stopped to whose listener two words are on their way",
        size: Size::Full,
        setup: || listener_told([say("a"), say("b")]),
        reaches: &["REDIRECT", "received", "handed over"],
    },
    Scenario {
        name: "drain-asked",
        says: "the middle one of three servers is stopped while a name is being asked for through it",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                guests: vec![wish("aaron", "s1", 1, 9)],
                parts: &[Part::Tree, Part::Registry],
                ..world(&[0, 1, 2], vec![], &[Event::Drain(2)])
            };
            setup.rules.balance = rules::balance::SILENT;
            setup
        },
        reaches: &["REGISTER_SUCCESS", "handed over"],
    },
    Scenario {
        name: "drain-names",
        says: "a server that has started again with two names more is stopped, and tells its neighbour one by one",
        size: Size::Smoke,
        setup: || {
            let story = [Event::Crash(2), Event::Restart(2), Event::Drain(2)];
            let mut setup = Setup {
                brought: vec![bring("aaron", "s1", 5), bring("bella", "s2", 5)],
                parts: &[Part::Tree, Part::Registry],
                ..unhurried(world(&[0, 1], vec![], &story))
            };
            setup.rules.registry.limits.chunk_records = 1;
            setup.rules.registry.limits.window_chunks = 1;
            setup
        },
        reaches: &["name brought along", "DIRECTORY_CREDIT", "handed over"],
    },
    Scenario {
        name: "drain-sessions",
        says: "a server is stopped whose user speaks and dies, of which its neighbour is told one at a time",
        size: Size::Smoke,
        setup: || {
            let says = user(1, Kind::Legacy, &[2], [say("a"), Wish::Die]);
            let mut world = world(&[0, 1], vec![says], &[Event::Drain(2)]);
            world.rules.balance = rules::balance::SILENT;
            unhurried(unbalanced(quiet(narrow(world))))
        },
        reaches: &["DELIVERY_CREDIT", "handed over"],
    },
    Scenario {
        name: "drain-cut",
        says: "a server is stopped, and its link is cut and heals",
        size: Size::Smoke,
        setup: || {
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let story = [Event::Drain(2), cut, Event::Heal];
            world(&[0, 1], vec![], &story)
        },
        reaches: &["cut", "handed over", "left without handing over"],
    },
    Scenario {
        name: "drain-crash-patient",
        says: "a server is stopped, and its neighbour crashes and returns; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = [Event::Drain(2), Event::Crash(1), Event::Restart(1)];
            let users = vec![anonymous(1, Kind::Ours, &[2, 1], [say("a")])];
            unbalanced(world(&[0, 1], users, &story)).patient()
        },
        reaches: &[
            "handed over",
            "left without handing over",
            "crash",
            "in vain: FLOORS",
        ],
    },
    Scenario {
        name: "drain-returns-patient",
        says: "a server is stopped, dies at any time of that, and starts again; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let story = [Event::Drain(2), Event::Crash(2), Event::Restart(2)];
            let users = vec![anonymous(1, Kind::Ours, &[2, 1], [say("a")])];
            unbalanced(world(&[0, 1], users, &story)).patient()
        },
        reaches: &["handed over", "crash", "restart", "in vain: FLOORS"],
    },
];

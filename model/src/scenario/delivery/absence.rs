//! Servers are away for so long that nobody waits for them, or are given up.

use super::super::users::{
    CALM, CUT, anonymous, back, forgetful, go, impatient, narrow, quiet, say, told, user, world,
};
use super::super::{Scenario, Size};
use crate::client::Kind;
use crate::property::Part;
use crate::world::user::User;
use crate::world::{Event, Setup, Ways};

/// Every scenario of this room.
pub const SCENARIOS: &[Scenario] = &[
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
        reaches: &["cut", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "uncounted-speaker-patient",
        says: "a speaker goes to a server that was away for so long that it wasn't waited for; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let users = vec![anonymous(1, Kind::Ours, &[1], [say("a"), go(2), say("b")])];
            away(users).patient()
        },
        reaches: &["cut", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "skipped-unheard",
        says: "a server that was away for so long that it wasn't waited for skips what the other has forgotten",
        size: Size::Full,
        setup: || away(vec![anonymous(1, Kind::Ours, &[1], [say("a")])]),
        reaches: &["SKIP", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "skipped-in-parts-patient",
        says: "a server that was away is told to skip what two have said, a part at a time, while ways break again; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Ours, &[1], [say("a")]),
                anonymous(2, Kind::Ours, &[1], [say("b")]),
            ];
            let cut = Event::Cut(Ways::between(&[1], &[2]));
            let story = [cut.clone(), Event::Heal, cut, Event::Heal];
            narrow(impatient(told(world(&[0, 1], users, CALM), &story))).patient()
        },
        reaches: &["SKIP", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "skipped-once-patient",
        says: "a speaker goes to a server that has to skip what the speaker has said and heard; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || away(vec![user(1, Kind::Ours, &[1], [say("a"), go(2)])]).patient(),
        reaches: &["SKIP", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "skipped-and-said-again-patient",
        says: "a server that doesn't wait for the other one forgets what its user has said, and is down while the user says it again there; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[2, 1], [say("a")])];
            let story = [
                Event::Cut(Ways::between(&[1], &[2])),
                Event::Crash(2),
                Event::Restart(2),
                Event::Heal,
            ];
            impatient(told(world(&[0, 1], users, CALM), &story)).patient()
        },
        reaches: &["cut", "crash", "restart", "heal", "SKIP", "in vain: FLOORS"],
    },
    Scenario {
        name: "skipped-patient",
        says: "a server is away for so long that it isn't waited for, and skips what the others have forgotten; timers wait until nothing else can happen",
        size: Size::Full,
        setup: || {
            let users = vec![user(1, Kind::Ours, &[1], [say("a"), go(2), say("b")])];
            impatient(world(&[0, 1], users, CUT)).patient()
        },
        reaches: &["SKIP", "server uncounted", "in vain: FLOORS"],
    },
    Scenario {
        name: "long-absence-patient",
        says: "a server is away for so long that it isn't waited for; a speaker moves there; timers wait until nothing else can happen",
        size: Size::Deep,
        setup: || {
            let users = vec![
                user(1, Kind::Ours, &[1], [say("a"), go(2), say("b")]),
                user(2, Kind::Ours, &[2], []),
            ];
            impatient(world(&[0, 1], users, CUT)).patient()
        },
        reaches: &["cut", "server uncounted"],
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
        reaches: &["crash", "server given up", "in vain: FLOORS"],
    },
    Scenario {
        name: "given-up-with-its-user-patient",
        says: "a server is down for good and given up; another copy of its user's client comes to the other; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[1], [say("a")]),
                user(2, Kind::Ours, &[2], back(2, &[1])),
            ];
            let story = vec![Event::Crash(2), Event::Forget { at: 1, server: 2 }];
            Setup {
                story,
                parts: &[Part::Tree, Part::Delivery],
                ..quiet(world(&[0, 1], users, CALM))
            }
            .patient()
        },
        reaches: &[
            "crash",
            "server given up",
            "client starts again",
            "in vain: FLOORS",
            "in vain: SESSIONS",
        ],
    },
    Scenario {
        name: "given-up-far-away-patient",
        says: "the far end of a line, where one user speaks and another listens, is down for good and given up by both others at once; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || {
            let users = vec![
                anonymous(1, Kind::Legacy, &[3], [say("a")]),
                user(2, Kind::Legacy, &[3], []),
            ];
            let given_up = |at| Event::Forget { at, server: 3 };
            let story = vec![Event::Crash(3), given_up(1), given_up(2)];
            Setup {
                story,
                parts: &[Part::Tree, Part::Delivery],
                ..quiet(world(&[0, 1, 2], users, CALM))
            }
            .patient()
        },
        reaches: &[
            "crash",
            "server given up",
            "in vain: FLOORS",
            "in vain: RETIRED",
        ],
    },
    Scenario {
        name: "uncounted-at-the-second-tick",
        says: "a server is down for good, and isn't waited for after the second tick in which it hasn't moved",
        size: Size::Smoke,
        setup: || {
            let users = vec![anonymous(1, Kind::Legacy, &[1], [say("a")])];
            let mut setup = quiet(told(world(&[0, 1], users, CALM), &[Event::Crash(2)]));
            setup.servers[0].delivery.patience = Some(1);
            setup
        },
        reaches: &["Patience", "server uncounted"],
    },
    Scenario {
        name: "skipped-and-ageing-patient",
        says: "a server that was away skips what a client has said, and is to forget some time how far that is; timers wait until nothing else can happen",
        size: Size::Smoke,
        setup: || forgetful(away(vec![anonymous(1, Kind::Ours, &[1], [say("a")])])).patient(),
        reaches: &["SKIP", "Age", "in vain: FLOORS"],
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
        reaches: &["crash", "server given up", "restart", "in vain: FLOORS"],
    },
];

/// Two servers that lose each other at some time, don't wait for each other, and meet again.
fn away(users: Vec<User>) -> Setup {
    let cut = Event::Cut(Ways::between(&[1], &[2]));
    impatient(told(world(&[0, 1], users, CALM), &[cut, Event::Heal]))
}

//! Clients' connections: what is said by those who may not.

use std::sync::Arc;

use super::{Scenario, Size};
use crate::message::client::{Info, Resume, Secret, Vector};
use crate::message::server::{Changes, Join, Message, Sessions};
use crate::message::{
    Activity, ClientId, Incarnation, Line, Peer, Reply, Request, SecretHash, ServerId, ServerName,
    Stamp, Stream, Username,
};
use crate::node::rules;
use crate::property::Part;
use crate::world::guest::Want;
use crate::world::{Event, Setup, Ways};

/// The start of a server that hecklers pretend to be.
const FIRST: Incarnation = Incarnation {
    number: 1,
    nonce: 0,
};

/// Every scenario of connections.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "hecklers",
        says: "clients say what they may not, one after another, and one more REGISTER than there is room for",
        size: Size::Smoke,
        setup: || {
            let mut setup = Setup {
                guests: hecklers().chain(shown_out()).collect(),
                parts: &[Part::Registry],
                ..Setup::tree(&[0, 1]).without_probes()
            };
            setup.rules.registry.limits.own_rounds = 1;
            setup
        },
        reaches: &[
            "why: too many registering",
            "why: too many waiting",
            "join refused: my name",
            "nonsense",
        ],
    },
    Scenario {
        name: "said-too-early-patient",
        says: "clients speak before they know whether they have the names that they ask for; there is room for what one says, and not for what the other does",
        size: Size::Smoke,
        setup: || {
            let chatter = [
                register("bella"),
                says("bella", "s2", None),
                says("bella", "s2", None),
            ];
            let mut setup = Setup {
                guests: vec![early_speaker(), heckler(chatter.to_vec(), false)],
                parts: &[Part::Registry],
                ..Setup::tree(&[0, 1]).mending_only().patient()
            };
            setup.rules.connection.limits.waiting_bytes = "{}".len();
            setup
        },
        reaches: &[
            "REGISTER_SUCCESS",
            "why: too many waiting",
            "why: incorrect secret",
        ],
    },
    Scenario {
        name: "said-too-early-cut",
        says: "a client speaks before it knows whether it has the name that it asks for, and the server that is asked is cut off and comes back",
        size: Size::Smoke,
        setup: || Setup {
            guests: vec![early_speaker()],
            parts: &[Part::Tree, Part::Registry],
            story: vec![Event::Cut(Ways::between(&[1], &[2])), Event::Heal],
            ..Setup::tree(&[0, 1]).without_probes()
        },
        reaches: &[
            "REGISTER_SUCCESS",
            "cut",
            "heal",
            "ACTIVITY_BROADCAST of a server",
            "in vain: FLOORS",
        ],
    },
];

/// Somebody who speaks before it knows whether it has the name that it asks for.
fn early_speaker() -> Want {
    Want {
        behind: vec![says("aaron", "s1", None)],
        heckles: Vec::new(),
        username: Username::from("aaron"),
        secret: SecretHash::from("s1"),
        ..heckler(Vec::new(), false)
    }
}

/// Hecklers that are told why they may not say that.
fn hecklers() -> impl Iterator<Item = Want> {
    let malformed = Line::Malformed(Info::NotJson);
    let known = Line::from(Peer::Known { servers: vec![] });
    let foreign = join("elsewhere", "another system");
    let reply = Line::from(Reply::Ack { k: 1, stable: 1 });
    let room = rules::SOUND.connection.limits.waiting;
    let crowd = (0..=room).map(|_| got());
    let hecklers = [
        vec![malformed, got()],
        vec![known],
        vec![reply],
        vec![foreign],
        vec![foreign_forget()],
        vec![register("anonymous")],
        vec![got()],
        vec![login("nobody", "s1")],
        vec![says("", "", None)],
        vec![anonymous(None), register("mallory")],
        vec![anonymous(None), says("mallory", "s1", None)],
        vec![anonymous(Some("one")), says("anonymous", "", Some(2))],
        [register("mallory")].into_iter().chain(crowd).collect(),
        vec![register("walter"), got()],
        vec![register("trudy"), got()],
        vec![login("mallory", "s2")],
        vec![login("mallory", "s1"), anonymous(None)],
        vec![login("mallory", "s1"), says("trudy", "s1", None)],
        vec![login("mallory", "s1"), says("mallory", "s2", None)],
    ];
    hecklers.into_iter().map(|heckles| heckler(heckles, false))
}

/// Hecklers that are shown out without a word: one that complains itself, one that bears the name of the server that it
/// wants to join, and children that say what only clients say, what nobody can say who hasn't said more before, or leave out changes of the directory.
fn shown_out() -> impl Iterator<Item = Want> {
    let info = Info::NotJson;
    let hecklers = [
        vec![Line::from(Request::Invalid { info })],
        vec![join("s2", "system")],
        vec![join("elsewhere", "system"), Line::from(Request::Logout)],
        vec![join("elsewhere", "system"), second_message()],
        vec![join("elsewhere", "system"), second_change()],
        vec![join("elsewhere", "system"), hole()],
    ];
    hecklers.into_iter().map(|heckles| heckler(heckles, true))
}

fn heckler(heckles: Vec<Line>, untold: bool) -> Want {
    Want {
        username: Username::anonymous(),
        secret: SecretHash::from(""),
        at: 1,
        now: Stamp(9),
        returns: None,
        behind: Vec::new(),
        heckles,
        untold,
    }
}

fn hashed(secret: &str) -> Secret {
    Secret::Hashed(SecretHash::from(secret))
}

fn register(username: &str) -> Line {
    Line::from(Request::Register {
        username: Username::from(username),
        secret: hashed("s1"),
        at: Stamp(9),
    })
}

fn login(username: &str, secret: &str) -> Line {
    Line::from(Request::Login {
        username: Username::from(username),
        secret: Some(hashed(secret)),
        resume: None,
    })
}

fn anonymous(client: Option<&str>) -> Line {
    Line::from(Request::Login {
        username: Username::anonymous(),
        secret: None,
        resume: client.map(|client| Resume {
            client: ClientId::from(client),
            cursor: None,
            said: 0,
        }),
    })
}

fn says(username: &str, secret: &str, k: Option<u64>) -> Line {
    Line::from(Request::Activity {
        username: Username::from(username),
        secret: Some(hashed(secret)),
        activity: Activity::parse("{}").expect("an empty object is an activity"),
        k,
    })
}

fn got() -> Line {
    let cursor = Vector::new();
    Line::from(Request::Got { cursor })
}

/// The second change of a stream of which nobody knows the first.
fn hole() -> Line {
    let incarnation = Incarnation {
        number: 1,
        nonce: 0,
    };
    Line::from(Peer::Directory(Box::new(Changes {
        stream: Stream {
            server: ServerName::from("elsewhere"),
            incarnation,
        },
        after: 1,
        upto: 2,
        records: vec![],
        lost: vec![],
    })))
}

/// An operator of another system gives a server up.
fn foreign_forget() -> Line {
    Line::from(Peer::Forget {
        secret: hashed("another system"),
        server: ServerName::from("s1"),
    })
}

/// The second message of a server whose first nobody has.
fn second_message() -> Line {
    Line::from(Peer::ActivityBroadcast(Arc::new(Message {
        stream: elsewhere(),
        number: 2,
        sender: None,
        activity: Activity::parse("{}").expect("an empty object is an activity"),
    })))
}

/// Its second change of sessions, and not the first one.
fn second_change() -> Line {
    Line::from(Peer::Sessions(Box::new(Sessions {
        stream: elsewhere(),
        after: 1,
        upto: 2,
        sessions: vec![],
    })))
}

fn elsewhere() -> Stream {
    Stream {
        server: ServerName::from("elsewhere"),
        incarnation: FIRST,
    }
}

/// A server of this name, younger than all others, wants to join the system that has this secret.
fn join(name: &str, secret: &str) -> Line {
    let id = ServerId {
        born: Stamp(99),
        name: ServerName::from(name),
    };
    Line::from(Peer::Authenticate(Box::new(Join {
        secret: hashed(secret),
        root: id.clone(),
        id,
        incarnation: FIRST,
        known: vec![],
    })))
}

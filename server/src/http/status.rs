//! `/api/status`: how a server is, as JSON. `docs/operating.md` describes it; fields are added to it, none is taken away or
//! changes its meaning while the version begins with the same number.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regrow_model::message::client::Vector;
use regrow_model::message::server::Server;
use regrow_model::message::{Incarnation, ServerId, ServerName, Stream};
use regrow_model::node::delivery::vector;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::seen::{LISTED, Seen};
use super::tally::Tally;
use super::{Pages, ready};
use crate::runtime::DiskHealth;

/// Per stream or server, by its name, a number.
pub type Numbers = BTreeMap<String, u64>;

/// How a server is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// What the server is known by.
    pub name: String,
    /// Where others reach it.
    pub address: String,
    /// When it first started, in ms since 1970: its rank.
    pub born: u64,
    /// Which start of it this is.
    pub incarnation: Start,
    /// When this start was, in ms since 1970.
    pub started: u64,
    /// How long ago that is.
    pub uptime_seconds: u64,
    /// Whether clients should be sent to it.
    pub ready: bool,
    /// Why not.
    pub not_ready_because: Vec<String>,
    /// Whether it is about to stop.
    pub draining: bool,
    /// Its place in the tree.
    pub tree: Tree,
    /// How many clients are logged in where.
    pub loads: Loads,
    /// Its connections.
    pub links: Links,
    /// What has been said, by the server where it was said.
    pub streams: Streams,
    /// Per server, up to where it and everyone who is live there have everything.
    pub floors: BTreeMap<String, Numbers>,
    /// Per server, how many of the messages that are here it lacks still, by its floor.
    pub behind: Numbers,
    /// Servers that are no longer waited for.
    pub uncounted: Vec<String>,
    /// How long the lists would be if they were whole: each has at most 1,000 entries here.
    pub totals: Totals,
    /// The directory.
    pub users: Users,
    /// The sessions of all users of the system.
    pub sessions: Sessions,
    /// What waits and is kept.
    pub buffers: Buffers,
    /// Where its state is kept.
    pub disk: Disk,
    /// Every setting, its limits among them, by the name that the configuration has for it; secrets are left out.
    pub settings: Map<String, Value>,
}

/// One start of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// The larger is the later one.
    pub number: u64,
    /// Chosen at random, in hexadecimal.
    pub nonce: String,
}

/// A server's place in the tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tree {
    /// The root of the tree that it is in.
    pub root: String,
    /// Its parent; none for a root.
    pub parent: Option<String>,
    /// Its parent, that one's parent, … up to the root.
    pub path: Vec<String>,
    /// Its children.
    pub children: Vec<String>,
    /// Whom it is asking to be its parent.
    pub attempt: Option<String>,
    /// Every server that it has ever heard of, itself included, but for those that were given up.
    pub known: BTreeMap<String, Known>,
    /// The servers that were given up with `regrow forget`.
    pub given_up: Vec<String>,
}

/// A server that is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    /// Where it is reached.
    pub address: String,
    /// When it first started, in ms since 1970.
    pub born: u64,
}

/// How many clients are logged in where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Loads {
    /// Here.
    pub own: u64,
    /// At the others, as they said last; `null` where that isn't known any more.
    pub others: BTreeMap<String, Option<u64>>,
}

/// A server's connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Links {
    /// All of them.
    pub all: u64,
    /// To clients that are logged in.
    pub clients: u64,
    /// To other servers.
    pub servers: Vec<ServerLink>,
}

/// A connection to another server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerLink {
    /// `parent`, `child`, or `attempt` for one that is to become the parent.
    pub kind: String,
    /// Who is there, once that is known.
    pub server: Option<String>,
    /// Lines that wait to be sent.
    pub waiting_lines: u64,
    /// Bytes that wait to be sent.
    pub waiting_bytes: u64,
}

/// What has been said, by stream: `server/incarnation/nonce`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Streams {
    /// The stream of this server's own clients.
    pub own: String,
    /// Up to which number everything is here.
    pub have: Numbers,
    /// Up to which number something has been forgotten.
    pub base: Numbers,
}

/// How much there is of what is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// Of `tree.path`.
    pub path: u64,
    /// Of `tree.children`. There is a link to each, and to the parent.
    pub children: u64,
    /// Of `tree.known`.
    pub known: u64,
    /// Of `tree.given_up`.
    pub given_up: u64,
    /// Of `loads.others`.
    pub loads: u64,
    /// Of `streams.have`.
    pub have: u64,
    /// Of `streams.base`.
    pub base: u64,
    /// Of `floors` and `behind`.
    pub floors: u64,
    /// Of `uncounted`.
    pub uncounted: u64,
}

/// The directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Users {
    /// Names that are given away.
    pub registered: u64,
    /// Names that are being given away: rounds that this server takes part in.
    pub registering: u64,
}

/// The sessions of all users of the system, one for each user that has ever logged in, by how far they are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// Connected, and hearing what they missed.
    pub catching_up: u64,
    /// Connected, here or elsewhere.
    pub live: u64,
    /// Away, with a mailbox.
    pub left: u64,
    /// Away for so long that nothing is kept for them.
    pub expired: u64,
    /// Logged out.
    pub out: u64,
}

/// What waits and is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Buffers {
    /// Messages that are kept, because somebody may still need them.
    pub log_entries: u64,
    /// Their length.
    pub log_bytes: u64,
    /// Users who are away or catching up, for whom messages are kept.
    pub mailboxes: u64,
    /// What has come in and waits for the actor.
    pub events_waiting: u64,
    /// Saves that are not on disk yet.
    pub saves_waiting: u64,
}

/// Where a server's state is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disk {
    /// Whether the last save succeeded.
    pub healthy: bool,
    /// Since when saving fails, in ms since 1970.
    pub failing_since: Option<u64>,
    /// What is wrong, and what to do about it.
    pub error: Option<String>,
}

impl Status {
    pub(super) fn of(pages: &Pages, seen: &Seen, tally: Tally) -> Self {
        let not_ready_because = ready::reasons(pages, Ok(seen));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: pages.about.name.clone(),
            address: pages.about.address.to_string(),
            born: seen.tree.id.born.0,
            incarnation: start(seen.tree.incarnation),
            started: ms(pages.started_at),
            uptime_seconds: pages.started.elapsed().as_secs(),
            ready: not_ready_because.is_empty(),
            not_ready_because,
            draining: *pages.draining.borrow(),
            tree: tree(seen),
            loads: loads(seen),
            links: links(seen),
            streams: streams(seen),
            floors: floors(seen),
            behind: behind(seen),
            uncounted: seen.uncounted.iter().map(ToString::to_string).collect(),
            totals: totals(seen),
            users: Users {
                registered: seen.users as u64,
                registering: seen.rounds_of_names as u64,
            },
            sessions: sessions(tally),
            buffers: Buffers {
                log_entries: seen.entries.len() as u64,
                log_bytes: tally.log_bytes,
                mailboxes: tally.left + tally.catching_up,
                events_waiting: seen.events as u64,
                saves_waiting: seen.unsaved,
            },
            disk: disk(&pages.disk.borrow()),
            settings: pages.about.settings.borrow().clone(),
        }
    }
}

fn start(incarnation: Incarnation) -> Start {
    Start {
        number: incarnation.number,
        nonce: format!("{:x}", incarnation.nonce),
    }
}

fn names(ids: &[ServerId]) -> Vec<String> {
    ids.iter().map(|id| id.name.to_string()).collect()
}

fn tree(seen: &Seen) -> Tree {
    let known = known(seen);
    let given_up = seen.tree.retired.keys().take(LISTED);
    Tree {
        root: seen.path.last().unwrap_or(&seen.tree.id).name.to_string(),
        parent: seen.path.first().map(|id| id.name.to_string()),
        path: names(&seen.path),
        children: names(&seen.children),
        attempt: seen.attempt.clone(),
        known: known
            .take(LISTED)
            .map(|(name, server)| {
                let known = Known {
                    address: server.address.to_string(),
                    born: server.born.0,
                };
                (name.to_string(), known)
            })
            .collect(),
        given_up: given_up.map(ToString::to_string).collect(),
    }
}

fn known(seen: &Seen) -> impl Iterator<Item = (&ServerName, &Server)> {
    let known = seen.tree.known.iter();
    known.filter(|(name, _)| !seen.tree.retired.contains_key(*name))
}

fn totals(seen: &Seen) -> Totals {
    Totals {
        path: seen.totals.path as u64,
        children: seen.totals.children as u64,
        known: known(seen).count() as u64,
        given_up: seen.tree.retired.len() as u64,
        loads: seen.totals.loads as u64,
        have: seen.have.len() as u64,
        base: seen.base.len() as u64,
        floors: seen.floors.len() as u64,
        uncounted: seen.totals.uncounted as u64,
    }
}

fn loads(seen: &Seen) -> Loads {
    let others = seen.loads.iter();
    Loads {
        own: seen.own_load,
        others: others
            .map(|load| (load.server.server.to_string(), load.clients))
            .collect(),
    }
}

fn links(seen: &Seen) -> Links {
    let servers = seen.edges.iter().map(|edge| ServerLink {
        kind: edge.kind.to_owned(),
        server: edge.server.as_ref().map(ToString::to_string),
        waiting_lines: edge.waiting.lines as u64,
        waiting_bytes: edge.waiting.bytes as u64,
    });
    Links {
        all: seen.links as u64,
        clients: seen.receivers as u64,
        servers: servers.collect(),
    }
}

fn streams(seen: &Seen) -> Streams {
    let own = Stream {
        server: seen.tree.id.name.clone(),
        incarnation: seen.tree.incarnation,
    };
    Streams {
        own: own.to_string(),
        have: numbers(&seen.have),
        base: numbers(&seen.base),
    }
}

fn numbers(vector: &Vector) -> Numbers {
    let first = vector.iter().take(LISTED);
    first
        .map(|(stream, number)| (stream.to_string(), *number))
        .collect()
}

fn floors(seen: &Seen) -> BTreeMap<String, Numbers> {
    let floors = seen.floors.iter().take(LISTED);
    floors
        .map(|(server, floor)| (server.to_string(), numbers(floor)))
        .collect()
}

fn behind(seen: &Seen) -> Numbers {
    let floors = seen.floors.iter().take(LISTED);
    floors
        .map(|(server, floor)| (server.to_string(), vector::between(floor, &seen.have)))
        .collect()
}

fn sessions(tally: Tally) -> Sessions {
    Sessions {
        catching_up: tally.catching_up,
        live: tally.live,
        left: tally.left,
        expired: tally.expired,
        out: tally.out,
    }
}

fn disk(health: &DiskHealth) -> Disk {
    match health {
        DiskHealth::Healthy => Disk {
            healthy: true,
            failing_since: None,
            error: None,
        },
        DiskHealth::Failing { since, error } => Disk {
            healthy: false,
            failing_since: Some(ms(*since)),
            error: Some(error.clone()),
        },
    }
}

fn ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_bound() {
        let stream = |number| Stream {
            server: ServerName::from("s1:1"),
            incarnation: Incarnation { number, nonce: 0 },
        };
        let vector: Vector = (0..2 * LISTED as u64).map(|n| (stream(n), n)).collect();
        assert_eq!(numbers(&vector).len(), LISTED);
    }
}

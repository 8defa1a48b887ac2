//! `/api/status`: how a server is, as JSON. `docs/operating.md` describes it; fields are added to it, none is taken away or
//! changes its meaning while the version begins with the same number.

mod made;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    #[serde(default)]
    pub behind: Numbers,
    /// Servers that are no longer waited for.
    pub uncounted: Vec<String>,
    /// How long the lists would be if they were whole: each has at most 1,000 entries here.
    #[serde(default)]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

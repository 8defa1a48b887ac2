//! Delivery: what one client says reaches everyone, in order, once (`docs/protocol.md`, Delivery).
//!
//! ```text
//!   ACTIVITY_MESSAGE            ┌───────────┐   ACTIVITY_BROADCAST, SKIP
//!  ─────────────────▶ [speaker] ─▶  [log]    ◀──────── [exchange] ◀──────▶ neighbours
//!                               └─────┬─────┘           │  ▲ ▲
//!   ACTIVITY_BROADCAST, GAP           ▼    SESSIONS     │  │ │ FLOORS
//!  ◀───────────────── [receiver] ── [login] ── [session]◀──┘ │
//!     ACTIVITY_GOT         └──── cursors ──▶ [floor] ◀───────┘ ──▶ [forget]
//! ```
//!
//! - [`log`]: what was said, in the order of arrival.
//! - [`session`]: where every user is, replicated; a mailbox is a session that is left or catching up.
//! - [`receiver`]: a client that is connected here, and how far it has heard.
//! - [`login`]: LOGIN and LOGOUT; [`home`]: the sessions whose users are here.
//! - [`speaker`]: what a client says, and what it is told of that.
//! - [`exchange`]: what passes over an edge; [`skip`]: what of the log can't any more.
//! - [`floor`]: up to where a server has everything for good; [`forget`]: what nobody needs any more; [`age`]: what has
//!   waited for too long. [`lows`]: how both know without walking everyone. [`coherence`]: what must agree with what.

pub mod age;
pub(super) mod coherence;
pub mod exchange;
pub mod floor;
pub mod forget;
pub mod home;
pub mod log;
pub mod login;
pub mod lows;
pub mod receiver;
pub mod session;
pub mod skip;
pub mod speaker;
pub mod vector;

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Report as NodeReport, Step};
use crate::message::client::{Info, Vector};
use crate::message::server::{Hello, Sender, Sessions, Skip};
use crate::message::{Activity, Registration, ServerName, Stream};
use crate::port::Link;
use age::Ages;
use exchange::Edge;
use log::Log;
use lows::Lows;
use receiver::Receiver;
use session::{Book, Index};

/// The part of delivery that a crash wipes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The clients that are logged in here.
    pub receivers: BTreeMap<Link, Receiver>,
    /// Those that have a session, by whose it is.
    #[serde(with = "crate::pairs")]
    pub present: BTreeMap<Registration, BTreeSet<Link>>,
    /// Up to where those who are live here have heard: they hold this server's floor down.
    pub live: Lows<Link>,
    /// Up to where those here have heard who have fallen behind: they hold the log.
    pub reading: Lows<Link>,
    /// Up to where the mailboxes have heard: they hold the log.
    pub pins: Lows<Registration>,
    /// How long the activities in the log are in all.
    pub log_bytes: usize,
    /// What was said last here and not everyone has yet: where it is, and whose it is.
    pub unsettled: BTreeSet<(Stream, u64, Link)>,
    /// What passes over each edge of the tree.
    pub edges: BTreeMap<Link, Edge>,
    /// Finds sessions by their changes.
    pub index: Index,
    /// Whether [`Timer::Floor`](super::Timer::Floor) is set.
    pub floor_is_due: bool,
    /// Whether [`Timer::Patience`](super::Timer::Patience) is set.
    pub loses_patience: bool,
    /// Servers that have been missed for so long that nothing is kept for them.
    pub uncounted: BTreeSet<ServerName>,
    /// Servers that something is kept for, and for how many ticks they have not moved since.
    pub missed: BTreeMap<ServerName, u32>,
    /// Whether [`Timer::Age`](super::Timer::Age) is set.
    pub ages: bool,
    /// How long each mailbox has waited.
    pub mailboxes: Ages<Registration>,
    /// For how long each client that numbers what it says has said nothing.
    pub clients: Ages<Sender>,
}

/// The log, the sessions, the floors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// What was said.
    pub log: Log,
    /// Where everyone is.
    pub book: Book,
    /// Per server, up to where it has got everything for good, and so has everyone who is live there.
    pub floors: OrdMap<ServerName, Vector>,
}

/// What can be chosen about delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settings {
    /// Whether a speaker's own connection is told what it said.
    pub echoes: bool,
    /// The most messages that the log keeps.
    pub log_max: usize,
    /// How long the activities in it may be in all, in bytes.
    pub log_max_bytes: usize,
    /// The most messages on their way to one client that has fallen behind.
    pub window: usize,
    /// The most messages on their way to a client: past it, it is cut off.
    pub unheard_max: usize,
    /// For how many ticks of [`Timer::Patience`](super::Timer::Patience) a server that doesn't move is waited for; `None`:
    /// for ever.
    pub patience: Option<u32>,
    /// After how many ticks of [`Timer::Age`](super::Timer::Age) nothing is kept any more for a user who is away; `None`: never.
    pub mailbox_age: Option<u32>,
    /// After how many of the same ticks it isn't known any more up to where a client has numbered what it said; `None`: never.
    pub client_age: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            echoes: true,
            log_max: 1_000_000,
            log_max_bytes: 1 << 30,
            window: 1_024,
            unheard_max: 65_536,
            patience: Some(60),
            mailbox_age: Some(30 * TICKS_A_DAY),
            client_age: Some(30 * TICKS_A_DAY),
        }
    }
}

/// What delivery tells the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Report {
    /// Somebody will never hear so many messages.
    Gap {
        /// How many.
        missed: u64,
        /// Why.
        info: Info,
    },
    /// A client read so slowly that it was cut off.
    TooSlow,
    /// A server is no longer waited for.
    Uncounted {
        /// Which.
        server: ServerName,
    },
    /// Nothing is kept any more for users who have been away for too long.
    MailboxesExpired {
        /// How many.
        mailboxes: usize,
    },
    /// It isn't known any more how far clients were that have said nothing for too long.
    ClientsExpired {
        /// How many.
        clients: usize,
    },
}

pub use age::TICKS_A_DAY;
pub use coherence::Incoherence;
pub use home::{on_united, start};
pub use login::{on_client_down, on_login, on_logout, on_registered, sent_on};

/// ACTIVITY_MESSAGE of a client that is logged in.
pub(super) fn on_activity(
    s: &mut super::State,
    link: Link,
    activity: Activity,
    k: Option<u64>,
    step: &mut Step<'_>,
) {
    speaker::on_activity(s, link, activity, k, step);
}

/// ACTIVITY_GOT: up to where a resuming client has heard.
pub(super) fn on_got(s: &mut super::State, link: Link, cursor: Vector, step: &mut Step<'_>) {
    receiver::on_got(s, link, &cursor, step);
}

/// What a client's kernel has acknowledged: so many lines from the link's beginning.
pub(super) fn on_received(s: &mut super::State, link: Link, lines: u64, step: &mut Step<'_>) {
    receiver::on_received(s, link, lines, step);
}

/// What this server says first over a new edge.
pub(super) fn hello(s: &super::State) -> Hello {
    Hello {
        sessions: s.durable.delivery.book.vector.clone(),
        have: s.durable.delivery.log.have.clone(),
        ..Hello::default()
    }
}

/// An edge of the tree is up: our HELLO is sent.
pub(super) fn on_edge_up(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    exchange::on_edge_up(s, link, step);
}

/// HELLO: what the neighbour has.
pub(super) fn on_hello(s: &mut super::State, link: Link, hello: &Hello, step: &mut Step<'_>) {
    exchange::on_hello(s, link, hello, step);
}

/// An edge of the tree is gone.
pub(super) fn on_edge_down(s: &mut super::State, link: Link, _: &mut Step<'_>) {
    s.delivery.edges.remove(&link);
}

/// SESSIONS: what one origin changed.
pub(super) fn on_sessions(
    s: &mut super::State,
    link: Link,
    sessions: Sessions,
    step: &mut Step<'_>,
) {
    exchange::on_sessions(s, link, sessions, step);
}

/// ACTIVITY_BROADCAST from a neighbour.
pub(super) fn on_broadcast(
    s: &mut super::State,
    link: Link,
    message: std::sync::Arc<crate::message::server::Message>,
    step: &mut Step<'_>,
) {
    exchange::on_broadcast(s, link, message, step);
}

/// SKIP: messages that nobody on that side has any more.
pub(super) fn on_skip(s: &mut super::State, link: Link, skip: Skip, step: &mut Step<'_>) {
    exchange::on_skip(s, link, skip, step);
}

/// DELIVERY_CREDIT: the neighbour has taken in so many lines.
pub(super) fn on_credit(s: &mut super::State, link: Link, lines: u32, step: &mut Step<'_>) {
    exchange::on_credit(s, link, lines, step);
}

/// FLOORS.
pub(super) fn on_floors(
    s: &mut super::State,
    link: Link,
    floors: Vec<(ServerName, Vector)>,
    step: &mut Step<'_>,
) {
    floor::on_floors(s, link, floors, step);
}

/// This server is being stopped: nobody who is here is told anything more.
pub(super) fn on_drain(s: &mut super::State) {
    receiver::hold_all(s);
}

/// Whether a client has received all that it was told, or will say itself what it has heard.
pub(super) fn has_received_all(s: &super::State, link: Link) -> bool {
    let receiver = s.delivery.receivers.get(&link);
    receiver.is_none_or(|it| it.client.is_some() || it.unheard.is_empty())
}

/// Whether every neighbour has been sent everything.
pub(super) fn all_is_sent(s: &super::State) -> bool {
    let mut edges = s.delivery.edges.values();
    edges.all(Edge::has_been_sent_all)
}

/// Timer: this server's floor may have risen.
pub(super) fn on_floor(s: &mut super::State, step: &mut Step<'_>) {
    floor::on_timer(s, step);
}

/// Timer: those that don't move are waited for one tick less.
pub(super) fn on_patience(s: &mut super::State, step: &mut Step<'_>) {
    forget::on_patience(s, step);
}

/// Timer: what waits is one tick older.
pub(super) fn on_age(s: &mut super::State, step: &mut Step<'_>) {
    age::on_timer(s, step);
}

/// A server was given up: its users are away, and nothing is kept for it.
pub(super) fn on_retired(s: &mut super::State, server: &ServerName, step: &mut Step<'_>) {
    forget::on_retired(s, server, step);
}

/// Fewer servers are to have everything.
pub(super) fn on_fewer(s: &mut super::State, step: &mut Step<'_>) {
    forget::review(s, step);
}

/// The stream that numbers what this server's own clients say, and its changes to sessions.
fn own_stream(s: &super::State, step: &Step<'_>) -> Stream {
    let tree = &s.durable.tree;
    (step.rules.delivery.stream)(&tree.id.name, tree.incarnation)
}

fn tell(report: Report, step: &mut Step<'_>) {
    step.tell(NodeReport::Delivery(report));
}

//! Who is whose parent, and how a tree that was cut grows back (`docs/protocol.md`, Tree).
//! The elder wins: trees merge under the eldest root, because only an elder root takes children from another tree.
//!
//! ```text
//!            Retry: dial the next candidate          Up: AUTHENTICATE
//!   orphan ───────────────────────────────▶ dialing ────────────────▶ asking
//!     ▲ ▲            Unreachable │   ▲                                │   │
//!     │ └─────────────────────────┘  │ Probe (keeps its parent)       │   │ Path from a strictly elder root
//!     │        Down, Close, Path not taken                            │   ▼
//!     ├────────────────────────────────────────────────────────────── ┘  child
//!     └── Down of the parent; Path that names me, or whose root is no elder ──┘
//! ```
//!
//! - [`dial`]: looking for a parent, or for a better one.
//! - [`parent`]: the server that this one joined; adopting, leaving, being an orphan.
//! - [`children`]: the servers that joined this one.
//! - [`known`]: the servers ever heard of, and who has whose name.
//! - [`retired`]: the servers that an operator has given up.
//! - [`timing`]: how long it waits before it dials.

pub mod children;
pub mod dial;
pub mod known;
pub mod parent;
pub mod retired;
pub mod timing;

use std::collections::{BTreeMap, VecDeque};

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Boot, Config, Role, Step};
use crate::message::client::{Info, Secret};
use crate::message::server::{Join, Server};
use crate::message::{Address, Incarnation, Peer, ServerId, ServerName};
use crate::port::Link;
pub use children::Child;
pub use dial::{Attempt, Candidate};
pub use parent::Parent;
pub use timing::Timing;

/// A server's place in the tree. Volatile: a restart begins as an orphan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The server that this one joined.
    pub parent: Option<Parent>,
    /// The servers that joined this one.
    pub children: BTreeMap<ServerName, Child>,
    /// The one dial under way.
    pub attempt: Option<Attempt>,
    /// Whom to dial next.
    pub candidates: VecDeque<Candidate>,
    /// How often all candidates have been tried in vain; saturates at [`Timing::backoffs`].
    pub rounds: u32,
    /// Whether this start found its disk empty and nobody has shown it a later start of its name yet.
    pub blank: bool,
}

/// Who this server is, and whom it has ever heard of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// Its rank, for ever.
    pub id: ServerId,
    /// Its latest start.
    pub incarnation: Incarnation,
    /// Every server ever heard of, itself included.
    pub known: OrdMap<ServerName, Server>,
    /// The servers that were given up, each up to this start.
    pub retired: OrdMap<ServerName, Incarnation>,
}

/// What the tree tells the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Report {
    /// It has a parent now.
    Joined {
        /// The parent.
        parent: ServerId,
        /// The root above it.
        root: ServerId,
    },
    /// It has lost or left its parent.
    Orphaned {
        /// The parent that it had.
        parent: ServerId,
        /// Whether the link broke; otherwise it left by itself.
        lost: bool,
    },
    /// It has taken a child.
    Accepted {
        /// The child.
        child: ServerId,
    },
    /// A child is gone.
    Bereft {
        /// The child.
        child: ServerId,
    },
    /// A join was refused.
    Refused {
        /// Who asked.
        joiner: ServerId,
        /// Why not.
        why: Refusal,
    },
    /// A server refuses this one's secret.
    SecretRefused,
    /// A neighbour said something that makes no sense here, and was cut off.
    Nonsense,
}

/// Why a join is refused. For the log: no rule reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// It doesn't know the system's secret.
    WrongSecret,
    /// A later start of that server is known.
    Stale,
    /// It was given up, and this is the start that was.
    Retired,
    /// It bears this server's own name.
    MyName,
    /// Rule 1: this root isn't strictly elder than the joiner's, or the joiner is on the path.
    NotElder,
}

impl State {
    /// The parent, its parent, … up to the root; empty without one.
    pub fn path(&self) -> &[ServerId] {
        self.parent.as_ref().map_or(&[], |parent| &parent.path)
    }
}

impl super::State {
    /// Who this server is.
    pub fn id(&self) -> &ServerId {
        &self.durable.tree.id
    }

    /// The root of the tree that this server believes to be in.
    pub fn root(&self) -> &ServerId {
        self.tree.path().last().unwrap_or(self.id())
    }
}

/// What a start makes of the disk: the volatile state, and the durable one with a new incarnation in it.
pub(super) fn start(config: &Config, boot: Boot, disk: Option<&Durable>) -> (State, Durable) {
    let incarnation = Incarnation {
        number: disk.map_or(boot.now.0, |disk| {
            boot.now.0.max(disk.incarnation.number + 1)
        }),
        nonce: boot.nonce,
    };
    let id = disk.map_or_else(
        || ServerId {
            born: boot.now,
            name: config.name.clone(),
        },
        |disk| disk.id.clone(),
    );
    let mut known = disk.map_or_else(OrdMap::new, |disk| disk.known.clone());
    let myself = Server {
        born: id.born,
        incarnation,
        address: config.address.clone(),
    };
    known.insert(id.name.clone(), myself);
    let retired = disk.map_or_else(OrdMap::new, |disk| disk.retired.clone());
    let state = State {
        blank: disk.is_none(),
        ..State::default()
    };
    (
        state,
        Durable {
            id,
            incarnation,
            known,
            retired,
        },
    )
}

/// A start: nobody is a neighbour yet.
pub(super) fn on_start(s: &mut super::State, step: &mut Step<'_>) {
    s.tree.candidates = dial::elsewhere(s, step);
    dial::rearm(s, step);
}

/// Timer: no parent. Dials the next candidate; after the last one, any server known, for ever (rule 5).
pub(super) fn on_retry(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.parent.is_none() {
        dial::dial_next(s, step);
    }
}

/// Timer: with a parent. Dials a server elsewhere: its tree may have an elder root (rule 6).
pub(super) fn on_probe(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.parent.is_some() {
        dial::dial_next(s, step);
    }
}

/// A dial has become a link: asks to be taken as a child.
pub(super) fn on_dialed(s: &mut super::State, link: Link, address: Address, step: &mut Step<'_>) {
    dial::on_dialed(s, link, address, step);
}

/// A dial has failed.
pub(super) fn on_unreachable(s: &mut super::State, address: &Address, step: &mut Step<'_>) {
    dial::on_unreachable(s, address, step);
}

/// AUTHENTICATE: somebody wants to be a child (rule 1).
pub(super) fn on_join(s: &mut super::State, link: Link, join: Join, step: &mut Step<'_>) {
    children::on_join(s, link, join, step);
}

/// PATH: from the attempt it is the acceptance (rule 2), from the parent an update (rule 3).
pub(super) fn on_path(
    s: &mut super::State,
    link: Link,
    path: Vec<ServerId>,
    siblings: Vec<ServerId>,
    step: &mut Step<'_>,
) {
    if path.is_empty() {
        return on_nonsense(s, link, step);
    }
    parent::on_path(s, link, path, siblings, step);
}

/// KNOWN: servers that this one may not have heard of.
pub(super) fn on_known(
    s: &mut super::State,
    link: Link,
    servers: Vec<(ServerName, Server)>,
    step: &mut Step<'_>,
) {
    known::learn(s, Some(link), servers, step);
}

/// FORGET: an operator gives a server up.
pub(super) fn on_forget(
    s: &mut super::State,
    link: Link,
    secret: &Secret,
    server: ServerName,
    step: &mut Step<'_>,
) {
    retired::on_forget(s, link, secret, server, step);
}

/// The same, asked for where the server runs.
pub(super) fn on_order(s: &mut super::State, server: ServerName, step: &mut Step<'_>) {
    retired::forget(s, server, step);
}

/// RETIRED: servers that were given up.
pub(super) fn on_retired(
    s: &mut super::State,
    link: Link,
    servers: retired::Tombstones,
    step: &mut Step<'_>,
) {
    retired::learn(s, Some(link), servers, step);
}

/// An edge of the tree is up.
pub(super) fn on_edge_up(s: &super::State, link: Link, step: &mut Step<'_>) {
    retired::tell(s, link, step);
}

/// AUTHENTICATION_FAIL: the other server keeps another secret. A close follows.
pub(super) fn on_authentication_fail(
    s: &mut super::State,
    link: Link,
    _: Info,
    step: &mut Step<'_>,
) {
    step.tell(super::Report::Tree(Report::SecretRefused));
    step.close(link);
    on_down(s, link, step);
}

/// What the tree itself is made with: it may be said on a link that is no edge yet.
pub(crate) fn is_for_strangers(peer: &Peer) -> bool {
    match peer {
        Peer::Authenticate(_)
        | Peer::AuthenticationFail { .. }
        | Peer::Path { .. }
        | Peer::Retired { .. }
        | Peer::Known { .. } => true,
        Peer::Forget { .. }
        | Peer::Hello(_)
        | Peer::LockRequest(_)
        | Peer::LockAllowed(_)
        | Peer::LockDenied(_)
        | Peer::LockRelease(_)
        | Peer::Directory(_)
        | Peer::DirectoryCredit { .. }
        | Peer::DeliveryCredit { .. }
        | Peer::ActivityBroadcast(_)
        | Peer::Skip(_)
        | Peer::Sessions(_)
        | Peer::Floors { .. }
        | Peer::ServerAnnounce { .. }
        | Peer::Leave
        | Peer::Left => false,
    }
}

/// LEAVE: a neighbour is being stopped. What it has sent is put on disk, then it is told so, and let go.
pub(super) fn on_leave(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    if (step.rules.drain.takes_over_durably)() {
        step.save(&s.durable);
    }
    step.say(link, Peer::Left);
    match s.links.get(&link) {
        Some(Role::Parent) => parent::orphan(s, false, step),
        Some(Role::Child(_)) => children::on_down(s, link, step),
        Some(Role::Fresh | Role::Attempt | Role::Client(_) | Role::Leaving) | None => {}
    }
    step.close(link);
}

/// Whether this server has no neighbour, and knows nobody to look for.
pub(super) fn is_alone(s: &super::State, step: &Step<'_>) -> bool {
    s.edges().next().is_none() && dial::elsewhere(s, step).is_empty()
}

/// This server is no part of the tree any more.
pub(super) fn let_go(s: &mut super::State) {
    s.tree.parent = None;
    s.tree.children.clear();
    s.tree.attempt = None;
}

/// A neighbour says what makes no sense here.
pub(super) fn on_nonsense(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    step.tell(super::Report::Tree(Report::Nonsense));
    step.close(link);
    on_down(s, link, step);
}

/// The link to a neighbour, or to one that might have become one, is gone.
pub(super) fn on_down(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    match s.links.get(&link) {
        Some(Role::Attempt) => {
            s.links.remove(&link);
            dial::end_attempt(s, step);
        }
        Some(Role::Parent) => parent::orphan(s, true, step),
        Some(Role::Child(_)) => {
            children::on_down(s, link, step);
        }
        Some(Role::Fresh | Role::Client(_) | Role::Leaving) | None => {}
    }
}

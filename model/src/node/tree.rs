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

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Boot, Config, Halt, Role, Step, Timer, balance};
use crate::message::client::Info;
use crate::message::server::{Join, Server};
use crate::message::{Address, Incarnation, Peer, ServerId, ServerName};
use crate::port::Link;

/// A server's place in the tree. Volatile: a restart begins as an orphan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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

/// The edge to the parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parent {
    /// Over this link.
    pub link: Link,
    /// Where it was dialed.
    pub address: Address,
    /// The parent, its parent, … up to the root. Never empty.
    pub path: Vec<ServerId>,
    /// The parent's children, this server among them.
    pub siblings: Vec<ServerId>,
}

/// The edge to a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Child {
    /// Over this link.
    pub link: Link,
    /// Who it is.
    pub id: ServerId,
}

/// A dial under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// No link yet.
    Dialing {
        /// The address dialed.
        address: Address,
    },
    /// AUTHENTICATE is sent.
    Asking {
        /// Over this link.
        link: Link,
        /// Where it was dialed.
        address: Address,
        /// The servers that the message named.
        told: OrdMap<ServerName, Server>,
    },
}

/// An address to dial.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Where.
    pub address: Address,
    /// Whether it is the parent that was just lost, which is given more time.
    pub lost_parent: bool,
}

/// Who this server is, and whom it has ever heard of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Durable {
    /// Its rank, for ever.
    pub id: ServerId,
    /// Its latest start.
    pub incarnation: Incarnation,
    /// Every server ever heard of, itself included.
    pub known: OrdMap<ServerName, Server>,
}

/// The intervals that a node keeps. Ranges, so that many nodes don't act at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Before each of the two dials of a parent that was lost.
    pub lost_parent: Range<Duration>,
    /// Before each other dial of an orphan.
    pub retry: Range<Duration>,
    /// How often that interval is doubled, at most: once each time all candidates were tried in vain.
    pub backoffs: u32,
    /// Between two dials of a server that has a parent: far longer than a whole repair.
    pub probe: Range<Duration>,
    /// Of announcing loads.
    pub loads: balance::Timing,
}

impl Timing {
    /// Retries at once and fails over in well under a second.
    pub fn fast() -> Self {
        let ms = Duration::from_millis;
        Self {
            lost_parent: ms(0)..ms(10),
            retry: ms(10)..ms(40),
            backoffs: 7,
            probe: Duration::from_secs(50)..Duration::from_secs(70),
            loads: balance::Timing::every(Duration::from_secs(5)),
        }
    }

    /// The report's: six seconds before each of two attempts at the parent (§3).
    pub fn report() -> Self {
        let six = Duration::from_secs(6);
        Self {
            lost_parent: six..six + Duration::from_millis(50),
            retry: Duration::from_millis(100)..Duration::from_millis(500),
            backoffs: 5,
            probe: Duration::from_secs(50)..Duration::from_secs(70),
            loads: balance::Timing::every(Duration::from_secs(5)),
        }
    }
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
    /// It bears this server's own name.
    MyName,
    /// Rule 1: this root isn't strictly elder than the joiner's, or the joiner is on the path.
    NotElder,
}

impl State {
    /// Whether dialing `name` can make sense: it is no neighbour.
    pub fn may_dial(&self, name: &ServerName) -> bool {
        let parent = self.parent.as_ref().map(|parent| &parent.path[0].name);
        parent != Some(name) && !self.children.contains_key(name)
    }

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
        },
    )
}

/// Timer: no parent. Dials the next candidate; after the last one, any server known, for ever (rule 5).
pub(super) fn on_retry(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.parent.is_none() {
        dial_next(s, step);
    }
}

/// Timer: with a parent. Dials a server elsewhere: its tree may have an elder root (rule 6).
pub(super) fn on_probe(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.parent.is_some() {
        dial_next(s, step);
    }
}

/// A start: nobody is a neighbour yet.
pub(super) fn on_start(s: &mut super::State, step: &mut Step<'_>) {
    s.tree.candidates = elsewhere(s, step);
    rearm(s, step);
}

/// A dial has become a link: asks to be taken as a child.
pub(super) fn on_dialed(s: &mut super::State, link: Link, address: Address, step: &mut Step<'_>) {
    if !matches!(&s.tree.attempt, Some(Attempt::Dialing { address: dialed }) if *dialed == address)
    {
        step.close(link);
        return;
    }
    let known = s.durable.tree.known.clone();
    let join = Join {
        secret: step.config.secret.clone(),
        id: s.id().clone(),
        incarnation: s.durable.tree.incarnation,
        root: s.root().clone(),
        known: known
            .iter()
            .map(|(name, server)| (name.clone(), server.clone()))
            .collect(),
    };
    s.links.insert(link, Role::Attempt);
    s.tree.attempt = Some(Attempt::Asking {
        link,
        address,
        told: known,
    });
    step.say(link, Peer::Authenticate(Box::new(join)));
}

/// A dial has failed.
pub(super) fn on_unreachable(s: &mut super::State, address: &Address, step: &mut Step<'_>) {
    if matches!(&s.tree.attempt, Some(Attempt::Dialing { address: dialed }) if dialed == address) {
        end_attempt(s, step);
    }
}

/// AUTHENTICATE: somebody wants to be a child (rule 1).
pub(super) fn on_join(s: &mut super::State, link: Link, join: Join, step: &mut Step<'_>) {
    if join.secret != step.config.secret {
        s.links.remove(&link);
        step.say(
            link,
            Peer::AuthenticationFail {
                info: Info::IncorrectServerSecret,
            },
        );
        step.close(link);
        return refused(join.id, Refusal::WrongSecret, step);
    }
    let told = join.known.iter().cloned().collect();
    let latest = s
        .durable
        .tree
        .known
        .get(&join.id.name)
        .map(|known| known.incarnation);
    learn(s, Some(link), join.known, step);
    if s.halted.is_some() {
        return;
    }
    let rules = &step.rules.tree;
    let is_stale = latest.is_some_and(|latest| (rules.is_stale)(latest, join.incarnation));
    if !is_stale && (rules.drops_old_edge)() {
        drop_old_edge(s, &join.id.name, step);
    }
    let refusal = if join.id.name == s.id().name {
        Some(Refusal::MyName)
    } else if is_stale {
        Some(Refusal::Stale)
    } else if !(rules.accepts)(s.root(), s.tree.path(), &join.id, &join.root) {
        Some(Refusal::NotElder)
    } else {
        None
    };
    if let Some(why) = refusal {
        s.links.remove(&link);
        if let Some(latest) = s
            .durable
            .tree
            .known
            .get(&join.id.name)
            .filter(|known| known.incarnation > join.incarnation)
        {
            let servers = vec![(join.id.name.clone(), latest.clone())];
            step.say(link, Peer::Known { servers });
        }
        step.close(link);
        return refused(join.id, why, step);
    }
    accept(s, link, join.id, &told, step);
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
    if asks_over(s, link) {
        if (step.rules.tree.takes)(s.root(), s.id(), &path) {
            adopt(s, path, siblings, step);
        } else {
            s.links.remove(&link);
            step.close(link);
            end_attempt(s, step);
        }
        return;
    }
    let Some(parent) = s.tree.parent.as_mut().filter(|parent| parent.link == link) else {
        return on_nonsense(s, link, step);
    };
    if (step.rules.tree.leaves)(&s.durable.tree.id, &path) {
        step.close(link);
        return orphan(s, false, step);
    }
    let moved = parent.path != path;
    parent.path = path;
    parent.siblings = siblings;
    if moved {
        tell_children(s, step);
        rearm(s, step);
    }
}

/// KNOWN: servers that this one may not have heard of.
pub(super) fn on_known(
    s: &mut super::State,
    link: Link,
    servers: Vec<(ServerName, Server)>,
    step: &mut Step<'_>,
) {
    learn(s, Some(link), servers, step);
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

/// What may be said on a link that is no edge yet.
pub(super) fn is_for_strangers(peer: &Peer) -> bool {
    match peer {
        Peer::Authenticate(_)
        | Peer::AuthenticationFail { .. }
        | Peer::Path { .. }
        | Peer::Known { .. } => true,
        Peer::Hello(_)
        | Peer::LockRequest(_)
        | Peer::LockAllowed(_)
        | Peer::LockDenied(_)
        | Peer::LockRelease(_)
        | Peer::Directory(_)
        | Peer::DirectoryCredit { .. }
        | Peer::ActivityBroadcast(_)
        | Peer::Skip(_)
        | Peer::Sessions(_)
        | Peer::Floors { .. }
        | Peer::ServerAnnounce { .. } => false,
    }
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
            end_attempt(s, step);
        }
        Some(Role::Parent) => orphan(s, true, step),
        Some(Role::Child(_)) => {
            lose_child(s, link, step);
            tell_children(s, step);
            rearm(s, step);
        }
        Some(Role::Fresh | Role::Client(_)) | None => {}
    }
}

/// A server that joins again has no use for its old edge any more (rule 7).
fn drop_old_edge(s: &mut super::State, child: &ServerName, step: &mut Step<'_>) {
    if let Some(old) = s.tree.children.get(child).map(|child| child.link) {
        lose_child(s, old, step);
        step.close(old);
        tell_children(s, step);
        rearm(s, step);
    }
}

fn refused(joiner: ServerId, why: Refusal, step: &mut Step<'_>) {
    step.tell(super::Report::Tree(Report::Refused { joiner, why }));
}

fn accept(
    s: &mut super::State,
    link: Link,
    child: ServerId,
    told: &OrdMap<ServerName, Server>,
    step: &mut Step<'_>,
) {
    s.links.insert(link, Role::Child(child.name.clone()));
    s.tree.children.insert(
        child.name.clone(),
        Child {
            link,
            id: child.clone(),
        },
    );
    tell_children(s, step);
    tell_known(s, link, told, step);
    step.tell(super::Report::Tree(Report::Accepted { child }));
    s.edge_up(link, step);
}

/// Make before break: the new parent first, then goodbye to the old one.
fn adopt(s: &mut super::State, path: Vec<ServerId>, siblings: Vec<ServerId>, step: &mut Step<'_>) {
    let Some(Attempt::Asking {
        link,
        address,
        told,
    }) = s.tree.attempt.take()
    else {
        return;
    };
    if let Some(old) = s.tree.parent.take() {
        s.links.remove(&old.link);
        s.edge_down(old.link, step);
        step.close(old.link);
    }
    step.tell(super::Report::Tree(Report::Joined {
        parent: path[0].clone(),
        root: path[path.len() - 1].clone(),
    }));
    s.links.insert(link, Role::Parent);
    s.tree.parent = Some(Parent {
        link,
        address,
        path,
        siblings,
    });
    s.tree.candidates.clear();
    s.tree.rounds = 0;
    tell_children(s, step);
    tell_known(s, link, &told, step);
    s.edge_up(link, step);
    step.cancel(Timer::Retry);
    rearm(s, step);
}

/// Without a parent: tell the children at once, keep the subtree, go on serving, look for another one (rule 4).
fn orphan(s: &mut super::State, lost: bool, step: &mut Step<'_>) {
    let candidates = (step.rules.tree.candidates)(s, lost);
    let Some(old) = s.tree.parent.take() else {
        return;
    };
    s.links.remove(&old.link);
    s.tree.candidates = addresses(s, candidates, lost.then_some(&old.path[0].name));
    s.tree.rounds = 0;
    s.edge_down(old.link, step);
    let parent = old.path[0].clone();
    step.tell(super::Report::Tree(Report::Orphaned { parent, lost }));
    tell_children(s, step);
    step.cancel(Timer::Probe);
    rearm(s, step);
}

fn lose_child(s: &mut super::State, link: Link, step: &mut Step<'_>) {
    if let Some(Role::Child(name)) = s.links.remove(&link)
        && s.tree
            .children
            .get(&name)
            .is_some_and(|child| child.link == link)
        && let Some(child) = s.tree.children.remove(&name)
    {
        step.tell(super::Report::Tree(Report::Bereft { child: child.id }));
        s.edge_down(link, step);
    }
}

/// PATH to every child.
fn tell_children(s: &super::State, step: &mut Step<'_>) {
    let mut path = vec![s.id().clone()];
    path.extend_from_slice(s.tree.path());
    let children: Vec<_> = s
        .tree
        .children
        .values()
        .map(|child| child.id.clone())
        .collect();
    for child in s.tree.children.values() {
        step.say(
            child.link,
            Peer::Path {
                path: path.clone(),
                children: children.clone(),
            },
        );
    }
}

/// KNOWN to a neighbour: what it was not told yet.
fn tell_known(
    s: &super::State,
    link: Link,
    told: &OrdMap<ServerName, Server>,
    step: &mut Step<'_>,
) {
    let known = s.durable.tree.known.iter();
    let servers: Vec<_> = known
        .filter(|(name, server)| told.get(*name) != Some(*server))
        .map(|(name, server)| (name.clone(), server.clone()))
        .collect();
    if !servers.is_empty() {
        step.say(link, Peer::Known { servers });
    }
}

/// Takes what is news, passes it on, and keeps it on disk. Learns of its own later start, too.
fn learn(
    s: &mut super::State,
    from: Option<Link>,
    heard: Vec<(ServerName, Server)>,
    step: &mut Step<'_>,
) {
    let rules = &step.rules.tree;
    let mut news = Vec::new();
    for (name, server) in heard {
        if name == s.id().name {
            if server.incarnation > s.durable.tree.incarnation {
                match outdated(s, server.incarnation) {
                    Some(why) => return s.halt(why, step),
                    None => news.extend(
                        s.durable
                            .tree
                            .known
                            .get_key_value(&name)
                            .map(|(n, me)| (n.clone(), me.clone())),
                    ),
                }
            }
        } else if (rules.is_news)(s.durable.tree.known.get(&name), &server) {
            s.durable.tree.known.insert(name.clone(), server.clone());
            news.push((name, server));
        }
    }
    if news.is_empty() {
        return;
    }
    if (rules.persists_known)() {
        step.save(&s.durable);
    }
    if (rules.floods_known)() {
        for edge in s
            .edges()
            .filter(|edge| Some(*edge) != from)
            .collect::<Vec<_>>()
        {
            step.say(
                edge,
                Peer::Known {
                    servers: news.clone(),
                },
            );
        }
    }
    rearm(s, step);
}

/// A later start of this server's name exists: one with an empty disk takes a later one still, once; any other stops.
fn outdated(s: &mut super::State, by: Incarnation) -> Option<Halt> {
    if !std::mem::take(&mut s.tree.blank) {
        return Some(Halt::Superseded { by });
    }
    let durable = &mut s.durable.tree;
    durable.incarnation.number = by.number + 1;
    if let Some(myself) = durable.known.get_mut(&durable.id.name) {
        myself.incarnation = durable.incarnation;
    }
    None
}

fn asks_over(s: &super::State, link: Link) -> bool {
    matches!(&s.tree.attempt, Some(Attempt::Asking { link: asked, .. }) if *asked == link)
}

fn end_attempt(s: &mut super::State, step: &mut Step<'_>) {
    s.tree.attempt = None;
    rearm(s, step);
}

fn dial_next(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.attempt.is_some() {
        return;
    }
    if s.tree.candidates.is_empty() {
        s.tree.candidates = elsewhere(s, step);
        s.tree.rounds = (s.tree.rounds + 1).min(step.config.timing.backoffs);
    }
    while let Some(candidate) = s.tree.candidates.pop_front() {
        if is_neighbour(s, &candidate.address) {
            continue;
        }
        let address = candidate.address;
        s.tree.attempt = Some(Attempt::Dialing {
            address: address.clone(),
        });
        return step.open(address);
    }
    rearm(s, step);
}

fn is_neighbour(s: &super::State, address: &Address) -> bool {
    let parent = s.tree.parent.as_ref().map(|parent| &parent.address);
    let known = &s.durable.tree.known;
    let child = |name| {
        known
            .get(name)
            .is_some_and(|server| server.address == *address)
    };
    parent == Some(address) || s.tree.children.keys().any(child)
}

/// Sets the timer of the next dial, if there is anyone to dial and no dial is under way.
fn rearm(s: &mut super::State, step: &mut Step<'_>) {
    if s.tree.attempt.is_some() || (s.tree.candidates.is_empty() && elsewhere(s, step).is_empty()) {
        return;
    }
    let timing = &step.config.timing;
    if s.tree.parent.is_some() {
        if (step.rules.tree.probes)(s) {
            step.set(Timer::Probe, timing.probe.clone());
        }
    } else if s
        .tree
        .candidates
        .front()
        .is_some_and(|next| next.lost_parent)
    {
        step.set(Timer::Retry, timing.lost_parent.clone());
    } else {
        let factor = 1 << s.tree.rounds;
        step.set(
            Timer::Retry,
            timing.retry.start * factor..timing.retry.end * factor,
        );
    }
}

/// The addresses of all servers that may be elsewhere: the known ones, and seeds that nobody has named yet.
fn elsewhere(s: &super::State, step: &Step<'_>) -> VecDeque<Candidate> {
    let mut all = addresses(s, (step.rules.tree.elsewhere)(s), None);
    let known = &s.durable.tree.known;
    let unnamed = step.config.seeds.iter().filter(|seed| {
        !is_neighbour(s, seed) && known.values().all(|server| server.address != **seed)
    });
    all.extend(unnamed.map(|seed| Candidate {
        address: seed.clone(),
        lost_parent: false,
    }));
    all
}

fn addresses(
    s: &super::State,
    names: Vec<ServerName>,
    lost: Option<&ServerName>,
) -> VecDeque<Candidate> {
    let known = &s.durable.tree.known;
    names
        .into_iter()
        .filter_map(|name| {
            let address = known.get(&name)?.address.clone();
            Some(Candidate {
                address,
                lost_parent: Some(&name) == lost,
            })
        })
        .collect()
}

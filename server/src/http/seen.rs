//! What a look at the actor brings back. Everything that can be large is a persistent map, so a clone costs the actor
//! nothing, whatever is in it; only what there is once per server is walked, up to a bound.

use imbl::OrdMap;
use regrow_model::message::client::Vector;
use regrow_model::message::server::{Load, Session};
use regrow_model::message::{Registration, ServerId, ServerName};
use regrow_model::node::delivery::log::Entry;
use regrow_model::node::tree::{Attempt, Durable};
use regrow_model::node::{Role, State};
use regrow_model::port::Link;

use crate::runtime::{View, Waiting};

/// How many entries each list has at most.
pub(super) const LISTED: usize = 1_000;

/// What was seen of a node at one moment.
pub(super) struct Seen {
    /// Who it is, and whom it has ever heard of.
    pub(super) tree: Durable,
    pub(super) path: Vec<ServerId>,
    pub(super) children: Vec<ServerId>,
    pub(super) attempt: Option<String>,
    /// How often everybody has been dialed in vain.
    pub(super) rounds: u32,
    pub(super) own_load: u64,
    pub(super) loads: Vec<Load>,
    pub(super) links: usize,
    pub(super) edges: Vec<Edge>,
    /// How much there is of what is listed here up to a bound.
    pub(super) totals: Totals,
    pub(super) users: usize,
    pub(super) receivers: usize,
    pub(super) sessions: OrdMap<Registration, Session>,
    pub(super) entries: OrdMap<u64, Entry>,
    pub(super) have: Vector,
    pub(super) base: Vector,
    pub(super) floors: OrdMap<ServerName, Vector>,
    pub(super) uncounted: Vec<ServerName>,
    pub(super) rounds_of_names: usize,
    pub(super) unsaved: u64,
    pub(super) events: usize,
}

/// How much there is of what is listed up to a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) path: usize,
    pub(super) children: usize,
    pub(super) loads: usize,
    pub(super) uncounted: usize,
}

/// A link to a neighbour in the tree, or to one that is to become one.
pub(super) struct Edge {
    pub(super) kind: &'static str,
    pub(super) server: Option<ServerName>,
    pub(super) waiting: Waiting,
}

impl Seen {
    /// Runs on the actor's task.
    pub(super) fn of(view: &View<'_, State>) -> Self {
        let s = view.state;
        let (tree, delivery) = (&s.durable.tree, &s.durable.delivery);
        let children = s.tree.children.values();
        let loads = s.balance.others.values();
        Self {
            tree: tree.clone(),
            path: s.tree.path().iter().take(LISTED).cloned().collect(),
            children: children
                .take(LISTED)
                .map(|child| child.id.clone())
                .collect(),
            attempt: s.tree.attempt.as_ref().map(|attempt| match attempt {
                Attempt::Dialing { address } => address.to_string(),
                Attempt::Asking { address, .. } => address.to_string(),
            }),
            rounds: s.tree.rounds,
            own_load: s.balance.clients,
            loads: loads.take(LISTED).map(|other| other.load.clone()).collect(),
            links: s.links.len(),
            edges: edges(view),
            totals: totals(s),
            users: s.durable.registry.records.len(),
            receivers: s.delivery.receivers.len(),
            sessions: delivery.book.sessions.clone(),
            entries: delivery.log.entries.clone(),
            have: delivery.log.have.clone(),
            base: delivery.log.base.clone(),
            floors: delivery.floors.clone(),
            uncounted: s.delivery.uncounted.iter().take(LISTED).cloned().collect(),
            rounds_of_names: s.registry.rounds.len(),
            unsaved: view.unsaved,
            events: view.events,
        }
    }
}

fn totals(s: &State) -> Totals {
    Totals {
        path: s.tree.path().len(),
        children: s.tree.children.len(),
        loads: s.balance.others.len(),
        uncounted: s.delivery.uncounted.len(),
    }
}

fn edges(view: &View<'_, State>) -> Vec<Edge> {
    let s = view.state;
    let attempt = match &s.tree.attempt {
        Some(Attempt::Asking { link, .. }) => Some(*link),
        Some(Attempt::Dialing { .. }) | None => None,
    };
    let edge = |link: Link| {
        let (kind, server) = match s.links.get(&link)? {
            Role::Parent => ("parent", s.tree.path().first().map(|id| id.name.clone())),
            Role::Child(name) => ("child", Some(name.clone())),
            Role::Attempt => ("attempt", None),
            Role::Fresh | Role::Client(_) | Role::Leaving => return None,
        };
        Some(Edge {
            kind,
            server,
            waiting: view.waiting(link).unwrap_or_default(),
        })
    };
    let links = s.edges().chain(attempt);
    links.take(LISTED).filter_map(edge).collect()
}

//! The rules of the tree (`docs/protocol.md`, Tree).

use std::collections::BTreeSet;

use crate::message::server::Server;
use crate::message::{Incarnation, ServerId, ServerName};
use crate::node::State;

/// The rules of the tree that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Rule 1: given my root, my path, who asks and its root: is it taken as a child?
    pub accepts: fn(&ServerId, &[ServerId], &ServerId, &ServerId) -> bool,
    /// Rule 2: given my root, me and the path offered: is its sender taken as the parent?
    pub takes: fn(&ServerId, &ServerId, &[ServerId]) -> bool,
    /// Rule 3: given me and my parent's new path: is the parent left?
    pub leaves: fn(&ServerId, &[ServerId]) -> bool,
    /// Rules 3 and 4: is a path that has changed passed on to the children?
    pub passes_on: fn() -> bool,
    /// Given me and my path: the path that my children are told.
    pub path_told: fn(&ServerId, &[ServerId]) -> Vec<ServerId>,
    /// Rule 4: whom an orphan dials, in order.
    pub candidates: fn(&State, lost: bool) -> Vec<ServerName>,
    /// Rules 5 and 6: whom a server dials when it has no candidates left.
    pub elsewhere: fn(&State) -> Vec<ServerName>,
    /// Rule 6: does a server with a parent dial?
    pub probes: fn(&State) -> bool,
    /// Rule 4: does an orphan put off the probe that it had been waiting for?
    pub puts_off_probe: fn() -> bool,
    /// Is what was learned of other servers passed on?
    pub floods_known: fn() -> bool,
    /// Is what was learned of other servers kept on disk?
    pub persists_known: fn() -> bool,
    /// Do the protocols that use the tree greet each other over a new edge? Worlds that are about the tree alone
    /// leave it out.
    pub greets: fn() -> bool,
    /// Given what is known of a server and what is heard: is the latter news?
    pub is_news: fn(Option<&Server>, &Server) -> bool,
    /// Does a server that was given up count no more?
    pub retires: fn() -> bool,
    /// Is it passed on that a server was given up?
    pub floods_retired: fn() -> bool,
    /// Given the start up to which a server was given up and the one that speaks: is that one meant?
    pub is_retired: fn(Incarnation, Incarnation) -> bool,
    /// Given the latest start known and the one that speaks: is the speaker out of date?
    pub is_stale: fn(Incarnation, Incarnation) -> bool,
    /// Rule 9: given my own start and one of my name that is heard of: am I out of date?
    pub is_superseded: fn(Incarnation, Incarnation) -> bool,
    /// Rule 9: is a neighbour told of the start that this server takes, given whether it is the one that told it of a later start of its name?
    pub tells_own: fn(told_it: bool) -> bool,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    accepts,
    takes,
    leaves,
    passes_on: || true,
    path_told,
    candidates,
    elsewhere,
    probes: |s| s.tree.parent.is_some(),
    puts_off_probe: || true,
    floods_known: || true,
    persists_known: || true,
    greets: || true,
    is_news,
    retires: || true,
    floods_retired: || true,
    is_retired: |retired, speaks| speaks <= retired,
    is_stale: |known, speaks| speaks < known,
    is_superseded: |mine, heard| heard > mine,
    tells_own: |_| true,
};

fn accepts(
    my_root: &ServerId,
    my_path: &[ServerId],
    joiner: &ServerId,
    its_root: &ServerId,
) -> bool {
    my_root.is_elder_than(its_root) && my_path.iter().all(|on_path| on_path.name != joiner.name)
}

fn takes(my_root: &ServerId, me: &ServerId, path: &[ServerId]) -> bool {
    path.last().is_some_and(|root| root.is_elder_than(my_root)) && !path.contains(me)
}

fn leaves(me: &ServerId, path: &[ServerId]) -> bool {
    path.contains(me) || !path.last().is_some_and(|root| root.is_elder_than(me))
}

fn path_told(me: &ServerId, my_path: &[ServerId]) -> Vec<ServerId> {
    let mut path = vec![me.clone()];
    path.extend_from_slice(my_path);
    path
}

/// The parent twice if its link was lost, the ancestors upwards, the siblings, all others; elders first.
fn candidates(s: &State, lost: bool) -> Vec<ServerName> {
    let Some(parent) = &s.tree.parent else {
        return elsewhere(s);
    };
    let mut siblings = parent.siblings.clone();
    siblings.sort();
    let related = parent.path.iter().chain(&siblings);
    let related = related.map(|id| id.name.clone());
    let parent = &parent.path[0].name;
    let mut seen = BTreeSet::from([s.id().name.clone(), parent.clone()]);
    let mut order = vec![parent.clone(); if lost { 2 } else { 0 }];
    let others = related.chain(elders_first(s));
    order.extend(others.filter(|name| seen.insert(name.clone())));
    order
}

/// Every known server that is not on the path, elders first.
fn elsewhere(s: &State) -> Vec<ServerName> {
    elders_first(s)
        .filter(|name| s.tree.path().iter().all(|id| id.name != *name))
        .collect()
}

fn elders_first(s: &State) -> impl Iterator<Item = ServerName> + '_ {
    let known = s.durable.tree.known.iter();
    let mut ids: Vec<_> = known.map(|(name, server)| (server.born, name)).collect();
    ids.retain(|(_, name)| **name != s.id().name);
    ids.sort();
    ids.into_iter().map(|(_, name)| name.clone())
}

fn is_news(known: Option<&Server>, heard: &Server) -> bool {
    known.is_none_or(|known| known.incarnation < heard.incarnation)
}

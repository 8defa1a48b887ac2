//! The servers that joined this one: who is taken as a child (rule 1), who joins again (rule 7), what children are told.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::dial::rearm;
use super::known::{learn, tell_known};
use super::{Refusal, Report, retired};
use crate::message::client::Info;
use crate::message::server::{Join, Server};
use crate::message::{Peer, ServerId, ServerName};
use crate::node::{Report as NodeReport, Role, State as NodeState, Step};
use crate::port::Link;

/// The edge to a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Child {
    /// Over this link.
    pub link: Link,
    /// Who it is.
    pub id: ServerId,
}

/// AUTHENTICATE: somebody wants to be a child (rule 1).
pub(super) fn on_join(s: &mut NodeState, link: Link, join: Join, step: &mut Step<'_>) {
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
    let retired = retired::covers(s, &join.id.name, join.incarnation, step);
    let is_stale = latest.is_some_and(|latest| (rules.is_stale)(latest, join.incarnation));
    if !is_stale {
        drop_old_edge(s, &join.id.name, step);
    }
    let refusal = if join.id.name == s.id().name {
        Some(Refusal::MyName)
    } else if retired.is_some() {
        Some(Refusal::Retired)
    } else if is_stale {
        Some(Refusal::Stale)
    } else if !(rules.accepts)(s.root(), s.tree.path(), &join.id, &join.root) {
        Some(Refusal::NotElder)
    } else {
        None
    };
    if let Some(why) = refusal {
        s.links.remove(&link);
        if let Some(retired) = retired {
            let servers = vec![(join.id.name.clone(), retired)];
            step.say(link, Peer::Retired { servers });
        }
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

/// The link to a child is gone.
pub(super) fn on_down(s: &mut NodeState, link: Link, step: &mut Step<'_>) {
    lose_child(s, link, step);
    tell_children(s, step);
    rearm(s, step);
}

/// A server that joins again has no use for its old edge any more (rule 7).
pub(super) fn drop_old_edge(s: &mut NodeState, child: &ServerName, step: &mut Step<'_>) {
    if let Some(old) = s.tree.children.get(child).map(|child| child.link) {
        lose_child(s, old, step);
        step.close(old);
        tell_children(s, step);
        rearm(s, step);
    }
}

fn refused(joiner: ServerId, why: Refusal, step: &mut Step<'_>) {
    step.tell(NodeReport::Tree(Report::Refused { joiner, why }));
}

fn accept(
    s: &mut NodeState,
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
    step.tell(NodeReport::Tree(Report::Accepted { child }));
    s.edge_up(link, step);
}

fn lose_child(s: &mut NodeState, link: Link, step: &mut Step<'_>) {
    if let Some(Role::Child(name)) = s.links.remove(&link)
        && s.tree
            .children
            .get(&name)
            .is_some_and(|child| child.link == link)
        && let Some(child) = s.tree.children.remove(&name)
    {
        step.tell(NodeReport::Tree(Report::Bereft { child: child.id }));
        s.edge_down(link, step);
    }
}

/// This server's path has changed: its children hear of it.
pub(super) fn pass_on(s: &NodeState, step: &mut Step<'_>) {
    if (step.rules.tree.passes_on)() {
        tell_children(s, step);
    }
}

/// PATH to every child.
fn tell_children(s: &NodeState, step: &mut Step<'_>) {
    let path = (step.rules.tree.path_told)(s.id(), s.tree.path());
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

//! The server that this one joined: who is taken as the parent (rule 2), when it is left (rule 3), and what an orphan
//! does (rule 4).

use serde::{Deserialize, Serialize};

use super::Report;
use super::children::pass_on;
use super::dial::{Attempt, addresses, asks_over, end_attempt, rearm};
use super::known::tell_known;
use crate::message::{Address, ServerId};
use crate::node::{Report as NodeReport, Role, State as NodeState, Step, Timer};
use crate::port::Link;

/// The edge to the parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// PATH: from the attempt it is the acceptance (rule 2), from the parent an update (rule 3).
pub(super) fn on_path(
    s: &mut NodeState,
    link: Link,
    path: Vec<ServerId>,
    siblings: Vec<ServerId>,
    step: &mut Step<'_>,
) {
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
        return super::on_nonsense(s, link, step);
    };
    if (step.rules.tree.leaves)(&s.durable.tree.id, &path) {
        step.close(link);
        return orphan(s, false, step);
    }
    let moved = parent.path != path;
    parent.path = path;
    parent.siblings = siblings;
    if moved {
        pass_on(s, step);
        rearm(s, step);
    }
}

/// Make before break: the new parent first, then goodbye to the old one.
fn adopt(s: &mut NodeState, path: Vec<ServerId>, siblings: Vec<ServerId>, step: &mut Step<'_>) {
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
    step.tell(NodeReport::Tree(Report::Joined {
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
    pass_on(s, step);
    tell_known(s, link, &told, step);
    s.edge_up(link, step);
    step.cancel(Timer::Retry);
    rearm(s, step);
}

/// Without a parent: tell the children at once, keep the subtree, go on serving, look for another one (rule 4).
pub(super) fn orphan(s: &mut NodeState, lost: bool, step: &mut Step<'_>) {
    let candidates = (step.rules.tree.candidates)(s, lost);
    let Some(old) = s.tree.parent.take() else {
        return;
    };
    s.links.remove(&old.link);
    s.tree.candidates = addresses(s, candidates, lost.then_some(&old.path[0].name));
    s.tree.rounds = 0;
    s.edge_down(old.link, step);
    let parent = old.path[0].clone();
    step.tell(NodeReport::Tree(Report::Orphaned { parent, lost }));
    pass_on(s, step);
    if (step.rules.tree.puts_off_probe)() {
        step.cancel(Timer::Probe);
    }
    rearm(s, step);
}

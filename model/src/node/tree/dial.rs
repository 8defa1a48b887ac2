//! Looking for a parent, or for a better one: one dial at a time, then one question (rules 5 and 6).

use std::collections::VecDeque;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::message::server::{Join, Server};
use crate::message::{Address, Peer, ServerName};
use crate::node::{Role, State as NodeState, Step, Timer};
use crate::port::Link;

/// A dial under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// Where.
    pub address: Address,
    /// Whether it is the parent that was just lost, which is given more time.
    pub lost_parent: bool,
}

/// A dial has become a link: asks to be taken as a child.
pub(super) fn on_dialed(s: &mut NodeState, link: Link, address: Address, step: &mut Step<'_>) {
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
pub(super) fn on_unreachable(s: &mut NodeState, address: &Address, step: &mut Step<'_>) {
    if matches!(&s.tree.attempt, Some(Attempt::Dialing { address: dialed }) if dialed == address) {
        end_attempt(s, step);
    }
}

pub(super) fn dial_next(s: &mut NodeState, step: &mut Step<'_>) {
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

pub(super) fn asks_over(s: &NodeState, link: Link) -> bool {
    matches!(&s.tree.attempt, Some(Attempt::Asking { link: asked, .. }) if *asked == link)
}

pub(super) fn end_attempt(s: &mut NodeState, step: &mut Step<'_>) {
    s.tree.attempt = None;
    rearm(s, step);
}

/// Sets the timer of the next dial, if there is anyone to dial and no dial is under way.
pub(super) fn rearm(s: &mut NodeState, step: &mut Step<'_>) {
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

fn is_neighbour(s: &NodeState, address: &Address) -> bool {
    let parent = s.tree.parent.as_ref().map(|parent| &parent.address);
    let known = &s.durable.tree.known;
    let child = |name| {
        known
            .get(name)
            .is_some_and(|server| server.address == *address)
    };
    parent == Some(address) || s.tree.children.keys().any(child)
}

/// The addresses of all servers that may be elsewhere: the known ones, and seeds that nobody has named yet.
pub(super) fn elsewhere(s: &NodeState, step: &Step<'_>) -> VecDeque<Candidate> {
    let mut all = addresses(s, (step.rules.tree.elsewhere)(s), None);
    let known = &s.durable.tree.known;
    let strangers = step.config.seeds.iter();
    let strangers = strangers.filter(|seed| !is_neighbour(s, seed));
    let unnamed = strangers.filter(|seed| known.values().all(|server| server.address != **seed));
    all.extend(unnamed.map(|seed| Candidate {
        address: seed.clone(),
        lost_parent: false,
    }));
    all
}

/// Where to dial these servers, as far as they are known and no neighbours.
pub(super) fn addresses(
    s: &NodeState,
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
        .filter(|candidate| !is_neighbour(s, &candidate.address))
        .collect()
}

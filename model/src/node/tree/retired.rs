//! Servers that an operator has given up for good (rule 12). Nobody counts one any more, nobody dials it, nothing is kept
//! for it. A tombstone says up to which of its starts: the process that was given up stops when it hears of it, and a later
//! start of it is a new server.

use super::children::drop_old_edge;
use crate::message::client::{Info, Secret};
use crate::message::{Incarnation, Peer, ServerName};
use crate::node::{Halt, State as NodeState, Step, balance, delivery};
use crate::port::Link;

/// What is known of servers that were given up, and up to which start.
pub type Tombstones = Vec<(ServerName, Incarnation)>;

/// The operator gives a server up. Its tombstone, if there is such a server or was one.
pub(super) fn forget(s: &mut NodeState, server: ServerName, step: &mut Step<'_>) -> Tombstones {
    let durable = &s.durable.tree;
    let known = durable.known.get(&server).map(|known| known.incarnation);
    let before = durable.retired.get(&server).copied();
    let Some(incarnation) = known.max(before) else {
        return Vec::new();
    };
    let tombstones = vec![(server, incarnation)];
    learn(s, None, tombstones.clone(), step);
    tombstones
}

/// FORGET, the first line of a link: an operator's, who knows the system's secret. RETIRED is the answer, once it is on disk.
pub(super) fn on_forget(
    s: &mut NodeState,
    link: Link,
    secret: &Secret,
    server: ServerName,
    step: &mut Step<'_>,
) {
    s.links.remove(&link);
    if *secret == step.config.secret {
        let servers = forget(s, server, step);
        step.say(link, Peer::Retired { servers });
    } else {
        let info = Info::IncorrectServerSecret;
        step.say(link, Peer::AuthenticationFail { info });
    }
    step.close(link);
}

/// RETIRED: takes what is news, on disk first, and passes it on.
pub(super) fn learn(s: &mut NodeState, from: Option<Link>, heard: Tombstones, step: &mut Step<'_>) {
    let mut news = Vec::new();
    for (name, incarnation) in heard {
        if name == s.id().name {
            if incarnation >= s.durable.tree.incarnation {
                news.push((name, incarnation));
            }
            continue;
        }
        let durable = &mut s.durable.tree;
        let known = durable.known.get(&name).map(|known| known.incarnation);
        let is_news = known.is_none_or(|known| known <= incarnation)
            && durable.retired.get(&name) < Some(&incarnation);
        if is_news {
            delivery::on_retired(s, &name, step);
            balance::on_retired(s, &name);
            if (step.rules.tree.retires)() {
                s.durable.tree.known.remove(&name);
            }
            s.durable.tree.retired.insert(name.clone(), incarnation);
            news.push((name, incarnation));
        }
    }
    if news.is_empty() {
        return;
    }
    step.save(&s.durable);
    if (step.rules.tree.floods_retired)() {
        for edge in s.edges().filter(|edge| Some(*edge) != from) {
            let servers = news.clone();
            step.say(edge, Peer::Retired { servers });
        }
    }
    let own = &s.id().name;
    if news.iter().any(|(name, _)| name == own) {
        return s.halt(Halt::Retired, step);
    }
    for (name, _) in &news {
        drop_old_edge(s, name, step);
    }
    delivery::on_fewer(s, step);
}

/// Everything known of them, to a new neighbour.
pub(super) fn tell(s: &NodeState, link: Link, step: &mut Step<'_>) {
    let retired = s.durable.tree.retired.iter();
    let servers: Tombstones = retired.map(|(name, at)| (name.clone(), *at)).collect();
    if !servers.is_empty() {
        step.say(link, Peer::Retired { servers });
    }
}

/// The tombstone that covers this start of a server, if there is one.
pub(super) fn covers(
    s: &NodeState,
    server: &ServerName,
    start: Incarnation,
    step: &Step<'_>,
) -> Option<Incarnation> {
    let retired = s.durable.tree.retired.get(server).copied();
    retired.filter(|retired| (step.rules.tree.is_retired)(*retired, start))
}

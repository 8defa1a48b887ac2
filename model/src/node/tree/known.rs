//! The servers ever heard of: learning, passing on (rule 8), and learning that another process bears this one's name
//! (rule 9).

use imbl::OrdMap;

use super::dial::rearm;
use super::retired;
use crate::message::server::Server;
use crate::message::{Incarnation, Peer, ServerName};
use crate::node::{Halt, State as NodeState, Step};
use crate::port::Link;

/// Takes what is news, passes it on, and keeps it on disk. Learns of its own later start, too.
pub(super) fn learn(
    s: &mut NodeState,
    from: Option<Link>,
    heard: Vec<(ServerName, Server)>,
    step: &mut Step<'_>,
) {
    let rules = &step.rules.tree;
    let (mut news, mut own) = (Vec::new(), Vec::new());
    for (name, server) in heard {
        if name == s.id().name {
            if (rules.is_superseded)(s.durable.tree.incarnation, server.incarnation) {
                match outdated(s, server.incarnation) {
                    Some(why) => return s.halt(why, step),
                    None => {
                        let myself = s.durable.tree.known.get(&name).cloned();
                        own.extend(myself.map(|myself| (name, myself)));
                    }
                }
            }
        } else if (rules.is_news)(s.durable.tree.known.get(&name), &server)
            && retired::covers(s, &name, server.incarnation, step).is_none()
        {
            s.durable.tree.retired.remove(&name);
            s.durable.tree.known.insert(name.clone(), server.clone());
            news.push((name, server));
        }
    }
    if news.is_empty() && own.is_empty() {
        return;
    }
    if (rules.persists_known)() {
        step.save(&s.durable);
    }
    if (rules.floods_known)() {
        for edge in s.edges().collect::<Vec<_>>() {
            let told_it = Some(edge) == from;
            let others = news.iter().filter(|_| !told_it);
            let own = own.iter().filter(|_| (rules.tells_own)(told_it));
            let servers: Vec<_> = own.chain(others).cloned().collect();
            if !servers.is_empty() {
                step.say(edge, Peer::Known { servers });
            }
        }
    }
    rearm(s, step);
}

/// KNOWN to a neighbour: what it was not told yet.
pub(super) fn tell_known(
    s: &NodeState,
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

/// A later start of this server's name exists: one with an empty disk takes a later one still, once; any other stops.
fn outdated(s: &mut NodeState, by: Incarnation) -> Option<Halt> {
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

//! Whether clients should be sent to this server, and if not, why.

use super::Pages;
use regrow_model::message::ServerId;
use regrow_model::node::tree::Durable;

use super::seen::Seen;
use crate::metrics::Change;
use crate::runtime::{DiskHealth, LookError};

/// Every reason why not; none when the server is ready.
pub(super) fn reasons(pages: &Pages, seen: Result<&Seen, &LookError>) -> Vec<String> {
    let mut reasons = Vec::new();
    match seen {
        Err(error) => reasons.push(error.to_string()),
        Ok(seen) => reasons.extend(outside(pages, seen)),
    }
    if let DiskHealth::Failing { error, .. } = &*pages.disk.borrow() {
        reasons.push(format!("saving fails: {error}"));
    }
    if *pages.draining.borrow() {
        reasons.push("it is about to stop and sends its clients elsewhere".to_owned());
    }
    reasons
}

/// Why a server isn't in the tree. One that has lost its parent goes on serving and is repaired or becomes a root: only who
/// has never found its tree since it started is outside of it.
fn outside(pages: &Pages, seen: &Seen) -> Option<String> {
    let seeds = &pages.about.seeds;
    let has_a_neighbour = !seen.path.is_empty() || !seen.children.is_empty();
    // The actor forgets the parents that it had; what it has told of them is counted.
    let had_a_parent = pages.metrics.protocol.changes.of(Change::Joined).get() > 0;
    // The eldest of all that it knows has nobody to join; it must have tried, for they may know an elder one.
    let is_the_eldest = seen.tree.known.len() > 1 && !knows_an_elder(&seen.tree) && seen.rounds > 0;
    if seeds.is_empty() || has_a_neighbour || had_a_parent || is_the_eldest {
        return None;
    }
    let seeds: Vec<&str> = seeds.iter().map(|seed| seed.as_str()).collect();
    Some(format!(
        "it is not in the tree: none of {} has taken it as a child since it started",
        seeds.join(", ")
    ))
}

/// Whether any server that it has heard of, and that was not given up, outranks it.
fn knows_an_elder(tree: &Durable) -> bool {
    let counted = tree.known.iter();
    let mut counted = counted.filter(|(name, _)| !tree.retired.contains_key(*name));
    counted.any(|(name, server)| {
        let (born, name) = (server.born, name.clone());
        ServerId { born, name }.is_elder_than(&tree.id)
    })
}

#[cfg(test)]
mod tests {
    use imbl::OrdMap;
    use regrow_model::message::server::Server;
    use regrow_model::message::{Address, Incarnation, ServerName, Stamp};

    use super::*;

    #[test]
    fn an_elder_is_known_unless_it_was_given_up() {
        let first = Incarnation {
            number: 1,
            nonce: 0,
        };
        let server = |name: &str, born| {
            let address = Address::new(name, 1).expect("it is an address");
            let born = Stamp(born);
            let server = Server {
                born,
                incarnation: first,
                address,
            };
            (ServerName::from(name), server)
        };
        let durable = |known: &[(ServerName, Server)]| Durable {
            id: ServerId {
                born: Stamp(5),
                name: ServerName::from("m"),
            },
            incarnation: first,
            known: known.iter().cloned().collect(),
            retired: OrdMap::new(),
        };
        let (myself, younger) = (server("m", 5), server("n", 5));
        assert!(!knows_an_elder(&durable(&[myself.clone(), younger])));
        for elder in [server("l", 5), server("z", 4)] {
            let mut durable = durable(&[myself.clone(), elder.clone()]);
            assert!(knows_an_elder(&durable));
            durable.retired.insert(elder.0, first);
            assert!(!knows_an_elder(&durable));
        }
    }
}

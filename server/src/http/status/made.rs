//! A status made of what was seen.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regrow_model::message::client::Vector;
use regrow_model::message::server::Server;
use regrow_model::message::{Incarnation, ServerId, ServerName, Stream};
use regrow_model::node::delivery::vector;

use super::{
    Buffers, Disk, Known, Links, Loads, Numbers, ServerLink, Sessions, Start, Status, Streams,
    Totals, Tree, Users,
};
use crate::http::seen::{LISTED, Seen};
use crate::http::tally::Tally;
use crate::http::{Pages, ready};
use crate::runtime::DiskHealth;

impl Status {
    pub(in crate::http) fn of(pages: &Pages, seen: &Seen, tally: Tally) -> Self {
        let not_ready_because = ready::reasons(pages, Ok(seen));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: pages.about.name.clone(),
            address: pages.about.address.to_string(),
            born: seen.tree.id.born.0,
            incarnation: start(seen.tree.incarnation),
            started: ms(pages.started_at),
            uptime_seconds: pages.started.elapsed().as_secs(),
            ready: not_ready_because.is_empty(),
            not_ready_because,
            draining: *pages.draining.borrow(),
            tree: tree(seen),
            loads: loads(seen),
            links: links(seen),
            streams: streams(seen),
            floors: floors(seen),
            behind: behind(seen),
            uncounted: seen.uncounted.iter().map(ToString::to_string).collect(),
            totals: totals(seen),
            users: Users {
                registered: seen.users as u64,
                registering: seen.rounds_of_names as u64,
            },
            sessions: sessions(tally),
            buffers: Buffers {
                log_entries: seen.entries.len() as u64,
                log_bytes: tally.log_bytes,
                mailboxes: tally.left + tally.catching_up,
                events_waiting: seen.events as u64,
                saves_waiting: seen.unsaved,
            },
            disk: disk(&pages.disk.borrow()),
            settings: pages.about.settings.borrow().clone(),
        }
    }
}

fn start(incarnation: Incarnation) -> Start {
    Start {
        number: incarnation.number,
        nonce: format!("{:x}", incarnation.nonce),
    }
}

fn names(ids: &[ServerId]) -> Vec<String> {
    ids.iter().map(|id| id.name.to_string()).collect()
}

fn tree(seen: &Seen) -> Tree {
    let known = known(seen);
    let given_up = seen.tree.retired.keys().take(LISTED);
    Tree {
        root: seen.path.last().unwrap_or(&seen.tree.id).name.to_string(),
        parent: seen.path.first().map(|id| id.name.to_string()),
        path: names(&seen.path),
        children: names(&seen.children),
        attempt: seen.attempt.clone(),
        known: known
            .take(LISTED)
            .map(|(name, server)| {
                let known = Known {
                    address: server.address.to_string(),
                    born: server.born.0,
                };
                (name.to_string(), known)
            })
            .collect(),
        given_up: given_up.map(ToString::to_string).collect(),
    }
}

fn known(seen: &Seen) -> impl Iterator<Item = (&ServerName, &Server)> {
    let known = seen.tree.known.iter();
    known.filter(|(name, _)| !seen.tree.retired.contains_key(*name))
}

fn totals(seen: &Seen) -> Totals {
    Totals {
        path: seen.totals.path as u64,
        children: seen.totals.children as u64,
        known: known(seen).count() as u64,
        given_up: seen.tree.retired.len() as u64,
        loads: seen.totals.loads as u64,
        have: seen.have.len() as u64,
        base: seen.base.len() as u64,
        floors: seen.floors.len() as u64,
        uncounted: seen.totals.uncounted as u64,
    }
}

fn loads(seen: &Seen) -> Loads {
    let others = seen.loads.iter();
    Loads {
        own: seen.own_load,
        others: others
            .map(|load| (load.server.server.to_string(), load.clients))
            .collect(),
    }
}

fn links(seen: &Seen) -> Links {
    let servers = seen.edges.iter().map(|edge| ServerLink {
        kind: edge.kind.to_owned(),
        server: edge.server.as_ref().map(ToString::to_string),
        waiting_lines: edge.waiting.lines as u64,
        waiting_bytes: edge.waiting.bytes as u64,
    });
    Links {
        all: seen.links as u64,
        clients: seen.receivers as u64,
        servers: servers.collect(),
    }
}

fn streams(seen: &Seen) -> Streams {
    let own = Stream {
        server: seen.tree.id.name.clone(),
        incarnation: seen.tree.incarnation,
    };
    Streams {
        own: own.to_string(),
        have: numbers(&seen.have),
        base: numbers(&seen.base),
    }
}

fn numbers(vector: &Vector) -> Numbers {
    let first = vector.iter().take(LISTED);
    first
        .map(|(stream, number)| (stream.to_string(), *number))
        .collect()
}

fn floors(seen: &Seen) -> BTreeMap<String, Numbers> {
    let floors = seen.floors.iter().take(LISTED);
    floors
        .map(|(server, floor)| (server.to_string(), numbers(floor)))
        .collect()
}

fn behind(seen: &Seen) -> Numbers {
    let floors = seen.floors.iter().take(LISTED);
    floors
        .map(|(server, floor)| (server.to_string(), vector::between(floor, &seen.have)))
        .collect()
}

fn sessions(tally: Tally) -> Sessions {
    Sessions {
        catching_up: tally.catching_up,
        live: tally.live,
        left: tally.left,
        expired: tally.expired,
        out: tally.out,
    }
}

fn disk(health: &DiskHealth) -> Disk {
    match health {
        DiskHealth::Healthy => Disk {
            healthy: true,
            failing_since: None,
            error: None,
        },
        DiskHealth::Failing { since, error } => Disk {
            healthy: false,
            failing_since: Some(ms(*since)),
            error: Some(error.clone()),
        },
    }
}

fn ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_bound() {
        let stream = |number| Stream {
            server: ServerName::from("s1:1"),
            incarnation: Incarnation { number, nonce: 0 },
        };
        let vector: Vector = (0..2 * LISTED as u64).map(|n| (stream(n), n)).collect();
        assert_eq!(numbers(&vector).len(), LISTED);
    }
}

//! The properties of the protocol, of the last moment that a cluster's recordings show.

use std::collections::BTreeSet;

use regrow_model::message::client::Secret;
use regrow_model::node::{Durable, State, drain};
use regrow_model::property::{self, Kind, Property};
use regrow_model::world::Memo;
use regrow_model::world::Ways;
use regrow_model::world::server::Process;
use regrow_model::world::view::View;

use crate::edge::proven;

/// The properties that servers' states can break by themselves: of clients, the recordings of servers say too little.
const OF_SERVERS: &[&str] = &[
    "unique usernames",
    "no zombie",
    "no reservation outlives its round",
    "nothing is stranded",
    "one tree",
    "the elder reigns",
    "one identity",
    "no log has holes",
    "what a server has it knows as said",
    "streams don't fork",
    "delivery comes to rest",
    "buffers end",
    "nobody who is here expires",
    "buffers are bounded",
    "equal at rest",
    "a login is sent on once",
    "no server contradicts itself",
];

/// A server, as its recordings leave it.
pub(super) struct Last {
    /// What it remembers, unless it was stopped at once.
    pub(super) state: Option<State>,
    /// What is on its disk, and what was saved after that.
    pub(super) disks: Vec<Durable>,
    /// How much its log may hold, in messages and in bytes.
    pub(super) log_max: (usize, usize),
}

/// Whether each property that is looked at holds.
pub(super) fn properties(servers: &[Last], is_settled: bool) -> Vec<(&'static Property, bool)> {
    let processes: Vec<Option<Process>> = servers.iter().map(Last::process).collect();
    let secret: Secret = proven();
    let view = View {
        servers: processes
            .iter()
            .map(|process| process.as_ref().map(|process| &*process.state))
            .map(|state| state.filter(|state| state.halted.is_none()))
            .collect(),
        disks: servers.iter().map(|last| last.disks.first()).collect(),
        guests: Vec::new(),
        quiet: true,
        processes: processes.iter().flatten().collect(),
        users: Vec::new(),
        secrets: servers.iter().map(|_| &secret).collect(),
        links: Vec::new(),
        cut: &Ways::default(),
        stirring: processes
            .iter()
            .flatten()
            .filter(|process| process.state.halted.is_none())
            .any(|process| process.state.drain != drain::Stage::Serving),
        deserted: BTreeSet::new(),
        drawn: None,
        log_max: servers.iter().fold((0, 0), |most, last| {
            (most.0.max(last.log_max.0), most.1.max(last.log_max.1))
        }),
        has_faults: true,
        only_stops: false,
        given_up: BTreeSet::new(),
        strangers: true,
        kept_away: true,
        mailboxes_end: false,
        logs_end: false,
        patience_ends: true,
        clients_end: false,
        windows: (None, u32::MAX),
    };
    let meant = |property: &&Property| {
        let is_due = property.kind == Kind::Safety || is_settled;
        is_due && OF_SERVERS.contains(&property.name)
    };
    let all = property::ALL.iter().filter(meant);
    all.map(|property| (property, (property.holds)(&view)))
        .collect()
}

impl Last {
    /// Its process, if it runs, or has halted by itself.
    fn process(&self) -> Option<Process> {
        let mut process = Process::new(Memo::new(self.state.clone()?));
        let unsynced = self.disks.iter().skip(1).cloned();
        process.unsynced = unsynced.map(Memo::new).collect();
        Some(process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_the_properties_that_are_looked_at() {
        for name in OF_SERVERS {
            let mut all = property::ALL.iter();
            assert!(all.any(|property| property.name == *name), "{name}");
        }
    }
}

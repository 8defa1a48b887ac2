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

/// A server, as its recordings leave it.
pub(super) struct Last {
    /// What it remembers, unless it has stopped.
    pub(super) state: Option<State>,
    /// What is on its disk.
    pub(super) disk: Option<Durable>,
    /// How much its log may hold, in messages and in bytes.
    pub(super) log_max: (usize, usize),
}

/// Whether a property that is looked at holds. Of clients the recordings of servers say nothing, so those that are about
/// clients alone have nothing to break them.
pub(super) fn properties(servers: &[Last], is_settled: bool) -> Vec<(&'static Property, bool)> {
    let processes: Vec<Option<Process>> = servers
        .iter()
        .map(|last| last.state.clone().filter(|state| state.halted.is_none()))
        .map(|state| state.map(|state| Process::new(Memo::new(state))))
        .collect();
    let secret: Secret = proven();
    let view = View {
        servers: processes
            .iter()
            .map(|process| process.as_ref().map(|process| &*process.state))
            .collect(),
        disks: servers.iter().map(|last| last.disk.as_ref()).collect(),
        guests: Vec::new(),
        quiet: true,
        processes: processes.iter().flatten().collect(),
        users: Vec::new(),
        secrets: servers.iter().map(|_| &secret).collect(),
        links: Vec::new(),
        cut: Ways::default(),
        stirring: processes
            .iter()
            .flatten()
            .any(|process| process.state.drain != drain::Stage::Serving),
        deserted: BTreeSet::new(),
        drawn: None,
        log_max: servers.iter().fold((0, 0), |most, last| {
            (most.0.max(last.log_max.0), most.1.max(last.log_max.1))
        }),
        has_faults: true,
        only_stops: false,
        given_up: BTreeSet::new(),
        mailboxes_end: true,
        logs_end: false,
        patience_ends: true,
        clients_end: true,
        windows: (None, u32::MAX),
    };
    let meant = |property: &&Property| property.kind == Kind::Safety || is_settled;
    let all = property::ALL.iter().filter(meant);
    all.map(|property| (property, (property.holds)(&view)))
        .collect()
}

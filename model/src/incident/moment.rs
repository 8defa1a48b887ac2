//! The properties of the protocol, of one moment of servers that really run. Of clients, and of what is on its way, nothing
//! is known.

use std::collections::BTreeSet;

use super::Process;
use crate::message::SecretHash;
use crate::message::client::Secret;
use crate::node::{drain, rules};
use crate::property::{self, Kind, Property};
use crate::world::view::View;
use crate::world::{Memo, Ways, server};

/// The properties that servers' states can break by themselves.
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

/// Whether each property that is looked at holds of these servers, `None` for those that are down. What must hold once all
/// has come to rest is looked at only if it has.
pub fn properties(
    servers: &[Option<&Process>],
    secret: &SecretHash,
    is_settled: bool,
) -> Vec<(&'static Property, bool)> {
    let processes: Vec<Option<server::Process>> = servers
        .iter()
        .map(|process| process.map(as_in_a_world))
        .collect();
    let secret = Secret::Hashed(secret.clone());
    let settings = || servers.iter().flatten().map(|it| &it.config.delivery);
    let view = View {
        servers: processes
            .iter()
            .map(|process| process.as_ref().map(|process| &*process.state))
            .map(|state| state.filter(|state| state.halted.is_none()))
            .collect(),
        disks: servers
            .iter()
            .map(|process| process.and_then(|process| process.disks.first()))
            .collect(),
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
        log_max: (
            settings().map(|it| it.log_max).max().unwrap_or(0),
            settings().map(|it| it.log_max_bytes).max().unwrap_or(0),
        ),
        by_chance: true,
        has_faults: true,
        only_stops: false,
        can_hand_over: false,
        given_up: BTreeSet::new(),
        gave_up: false,
        strangers: true,
        kept_away: true,
        loses_disks: true,
        mailboxes_end: false,
        logs_end: false,
        patience_ends: true,
        clients_end: false,
        windows: (None, u32::MAX),
        rounds_max: (usize::MAX, usize::MAX),
        waiting_max: rules::SOUND.connection.limits,
    };
    let meant = |property: &&Property| {
        let is_due = property.kind == Kind::Safety || is_settled;
        is_due && OF_SERVERS.contains(&property.name)
    };
    let all = property::ALL.iter().filter(meant);
    all.map(|property| (property, (property.holds)(&view)))
        .collect()
}

/// The same process, as a world would have it.
fn as_in_a_world(process: &Process) -> server::Process {
    let mut twin = server::Process::new(Memo::new(process.state.clone()));
    let unsynced = process.disks.iter().skip(1).cloned();
    twin.unsynced = unsynced.map(Memo::new).collect();
    twin
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

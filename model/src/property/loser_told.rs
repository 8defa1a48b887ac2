//! Property 4, the loser is told, once per connection; nobody else is; it cannot speak under that name afterwards.

use crate::node::connection::Standing;
use crate::node::{Role, State};
use crate::world::guest::Stage;
use crate::world::view::View;

/// In every state: who is told has lost to somebody else, nobody is told twice, and no server lets anyone speak
/// under a registration that its directory doesn't hold.
pub fn holds(view: &View<'_>) -> bool {
    let told_rightly = view.guests.iter().all(|(wish, guest)| {
        let has_rival = || {
            let records = view
                .directories()
                .filter_map(|directory| directory.records.get(&wish.username));
            records
                .into_iter()
                .any(|record| record.secret != wish.secret)
        };
        (!guest.confused || wish.is_heckler()) && (guest.stage != Stage::Lost || has_rival())
    });
    told_rightly
        && view
            .live()
            .all(|(_, state)| speakers_hold_their_names(state))
}

/// Settled: every client that is connected and believes in a name can speak under it.
pub fn settled(view: &View<'_>) -> bool {
    view.believers().all(|(server, wish)| {
        let mut standings = server.links.values().filter_map(|role| match role {
            Role::Client(connection) => Some(&connection.standing),
            Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => None,
        });
        standings.any(|standing| match standing {
            Standing::User {
                username, secret, ..
            } => *username == wish.username && *secret == wish.secret,
            Standing::Stranger | Standing::Registering | Standing::Anonymous => false,
        })
    })
}

fn speakers_hold_their_names(state: &State) -> bool {
    state.links.values().all(|role| match role {
        Role::Client(connection) => match &connection.standing {
            Standing::User {
                username,
                registration,
                ..
            } => {
                let record = state.durable.registry.records.get(username);
                record.is_some_and(|record| record.registration == *registration)
            }
            Standing::Stranger | Standing::Registering | Standing::Anonymous => true,
        },
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => true,
    })
}

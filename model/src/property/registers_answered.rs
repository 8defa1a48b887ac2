//! Property 6, every REGISTER is answered while its connection lasts, without waiting for a repair, whatever else
//! crashes; no reservation outlives its round, its origin or its link; and no server has more of them than there is room for, nor
//! more that waits behind a REGISTER.

use crate::client::Stage;
use crate::client::identity::Claim;
use crate::message::Request;
use crate::message::server::Lock;
use crate::node::connection::{Connection, Standing};
use crate::node::registry::round::Upstream;
use crate::node::{Role, State};
use crate::port::Link;
use crate::world::guest;
use crate::world::user::Seat;
use crate::world::view::View;

/// In every state: a server holds a record of a name or reservations, never both; a round's origin reserves the name
/// for nobody else, and its client is still there; every other reservation came over an edge that still stands.
pub fn holds(view: &View<'_>) -> bool {
    let (most, most_own) = view.rounds_max;
    view.live().all(|(_, state)| {
        let rounds = &state.registry.rounds;
        let has_room = rounds.len() <= most && state.registry.asking.len() <= most_own;
        let has_room = has_room && clients(state).all(|client| is_waiting_bounded(view, client));
        has_room
            && rounds.iter().all(|(lock, round)| {
                let is_given_away = state.durable.registry.records.contains_key(&lock.username);
                let stands = match round.upstream {
                    Upstream::Client(link) => is_alone(state, lock) && waits(state, link),
                    Upstream::Server(link) => state.edges().any(|edge| edge == link),
                };
                !is_given_away && stands
            })
    })
}

fn clients(state: &State) -> impl Iterator<Item = &Connection> {
    state.links.values().filter_map(|role| match role {
        Role::Client(connection) => Some(&**connection),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => None,
    })
}

fn is_waiting_bounded(view: &View<'_>, client: &Connection) -> bool {
    let said = client.waiting.iter().filter_map(|request| match request {
        Request::Activity { activity, .. } => Some(activity.as_str().len()),
        Request::Register { .. }
        | Request::Login { .. }
        | Request::Logout
        | Request::Got { .. }
        | Request::Invalid { .. } => None,
    });
    let limits = &view.waiting_max;
    client.waiting.len() <= limits.waiting && said.sum::<usize>() <= limits.waiting_bytes
}

/// Settled: nobody waits, and nothing is reserved.
pub fn settled(view: &View<'_>) -> bool {
    let nobody_waits = view
        .guests
        .iter()
        .all(|(_, guest)| guest.stage != guest::Stage::Asking);
    let users = &view.users;
    view.quiet
        && nobody_waits
        && users
            .iter()
            .all(|(_, seat)| !asks(seat) || view.is_stranded(seat))
        && view
            .live()
            .all(|(_, state)| state.registry.rounds.is_empty())
}

/// Whether a user's client doesn't know yet whether the name is its user's, and goes on asking.
fn asks(seat: &Seat) -> bool {
    seat.process.as_ref().is_some_and(|process| {
        let identity = process.state.identity.as_ref();
        let claim = identity.map(|identity| &identity.claim);
        let is_open = matches!(claim, Some(Claim::Wanted | Claim::Doubtful { .. }));
        is_open && process.state.stage != Stage::Idle
    })
}

fn waits(state: &State, link: Link) -> bool {
    match state.links.get(&link) {
        Some(Role::Client(connection)) => connection.standing == Standing::Registering,
        Some(Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving)
        | None => false,
    }
}

fn is_alone(state: &State, lock: &Lock) -> bool {
    let same = |other: &&Lock| other.username == lock.username;
    state.registry.rounds.keys().filter(same).count() == 1
}

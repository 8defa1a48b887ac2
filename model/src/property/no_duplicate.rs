//! Property 9: a client of ours hears each message once; a legacy client within a connection.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| !seat.hearing.faults.contains(&Fault::Repeat))
}

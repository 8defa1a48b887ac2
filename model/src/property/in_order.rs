//! Property 8: everyone hears everyone else in order, without holes that it has not been told of; a legacy client within a connection, and after a break
//! from an earlier point on.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| !seat.hearing.faults.contains(&Fault::Hole))
}

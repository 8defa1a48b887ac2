//! Property 10: what is heard was said, by the user whose name it bears.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| !seat.hearing.faults.contains(&Fault::Creation))
}

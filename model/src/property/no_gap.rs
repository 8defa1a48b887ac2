//! Property 11, while every bound is far: nobody is told that something is lost.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| !seat.hearing.faults.contains(&Fault::Gap))
}

//! Property 11, while every bound is far: nobody is told that something is lost. With two clients of one user the guarantee is
//! the user's: what one of them has heard need not be kept for the other.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(user, seat)| {
        let same = view
            .users
            .iter()
            .filter(|(other, _)| other.name() == user.name());
        !seat.hearing.faults.contains(&Fault::Gap) || same.count() > 1
    })
}

//! Property 8: everyone hears everyone else in order, without holes that it has not been told of; a legacy client within a connection, and after a break
//! from an earlier point on; one that is `anonymous` comes as somebody new. A legacy client can't be told: in a world drawn by chance, where others
//! may be told of what nobody kept for them ([`no_gap`](super::no_gap)), it has the hole alone.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(user, seat)| {
        view.may_miss_unawares(user) || !seat.hearing.faults.contains(&Fault::Hole)
    })
}

//! Property 25: a client of ours that comes back takes its turn. Cut off, it dials the server that it has lost first, and soon; shown out or refused, that server last,
//! and later; and never sooner than its profile says. Otherwise a server that errs, or doesn't know a name, would be dialed without end by
//! everyone whom it has shown out, and as soon each time. Whether a step keeps to it is seen when it is taken.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| !seat.hearing.faults.contains(&Fault::OutOfTurn))
}

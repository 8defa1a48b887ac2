//! Property 2, no double success: while the tree is whole and no edge changes during the rounds, two clients never
//! both hear REGISTER_SUCCESS for one name. Nor does one hear it in such a round for a name that somebody had already.

use crate::world::view::View;

/// Whether nobody was given a name that was somebody's.
pub fn holds(view: &View<'_>) -> bool {
    view.guests.iter().all(|(_, guest)| !guest.doubled)
}

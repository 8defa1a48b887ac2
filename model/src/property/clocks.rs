//! Property 22, clocks don't matter: skew, jumps and equal stamps change which of several claims wins, never that
//! one does. A name that was refused to all who asked for it would have gone to nobody.

use crate::world::guest::Stage;
use crate::world::view::View;

/// Whether of those who asked for a name, somebody got it, still waits, or didn't stay to hear the answer.
pub fn holds(view: &View<'_>) -> bool {
    let guests = || view.guests.iter();
    guests().all(|(wish, _)| {
        let mut asked = guests()
            .filter(|(other, guest)| other.username == wish.username && guest.stage != Stage::Idle)
            .peekable();
        asked.peek().is_none() || asked.any(|(_, guest)| guest.stage != Stage::Refused)
    })
}

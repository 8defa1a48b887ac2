//! Property 10: what is heard was said, by the user whose name it bears; and so much is lost as is said to be.

use crate::world::hearing::Fault;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| {
        let faults = &seat.hearing.faults;
        !faults.contains(&Fault::Creation) && !faults.contains(&Fault::Miscount)
    })
}

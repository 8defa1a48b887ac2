//! Property 23: a server that has been stopped has on its disk every message, session and name that it has; and if it was
//! told that it has handed over, so has another server.

use crate::node::delivery::vector;
use crate::node::{Durable, Halt};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    view.processes.iter().all(|process| {
        let state = &process.state;
        let handed_over = matches!(state.halted, Some(Halt::Drained { handed_over: true }));
        let own = &state.durable;
        let others = || {
            let disks = view.disks.iter().flatten();
            disks.filter(|disk| disk.tree.id != own.tree.id)
        };
        let mut own_disk = view.disks.iter().flatten();
        let is_kept = own_disk.any(|disk| disk.tree.id == own.tree.id && has_all(disk, own));
        // It isn't known outside that it has left before that is on disk.
        let mut unsynced = process.unsynced.iter();
        let is_kept = is_kept || unsynced.any(|save| has_all(save, own));
        let has_left = matches!(state.halted, Some(Halt::Drained { .. }));
        (!has_left || is_kept) && (!handed_over || others().any(|disk| has_all(disk, own)))
    })
}

/// Where one server is stopped, nothing else goes wrong, and it waits for as long as it takes: whether it has handed over, if it knew
/// anybody.
pub fn hands_over(view: &View<'_>) -> bool {
    let mut states = view.processes.iter().map(|process| &process.state);
    !view.can_hand_over
        || states.all(|state| {
            let has_left_alone = Halt::Drained { handed_over: false };
            let knows_others = state.durable.tree.known.len() > 1;
            state.halted.as_ref() != Some(&has_left_alone) || !knows_others
        })
}

fn has_all(disk: &Durable, left: &Durable) -> bool {
    vector::covers(&disk.delivery.log.have, &left.delivery.log.have)
        && vector::covers(&disk.delivery.book.vector, &left.delivery.book.vector)
        && vector::covers(&disk.registry.vector, &left.registry.vector)
}

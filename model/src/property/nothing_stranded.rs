//! Property 23: a server that has been stopped, and has been told that it has handed over, keeps nothing to itself: another
//! server has on its disk every message, session and name that it has.

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
        !handed_over || others().any(|disk| has_all(disk, own))
    })
}

fn has_all(disk: &Durable, left: &Durable) -> bool {
    vector::covers(&disk.delivery.log.have, &left.delivery.log.have)
        && vector::covers(&disk.delivery.book.vector, &left.delivery.book.vector)
        && vector::covers(&disk.registry.vector, &left.registry.vector)
}

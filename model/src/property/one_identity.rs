//! Property 17, one identity: of two processes with one identity at most one is in, once they can reach each other's
//! tree.

use std::collections::BTreeSet;

use crate::node::Halt;
use crate::world::view::View;

/// Whether no part has two live servers of one name.
pub fn holds(view: &View<'_>) -> bool {
    view.parts().iter().all(|part| {
        let mut names = BTreeSet::new();
        part.iter()
            .filter_map(|server| view.servers[*server])
            .all(|state| names.insert(&state.id().name))
    })
}

/// Whether every process that has stopped for another one of its name has left the name to one that runs. So a server that has lost
/// its disk isn't stopped by what others know of its former starts, where they all know the same: it takes a later number once.
pub fn goes_on(view: &View<'_>) -> bool {
    let is_superseded = |halt: &Option<Halt>| matches!(halt, Some(Halt::Superseded { .. }));
    let states = || view.processes.iter().map(|process| &process.state);
    let mut stopped = states().filter(|state| is_superseded(&state.halted));
    view.by_chance
        || stopped.all(|stopped| {
            let mut running = states().filter(|state| state.halted.is_none());
            running.any(|running| running.id().name == stopped.id().name)
        })
}

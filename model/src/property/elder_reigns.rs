//! Property 14, the elder reigns: settled, the root of every part is the eldest live server in it.

use crate::world::view::View;

/// Whether every server's root is the eldest of those that it can reach.
pub fn holds(view: &View<'_>) -> bool {
    view.parts().iter().all(|part| {
        let states = || part.iter().filter_map(|server| view.servers[*server]);
        let eldest = states().map(|state| state.id()).min();
        states().all(|state| Some(state.root()) == eldest)
    })
}

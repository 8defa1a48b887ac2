//! Property 17, one identity: of two processes with one identity at most one is in, once they can reach each other's
//! tree.

use std::collections::BTreeSet;

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

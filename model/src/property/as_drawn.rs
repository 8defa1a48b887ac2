//! Property 14, second half: the report's figures come out as drawn.

use crate::world::view::View;

/// Whether each live server has the parent that the figure gives it. Numbers count from 1; 0 is for the root and the dead.
pub fn holds(view: &View<'_>, drawn: &[usize]) -> bool {
    view.live().all(|(index, server)| {
        let parent = server.tree.path().first();
        let number = parent
            .and_then(|parent| view.live().find(|(_, other)| other.id() == parent))
            .map(|(index, _)| index + 1);
        parent.is_some() == number.is_some() && number.unwrap_or(0) == drawn[index]
    })
}

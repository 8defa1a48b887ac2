//! Property 19, of delivery: when everything has come to rest, every server has the same of each stream and knows the same
//! of each session: which login, in which phase, who has heard how far, and by which changes.

use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut all = view.live().map(|(_, state)| {
        let delivery = &state.durable.delivery;
        (&delivery.log.have, &delivery.book.sessions)
    });
    let first = all.next();
    !view.cut.is_empty() || all.all(|other| Some(other) == first)
}

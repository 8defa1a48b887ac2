//! Property 19, of delivery: when everything has come to rest, every server has the same of each stream and knows the same
//! of each session.

use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut all = view.live().map(|(_, state)| {
        let delivery = &state.durable.delivery;
        let sessions = delivery
            .book
            .sessions
            .iter()
            .map(|(registration, session)| (registration, &session.version, session.phase));
        (&delivery.log.have, sessions.collect::<Vec<_>>())
    });
    let first = all.next();
    !view.cut.is_empty() || all.all(|other| Some(other) == first)
}

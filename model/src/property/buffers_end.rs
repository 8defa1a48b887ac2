//! Property 12: when everything has come to rest and nobody is away, nothing is kept; and no log is ever longer than its
//! bound.

use crate::message::server::Phase;
use crate::world::view::View;

/// Whether nothing is kept, when everyone is back.
pub fn settled(view: &View<'_>) -> bool {
    let sessions = view
        .live()
        .flat_map(|(_, state)| &state.durable.delivery.book.sessions);
    let away = sessions
        .into_iter()
        .any(|(_, session)| session.phase == Phase::Left);
    !view.is_whole()
        || away
        || view
            .live()
            .all(|(_, state)| state.durable.delivery.log.entries.is_empty())
}

/// Whether every log is within its bound.
pub fn holds(view: &View<'_>, log_max: usize) -> bool {
    let mut logs = view
        .live()
        .map(|(_, state)| state.durable.delivery.log.entries.len());
    logs.all(|length| length <= log_max)
}

//! Property 12: when everything has come to rest and nobody is away, nothing is kept; and no log is ever longer than its
//! bound.

use crate::client::Ask;
use crate::message::server::Phase;
use crate::world::user::{Seat, User, Wish};
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

/// Whether nothing is kept for users who have logged out.
pub fn logged_out(view: &View<'_>) -> bool {
    let sessions = || {
        view.live()
            .flat_map(|(_, state)| &state.durable.delivery.book.sessions)
    };
    !view.is_whole()
        || view
            .users
            .iter()
            .filter(|(user, seat)| has_logged_out(user, seat))
            .all(|(user, _)| {
                let mut own = sessions()
                    .filter(|(_, session)| session.client.as_ref() == Some(&user.client.client));
                own.all(|(_, session)| session.phase == Phase::Out)
            })
}

fn has_logged_out(user: &User, seat: &Seat) -> bool {
    let last = user.wishes[..seat.wished].last();
    matches!(last, Some(Wish::Then(Ask::Logout) | Wish::Ask(Ask::Logout)))
}

/// Whether every log is within its bound.
pub fn holds(view: &View<'_>, log_max: usize) -> bool {
    let mut logs = view
        .live()
        .map(|(_, state)| state.durable.delivery.log.entries.len());
    logs.all(|length| length <= log_max)
}

//! Property 11: whoever was logged in when a message reached its server, or was known where it passed, has heard it, or has
//! been told how much is lost; and what a client of ours says, everyone has at last. What was never acknowledged is lost with the last
//! server that had it in memory, if its speaker has died meanwhile, or has lost its name: nobody can offer it again. In a world drawn by chance a legacy
//! client may miss, as in [`in_order`](super::in_order), what nobody kept for it: it can't be told.

use crate::client::{Kind, Phase, Stage};
use crate::world::user::{Seat, User};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    !view.cut.is_empty()
        || view.live().next().is_none()
        || view.users.iter().enumerate().all(|(index, (user, seat))| {
            let ours = user.client.kind == Kind::Ours;
            let is_gone = |speaker, index| is_gone(view, speaker, index);
            let hears = seat.hearing.is_paid(is_gone)
                || is_heard_for(view, user, seat)
                || view.may_miss_unawares(user);
            let is_heard = !ours || !view.is_whole() || has_been_heard(seat);
            !is_logged_in(seat) || view.is_shown_out(index) || (hears && is_heard)
        })
}

/// Whether a user's client is connected, and accepted.
pub fn is_logged_in(seat: &Seat) -> bool {
    let Some(process) = &seat.process else {
        return false;
    };
    match &process.state.stage {
        Stage::Connected(connection) => match connection.phase {
            Phase::Live { .. } | Phase::Plain => true,
            Phase::Registering | Phase::LoggingIn => false,
        },
        Stage::Idle | Stage::Waiting | Stage::Dialing(_) => false,
    }
}

/// Whether a message that was never acknowledged is nowhere any more: no server has, or ever had, it in what it remembers or would
/// find on its disk, and its speaker doesn't keep it.
fn is_gone(view: &View<'_>, speaker: usize, index: u64) -> bool {
    let (user, seat) = view.users[speaker];
    let Some((sender, k)) = user.says_as(index) else {
        return false;
    };
    let is_kept = seat.process.as_ref().is_some_and(|process| {
        let config = user.starts().nth(process.start);
        let memory = &process.state.memory;
        // Whoever has quit offers nothing.
        process.state.identity.is_some()
            && config.map(|it| memory.client(&it.client)).as_ref() == Some(&sender.client)
            && memory.user.as_ref() == Some(&sender.username)
            && k <= memory.last()
    });
    user.client.kind == Kind::Ours
        && !view.clients_end
        && seat.hearing.safe < index
        && !is_kept
        && view.logs().all(|log| log.said(&sender) < k)
}

/// A legacy client that has come back begins where its user is known to have heard: another client of that user may have
/// heard for it what was said before that.
fn is_heard_for(view: &View<'_>, user: &User, seat: &Seat) -> bool {
    let has_returned = seat.process.as_ref().is_some_and(|it| it.start > 0);
    let others = view
        .users
        .iter()
        .filter(|(other, it)| other.name() == user.name() && !std::ptr::eq(&***it, seat));
    user.client.kind == Kind::Legacy
        && has_returned
        && others
            .into_iter()
            .any(|(_, other)| seat.hearing.is_paid_with(&other.hearing))
}

fn has_been_heard(seat: &Seat) -> bool {
    let mut process = seat.process.iter();
    process.all(|process| process.state.memory.said.is_empty())
}

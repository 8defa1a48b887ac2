//! Property 11: whoever was logged in when a message reached its server, or was known where it passed, has heard it, or has
//! been told that it is lost; and what a client of ours says, everyone has at last.

use crate::client::{Kind, Phase, Stage};
use crate::world::hearing::Fault;
use crate::world::user::Seat;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    !view.cut.is_empty()
        || view.live().next().is_none()
        || view.users.iter().all(|(user, seat)| {
            let ours = user.client.kind == Kind::Ours;
            !is_logged_in(seat)
                || (has_heard(seat) && (!ours || !view.is_whole() || has_been_heard(seat)))
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

fn has_heard(seat: &Seat) -> bool {
    let told = |fault| seat.hearing.faults.contains(&fault);
    let excused = told(Fault::Gap) || told(Fault::Expired);
    excused || seat.hearing.of.iter().all(|heard| heard.is_paid())
}

fn has_been_heard(seat: &Seat) -> bool {
    let mut process = seat.process.iter();
    process.all(|process| process.state.memory.said.is_empty())
}

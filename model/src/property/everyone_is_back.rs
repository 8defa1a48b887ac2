//! Property 11: settled, every user of a client of ours who didn't ask to leave, and hasn't lost its name to somebody else, is
//! logged in somewhere. A client that gave up
//! a name that is its user's, or that doesn't dial again, hears nothing and is owed nothing: no other property sees it.

use crate::client::{Ask, Kind};
use crate::message::client::Secret;
use crate::world::user::{Seat, User, Wish};
use crate::world::view::View;

use super::no_loss::is_logged_in;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    !view.cut.is_empty()
        || view.live().next().is_none()
        || view.users.iter().all(|(user, seat)| {
            !wants_to_be_here(user, seat) || is_logged_in(seat) || has_lost(view, user)
        })
}

/// Whether somebody else holds the name that a user registered.
fn has_lost(view: &View<'_>, user: &User) -> bool {
    let claims = user.wishes.iter().filter_map(|wish| match wish {
        Wish::Ask(Ask::Register { username, secret }) => Some((username, secret)),
        Wish::Ask(_) | Wish::Then(_) | Wish::Die | Wish::Start(_) => None,
    });
    let mut claims = claims.into_iter();
    claims.any(|(username, secret)| {
        let mut records = view
            .directories()
            .filter_map(|directory| directory.records.get(username));
        records.any(|record| Secret::Hashed(record.secret.clone()) != *secret)
    })
}

/// Whether a user's last wish that says so was to be logged in.
fn wants_to_be_here(user: &User, seat: &Seat) -> bool {
    let so_far = user.wishes[..seat.wished].iter().rev();
    let last = so_far.filter_map(|wish| match wish {
        Wish::Ask(ask) | Wish::Then(ask) => match ask {
            Ask::Register { .. } | Ask::Login { .. } => Some(true),
            Ask::Logout | Ask::Quit => Some(false),
            Ask::Say(_) | Ask::Move { .. } => None,
        },
        Wish::Die | Wish::Start(_) => Some(false),
    });
    let mut last = last.take(1);
    let ours = |start: usize| {
        let kind = user.starts().nth(start).map(|config| config.kind);
        kind == Some(Kind::Ours)
    };
    let process = seat.process.as_ref();
    process.is_some_and(|process| ours(process.start)) && last.any(|wants| wants)
}

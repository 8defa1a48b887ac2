//! Property 11: settled, every user of a client of ours who didn't ask to leave, and wasn't refused its name nor lost it to
//! somebody else, is logged in somewhere, if it knows a server that runs, and with our extension. A client that gave up
//! a name that is its user's, or that doesn't dial again, hears nothing and is owed nothing: no other property sees it. Who registered a name twice,
//! for the first server crashed before it could answer, may lose the second registration to a rival and give up, and then the first one comes back.

use crate::client::{Ask, Kind, Phase, Stage};
use crate::message::Username;
use crate::message::client::Secret;
use crate::message::server::Record;
use crate::world::user::{Seat, User, Wish};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    !view.cut.is_empty()
        || view.live().next().is_none()
        || view.users.iter().all(|(user, seat)| {
            !wants_to_be_here(user, seat)
                || is_live(seat)
                || has_lost(view, user)
                || was_refused(view, user, seat)
                || view.is_stranded(seat)
        })
}

/// Whether a client's server speaks our extension with it.
fn is_live(seat: &Seat) -> bool {
    let process = seat.process.as_ref();
    process.is_some_and(|process| match &process.state.stage {
        Stage::Connected(connection) => matches!(connection.phase, Phase::Live { .. }),
        Stage::Idle | Stage::Waiting | Stage::Dialing(_) => false,
    })
}

/// Whether somebody else holds the name that a user registered.
fn has_lost(view: &View<'_>, user: &User) -> bool {
    claims(user).any(|(username, secret)| {
        let mut records = view.records(username);
        records.any(|record| !is_proof(secret, record))
    })
}

/// Whether a user was refused the name that it asked for, because of a rival, and truly has it nowhere: it may be free again
/// since. Or has it, but had lost another registration of it, as the rival has.
fn was_refused(view: &View<'_>, user: &User, seat: &Seat) -> bool {
    let process = seat.process.as_ref();
    let has_given_up = process.is_some_and(|process| process.state.stage == Stage::Idle);
    let has_it = claims(user).any(|(username, secret)| {
        let mut records = view.records(username);
        records.any(|record| is_proof(secret, record))
    });
    let lost_twice = view.directories().any(|directory| {
        let lost = directory.lost.values();
        let own = lost.filter(|lost| claims(user).any(|(username, _)| username == *lost));
        own.count() > 1
    });
    has_rival(view, user) && has_given_up && (lost_twice || !seat.logged_in && !has_it)
}

/// Whether somebody else asks for the same name.
fn has_rival(view: &View<'_>, user: &User) -> bool {
    let mut others = view.users.iter().flat_map(|(other, _)| claims(other));
    others.any(|(other, secret)| claims(user).any(|(own, proof)| own == other && proof != secret))
}

/// The names that a user registers, and what proves them.
fn claims(user: &User) -> impl Iterator<Item = (&Username, &Secret)> {
    user.wishes.iter().filter_map(|wish| match wish {
        Wish::Ask(Ask::Register { username, secret }) => Some((username, secret)),
        Wish::Ask(_) | Wish::Then(_) | Wish::Die | Wish::Start(_) => None,
    })
}

fn is_proof(secret: &Secret, record: &Record) -> bool {
    Secret::Hashed(record.secret.clone()) == *secret
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

//! Property 12: when everything has come to rest and nobody is away, nothing is kept; where mailboxes end, nor is it for
//! those who are away. No log is ever longer than its bound, nor is
//! more on its way over a link. Nobody expires who is here.

use std::collections::BTreeSet;

use super::no_loss;
use crate::client::Ask;
use crate::message::server::Phase;
use crate::message::{Line, Peer, Registration};
use crate::node::State;
use crate::node::delivery::log::Entry;
use crate::world::link::End;
use crate::world::user::{Seat, User, Wish};
use crate::world::view::View;

/// Whether nothing is kept, when everyone is back or mailboxes end.
pub fn settled(view: &View<'_>) -> bool {
    let sessions = view
        .live()
        .flat_map(|(_, state)| &state.durable.delivery.book.sessions);
    let mut left = sessions
        .into_iter()
        .filter(|(_, session)| session.phase == Phase::Left);
    let present = present(view);
    !view.all_counted_run()
        || (!view.mailboxes_end && left.any(|(registration, _)| !present.contains(registration)))
        || view
            .live()
            .all(|(_, state)| state.durable.delivery.log.entries.is_empty())
}

/// Whether everyone who is logged in somewhere is known to be, and has caught up.
pub fn nobody_misplaced(view: &View<'_>) -> bool {
    let present = present(view);
    let mut sessions = view
        .live()
        .flat_map(|(_, state)| &state.durable.delivery.book.sessions);
    !view.is_whole()
        || sessions.all(|(registration, session)| {
            matches!(session.phase, Phase::Live | Phase::Out) || !present.contains(registration)
        })
}

/// The registrations of the users that are logged in.
fn present(view: &View<'_>) -> BTreeSet<Registration> {
    let logged_in = view
        .users
        .iter()
        .filter(|(_, seat)| no_loss::is_logged_in(seat));
    let names = logged_in.filter_map(|(user, seat)| user.voice(seat.wished).name);
    let registrations = names.filter_map(|(name, _)| {
        let (_, state) = view.live().next()?;
        let record = state.durable.registry.records.get(name)?;
        Some(record.registration.clone())
    });
    registrations.collect()
}

/// Whether nothing is kept for users who have logged out. A LOGOUT that crosses a REDIRECT isn't heard: the server has let go of its
/// client, and waits for it elsewhere.
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
            .all(|(user, seat)| {
                let mut own = sessions()
                    .filter(|(_, session)| session.client.as_ref() == Some(&user.client.client));
                own.all(|(_, session)| {
                    session.phase == Phase::Out || session.sent_on > seat.sent_on
                })
            })
}

/// Whether nothing is kept for registrations that have lost their names. Their homes see to it.
pub fn lost(view: &View<'_>) -> bool {
    let homes: BTreeSet<_> = view.live().map(|(_, state)| &state.id().name).collect();
    !view.is_whole()
        || view.live().all(|(_, state)| {
            let mut sessions = state.durable.delivery.book.sessions.iter();
            sessions.all(|(registration, session)| {
                session.phase == Phase::Out
                    || !homes.contains(&session.version.home.server)
                    || !has_lost(state, registration)
            })
        })
}

fn has_lost(state: &State, registration: &Registration) -> bool {
    let change = (registration.origin.clone(), registration.number);
    state.durable.registry.lost.contains_key(&change)
}

fn has_logged_out(user: &User, seat: &Seat) -> bool {
    let last = user.wishes[..seat.wished].last();
    matches!(last, Some(Wish::Then(Ask::Logout) | Wish::Ask(Ask::Logout)))
}

/// Whether no session has expired on a server where its user is.
pub fn nobody_here_expires(view: &View<'_>) -> bool {
    view.live().all(|(_, state)| {
        let sessions = &state.durable.delivery.book.sessions;
        let mut here = state.delivery.present.keys();
        here.all(|user| {
            let session = sessions.get(user);
            session.is_none_or(|session| session.phase != Phase::Expired)
        })
    })
}

/// Whether it will be forgotten how far each client is, if nothing more is heard of it: where clients end. And of nobody else.
pub fn clients_age(view: &View<'_>) -> bool {
    !view.clients_end
        || view.live().all(|(_, state)| {
            let delivery = &state.durable.delivery;
            state.delivery.clients.whose().eq(delivery.log.said.keys())
        })
}

/// Whether every log is within these bounds: so many messages, so many bytes; and its server knows how long it is.
pub fn holds(view: &View<'_>, (messages, bytes): (usize, usize)) -> bool {
    view.live().all(|(_, state)| {
        let entries = &state.durable.delivery.log.entries;
        let length: usize = entries.values().map(Entry::bytes).sum();
        state.delivery.log_bytes == length && entries.len() <= messages && length <= bytes
    })
}

/// Whether no more is on its way over a link than the windows allow, and credit is granted by half windows, not line by line.
pub fn in_flight(view: &View<'_>) -> bool {
    let (lines, chunks) = view.windows;
    let mut ends = view.links.iter().flat_map(|link| &link.ends);
    ends.all(|end| {
        let within =
            |most: u32, counts: fn(&Peer) -> bool| on_its_way(end, counts) <= most as usize;
        let grants = end.inbox.iter().all(|line| match &**line {
            Line::Peer(Peer::DeliveryCredit { lines: granted }) => {
                lines.is_some_and(|most| is_half(*granted, most))
            }
            Line::Peer(Peer::DirectoryCredit { chunks: granted }) => is_half(*granted, chunks),
            Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => true,
        });
        let is_within =
            lines.is_none_or(|lines| within(lines, takes_line)) && within(chunks, takes_chunk);
        is_within && grants
    })
}

fn is_half(granted: u32, window: u32) -> bool {
    granted.saturating_mul(2) >= window
}

fn on_its_way(end: &End, counts: fn(&Peer) -> bool) -> usize {
    let counted = end.inbox.iter();
    let counted = counted.filter(|line| matches!(&***line, Line::Peer(peer) if counts(peer)));
    counted.count()
}

fn takes_line(peer: &Peer) -> bool {
    matches!(
        peer,
        Peer::Sessions(_) | Peer::Skip(_) | Peer::ActivityBroadcast(_)
    )
}

/// A record that runs ahead of its stream is rare and takes no credit.
fn takes_chunk(peer: &Peer) -> bool {
    matches!(peer, Peer::Directory(changes) if changes.after < changes.upto)
}

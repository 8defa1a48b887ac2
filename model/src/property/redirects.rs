//! Property 18: redirects end and lose nothing. Nobody is sent on without end; whoever wants to be logged in is, at last; then
//! every server knows how many are on each, and none sends anybody to one that is gone. What a redirect must not lose is what properties 8 to 11 say.

use crate::message::{Line, Peer, Reply, ServerName};
use crate::node::Role;
use crate::node::State;
use crate::node::drain::Stage;
use crate::port::Link;
use crate::world::user::Seat;
use crate::world::view::View;

use super::no_loss::is_logged_in;

/// Whether no login has been sent on by a server that knew that it had been sent on before.
pub fn once(view: &View<'_>) -> bool {
    let mut servers = view.live();
    servers.all(|(_, state)| {
        let mut sessions = state.durable.delivery.book.sessions.values();
        sessions.all(|session| session.sent_on <= 1)
    })
}

/// Whether nobody has been sent on more often than there are servers, and no server that is being stopped has waited its patience out where
/// all that it waits for comes in time.
pub fn end(view: &View<'_>) -> bool {
    let servers = view.servers.len();
    let mut seats = view.users.iter().map(|(_, seat)| seat);
    let has_waited = |server: &State| server.drain == Stage::Draining { patience: Some(0) };
    seats.all(|seat| usize::from(seat.sent_on) <= servers)
        && !(view.only_stops && view.live().any(|(_, server)| has_waited(server)))
}

/// Settled: whether all who want to be logged in are, and every server knows the loads.
pub fn arrive(view: &View<'_>) -> bool {
    let seats = || view.users.iter().map(|(_, seat)| *seat);
    let here = seats().filter(|seat| is_logged_in(seat)).count() as u64;
    let counted: u64 = view.live().map(|(_, server)| server.balance.clients).sum();
    counted == here
        && is_said(view)
        && seats().all(|seat| !wants_to_be(seat) || is_logged_in(seat))
        && (!view.only_stops || seats().all(|seat| !is_left_standing(seat)))
        && view.live().all(|(_, server)| {
            server.balance.clients == logged_in(server)
                && knows_others(view, server)
                && knows_who_is_gone(view, server)
        })
}

/// Whether every load has been said and heard, and nobody has still to learn that somebody is gone or shall go.
fn is_said(view: &View<'_>) -> bool {
    let mut ends = view.links.iter().flat_map(|link| &link.ends);
    let moves = |line: &Line| {
        matches!(
            line,
            Line::Peer(Peer::ServerAnnounce { .. }) | Line::Reply(Reply::Redirect { .. })
        )
    };
    !view
        .deserted
        .iter()
        .any(|(server, link)| is_heeded(view, *server, *link))
        && view.live().all(|(_, server)| !server.balance.owes)
        && ends.all(|end| !end.deaf && !end.inbox.iter().any(|line| moves(line)))
}

/// Whether a server has a client or a neighbour over a link: then it matters to loads that it goes.
fn is_heeded(view: &View<'_>, server: usize, link: Link) -> bool {
    view.servers[server].is_some_and(|state| {
        let is_client = matches!(state.links.get(&link), Some(Role::Client(_)));
        is_client || state.edges().any(|edge| edge == link)
    })
}

/// Whether a user was logged in, runs, and no longer is: nobody of these worlds leaves without dying.
fn is_left_standing(seat: &Seat) -> bool {
    seat.logged_in && seat.process.is_some() && !is_logged_in(seat)
}

fn wants_to_be(seat: &Seat) -> bool {
    let process = seat.process.as_ref();
    process.is_some_and(|process| process.state.identity.is_some())
}

/// Settled, where everyone came to one server, nobody died and nothing went wrong: whether no server has two more than another.
pub fn spread(view: &View<'_>) -> bool {
    let loads: Vec<_> = view.live().map(|(_, server)| logged_in(server)).collect();
    let most = loads.iter().max().unwrap_or(&0);
    loads.iter().all(|load| most - load <= 1)
}

fn logged_in(server: &State) -> u64 {
    let clients = server.links.values().filter(|role| match role {
        Role::Client(connection) => connection.standing.is_logged_in(),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => false,
    });
    clients.count() as u64
}

fn knows_others(view: &View<'_>, server: &State) -> bool {
    let mut others = view.live().filter(|(_, other)| other.id() != server.id());
    !view.is_whole()
        || others.all(|(_, other)| {
            let known = server.balance.others.get(&other.id().name);
            known.is_some_and(|known| known.load.clients == Some(other.balance.clients))
        })
}

/// Whether a server takes none that is gone for a place to send clients to. Of several that went at once nobody may be left who could tell
/// it.
fn knows_who_is_gone(view: &View<'_>, server: &State) -> bool {
    let gone = view.servers.iter().filter(|server| server.is_none());
    let runs = |name: &ServerName| view.live().any(|(_, other)| other.id().name == *name);
    let mut others = server.balance.others.iter();
    gone.count() > 1 || others.all(|(name, other)| other.load.clients.is_none() || runs(name))
}

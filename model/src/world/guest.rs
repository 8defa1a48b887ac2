//! A client as the check of usernames needs it: it registers a name, hears how that ends, and may return to log in.
//! It is the original client without its user; [`crate::client`] is checked in the scenarios of delivery. A *heckler* is a
//! guest that says what it may not instead.

use super::link::{Connection, Party, Phase};
use super::seen::Seen;
use super::{Memo, State, World, step, view};
use crate::message::client::Secret;
use crate::message::{Line, Peer, Reply, Request, SecretHash, Stamp, Username};
use crate::port::Link;

/// What a guest wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Want {
    /// The name.
    pub username: Username,
    /// What it will prove it with.
    pub secret: SecretHash,
    /// Where it registers, as an index.
    pub at: usize,
    /// The clock of that server then.
    pub now: Stamp,
    /// Where it logs in once its connection is gone, if it does.
    pub returns: Option<usize>,
    /// What it says behind its REGISTER, without waiting for the answer.
    pub behind: Vec<Line>,
    /// What it says instead of a REGISTER, if it is a heckler. Hecklers come one after another.
    pub heckles: Vec<Line>,
    /// Whether that is such that it isn't told why it is shown out: a complaint, or nonsense between servers.
    pub untold: bool,
}

impl Want {
    /// Whether it only wants to say what it may not.
    pub fn is_heckler(&self) -> bool {
        !self.heckles.is_empty()
    }
}

/// A guest, as far as it has got, and what it has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Guest {
    /// What it has heard last.
    pub stage: Stage,
    /// Its connection, while it has one.
    pub link: Option<usize>,
    /// The server that it is, or was last, connected to.
    pub home: usize,
    /// Whether the tree has been whole and unchanged since it asked, up to the answer.
    pub calm: bool,
    /// Whether somebody else had been given the name before it asked.
    pub rivalled: bool,
    /// Whether it was given a name that it should never have been given (property 2); this sticks.
    pub doubled: bool,
    /// Whether it was told something that nobody may be told in its place; this sticks.
    pub confused: bool,
}

/// What a guest has heard last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It hasn't asked.
    #[default]
    Idle,
    /// It waits for the answer to its REGISTER.
    Asking,
    /// REGISTER_SUCCESS: it believes in the name.
    Holding,
    /// REGISTER_FAILED.
    Refused,
    /// It had the name, and was told that it has lost it.
    Lost,
    /// Its connection broke before there was an answer.
    Unheard,
    /// A heckler has said what it had to say.
    Heckling,
    /// It was told that it may not say that.
    Rebuked,
}

impl Guest {
    /// Whether it has been given the name and not been told otherwise.
    pub fn believes(&self) -> bool {
        self.stage == Stage::Holding
    }
}

/// REGISTER, on a new connection.
pub(super) fn register(world: &World, state: &mut State, guest: usize, seen: &mut Seen) {
    let wish = &world.setup().guests[guest];
    if wish.is_heckler() {
        return heckle(world, state, guest, seen);
    }
    seen.note("guest asks");
    let rivals = rivals(world, state, guest);
    let rivalled = rivals.iter().any(|rival| state.guests[*rival].believes());
    let request = Request::Register {
        username: wish.username.clone(),
        secret: Secret::Hashed(wish.secret.clone()),
        at: wish.now,
    };
    let calm = is_calm(world, state);
    let lines = [request.into()].into_iter().chain(wish.behind.clone());
    connect(world, state, guest, wish.at, lines);
    let this = &mut state.guests[guest];
    this.stage = Stage::Asking;
    this.calm = calm;
    this.rivalled = rivalled;
}

/// A heckler says all that it has to say, on a new connection.
fn heckle(world: &World, state: &mut State, guest: usize, seen: &mut Seen) {
    seen.note("guest heckles");
    let want = &world.setup().guests[guest];
    connect(world, state, guest, want.at, want.heckles.iter().cloned());
    state.guests[guest].stage = Stage::Heckling;
}

/// Whether the hecklers before this one have gone, or wait for an answer.
pub(super) fn may_heckle(world: &World, state: &State, guest: usize) -> bool {
    let before = world.setup().guests.iter().zip(&state.guests).take(guest);
    let mut hecklers = before.filter(|(want, _)| want.is_heckler());
    hecklers.all(|(_, other)| match other.link {
        None => other.stage != Stage::Idle,
        Some(link) => state.links[link].as_ref().is_some_and(|connection| {
            let mut ends = connection.ends.iter();
            ends.all(|end| end.phase == Phase::Open && end.inbox.is_empty())
        }),
    })
}

/// LOGIN, on a new connection, by one that has the name.
pub(super) fn come_back(world: &World, state: &mut State, guest: usize, seen: &mut Seen) {
    seen.note("guest returns");
    let wish = &world.setup().guests[guest];
    let Some(server) = wish.returns else { return };
    let request = Request::Login {
        username: wish.username.clone(),
        secret: Some(Secret::Hashed(wish.secret.clone())),
        resume: None,
    };
    connect(world, state, guest, server, [request.into()]);
}

/// The guest goes without a word.
pub(super) fn leave(state: &mut State, guest: usize, seen: &mut Seen) {
    seen.note("guest leaves");
    state.faults.departures -= 1;
    close(state, guest);
    on_down(state, guest);
}

/// A line comes to the guest.
pub(super) fn on_line(
    world: &World,
    state: &mut State,
    guest: usize,
    line: &Line,
    seen: &mut Seen,
) {
    let stage = state.guests[guest].stage;
    if let Stage::Heckling | Stage::Rebuked = stage {
        return on_rebuke(&mut state.guests[guest], line);
    }
    let Line::Reply(reply) = line else { return };
    match (reply, stage) {
        (Reply::RegisterSuccess { .. }, Stage::Asking) => on_success(world, state, guest, seen),
        (Reply::RegisterFailed { .. }, Stage::Asking) => end(state, guest, Stage::Refused),
        (Reply::RegisterFailed { .. }, Stage::Holding) => {
            seen.note("loser told");
            end(state, guest, Stage::Lost);
        }
        (Reply::LoginFailed { .. }, Stage::Holding) => {
            seen.note("loser refused at login");
            end(state, guest, Stage::Lost);
        }
        // Who has the name counts as logged in: it hears what others say, and may be sent on. Who still asks may be, too, if its server
        // is being stopped and has waited for the answer for long enough.
        (Reply::LoginSuccess { .. } | Reply::Broadcast { .. }, Stage::Holding)
        | (Reply::Redirect { .. }, Stage::Holding | Stage::Asking) => {}
        (
            Reply::RegisterSuccess { .. }
            | Reply::RegisterFailed { .. }
            | Reply::LoginFailed { .. }
            | Reply::LoginSuccess { .. }
            | Reply::Redirect { .. }
            | Reply::Broadcast { .. }
            | Reply::Invalid { .. }
            | Reply::AuthenticationFail { .. }
            | Reply::Ack { .. }
            | Reply::Gap { .. },
            _,
        ) => state.guests[guest].confused = true,
    }
}

/// A heckler is told why it may not say that: once, and then nothing more.
fn on_rebuke(heckler: &mut Guest, line: &Line) {
    let is_rebuke = match line {
        Line::Reply(reply) => match reply {
            Reply::LoginFailed { .. }
            | Reply::RegisterFailed { .. }
            | Reply::Invalid { .. }
            | Reply::AuthenticationFail { .. } => true,
            Reply::LoginSuccess { .. }
            | Reply::RegisterSuccess { .. }
            | Reply::Redirect { .. }
            | Reply::Broadcast { .. }
            | Reply::Ack { .. }
            | Reply::Gap { .. } => false,
        },
        Line::Peer(peer) => matches!(peer, Peer::AuthenticationFail { .. }),
        Line::Request(_) | Line::Malformed(_) => false,
    };
    heckler.confused |= heckler.stage == Stage::Rebuked;
    if is_rebuke {
        heckler.stage = Stage::Rebuked;
    }
}

/// The guest's connection is gone.
pub(super) fn on_down(state: &mut State, guest: usize) {
    let this = &mut state.guests[guest];
    this.link = None;
    if this.stage == Stage::Asking {
        this.stage = Stage::Unheard;
    }
}

/// A fault has happened, or an edge of the tree has changed: what is being asked is no longer asked in calm.
pub(super) fn disturb(before: &State, state: &mut State, is_fault: bool) {
    let asking = |guest: &Guest| guest.stage == Stage::Asking && guest.calm;
    if !state.guests.iter().any(asking) || !(is_fault || edges_differ(before, state)) {
        return;
    }
    for guest in state.guests.iter_mut().filter(|guest| asking(guest)) {
        guest.calm = false;
    }
}

/// REGISTER_SUCCESS. Nobody may hear it in calm if another one was given the name before, or in calm, too (property 2).
fn on_success(world: &World, state: &mut State, guest: usize, seen: &mut Seen) {
    let rivals = rivals(world, state, guest);
    let mut others = rivals.iter().map(|rival| &state.guests[*rival]);
    if others.clone().any(Guest::believes) {
        seen.note("two owners of one name");
    }
    let also_calm =
        others.any(|rival| rival.calm && matches!(rival.stage, Stage::Holding | Stage::Lost));
    let this = &mut state.guests[guest];
    this.stage = Stage::Holding;
    this.doubled |= this.calm && (this.rivalled || also_calm);
}

fn end(state: &mut State, guest: usize, stage: Stage) {
    close(state, guest);
    let this = &mut state.guests[guest];
    this.stage = stage;
    this.link = None;
}

fn close(state: &mut State, guest: usize) {
    if let Some(link) = state.guests[guest].link {
        step::alter_end_of(state, link, Party::Guest(guest), Connection::leave);
    }
}

/// The other guests that want the same name.
fn rivals(world: &World, state: &State, guest: usize) -> Vec<usize> {
    let wishes = &world.setup().guests;
    let same = |other: &usize| *other != guest && wishes[*other].username == wishes[guest].username;
    (0..state.guests.len()).filter(same).collect()
}

/// A connection that is there at once, with the first lines on their way.
fn connect(
    world: &World,
    state: &mut State,
    guest: usize,
    server: usize,
    lines: impl IntoIterator<Item = Line>,
) {
    let address = world.setup().servers[server].address.clone();
    let mut connection = Connection::dialed(Party::Guest(guest), address, Party::Server(server));
    connection.ends[0].phase = Phase::Open;
    for line in lines {
        connection.send(0, Memo::new(line));
    }
    state.guests[guest].home = server;
    let link = step::lay(state, connection);
    state.guests[guest].link = Some(link);
}

/// Whether all servers run in one tree whose links are whole: every edge is held by two of them, and all but one have a
/// parent, under that one.
fn is_calm(world: &World, state: &State) -> bool {
    let view = view::View::new(world, state);
    let servers: Vec<_> = view.live().map(|(_, server)| server).collect();
    let mut edges: Vec<_> = servers.iter().flat_map(|server| server.edges()).collect();
    edges.sort_unstable();
    let is_held_by_two = edges
        .chunks(2)
        .all(|ends| ends.first() == ends.last() && ends.len() == 2);
    let roots = servers
        .iter()
        .filter(|server| server.tree.parent.is_none())
        .count();
    let is_one_tree = servers
        .windows(2)
        .all(|pair| pair[0].root() == pair[1].root());
    servers.len() == state.servers.len()
        && roots == 1
        && is_one_tree
        && edges.len() == 2 * (servers.len() - 1)
        && is_held_by_two
        && !edges.iter().any(|edge| is_breaking(state, *edge))
}

/// Whether a link is broken, or has been left by one end.
fn is_breaking(state: &State, link: Link) -> bool {
    let link = state.links.get(link.0 as usize).and_then(Option::as_ref);
    link.is_none_or(|link| {
        let mut ends = link.ends.iter();
        ends.any(|end| end.deaf || end.phase == Phase::Gone)
    })
}

/// Whether nothing is on its way that could begin or end a round, or a guest's belief.
pub(super) fn is_quiet(state: &State) -> bool {
    let asks = |from: Party, line: &Line| match line {
        Line::Request(request) => match from {
            Party::Client(_) => matches!(**request, Request::Register { .. }),
            Party::Guest(_) | Party::Server(_) => true,
        },
        Line::Peer(Peer::LockRequest(_)) => true,
        Line::Peer(_) | Line::Reply(_) | Line::Malformed(_) => false,
    };
    let mut processes = state
        .servers
        .iter()
        .filter_map(|machine| machine.process.as_ref());
    let edge_is_breaking =
        processes.any(|process| process.state.edges().any(|edge| is_breaking(state, edge)));
    let ends_before_it_begins = (0..state.links.len())
        .map(|link| Link(link as u64))
        .any(|link| is_breaking(state, link) && makes_an_edge(state, link));
    let mut links = state.links.iter().flatten();
    let is_asked = links.any(|link| {
        let from = link.ends[0].party;
        let mut waiting = link.ends.iter().flat_map(|end| &end.inbox);
        waiting.any(|line| asks(from, line))
    });
    !is_asked && !edge_is_breaking && !ends_before_it_begins
}

/// Whether what is still to come over a link makes an edge of it: a join, or its acceptance.
fn makes_an_edge(state: &State, link: Link) -> bool {
    let link = state.links.get(link.0 as usize).and_then(Option::as_ref);
    let mut ends = link.into_iter().flat_map(|link| &link.ends);
    ends.any(|end| {
        let mut lines = end.inbox.iter();
        lines.any(|line| {
            matches!(
                &**line,
                Line::Peer(Peer::Authenticate(_) | Peer::Path { .. })
            )
        })
    })
}

fn edges_differ(before: &State, after: &State) -> bool {
    let edges = |machine: &Memo<super::server::Server>| {
        let process = machine.process.as_ref()?;
        Some(process.state.edges().collect::<Vec<_>>())
    };
    let mut pairs = before.servers.iter().zip(&after.servers);
    pairs.any(|(before, after)| before != after && edges(before) != edges(after))
}

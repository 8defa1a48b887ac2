//! One step of a world: an input to one actor, and the effects that the actor asks for.

use std::collections::BTreeSet;

use stateright::actor::{Actor, Out};

use super::link::{Connection, Deed, Party, Phase};
use super::practice::{Happening, OfServer, Reaction, Want, nobody};
use super::seen::Seen;
use super::server::{Held, Process, Server};
use super::{Action, Event, Memo, State, Ways, World, conduct, guest, label, wish};
use crate::client::Kind;
use crate::message::{Address, Line, Reply};
use crate::node::registry::import::Import;
use crate::node::{Node, Order, Timer};
use crate::port::{End, Input, Link};

/// Takes a step that is possible in this state.
pub(super) fn take(world: &World, state: &mut State, action: Action, seen: &mut Seen) {
    match action {
        Action::Up { link } => up(world, state, link, seen),
        Action::Deliver { link, end } => deliver(world, state, link, end, seen),
        Action::Received { link } => received(world, state, link, seen),
        Action::Down { link, end } => down(world, state, link, end, seen),
        Action::Unreachable { party, address } => unreachable(world, state, party, address, seen),
        Action::Timer { server, timer } => {
            seen.note(label::timer(timer));
            if timer == Timer::Renew {
                state.faults.renewals -= 1;
            }
            let before = loads(state, server);
            run(world, state, server, OfServer::Timer(timer), seen);
            if loads(state, server) < before {
                seen.note("load forgotten");
            }
        }
        Action::ClientTimer { user, timer } => wish::fire(world, state, user, timer, seen),
        Action::Wish { user } => wish::come_true(world, state, user, seen),
        Action::Sync { server } => sync(world, state, server, seen),
        Action::Story => {
            let event = world.setup().story[state.told].clone();
            state.told += 1;
            befall(world, state, event, seen);
        }
        Action::Register { guest } => guest::register(world, state, guest, seen),
        Action::Return { guest } => guest::come_back(world, state, guest, seen),
        Action::Leave { guest } => guest::leave(state, guest, seen),
        Action::Cut { cut } => {
            state.faults.cuts -= 1;
            let ways = world.setup().cuts[cut].clone();
            befall(world, state, Event::Cut(ways), seen);
        }
        Action::Heal => befall(world, state, Event::Heal, seen),
        Action::Crash { server } => {
            state.faults.crashes -= 1;
            befall(world, state, Event::Crash(server + 1), seen);
        }
        Action::Restart { server } => {
            state.faults.restarts -= 1;
            befall(world, state, Event::Restart(server + 1), seen);
        }
        Action::LoseDisk { server } => {
            state.faults.lost_disks -= 1;
            befall(world, state, Event::LoseDisk(server + 1), seen);
        }
    }
}

/// Of how many others a server knows a load.
fn loads(state: &State, server: usize) -> usize {
    let process = state.servers[server].process.as_ref();
    process.map_or(0, |process| process.state.balance.others.len())
}

/// Something goes wrong, or is mended.
fn befall(world: &World, state: &mut State, event: Event, seen: &mut Seen) {
    match event {
        Event::Cut(ways) => {
            seen.note("cut");
            state.cut = std::mem::take(&mut state.cut).and(ways);
            break_links(state);
        }
        Event::Heal => {
            seen.note("heal");
            state.cut = Ways::default();
        }
        Event::Crash(server) => {
            seen.note("crash");
            stop(state, server - 1);
        }
        Event::Restart(server) => {
            seen.note("restart");
            bring(world, state, server - 1, seen);
            start(world, state, server - 1, seen);
        }
        Event::Forget { at, server } => {
            seen.note("server given up");
            let server = world.setup().servers[server - 1].name.clone();
            let order = Order::Forget { server };
            run(
                world,
                state,
                at - 1,
                OfServer::Input(Input::Ask(order)),
                seen,
            );
        }
        Event::Drain(server) => {
            seen.note("drain");
            let order = OfServer::Input(Input::Ask(Order::Drain));
            run(world, state, server - 1, order, seen);
        }
        Event::LoseDisk(server) => {
            seen.note("lost disk");
            state.servers[server - 1].alter(|machine| machine.disk = None);
        }
        Event::Blurt { server, line } => {
            seen.note("server blurts");
            blurt(state, server - 1, line);
        }
    }
}

/// A server says something to all its clients, whatever they and it are about.
fn blurt(state: &mut State, server: usize, line: Line) {
    let line = Memo::new(line);
    for connection in state.links.iter_mut().flatten() {
        let [dialer, acceptor] = &connection.ends;
        let is_client = matches!(dialer.party, Party::Client(_));
        if is_client && acceptor.party == Party::Server(server) && connection.is_open() {
            connection.alter(|connection| connection.send(1, line.clone()));
        }
    }
}

/// An operator brings names along for a server that is down. Chance shows the nonce of its last start once more, so that the number
/// alone tells the two apart.
fn bring(world: &World, state: &mut State, server: usize, seen: &mut Seen) {
    let names = &world.setup().brought;
    let machine = &state.servers[server];
    let Some(disk) = machine.disk.as_deref().filter(|_| !names.is_empty()) else {
        return;
    };
    let boot = world.setup().boot(server, machine.starts - 1);
    let mut import = Import::begin(disk.clone(), boot);
    for (username, secret, registertime) in names {
        let taken = import.take(username, secret.clone(), *registertime);
        seen.note(label::taken(taken));
    }
    let disk = Memo::new(import.durable().clone());
    state.servers[server].alter(|machine| machine.disk = Some(disk));
}

/// Starts a server with what is on its disk.
pub(super) fn start(world: &World, state: &mut State, server: usize, seen: &mut Seen) {
    let mut out = Out::new();
    let mut machine = (*state.servers[server]).clone();
    let node = world.setup().node(server, machine.starts);
    machine.starts += 1;
    let disk = machine.disk.as_deref().cloned();
    let begun = Memo::new(node.on_start(nobody(), &disk, &mut out));
    machine.process = Some(Process::new(begun.clone()));
    let reaction = Reaction::new(begun, out);
    carry_out(world, state, server, machine, &reaction, seen);
}

/// Forgets links that both parties have forgotten, and what can't matter any more.
pub(super) fn tidy(state: &mut State) {
    for slot in &mut state.links {
        if slot.as_ref().is_some_and(|connection| connection.is_over()) {
            *slot = None;
        }
    }
    while matches!(state.links.last(), Some(None)) {
        state.links.pop();
    }
}

fn up(world: &World, state: &mut State, link: usize, seen: &mut Seen) {
    let Some((party, address)) = alter_link(state, link, |connection| {
        let dialer = &mut connection.ends[0];
        match std::mem::replace(&mut dialer.phase, Phase::Open) {
            Phase::Dialing(address) => Some((dialer.party, address)),
            Phase::Ringing | Phase::Open | Phase::Gone => None,
        }
    }) else {
        return;
    };
    let input = Input::Up {
        link: Link(link as u64),
        end: End::Dialed(address),
    };
    hand(world, state, party, Happening::Input(input), seen);
}

fn deliver(world: &World, state: &mut State, link: usize, end: usize, seen: &mut Seen) {
    let (party, rings, line) = alter_link(state, link, |connection| {
        let this = &mut connection.ends[end];
        let rings = this.phase == Phase::Ringing;
        this.phase = Phase::Open;
        let (party, line) = (this.party, this.hear());
        if end == 0 && is_legacy(world, party) && connection.ends[1].phase == Phase::Open {
            connection.received.lines += 1;
        }
        (party, rings, line)
    });
    let Some(line) = line else { return };
    let link = Link(link as u64);
    if rings {
        let end = End::Accepted;
        let rings = Happening::Input(Input::Up { link, end });
        hand(world, state, party, rings, seen);
    }
    seen.note(label::line(&line));
    let more = label::why(&line).into_iter().chain(label::aside(&line));
    more.for_each(|label| seen.note(label));
    hand(world, state, party, Happening::Line { link, line }, seen);
}

/// A server hears how much a client's kernel has received.
fn received(world: &World, state: &mut State, link: usize, seen: &mut Seen) {
    seen.note("received");
    let (party, lines) = alter_link(state, link, |connection| {
        connection.received.told = connection.received.lines;
        (connection.ends[1].party, connection.received.lines)
    });
    let link = Link(link as u64);
    let received = Happening::Input(Input::Received { link, lines });
    hand(world, state, party, received, seen);
}

/// Whether this is a client of which nothing but its kernel says what it has received.
fn is_legacy(world: &World, party: Party) -> bool {
    match party {
        Party::Client(user) => world.setup().users[user].client.kind == Kind::Legacy,
        Party::Server(_) | Party::Guest(_) => false,
    }
}

fn down(world: &World, state: &mut State, link: usize, end: usize, seen: &mut Seen) {
    let (party, known) = alter_link(state, link, |connection| {
        let known = connection.ends[end].phase == Phase::Open;
        connection.leave(end);
        (connection.ends[end].party, known)
    });
    if known {
        seen.note("link down");
        let link = Link(link as u64);
        if let Party::Server(server) = party {
            alter_process(state, server, |process| process.forget(link));
        }
        hand(
            world,
            state,
            party,
            Happening::Input(Input::Down { link }),
            seen,
        );
    }
}

/// A dial has failed: the link broke before it was there, or there was nobody.
fn unreachable(world: &World, state: &mut State, party: Party, address: Address, seen: &mut Seen) {
    seen.note("unreachable");
    let dialing = state.links.iter().position(|slot| {
        slot.as_ref().is_some_and(|connection| {
            let dialer = &connection.ends[0];
            dialer.party == party && dialer.deaf && dialer.phase == Phase::Dialing(address.clone())
        })
    });
    match (dialing, party) {
        (Some(link), _) => alter_link(state, link, |connection| connection.leave(0)),
        (None, Party::Server(server)) => alter_process(state, server, |process| {
            process.unreachable.remove(&address);
        }),
        (None, Party::Client(user)) => state.users[user].alter(|seat| {
            if let Some(process) = &mut seat.process {
                process.unreachable.remove(&address);
            }
        }),
        (None, Party::Guest(_)) => {}
    }
    let failed = Happening::Input(Input::Unreachable { address });
    hand(world, state, party, failed, seen);
}

fn sync(world: &World, state: &mut State, server: usize, seen: &mut Seen) {
    seen.note("sync");
    let mut machine = (*state.servers[server]).clone();
    let Some(process) = &mut machine.process else {
        return;
    };
    let (disk, released) = process.sync();
    machine.disk = disk;
    let party = Party::Server(server);
    for deed in released {
        carry_out_one(world, state, party, &mut process.unreachable, deed);
    }
    state.servers[server] = Memo::new(machine);
    if !world.setup().slow_dials {
        end_quick_dial(world, state, Party::Server(server), seen);
    }
}

/// Lets something happen to a party that neither its user nor its operator asked for.
fn hand(world: &World, state: &mut State, party: Party, happening: Happening, seen: &mut Seen) {
    match (party, happening) {
        (Party::Server(server), happening) => run(world, state, server, happening.cast(), seen),
        (Party::Client(user), happening) => wish::run(world, state, user, happening.cast(), seen),
        (Party::Guest(guest), Happening::Line { line, .. }) => {
            guest::on_line(world, state, guest, &line, seen);
        }
        (Party::Guest(guest), Happening::Input(Input::Down { .. })) => guest::on_down(state, guest),
        (Party::Guest(_), Happening::Timer(_) | Happening::Input(_)) => {}
    }
}

/// Something happens to a server; it reacts, and what it wants is done.
fn run(world: &World, state: &mut State, server: usize, cause: OfServer, seen: &mut Seen) {
    let mut machine = (*state.servers[server]).clone();
    let Some(process) = &mut machine.process else {
        return;
    };
    if let OfServer::Timer(timer) = &cause {
        process.timers.remove(timer);
    }
    let in_vain = label::in_vain(&cause);
    let deja = world.nodes[server].react(&process.state, cause);
    if let Some(label) = in_vain
        && process.state.listens()
        && deja.reaction.is_nothing(&process.state)
    {
        seen.note(label);
    }
    let step = conduct::server::Step {
        before: &process.state,
        cause: &deja.cause,
        reaction: &deja.reaction,
        timing: &world.setup().servers[server].timing.drain,
    };
    let amiss = step.amiss(|link| is_being_told(state, link));
    amiss.for_each(|label| seen.note(label));
    process.state = deja.reaction.state.clone();
    carry_out(world, state, server, machine, &deja.reaction, seen);
}

/// Whether something that somebody said is on its way to the client on a link.
fn is_being_told(state: &State, link: Link) -> bool {
    let connection = state.links.get(link.0 as usize).and_then(Option::as_ref);
    connection.is_some_and(|connection| {
        let mut inbox = connection.ends[0].inbox.iter();
        inbox.any(|line| matches!(**line, Line::Reply(Reply::Broadcast { .. })))
    })
}

/// Dials that take no time end in the step that began them.
pub(super) fn end_quick_dial(world: &World, state: &mut State, party: Party, seen: &mut Seen) {
    let dialing = |connection: &Connection| {
        let dialer = &connection.ends[0];
        dialer.party == party && matches!(dialer.phase, Phase::Dialing(_)) && !dialer.deaf
    };
    let there = state
        .links
        .iter()
        .position(|slot| slot.as_ref().is_some_and(|connection| dialing(connection)));
    let failed = match party {
        Party::Server(server) => state.servers[server]
            .process
            .as_ref()
            .and_then(|process| process.unreachable.first()),
        Party::Client(user) => state.users[user]
            .process
            .as_ref()
            .and_then(|process| process.unreachable.first()),
        Party::Guest(_) => None,
    };
    let failed = failed.cloned();
    if let Some(link) = there {
        up(world, state, link, seen);
    } else if let Some(address) = failed {
        unreachable(world, state, party, address, seen);
    }
}

/// Carries out what a reaction of this machine asks for, in order, and puts the machine back in its place.
fn carry_out(
    world: &World,
    state: &mut State,
    server: usize,
    mut machine: Server,
    reaction: &Reaction<Node>,
    seen: &mut Seen,
) {
    // Without a crash to come, a save may as well be on the disk at once: holding back what follows it is then no
    // different from a slow link.
    let prompt = !world.may_crash(state);
    let party = Party::Server(server);
    let Some(process) = &mut machine.process else {
        return;
    };
    let mut saved = 0;
    for want in &reaction.wants {
        match want {
            Want::Set(timer, after) => {
                process.timers.insert(*timer);
                let timing = &world.setup().servers[server].timing;
                let backs_off = label::backing_off(*timer, after, timing);
                backs_off.into_iter().for_each(|label| seen.note(label));
            }
            Want::Unset(timer) => _ = process.timers.remove(timer),
            Want::Save(_) if prompt => {}
            Want::Save(durable) => {
                // What nothing has changed since the last save is as far as that one.
                if process.unsynced.last().or(machine.disk.as_ref()) != Some(durable) {
                    process.unsynced.push(durable.clone());
                }
                saved = process.unsynced.len();
            }
            Want::Do(deed) => match process.barrier(saved, deed) {
                0 => carry_out_one(world, state, party, &mut process.unreachable, deed.clone()),
                saves => process.held.push(Held {
                    saves,
                    deed: deed.clone(),
                }),
            },
        }
    }
    for report in &reaction.told {
        seen.note(label::report(report));
    }
    state.servers[server] = Memo::new(machine);
    if !world.setup().slow_dials {
        end_quick_dial(world, state, Party::Server(server), seen);
    }
}

pub(super) fn carry_out_one(
    world: &World,
    state: &mut State,
    party: Party,
    unreachable: &mut BTreeSet<Address>,
    deed: Deed,
) {
    match deed {
        Deed::Open { address } => {
            if !dial(world, state, party, &address) {
                unreachable.insert(address);
            }
        }
        Deed::Send { link, line } => {
            alter_end(state, link, party, |connection, end| {
                connection.send(end, line)
            });
        }
        Deed::Close { link } => alter_end(state, link, party, Connection::leave),
    }
}

/// Begins a link, if there is somebody to take it.
fn dial(world: &World, state: &mut State, dialer: Party, address: &Address) -> bool {
    let acceptor = world
        .setup()
        .servers
        .iter()
        .position(|config| config.address == *address);
    let Some(server) = acceptor.filter(|server| is_reachable(state, dialer, *server)) else {
        return false;
    };
    let connection = Connection::dialed(dialer, address.clone(), Party::Server(server));
    lay(state, connection);
    true
}

/// Gives a connection the lowest free number of those that belong to its pair of dialer and acceptor. So a link's
/// number doesn't tell which of several links was dialed first.
pub(super) fn lay(state: &mut State, connection: Connection) -> usize {
    let servers = state.servers.len();
    let index = |party| match party {
        Party::Server(server) => server,
        Party::Client(user) => servers + user,
        Party::Guest(guest) => servers + state.users.len() + guest,
    };
    let parties = servers + state.users.len() + state.guests.len();
    let [dialer, acceptor] = &connection.ends;
    let mut number = index(dialer.party) * servers + index(acceptor.party);
    while matches!(state.links.get(number), Some(Some(_))) {
        number += parties * servers;
    }
    if state.links.len() <= number {
        state.links.resize(number + 1, None);
    }
    state.links[number] = Some(Memo::new(connection));
    number
}

/// Changes the end of a link that this party holds, if it still does.
pub(super) fn alter_end_of(
    state: &mut State,
    link: usize,
    party: Party,
    change: impl FnOnce(&mut Connection, usize),
) {
    alter_end(state, Link(link as u64), party, change);
}

/// Whether a dial can reach a server: it runs, and the ways there and back work.
fn is_reachable(state: &State, dialer: Party, server: usize) -> bool {
    let runs = state.servers[server]
        .process
        .as_ref()
        .is_some_and(|process| process.state.halted.is_none());
    let ways = match dialer {
        Party::Server(from) => {
            !state.cut.includes(from, server) && !state.cut.includes(server, from)
        }
        Party::Client(_) | Party::Guest(_) => true,
    };
    runs && ways
}

/// Breaks what the ways that are cut now carry.
fn break_links(state: &mut State) {
    let cut = state.cut.clone();
    for connection in state.links.iter_mut().flatten() {
        let (Party::Server(dialer), Party::Server(acceptor)) =
            (connection.ends[0].party, connection.ends[1].party)
        else {
            continue;
        };
        for (end, broken) in [
            cut.includes(acceptor, dialer),
            cut.includes(dialer, acceptor),
        ]
        .into_iter()
        .enumerate()
        {
            if broken {
                connection.alter(|connection| connection.deafen(end));
            }
        }
    }
}

/// A server's process is gone.
pub(super) fn stop(state: &mut State, server: usize) {
    state.servers[server].alter(|machine| machine.process = None);
    let_go(state, Party::Server(server));
}

/// The ends of links that a process held are gone with it.
pub(super) fn let_go(state: &mut State, party: Party) {
    for connection in state.links.iter_mut().flatten() {
        while let Some(end) = connection.end_of(party) {
            connection.alter(|connection| {
                connection.deafen(1 - end);
                connection.leave(end);
            });
        }
    }
}

fn alter_process(state: &mut State, server: usize, change: impl FnOnce(&mut Process)) {
    state.servers[server].alter(|machine| machine.process.as_mut().map(change));
}

fn alter_link<R>(state: &mut State, link: usize, change: impl FnOnce(&mut Connection) -> R) -> R {
    let connection = state.links[link]
        .as_mut()
        .expect("an action names a link that exists");
    connection.alter(change)
}

fn alter_end(
    state: &mut State,
    link: Link,
    party: Party,
    change: impl FnOnce(&mut Connection, usize),
) {
    let slot = state
        .links
        .get_mut(link.0 as usize)
        .and_then(Option::as_mut);
    if let Some(connection) = slot
        && let Some(end) = connection.end_of(party)
    {
        connection.alter(|connection| change(connection, end));
    }
}

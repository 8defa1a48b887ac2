//! What users want, and one step of a client: an input to it, and what it asks for.

use std::borrow::Cow;

use stateright::actor::{Actor, Command, Out};

use super::link::Party;
use super::seen::Seen;
use super::step::{carry_out_one, end_quick_dial, let_go, nobody};
use super::user::{Process, Wish};
use super::{Memo, State, World, label};
use crate::client::{self, Ask, Client};
use crate::port::{Effect, Input, Port};

/// Starts a client: the seat's first one, or that of a later wish.
pub(super) fn start_client(world: &World, state: &mut State, user: usize, start: usize) {
    let client = &world.clients[user][start];
    let process = Process::new(start, client.on_start(nobody(), &None, &mut Out::new()));
    state.users[user].alter(|seat| {
        seat.process = Some(process);
        seat.logged_in = false;
        seat.hearing.begin_again();
    });
}

/// What a user wants next comes true.
pub(super) fn come_true(world: &World, state: &mut State, user: usize, seen: &mut Seen) {
    let user_of = &world.setup().users[user];
    let Some(wish) = state.users[user].next_wish(user_of) else {
        return;
    };
    state.users[user].alter(|seat| {
        seat.wished += 1;
        seat.sent_on = 0;
    });
    match wish {
        Wish::Ask(ask) | Wish::Then(ask) => {
            let input = Input::Ask(ask.clone());
            hand(world, state, user, input, seen);
        }
        Wish::Die => {
            seen.note("client dies");
            state.users[user].alter(|seat| seat.process = None);
            let_go(state, Party::Client(user));
        }
        Wish::Start(config) => {
            seen.note("client starts again");
            let later = user_of.starts().skip(1).position(|start| start == config);
            start_client(world, state, user, later.map_or(0, |start| start + 1));
        }
    }
}

/// A client's timer fires.
pub(super) fn fire(
    world: &World,
    state: &mut State,
    user: usize,
    timer: client::Timer,
    seen: &mut Seen,
) {
    seen.note(label::client_timer(timer));
    run(world, state, user, seen, |client, process, out| {
        process.timers.remove(&timer);
        let mut cow = Cow::Borrowed(&*process.state);
        client.on_timeout(nobody(), &mut cow, &timer, out);
        cow.into_owned()
    });
}

/// Hands an input to a client.
pub(super) fn hand(
    world: &World,
    state: &mut State,
    user: usize,
    input: Input<Ask>,
    seen: &mut Seen,
) {
    run(world, state, user, seen, |client, process, out| {
        let mut cow = Cow::Borrowed(&*process.state);
        client.on_msg(nobody(), &mut cow, nobody(), Port::In(input), out);
        cow.into_owned()
    });
}

/// Runs one handler of a client to its end, and carries out what it asks for.
fn run(
    world: &World,
    state: &mut State,
    user: usize,
    seen: &mut Seen,
    handler: impl FnOnce(&Client, &mut Process, &mut Out<Client>) -> client::State,
) {
    let mut out = Out::new();
    let mut seat = (*state.users[user]).clone();
    let Some(process) = &mut seat.process else {
        return;
    };
    let after = handler(&world.clients[user][process.start], process, &mut out);
    process.state = Memo::new(after);
    let kind = world.clients[user][process.start].config().kind;
    let mut tales = Vec::new();
    for command in out {
        match command {
            Command::SetTimer(timer, _) => {
                process.timers.insert(timer);
            }
            Command::CancelTimer(timer) => {
                process.timers.remove(&timer);
            }
            Command::Send(_, Port::Out(Effect::Tell(told))) => tales.push(told),
            Command::Send(_, Port::Out(effect)) => {
                carry_out_one(
                    world,
                    state,
                    Party::Client(user),
                    &mut process.unreachable,
                    effect,
                );
            }
            // A client keeps what it must not forget in its process: see `crate::client`.
            Command::Save(_) | Command::Send(_, Port::In(_)) | Command::ChooseRandom(..) => {}
        }
    }
    for told in &tales {
        seen.note(label::told(told));
        seat.on_told(kind, &world.sayings, told);
    }
    state.users[user] = Memo::new(seat);
    if !world.setup().slow_dials {
        end_quick_dial(world, state, Party::Client(user), seen);
    }
}

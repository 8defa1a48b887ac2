//! What users want, and one step of a client: an input to it, and what it asks for.

use stateright::actor::{Actor, Out};

use super::conduct::{self, Deeds};
use super::link::Party;
use super::practice::{OfClient, Want, nobody};
use super::seen::Seen;
use super::step::{carry_out_one, end_quick_dial, let_go};
use super::user::{Process, Wish};
use super::{Memo, State, World, label};
use crate::client::{self, Ask};
use crate::port::Input;

/// Starts a client: the seat's first one, or that of a later wish.
pub(super) fn start_client(world: &World, state: &mut State, user: usize, start: usize) {
    let client = &world.clients[user][start];
    let begun = client.actor().on_start(nobody(), &None, &mut Out::new());
    let process = Process::new(start, Memo::new(begun));
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
        if !matches!(wish, Wish::Ask(Ask::Logout) | Wish::Then(Ask::Logout)) {
            seat.sent_on = 0;
        }
    });
    match wish {
        Wish::Ask(ask) | Wish::Then(ask) => {
            let asked = OfClient::Input(Input::Ask(ask.clone()));
            run(world, state, user, asked, seen);
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
    run(world, state, user, OfClient::Timer(timer), seen);
}

/// Something happens to a client; it reacts, and what it wants is done.
pub(super) fn run(world: &World, state: &mut State, user: usize, cause: OfClient, seen: &mut Seen) {
    let mut seat = (*state.users[user]).clone();
    let Some(process) = &mut seat.process else {
        return;
    };
    if let OfClient::Timer(timer) = &cause {
        process.timers.remove(timer);
    }
    let client = &world.clients[user][process.start];
    let asked = match &cause {
        OfClient::Input(Input::Ask(ask)) => Some(ask.clone()),
        OfClient::Input(_) | OfClient::Line { .. } | OfClient::Timer(_) => None,
    };
    let before = process.state.clone();
    let deja = client.react(&before, cause);
    process.state = deja.reaction.state.clone();
    let deeds = Deeds::of(asked.as_ref(), &deja.reaction);
    let conduct = conduct::check(&before, &process.state, client.actor().config(), deeds);
    seat.hearing.faults.extend(conduct.err());
    for want in &deja.reaction.wants {
        match want {
            Want::Set(timer, _) => _ = process.timers.insert(*timer),
            Want::Unset(timer) => _ = process.timers.remove(timer),
            Want::Do(deed) => {
                let party = Party::Client(user);
                carry_out_one(world, state, party, &mut process.unreachable, deed.clone());
            }
            // A client keeps what it must not forget in its process: see `crate::client`.
            Want::Save(_) => {}
        }
    }
    let kind = client.actor().config().kind;
    for told in &deja.reaction.told {
        seen.note(label::told(told));
        seat.on_told(kind, &world.setup.users[user], &world.sayings, told);
    }
    state.users[user] = Memo::new(seat);
    if !world.setup().slow_dials {
        end_quick_dial(world, state, Party::Client(user), seen);
    }
}

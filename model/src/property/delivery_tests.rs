//! Each property of delivery is seen to fail on a state that was built to break it.

use std::sync::Arc;

use super::*;
use crate::message::server::{Message, Phase, Sender};
use crate::message::{Activity, ClientId, Line, Peer, Stream, Username};
use crate::scenario;
use crate::world::Memo;
use crate::world::State;
use crate::world::hearing::Fault;

fn world(name: &str) -> (World, State) {
    let scenario = scenario::named(name).unwrap();
    let world = World::new((scenario.setup)());
    let state = stateright::Model::init_states(&world).remove(0);
    (world, state)
}

/// Which properties of delivery don't hold in the first state of a world once it has been altered.
fn broken_by(alter: impl FnOnce(&mut State)) -> Vec<&'static str> {
    broken_in("two-servers", alter)
}

fn broken_in(name: &str, alter: impl FnOnce(&mut State)) -> Vec<&'static str> {
    let (world, mut state) = world(name);
    alter(&mut state);
    let rows = ALL.iter().filter(|row| row.part == Part::Delivery);
    let view = View::new(&world, &state);
    let broken = rows.filter(|row| !(row.holds)(&view));
    broken.map(|row| row.name).collect()
}

fn message(state: &State) -> Message {
    let id = state.servers[0]
        .process
        .as_ref()
        .unwrap()
        .state
        .durable
        .tree
        .clone();
    Message {
        stream: Stream {
            server: id.id.name,
            incarnation: id.incarnation,
        },
        number: 1,
        sender: None,
        activity: Activity::parse("{}").unwrap(),
    }
}

fn alter_server(state: &mut State, server: usize, change: impl FnOnce(&mut crate::node::State)) {
    state.servers[server].alter(|machine| {
        let process = machine.process.as_mut().unwrap();
        process.state.alter(change);
    });
}

#[test]
fn nothing_is_broken_at_the_beginning() {
    assert_eq!(broken_by(|_| {}), Vec::<&str>::new());
}

#[test]
fn an_acknowledged_message_that_no_server_has_is_not_durable() {
    let broken = broken_by(|state| state.users[0].alter(|seat| seat.hearing.safe = 1));
    assert_eq!(broken, ["acknowledged activities are durable"]);
}

#[test]
fn a_message_that_is_in_memory_alone_and_nobody_will_save_is_not_durable() {
    let broken = broken_in("listener-crash", |state| {
        let message = Arc::new(message(state));
        alter_server(state, 0, |server| {
            let log = &mut server.durable.delivery.log;
            log.append(message, |said, k| k <= said).unwrap();
        });
    });
    assert!(
        broken.contains(&"what was said will be on disk"),
        "{broken:?}"
    );
}

#[test]
fn a_login_that_no_server_knows_is_not_durable() {
    let broken = broken_by(|state| {
        for server in 0..2 {
            alter_server(state, server, |node| {
                node.durable.delivery.book.sessions.clear()
            });
        }
    });
    assert!(broken.contains(&"logins are durable"), "{broken:?}");
}

#[test]
fn each_fault_that_a_user_hears_breaks_its_property() {
    for (fault, property) in [
        (Fault::Hole, "in order"),
        (Fault::Repeat, "no duplicate"),
        (Fault::Creation, "no creation"),
        (Fault::Miscount, "no creation"),
        (Fault::Gap, "no gap without a bound"),
        (Fault::Expired, "no gap without a bound"),
        (Fault::Forgotten, "no client forgets in silence"),
        (Fault::Untold, "no client forgets in silence"),
        (Fault::OutOfTurn, "who comes back takes its turn"),
    ] {
        let broken = broken_by(|state| {
            state.users[1].alter(|seat| _ = seat.hearing.faults.insert(fault));
        });
        assert_eq!(broken, [property]);
    }
}

/// The second user is owed what the first one said first, and hasn't heard it; no server has it.
fn owed_and_unheard(state: &mut State) {
    state.users[1].alter(|seat| {
        seat.hearing.of[0].due = [1].into_iter().collect();
    });
}

#[test]
fn what_is_owed_and_was_not_heard_is_lost_if_its_speaker_was_told_that_it_is_safe() {
    let broken = broken_by(|state| {
        owed_and_unheard(state);
        state.users[0].alter(|seat| seat.hearing.safe = 1);
    });
    assert!(broken.contains(&"no loss"), "{broken:?}");
}

#[test]
fn what_was_never_safe_and_nobody_has_any_more_is_gone_without_being_lost() {
    let broken = broken_by(|state| {
        owed_and_unheard(state);
        state.users[0].alter(|seat| seat.process = None);
    });
    assert_eq!(broken, Vec::<&str>::new());
}

#[test]
fn a_log_that_keeps_what_all_have_heard_does_not_end() {
    let broken = broken_by(|state| {
        for server in 0..2 {
            let message = message(state);
            append(state, server, message);
        }
    });
    assert_eq!(broken, ["buffers end"]);
}

#[test]
fn a_user_who_is_here_has_no_mailbox() {
    let broken = broken_by(|state| {
        for server in 0..2 {
            alter_server(state, server, |node| {
                let sessions = &mut node.durable.delivery.book.sessions;
                let keys: Vec<_> = sessions.keys().cloned().collect();
                for key in keys {
                    sessions.get_mut(&key).unwrap().phase = Phase::Left;
                }
            });
        }
    });
    assert_eq!(broken, ["nobody who is here has a mailbox"]);
}

#[test]
fn a_user_who_is_here_does_not_expire() {
    let broken = broken_by(|state| {
        alter_server(state, 0, |node| {
            let sessions = &mut node.durable.delivery.book.sessions;
            let here = node.delivery.present.keys().next().unwrap();
            sessions.get_mut(here).unwrap().phase = Phase::Expired;
        });
    });
    assert!(broken.contains(&"nobody who is here expires"), "{broken:?}");
}

#[test]
fn a_link_that_carries_more_than_its_window_is_seen() {
    let scenario = scenario::named("narrow-link").unwrap();
    let world = World::new((scenario.setup)());
    let mut state = stateright::Model::init_states(&world).remove(0);
    let row = ALL
        .iter()
        .find(|row| row.name == "what is on its way is bounded")
        .unwrap();
    let line = Memo::new(Line::Peer(Peer::ActivityBroadcast(Arc::new(message(
        &state,
    )))));
    for (carried, holds) in [(1, true), (2, false)] {
        let link = state.links.iter_mut().flatten().next().unwrap();
        link.alter(|link| link.ends[0].inbox = vec![line.clone(); carried]);
        assert_eq!((row.holds)(&View::new(&world, &state)), holds);
    }
}

#[test]
fn servers_that_know_different_things_are_not_equal() {
    let broken = broken_by(|state| {
        alter_server(state, 1, |node| node.durable.delivery.book.sessions.clear());
    });
    assert!(broken.contains(&"equal at rest"), "{broken:?}");
}

#[test]
fn servers_that_know_different_things_of_one_session_are_not_equal() {
    let broken = broken_by(|state| {
        alter_server(state, 1, |node| {
            let sessions = &mut node.durable.delivery.book.sessions;
            let user = sessions.keys().next().unwrap().clone();
            sessions.get_mut(&user).unwrap().changes.clear();
        });
    });
    assert_eq!(broken, ["equal at rest"]);
}

#[test]
fn a_floor_or_a_change_that_its_server_does_not_have_on_disk_was_told_too_early() {
    let law = "what a server says of itself is on its disk";
    let broken = broken_by(|state| {
        let message = message(state);
        alter_server(state, 1, |node| {
            let floor = crate::message::client::Vector::unit(message.stream.clone(), 1);
            let floors = &mut node.durable.delivery.floors;
            floors.insert(message.stream.server, floor);
        });
    });
    assert!(broken.contains(&law), "{broken:?}");
    let broken = broken_by(|state| {
        let stream = message(state).stream;
        alter_server(state, 1, |node| {
            node.durable.delivery.book.vector.insert(stream, 9);
        });
    });
    assert!(broken.contains(&law), "{broken:?}");
}

#[test]
fn a_link_that_carries_a_message_twice_shows_that_it_goes_round() {
    let broken = broken_by(|state| {
        let line = Peer::ActivityBroadcast(Arc::new(message(state)));
        let line = Memo::new(Line::Peer(line));
        let between = |link: &Memo<crate::world::link::Connection>| {
            let server =
                |end: usize| matches!(link.ends[end].party, crate::world::link::Party::Server(_));
            server(0) && server(1)
        };
        let link = state
            .links
            .iter_mut()
            .flatten()
            .find(|link| between(link))
            .unwrap();
        link.alter(|link| {
            link.send(0, line.clone());
            link.send(0, line);
        });
    });
    assert!(broken.contains(&"no message goes round"), "{broken:?}");
    assert!(broken.contains(&"delivery comes to rest"), "{broken:?}");
}

#[test]
fn a_log_beyond_its_bound_is_seen() {
    let (world, mut state) = world("two-servers");
    let message = message(&state);
    append(&mut state, 0, message);
    let is_within = |bounds| buffers_end::holds(&View::new(&world, &state), bounds);
    assert!(!is_within((0, 1_000)));
    assert!(!is_within((1, 1)));
    assert!(is_within((1, 1_000)));
}

fn said(state: &State, k: u64, text: &str) -> Message {
    let sender = Sender {
        username: Username::from("aaron"),
        client: ClientId::from("c1.1"),
    };
    Message {
        sender: Some((sender, k)),
        activity: Activity::parse(text).unwrap(),
        ..message(state)
    }
}

fn append(state: &mut State, server: usize, message: Message) {
    alter_server(state, server, |node| {
        let log = &mut node.durable.delivery.log;
        let entry = log.append(Arc::new(message), |_, _| false);
        node.delivery.log_bytes += entry.unwrap().unwrap().bytes();
    });
}

#[test]
fn two_messages_under_one_number_fork_a_stream() {
    let broken = broken_by(|state| {
        for (server, text) in ["{\"t\":\"a\"}", "{\"t\":\"b\"}"].into_iter().enumerate() {
            let message = said(state, 1, text);
            append(state, server, message);
        }
    });
    assert!(broken.contains(&"streams don't fork"), "{broken:?}");
}

#[test]
fn a_log_that_begins_with_what_was_said_second_has_a_hole() {
    let broken = broken_by(|state| {
        let message = said(state, 2, "{}");
        append(state, 0, message);
    });
    assert!(broken.contains(&"no log has holes"), "{broken:?}");
}

#[test]
fn a_server_that_skips_without_a_word_does_not_know_what_was_said() {
    let broken = broken_by(|state| {
        let message = said(state, 1, "{}");
        let stream = message.stream.clone();
        append(state, 0, message);
        alter_server(state, 1, |node| {
            _ = node.durable.delivery.log.have.insert(stream, 1);
        });
    });
    assert_eq!(
        broken,
        ["what a server has it knows as said", "buffers end"]
    );
}

#[test]
fn a_client_that_rests_without_its_users_wish_is_not_back() {
    let broken = broken_by(|state| {
        state.users[0].alter(|seat| {
            let process = seat.process.as_mut().unwrap();
            let rest =
                |client: &mut crate::client::State| client.stage = crate::client::Stage::Idle;
            process.state.alter(rest);
        });
    });
    assert!(broken.contains(&"everyone is back"), "{broken:?}");
}

#[test]
fn a_client_that_is_known_and_does_not_age_is_known_for_ever() {
    let broken = broken_in("client-expires", |state| {
        let message = said(state, 1, "{}");
        append(state, 0, message);
    });
    assert!(
        broken.contains(&"no client is known for ever"),
        "{broken:?}"
    );
}

#[test]
fn a_timer_that_runs_while_nothing_ages_is_no_rest() {
    let broken = |timer| {
        broken_in("mailbox-expires", |state| {
            state.servers[0].alter(|machine| {
                let process = machine.process.as_mut().unwrap();
                process.timers.remove(&crate::node::Timer::Age);
                process.timers.extend(timer);
            });
        })
    };
    assert!(!broken(None).contains(&"delivery comes to rest"));
    let broken = broken(Some(crate::node::Timer::Age));
    assert!(broken.contains(&"delivery comes to rest"), "{broken:?}");
}

//! Laws about servers and their tree fail on a state that is built to break them, and hold on the one it was built from.

use super::*;
use crate::message::server::Load;
use crate::message::{Incarnation, ServerName, Stream};
use crate::node::balance::Other;
use crate::node::tree::{Attempt, Candidate};
use crate::node::{Halt, State as Node, Timer};
use crate::scenario;
use crate::world::server::Process;
use crate::world::{State, World};

/// Whether a property holds in the beginning of a world, and once its second server has been altered.
fn before_and_after(
    name: &str,
    holds: fn(&View<'_>) -> bool,
    alter: impl FnOnce(&mut Process),
) -> (bool, bool) {
    let scenario = scenario::named(name).expect("there is such a scenario");
    let world = World::new((scenario.setup)());
    let mut state: State = stateright::Model::init_states(&world).remove(0);
    let before = holds(&View::new(&world, &state));
    state.servers[1].alter(|machine| alter(machine.process.as_mut().expect("it runs")));
    (before, holds(&View::new(&world, &state)))
}

/// The same, of the first server's child in a world of two that have nothing else to do.
fn of_a_child(holds: fn(&View<'_>) -> bool, alter: impl FnOnce(&mut Node)) -> (bool, bool) {
    before_and_after("pair-cut", holds, |process| process.state.alter(alter))
}

fn start() -> Incarnation {
    Incarnation {
        number: 9,
        nonce: 0,
    }
}

#[test]
fn nobody_is_on_its_own_path_or_below_a_younger_root() {
    let broken = of_a_child(coherent::servers, |s| {
        let me = s.id().clone();
        let path = &mut s.tree.parent.as_mut().expect("it has a parent").path;
        path.insert(1, me);
    });
    assert_eq!(broken, (true, false));
    let broken = of_a_child(coherent::servers, |s| {
        let path = &mut s.tree.parent.as_mut().expect("it has a parent").path;
        path[0].name = ServerName::from("younger");
        path[0].born.0 += 9;
    });
    assert_eq!(broken, (true, false));
}

#[test]
fn a_lost_parent_is_dialed_before_all_others_and_twice() {
    let dials = |lost: &'static [bool]| {
        of_a_child(coherent::servers, |s| {
            let address = s
                .tree
                .parent
                .as_ref()
                .expect("it has a parent")
                .address
                .clone();
            s.tree.candidates = lost
                .iter()
                .map(|lost_parent| Candidate {
                    address: address.clone(),
                    lost_parent: *lost_parent,
                })
                .collect();
        })
    };
    assert_eq!(dials(&[true, true, false]), (true, true));
    assert_eq!(dials(&[true, false, true]), (true, false));
    assert_eq!(dials(&[true, true, true]), (true, false));
}

#[test]
fn the_load_of_a_server_that_was_given_up_is_not_kept() {
    let broken = of_a_child(coherent::servers, |s| {
        let server = ServerName::from("given up");
        let stream = Stream {
            server: server.clone(),
            incarnation: start(),
        };
        let load = Load {
            server: stream,
            number: 1,
            clients: Some(0),
        };
        let other = Other {
            load,
            sent: 0,
            age: 0,
        };
        s.balance.others.insert(server, other);
    });
    assert_eq!(broken, (true, false));
}

#[test]
fn a_timer_that_is_for_nothing_or_is_missing_is_seen() {
    let broken = |alter: fn(&mut Process)| before_and_after("pair-cut", coherent::timers, alter);
    let seen = (true, false);
    assert_eq!(broken(|it| _ = it.timers.insert(Timer::Retry)), seen);
    assert_eq!(broken(|it| _ = it.timers.insert(Timer::Drain)), seen);
    assert_eq!(broken(|it| it.state.alter(|s| s.balance.owes = true)), seen);
    let dials = broken(|it| {
        it.timers.insert(Timer::Probe);
        it.state.alter(|s| {
            let address = s
                .tree
                .parent
                .as_ref()
                .expect("it has a parent")
                .address
                .clone();
            s.tree.attempt = Some(Attempt::Dialing { address });
        });
    });
    assert_eq!(dials, seen);
    let waits_for_nothing = broken(|it| {
        it.timers.clear();
        it.state.alter(|s| {
            let parent = s.tree.parent.take().expect("it has a parent");
            s.tree.candidates = [Candidate {
                address: parent.address,
                lost_parent: true,
            }]
            .into();
        });
    });
    assert_eq!(waits_for_nothing, seen);
}

#[test]
fn who_has_no_twin_is_not_stopped_by_its_former_start() {
    let broken = of_a_child(one_identity::goes_on, |s| {
        s.halted = Some(Halt::Superseded { by: start() });
    });
    assert_eq!(broken, (true, false));
}

#[test]
fn who_waits_for_as_long_as_it_takes_does_not_leave_what_it_has_to_nobody() {
    let leaves = |handed_over| {
        let holds = nothing_stranded::hands_over;
        before_and_after("drain-orphan", holds, |process| {
            let halted = Some(Halt::Drained { handed_over });
            process.state.alter(|s| s.halted = halted);
        })
    };
    assert_eq!(leaves(true), (true, true));
    assert_eq!(leaves(false), (true, false));
}

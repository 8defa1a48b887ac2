//! Each property of usernames fails on a state that is built to break it, and holds on the one it was built from.

use super::*;
use crate::message::client::Vector;
use crate::message::server::{Lock, Record};
use crate::message::{
    Claim, Incarnation, Registration, Request, SecretHash, ServerName, Stamp, Stream, Username,
};
use crate::node::connection::{Connection, Standing};
use crate::node::registry::directory::Index;
use crate::node::registry::round::{Round, Upstream};
use crate::node::rules::registry::SOUND;
use crate::node::{self, Role};
use crate::port::Link;
use crate::scenario;
use crate::world::State;
use crate::world::guest::{Guest, Stage};

fn aaron() -> Username {
    Username::from("aaron")
}

fn origin() -> Stream {
    Stream {
        server: ServerName::from("s1"),
        incarnation: Incarnation {
            number: 1,
            nonce: 0,
        },
    }
}

fn record(registertime: u64, secret: &str) -> Record {
    Record {
        registration: Registration {
            registertime: Stamp(registertime),
            origin: origin(),
            number: 1,
        },
        secret: SecretHash::from(secret),
    }
}

fn lock() -> Lock {
    let claim = Claim {
        registertime: Stamp(9),
        origin: origin(),
    };
    Lock {
        username: aaron(),
        claim,
    }
}

fn round(upstream: Upstream) -> Round {
    Round {
        secret: SecretHash::from("s1"),
        upstream,
        downstream: Default::default(),
    }
}

/// Whether a property holds in the beginning of a name race, and after a change to it.
fn before_and_after(holds: fn(&View<'_>) -> bool, change: impl FnOnce(&mut State)) -> (bool, bool) {
    before_and_after_in("name-race", holds, change)
}

fn before_and_after_in(
    scenario: &str,
    holds: fn(&View<'_>) -> bool,
    change: impl FnOnce(&mut State),
) -> (bool, bool) {
    let scenario = scenario::named(scenario).expect("there is such a scenario");
    let world = World::new((scenario.setup)());
    let mut state = stateright::Model::init_states(&world).remove(0);
    let before = holds(&View::new(&world, &state));
    change(&mut state);
    (before, holds(&View::new(&world, &state)))
}

fn alter(state: &mut State, server: usize, change: impl FnOnce(&mut node::State)) {
    state.servers[server].alter(|machine| {
        let process = machine.process.as_mut().expect("every server runs");
        process.state.alter(change);
    });
}

fn hear(state: &mut State, guest: usize, stage: Stage) {
    state.guests[guest] = Guest {
        stage,
        ..Guest::default()
    };
}

#[test]
fn a_name_that_one_server_alone_holds_is_not_unique() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            s.durable.registry.records.insert(aaron(), record(9, "s1"));
        });
    };
    assert_eq!(
        before_and_after(unique_usernames::holds, change),
        (true, false)
    );
}

#[test]
fn a_client_that_believes_in_what_nobody_holds_is_not_unique() {
    let change = |state: &mut State| {
        hear(state, 0, Stage::Holding);
        state.guests[0].link = Some(0);
    };
    assert_eq!(
        before_and_after(unique_usernames::holds, change),
        (true, false)
    );
}

#[test]
fn a_second_success_in_calm_is_a_double_success() {
    let change = |state: &mut State| state.guests[1].doubled = true;
    assert_eq!(
        before_and_after(no_double_success::holds, change),
        (true, false)
    );
}

#[test]
fn every_order_of_three_claims_gives_one_verdict_under_the_sound_rules_alone() {
    let claims = [record(9, "s1"), record(8, "s2"), record(9, "s3")];
    let [first, second, mut third] = claims;
    third.registration.origin.server = ServerName::from("s2");
    let claims = [first, second, third];
    assert!(verdict::holds(&SOUND, &claims));
    let last_wins = node::rules::registry::Rules {
        replaces: |_, _| true,
        ..SOUND
    };
    assert!(!verdict::holds(&last_wins, &claims));
    let no_tie_break = node::rules::registry::Rules {
        replaces: |held, other| other.registertime < held.registertime,
        ..SOUND
    };
    let [first, _, third] = claims;
    assert!(!verdict::holds(&no_tie_break, &[first, third]));
}

#[test]
fn who_is_told_without_having_lost_breaks_the_rule_of_the_loser() {
    let change = |state: &mut State| hear(state, 0, Stage::Lost);
    assert_eq!(before_and_after(loser_told::holds, change), (true, false));
}

#[test]
fn who_still_speaks_under_a_name_that_it_lost_breaks_the_rule_of_the_loser() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            let standing = Standing::User {
                username: aaron(),
                registration: record(9, "s1").registration,
                secret: SecretHash::from("s1"),
            };
            let connection = Connection {
                standing,
                ..Connection::default()
            };
            s.links.insert(Link(7), Role::Client(Box::new(connection)));
            s.durable.registry.records.insert(aaron(), record(8, "s2"));
        });
    };
    assert_eq!(before_and_after(loser_told::holds, change), (true, false));
}

#[test]
fn a_believer_that_its_server_does_not_know_has_not_been_told() {
    let change = |state: &mut State| {
        hear(state, 0, Stage::Holding);
        state.guests[0].link = Some(0);
    };
    assert_eq!(before_and_after(loser_told::settled, change), (true, false));
}

#[test]
fn a_vector_that_covers_what_is_not_held_lets_zombies_in() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            s.durable.registry.records.insert(aaron(), record(9, "s1"));
        });
        alter(state, 1, |s| {
            s.durable.registry.vector = Vector::unit(origin(), 1);
        });
    };
    assert_eq!(before_and_after(no_zombie::holds, change), (true, false));
}

#[test]
fn who_holds_an_elder_record_and_not_that_the_other_has_lost_lets_zombies_in() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            s.durable.registry.records.insert(aaron(), record(9, "s1"));
        });
        alter(state, 1, |s| {
            let mut elder = record(8, "s2");
            elder.registration.number = 2;
            s.durable.registry.records.insert(aaron(), elder);
            s.durable.registry.vector = Vector::unit(origin(), 2);
        });
    };
    assert_eq!(before_and_after(no_zombie::holds, change), (true, false));
}

#[test]
fn servers_that_do_not_claim_the_same_changes_have_not_settled() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            s.durable.registry.vector = Vector::unit(origin(), 1);
        });
    };
    assert_eq!(
        before_and_after(unique_usernames::holds, change),
        (true, false)
    );
}

#[test]
fn what_is_in_a_directory_and_in_no_save_is_not_durable() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            s.durable.registry.vector = Vector::unit(origin(), 1);
        });
    };
    assert_eq!(
        before_and_after_in("origin-crash", durable_success::holds, change),
        (true, false)
    );
}

#[test]
fn more_than_there_is_room_for_behind_a_register_is_too_much() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            let room = node::rules::SOUND.connection.limits.waiting;
            let connection = Connection {
                standing: Standing::Registering,
                waiting: (0..=room).map(|_| Request::Logout).collect(),
            };
            s.links.insert(Link(7), Role::Client(Box::new(connection)));
        });
    };
    assert_eq!(
        before_and_after(registers_answered::holds, change),
        (true, false)
    );
}

#[test]
fn a_change_that_is_held_and_lost_at_once_contradicts_itself() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            let registry = &mut s.durable.registry;
            registry.records.insert(aaron(), record(9, "s1"));
            registry.vector = Vector::unit(origin(), 1);
            registry.lost.insert((origin(), 1), aaron());
            s.registry.index = Index::of(registry);
        });
    };
    assert_eq!(before_and_after(coherent::servers, change), (true, false));
}

#[test]
fn a_neighbour_that_lacks_what_nobody_has_contradicts_it() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            let mut exchanges = s.registry.edges.values_mut();
            let exchange = exchanges.next().expect("it has a child");
            exchange.lacking.insert(origin());
        });
    };
    assert_eq!(before_and_after(coherent::servers, change), (true, false));
}

#[test]
fn who_has_stopped_and_holds_on_to_a_link_contradicts_itself() {
    let change = |state: &mut State| alter(state, 0, |s| s.halted = Some(node::Halt::Retired));
    assert_eq!(before_and_after(coherent::servers, change), (true, false));
}

#[test]
fn a_reservation_beside_a_record_is_one_too_many() {
    let change = |state: &mut State| {
        alter(state, 1, |s| {
            let edge = s.edges().next().expect("it has a parent");
            let round = round(Upstream::Server(edge));
            s.registry.rounds.insert(lock(), round);
            s.durable.registry.records.insert(aaron(), record(9, "s1"));
        });
    };
    assert_eq!(
        before_and_after(registers_answered::holds, change),
        (true, false)
    );
}

#[test]
fn a_reservation_outlives_a_link_that_is_no_edge() {
    let change = |state: &mut State| {
        alter(state, 1, |s| {
            let round = round(Upstream::Server(Link(9)));
            s.registry.rounds.insert(lock(), round);
        });
    };
    assert_eq!(
        before_and_after(registers_answered::holds, change),
        (true, false)
    );
}

#[test]
fn a_round_outlives_a_client_that_is_gone() {
    let change = |state: &mut State| {
        alter(state, 0, |s| {
            let round = round(Upstream::Client(Link(9)));
            s.registry.rounds.insert(lock(), round);
        });
    };
    assert_eq!(
        before_and_after(registers_answered::holds, change),
        (true, false)
    );
}

#[test]
fn a_client_that_waits_has_not_been_answered() {
    let change = |state: &mut State| hear(state, 0, Stage::Asking);
    assert_eq!(
        before_and_after(registers_answered::settled, change),
        (true, false)
    );
}

#[test]
fn a_success_that_no_disk_holds_is_not_durable() {
    let change = |state: &mut State| hear(state, 0, Stage::Holding);
    assert_eq!(
        before_and_after(durable_success::holds, change),
        (true, false)
    );
}

#[test]
fn a_name_that_was_refused_to_all_who_asked_went_to_nobody() {
    let change = |state: &mut State| {
        hear(state, 0, Stage::Refused);
        hear(state, 1, Stage::Refused);
    };
    assert_eq!(before_and_after(clocks::holds, change), (true, false));
}

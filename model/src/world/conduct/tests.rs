//! Each rule is seen to be broken by a step that was built to break it.

use std::collections::BTreeSet;

use super::*;
use crate::client::{Greeting, Identity, Kind, Memory, Servers};
use crate::message::client::Info;
use crate::message::{Activity, ClientId, Username};
use crate::port::Link;

fn server(number: u16) -> Address {
    Address::new("server", number).unwrap()
}

fn config() -> Config {
    Config {
        client: ClientId::from("c"),
        servers: vec![server(1), server(2)],
        kind: Kind::Ours,
        kept_max: 8,
        ungot_max: None,
        timing: Timing {
            backoffs: 1,
            ..Timing::default()
        },
    }
}

/// One who will dial these servers next.
fn waiting(next: &[u16]) -> State {
    State {
        memory: Memory::default(),
        identity: Some(Identity {
            username: Username::from("u"),
            secret: None,
            claim: Claim::Proved,
            refused: BTreeSet::new(),
        }),
        stage: Stage::Waiting,
        servers: Servers {
            known: vec![server(1), server(2)],
            candidates: next.iter().map(|number| server(*number)).collect(),
            rounds: 0,
        },
    }
}

/// One who is logged in at the first server.
fn live() -> State {
    State {
        stage: Stage::Connected(Connection {
            link: Link(1),
            at: server(1),
            phase: Phase::Live { ungot: 0 },
        }),
        ..waiting(&[])
    }
}

fn times(factor: u32) -> Range<Duration> {
    let retry = Timing::default().retry;
    retry.start * factor..retry.end * factor
}

fn ended(info: Option<Info>) -> Told {
    let from = server(1);
    Told::Disconnected { from, info }
}

/// What is wrong with a step from being logged in to this, in which that is told.
fn step(after: &State, told: &[Told], waits: Range<Duration>) -> Option<Fault> {
    let deeds = Deeds {
        asked: None,
        told,
        waits: Some(&waits),
    };
    check(&live(), after, &config(), deeds).err()
}

#[test]
fn whoever_is_cut_off_dials_that_server_first_and_soon() {
    let told = [ended(None)];
    assert_eq!(step(&waiting(&[1, 2]), &told, times(1)), None);
    let wrong = Some(Fault::OutOfTurn);
    assert_eq!(step(&waiting(&[2, 1]), &told, times(1)), wrong);
    assert_eq!(step(&waiting(&[1]), &told, times(1)), wrong);
    assert_eq!(step(&waiting(&[1, 2]), &told, times(2)), wrong);
}

#[test]
fn whoever_is_shown_out_dials_that_server_last_and_later() {
    let told = [ended(Some(Info::NotExpected))];
    assert_eq!(step(&waiting(&[2, 1]), &told, times(2)), None);
    let wrong = Some(Fault::OutOfTurn);
    assert_eq!(step(&waiting(&[1, 2]), &told, times(2)), wrong);
    assert_eq!(step(&waiting(&[2, 1]), &told, times(1)), wrong);
}

#[test]
fn whoever_is_refused_for_now_asks_the_same_server_once_more() {
    let told = [Told::Refused {
        info: Info::WrongSecret,
        unsaid: None,
    }];
    let mut after = waiting(&[1]);
    let identity = after.identity.as_mut().unwrap();
    identity.claim = Claim::Doubtful {
        refused: Some((server(1), Greeting::Login)),
    };
    assert_eq!(step(&after, &told, times(1)), None);
    after.servers.candidates.push_front(server(2));
    assert_eq!(step(&after, &told, times(1)), Some(Fault::OutOfTurn));
}

#[test]
fn nobody_waits_for_less_or_for_longer_than_the_profile_says() {
    let (retry, timing) = (times(1), config().timing);
    let may_wait = |waits| Ending::Other.may_wait(&waits, &timing);
    assert!(may_wait(times(1)) && may_wait(times(2)));
    assert!(!may_wait(times(3)));
    assert!(!may_wait(Duration::ZERO..retry.end));
    assert!(!may_wait(retry.start..retry.start));
}

#[test]
fn whoever_knows_that_something_is_safe_says_so_once() {
    let mut after = live();
    after.memory.acked = 1;
    let safe = |acked| Told::Safe { acked, stable: 0 };
    assert_eq!(step(&after, &[safe(1)], times(1)), None);
    let wrong = Some(Fault::Untold);
    assert_eq!(step(&after, &[], times(1)), wrong);
    assert_eq!(step(&after, &[safe(2)], times(1)), wrong);
    assert_eq!(step(&live(), &[safe(0)], times(1)), wrong);
}

#[test]
fn whoever_forgets_says_how_much() {
    let mut before = live();
    let words = Activity::parse("{}").unwrap();
    before.memory.said.push_back(words);
    let fault = |asked: Option<&Ask>, told: &[Told]| {
        let deeds = Deeds {
            asked,
            told,
            waits: None,
        };
        check(&before, &live(), &config(), deeds).err()
    };
    let left = |unsaid| [Told::Left { unsaid }];
    assert_eq!(fault(Some(&Ask::Logout), &left(1)), None);
    let wrong = Some(Fault::Forgotten);
    assert_eq!(fault(Some(&Ask::Logout), &left(0)), wrong);
    assert_eq!(fault(Some(&Ask::Logout), &[]), wrong);
    let login = Ask::Login {
        username: Username::from("u"),
        secret: None,
    };
    assert_eq!(fault(Some(&login), &[]), wrong, "the same user");
}

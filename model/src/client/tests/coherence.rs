//! What contradicts itself is seen to, in states that were built so.

use super::super::coherence::{Incoherence, check};
use super::*;

fn contradiction(hand: &Hand) -> Option<Incoherence> {
    check(&hand.state, hand.client.config(), &hand.timers).err()
}

fn connection(hand: &mut Hand) -> &mut Connection {
    match &mut hand.state.stage {
        Stage::Connected(connection) => connection,
        stage => panic!("{stage:?}"),
    }
}

#[test]
fn one_that_goes_by_the_rules_doesn_t_contradict_itself() {
    assert_eq!(contradiction(&Hand::new(Kind::Ours)), None);
    assert_eq!(contradiction(&Hand::live()), None);
}

#[test]
fn one_that_rests_will_begin_with_the_first_server() {
    let mut hand = Hand::new(Kind::Ours);
    hand.state.servers.candidates.pop_front();
    assert_eq!(contradiction(&hand), Some(Incoherence::Idle));
}

#[test]
fn one_that_has_heard_much_has_said_so() {
    let mut hand = Hand::live();
    hand.timers.insert(Timer::Got);
    connection(&mut hand).phase = Phase::Live { ungot: 2 };
    assert_eq!(contradiction(&hand), None);
    connection(&mut hand).phase = Phase::Live { ungot: 3 };
    assert_eq!(contradiction(&hand), Some(Incoherence::Owes));
}

#[test]
fn one_in_doubt_asks_by_a_login_first_on_each_server() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    let doubt = |server| Claim::Doubtful {
        refused: Some((server, Greeting::Login)),
    };
    hand.state.identity.as_mut().unwrap().claim = doubt(server(1));
    assert_eq!(contradiction(&hand), None);
    hand.state.identity.as_mut().unwrap().claim = doubt(server(2));
    assert_eq!(contradiction(&hand), Some(Incoherence::Register));
}

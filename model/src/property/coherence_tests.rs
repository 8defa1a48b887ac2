//! What a server's state of delivery must agree with is seen to fail on states that were built to contradict themselves.

use std::sync::Arc;

use crate::message::client::Vector;
use crate::message::server::{Message, Sender};
use crate::message::{Activity, ClientId, Stream, Username};
use crate::node::delivery::Incoherence;
use crate::node::delivery::exchange::{Behind, Edge};
use crate::node::delivery::log::Log;
use crate::node::delivery::receiver::{Receiver, Unheard};
use crate::node::{self, coherence};
use crate::scenario;
use crate::world::World;

/// What the first of two servers contradicts itself in, once its state has been altered.
fn contradiction(alter: impl FnOnce(&mut node::State)) -> Option<coherence::Incoherence> {
    let scenario = scenario::named("narrow-link").unwrap();
    let world = World::new((scenario.setup)());
    let state = stateright::Model::init_states(&world).remove(0);
    let process = state.servers[0].process.as_ref().unwrap();
    let mut node = node::State::clone(&process.state);
    alter(&mut node);
    coherence::check_among_sound(&node).err()
}

fn assert_contradiction(what: Incoherence, alter: impl FnOnce(&mut node::State)) {
    let found = contradiction(alter);
    assert_eq!(found, Some(coherence::Incoherence::Delivery(what)));
}

/// What the server's clients have said, by number, by client and the client's number for it.
fn message(node: &node::State, number: u64, k: u64) -> Arc<Message> {
    let tree = &node.durable.tree;
    let sender = Sender {
        username: Username::anonymous(),
        client: ClientId::from("c9"),
    };
    Arc::new(Message {
        stream: Stream {
            server: tree.id.name.clone(),
            incarnation: tree.incarnation,
        },
        number,
        sender: Some((sender, k)),
        activity: Activity::parse("{}").unwrap(),
    })
}

/// The server's log, with one message in it that everyone here has heard.
fn with_a_message(node: &mut node::State) -> &mut Log {
    let message = message(node, 1, 1);
    for receiver in node.delivery.receivers.values_mut() {
        receiver.cursor = Vector::unit(message.stream.clone(), 1);
    }
    let receivers = node.delivery.receivers.iter();
    let live = receivers.filter(|(_, receiver)| receiver.is_live());
    node.delivery.live = live
        .map(|(link, receiver)| (*link, receiver.cursor.clone()))
        .collect();
    let log = &mut node.durable.delivery.log;
    let entry = log.append(message, |_, _| false).unwrap().unwrap();
    node.delivery.log_bytes += entry.bytes();
    log
}

fn edge(node: &mut node::State) -> &mut Edge {
    node.delivery.edges.values_mut().next().unwrap()
}

fn receiver(node: &mut node::State) -> &mut Receiver {
    node.delivery.receivers.values_mut().next().unwrap()
}

#[test]
fn nothing_contradicts_itself_at_the_beginning_nor_with_a_message() {
    assert_eq!(contradiction(|_| {}), None);
    assert_eq!(contradiction(|node| _ = with_a_message(node)), None);
}

#[test]
fn nothing_waits_for_a_neighbour_that_has_not_said_what_it_has() {
    assert_contradiction(Incoherence::Greeting, |node| {
        let stream = message(node, 1, 1).stream.clone();
        let edge = edge(node);
        edge.sessions = None;
        edge.lacking.insert(stream);
    });
}

#[test]
fn a_neighbour_lacks_the_changes_that_it_does_not_have() {
    assert_contradiction(Incoherence::Lacking, |node| {
        edge(node).sessions = Some(Vector::new());
    });
}

#[test]
fn floors_wait_for_sessions_alone() {
    assert_contradiction(Incoherence::Floors, |node| {
        edge(node).floors.insert("s1".into());
    });
}

#[test]
fn nothing_waits_where_there_is_credit() {
    assert_contradiction(Incoherence::Credit, |node| {
        let have = Vector::new();
        edge(node).behind = Some(Behind {
            from: 0,
            have,
            skipping: None,
        });
    });
}

#[test]
fn a_neighbour_is_sent_what_it_lacks_of_the_log() {
    assert_contradiction(Incoherence::Behind, |node| {
        let from = with_a_message(node).next;
        let edge = edge(node);
        edge.window.send();
        edge.behind = Some(Behind {
            from,
            have: Vector::new(),
            skipping: None,
        });
    });
}

#[test]
fn a_receiver_is_sent_what_it_lacks_of_the_log() {
    assert_contradiction(Incoherence::Unsent, |node| {
        with_a_message(node);
        receiver(node).cursor = Vector::new();
    });
}

#[test]
fn a_receiver_is_not_told_that_what_is_here_is_gone() {
    assert_contradiction(Incoherence::Unsent, |node| {
        with_a_message(node);
        let gap = message(node, 1, 1);
        let receiver = receiver(node);
        receiver.cursor = Vector::new();
        let gap = Unheard::Gap(Vector::unit(gap.stream.clone(), 1));
        receiver.unheard.push_back((receiver.lines, gap));
    });
}

#[test]
fn what_a_sender_has_said_is_known_while_it_is_here_and_when_it_is_gone() {
    assert_contradiction(Incoherence::Said, |node| with_a_message(node).said.clear());
    assert_contradiction(Incoherence::SaidAtBase, |node| {
        let log = with_a_message(node);
        let upto = log.have.clone();
        let gone = log.forget(&upto);
        log.said_at_base.clear();
        node.delivery.log_bytes -= gone[0].bytes();
    });
    assert_contradiction(Incoherence::SaidAtBase, |node| {
        let log = with_a_message(node);
        let sender = log.said.keys().next().unwrap().clone();
        log.said_at_base.insert(sender, 2);
    });
}

//! What the check can't reach in small worlds: bounds, jumps of clocks, answers to what comes twice.

use std::borrow::Cow;

use stateright::actor::{Actor, Command, Id, Out};

use super::super::{Boot, Config, Node, Role, State, rules, tree};
use super::*;
use crate::message::client::Secret;
use crate::message::server::Winner;
use crate::message::{
    Address, Claim, Incarnation, Line, Peer, Reply, Request, ServerId, ServerName,
};
use crate::node::rules::registry::{LEAP_MAX_MS, Limits, SOUND};
use crate::port::{Effect, End, Input, Port};

/// A server with neighbours that are played by the test.
struct Server {
    node: Node,
    state: State,
}

impl Server {
    /// A root with children on these links.
    fn new(children: &[u64], limits: Limits) -> Self {
        let config = Config {
            name: ServerName::from("s1"),
            address: Address::new("s1", 1).unwrap(),
            seeds: vec![],
            secret: Secret::Plain("system".into()),
            timing: tree::Timing::fast(),
            delivery: super::super::delivery::Settings::default(),
        };
        let boot = Boot {
            now: Stamp(1_000),
            nonce: 7,
        };
        let mut rules = rules::SOUND;
        rules.registry.limits = limits;
        let node = Node::with_rules(config, boot, rules);
        let mut out = Out::new();
        let mut state = node.on_start(Id::from(0), &None, &mut out);
        for child in children {
            let name = ServerName::from(format!("child{child}"));
            let id = ServerId {
                born: Stamp(2_000),
                name: name.clone(),
            };
            let link = Link(*child);
            state.links.insert(link, Role::Child(name.clone()));
            state.tree.children.insert(name, tree::Child { link, id });
            let exchange = Exchange::new(limits.window_chunks);
            state.registry.edges.insert(link, exchange);
        }
        Self { node, state }
    }

    fn input(&mut self, input: Input<super::super::Order>) -> Vec<(Link, Line)> {
        let mut state = Cow::Owned(self.state.clone());
        let mut out = Out::new();
        let id = Id::from(0);
        self.node
            .on_msg(id, &mut state, id, Port::In(input), &mut out);
        self.state = state.into_owned();
        let sends = out.into_iter().filter_map(|command| match command {
            Command::Send(_, Port::Out(Effect::Send { link, line })) => Some((link, line)),
            _ => None,
        });
        sends.collect()
    }

    fn says(&mut self, link: u64, peer: Peer) -> Vec<(Link, Line)> {
        let link = Link(link);
        let line = Line::Peer(peer);
        self.input(Input::Line { link, line })
    }

    fn registers(&mut self, link: u64, username: &str) -> Vec<(Link, Line)> {
        let link = Link(link);
        let end = End::Accepted;
        self.input(Input::Up { link, end });
        let request = Request::Register {
            username: Username::from(username),
            secret: Secret::Hashed(SecretHash::from("hash")),
            at: Stamp(1_500),
        };
        let line = Line::Request(Box::new(request));
        self.input(Input::Line { link, line })
    }
}

fn claim(registertime: u64) -> Claim {
    Claim {
        registertime: Stamp(registertime),
        origin: stream(),
    }
}

fn stream() -> Stream {
    Stream {
        server: ServerName::from("far"),
        incarnation: Incarnation {
            number: 1,
            nonce: 1,
        },
    }
}

fn request(username: &str, registertime: u64) -> Peer {
    Peer::LockRequest(Box::new(LockRequest {
        username: Username::from(username),
        claim: claim(registertime),
        secret: SecretHash::from("hash"),
    }))
}

fn commands(sent: &[(Link, Line)]) -> Vec<(u64, &'static str)> {
    let named = sent.iter().map(|(link, line)| {
        let command = match line {
            Line::Peer(Peer::LockRequest(_)) => "request",
            Line::Peer(Peer::LockAllowed(_)) => "allowed",
            Line::Peer(Peer::LockDenied(_)) => "denied",
            Line::Peer(Peer::LockRelease(_)) => "release",
            Line::Peer(Peer::Directory(_)) => "directory",
            Line::Peer(Peer::DirectoryCredit { .. }) => "credit",
            Line::Reply(Reply::RegisterSuccess { .. }) => "success",
            Line::Reply(Reply::RegisterFailed { .. }) => "failed",
            Line::Reply(Reply::Invalid { .. }) => "invalid",
            _ => "other",
        };
        (link.0, command)
    });
    named.collect()
}

#[test]
fn a_claim_is_younger_than_all_that_was_seen_and_leaps_no_further_than_a_bound() {
    let registertime = SOUND.registertime;
    assert_eq!(registertime(Stamp(9), Stamp(3)), Stamp(9));
    assert_eq!(
        registertime(Stamp(3), Stamp(9)),
        Stamp(10),
        "a clock that goes back"
    );
    assert_eq!(registertime(Stamp(9), Stamp(9)), Stamp(10));
    assert_eq!(
        registertime(Stamp(u64::MAX), Stamp(9)),
        Stamp(9 + LEAP_MAX_MS)
    );
    assert_eq!(registertime(Stamp(u64::MAX), Stamp::MAX), Stamp::MAX);
}

#[test]
fn an_impossible_stamp_cuts_its_sender_off() {
    let mut server = Server::new(&[1], SOUND.limits);
    server.says(1, request("aaron", u64::MAX));
    assert!(server.state.tree.children.is_empty());
    assert_eq!(server.state.registry.seen, Stamp(1_000));
}

#[test]
fn a_second_request_of_a_round_over_another_link_is_answered_at_once() {
    let mut server = Server::new(&[1, 2, 3], SOUND.limits);
    let sent = server.says(1, request("aaron", 1_200));
    assert_eq!(commands(&sent), [(2, "request"), (3, "request")]);
    let sent = server.says(2, request("aaron", 1_200));
    assert_eq!(commands(&sent), [(2, "allowed")]);
}

#[test]
fn an_answer_goes_upstream_once_every_downstream_has_answered() {
    let mut server = Server::new(&[1, 2, 3], SOUND.limits);
    server.says(1, request("aaron", 1_200));
    let allowed = Lock {
        username: Username::from("aaron"),
        claim: claim(1_200),
    };
    assert_eq!(
        server.says(2, Peer::LockAllowed(Box::new(allowed.clone()))),
        []
    );
    let sent = server.input(Input::Down { link: Link(3) });
    let locks: Vec<_> = commands(&sent)
        .into_iter()
        .filter(|(_, command)| *command == "allowed")
        .collect();
    assert_eq!(locks, [(1, "allowed")], "a broken link counts as allowed");
}

#[test]
fn a_flood_of_registers_is_refused_beyond_its_bound_and_leaves_nothing_behind() {
    let limits = Limits {
        own_rounds: 2,
        ..SOUND.limits
    };
    let mut server = Server::new(&[1], limits);
    assert_eq!(commands(&server.registers(10, "a")), [(1, "request")]);
    assert_eq!(commands(&server.registers(11, "b")), [(1, "request")]);
    assert_eq!(commands(&server.registers(12, "c")), [(12, "failed")]);
    assert_eq!(server.state.registry.rounds.len(), 2);
    let sent = server.input(Input::Down { link: Link(10) });
    assert_eq!(commands(&sent), [(1, "release")]);
    assert_eq!(commands(&server.registers(13, "c")), [(1, "request")]);
}

#[test]
fn a_server_without_room_for_a_reservation_denies_without_a_winner() {
    let limits = Limits {
        rounds: 1,
        ..SOUND.limits
    };
    let mut server = Server::new(&[1, 2], limits);
    server.says(1, request("aaron", 1_200));
    let sent = server.says(1, request("bella", 1_201));
    let [(Link(1), Line::Peer(Peer::LockDenied(denied)))] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(denied.winner, None);
}

#[test]
fn what_a_neighbour_lacks_comes_in_chunks_as_far_as_its_credit_goes() {
    let limits = Limits {
        chunk_records: 2,
        window_chunks: 1,
        ..SOUND.limits
    };
    let mut server = Server::new(&[], limits);
    for link in 0..5 {
        let sent = server.registers(10 + link, &format!("user{link}"));
        assert_eq!(commands(&sent), [(10 + link, "success")]);
    }
    let link = Link(1);
    server
        .state
        .links
        .insert(link, Role::Child(ServerName::from("child1")));
    server
        .state
        .registry
        .edges
        .insert(link, Exchange::new(limits.window_chunks));
    let mut sent = server.says(1, Peer::Hello(Box::default()));
    let mut chunks = Vec::new();
    while let [(_, Line::Peer(Peer::Directory(changes)))] = &sent[..] {
        chunks.push((changes.after, changes.upto, changes.records.len()));
        sent = server.says(1, Peer::DirectoryCredit { chunks: 1 });
    }
    assert_eq!(chunks, [(0, 2, 2), (2, 4, 2), (4, 5, 1)]);
}

#[test]
fn a_record_learned_from_a_denial_is_passed_on_although_what_precedes_it_is_unknown() {
    let mut server = Server::new(&[1, 2], SOUND.limits);
    server.says(1, Peer::Hello(Box::default()));
    server.says(2, Peer::Hello(Box::default()));
    server.registers(10, "aaron");
    let (lock, _) = server.state.registry.rounds.first_key_value().unwrap();
    let lock = lock.clone();
    let record = Record {
        registration: Registration {
            registertime: Stamp(900),
            origin: stream(),
            number: 5,
        },
        secret: SecretHash::from("other"),
    };
    let denied = LockDenied {
        username: lock.username,
        claim: lock.claim,
        winner: Some(Winner::Registered(record.clone())),
    };
    let sent = server.says(1, Peer::LockDenied(Box::new(denied)));
    assert_eq!(
        commands(&sent),
        [(2, "release"), (10, "failed"), (2, "directory")]
    );
    assert_eq!(server.state.durable.registry.complete(&stream()), 0);
    let changes = Changes {
        stream: stream(),
        after: 0,
        upto: 5,
        records: vec![(Username::from("aaron"), record)],
        lost: vec![],
    };
    let sent = server.says(1, Peer::Directory(Box::new(changes)));
    assert_eq!(commands(&sent), [(2, "directory")]);
    assert_eq!(server.state.registry.index.ahead().count(), 0);
}

#[test]
fn a_lost_change_without_its_winner_cuts_its_sender_off() {
    for (upto, lost) in [(1, 1), (1, 2), (1, 0)] {
        let mut server = Server::new(&[1], SOUND.limits);
        let changes = Changes {
            stream: stream(),
            after: 0,
            upto,
            records: vec![],
            lost: vec![(lost, Username::from("aaron"))],
        };
        server.says(1, Peer::Directory(Box::new(changes)));
        assert!(server.state.tree.children.is_empty());
        assert_eq!(server.state.durable.registry.complete(&stream()), 0);
    }
}

#[test]
fn a_hole_in_a_stream_cuts_its_sender_off() {
    let mut server = Server::new(&[1], SOUND.limits);
    let changes = Changes {
        stream: stream(),
        after: 3,
        upto: 4,
        records: vec![],
        lost: vec![],
    };
    server.says(1, Peer::Directory(Box::new(changes)));
    assert!(server.state.tree.children.is_empty());
}

#[test]
fn what_a_client_says_behind_its_register_waits_and_is_bounded() {
    let mut server = Server::new(&[1], SOUND.limits);
    server.registers(10, "aaron");
    let login = Request::Login {
        username: Username::from("aaron"),
        secret: Some(Secret::Hashed(SecretHash::from("hash"))),
        resume: None,
    };
    let line = Line::Request(Box::new(login));
    let input = Input::Line {
        link: Link(10),
        line,
    };
    for _ in 0..rules::SOUND.connection.limits.waiting {
        assert_eq!(server.input(input.clone()), []);
    }
    let sent = server.input(input);
    assert_eq!(commands(&sent), [(10, "invalid"), (1, "release")]);
    assert!(server.state.registry.rounds.is_empty());
}

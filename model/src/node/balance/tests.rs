//! Load by hand: one server, s1, with us as its neighbours s2 and s3 and as its clients.

use std::borrow::Cow;
use std::collections::BTreeSet;

use stateright::actor::{Actor, Command, Id, Out};

use super::*;
use crate::message::client::Secret;
use crate::message::server::{Hello, Join, Server};
use crate::message::{Incarnation, Line, Request, SecretHash, ServerId, Stamp, Username};
use crate::node::{self, Boot, Config, Node as Actor_, delivery, tree};
use crate::port::{Effect, End, Input, Port};

const S2: Link = Link(2);
const S3: Link = Link(3);

struct Hand {
    node: Actor_,
    state: node::State,
    timers: BTreeSet<Timer>,
    sent: Vec<(Link, Line)>,
    closed: BTreeSet<Link>,
}

impl Hand {
    /// s1 with its children s2 and s3.
    fn new() -> Self {
        let config = Config {
            name: "s1".into(),
            address: address(1),
            seeds: vec![],
            secret: Secret::Hashed(SecretHash::from("system")),
            timing: tree::Timing::fast(),
            delivery: delivery::Settings::default(),
        };
        let boot = Boot {
            now: Stamp(1),
            nonce: 1,
        };
        let node = Actor_::new(config, boot);
        let mut out = Out::new();
        let state = node.on_start(Id::from(0), &None, &mut out);
        let mut hand = Self {
            node,
            state,
            timers: BTreeSet::new(),
            sent: Vec::new(),
            closed: BTreeSet::new(),
        };
        hand.carry_out(out);
        for (link, n) in [(S2, 2), (S3, 3)] {
            hand.join(link, n);
        }
        hand.sent.clear();
        hand
    }

    fn join(&mut self, link: Link, n: u16) {
        let id = ServerId {
            born: Stamp(10 + u64::from(n)),
            name: name(n),
        };
        let server = Server {
            born: id.born,
            incarnation: incarnation(),
            address: address(n),
        };
        let join = Join {
            secret: Secret::Hashed(SecretHash::from("system")),
            root: id.clone(),
            known: vec![(id.name.clone(), server)],
            id,
            incarnation: incarnation(),
        };
        self.accept(link);
        self.hear(link, Peer::Authenticate(Box::new(join)));
    }

    fn accept(&mut self, link: Link) {
        let end = End::Accepted;
        self.input(Input::Up { link, end });
    }

    fn hear(&mut self, link: Link, peer: Peer) {
        let line = Line::Peer(peer);
        self.input(Input::Line { link, line });
    }

    /// A neighbour tells a load.
    fn announce(&mut self, link: Link, load: Load) {
        let loads = vec![load];
        self.hear(link, Peer::ServerAnnounce { loads });
    }

    /// A client logs in without a name. Where it is sent, if it is.
    fn login(&mut self, link: u64) -> Option<Address> {
        let link = Link(link);
        self.accept(link);
        let request = Request::Login {
            username: Username::anonymous(),
            secret: None,
            resume: None,
        };
        let line = Line::Request(Box::new(request));
        self.input(Input::Line { link, line });
        self.sent
            .drain(..)
            .find_map(|(_, line)| match line {
                Line::Reply(Reply::Redirect { to }) => Some(to),
                Line::Reply(_) | Line::Peer(_) | Line::Request(_) | Line::Malformed(_) => None,
            })
            .inspect(|_| assert!(self.closed.contains(&link)))
    }

    fn input(&mut self, input: Input<node::Order>) {
        let mut state = Cow::Owned(self.state.clone());
        let mut out = Out::new();
        let (id, msg) = (Id::from(0), Port::In(input));
        self.node.on_msg(id, &mut state, id, msg, &mut out);
        self.state = state.into_owned();
        self.carry_out(out);
    }

    fn fire(&mut self, timer: Timer) {
        assert!(self.timers.remove(&timer), "{timer:?} is not set");
        let mut state = Cow::Owned(self.state.clone());
        let mut out = Out::new();
        let id = Id::from(0);
        self.node.on_timeout(id, &mut state, &timer, &mut out);
        self.state = state.into_owned();
        self.carry_out(out);
    }

    fn carry_out(&mut self, out: Out<Actor_>) {
        for command in out {
            match command {
                Command::SetTimer(timer, _) => {
                    self.timers.insert(timer);
                }
                Command::CancelTimer(timer) => {
                    self.timers.remove(&timer);
                }
                Command::Send(_, Port::Out(Effect::Send { link, line })) => {
                    self.sent.push((link, line));
                }
                Command::Send(_, Port::Out(Effect::Spread { links, line })) => {
                    let sends = links.into_iter().map(|link| (link, line.clone()));
                    self.sent.extend(sends);
                }
                Command::Send(_, Port::Out(Effect::Close { link })) => {
                    self.closed.insert(link);
                }
                Command::Send(_, Port::Out(Effect::Open { .. } | Effect::Tell(_)))
                | Command::Send(_, Port::In(_))
                | Command::ChooseRandom(..)
                | Command::Save(_) => {}
            }
        }
    }

    /// The loads told to each neighbour since we last looked.
    fn told(&mut self) -> Vec<(Link, Load)> {
        let sent = self.sent.drain(..);
        let told = sent.filter_map(|(link, line)| match line {
            Line::Peer(Peer::ServerAnnounce { loads }) => Some((link, loads)),
            Line::Peer(Peer::Hello(hello)) => Some((link, hello.loads)),
            Line::Peer(_) | Line::Reply(_) | Line::Request(_) | Line::Malformed(_) => None,
        });
        told.flat_map(|(link, loads)| loads.into_iter().map(move |load| (link, load)))
            .collect()
    }

    fn own_clients(&mut self) -> Vec<(Link, Option<u64>)> {
        let told = self.told().into_iter();
        told.filter(|(_, load)| load.server.server == name(1))
            .map(|(link, load)| (link, load.clients))
            .collect()
    }
}

fn name(n: u16) -> ServerName {
    format!("s{n}").into()
}

fn address(n: u16) -> Address {
    Address::new("host", n).unwrap()
}

fn incarnation() -> Incarnation {
    Incarnation {
        number: 20,
        nonce: 1,
    }
}

/// What server `n` says, for the `number`th time.
fn load(n: u16, number: u64, clients: u64) -> Load {
    Load {
        server: Stream {
            server: name(n),
            incarnation: incarnation(),
        },
        number,
        clients: Some(clients),
    }
}

#[test]
fn all_changes_of_a_moment_are_announced_at_once_to_every_neighbour() {
    let mut hand = Hand::new();
    hand.login(10);
    hand.login(11);
    assert_eq!(hand.told(), []);
    hand.fire(Timer::Announce);
    assert_eq!(hand.own_clients(), [(S2, Some(2)), (S3, Some(2))]);
    let down = Input::Down { link: Link(10) };
    hand.input(down);
    hand.fire(Timer::Announce);
    assert_eq!(hand.own_clients(), [(S2, Some(1)), (S3, Some(1))]);
}

#[test]
fn a_load_that_came_and_went_is_not_announced() {
    let mut hand = Hand::new();
    hand.login(10);
    hand.input(Input::Down { link: Link(10) });
    hand.fire(Timer::Announce);
    assert_eq!(hand.told(), []);
}

#[test]
fn news_goes_on_over_every_edge_but_its_own_and_nothing_goes_twice() {
    let mut hand = Hand::new();
    hand.announce(S2, load(2, 1, 5));
    assert_eq!(hand.told(), [(S3, load(2, 1, 5))]);
    hand.announce(S3, load(2, 1, 5));
    hand.announce(S3, load(2, 0, 4));
    assert_eq!(hand.told(), []);
}

#[test]
fn a_new_neighbour_is_told_of_everyone() {
    let mut hand = Hand::new();
    hand.announce(S2, load(2, 1, 5));
    hand.sent.clear();
    hand.join(Link(4), 4);
    let told = hand.told();
    assert!(told.contains(&(Link(4), load(2, 1, 5))));
}

#[test]
fn what_a_new_neighbour_knows_goes_on_too() {
    let mut hand = Hand::new();
    let hello = Hello {
        loads: vec![load(2, 1, 5), load(3, 4, 2)],
        ..Hello::default()
    };
    hand.hear(S2, Peer::Hello(Box::new(hello)));
    assert_eq!(hand.told(), [(S3, load(2, 1, 5)), (S3, load(3, 4, 2))]);
}

#[test]
fn of_who_is_not_known_or_not_any_more_nothing_is_taken_in() {
    let mut hand = Hand::new();
    hand.announce(S2, load(9, 4, 2));
    assert_eq!(hand.told(), []);
}

#[test]
fn a_client_is_sent_to_a_server_that_is_lighter_by_two_and_counts_there_at_once() {
    let mut hand = Hand::new();
    hand.announce(S2, load(2, 1, 0));
    assert_eq!(hand.login(10), None, "1 here, 0 there");
    assert_eq!(hand.login(11), Some(address(2)), "2 here, 0 there");
    assert_eq!(hand.login(12), None, "2 here, 1 on its way there");
    assert_eq!(hand.login(13), Some(address(2)), "3 here, 1 there");
}

#[test]
fn the_estimate_ends_when_that_server_speaks() {
    let mut hand = Hand::new();
    hand.announce(S2, load(2, 1, 0));
    hand.login(10);
    assert_eq!(hand.login(11), Some(address(2)));
    hand.announce(S2, load(2, 2, 0));
    assert_eq!(hand.login(12), Some(address(2)));
}

#[test]
fn nobody_is_sent_to_a_server_that_is_lost_until_it_speaks_again() {
    let mut hand = Hand::new();
    hand.hear(
        S2,
        Peer::Hello(Box::new(Hello {
            loads: vec![load(2, 1, 0)],
            ..Hello::default()
        })),
    );
    hand.sent.clear();
    hand.input(Input::Down { link: S2 });
    let lost = Load {
        clients: None,
        ..load(2, 1, 0)
    };
    assert_eq!(hand.told(), [(S3, lost)]);
    hand.login(10);
    assert_eq!(hand.login(11), None);
    hand.announce(S3, load(2, 1, 0));
    assert_eq!(hand.login(12), None, "an old saying");
    hand.announce(S3, load(2, 2, 0));
    assert_eq!(hand.login(13), Some(address(2)));
}

#[test]
fn a_server_that_hears_that_it_is_lost_says_that_it_is_here() {
    let mut hand = Hand::new();
    let said = own(&hand.state);
    let rumour = Load {
        clients: None,
        ..said.clone()
    };
    hand.announce(S2, rumour);
    let told = hand.told();
    assert_eq!(told.len(), 2);
    let all_later = told.iter().all(|(_, load)| load.number > said.number);
    assert!(all_later, "{told:?}");
}

#[test]
fn what_is_not_renewed_is_forgotten() {
    let mut hand = Hand::new();
    hand.announce(S2, load(2, 1, 0));
    for _ in 0..AGE_MAX {
        hand.fire(Timer::Renew);
    }
    assert!(hand.state.balance.others.contains_key(&name(2)));
    hand.sent.clear();
    hand.fire(Timer::Renew);
    assert!(!hand.state.balance.others.contains_key(&name(2)));
    assert_eq!(hand.own_clients(), [(S2, Some(0)), (S3, Some(0))]);
}

#[test]
fn a_client_that_goes_wrong_is_no_load() {
    let mut hand = Hand::new();
    hand.accept(Link(10));
    let (link, line) = (Link(10), Line::Request(Box::new(Request::Logout)));
    hand.input(Input::Line { link, line });
    assert_eq!(hand.state.balance.clients, 0);
}

//! The client by hand: one handler at a time, with us as its server, its user and its clock.

mod belonging;
mod coherence;
mod returning;
mod speaking;

use std::borrow::Cow;
use std::collections::BTreeSet;

use stateright::actor::{Actor, Command, Id, Out};

use super::*;
use crate::message::client::{From, Info, Resume, Resumed, Secret, Vector};
use crate::message::{Activity, Incarnation, Reply, ServerName, Stream, Username};

/// A client, and all that it asked for since we last looked.
struct Hand {
    client: Client,
    state: State,
    timers: BTreeSet<Timer>,
    links: u64,
    link: Link,
    dialed: Option<Address>,
    sent: Vec<Request>,
    closed: bool,
    told: Vec<Told>,
}

impl Hand {
    fn new(kind: Kind) -> Self {
        Self::with_rules(kind, rules::SOUND)
    }

    fn with_rules(kind: Kind, rules: Rules) -> Self {
        let config = Config {
            client: "c".into(),
            servers: vec![server(1), server(2)],
            kind,
            kept_max: 3,
            ungot_max: Some(3),
            timing: Timing::default(),
        };
        let client = Client::with_rules(config, rules);
        let state = client.on_start(Id::from(0), &None, &mut Out::new());
        Self {
            client,
            state,
            timers: BTreeSet::new(),
            links: 0,
            link: Link(0),
            dialed: None,
            sent: Vec::new(),
            closed: false,
            told: Vec::new(),
        }
    }

    fn input(&mut self, input: Input<Ask>) {
        let mut state = Cow::Owned(self.state.clone());
        let mut out = Out::new();
        let (id, msg) = (Id::from(0), Port::In(input));
        self.client.on_msg(id, &mut state, id, msg, &mut out);
        self.carry_out(state.into_owned(), out);
    }

    fn ask(&mut self, ask: Ask) {
        self.input(Input::Ask(ask));
    }

    /// Its user logs in as aaron.
    fn login(&mut self) {
        self.ask(Ask::Login {
            username: "aaron".into(),
            secret: Some(secret()),
        });
    }

    /// Its user registers aaron.
    fn register(&mut self) {
        self.ask(Ask::Register {
            username: "aaron".into(),
            secret: secret(),
        });
    }

    fn say(&mut self, text: &str) {
        self.ask(Ask::Say(words(text)));
    }

    /// The dial becomes a link. Returns the greeting.
    fn up(&mut self) -> Request {
        let address = self.dialed.take().expect("it has dialed");
        self.links += 1;
        (self.link, self.closed) = (Link(self.links), false);
        let (link, end) = (self.link, End::Dialed(address));
        self.input(Input::Up { link, end });
        self.sent.pop().expect("it greets")
    }

    /// The dial fails.
    fn unreachable(&mut self) {
        let address = self.dialed.take().expect("it has dialed");
        self.input(Input::Unreachable { address });
    }

    fn reply(&mut self, reply: Reply) {
        let (link, line) = (self.link, Line::Reply(reply));
        self.input(Input::Line { link, line });
    }

    /// LOGIN_SUCCESS of a server that speaks our extension.
    fn welcome(&mut self, cursor: Vector) {
        let servers = vec![server(2), server(3)];
        self.reply(Reply::LoginSuccess {
            info: Info::LoggedIn("aaron".into()),
            resumed: Some(Box::new(Resumed { servers, cursor })),
        });
    }

    /// Up to LOGIN_SUCCESS, at a server that has nothing to tell.
    fn live() -> Self {
        let mut hand = Self::new(Kind::Ours);
        hand.login();
        hand.up();
        hand.welcome(Vector::new());
        hand.told.clear();
        hand
    }

    /// The link breaks, and the next dial becomes one. Returns the greeting.
    fn reconnect(&mut self) -> Request {
        self.down();
        self.fire(Timer::Retry);
        self.up()
    }

    fn down(&mut self) {
        let link = self.link;
        self.input(Input::Down { link });
    }

    fn fire(&mut self, timer: Timer) {
        assert!(self.timers.remove(&timer), "{timer:?} is not set");
        let mut state = Cow::Owned(self.state.clone());
        let mut out = Out::new();
        let id = Id::from(0);
        self.client.on_timeout(id, &mut state, &timer, &mut out);
        self.carry_out(state.into_owned(), out);
    }

    fn carry_out(&mut self, state: State, out: Out<Client>) {
        self.state = state;
        for command in out {
            match command {
                Command::SetTimer(timer, _) => {
                    self.timers.insert(timer);
                }
                Command::CancelTimer(timer) => {
                    self.timers.remove(&timer);
                }
                Command::Send(_, Port::Out(effect)) => self.effect(effect),
                Command::Send(_, Port::In(_)) | Command::ChooseRandom(..) | Command::Save(_) => {
                    panic!("a client has no use for {command:?}")
                }
            }
        }
    }

    fn effect(&mut self, effect: Effect<Told>) {
        match effect {
            Effect::Open { address } => self.dialed = Some(address),
            Effect::Send { link, line } => {
                assert_eq!((link, self.closed), (self.link, false));
                let Line::Request(request) = line else {
                    panic!("a client says {line:?}");
                };
                self.sent.push(*request);
            }
            Effect::Close { link } => {
                assert_eq!((link, self.closed), (self.link, false));
                self.closed = true;
            }
            Effect::Tell(told) => self.told.push(told),
            Effect::Spread { .. } => panic!("a client has one link"),
        }
    }

    /// What it said since we last looked: its own numbers and the texts.
    fn said(&mut self) -> Vec<(Option<u64>, String)> {
        let sent = std::mem::take(&mut self.sent).into_iter();
        sent.map(|request| match request {
            Request::Activity { k, activity, .. } => (k, activity.to_string()),
            other => panic!("a client says {other:?}"),
        })
        .collect()
    }

    /// What it told its user of, since we last looked.
    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}

fn server(number: u16) -> Address {
    Address::new("server", number).unwrap()
}

fn secret() -> Secret {
    Secret::Plain("s1".into())
}

fn words(text: &str) -> Activity {
    format!("{{\"text\":\"{text}\"}}").parse().unwrap()
}

fn numbered(said: &[(u64, &str)]) -> Vec<(Option<u64>, String)> {
    let said = said.iter();
    said.map(|(k, text)| (Some(*k), words(text).to_string()))
        .collect()
}

fn stream(server: &str) -> Stream {
    let incarnation = Incarnation {
        number: 1,
        nonce: 1,
    };
    Stream {
        server: ServerName::from(server),
        incarnation,
    }
}

fn why() -> Info {
    Info::WrongSecret
}

fn is_register(request: &Request) -> bool {
    matches!(request, Request::Register { .. })
}

fn is_login(request: &Request) -> bool {
    matches!(request, Request::Login { .. })
}

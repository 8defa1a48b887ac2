//! The servers of an incident, run again.

use std::borrow::Cow;

use stateright::actor::{Actor, Command, Id, Out};

use super::{Event, Happened, Incident, Process, moment};
use crate::diagram::Diagram;
use crate::message::client::Secret;
use crate::message::{Line, SecretHash, ServerName};
use crate::narrate::{self, Step, shape::Shape};
use crate::node::connection::Standing;
use crate::node::{Config, Durable, Node, Order, Role, State};
use crate::port::{Effect, End, Input, Link, Port, runtime_id};
use crate::property::Property;
use crate::world::label;

/// An incident, and every moment of it.
#[derive(Clone, Debug)]
pub struct Played {
    incident: Incident,
    /// Each server's process, before the first event and after each.
    moments: Vec<Vec<Option<Process>>>,
    /// The events, told.
    story: Vec<Step>,
}

impl Played {
    /// Runs the servers again.
    pub fn new(incident: Incident) -> Self {
        let processes = incident.servers.iter();
        let mut now: Vec<Option<Process>> = processes.map(|it| it.process.clone()).collect();
        let mut played = Self {
            moments: vec![now.clone()],
            story: Vec::new(),
            incident,
        };
        for event in &played.incident.events {
            let what = played.what(event, &now);
            let mut out = Out::new();
            if let Some(process) = now.get_mut(event.server) {
                let secret = &played.incident.secret;
                happen(process, &event.happened, secret, &mut out);
            }
            let process = now.get(event.server).and_then(Option::as_ref);
            played.story.push(Step {
                what,
                why: None,
                occurs: occurs(&out),
                then: then(&out, process.map(|process| &process.state)),
                changed: Vec::new(),
            });
            played.moments.push(now.clone());
        }
        played
    }

    /// What happened.
    pub fn incident(&self) -> &Incident {
        &self.incident
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.incident.events.len()
    }

    /// Whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.incident.events.is_empty()
    }

    /// What every server is after so many events, `None` while it is down.
    pub fn moment(&self, after: usize) -> &[Option<Process>] {
        &self.moments[after.min(self.len())]
    }

    /// Whether each property that is looked at holds after so many events.
    pub fn properties(&self, after: usize, is_settled: bool) -> Vec<(&'static Property, bool)> {
        let servers: Vec<Option<&Process>> =
            self.moment(after).iter().map(Option::as_ref).collect();
        moment::properties(&servers, &self.incident.secret, is_settled)
    }

    /// How it begins: who is whose parent.
    pub fn beginning(&self) -> String {
        let states = self.moments[0].iter().map(Option::as_ref);
        let states = states.map(|process| process.map(|process| &process.state));
        let names = self.incident.servers.iter().map(|server| &server.name);
        narrate::places(names.zip(states))
    }

    /// All events, told; what differs after each is left to [`changed`](Self::changed).
    pub fn story(&self) -> &[Step] {
        &self.story
    }

    /// What differs after an event from before it, place by place.
    pub fn changed(&self, event: usize) -> Vec<String> {
        let Some(server) = self.incident.events.get(event).map(|event| event.server) else {
            return Vec::new();
        };
        let states = [event, event + 1].map(|at| self.moments[at].get(server).cloned().flatten());
        let [Some(was), Some(is)] = states else {
            return Vec::new();
        };
        narrate::differences(
            self.incident.servers[server].name.as_str(),
            &Shape::of(&was.state),
            &Shape::of(&is.state),
        )
    }

    /// The sequence diagram of the first events.
    pub fn diagram(&self, upto: usize) -> Diagram {
        super::draw::draw(&self.incident, upto.min(self.len()), |event| {
            self.story[event].what.clone()
        })
    }

    /// Who does what.
    fn what(&self, event: &Event, before: &[Option<Process>]) -> String {
        let name = |server: usize| self.incident.servers.get(server).map(|it| &it.name);
        let Some(who) = name(event.server) else {
            return "nobody does anything".to_owned();
        };
        let state = before.get(event.server).and_then(Option::as_ref);
        let whom = |link: Link| match event.far.and_then(|far| name(far.server)) {
            Some(far) => far.to_string(),
            None => far_end(state.map(|process| &process.state), link),
        };
        match &event.happened {
            Happened::Started { disk: Some(_), .. } => {
                format!("{who} starts with what is on its disk")
            }
            Happened::Started { disk: None, .. } => format!("{who} starts with an empty disk"),
            Happened::Timer(timer) => {
                let does = narrate::does(*timer);
                format!("{who}'s {timer:?} timer fires: it {does}")
            }
            Happened::Saved { .. } => format!("{who}'s save reaches its disk"),
            Happened::Stopped => format!("{who} stops"),
            Happened::Input(input) => match &**input {
                Input::Up { link, end } => match end {
                    End::Dialed(address) => format!("{who} reaches {address}: {link:?} is up"),
                    End::Accepted => format!("{who} is reached: {link:?} is up"),
                },
                Input::Line { link, line } => {
                    format!("{who} hears {} from {}", label::line(line), whom(*link))
                }
                Input::Received { link, lines } => {
                    let whom = whom(*link);
                    format!("{who} is told by its kernel that {whom} has received {lines} lines")
                }
                Input::Down { link } => {
                    format!("{who} notices that {link:?} to {} is gone", whom(*link))
                }
                Input::Unreachable { address } => format!("{who} dials {address} in vain"),
                Input::Ask(Order::Drain) => format!("the operator of {who} stops it"),
                Input::Ask(Order::Forget { server }) => {
                    format!("an operator gives {server} up, at {who}")
                }
            },
        }
    }
}

/// Something happens to a server; what it asks for goes to `out`.
fn happen(
    process: &mut Option<Process>,
    happened: &Happened,
    secret: &SecretHash,
    out: &mut Out<Node>,
) {
    let id = Id::from(0);
    let node = |config: &Config, boot| {
        let config = Config {
            secret: Secret::Hashed(secret.clone()),
            ..config.clone()
        };
        Node::new(config, boot)
    };
    let keep = |process: &mut Process, out: &Out<Node>| {
        let saves = out.iter().filter_map(|command| match command {
            Command::Save(durable) => Some(Durable::clone(durable)),
            Command::Send(..)
            | Command::SetTimer(..)
            | Command::CancelTimer(..)
            | Command::ChooseRandom(..) => None,
        });
        process.disks.extend(saves);
    };
    match (happened, process) {
        (Happened::Started { config, boot, disk }, process) => {
            let disk = disk.as_deref().cloned();
            let state = node(config, *boot).on_start(id, &disk, out);
            let mut started = Process {
                config: (**config).clone(),
                boot: *boot,
                state,
                disks: Vec::new(),
            };
            keep(&mut started, out);
            *process = Some(started);
        }
        (Happened::Stopped, process) => *process = None,
        (Happened::Saved { outdated }, Some(process)) => {
            let outdated = (*outdated).min(process.disks.len().saturating_sub(1));
            process.disks.drain(..outdated);
        }
        (Happened::Input(input), Some(process)) => {
            let node = node(&process.config, process.boot);
            let mut state = Cow::Borrowed(&process.state);
            let input = Port::In((**input).clone());
            node.on_msg(id, &mut state, runtime_id(), input, out);
            process.state = state.into_owned();
            keep(process, out);
        }
        (Happened::Timer(timer), Some(process)) => {
            let node = node(&process.config, process.boot);
            let mut state = Cow::Borrowed(&process.state);
            node.on_timeout(id, &mut state, timer, out);
            process.state = state.into_owned();
            keep(process, out);
        }
        (Happened::Saved { .. } | Happened::Input(_) | Happened::Timer(_), None) => {}
    }
}

/// Who is at the other end of a link, as far as a server knows.
fn far_end(state: Option<&State>, link: Link) -> String {
    let role = state.and_then(|state| Some((state, state.links.get(&link)?)));
    let server = |name: Option<&ServerName>| name.map(ServerName::to_string);
    let known = match role {
        Some((_, Role::Child(name))) => server(Some(name)),
        Some((state, Role::Parent)) => server(state.tree.path().first().map(|id| &id.name)),
        Some((_, Role::Client(connection))) => match &connection.standing {
            Standing::User { username, .. } => Some(format!("{username} on {link:?}")),
            Standing::Anonymous => Some(format!("anonymous on {link:?}")),
            Standing::Stranger | Standing::Registering => Some(format!("a client on {link:?}")),
        },
        Some((_, Role::Fresh | Role::Attempt | Role::Leaving)) | None => None,
    };
    known.unwrap_or_else(|| format!("{link:?}"))
}

/// What a server did, asked for, and said.
fn then(out: &Out<Node>, state: Option<&State>) -> Vec<String> {
    let says = |line: &Line, whom: String| format!("it says {} to {whom}", label::line(line));
    let mut told = Vec::new();
    for command in out.iter() {
        match command {
            Command::Save(_) => told.push("it saves".to_owned()),
            Command::Send(_, Port::Out(effect)) => match effect {
                Effect::Open { address } => told.push(format!("it dials {address}")),
                Effect::Send { link, line } => told.push(says(line, far_end(state, *link))),
                Effect::Spread { links, line } => told.push(match links.as_slice() {
                    [link] => says(line, far_end(state, *link)),
                    _ => says(line, format!("{} links", links.len())),
                }),
                Effect::Close { link } => told.push(format!("it closes {link:?}")),
                Effect::Tell(_) => {}
            },
            Command::Send(_, Port::In(_))
            | Command::SetTimer(..)
            | Command::CancelTimer(..)
            | Command::ChooseRandom(..) => {}
        }
    }
    told
}

/// What a server tells its operator.
fn occurs(out: &Out<Node>) -> Vec<String> {
    let reports = out.iter().filter_map(|command| match command {
        Command::Send(_, Port::Out(Effect::Tell(report))) => Some(label::report(report).to_owned()),
        Command::Send(..)
        | Command::Save(_)
        | Command::SetTimer(..)
        | Command::CancelTimer(..)
        | Command::ChooseRandom(..) => None,
    });
    reports.collect()
}

//! What surrounds the actors when they are checked: links that break, machines that crash, disks that forget
//! (`docs/protocol.md`, World). [`World`] is a stateright `Model`; the actors in it are the ones that serve.

mod action;
mod conduct;
mod debt;
pub mod guest;
pub mod hearing;
pub(crate) mod label;
mod laws;
pub mod link;
mod memo;
mod opening;
mod practice;
pub mod seen;
pub mod server;
pub mod setup;
mod step;
pub mod user;
pub mod view;
mod ways;
mod wish;

pub use action::Action;
pub use memo::Memo;
pub use opening::Opening;
pub use setup::{Event, Faults, SERVERS_MAX, Setup, Start};
pub use ways::Ways;

use imbl::OrdMap;
use stateright::Model;

use crate::client::Client;
use crate::message::{self, ServerName};
use crate::node::{Node, Timer};
use guest::{Guest, Stage};
use link::{Connection, Party, Phase};
use practice::Practised;
use seen::Seen;
use server::Server;
use user::Seat;

/// A world, as stateright sees it.
#[derive(Clone, Debug)]
pub struct World {
    setup: Setup,
    nodes: Vec<Practised<Node>>,
    clients: Vec<Vec<Practised<Client>>>,
    sayings: Vec<hearing::Saying>,
    beginning: State,
}

/// All of a world at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The machines.
    pub servers: Vec<Memo<Server>>,
    /// The clients, and their users.
    pub users: Vec<Memo<Seat>>,
    /// The links, by number; a number is used again once both parties have forgotten the link.
    pub links: Vec<Option<Memo<Connection>>>,
    /// The ways that are cut now.
    pub cut: Ways,
    /// What may still go wrong.
    pub faults: Faults,
    /// How much of the story has been told.
    pub told: usize,
    /// The clients that want names.
    pub guests: Vec<Guest>,
}

impl World {
    /// The world that a setup describes, at its beginning.
    pub fn new(setup: Setup) -> Self {
        Self::remembering(setup, practice::SLOTS)
    }

    /// The same, of which one way is gone: it is quick to make, and no actor remembers what it did.
    pub fn of_one_run(setup: Setup) -> Self {
        Self::remembering(setup, 0)
    }

    fn remembering(setup: Setup, memory: usize) -> Self {
        let nodes = (0..setup.servers.len())
            .map(|server| Practised::new(setup.node(server, 0), memory))
            .collect();
        let beginning = State::blank(&setup);
        let clients = setup.users.iter().map(|user| {
            let starts = setup.clients(user).into_iter();
            let practised = starts.map(|client| Practised::new(client, memory));
            practised.collect()
        });
        let mut world = Self {
            sayings: hearing::sayings(&setup.users),
            clients: clients.collect(),
            setup,
            nodes,
            beginning,
        };
        world.beginning = world.begin(&mut |_, _| {});
        world
    }

    /// What this world is made of.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What goes wrong, or is mended, by an action in a state; `None` if it is somebody's own step.
    pub fn event(&self, state: &State, action: &Action) -> Option<Event> {
        match action {
            Action::Story => self.setup.story.get(state.told).cloned(),
            Action::Cut { cut } => Some(Event::Cut(self.setup.cuts[*cut].clone())),
            Action::Heal => Some(Event::Heal),
            Action::Crash { server } => Some(Event::Crash(server + 1)),
            Action::Restart { server } => Some(Event::Restart(server + 1)),
            Action::LoseDisk { server } => Some(Event::LoseDisk(server + 1)),
            Action::Up { .. }
            | Action::Deliver { .. }
            | Action::Received { .. }
            | Action::Down { .. }
            | Action::Unreachable { .. }
            | Action::Timer { .. }
            | Action::ClientTimer { .. }
            | Action::Wish { .. }
            | Action::Sync { .. }
            | Action::Register { .. }
            | Action::Return { .. }
            | Action::Leave { .. } => None,
        }
    }

    /// What follows from a step, noting in `seen` what occurs on the way. `None` if nothing changes.
    pub fn step(&self, state: &State, action: Action, seen: &mut Seen) -> Option<State> {
        let mut next = state.clone();
        let is_fault = action.is_fault();
        step::take(self, &mut next, action, seen);
        guest::disturb(state, &mut next, is_fault);
        debt::owe(self, state, &mut next);
        step::tidy(&mut next);
        (next != *state).then_some(next)
    }
}

impl State {
    /// Nothing has been started.
    fn blank(setup: &Setup) -> Self {
        let users = setup.users.iter();
        let seats = users.map(|_| Memo::new(Seat::new(setup.users.len())));
        let servers = setup.servers.iter();
        Self {
            users: seats.collect(),
            servers: servers.map(|_| Memo::new(Server::default())).collect(),
            links: Vec::new(),
            cut: Ways::default(),
            faults: setup.faults,
            told: 0,
            guests: vec![Guest::default(); setup.guests.len()],
        }
    }

    /// What each server that runs knows of itself.
    fn everyone(&self) -> OrdMap<ServerName, message::server::Server> {
        let processes = self.servers.iter().filter_map(|it| it.process.as_ref());
        let own = processes.filter_map(|process| {
            let tree = &process.state.durable.tree;
            let own = tree.known.get(&tree.id.name)?;
            Some((tree.id.name.clone(), own.clone()))
        });
        own.collect()
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (link, connection) in state.links.iter().enumerate() {
            let Some(connection) = connection else {
                continue;
            };
            if connection.owes_notice() {
                actions.push(Action::Received { link });
            }
            for (end, this) in connection.ends.iter().enumerate() {
                match &this.phase {
                    Phase::Gone => {}
                    Phase::Dialing(address) if this.deaf => actions.push(Action::Unreachable {
                        party: this.party,
                        address: address.clone(),
                    }),
                    Phase::Dialing(_) => actions.push(Action::Up { link }),
                    Phase::Ringing | Phase::Open => {
                        if !this.inbox.is_empty() {
                            actions.push(Action::Deliver { link, end });
                        }
                        if connection.may_go_down(end) {
                            actions.push(Action::Down { link, end });
                        }
                    }
                }
            }
        }
        for (server, machine) in state.servers.iter().enumerate() {
            let Some(process) = &machine.process else {
                continue;
            };
            for address in &process.unreachable {
                let party = Party::Server(server);
                actions.push(Action::Unreachable {
                    party,
                    address: address.clone(),
                });
            }
            if !process.unsynced.is_empty() {
                actions.push(Action::Sync { server });
            }
        }
        if !self.setup.patient || actions.is_empty() {
            self.timers(state, actions);
        }
        self.wishes(state, actions);
        self.guests(state, actions);
        self.faults(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.step(state, action, &mut Seen::default())
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }
}

impl World {
    /// The timers of the servers.
    fn timers(&self, state: &State, actions: &mut Vec<Action>) {
        for (server, machine) in state.servers.iter().enumerate() {
            let timers = machine.process.iter().flat_map(|process| &process.timers);
            let may_fire = |timer: &&Timer| **timer != Timer::Renew || state.faults.renewals > 0;
            let timers = timers.filter(may_fire);
            actions.extend(timers.map(|timer| Action::Timer {
                server,
                timer: *timer,
            }));
        }
    }

    /// Whether a server may still crash. Where none may, a save is on the disk as soon as it is made.
    pub fn may_crash(&self, state: &State) -> bool {
        let to_come = &self.setup.story[state.told..];
        state.faults.crashes > 0 || to_come.iter().any(|event| matches!(event, Event::Crash(_)))
    }

    fn wishes(&self, state: &State, actions: &mut Vec<Action>) {
        for (user, (wants, seat)) in self.setup.users.iter().zip(&state.users).enumerate() {
            if let Some(process) = &seat.process {
                let party = Party::Client(user);
                actions.extend(
                    process
                        .unreachable
                        .iter()
                        .map(|address| Action::Unreachable {
                            party,
                            address: address.clone(),
                        }),
                );
                actions.extend(process.timers.iter().map(|timer| Action::ClientTimer {
                    user,
                    timer: *timer,
                }));
            }
            if seat.next_wish(wants).is_some() {
                actions.push(Action::Wish { user });
            }
        }
    }

    fn guests(&self, state: &State, actions: &mut Vec<Action>) {
        let runs = |server: usize| {
            let process = state.servers[server].process.as_ref();
            process.is_some_and(|process| process.state.halted.is_none())
        };
        for (guest, (wish, this)) in self.setup.guests.iter().zip(&state.guests).enumerate() {
            let may_begin = !wish.is_heckler() || guest::may_heckle(self, state, guest);
            if this.stage == Stage::Idle && runs(wish.at) && may_begin {
                actions.push(Action::Register { guest });
            }
            if this.link.is_some() && state.faults.departures > 0 {
                actions.push(Action::Leave { guest });
            }
            if this.link.is_none() && this.believes() && wish.returns.is_some_and(runs) {
                actions.push(Action::Return { guest });
            }
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        if state.told < self.setup.story.len() {
            actions.push(Action::Story);
        }
        if state.faults.cuts > 0 {
            let cuts = self.setup.cuts.iter().enumerate();
            let new = cuts.filter(|(_, ways)| !state.cut.include_all(ways));
            actions.extend(new.map(|(cut, _)| Action::Cut { cut }));
        }
        if !state.cut.is_empty() && (self.setup.story.is_empty() || self.setup.faults.cuts > 0) {
            actions.push(Action::Heal);
        }
        for (server, machine) in state.servers.iter().enumerate() {
            match &machine.process {
                Some(_) if state.faults.crashes > 0 => actions.push(Action::Crash { server }),
                None if state.faults.restarts > 0 => actions.push(Action::Restart { server }),
                Some(_) | None => {}
            }
            if machine.process.is_none() && machine.disk.is_some() && state.faults.lost_disks > 0 {
                actions.push(Action::LoseDisk { server });
            }
        }
    }
}

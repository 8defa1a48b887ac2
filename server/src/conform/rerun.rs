//! One recorded start, run again: the same node, given the same inputs, must ask for the same and come to the same state.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use regrow_model::incident::Process;
use regrow_model::node::{Config, Durable, Node, Order, Report, State};
use regrow_model::port::{Effect, Input, Port, runtime_id};
use stateright::actor::{Actor, Command, Id, Out};

use super::breach::Breach;
use super::incident::{Story, What};
use super::links::Links;
use super::timers::Timers;
use super::traffic::Wires;
use crate::edge::proven;
use crate::record::{Given, Header, Record, digest};

/// How many breaches of one start are told; more are counted.
const TOLD: usize = 20;

/// A start that is run again.
pub(super) struct Rerun {
    node: Node,
    storage: Option<Durable>,
    state: Option<Cow<'static, State>>,
    /// What the handler that ran last asked for, until its recorded end has been seen.
    out: Option<Out<Node>>,
    /// What the handlers that have run are called.
    next: u64,
    /// When the last one began.
    at: Duration,
    saves: u64,
    durable: u64,
    /// What may be on disk: the newest save that is known to be, and those after it.
    disk: VecDeque<(u64, Durable)>,
    links: Links,
    timers: Timers,
    pub(super) wires: Wires,
    pub(super) story: Story,
    pub(super) checkpoints: u64,
    /// What must not be, and in which handler.
    pub(super) breaches: Vec<(u64, Breach)>,
    /// How many there were beyond those.
    pub(super) untold: u64,
    /// Whether it went another way than was recorded: nothing after that means anything.
    pub(super) has_strayed: bool,
}

impl Rerun {
    /// Of what a recording says first. So many of its last steps are to be told.
    pub(super) fn new(header: &Header, storage: Option<Durable>, told: usize) -> Self {
        let config = Config {
            secret: proven(),
            ..header.config.clone()
        };
        Self {
            node: Node::new(config, header.boot),
            storage,
            state: None,
            out: None,
            next: 0,
            at: Duration::ZERO,
            saves: 0,
            durable: 0,
            disk: VecDeque::new(),
            links: Links::default(),
            timers: Timers::default(),
            wires: Wires::default(),
            story: Story::new(told),
            checkpoints: 0,
            breaches: Vec::new(),
            untold: 0,
            has_strayed: false,
        }
    }

    /// How many handlers have run.
    pub(super) fn steps(&self) -> u64 {
        self.next
    }

    /// What it remembers now.
    pub(super) fn state(&self) -> Option<&State> {
        self.state.as_deref()
    }

    /// All of it now; nothing before it has started.
    pub(super) fn process(&self, header: &Header) -> Option<Process> {
        Some(Process {
            config: header.config.clone(),
            boot: header.boot,
            state: self.state()?.clone(),
            disks: self.disks().cloned().collect(),
        })
    }

    /// What may be on its disk now, the oldest first.
    pub(super) fn disks(&self) -> impl Iterator<Item = &Durable> {
        self.disk.iter().map(|(_, durable)| durable)
    }

    /// Up to which save everything was known to be on disk, and how many saves there were.
    pub(super) fn saves(&self) -> (u64, u64) {
        (self.durable, self.saves)
    }

    fn breach(&mut self, breach: impl IntoIterator<Item = Breach>) {
        for breach in breach {
            match self.breaches.len() {
                0..TOLD => self.breaches.push((self.next.saturating_sub(1), breach)),
                _ => self.untold += 1,
            }
        }
    }

    /// Takes in the next record.
    pub(super) fn take_in(&mut self, record: Record) {
        match record {
            Record::Row(..) | Record::Abandoned => {}
            Record::Begins {
                number,
                round,
                at,
                cause,
            } => self.begins(number, round, at, cause),
            Record::Ends(outcome) => self.ends(outcome),
            Record::Obeyed(at) => self.timers.are_set(at),
            Record::Durable(save) => self.is_durable(save),
            Record::Released(lines) => {
                for (link, lines) in lines {
                    let breach = self.links.releases(link, lines, self.durable);
                    self.breach(breach);
                }
            }
            Record::Checkpoint(recorded) => {
                self.checkpoints += 1;
                if self.state().map(digest::of_state) != Some(recorded) {
                    self.breach([Breach::State]);
                    self.has_strayed = true;
                }
            }
            Record::Stopped { round, at } => {
                let lost = self.timers.happens(round, false, at);
                self.breach(lost);
                let step = self.next.saturating_sub(1);
                self.story.tell(step, at, || What::Stopped);
            }
        }
    }

    /// Whether the story goes on with this record.
    pub(super) fn tells(record: &Record) -> bool {
        match record {
            Record::Begins { .. } | Record::Durable(_) | Record::Stopped { .. } => true,
            Record::Row(..)
            | Record::Ends(_)
            | Record::Obeyed(_)
            | Record::Released(_)
            | Record::Checkpoint(_)
            | Record::Abandoned => false,
        }
    }

    fn begins(&mut self, number: u64, round: u64, at: Duration, cause: Given) {
        if number != self.next {
            let (found, expected) = (number, self.next);
            self.breach([Breach::Number { found, expected }]);
            self.has_strayed = true;
            return;
        }
        if self.out.is_some() {
            self.breach([Breach::Overlap]);
        }
        self.next += 1;
        self.at = at;
        if number == 1 && self.saves > 0 && self.durable == 0 {
            self.breach([Breach::Unkept]);
        }
        let fires = match &cause {
            Given::Timer(timer) => self.timers.fires(*timer, at),
            Given::Start | Given::Input(_) => None,
        };
        let is_timer = matches!(cause, Given::Timer(_));
        let lost = self.timers.happens(round, is_timer, at);
        self.breach(fires);
        self.breach(lost);
        let mut heard = None;
        if let Given::Input(input) = &cause {
            let breach = self.links.hears(input);
            self.breach(breach);
            heard = self.wires.hears(number, input);
        }
        let what = || What::Given(cause.clone(), heard);
        self.story.tell(number, at, what);
        self.out = Some(self.run(cause));
    }

    /// Runs the node's handler.
    fn run(&mut self, cause: Given) -> Out<Node> {
        let mut out = Out::new();
        let id = Id::from(0);
        match (cause, &mut self.state) {
            (Given::Start, state) => {
                let started = self.node.on_start(id, &self.storage, &mut out);
                *state = Some(Cow::Owned(started));
                self.storage = None;
            }
            (Given::Input(input), Some(state)) => {
                let input = Port::In(input);
                self.node.on_msg(id, state, runtime_id(), input, &mut out);
            }
            (Given::Timer(timer), Some(state)) => {
                self.node.on_timeout(id, state, &timer, &mut out);
            }
            (Given::Input(_) | Given::Timer(_), None) => {}
        }
        out
    }

    fn ends(&mut self, recorded: u64) {
        let Some(out) = self.out.take() else {
            return self.breach([Breach::Overlap]);
        };
        if digest::of_outcome(&out, None) != recorded {
            let asks = describe(&out);
            self.breach([Breach::Outcome { asks }]);
            self.has_strayed = true;
            return;
        }
        let mut save = 0;
        for command in out {
            match command {
                Command::Save(durable) => {
                    self.saves += 1;
                    save = self.saves;
                    self.disk.push_back((save, durable));
                }
                Command::SetTimer(timer, range) => self.timers.set(timer, range, self.at),
                Command::CancelTimer(timer) => self.timers.cancel(timer),
                Command::Send(_, Port::Out(effect)) => self.effect(effect, save),
                Command::Send(_, Port::In(_)) | Command::ChooseRandom(..) => {} // which no node does
            }
        }
    }

    fn effect(&mut self, effect: Effect<Report>, save: u64) {
        match effect {
            Effect::Open { address } => self.links.dials(&address),
            Effect::Send { link, line } => {
                if self.links.sends(link, save) {
                    self.wires.sends(self.next - 1, link, &line);
                }
            }
            Effect::Spread { links, line } => {
                for link in links {
                    if self.links.sends(link, save) {
                        self.wires.sends(self.next - 1, link, &line);
                    }
                }
            }
            Effect::Close { link } => self.links.closes(link),
            Effect::Tell(_) => {}
        }
    }

    fn is_durable(&mut self, save: u64) {
        if save <= self.durable || save > self.saves {
            let (saves, before) = (self.saves, self.durable);
            let found = save;
            self.breach([Breach::NeverSaved {
                found,
                saves,
                before,
            }]);
            return;
        }
        self.durable = save;
        let mut outdated = 0;
        while self.disk.get(1).is_some_and(|(next, _)| *next <= save) {
            self.disk.pop_front();
            outdated += 1;
        }
        let step = self.next.saturating_sub(1);
        let what = || What::Saved { outdated };
        self.story.tell(step, self.at, what);
    }
}

/// What a node asked for, in short.
fn describe(out: &Out<Node>) -> String {
    const SHOWN: usize = 3;
    let command = |command: &Command<Port<Order, Report>, _, _, _>| match command {
        Command::Send(_, Port::Out(effect)) => format!("{effect:?}"),
        Command::Send(_, Port::In(input)) => format!("{:?}", input as &Input<Order>),
        Command::SetTimer(timer, range) => format!("{timer:?} in {range:?}"),
        Command::CancelTimer(timer) => format!("no {timer:?}"),
        Command::ChooseRandom(key, _) => format!("a choice of {key}"),
        Command::Save(_) => "a save".to_owned(),
    };
    let mut all: Vec<String> = out.iter().take(SHOWN).map(command).collect();
    if out.len() > SHOWN {
        all.push(format!("and {} more", out.len() - SHOWN));
    }
    match all.is_empty() {
        true => "nothing".to_owned(),
        false => all.join("; "),
    }
}

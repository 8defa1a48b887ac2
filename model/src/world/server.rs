//! A server's process and its disk.

use std::collections::{BTreeSet, VecDeque};

use super::Memo;
use crate::message::Address;
use crate::node::registry::directory::Directory;
use crate::node::{self, Durable, Report, Timer};
use crate::port::{Effect, Link};

/// A machine that runs a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Server {
    /// The process, while it runs.
    pub process: Option<Process>,
    /// What is on the disk. While nothing can crash any more it isn't kept.
    pub disk: Option<Durable>,
    /// How often it has started.
    pub starts: usize,
}

/// A running server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// The actor's state.
    pub state: Memo<node::State>,
    /// Which timers are set.
    pub timers: BTreeSet<Timer>,
    /// Dials that will fail.
    pub unreachable: BTreeSet<Address>,
    /// Saves that are not on the disk yet, oldest first.
    pub unsynced: VecDeque<Durable>,
    /// Effects that wait for a save.
    pub held: VecDeque<Held>,
}

/// An effect that leaves once so many of the unsynced saves are on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// How many.
    pub saves: usize,
    /// What then happens.
    pub effect: Effect<Report>,
}

impl Server {
    /// Puts these names into the server's memory and on its disk.
    pub fn preset(&mut self, directory: &Directory) {
        if let Some(process) = &mut self.process {
            process
                .state
                .alter(|state| state.durable.registry = directory.clone());
            process
                .unsynced
                .iter_mut()
                .for_each(|save| save.registry = directory.clone());
        }
        self.disk
            .iter_mut()
            .for_each(|disk| disk.registry = directory.clone());
    }
}

impl Process {
    /// A process that has just been started.
    pub fn new(state: node::State) -> Self {
        Self {
            state: Memo::new(state),
            timers: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            unsynced: VecDeque::new(),
            held: VecDeque::new(),
        }
    }

    /// For how many unsynced saves an effect must wait that its handler asked for after `saved` saves in all:
    /// for its own, and for whatever is held before it on its link.
    pub fn barrier(&self, saved: usize, effect: &Effect<Report>) -> usize {
        let before = self
            .held
            .iter()
            .filter(|held| same_link(&held.effect, effect));
        before.map(|held| held.saves).max().unwrap_or(0).max(saved)
    }

    /// What is held for a link is lost with it.
    pub fn forget(&mut self, link: Link) {
        self.held.retain(|held| link_of(&held.effect) != Some(link));
    }

    /// The oldest save reaches the disk: what it holds now, and the effects that waited for it.
    pub fn sync(&mut self) -> (Option<Durable>, Vec<Effect<Report>>) {
        let disk = self.unsynced.pop_front();
        for held in &mut self.held {
            held.saves -= 1;
        }
        let released = self
            .held
            .iter()
            .filter(|held| held.saves == 0)
            .map(|held| held.effect.clone())
            .collect();
        self.held.retain(|held| held.saves > 0);
        (disk, released)
    }
}

fn link_of(effect: &Effect<Report>) -> Option<Link> {
    match effect {
        Effect::Send { link, .. } | Effect::Close { link } => Some(*link),
        Effect::Open { .. } | Effect::Tell(_) => None,
    }
}

fn same_link(a: &Effect<Report>, b: &Effect<Report>) -> bool {
    link_of(a).is_some() && link_of(a) == link_of(b)
}

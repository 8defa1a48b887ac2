//! A server's process and its disk.

use std::collections::BTreeSet;

use imbl::OrdMap;

use super::Memo;
use super::link::Deed;
use crate::message::{Address, ServerName, server as message};
use crate::node::registry::directory::{Directory, Index};
use crate::node::{self, Durable, Timer};
use crate::port::Link;

/// A machine that runs a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Server {
    /// The process, while it runs.
    pub process: Option<Process>,
    /// What is on the disk. While nothing can crash any more it isn't kept.
    pub disk: Option<Memo<Durable>>,
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
    pub unsynced: Vec<Memo<Durable>>,
    /// Deeds that wait for a save.
    pub held: Vec<Held>,
}

/// A deed that is done once so many of the unsynced saves are on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// How many.
    pub saves: usize,
    /// What is then done.
    pub deed: Deed,
}

impl Server {
    /// Puts these names, and what is known of servers, into the server's memory and on its disk.
    pub fn preset(&mut self, directory: &Directory, known: &OrdMap<ServerName, message::Server>) {
        let preset = |durable: &mut Durable| {
            durable.registry = directory.clone();
            durable.tree.known = durable.tree.known.clone().union(known.clone());
        };
        if let Some(process) = &mut self.process {
            process.state.alter(|state| {
                preset(&mut state.durable);
                state.registry.index = Index::of(&state.durable.registry);
            });
            for save in &mut process.unsynced {
                save.alter(preset);
            }
        }
        if let Some(disk) = &mut self.disk {
            disk.alter(preset);
        }
    }

    /// All that the server knows is on its disk, even where no crash is to come.
    pub fn keep(&mut self) {
        if let Some(process) = &mut self.process {
            process.unsynced.clear();
            self.disk = Some(Memo::new(process.state.durable.clone()));
        }
    }

    /// Whether something that it has saved isn't on its disk yet.
    pub fn has_unsynced(&self) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|process| !process.unsynced.is_empty())
    }
}

impl Process {
    /// A process that has just been started.
    pub fn new(state: Memo<node::State>) -> Self {
        Self {
            state,
            timers: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            unsynced: Vec::new(),
            held: Vec::new(),
        }
    }

    /// For how many unsynced saves a deed must wait that its handler asked for after `saved` saves in all:
    /// for its own, and for whatever is held before it on its link.
    pub fn barrier(&self, saved: usize, deed: &Deed) -> usize {
        let link = deed.link();
        let before = self
            .held
            .iter()
            .filter(|held| link.is_some() && held.deed.link() == link);
        before.map(|held| held.saves).max().unwrap_or(0).max(saved)
    }

    /// What is held for a link is lost with it.
    pub fn forget(&mut self, link: Link) {
        self.held.retain(|held| held.deed.link() != Some(link));
    }

    /// The oldest save reaches the disk: what it holds now, and the deeds that waited for it.
    pub fn sync(&mut self) -> (Option<Memo<Durable>>, Vec<Deed>) {
        let disk = (!self.unsynced.is_empty()).then(|| self.unsynced.remove(0));
        for held in &mut self.held {
            held.saves -= 1;
        }
        let released = self
            .held
            .iter()
            .filter(|held| held.saves == 0)
            .map(|held| held.deed.clone())
            .collect();
        self.held.retain(|held| held.saves > 0);
        (disk, released)
    }
}

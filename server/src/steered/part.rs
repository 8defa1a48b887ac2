//! What whoever steers a server and the server's process say to each other: JSON, a line each. First the part that the process
//! is to play, then one cue after another, each with its answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regrow_model::message::{Address, Stamp};
use regrow_model::node::{Order, Role, State, Timer};
use serde::{Deserialize, Serialize};

/// Which server of which world a process is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The counterexample's file.
    pub(crate) file: PathBuf,
    /// The rule that is broken.
    pub(crate) mutant: Option<String>,
    /// The server's index.
    pub(crate) server: usize,
    /// How often it has started before.
    pub(crate) starts: usize,
    /// Where the addresses of the world's servers lead.
    pub(crate) routes: BTreeMap<Address, Address>,
}

/// What the process is to do now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Cue {
    /// A timer fires.
    Fire(Timer),
    /// The oldest save that is held reaches the disk.
    Sync,
    /// A client on this link has received so many lines: what its kernel would say.
    Receive {
        /// The link's number in the process.
        link: u64,
        /// How many.
        lines: u64,
    },
    /// Saves aren't held any more.
    LetGo,
    /// The clock shows this.
    Clock(Stamp),
    /// Its operator asks for something.
    Ask(Order),
    /// What was so before the world began is in its memory and on its disk.
    Preset,
    /// It shows its state.
    Look,
}

/// What comes of a cue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// There was no such timer, or no save.
    NotThere,
    /// Its state.
    Seen {
        /// What can be seen of it.
        seen: Box<Seen>,
        /// How many lines it has taken in.
        lines: u64,
        /// How many ends of links that it hadn't closed itself.
        downs: u64,
        /// The links that it has.
        links: Vec<u64>,
    },
    /// It can't be.
    Failed(String),
}

/// A server's state, as far as it doesn't tell which numbers its links have: those are the process's own affair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// How many links it has of each kind that means something to it.
    pub(crate) links: String,
    /// How far it has got with leaving.
    pub(crate) leaving: String,
    /// Its way to the root, the parent first.
    pub(crate) path: String,
    /// Its children.
    pub(crate) children: String,
    /// Who it is and whom it knows.
    pub(crate) tree: String,
    /// The names and whose they are.
    pub(crate) names: String,
    /// The log, the sessions, the floors.
    pub(crate) delivery: String,
}

impl Seen {
    /// What can be seen of a state.
    pub(crate) fn of(state: &State) -> Self {
        let children: Vec<_> = state.tree.children.keys().collect();
        let mut links = [0; 5];
        for role in state.links.values() {
            match role {
                // The model tells of those together with their first line.
                Role::Fresh => {}
                Role::Attempt => links[0] += 1,
                Role::Parent => links[1] += 1,
                Role::Child(_) => links[2] += 1,
                Role::Client(_) => links[3] += 1,
                Role::Leaving => links[4] += 1,
            }
        }
        Self {
            links: format!("{links:?}"),
            leaving: format!("{:?}", state.drain),
            path: format!("{:?}", state.tree.path()),
            children: format!("{children:?}"),
            tree: format!("{:?}", state.durable.tree),
            names: format!("{:?}", state.durable.registry),
            delivery: format!("{:?}", state.durable.delivery),
        }
    }

    /// Each part, by its name.
    pub(crate) fn parts(&self) -> [(&'static str, &str); 7] {
        [
            (
                "attempts, parents, children, clients and links to be left",
                &self.links,
            ),
            ("way to leave", &self.leaving),
            ("path to the root", &self.path),
            ("children", &self.children),
            ("servers that it knows", &self.tree),
            ("names", &self.names),
            ("messages and sessions", &self.delivery),
        ]
    }
}

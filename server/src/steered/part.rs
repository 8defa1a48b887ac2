//! What whoever steers a server and the server's process say to each other: JSON, a line each. First the part that the process
//! is to play, then one cue after another, each with its answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regrow_model::message::{Address, Stamp};
use regrow_model::node::{Order, State, Timer};
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
    Seen(Box<Seen>),
    /// It can't be.
    Failed(String),
}

/// A server's state, as far as it doesn't tell which numbers its links have: those are the process's own affair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
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
        Self {
            path: format!("{:?}", state.tree.path()),
            children: format!("{children:?}"),
            tree: format!("{:?}", state.durable.tree),
            names: format!("{:?}", state.durable.registry),
            delivery: format!("{:?}", state.durable.delivery),
        }
    }

    /// Each part, by its name.
    pub(crate) fn parts(&self) -> [(&'static str, &str); 5] {
        [
            ("path to the root", &self.path),
            ("children", &self.children),
            ("servers that it knows", &self.tree),
            ("names", &self.names),
            ("messages and sessions", &self.delivery),
        ]
    }
}

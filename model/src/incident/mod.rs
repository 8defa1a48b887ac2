//! What happened to servers that really ran, as their recordings tell it (`docs/operating.md`, Recording). It begins in the
//! middle of their lives: with all that each remembers, and then whatever it was given, in an order that fits all of them. So the
//! same actors, given the same once more, do the same, and what they do can be told like a counterexample of the checker's.
//!
//! - [`play`]: the actors run again, and the story of it.
//! - [`moment`]: the properties of the protocol, in any state on the way.
//! - [`draw`]: the sequence diagram.

mod draw;
pub mod moment;
mod play;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::message::{SecretHash, ServerName};
use crate::node::{Boot, Config, Durable, Order, State, Timer};
use crate::port::Input;

pub use play::Played;

/// What happened to some servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What stands in it for the system's secret.
    pub secret: SecretHash,
    /// The servers.
    pub servers: Vec<Machine>,
    /// What happened, in an order in which nothing is heard before it was said.
    pub events: Vec<Event>,
}

/// A server, and how it is when the incident begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// What it is known by.
    pub name: ServerName,
    /// What runs there; nothing while it is down.
    pub process: Option<Process>,
}

/// A server's process at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// What it was told when it was set up; the system's secret is not there.
    pub config: Config,
    /// And at its start.
    pub boot: Boot,
    /// All that it remembers.
    pub state: State,
    /// What may be on its disk: the newest save that is known to be, and those after it.
    pub disks: Vec<Durable>,
}

/// Something that happened to one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// To which, counted from 0.
    pub server: usize,
    /// What.
    pub happened: Happened,
    /// The other end of the link that it is about, if that is one of these servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<Far>,
}

/// The other end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Far {
    /// Which server has it, counted from 0.
    pub server: usize,
    /// In which event the line was said that is heard, counted from 0; unknown if that was before the first.
    pub said: Option<usize>,
}

/// What happens to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It starts.
    Started {
        /// What it is told when it is set up.
        config: Box<Config>,
        /// And at this start.
        boot: Boot,
        /// What it finds on its disk.
        disk: Option<Box<Durable>>,
    },
    /// Something is handed to it.
    Input(Box<Input<Order>>),
    /// A timer fires.
    Timer(Timer),
    /// A save is on its disk.
    Saved {
        /// So many older ones count no more.
        outdated: usize,
    },
    /// Its process is gone.
    Stopped,
}

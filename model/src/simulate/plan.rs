//! What is simulated in one run: a world and what may go wrong in it, as plain data that a file can hold.

use serde::{Deserialize, Serialize};

use crate::client::Kind;

/// One run's world. Servers, people and claims count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was drawn by.
    pub seed: u64,
    /// For each server the number of the one that it joins, counted from 1; 0 for none.
    pub parents: Vec<usize>,
    /// How it begins.
    pub start: Beginning,
    /// Each server's clock at its first start.
    pub clocks: Vec<u64>,
    /// By how much a server's clock has gone on at its next start.
    pub clock_step: u64,
    /// The clients and their users.
    pub people: Vec<Person>,
    /// Names that are asked for by clients that do nothing else.
    pub claims: Vec<Claim>,
    /// What may be cut.
    pub cuts: Vec<Cut>,
    /// How often what may go wrong.
    pub budget: Budget,
    /// The servers that their operators stop, in this order.
    pub drains: Vec<usize>,
    /// Bounds that are nearer than by default.
    pub knobs: Knobs,
    /// What is likely to happen next.
    pub pace: Pace,
    /// Steps before everything is mended.
    pub chaos: usize,
}

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beginning {
    /// Every server knows only the one that it joins.
    Cold,
    /// All servers know each other, and there is no tree yet.
    Acquainted,
    /// The tree has come to rest.
    Settled,
}

/// A user and its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who it is.
    pub name: Name,
    /// Whether its client is one of the originals, that neither resume nor come back.
    pub legacy: bool,
    /// The servers that its client knows.
    pub servers: Vec<usize>,
    /// What it does once it is logged in.
    pub deeds: Vec<Deed>,
}

/// Who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// Nobody in particular.
    Anonymous,
    /// A user of its own whom every server knows from the beginning.
    Known,
    /// A user who registers this name, which others may want, too.
    Wanted(usize),
}

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Says something.
    Say,
    /// Moves to this server.
    Move(usize),
    /// Logs out.
    Leave,
    /// Its client dies, and another copy of it logs in at this server.
    Return(usize),
}

/// Somebody who asks for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which name.
    pub name: usize,
    /// At which server.
    pub at: usize,
    /// That server's clock then.
    pub now: u64,
}

/// Ways that break together: between each of these servers and each of those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// These.
    pub from: Vec<usize>,
    /// Those.
    pub to: Vec<usize>,
    /// Whether only what these say to those is lost.
    pub one_way: bool,
}

/// How often what may go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Cuts.
    pub cuts: u8,
    /// Crashes; everyone who has crashed may start again.
    pub crashes: u8,
    /// Disks lost while their server is down.
    pub lost_disks: u8,
    /// Claimants who go without a word.
    pub departures: u8,
    /// Announcements of loads that haven't changed: no fault.
    pub renewals: u8,
}

/// Bounds that are nearer than by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knobs {
    /// Lines of delivery on their way over a link, at most; 0 for no bound.
    pub window_lines: u32,
    /// Messages that a log keeps, at most; 0 for the default.
    pub log_max: usize,
    /// Ticks for which a server that doesn't move is waited for.
    pub patience: Option<u32>,
    /// Ticks after which a mailbox expires.
    pub mailbox_age: Option<u32>,
    /// Messages on their way to a client before it is cut off; 0 for the default.
    pub unheard_max: usize,
    /// Whether speakers are told what they say.
    pub echoes: bool,
    /// Whether timers wait until nothing else can happen.
    pub patient: bool,
    /// Whether a dial takes its time.
    pub slow_dials: bool,
    /// Whether loads are announced, and logins sent on.
    pub balances: bool,
}

/// How likely each kind of step is, relative to the others that are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Deliveries, notices, syncs.
    pub traffic: usize,
    /// Timers.
    pub timers: usize,
    /// What users want.
    pub wishes: usize,
    /// What goes wrong, or is mended.
    pub faults: usize,
}

impl Budget {
    /// Whether nothing goes wrong.
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                renewals: self.renewals,
                ..Self::default()
            }
    }
}

impl Knobs {
    /// The same, without bounds that matter only to who is away.
    #[must_use]
    pub fn without_ends(self) -> Self {
        Self {
            log_max: 0,
            mailbox_age: None,
            patience: None,
            ..self
        }
    }

    /// Whether no server lets go of a client that neither leaves nor moves.
    pub fn keeps_connections(&self) -> bool {
        self.unheard_max == 0 && !self.balances
    }
}

impl Person {
    /// What its client is.
    pub fn kind(&self) -> Kind {
        if self.legacy {
            Kind::Legacy
        } else {
            Kind::Ours
        }
    }
}

//! What may go wrong, and one thing that does.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A server is killed, and starts again.
    Crashes,
    /// Several servers are killed at once, maybe all.
    Outages,
    /// A server is stopped where it is, its sockets open, and goes on.
    Freezes,
    /// A server is told to stop as an operator does it, and starts again.
    Drains,
    /// Servers can't reach the others, nor be reached by them.
    Cuts,
    /// The same in one direction.
    OneWay,
    /// Every link of a server breaks at once.
    Resets,
    /// The connections of a server's clients break.
    Clients,
    /// Clients go to another server.
    Moves,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 9] = [
        Self::Crashes,
        Self::Outages,
        Self::Freezes,
        Self::Drains,
        Self::Cuts,
        Self::OneWay,
        Self::Resets,
        Self::Clients,
        Self::Moves,
    ];

    /// Its name on a command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crashes => "crashes",
            Self::Outages => "outages",
            Self::Freezes => "freezes",
            Self::Drains => "drains",
            Self::Cuts => "cuts",
            Self::OneWay => "one-way",
            Self::Resets => "resets",
            Self::Clients => "clients",
            Self::Moves => "moves",
        }
    }

    /// What happens, in words.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Crashes => "kill -9 of a server, and its restart",
            Self::Outages => "kill -9 of several servers at once, or of all",
            Self::Freezes => "a server is stopped (SIGSTOP) and goes on (SIGCONT)",
            Self::Drains => "a server is told to stop (SIGTERM), and starts again",
            Self::Cuts => "servers are cut off from the others",
            Self::OneWay => "the same in one direction only",
            Self::Resets => "all links of a server are reset",
            Self::Clients => "the connections of a server's clients are reset",
            Self::Moves => "a third of the clients go to other servers",
        }
    }

    /// Whether a server's process doesn't run, or doesn't go on, meanwhile.
    pub(super) fn takes_servers(self) -> bool {
        match self {
            Self::Crashes | Self::Outages | Self::Freezes | Self::Drains => true,
            Self::Cuts | Self::OneWay | Self::Resets | Self::Clients | Self::Moves => false,
        }
    }

    /// Whether a server's process ends.
    pub(super) fn ends_servers(self) -> bool {
        match self {
            Self::Crashes | Self::Outages | Self::Drains => true,
            Self::Freezes
            | Self::Cuts
            | Self::OneWay
            | Self::Resets
            | Self::Clients
            | Self::Moves => false,
        }
    }

    /// Whether it is over as soon as it happens.
    pub(super) fn is_instant(self) -> bool {
        match self {
            Self::Resets | Self::Clients | Self::Moves => true,
            Self::Crashes
            | Self::Outages
            | Self::Freezes
            | Self::Drains
            | Self::Cuts
            | Self::OneWay => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A fault, planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its kind.
    pub(super) kind: Kind,
    /// The servers that are hit: those on the far side of a cut, those whose clients are.
    pub(super) servers: Vec<usize>,
    /// One way only: whether what these servers say isn't heard, rather than what the others say to them.
    pub(super) is_outward: bool,
    /// How long after the bout begins it does.
    pub(super) after_ms: u64,
    /// How long it lasts.
    pub(super) lasts_ms: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = names(&self.servers);
        match self.kind {
            Kind::Crashes => write!(f, "{servers} is killed"),
            Kind::Outages => write!(f, "{servers} are killed at once"),
            Kind::Freezes => write!(f, "{servers} is frozen"),
            Kind::Drains => write!(f, "{servers} is told to stop"),
            Kind::Cuts => write!(f, "{servers} cut off from the others"),
            Kind::OneWay if self.is_outward => write!(f, "the others don't hear {servers}"),
            Kind::OneWay => write!(f, "{servers} can't hear the others"),
            Kind::Resets => write!(f, "the links of {servers} are reset"),
            Kind::Clients => write!(f, "the clients of {servers} lose their connections"),
            Kind::Moves => write!(f, "every third client goes on to another server"),
        }
    }
}

/// Servers as people count them.
pub(super) fn names(servers: &[usize]) -> String {
    let mut names = String::new();
    for (place, server) in servers.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        // Into a String: cannot fail.
        let _ = write!(names, "{comma}S{}", server + 1);
    }
    names
}

//! The kinds of trouble that a run may have.

use std::fmt;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Ways break both ways.
    Cuts,
    /// Ways break one way.
    OneWay,
    /// Servers crash.
    Crashes,
    /// Servers that are down lose their disks. Then only the tree is judged, for what was on the disk is truly lost.
    Disks,
    /// Clients die and come back; who asks for names goes without a word.
    Clients,
    /// Clocks are skewed, equal, and hardly go on.
    Clocks,
    /// Operators stop servers.
    Drains,
}

impl Trouble {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Cuts,
        Self::OneWay,
        Self::Crashes,
        Self::Disks,
        Self::Clients,
        Self::Clocks,
        Self::Drains,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuts => "cuts",
            Self::OneWay => "one-way",
            Self::Crashes => "crashes",
            Self::Disks => "disks",
            Self::Clients => "clients",
            Self::Clocks => "clocks",
            Self::Drains => "drains",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some kinds of trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Troubles(Vec<Trouble>);

impl Troubles {
    /// Every kind.
    pub fn all() -> Self {
        Self(Trouble::ALL.to_vec())
    }

    /// These.
    pub fn only(kinds: impl IntoIterator<Item = Trouble>) -> Self {
        Self(kinds.into_iter().collect())
    }

    /// Whether this one is among them.
    pub fn has(&self, kind: Trouble) -> bool {
        self.0.contains(&kind)
    }
}

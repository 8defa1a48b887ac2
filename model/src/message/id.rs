//! The names that messages carry: who a server, a stream, a registration is. One type each, ordered
//! totally, so that no two observers ever sort them differently (`docs/protocol.md`, Glossary).

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: AsRef<str>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(SmolStr::new(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// What a server is known by, for ever: a lost disk doesn't change it. By default its advertised `host:port`.
    ServerName
}
text! {
    /// Where a server listens, as `host:port`. Resolved by whoever dials it, at each dial.
    Address
}
text! {
    /// A user's name, as registered.
    Username
}
text! {
    /// A user's secret once it has passed the edge: the encoded hash. The protocol stores and compares it
    /// and never looks inside.
    SecretHash
}
text! {
    /// One running copy of a client program: chosen by the client, stable over its reconnects.
    ClientId
}

impl Username {
    /// The name that anyone may log in under, and nobody may register.
    pub fn anonymous() -> Self {
        Self(SmolStr::new_static("anonymous"))
    }

    /// Whether this is the name that anyone may log in under.
    pub fn is_anonymous(&self) -> bool {
        self.0 == "anonymous"
    }
}

/// A point in time as some clock showed it, in milliseconds since 1970. Clocks differ: stamps order
/// claims, they never decide whether exactly one of them wins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The next later stamp.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A server's rank in the tree: the smaller is the elder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerId {
    /// When it first started, by its own clock; kept on its disk.
    pub born: Stamp,
    /// Its name, which settles equal stamps.
    pub name: ServerName,
}

impl ServerId {
    /// Whether this server outranks `other`.
    pub fn is_elder_than(&self, other: &Self) -> bool {
        self < other
    }
}

/// One start of a server: the higher is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    /// max(the last one on disk + 1, boot time in ms).
    pub number: u64,
    /// Chosen at random at boot: tells two processes with one identity apart.
    pub nonce: u64,
}

/// What one incarnation of a server numbers 1, 2, 3, …: what its own clients say, and the changes
/// to the directory and to sessions that begin at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// The server where it begins.
    pub server: ServerName,
    /// The incarnation that numbers it.
    pub incarnation: Incarnation,
}

/// One user's claim to a name. The smaller is the elder, and the elder wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Registration {
    /// When the REGISTER arrived, pushed past every stamp that its server had seen.
    pub registertime: Stamp,
    /// The server that took it, and in which incarnation.
    pub origin: Stream,
    /// Which change of that origin's directory it is.
    pub number: u64,
}

//! The names that messages carry: who a server, a stream, a registration is. One type each, ordered
//! totally, so that no two observers ever sort them differently (`docs/protocol.md`, Glossary).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
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
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Stamp {
    /// The latest stamp that any clock can honestly show: beyond it a message is nonsense, and counting up
    /// from below it never reaches the end.
    pub const MAX: Self = Self(u64::MAX / 2);

    /// The next later stamp.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A server's rank in the tree: the smaller is the elder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerId {
    /// When it first started, by its own clock; kept on its disk.
    pub born: Stamp,
    /// Its name, which settles equal stamps.
    pub name: ServerName,
}

/// `name@born`.
impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.born.0)
    }
}

impl ServerId {
    /// Whether this server outranks `other`.
    pub fn is_elder_than(&self, other: &Self) -> bool {
        self < other
    }
}

/// One start of a server: the higher is the later one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    /// max(the last one on disk + 1, boot time in ms).
    pub number: u64,
    /// Chosen at random at boot: tells two processes with one identity apart.
    pub nonce: u64,
}

/// As in a [`Stream`].
impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:x}", self.number, self.nonce)
    }
}

/// What one incarnation of a server numbers 1, 2, 3, …: what its own clients say, and the changes
/// to the directory and to sessions that begin at it.
///
/// On every wire it is one text, `server/number/nonce` with the nonce in hexadecimal: so it can be a key of a
/// JSON object, and its 64-bit numbers survive a reader whose only numbers are floats.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The server where it begins.
    pub server: ServerName,
    /// The incarnation that numbers it.
    pub incarnation: Incarnation,
}

/// A text is no [`Stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream is server/number/nonce")]
pub struct StreamError;

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incarnation { number, nonce } = self.incarnation;
        write!(f, "{}/{number}/{nonce:x}", self.server)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Stream {
    type Err = StreamError;

    /// Reads from the right, so a server's name may have slashes in it. Each stream has one spelling only.
    fn from_str(text: &str) -> Result<Self, StreamError> {
        let mut parts = text.rsplitn(3, '/');
        let nonce = parts.next().ok_or(StreamError)?;
        let number = parts.next().ok_or(StreamError)?;
        let server = parts.next().ok_or(StreamError)?;
        let stream = Self {
            server: ServerName::from(server),
            incarnation: Incarnation {
                number: number.parse().map_err(|_| StreamError)?,
                nonce: u64::from_str_radix(nonce, 16).map_err(|_| StreamError)?,
            },
        };
        let canonical = |part: &str| part == "0" || !part.starts_with(['0', '+']);
        let lower_case = !nonce.contains(|c: char| c.is_ascii_uppercase());
        if canonical(number) && canonical(nonce) && lower_case {
            Ok(stream)
        } else {
            Err(StreamError)
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SmolStr::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Somebody asks for a name: what a lock round is known by. The smaller is the elder, and the elder wins.
///
/// One origin never gives out the same stamp twice, so no two claims of one name are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// When the REGISTER arrived, pushed past every stamp that its server had seen.
    pub registertime: Stamp,
    /// The server that took it, and in which incarnation.
    pub origin: Stream,
}

/// A claim that was granted: one user's hold on a name. The smaller is the elder, and the elder wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Registration {
    /// When the REGISTER arrived, pushed past every stamp that its server had seen.
    pub registertime: Stamp,
    /// The server that took it, and in which incarnation.
    pub origin: Stream,
    /// Which change of that origin's directory it is.
    pub number: u64,
}

impl Claim {
    /// A claim that is elder than any other.
    pub(crate) fn eldest() -> Self {
        Self {
            registertime: Stamp(0),
            origin: Stream {
                server: ServerName::from(""),
                incarnation: Incarnation {
                    number: 0,
                    nonce: 0,
                },
            },
        }
    }
}

impl Registration {
    /// The claim that was granted by it.
    pub fn claim(&self) -> Claim {
        Claim {
            registertime: self.registertime,
            origin: self.origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_one_text_and_one_text_is_one_stream() {
        let stream = Stream {
            server: ServerName::from("a/b:3780"),
            incarnation: Incarnation {
                number: 1_795_000_000_000,
                nonce: u64::MAX,
            },
        };
        let text = "a/b:3780/1795000000000/ffffffffffffffff";
        assert_eq!(stream.to_string(), text);
        assert_eq!(text.parse(), Ok(stream));
        for other in [
            "", "a", "a/1", "a/1/g", "a/01/1", "a/+1/1", "a/1/01", "a/1/F", "a/1/+f", "a/-1/0",
            "a//0",
        ] {
            assert_eq!(other.parse::<Stream>(), Err(StreamError), "{other}");
        }
    }
}

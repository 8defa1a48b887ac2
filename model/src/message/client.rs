//! Client and server: the original protocol, and the extension that our own client asks for in its LOGIN.
//! How each of them looks as JSON is in [`super::encode`]; what is refused on the way in, in [`super::decode`].

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use smol_str::SmolStr;

pub use super::info::{Field, Info};
use super::{Activity, Address, ClientId, SecretHash, Stamp, Stream, Username};

/// Per stream, up to which number something is held. A stream that is absent counts as 0.
/// On a wire, an object from streams to integers: `{"127.0.0.1:3780/1795000000000/9f":12}`.
pub type Vector = OrdMap<Stream, u64>;

/// A secret: in plain on a wire, its hash once it has passed the edge of a server.
///
/// On a wire it is a text. Serializing a hash is an error: there is no message that carries one as a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Secret {
    /// As the user typed it. A node never sees a user's.
    Plain(SmolStr),
    /// What the edge made of it.
    Hashed(SecretHash),
}

impl std::fmt::Debug for Secret {
    /// Says that there is a secret, not which.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(text) => serializer.serialize_str(text),
            Self::Hashed(_) => Err(ser::Error::custom(
                "a hashed secret goes over no wire as a secret",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SmolStr::deserialize(deserializer).map(Self::Plain)
    }
}

/// What our own client adds to its LOGIN, to be told of every message exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resume {
    /// Which running copy of the program this is.
    pub client: ClientId,
    /// Up to where it has heard; `None` at its very first login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Vector>,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// REGISTER: give me this name.
    Register {
        /// The name.
        username: Username,
        /// What proves later that it is mine.
        secret: Secret,
        /// When it arrived; put in by the edge, not on the wire.
        at: Stamp,
    },
    /// LOGIN.
    Login {
        /// The name, or `anonymous`.
        username: Username,
        /// Absent for `anonymous`, and for nobody else.
        secret: Option<Secret>,
        /// Our own client's extension.
        resume: Option<Resume>,
    },
    /// LOGOUT: forget this session, keep nothing for it.
    Logout,
    /// ACTIVITY_MESSAGE: everyone shall hear this.
    Activity {
        /// The name logged in under.
        username: Username,
        /// The secret again, as in the original. Absent for `anonymous`, and for nobody else.
        secret: Option<Secret>,
        /// What is said.
        activity: Activity,
        /// The client's own number for it, from 1 (extension).
        k: Option<u64>,
    },
    /// ACTIVITY_GOT (extension): what this client has heard, now and then.
    Got {
        /// Up to where, per stream.
        cursor: Vector,
    },
    /// INVALID_MESSAGE: the client didn't understand us and leaves.
    Invalid {
        /// Its reason.
        info: Info,
    },
}

/// What a broadcast carries for our own client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct From {
    /// The stream it is in.
    pub stream: Stream,
    /// Its number there.
    pub number: u64,
    /// The sender's client and its own number for it, when the sender is one of ours.
    pub sender: Option<(ClientId, u64)>,
}

/// What a LOGIN_SUCCESS carries for our own client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resumed {
    /// Where else it can connect when this server dies.
    pub servers: Vec<Address>,
    /// The cursor from which it is told what it missed.
    pub cursor: Vector,
}

/// What a server says to a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// LOGIN_SUCCESS.
    LoginSuccess {
        /// For a person.
        info: Info,
        /// Our own client's extension.
        resumed: Option<Box<Resumed>>,
    },
    /// LOGIN_FAILED, then a close.
    LoginFailed {
        /// For a person.
        info: Info,
    },
    /// REDIRECT, right after LOGIN_SUCCESS, then a close.
    Redirect {
        /// Where to go.
        to: Address,
    },
    /// REGISTER_SUCCESS.
    RegisterSuccess {
        /// For a person.
        info: Info,
    },
    /// REGISTER_FAILED, then a close.
    RegisterFailed {
        /// For a person.
        info: Info,
    },
    /// ACTIVITY_BROADCAST.
    Broadcast {
        /// What was said, signed with the speaker's name.
        activity: Activity,
        /// Where it came from, for our own client only.
        from: Option<Box<From>>,
    },
    /// INVALID_MESSAGE, then a close.
    Invalid {
        /// For a person.
        info: Info,
    },
    /// AUTHENTICATION_FAIL, then a close.
    AuthenticationFail {
        /// For a person.
        info: Info,
    },
    /// ACTIVITY_ACK (extension): what you said is safe here.
    Ack {
        /// Up to this number of yours it is on this server's disk.
        k: u64,
        /// Up to this one everyone has it: forget it.
        stable: u64,
    },
    /// GAP (extension): messages that you will never hear.
    Gap {
        /// How many.
        missed: u64,
        /// Why.
        info: Info,
    },
}

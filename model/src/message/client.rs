//! Client and server: the original protocol, and the extension that our own client asks for in its LOGIN.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Activity, Address, ClientId, SecretHash, Stamp, Stream, Username};

/// Per stream, up to which number something is held. A stream that is absent counts as 0.
pub type Vector = OrdMap<Stream, u64>;

/// A user's secret: in plain on a client's wire, its hash once it has passed the edge of a server.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Secret {
    /// As the user typed it. A node never sees one.
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

/// What our own client adds to its LOGIN, to be told of every message exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resume {
    /// Which running copy of the program this is.
    pub client: ClientId,
    /// Up to where it has heard; `None` at its very first login.
    pub cursor: Option<Vector>,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        /// Absent only for `anonymous`.
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
        /// The secret again, as in the original.
        secret: Option<Secret>,
        /// What is said.
        activity: Activity,
        /// The client's own number for it (extension).
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct From {
    /// The stream it is in.
    pub stream: Stream,
    /// Its number there.
    pub number: u64,
    /// The sender's client and its own number for it, when the sender is one of ours.
    pub sender: Option<(ClientId, u64)>,
}

/// What a LOGIN_SUCCESS carries for our own client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resumed {
    /// Where else it can connect when this server dies.
    pub servers: Vec<Address>,
    /// The cursor from which it is told what it missed.
    pub cursor: Vector,
}

/// What a server says to a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// The human-readable reasons of the protocol: each `info` text that goes over a wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Info {
    /// `logged in as user aaron`
    LoggedIn(Username),
    /// `attempt to login with wrong secret`
    WrongSecret,
    /// A text that somebody else wrote.
    Text(SmolStr),
}

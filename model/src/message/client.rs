//! Client and server: the original protocol, and the extension that our own client asks for in its LOGIN.
//! Each variant shows the line that it is on the wire; how lines are written and read is in [`super::encode`]
//! and [`super::decode`], and all of them stand in `snapshots/wire_*.snap`.
//!
//! In the extension, a stream is one text (see [`Stream`]) and a cursor an object from streams to the number up
//! to which all is heard; `number`, `k`, `stable` and `missed` are integers that count from 1, so that
//! they stay exact in a reader whose only numbers are floats.

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use smol_str::SmolStr;

pub use super::info::{Exactly, Field, Info};
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

impl Secret {
    /// One that nothing is equal to that anybody knows: takes the place of a secret that is wrong, or was not proven.
    pub fn never() -> Self {
        Self::Hashed("!".into())
    }
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
    /// Up to which of its own numbers it has heard itself: so far what it said is among what the cursor covers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub said: u64,
}

/// Whether a number says nothing, so that it is left out.
pub(super) fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Give me this name.
    ///
    /// `{"command":"REGISTER","username":"aaron","secret":"s1"}`
    Register {
        /// The name.
        username: Username,
        /// What proves later that it is mine.
        secret: Secret,
        /// When it arrived; put in by the edge, not on the wire.
        at: Stamp,
    },
    /// I am this user.
    ///
    /// `{"command":"LOGIN","username":"aaron","secret":"s1"}`, of our own client with
    /// `"resume":{"client":"c1","cursor":{"127.0.0.1:3780/1795000000000/9f":12}}`, whose cursor is absent at the very first login
    Login {
        /// The name, or `anonymous`.
        username: Username,
        /// Absent for `anonymous`, and for nobody else.
        secret: Option<Secret>,
        /// Our own client's extension.
        resume: Option<Resume>,
    },
    /// Forget this session, keep nothing for it.
    ///
    /// `{"command":"LOGOUT"}`
    Logout,
    /// Everyone shall hear this.
    ///
    /// `{"command":"ACTIVITY_MESSAGE","username":"aaron","secret":"s1","activity":{"object":"hi"}}`, of our own
    /// client with `"k":7`
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
    /// What this client has heard, now and then (extension).
    ///
    /// `{"command":"ACTIVITY_GOT","cursor":{"127.0.0.1:3780/1795000000000/9f":12}}`
    Got {
        /// Up to where, per stream.
        cursor: Vector,
    },
    /// The client didn't understand us and leaves.
    ///
    /// `{"command":"INVALID_MESSAGE","info":"JSON parse error while parsing message"}`
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
    /// Whether the server had the same words before, in another place: they are nothing to hear, whether or not this client was there then.
    pub repeat: bool,
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
    /// The login is accepted.
    ///
    /// `{"command":"LOGIN_SUCCESS","info":"logged in as user aaron"}`, for our own client with
    /// `"servers":[{"hostname":"127.0.0.1","port":3781}],"cursor":{"127.0.0.1:3780/1795000000000/9f":12}`
    LoginSuccess {
        /// For a person.
        info: Info,
        /// Our own client's extension.
        resumed: Option<Box<Resumed>>,
    },
    /// It is not; then a close.
    ///
    /// `{"command":"LOGIN_FAILED","info":"attempt to login with wrong secret"}`
    LoginFailed {
        /// For a person.
        info: Info,
    },
    /// Another server has less to do: right after LOGIN_SUCCESS, then a close.
    ///
    /// `{"command":"REDIRECT","hostname":"127.0.0.1","port":3780}`
    Redirect {
        /// Where to go.
        to: Address,
    },
    /// The name is the client's.
    ///
    /// `{"command":"REGISTER_SUCCESS","info":"register success for aaron"}`
    RegisterSuccess {
        /// For a person.
        info: Info,
    },
    /// The name is somebody else's; then a close.
    ///
    /// `{"command":"REGISTER_FAILED","info":"aaron is already registered with the system"}`
    RegisterFailed {
        /// For a person.
        info: Info,
    },
    /// Somebody has said this.
    ///
    /// `{"command":"ACTIVITY_BROADCAST","activity":{"object":"hi","authenticated_user":"aaron"}}`, for our own client
    /// with `"from":{"stream":"127.0.0.1:3780/1795000000000/9f","number":12,"client":"c1","k":7}`; `client` and `k` are
    /// there when the sender is a client of ours
    Broadcast {
        /// What was said, signed with the speaker's name.
        activity: Activity,
        /// Where it came from, for our own client only.
        from: Option<Box<From>>,
    },
    /// What the client said is no message, or not allowed now; then a close.
    ///
    /// `{"command":"INVALID_MESSAGE","info":"the received message did not contain a command"}`
    Invalid {
        /// For a person.
        info: Info,
    },
    /// The client may not say this under this name; then a close.
    ///
    /// `{"command":"AUTHENTICATION_FAIL","info":"the supplied secret is incorrect"}`
    AuthenticationFail {
        /// For a person.
        info: Info,
    },
    /// What the client said is safe here (extension).
    ///
    /// `{"command":"ACTIVITY_ACK","k":7,"stable":5}`
    Ack {
        /// Up to this number of yours it is on this server's disk.
        k: u64,
        /// Up to this one everyone has it: forget it.
        stable: u64,
    },
    /// There are messages that the client will never hear (extension).
    ///
    /// `{"command":"GAP","missed":3,"info":"more messages were waiting than the server keeps",`
    /// `"cursor":{"127.0.0.1:3780/1795000000000/9f":12}}`
    Gap {
        /// How many.
        missed: u64,
        /// Why.
        info: Info,
        /// Up to where nothing that it lacks will come: it is to acknowledge that like a message.
        cursor: Box<Vector>,
    },
}

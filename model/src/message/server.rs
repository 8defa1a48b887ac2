//! What servers say to each other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::{Info, Secret, Vector};
use super::{
    Activity, Address, Claim, ClientId, Incarnation, Registration, SecretHash, ServerId,
    ServerName, Stamp, Stream, Username,
};

/// What is known of a server: enough to dial it, and to tell its starts apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Server {
    /// When it was born.
    pub born: Stamp,
    /// Its latest start that anyone has heard of.
    pub incarnation: Incarnation,
    /// Where it listens.
    pub address: Address,
}

/// AUTHENTICATE: the join.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Join {
    /// What every server of the system knows. It goes over no wire: the edge puts it in if the far end has proven that it knows it.
    #[serde(skip, default = "Secret::never")]
    pub secret: Secret,
    /// Who wants to be a child.
    pub id: ServerId,
    /// Its present start.
    pub incarnation: Incarnation,
    /// The root of the tree that it stands for.
    pub root: ServerId,
    /// Every server that it has heard of, itself included.
    pub known: Vec<(ServerName, Server)>,
}

/// HELLO: the first thing that both ends of a new edge say: what they have, so that each can send what the other lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hello {
    /// Up to which change of each origin its directory is complete.
    pub directory: Vector,
    /// The same for sessions.
    pub sessions: Vector,
    /// Up to which message of each stream its log is complete.
    pub have: Vector,
    /// The loads that it knows.
    pub loads: Vec<Load>,
}

/// How many clients a server has. What is said of one start of a server is ordered by number, and what is said of a
/// later start is later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Load {
    /// The server, and its start.
    pub server: Stream,
    /// Which of its own sayings this is.
    pub number: u64,
    /// How many are logged in there; `None` when a neighbour that heard this saying has lost it since.
    pub clients: Option<u64>,
}

impl Load {
    /// Whether this was said after that.
    pub fn is_later_than(&self, other: &Self) -> bool {
        let age = |load: &Self| (load.server.incarnation, load.number, load.clients.is_none());
        age(self) > age(other)
    }
}

/// What the directory holds of a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Whose it is.
    pub registration: Registration,
    /// What proves that.
    pub secret: SecretHash,
}

/// LOCK_REQUEST: keep this name for this claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LockRequest {
    /// The name.
    pub username: Username,
    /// Who asks: the round.
    pub claim: Claim,
    /// What the user will prove it with.
    pub secret: SecretHash,
}

/// A lock round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lock {
    /// The name that it is about.
    pub username: Username,
    /// Who asks for it.
    pub claim: Claim,
}

/// LOCK_DENIED: the claim has lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LockDenied {
    /// The name.
    pub username: Username,
    /// Who has lost: the round.
    pub claim: Claim,
    /// Who has won; absent where the server just had no room for another reservation.
    pub winner: Option<Winner>,
}

/// Why a claim has lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// Another claim is the elder; whether it is granted isn't known yet.
    Reserved {
        /// That claim.
        claim: Claim,
        /// What its user will prove it with.
        secret: SecretHash,
    },
    /// The name is given away.
    Registered(Record),
}

/// DIRECTORY: what one origin's directory changed, in the order of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Changes {
    /// Whose changes.
    pub stream: Stream,
    /// What follows begins after this number …
    pub after: u64,
    /// … and is complete up to this one. Equal to `after` for a record that runs ahead of its stream.
    pub upto: u64,
    /// The names that those changes gave away, and who holds each of them now: of a change that has lost since, the winner.
    pub records: Vec<(Username, Record)>,
    /// The changes among them that have lost since, and which name each had given away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<(u64, Username)>,
}

impl Changes {
    /// Whether it says who holds the name of this lost change, and whether the change is one of these.
    pub fn explains(&self, (number, username): &(u64, Username)) -> bool {
        let is_within = self.after < *number && *number <= self.upto;
        is_within && self.records.iter().any(|(name, _)| name == username)
    }
}

/// What somebody said, as servers keep it and pass it on. One allocation, shared by the log and by all who are told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// The stream of the speaker's own server, in its incarnation of that time.
    pub stream: Stream,
    /// Its number there, from 1.
    pub number: u64,
    /// Who said it, and its own number for it, if it numbers what it says.
    pub sender: Option<(Sender, u64)>,
    /// What was said, signed.
    pub activity: Activity,
}

/// Who numbers what it says: a client, under the name that it speaks for. Not under the registration: one user can have two
/// until they are united, and two people of one name never share a client (`docs/decisions/2026-11-22-senders.md`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The user, or `anonymous`.
    pub username: Username,
    /// The client.
    pub client: ClientId,
}

/// SKIP: messages that the receiver lacks and that the sender no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Skip {
    /// Per stream, up to which number they are gone.
    pub base: Vector,
    /// What each sender had said in them, or else what follows would seem to come too early.
    pub said: Vec<(Sender, u64)>,
    /// Whether what it says of senders goes on with the next one: all of them together are one SKIP.
    pub more: bool,
}

/// Which login a session is: the larger is the later one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Raised by each login and each re-assertion, by nothing else: to an even number where that stays, to an odd one where a login
    /// is sent on at once. Of two that come after the same one, the one that stays is later.
    pub counter: u64,
    /// The server where the user is, in its incarnation of that time.
    pub home: Stream,
}

/// How far a session is. Within one version a later phase wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Connected, and still hearing what it missed: a mailbox.
    CatchingUp,
    /// Connected; its home's floor speaks for it.
    Live,
    /// Gone without a word: a mailbox.
    Left,
    /// Away for so long that nothing is kept for it any more; up to where it had heard is still known.
    Expired,
    /// Logged out: nothing is kept for it.
    Out,
}

/// What is known of the last session of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// Which login it is.
    pub version: Version,
    /// How far it is.
    pub phase: Phase,
    /// The client, if it is one of ours.
    pub client: Option<ClientId>,
    /// Up to where the user has heard, at least.
    pub cursor: Vector,
    /// The changes that made it what it is: per origin, the last one.
    pub changes: Vector,
    /// How often the login has been sent on to another server since it last stayed at one.
    #[serde(default, skip_serializing_if = "super::client::is_zero")]
    pub sent_on: u8,
}

/// SESSIONS: what one origin changed, in the order of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sessions {
    /// Whose changes.
    pub stream: Stream,
    /// What follows begins after this number …
    pub after: u64,
    /// … and is complete up to this one.
    pub upto: u64,
    /// The sessions that those changes left as they are now.
    pub sessions: Vec<(Registration, Session)>,
}

/// What a server says to another. A variant's name in capitals is its `command`, its fields are the
/// object's fields, and [`super::decode::VERSION`] goes with it as `v`: a new message is a new variant here, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Peer {
    /// AUTHENTICATE: take me as a child.
    Authenticate(Box<Join>),
    /// AUTHENTICATION_FAIL, then a close.
    AuthenticationFail {
        /// For a person.
        info: Info,
    },
    /// PATH: from parent to child. The first one says "you are my child".
    Path {
        /// The sender, its parent, … up to the root.
        path: Vec<ServerId>,
        /// The sender's children: the receiver's siblings and itself.
        children: Vec<ServerId>,
    },
    /// KNOWN: servers that the receiver may not have heard of.
    Known {
        /// Name and what is known of it.
        servers: Vec<(ServerName, Server)>,
    },
    /// FORGET: an operator, who knows the system's secret, gives a server up. The first line of a link; RETIRED, or
    /// AUTHENTICATION_FAIL, answers it.
    Forget {
        /// What every server of the system knows; over a wire it is proven, not said.
        #[serde(skip, default = "Secret::never")]
        secret: Secret,
        /// Which server.
        server: ServerName,
    },
    /// RETIRED: servers that were given up, each up to this start. None where an operator's FORGET named nobody.
    Retired {
        /// Name and start.
        servers: Vec<(ServerName, Incarnation)>,
    },
    /// HELLO.
    Hello(Box<Hello>),
    /// LOCK_REQUEST: from the claim's origin outwards.
    LockRequest(Box<LockRequest>),
    /// LOCK_ALLOWED: the sender and all beyond it keep the name.
    LockAllowed(Box<Lock>),
    /// LOCK_DENIED: the sender doesn't, and the round is over.
    LockDenied(Box<LockDenied>),
    /// LOCK_RELEASE: from the claim's origin outwards, the round is over and nothing came of it.
    LockRelease(Box<Lock>),
    /// DIRECTORY.
    Directory(Box<Changes>),
    /// DIRECTORY_CREDIT: so many DIRECTORY messages have been taken in, and may be followed by others.
    DirectoryCredit {
        /// How many.
        chunks: u32,
    },
    /// ACTIVITY_BROADCAST: somebody has said something.
    ActivityBroadcast(Arc<Message>),
    /// SKIP.
    Skip(Box<Skip>),
    /// SESSIONS.
    Sessions(Box<Sessions>),
    /// DELIVERY_CREDIT: so many SESSIONS, SKIP and ACTIVITY_BROADCAST have been taken in, and may be followed by others.
    DeliveryCredit {
        /// How many.
        lines: u32,
    },
    /// FLOORS: up to where each server, and everyone logged in there, has got everything, for good.
    Floors {
        /// Per server.
        floors: Vec<(ServerName, Vector)>,
    },
    /// SERVER_ANNOUNCE: loads that the receiver may not have heard of.
    ServerAnnounce {
        /// One or more.
        loads: Vec<Load>,
    },
    /// LEAVE: the sender is being stopped. It has sent everything, and sends nothing more.
    Leave,
    /// LEFT, then a close: everything that came before LEAVE is on disk.
    Left,
}

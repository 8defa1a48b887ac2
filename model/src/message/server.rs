//! What servers say to each other.

use serde::{Deserialize, Serialize};

use super::client::{Info, Secret, Vector};
use super::{
    Address, Claim, Incarnation, Registration, SecretHash, ServerId, ServerName, Stamp, Stream,
    Username,
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
    /// What every server of the system knows.
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
    /// The names that those changes gave away, but for those that have lost since.
    pub records: Vec<(Username, Record)>,
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
}

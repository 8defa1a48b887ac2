//! What servers say to each other.

use serde::{Deserialize, Serialize};

use super::client::{Info, Secret, Vector};
use super::{Address, Incarnation, ServerId, ServerName, Stamp};

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
}

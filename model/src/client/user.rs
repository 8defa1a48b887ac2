//! What passes between a client and its user.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::message::client::{From, Info, Secret};
use crate::message::{Activity, Address, Stream, Username};

/// What its user can ask of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Register this name, and log in under it.
    Register {
        /// The name.
        username: Username,
        /// What shall prove it.
        secret: Secret,
    },
    /// Log in.
    Login {
        /// The name, or `anonymous`.
        username: Username,
        /// What proves it; absent only for `anonymous`.
        secret: Option<Secret>,
    },
    /// Say something to everyone.
    Say(Activity),
    /// Go to another server.
    Move {
        /// Which.
        to: Address,
    },
    /// Log out and disconnect: nothing is kept for this user.
    Logout,
    /// Disconnect: servers keep what comes, until the same user is back.
    Quit,
}

/// What a client tells its user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The name is the user's: REGISTER_SUCCESS, or a LOGIN that showed that a lost REGISTER had succeeded.
    Registered {
        /// The name.
        username: Username,
    },
    /// LOGIN_SUCCESS.
    LoggedIn {
        /// The name.
        username: Username,
        /// The server.
        at: Address,
        /// Whether it speaks our extension: what is said is acknowledged, and what is missed comes later.
        resumes: bool,
    },
    /// REGISTER_FAILED or LOGIN_FAILED.
    Refused {
        /// Why.
        info: Info,
        /// `None`: other servers are asked too. Otherwise the client has given up, and so many of the user's messages
        /// may not be everywhere.
        unsaid: Option<u64>,
    },
    /// REGISTER_FAILED on a connection that was logged in: another's claim to the name is the elder.
    NameLost {
        /// Why.
        info: Info,
        /// How many of the user's messages may not be everywhere.
        unsaid: u64,
    },
    /// Somebody said something.
    Heard {
        /// What, signed with the speaker's name.
        activity: Activity,
        /// Where it came from, when the server speaks our extension.
        from: Option<Box<From>>,
    },
    /// Some messages will never be heard.
    Gap {
        /// How many.
        missed: u64,
        /// Why.
        info: Info,
        /// Which: these numbers of these streams.
        lost: Vec<(Stream, RangeInclusive<u64>)>,
    },
    /// What the user said is safe.
    Safe {
        /// So much of it on one server's disk.
        acked: u64,
        /// So much of it everywhere.
        stable: u64,
    },
    /// The server sends the client to another one.
    Redirected {
        /// Which.
        to: Address,
    },
    /// The connection has ended without the user's wish. Our own client dials the next server; a legacy one waits for
    /// its user.
    Disconnected {
        /// From which server.
        from: Address,
        /// What the server said about it, if anything.
        info: Option<Info>,
    },
    /// A server couldn't be reached.
    Unreachable {
        /// Which.
        address: Address,
    },
    /// The connection has ended by the user's wish.
    Left {
        /// How many of the user's messages may not be everywhere.
        unsaid: u64,
    },
    /// What the user asked for makes no sense now; nothing has changed.
    Declined(Declined),
}

/// Why a client doesn't do what its user asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Declined {
    /// It is busy for a user: log out first.
    AlreadySomebody,
    /// It is nobody's client: log in first.
    Nobody,
    /// A legacy client says nothing before it is logged in.
    NotLoggedIn,
    /// More is waiting to become stable than it keeps.
    TooMuchKept,
}

impl Told {
    /// If it says that what was said is kept no longer, or for whoever comes back: how much of it may not be everywhere.
    pub fn unsaid(&self) -> Option<u64> {
        match self {
            Self::Left { unsaid } | Self::NameLost { unsaid, .. } => Some(*unsaid),
            Self::Refused { unsaid, .. } => *unsaid,
            Self::Registered { .. }
            | Self::LoggedIn { .. }
            | Self::Heard { .. }
            | Self::Gap { .. }
            | Self::Safe { .. }
            | Self::Redirected { .. }
            | Self::Disconnected { .. }
            | Self::Unreachable { .. }
            | Self::Declined(_) => None,
        }
    }
}

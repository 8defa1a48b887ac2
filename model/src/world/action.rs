//! The steps of a world: what the protocol does, what users wish, and what goes wrong.

use std::fmt;

use super::link::Party;
use crate::client;
use crate::message::Address;
use crate::node::Timer;

/// A step of a world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A link that was dialed is there.
    Up {
        /// Its number.
        link: usize,
    },
    /// The next line on a link reaches one of its ends.
    Deliver {
        /// The link's number.
        link: usize,
        /// 0 is the dialer's end, 1 the acceptor's.
        end: usize,
    },
    /// A server hears of its kernel how much a client has received.
    Received {
        /// The link's number.
        link: usize,
    },
    /// An end of a link learns that it is gone.
    Down {
        /// The link's number.
        link: usize,
        /// 0 is the dialer's end, 1 the acceptor's.
        end: usize,
    },
    /// A dial has failed.
    Unreachable {
        /// Who dialed.
        party: Party,
        /// What.
        address: Address,
    },
    /// A server's timer fires.
    Timer {
        /// Whose.
        server: usize,
        /// Which.
        timer: Timer,
    },
    /// A client's timer fires.
    ClientTimer {
        /// Whose.
        user: usize,
        /// Which.
        timer: client::Timer,
    },
    /// What a user wants next comes true.
    Wish {
        /// Whose.
        user: usize,
    },
    /// A server's oldest unsynced save reaches its disk.
    Sync {
        /// Whose.
        server: usize,
    },
    /// The story goes on.
    Story,
    /// A guest asks for its name.
    Register {
        /// Which.
        guest: usize,
    },
    /// A guest that has its name, and no connection, logs in.
    Return {
        /// Which.
        guest: usize,
    },
    /// A guest goes without a word.
    Leave {
        /// Which.
        guest: usize,
    },
    /// Some ways break.
    Cut {
        /// Which of the scenario's cuts.
        cut: usize,
    },
    /// Every way works again. Links that broke stay broken.
    Heal,
    /// A server stops without a word; what isn't on its disk is gone.
    Crash {
        /// Which.
        server: usize,
    },
    /// A server starts with what is on its disk.
    Restart {
        /// Which.
        server: usize,
    },
    /// The disk of a server that is down is replaced by an empty one.
    LoseDisk {
        /// Whose.
        server: usize,
    },
}

impl Action {
    /// Whether the protocol takes this step by itself; otherwise it is a fault, or somebody's wish.
    pub fn is_protocol(&self) -> bool {
        match self {
            // Renewals are counted, and so no step that would come at last.
            Self::Timer { timer, .. } => *timer != Timer::Renew,
            Self::Up { .. }
            | Self::Deliver { .. }
            | Self::Received { .. }
            | Self::Down { .. }
            | Self::Unreachable { .. }
            | Self::ClientTimer { .. }
            | Self::Sync { .. } => true,
            Self::Wish { .. }
            | Self::Story
            | Self::Register { .. }
            | Self::Return { .. }
            | Self::Leave { .. }
            | Self::Cut { .. }
            | Self::Heal
            | Self::Crash { .. }
            | Self::Restart { .. }
            | Self::LoseDisk { .. } => false,
        }
    }

    /// Whether something goes wrong.
    pub(super) fn is_fault(&self) -> bool {
        match self {
            Self::Story | Self::Cut { .. } | Self::Crash { .. } | Self::LoseDisk { .. } => true,
            Self::Up { .. }
            | Self::Deliver { .. }
            | Self::Down { .. }
            | Self::Unreachable { .. }
            | Self::Timer { .. }
            | Self::ClientTimer { .. }
            | Self::Wish { .. }
            | Self::Received { .. }
            | Self::Sync { .. }
            | Self::Register { .. }
            | Self::Return { .. }
            | Self::Leave { .. }
            | Self::Heal
            | Self::Restart { .. } => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up { link } => write!(f, "link {link} is up"),
            Self::Deliver { link, end } => write!(f, "link {link} delivers to end {end}"),
            Self::Received { link } => write!(f, "link {link} reports what was received"),
            Self::Down { link, end } => write!(f, "link {link} is down at end {end}"),
            Self::Unreachable { party, address } => write!(f, "{party} can't reach {address}"),
            Self::Timer { server, timer } => write!(f, "{timer:?} of {}", Party::Server(*server)),
            Self::ClientTimer { user, timer } => write!(f, "{timer:?} of {}", Party::Client(*user)),
            Self::Wish { user } => write!(f, "{} has a wish", Party::Client(*user)),
            Self::Sync { server } => write!(f, "{} syncs", Party::Server(*server)),
            Self::Story => f.write_str("the story goes on"),
            Self::Register { guest } => write!(f, "{} asks for its name", Party::Guest(*guest)),
            Self::Return { guest } => write!(f, "{} logs in", Party::Guest(*guest)),
            Self::Leave { guest } => write!(f, "{} leaves", Party::Guest(*guest)),
            Self::Cut { cut } => write!(f, "cut {cut}"),
            Self::Heal => f.write_str("heal"),
            Self::Crash { server } => write!(f, "{} crashes", Party::Server(*server)),
            Self::Restart { server } => write!(f, "{} restarts", Party::Server(*server)),
            Self::LoseDisk { server } => write!(f, "{} loses its disk", Party::Server(*server)),
        }
    }
}

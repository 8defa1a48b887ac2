//! A connection between two parties: a pair of first-in first-out queues that can break.
//!
//! Each end learns of a break in its own time, after what it had already received. So nothing is thrown away at a
//! cut: the end becomes *deaf*, nothing new reaches it, and it may be handed the rest of its queue, or any first part
//! of it, before its `Down`.

use std::fmt;

use super::Memo;
use crate::message::server::Join;
use crate::message::{Address, Line, Peer};
use crate::node;
use crate::node::tree;
use crate::port::Link;

/// Who can hold an end of a link: an index into the world's servers, clients or guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A server.
    Server(usize),
    /// A client.
    Client(usize),
    /// A client without a program.
    Guest(usize),
}

/// One side of a connection, as seen by the one who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// Who holds it.
    pub party: Party,
    /// What it knows of the link.
    pub phase: Phase,
    /// Whether the way to this end is broken: nothing more comes in, and `Down` may come any time.
    pub deaf: bool,
    /// What has been sent to this end and not been handed over, first come first: rarely more than a line or two.
    pub inbox: Vec<Memo<Line>>,
}

/// What a party knows of its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It dialed, and hasn't been handed `Up` yet.
    Dialing(Address),
    /// It was dialed, and is handed `Up` together with the first line.
    Ringing,
    /// It has been handed `Up`.
    Open,
    /// It has been handed `Down`, has closed the link itself, or has crashed.
    Gone,
}

/// A connection: the dialer's end first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Dialer, acceptor.
    pub ends: [End; 2],
    /// What the dialer's kernel has received, if it is a client that doesn't say itself what it has heard.
    pub received: Received,
}

/// What an actor does to its links: [`Effect`](crate::port::Effect) without what is told to its user or operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Dials this address.
    Open {
        /// `host:port`.
        address: Address,
    },
    /// Sends a line.
    Send {
        /// Over which link.
        link: Link,
        /// What it says.
        line: Memo<Line>,
    },
    /// Closes a link once what was sent on it before has left.
    Close {
        /// Which.
        link: Link,
    },
}

impl Deed {
    /// The link that it is about, if there is one already.
    pub fn link(&self) -> Option<Link> {
        match self {
            Self::Send { link, .. } | Self::Close { link } => Some(*link),
            Self::Open { .. } => None,
        }
    }
}

/// Whether a line may change the tree. What is said over its edges, of names and messages, may not unless it is nonsense.
pub fn changes_tree(line: &Line) -> bool {
    match line {
        Line::Peer(Peer::AuthenticationFail { .. }) | Line::Request(_) | Line::Reply(_) => false,
        Line::Peer(Peer::Leave | Peer::Left) => true,
        Line::Peer(peer) => tree::is_for_strangers(peer),
        Line::Malformed(_) => true,
    }
}

/// How many lines a kernel has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Received {
    /// So many.
    pub lines: u64,
    /// And so many as the acceptor has been told.
    pub told: u64,
}

impl End {
    /// The next line is handed over.
    pub fn hear(&mut self) -> Option<Memo<Line>> {
        (!self.inbox.is_empty()).then(|| self.inbox.remove(0))
    }
}

impl Connection {
    /// What a dial of `acceptor` by `dialer` begins.
    pub fn dialed(dialer: Party, address: Address, acceptor: Party) -> Self {
        let end = |party, phase| End {
            party,
            phase,
            deaf: false,
            inbox: Vec::new(),
        };
        Self {
            ends: [
                end(dialer, Phase::Dialing(address)),
                end(acceptor, Phase::Ringing),
            ],
            received: Received::default(),
        }
    }

    /// The index of the end that `party` holds, if it is not gone.
    pub fn end_of(&self, party: Party) -> Option<usize> {
        self.ends
            .iter()
            .position(|end| end.party == party && end.phase != Phase::Gone)
    }

    /// Puts a line on its way to the other end.
    pub fn send(&mut self, from: usize, line: Memo<Line>) {
        let to = &mut self.ends[1 - from];
        if !to.deaf && to.phase != Phase::Gone {
            to.inbox.push(line);
        }
    }

    /// Whether both parties know of the link and hold it.
    pub fn is_open(&self) -> bool {
        self.ends.iter().all(|end| end.phase == Phase::Open)
    }

    /// Whether the acceptor has yet to hear what was received.
    pub fn owes_notice(&self) -> bool {
        let acceptor = &self.ends[1];
        acceptor.phase == Phase::Open && !acceptor.deaf && self.received.told < self.received.lines
    }

    /// The holder of this end is done with it. What it sent before stays on its way.
    pub fn leave(&mut self, end: usize) {
        self.ends[end].phase = Phase::Gone;
        self.ends[end].inbox.clear();
        if end == 1 {
            self.received = Received::default();
        }
        self.tidy();
    }

    /// Breaks the way to one end.
    pub fn deafen(&mut self, end: usize) {
        if self.ends[end].phase != Phase::Gone {
            self.ends[end].deaf = true;
            self.tidy();
        }
    }

    /// Whether nothing more can come to this end but `Down`, or `Down` may come before what is left.
    pub fn may_go_down(&self, end: usize) -> bool {
        let this = &self.ends[end];
        this.deaf || (self.ends[1 - end].phase == Phase::Gone && this.inbox.is_empty())
    }

    /// Whether more is to come of it for the tree than the answer to a question: a way has broken, or it carries news of the
    /// tree, or the last words of somebody who has gone, or a question whose asker's root or start isn't that of `dialer` any more.
    /// That a secret is refused is the answer to a question.
    pub fn is_stirring(&self, dialer: Option<&node::State>) -> bool {
        let asks_now = |join: &Join| {
            dialer.is_some_and(|it| {
                join.root == *it.root() && join.incarnation == it.durable.tree.incarnation
            })
        };
        let is_question = |line: &Memo<Line>| matches!(&**line, Line::Peer(Peer::Authenticate(join)) if asks_now(join));
        (0..2).any(|end| {
            let this = &self.ends[end];
            let mut news = this.inbox.iter().filter(|line| changes_tree(line));
            let last_words = self.is_deserted(end);
            this.deaf || news.any(|line| last_words || !is_question(line))
        })
    }

    /// Whether the other party has gone, and this end's holder has still to learn of it.
    pub fn is_deserted(&self, end: usize) -> bool {
        self.ends[end].phase != Phase::Gone && self.ends[1 - end].phase == Phase::Gone
    }

    /// Whether both parties have forgotten the link.
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.phase == Phase::Gone)
    }

    /// An acceptor that was never told of the link, and never will be, needs no notice.
    fn tidy(&mut self) {
        for end in 0..2 {
            if self.ends[end].phase == Phase::Ringing
                && self.ends[end].inbox.is_empty()
                && self.may_go_down(end)
            {
                self.ends[end].phase = Phase::Gone;
            }
        }
        for end in &mut self.ends {
            if end.phase == Phase::Gone {
                end.deaf = false;
            }
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(index) => write!(f, "s{}", index + 1),
            Self::Client(index) => write!(f, "c{}", index + 1),
            Self::Guest(index) => write!(f, "g{}", index + 1),
        }
    }
}

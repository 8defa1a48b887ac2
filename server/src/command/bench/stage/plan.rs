//! What a run is to do: who is where, who speaks how, and for how long.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use regrow_model::message::Address;

use crate::transport::{Connector, Limits, Stream};

/// One run of the stage.
pub(in super::super) struct Plan {
    /// The servers.
    pub(in super::super) servers: Vec<Address>,
    /// Connects to them.
    pub(in super::super) connector: Arc<Connector>,
    /// The clients.
    pub(in super::super) seats: Vec<Seat>,
    /// How many of them speak.
    pub(in super::super) speakers: usize,
    /// Tells this run's messages from others.
    pub(in super::super) run: u32,
    /// How large a message's payload is, in bytes.
    pub(in super::super) size: usize,
    /// How they speak.
    pub(in super::super) pace: Pace,
    /// For how long they speak, at most.
    pub(in super::super) length: Duration,
    /// How many messages each says, at most.
    pub(in super::super) count: u64,
    /// Whether clients are users, registered and logged in.
    pub(in super::super) users: bool,
    /// Whether clients are our own, with the extension; they are users then.
    pub(in super::super) resuming: bool,
    /// How many threads the clients are shared among.
    pub(in super::super) threads: usize,
    /// How long nothing may move before what is missing is taken for lost.
    pub(in super::super) patience: Duration,
    /// What happens meanwhile.
    pub(in super::super) event: Event,
}

/// One client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Seat {
    /// Where, by index of the server.
    pub(in super::super) server: usize,
    /// As which speaker, by index, if it speaks.
    pub(in super::super) speaker: Option<usize>,
    /// Whether what it hears counts.
    pub(in super::super) hears: bool,
}

/// How speakers speak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Pace {
    /// As fast as they are heard.
    Closed {
        /// How many messages a speaker may be ahead of its mean receiver.
        window: u64,
        /// How many messages of a client of ours may be unacknowledged.
        ack_window: u64,
        /// How many go in one write, at most.
        batch: u64,
    },
    /// At a fixed rate, whatever happens.
    Open {
        /// Messages a second, of all speakers together.
        rate: f64,
    },
}

/// What happens while they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Event {
    /// Nothing.
    None,
    /// The receivers vanish before, and come back after.
    Absence,
    /// A server is killed.
    Kill {
        /// Which.
        server: usize,
        /// How long after the start.
        after: Duration,
    },
}

impl Plan {
    /// Connects to a server, by index.
    ///
    /// # Errors
    /// When it can't be reached.
    pub(super) async fn connect(&self, server: usize) -> io::Result<Box<dyn Stream>> {
        let limits = Limits::default();
        self.connector.connect(&self.servers[server], &limits).await
    }

    /// How many receivers each speaker has. A speaker that is a receiver hears itself.
    pub(super) fn receivers(&self) -> u64 {
        self.seats.iter().filter(|seat| seat.hears).count() as u64
    }

    /// How many receivers hold a speaker back: none while they are away.
    pub(super) fn present_receivers(&self) -> u64 {
        match self.event {
            Event::Absence => 0,
            Event::None | Event::Kill { .. } => self.receivers(),
        }
    }

    /// Whether a client that lost its server goes to another one.
    pub(super) fn moves(&self) -> bool {
        matches!(self.event, Event::Kill { .. })
    }
}

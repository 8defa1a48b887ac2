//! Carries lines between processes, one JSON object each: over TCP, TLS, WebSocket or QUIC ([`Carriers`]).
//!
//! A connection is one task that reads, writes and watches (`connection.rs`), whatever carries it. What the actor never
//! sees is here: heartbeats, silence, what the kernel has acknowledged, hashing at the [`edge`](crate::edge).

mod admission;
mod carriers;
mod certificates;
mod clock;
mod connection;
mod dial;
mod direct;
pub mod handshake;
mod listen;
mod outq;
mod quic;
mod race;
mod reader;
mod received;
mod sniff;
mod stream;
mod tcp;
mod tls;
mod websocket;
mod writer;

pub(crate) use carriers::Connector;
pub use carriers::{Carriers, Way};
pub use certificates::{CertificateError, CertificateFiles, Certificates, OwnFiles};
pub(crate) use stream::Stream;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use regrow_model::message::Hearer;
use regrow_model::message::framing::{LINE_LIMIT_BYTES, SERVER_LINE_LIMIT_BYTES};
use regrow_model::port::{End, Link};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::edge::{Edge, Guest};
use crate::metrics::{Metrics, Traffic};
use crate::runtime::{Bound, Event, Events};
use admission::{Place, Present};
use connection::{Connection, Ending};
use handshake::Key;

/// How fast the transport notices that something is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a dial may take.
    pub dial: Duration,
    /// How often a server link that is otherwise idle shows that it lives.
    pub heartbeat: Duration,
    /// How long a server link may be silent.
    pub silence: Duration,
    /// How long a link that is closed may take to hand over what was sent on it.
    pub linger: Duration,
    /// How often the kernel is asked what a legacy client has acknowledged, while something is outstanding.
    pub sample: Duration,
}

impl Pace {
    /// Notices a silent cut in under two seconds on a local network.
    pub const FAST: Self = Self {
        dial: Duration::from_millis(1_000),
        heartbeat: Duration::from_millis(300),
        silence: Duration::from_millis(1_500),
        linger: Duration::from_secs(5),
        sample: Duration::from_millis(150),
    };
    /// The report's: six seconds.
    pub const REPORT: Self = Self {
        dial: Duration::from_secs(6),
        heartbeat: Duration::from_secs(2),
        silence: Duration::from_secs(6),
        ..Self::FAST
    };
}

/// What every connection is limited to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest line that is accepted of a client, or of who knows whom, in bytes without its end.
    pub line_bytes: usize,
    /// The longest line that is accepted of a server.
    pub server_line_bytes: usize,
    /// How much may wait for a far end that doesn't read.
    pub outbox: Bound,
    /// How many connections there may be, those of servers included.
    pub connections: usize,
    /// How many of them may come from one address.
    pub connections_per_address: usize,
    /// How long a connection may take to log in.
    pub stranger: Duration,
    /// How long a user's name may be, and how long his secret, in bytes.
    pub credential_bytes: usize,
    /// How much one client may say in a second; 0: as much as it likes.
    pub activities_per_second: u32,
    /// How often one address may present a secret in a second; 0: as often as it likes.
    pub attempts_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: LINE_LIMIT_BYTES,
            server_line_bytes: SERVER_LINE_LIMIT_BYTES,
            outbox: Bound {
                lines: 1 << 18,
                bytes: 64 << 20,
            },
            connections: 100_000,
            connections_per_address: 20_000,
            stranger: Duration::from_secs(30),
            credential_bytes: 1 << 10,
            activities_per_second: 100_000,
            attempts_per_second: 1_000,
        }
    }
}

/// How long a process that ends waits for far ends to hang up.
const FAREWELL: Duration = Duration::from_secs(1);

/// Which side of the protocol a process is on.
#[derive(Clone)]
pub enum Side {
    /// It hears clients, whose secrets go no further than this edge, and servers, which must prove that they know this key.
    Server(Arc<Edge>, Key),
    /// It hears a server.
    Client,
}

impl Side {
    fn hearer(&self) -> Hearer {
        match self {
            Self::Server(..) => Hearer::Server,
            Self::Client => Hearer::Client,
        }
    }
}

/// Dials and listens.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

impl Transport {
    /// A transport whose connections share these things.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The transport of a client, whose traffic nobody counts.
    pub fn of_client(carriers: Carriers, events: mpsc::Sender<Event>) -> Self {
        let (pace, limits) = (Pace::FAST, Limits::default());
        let traffic = Metrics::new().traffic.clone();
        let shared = Shared::new(carriers, events, Side::Client, pace, limits, traffic);
        Self::new(shared)
    }

    /// Lets nobody in over QUIC any more: its socket carries the connections that there are, and stays open.
    pub fn close_door(&self) {
        self.0.connector.endpoints.close_door();
    }

    /// Returns when all connections have ended, those that are being closed included. A far end that doesn't hang up is not waited
    /// for long: the process is about to end.
    pub async fn idle(&self) {
        let _ = timeout(FAREWELL, self.0.present.none()).await;
        let _ = timeout(FAREWELL, self.0.connector.idle()).await;
    }

    fn carry(&self, stream: Box<dyn Stream>, from: Option<IpAddr>, end: End, place: Place) {
        let guest = Guest::new(from, self.0.limits().activities_per_second);
        let connection = Connection::new(self.0.clone(), stream, guest);
        tokio::spawn(Box::new(connection).carry(end, place));
    }
}

/// What all connections of a process share.
pub struct Shared {
    events: Events,
    side: Side,
    pace: Pace,
    limits: watch::Sender<Limits>,
    connector: Connector,
    next_link: AtomicU64,
    /// The connections there are.
    present: Present,
    /// Where what happens to them is counted.
    traffic: Traffic,
}

impl Shared {
    /// Connections that report to `events`, over whatever these are.
    pub fn new(
        carriers: Carriers,
        events: Events,
        side: Side,
        pace: Pace,
        limits: Limits,
        traffic: Traffic,
    ) -> Arc<Self> {
        let shared = Self {
            events,
            side,
            pace,
            limits: watch::Sender::new(limits),
            connector: Connector::new(carriers),
            next_link: AtomicU64::new(1),
            present: Present::default(),
            traffic,
        };
        shared.set_limits(limits);
        Arc::new(shared)
    }

    /// What every connection is limited to.
    pub fn limits(&self) -> Limits {
        *self.limits.borrow()
    }

    /// Sets other limits: for new connections, and for what all have in common.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.send_replace(limits);
        match &self.side {
            Side::Server(edge, _) => {
                edge.limit_attempts(limits.attempts_per_second);
                edge.limit_credentials(limits.credential_bytes);
            }
            Side::Client => {}
        }
    }

    /// Puts an event into the actor's queue, waiting while that is full.
    async fn report(&self, event: Event) -> Result<(), Ending> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| Ending::Abandoned)
    }

    fn link(&self) -> Link {
        Link(self.next_link.fetch_add(1, Ordering::Relaxed))
    }
}

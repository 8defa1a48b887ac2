//! What a server counts while it works, in Prometheus' terms. What can be read off the actor's state is not
//! counted here: it is looked up when somebody asks (`http/`).
//!
//! One [`Metrics`] for a process, shared by an `Arc`; each part of the server uses the group that is named for it. To
//! count is one relaxed atomic addition on a cache line of its own; only histograms take a lock, and they are
//! for what is slow anyway.

mod label;
mod measured;
mod protocol;

pub use label::{
    Answer, Carrier, Change, Closed, Dialed, Handshake, Hashed, Label, Labelled, Limit, Reader,
    Refused, Stranger, TurnedAway,
};

pub use measured::Measured;
pub use protocol::Protocol;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::{Atomic, Counter};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What every name begins with.
pub const PREFIX: &str = "regrow";

/// A count that only grows.
pub type Count = Counter<u64, Apart>;

/// A number on a cache line of its own (two, for processors that fetch pairs): who counts one thing doesn't slow
/// down who counts another.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Apart(AtomicU64);

impl Atomic<u64> for Apart {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, by: u64) -> u64 {
        self.0.fetch_add(by, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All that a server counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Connections and what passes over them.
    pub traffic: Traffic,
    /// The hashing of users' secrets.
    pub secrets: Secrets,
    /// The saving of the state.
    pub disk: Disk,
    /// The recording, if there is one.
    pub recording: Recording,
    /// What the actor says to clients and to its operator.
    pub protocol: Protocol,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix(PREFIX);
        let traffic = Traffic::register(&mut registry);
        let secrets = Secrets::register(&mut registry);
        let disk = Disk::register(&mut registry);
        let recording = Recording::register(&mut registry);
        let protocol = Protocol::register(&mut registry);
        Arc::new(Self {
            registry,
            traffic,
            secrets,
            disk,
            recording,
            protocol,
        })
    }

    /// Writes all of it as OpenMetrics text, without the mark of its end.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, writer: &mut impl fmt::Write) -> fmt::Result {
        text::encode_registry(writer, &self.registry)
    }
}

/// Connections, to clients and servers alike, and what passes over them.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// How many are open.
    pub open: Gauge,
    /// Those that others opened.
    pub accepted: Labelled<Carrier>,
    /// Those that others wanted to open.
    pub refused: Labelled<Refused>,
    /// Those that nothing could be agreed on with.
    pub handshakes_failed: Labelled<Handshake>,
    /// Servers that dialed this one and are not believed.
    pub dialers_refused: Labelled<Stranger>,
    /// Those that have ended.
    pub closed: Labelled<Closed>,
    /// What this server dialed.
    pub dials: Labelled<Dialed>,
    /// Lines that came in, heartbeats not counted.
    pub lines_received: Count,
    /// Lines that went out, heartbeats not counted.
    pub lines_sent: Count,
    /// Bytes that came in.
    pub bytes_received: Count,
    /// Bytes that went out.
    pub bytes_sent: Count,
    /// Lines that came in and are no messages.
    pub malformed: Count,
    /// Connections that were cut because what waited for their far end was too much.
    pub slow_readers: Labelled<Reader>,
    /// What clients asked for and didn't get because of a limit.
    pub limited: Labelled<Limit>,
}

impl Traffic {
    fn register(registry: &mut Registry) -> Self {
        let open = Gauge::default();
        let help = "Connections that are open, to clients and to servers";
        registry.register("connections", help, open.clone());
        Self {
            open,
            accepted: Labelled::register(
                registry,
                "connections_accepted",
                "Connections that clients or servers opened",
            ),
            refused: Labelled::register(
                registry,
                "connections_refused",
                "Connections that were not taken",
            ),
            handshakes_failed: Labelled::register(
                registry,
                "handshakes_failed",
                "Connections by TLS, QUIC or WebSocket that came to nothing",
            ),
            dialers_refused: Labelled::register(
                registry,
                "dialers_refused",
                "Servers that dialed this one and were refused",
            ),
            closed: Labelled::register(
                registry,
                "connections_closed",
                "Connections that have ended",
            ),
            dials: Labelled::register(registry, "dials", "Dials to other servers"),
            lines_received: count(
                registry,
                "lines_received",
                "Lines that came in, without heartbeats",
            ),
            lines_sent: count(
                registry,
                "lines_sent",
                "Lines that went out, without heartbeats",
            ),
            bytes_received: bytes(registry, "received", "Bytes that came in"),
            bytes_sent: bytes(registry, "sent", "Bytes that went out"),
            malformed: count(
                registry,
                "malformed_lines",
                "Lines that came in and are no messages",
            ),
            slow_readers: Labelled::register(
                registry,
                "slow_readers_cut",
                "Connections that were cut because their far end read too slowly",
            ),
            limited: Labelled::register(
                registry,
                "limited",
                "What clients asked for and didn't get because of a limit",
            ),
        }
    }
}

/// The hashing of users' secrets, slow by design.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// How many are being hashed.
    pub running: Gauge,
    /// How many wait for that.
    pub waiting: Gauge,
    /// What became of the others.
    pub hashed: Labelled<Hashed>,
    /// How long one takes, in seconds, without its waiting.
    pub seconds: Histogram,
}

impl Secrets {
    fn register(registry: &mut Registry) -> Self {
        let (running, waiting) = (Gauge::default(), Gauge::default());
        let help = "Secrets that are being hashed";
        registry.register("secret_hashes_running", help, running.clone());
        let help = "Secrets that wait to be hashed";
        registry.register("secret_hashes_waiting", help, waiting.clone());
        Self {
            running,
            waiting,
            hashed: Labelled::register(
                registry,
                "secret_hashes",
                "Secrets that were to be hashed, by what became of them",
            ),
            seconds: seconds(
                registry,
                "secret_hash",
                "How long it took to hash a secret",
                exponential_buckets(0.005, 2.0, 10),
            ),
        }
    }
}

impl Secrets {
    /// Counts and times the hashing of one.
    pub fn time<H>(&self, hash: impl FnOnce() -> Option<H>) -> Option<H> {
        self.running.inc();
        let begun = Instant::now();
        let hash = hash();
        self.seconds.observe(begun.elapsed().as_secs_f64());
        self.running.dec();
        let outcome = match hash {
            Some(_) => Hashed::Done,
            None => Hashed::Failed,
        };
        self.hashed.of(outcome).inc();
        hash
    }
}

/// The saving of the state.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Saves that failed; each is tried again.
    pub failures: Count,
    /// How long a save took, in seconds; each is of one or more inputs.
    pub save_seconds: Histogram,
    /// How long it took to put earlier saves on disk for good, in seconds, where a save doesn't do so itself.
    pub sync_seconds: Histogram,
    /// 1 from a failure to the next success.
    pub failing: Gauge,
}

impl Disk {
    fn register(registry: &mut Registry) -> Self {
        let failing = Gauge::default();
        let help = "1 while saving fails and nothing is acknowledged";
        registry.register("disk_failing", help, failing.clone());
        Self {
            failures: count(
                registry,
                "disk_save_failures",
                "Saves that failed; each is tried again",
            ),
            save_seconds: seconds(
                registry,
                "disk_save",
                "How long saves took, with their fsync unless that is put off",
                exponential_buckets(0.000_25, 2.0, 14),
            ),
            sync_seconds: seconds(
                registry,
                "disk_sync",
                "How long it took to put earlier saves on disk for good",
                exponential_buckets(0.000_25, 2.0, 14),
            ),
            failing,
        }
    }
}

/// What is recorded of the node.
#[derive(Clone, Debug)]
pub struct Recording {
    /// 1 while it is recorded.
    pub running: Gauge,
    /// How much was written.
    pub bytes: Count,
}

impl Recording {
    fn register(registry: &mut Registry) -> Self {
        let running = Gauge::default();
        let help = "1 while the node is recorded";
        registry.register("recording", help, running.clone());
        Self {
            running,
            bytes: bytes(registry, "recorded", "Bytes of the recording"),
        }
    }
}

fn count(registry: &mut Registry, name: &str, help: &str) -> Count {
    let count = Count::default();
    registry.register(name, help, count.clone());
    count
}

fn bytes(registry: &mut Registry, name: &str, help: &str) -> Count {
    let count = Count::default();
    registry.register_with_unit(name, help, Unit::Bytes, count.clone());
    count
}

fn seconds(
    registry: &mut Registry,
    name: &str,
    help: &str,
    buckets: impl Iterator<Item = f64>,
) -> Histogram {
    let histogram = Histogram::new(buckets);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

#[cfg(test)]
mod tests {
    use regrow_model::message::client::Info;
    use regrow_model::message::{Line, Reply};

    use super::*;

    fn text(metrics: &Metrics) -> String {
        let mut text = String::new();
        metrics.write(&mut text).expect("a string takes all");
        text
    }

    #[test]
    fn every_series_is_there_before_anything_happened() {
        let text = text(&Metrics::new());
        for line in [
            "regrow_connections 0",
            "regrow_sent_bytes_total 0",
            "regrow_connections_refused_total{reason=\"system\"} 0",
            "regrow_tree_changes_total{change=\"joined\"} 0",
            "regrow_disk_save_seconds_count 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn what_is_said_to_clients_is_counted_by_what_it_is() {
        let metrics = Metrics::new();
        let info = Info::WrongSecret;
        let line = Line::Reply(Reply::LoginFailed { info });
        metrics.protocol.said(&line, 1);
        let text = text(&metrics);
        assert!(
            text.contains("regrow_logins_total{outcome=\"failed\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("regrow_logins_total{outcome=\"success\"} 0\n"));
    }

    #[test]
    fn each_count_has_its_cache_lines_to_itself() {
        assert_eq!(align_of::<Apart>(), 128);
        assert_eq!(size_of::<Apart>(), 128);
    }
}

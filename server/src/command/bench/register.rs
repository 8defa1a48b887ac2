//! `regrow bench register`: new names, as fast as they are granted, each over a connection of its own as the protocol wants it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use clap::Args;
use rand::Rng;
use regrow_model::message::client::Secret;
use regrow_model::message::{Address, Hearer, Line, Reply, Request, Stamp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use super::BenchError;
use super::clock::{nanos, now, seconds};
use super::hosts::Hosts;
use super::latency::Latency;
use super::options::Options;
use super::progress::Progress;
use super::report::Row;
use super::say::Identity;
use super::servers::Servers;
use super::stage::Glimpse;
use crate::edge::{Admission, Edge, Guest};
use crate::metrics::Metrics;
use crate::transport::{Connector, Limits};

/// New names, as fast as they are granted
#[derive(Args, Clone, Debug)]
pub(super) struct Register {
    /// Over so many connections at the same time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Stop after so many names, if it is not --seconds before
    #[arg(long)]
    count: Option<u64>,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How often progress is told.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many hashes are timed.
const HASHES: u32 = 16;

/// What all connections share.
struct Round {
    connector: Arc<Connector>,
    run: u32,
    end: u64,
    count: u64,
    begun: AtomicU64,
    registered: AtomicU64,
}

/// What connections have come to.
struct Done {
    refused: u64,
    latency: Latency,
    /// Why connections ended that should not have.
    broken: Vec<String>,
}

impl Register {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let hash_us = hash_seconds().await * 1e6;
        let servers = Servers::of(&self.options, 1).await?;
        let hosts = servers.hosts();
        hosts.reset_peak();
        let (cpu, own_cpu, began) = (hosts.cpu_seconds(), Hosts::own_cpu_seconds(), now());
        let round = Arc::new(Round {
            connector: servers.connector(),
            run: rand::rng().random(),
            end: began + nanos(self.options.seconds),
            count: self.count.unwrap_or(u64::MAX),
            begun: AtomicU64::new(0),
            registered: AtomicU64::new(0),
        });
        let mut connections = JoinSet::new();
        for connection in 0..self.connections as usize {
            let all = servers.addresses();
            let address = &all[connection % all.len()];
            connections.spawn(register(Arc::clone(&round), address.clone()));
        }
        let done = all(connections, &round, progress).await;

        let cpu = hosts.cpu_seconds().zip(cpu).map(|(now, then)| now - then);
        let own_cpu = Hosts::own_cpu_seconds() - own_cpu;
        let took = seconds(now() - began);
        let registered = round.registered.load(SeqCst);
        let mut row = Row::of("register");
        row.set_count("servers", servers.addresses().len());
        row.set("connections", self.connections);
        done.tell(&mut row);
        row.counted("registered", registered);
        row.measured("took_s", took);
        row.measured("registrations_per_s", registered as f64 / took);
        let each = |cpu: f64| cpu * 1e6 / registered.max(1) as f64;
        row.known("server_cpu_s", cpu);
        row.known("server_cpu_us_per_registration", cpu.map(each));
        row.measured("hash_us", hash_us);
        row.known(
            "hash_share_of_server_cpu",
            cpu.map(|cpu| hash_us / each(cpu)),
        );
        row.measured("bench_cpu_us_per_registration", each(own_cpu));
        row.bytes("server_memory_bytes", hosts.memory_bytes());
        row.bytes("server_memory_peak_bytes", hosts.peak_bytes());
        row.latency("latency", &done.latency);
        row.troubles(done.broken);
        Ok(row)
    }
}

impl Done {
    fn new() -> Self {
        Self {
            refused: 0,
            latency: Latency::new(),
            broken: Vec::new(),
        }
    }

    fn add(&mut self, other: Self) {
        self.refused += other.refused;
        self.latency.add(&other.latency);
        self.broken.extend(other.broken);
    }

    fn tell(&self, row: &mut Row) {
        row.fault("refused", self.refused);
        row.fault("unexpected_closes", self.broken.len() as u64);
    }
}

/// Waits for all connections, and tells how far they are.
async fn all(mut connections: JoinSet<Done>, round: &Round, progress: &mut Progress) -> Done {
    let mut done = Done::new();
    while !connections.is_empty() {
        match tokio::time::timeout(LOOK_EVERY, connections.join_next()).await {
            Ok(Some(Ok(one))) => done.add(one),
            // One that failed has panicked, and said so.
            Ok(Some(Err(_)) | None) => {}
            Err(_) => progress.glimpse(Glimpse {
                present: connections.len(),
                said: round.begun.load(SeqCst),
                delivered: round.registered.load(SeqCst),
            }),
        }
    }
    done
}

/// Registers one name after the other, until it is enough.
async fn register(round: Arc<Round>, address: Address) -> Done {
    let mut done = Done::new();
    while now() < round.end {
        let number = round.begun.fetch_add(1, SeqCst);
        if number >= round.count {
            break;
        }
        let began = now();
        let name = format!("bench{:x}r{number}", round.run);
        match ask(&round.connector, &address, &name).await {
            Ok(true) => {
                round.registered.fetch_add(1, SeqCst);
                done.latency.record(now() - began);
            }
            Ok(false) => done.refused += 1,
            Err(error) => {
                done.broken.push(error.to_string());
                break;
            }
        }
    }
    done
}

/// Registers a name. Whether it was granted.
async fn ask(connector: &Connector, address: &Address, name: &str) -> io::Result<bool> {
    let mut stream = connector.connect(address, &Limits::default()).await?;
    let mut line = Vec::new();
    Identity::user(name, false).register(&mut line);
    stream.write_all(&line).await?;
    stream.flush().await?;
    line.clear();
    BufReader::new(stream).read_until(b'\n', &mut line).await?;
    match Line::decode(line.trim_ascii_end(), Hearer::Client) {
        Line::Reply(Reply::RegisterSuccess { .. }) => Ok(true),
        Line::Reply(_) => Ok(false),
        Line::Malformed(_) | Line::Request(_) | Line::Peer(_) => {
            Err(io::Error::other("the server has closed without an answer"))
        }
    }
}

/// How much processor time one hash takes here, in seconds: a server computes one for each registration. All are in
/// line at once, as at a server under load, so that the memory they take is taken once.
async fn hash_seconds() -> f64 {
    let edge = Edge::new("bench", 1, &Metrics::new());
    let began = Hosts::own_cpu_seconds();
    let mut hashing = Vec::new();
    for number in 0..HASHES {
        let request = Request::Register {
            username: format!("bench{number}").as_str().into(),
            secret: Secret::Plain("bench".into()),
            at: Stamp(0),
        };
        match edge.admit(&mut Guest::new(None, 0), request.into()) {
            Admission::Later(hash) => hashing.push(hash),
            Admission::Now(_) => {}
        }
    }
    for hash in hashing {
        hash.await;
    }
    (Hosts::own_cpu_seconds() - began) / f64::from(HASHES)
}

//! `regrow serve`: one node, and what carries its connections.

#[cfg(feature = "mutants")]
mod broken;
mod cast;
mod certified;
mod durability;
mod intervals;
mod limits;
mod pages;
mod profile;
mod recorded;
mod reload;
mod secret;
mod stopping;
mod time;

#[cfg(feature = "mutants")]
pub use broken::{BrokenError, BrokenFlags};
pub use certified::CertifiedError;
pub use durability::{Durability, DurabilityError};
pub use intervals::{IntervalError, IntervalFlags};
pub use pages::Http;
pub use profile::Profile;
pub use recorded::RecordFlags;
pub use secret::{SecretError, SecretFlags};

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rand::Rng;
use rand::distr::Alphanumeric;
use regrow_model::message::{Address, AddressError};
use regrow_model::node::{Config, Durable, Halt, Node, Order, Report, balance, delivery, tree};
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

pub(super) use certified::Certified;
use durability::Opened;
pub use limits::LimitFlags;
use reload::Reload;
use stopping::{Stops, drain};

use super::say::say;
use super::{journal, log, whole};
use crate::edge::{self, Edge};
use crate::http::{About, Pages};
use crate::metrics::{Measured, Metrics};
use crate::record::{RecordError, Recorder};
use crate::runtime::{Disk, EVENTS, Handle, Setup, Witness};
use crate::store::StoreError;
use crate::transport::handshake::Key;
use crate::transport::{Carriers, Shared, Side, Transport};

/// Which users' secrets hash alike: all servers of all Regrow systems.
pub(super) const DOMAIN: &str = "regrow";
/// How many connections may wait to be accepted: after a server has died, all of its clients come at once.
const BACKLOG: u32 = 4_096;
/// How long an invented secret is.
const SECRET_LETTERS: usize = 26;
/// Where an invented secret is kept, in the data directory.
const SECRET_FILE: &str = "secret";

/// Run one server.
#[derive(Args, Debug)]
pub struct Serve {
    /// Listen on this port; 0 takes any free one (old spelling: -lp)
    #[arg(long, default_value_t = 3780)]
    port: u16,
    /// Be reached by others under this host name (old spelling: -lh)
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Be reached by others here instead of at HOST and PORT: behind a forwarder, for example, or by another scheme
    #[arg(long, value_name = "[tcp|tls|quic://]HOST:PORT")]
    advertise: Option<Address>,
    /// Listen on this address
    #[arg(long, default_value = "0.0.0.0")]
    listen: IpAddr,
    /// Join the tree of this server; several may be named. Without any, this one is a root
    #[arg(long, value_name = "[tcp|tls|quic://]HOST:PORT")]
    join: Vec<Address>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    certified: Certified,
    /// Refuse who connects without TLS
    #[arg(long, requires = "cert")]
    require_tls: bool,
    #[command(flatten)]
    secret: SecretFlags,
    /// Keep the state in this directory [default: regrow-PORT]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Have what is acknowledged on disk: before it is (sync), so long after (interval=200ms), or never (memory)
    #[arg(long, value_name = "sync|interval=TIME|memory", default_value = "sync")]
    durability: Durability,
    /// Announce the load every so many milliseconds, changed or not (old spelling: -a)
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    announce_interval: u64,
    /// Which intervals to keep
    #[arg(long, value_enum, default_value_t = Profile::Fast)]
    profile: Profile,
    #[command(flatten)]
    intervals: IntervalFlags,
    /// Keep what users who are away have missed for so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    mailbox_days: u32,
    /// Remember for so many days how far clients are that say nothing
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    client_days: u32,
    /// When it is told to stop, take at most so long to send clients on and to hand over; 0: stop at once
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(..=3_600))]
    drain_seconds: u16,
    /// Serve with so many threads [default: one, and more where there are more than two cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Don't tell a speaker's own connection what it said
    #[arg(long)]
    pub no_echo: bool,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    recorded: RecordFlags,
    #[cfg(feature = "mutants")]
    #[command(flatten)]
    broken: BrokenFlags,
    #[command(flatten)]
    http: Http,
    /// How the log looks
    #[arg(long, value_enum, default_value_t = log::Format::Human)]
    pub log: log::Format,
    /// Read settings from this TOML file: every flag's long name is a key of it, and every one is also a variable of the
    /// environment, as in REGROW_PORT. Flags are stronger than variables, variables than the file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Every setting by its name, for the pages.
    #[arg(skip)]
    pub settings: Map<String, Value>,
}

/// The old way to name a server: two flags.
#[derive(Args, Debug)]
pub struct Remote {
    /// (old spelling: -rh)
    #[arg(long, hide = true)]
    remote_host: Option<String>,
    /// (old spelling: -rp)
    #[arg(long, hide = true)]
    remote_port: Option<u16>,
}

impl Remote {
    /// The server that the old flags name, if they name one: either may be left out.
    ///
    /// # Errors
    /// When the host is no host.
    pub fn address(&self) -> Result<Option<Address>, AddressError> {
        if self.remote_host.is_none() && self.remote_port.is_none() {
            return Ok(None);
        }
        let host = self.remote_host.as_deref().unwrap_or("localhost");
        Address::new(host, self.remote_port.unwrap_or(3780)).map(Some)
    }
}

/// Why a server doesn't run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It can't be reached under that name.
    #[error("--host or -rh: {0}")]
    Address(#[from] AddressError),
    /// It can't listen.
    #[error("cannot listen on {listen}:{port}: {source}. Name a free port with --port")]
    Listen {
        /// The address.
        listen: IpAddr,
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// It can't show its pages.
    #[error(
        "cannot show pages at {address}: {source}. Name a free port of this machine with --http"
    )]
    Http {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// A joiner must know the secret.
    #[error(
        "to join a tree, a server needs its secret: give the one that the root printed with --secret"
    )]
    NoSecret,
    /// An invented secret can't be kept.
    #[error("cannot keep the invented secret in {}: {source}. Give one with --secret", file.display())]
    SecretFile {
        /// Where.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file with the secret can't be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The intervals don't go together.
    #[error(transparent)]
    Intervals(#[from] IntervalError),
    /// The certificates can't be used.
    #[error(transparent)]
    Certified(#[from] CertifiedError),
    /// The data directory can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It can't be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The system doesn't let us wait for signals, or run threads.
    #[error("cannot run: {0}")]
    System(#[from] io::Error),
    /// The node has stopped by itself.
    #[error(
        "another process runs as this server and was started later. Stop one of the two, or give this one \
         another --host, --port and --data"
    )]
    Superseded,
    /// An operator has given it up.
    #[error(
        "an operator has given this server up with `regrow forget`. Started again, it joins as a new server"
    )]
    Retired,
    /// It can't be broken, or steered, so.
    #[cfg(feature = "mutants")]
    #[error(transparent)]
    Broken(#[from] BrokenError),
    /// A bug.
    #[error("the node has failed; its state is as it was last saved: {0}")]
    Failed(#[from] tokio::task::JoinError),
}

impl Serve {
    /// Runs the server until it is told to stop.
    ///
    /// # Errors
    /// When it can't start, or stops by itself.
    pub fn run(self) -> Result<(), ServeError> {
        threads(self.threads)?.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), ServeError> {
        self.timing()?;
        // Before anything that takes time, as to read a large store does: each would end the process at once.
        let mut stops = Stops::new()?;
        let hangup = signal(SignalKind::hangup())?;
        let carriers = Carriers {
            requires_tls: self.require_tls,
            ..self.certified.carriers()?
        };
        let certificates = carriers.certificates.clone();
        let listener = self.bind()?;
        let port = listener.local_addr()?.port();
        let data = self.data.clone();
        let data = data.unwrap_or_else(|| PathBuf::from(format!("regrow-{port}")));
        let Opened { storage, disk } = self.durability.open(&data)?;
        let cast = self.cast(port)?;
        let (config, boot) = (cast.config, cast.boot);
        let key = Key::new(&self.system_secret(&config, &data)?)?;
        let address = Address::new(&self.host, port)?;
        let door = self.http.open()?;
        let metrics = Metrics::new();
        let (about, settings) = self.about(&config);
        let recorder = self.recorded.begin(
            (&config, boot),
            storage.as_ref(),
            self.durability,
            &key,
            &metrics.recording,
        )?;
        let disk: Box<dyn Disk<Durable>> = match &recorder {
            Some(recorder) => Box::new(recorder.before(disk)),
            None => disk,
        };

        let (events, queue) = mpsc::channel(EVENTS);
        let edge = Arc::new(Edge::new(DOMAIN, hashers(), &metrics));
        let shared = Shared::new(
            carriers,
            events,
            Side::Server(edge, key),
            self.intervals.pace(self.profile)?,
            self.limits.limits(),
            metrics.traffic.clone(),
        );
        let reload = Reload {
            certificates,
            shared: shared.clone(),
            settings,
        };
        let transport = Transport::new(shared);
        let (halt, mut halted) = mpsc::channel(1);
        let (reported, said) = (metrics.protocol.clone(), metrics.protocol.clone());
        let setup = Setup {
            actor: cast.node,
            storage,
            disk: Box::new(Measured::new(disk, metrics.disk.clone())),
            dial: Box::new(transport.clone()),
            told: Box::new(move |report: Report| {
                journal::write(&report);
                reported.reported(&report);
                if let Report::Halted(why) = report {
                    let _ = halt.try_send(why);
                }
            }),
            said: Box::new(move |line, links| said.said(line, links)),
            witness: recorder.map(witness),
        };
        let mut node = cast::run(
            setup,
            queue,
            #[cfg(feature = "mutants")]
            cast.control,
        );
        let (stopping, draining) = watch::channel(false);
        door.show(Pages::new(
            about,
            node.looks(),
            metrics,
            node.disk(),
            draining,
        ))?;
        reload.at_hangups(hangup);
        let by_quic = transport.listen_by_quic(SocketAddr::new(self.listen, port));
        let by_quic = by_quic.map_err(|source| self.cannot_listen(source))?;
        let listening = tokio::spawn(transport.clone().listen(listener));
        tell(format_args!("listening on {address}"));

        let outcome = tokio::select! {
            () = stops.next() => Ok(()),
            Some(why) = halted.recv() => match why {
                Halt::Superseded { .. } => Err(ServeError::Superseded),
                Halt::Retired => Err(ServeError::Retired),
                Halt::Drained { .. } => Ok(()),
            },
            ended = node.ended() => return ended.map_err(ServeError::Failed),
        };
        tracing::info!(event = "stopping", "stopping");
        stopping.send_replace(true);
        listening.abort();
        if let Some(listening) = by_quic {
            listening.abort();
            transport.close_door();
        }
        let within = Duration::from_secs(self.drain_seconds.into());
        let end = async {
            if outcome.is_ok() {
                drain(&node, &mut halted, within).await;
            }
            stop(node, &transport).await
        };
        tokio::select! {
            ended = end => ended?,
            () = stops.next() => tracing::warn!(event = "stopped_at_once", "not waiting"),
        }
        outcome
    }

    fn bind(&self) -> Result<TcpListener, ServeError> {
        let bind = || {
            let socket = match self.listen {
                IpAddr::V4(_) => TcpSocket::new_v4(),
                IpAddr::V6(_) => TcpSocket::new_v6(),
            }?;
            socket.set_reuseaddr(true)?;
            socket.bind((self.listen, self.port).into())?;
            socket.listen(BACKLOG)
        };
        bind().map_err(|source| self.cannot_listen(source))
    }

    fn cannot_listen(&self, source: io::Error) -> ServeError {
        ServeError::Listen {
            listen: self.listen,
            port: self.port,
            source,
        }
    }

    /// What all servers of this system know; a root that isn't told invents it.
    fn system_secret(&self, config: &Config, data: &Path) -> Result<String, ServeError> {
        match self.secret.given()? {
            Some(secret) => Ok(secret),
            None if config.seeds.is_empty() => {
                let secret = invented(data)?;
                tell(format_args!("secret: {secret}"));
                Ok(secret)
            }
            None => Err(ServeError::NoSecret),
        }
    }

    /// What the pages say beside how the server is, and the part of it that can change.
    fn about(&self, config: &Config) -> (About, watch::Sender<Map<String, Value>>) {
        let (settings, shown) = watch::channel(self.settings.clone());
        let about = About {
            name: config.name.to_string(),
            address: config.address.clone(),
            seeds: config.seeds.clone(),
            settings: shown,
        };
        (about, settings)
    }

    /// Looks whether the settings go together that are not each for itself.
    ///
    /// # Errors
    /// When they don't.
    pub fn agree(&self) -> Result<(), IntervalError> {
        self.timing().map(|_| ())
    }

    /// The intervals that the node keeps.
    fn timing(&self) -> Result<tree::Timing, IntervalError> {
        let timing = self.intervals.timing(self.profile)?;
        let merge = timing.loads.merge.clone();
        let every = Duration::from_millis(self.announce_interval);
        Ok(tree::Timing {
            loads: balance::Timing {
                merge,
                ..balance::Timing::every(every)
            },
            ..timing
        })
    }

    fn config(&self, port: u16) -> Result<Config, ServeError> {
        let address = match &self.advertise {
            Some(address) => address.clone(),
            None => Address::new(&self.host, port)?.by(self.certified.scheme()),
        };
        let mut seeds = self.join.clone();
        seeds.extend(self.remote.address()?);
        for address in seeds.iter().chain([&address]) {
            self.certified.allows(address)?;
        }
        Ok(Config {
            name: address.as_str().into(),
            address,
            seeds,
            secret: edge::proven(),
            timing: self.timing()?,
            delivery: delivery::Settings {
                echoes: !self.no_echo,
                mailbox_age: Some(self.mailbox_days * delivery::TICKS_A_DAY),
                client_age: Some(self.client_days * delivery::TICKS_A_DAY),
                ..self.limits.delivery()
            },
        })
    }
}

/// Tells whoever has started this server. It serves on if nobody reads that, or the disk that it goes to is full.
fn tell(line: impl fmt::Display) {
    if let Err(unsaid) = say(line) {
        tracing::debug!(%unsaid, "nobody reads the output");
    }
}

/// The threads that serve: by default as many as leave half of the cores to the disk, to hashing, and to others. A single
/// one costs least for each message, for nothing passes between threads.
fn threads(number: Option<u16>) -> io::Result<tokio::runtime::Runtime> {
    let number = number.map_or(cores() / 2, usize::from).max(1);
    let mut builder = match number {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if number > 1 {
        builder.worker_threads(number);
    }
    builder.enable_all().build()
}

fn witness(recorder: Recorder) -> Box<dyn Witness<Node, Order>> {
    Box::new(recorder)
}

/// Saves, then hands over what was said.
async fn stop<A, S: 'static>(node: Handle<A, S>, transport: &Transport) -> Result<(), ServeError> {
    node.stop().await?;
    transport.idle().await;
    Ok(())
}

/// The secret that this root invented at its first start: its children know it and come back with it.
fn invented(data: &Path) -> Result<String, ServeError> {
    let file = data.join(SECRET_FILE);
    let keep = || match std::fs::read_to_string(&file) {
        // A file with nothing in it is what a full disk leaves of one.
        Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => {
            let letters = rand::rng().sample_iter(Alphanumeric);
            let secret: String = letters.take(SECRET_LETTERS).map(char::from).collect();
            whole::replace(&file, secret.as_bytes())?;
            Ok(secret)
        }
    };
    keep().map_err(|source| ServeError::SecretFile {
        file: file.clone(),
        source,
    })
}

/// How many secrets are hashed at once: a core is left for everything else, if there are two.
fn hashers() -> usize {
    cores().saturating_sub(1).max(1)
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

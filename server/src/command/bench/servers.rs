//! The servers of a run: the bench's own, or those that it was told of.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use regrow_model::message::Address;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::sync::watch;

use super::BenchError;
use super::hosts::Hosts;
use super::options::Options;
use crate::command::local::Local;

/// How long a server may take to join the one before it.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);
/// How long a server that is killed may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(2);
/// The secret of the bench's own servers.
const SECRET: &str = "bench";

/// The servers of a run. The bench's own are gone with this value, and so are their directories.
pub(super) struct Servers {
    addresses: Vec<SocketAddr>,
    processes: Vec<u32>,
    own: Vec<Child>,
    _directory: Option<TempDir>,
}

impl Servers {
    /// Those that the command line names, or so many own ones in a chain.
    ///
    /// # Errors
    /// When one can't be found, or started.
    pub(super) async fn of(options: &Options, own: usize) -> Result<Self, BenchError> {
        match options.server.as_slice() {
            [] => Self::start(own, &options.serve).await,
            named => Self::named(named, &options.pid),
        }
    }

    /// A mock in a process of its own: for the bench's ceiling.
    ///
    /// # Errors
    /// When it can't be started.
    pub(super) async fn mock() -> Result<Self, BenchError> {
        let local = Local::start(["bench", "mock"])
            .await
            .map_err(BenchError::Start)?;
        let mut mock = Self::none();
        mock.take(local);
        Ok(mock)
    }

    fn named(named: &[Address], processes: &[u32]) -> Result<Self, BenchError> {
        let addresses: Result<_, _> = named.iter().map(find).collect();
        Ok(Self {
            addresses: addresses?,
            processes: processes.to_vec(),
            own: Vec::new(),
            _directory: None,
        })
    }

    async fn start(servers: usize, more: &[String]) -> Result<Self, BenchError> {
        let directory = TempDir::with_prefix("regrow-bench-").map_err(BenchError::Start)?;
        let data = |server: usize| directory.path().join(server.to_string());
        let mut own = Self::none();
        for server in 0..servers {
            let before = own.addresses.last().map(SocketAddr::to_string);
            let mut arguments = vec!["--secret", SECRET];
            arguments.extend(before.iter().flat_map(|before| ["--join", before]));
            arguments.extend(more.iter().map(String::as_str));
            let local = Local::serve(&data(server), arguments)
                .await
                .map_err(BenchError::Start)?;
            let joined = own.take(local);
            if before.is_some() {
                until_joined(joined).await?;
            }
        }
        own._directory = Some(directory);
        Ok(own)
    }

    fn none() -> Self {
        Self {
            addresses: Vec::new(),
            processes: Vec::new(),
            own: Vec::new(),
            _directory: None,
        }
    }

    /// Takes in a server of the bench's own. Tells when it has joined another one.
    fn take(&mut self, local: Local) -> watch::Receiver<bool> {
        self.addresses.push(([127, 0, 0, 1], local.port).into());
        self.processes.extend(local.process.id());
        self.own.push(local.process);
        follow(local.log)
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What they take of this machine, if they are on it.
    pub(super) fn hosts(&self) -> Hosts {
        Hosts::of(self.processes.clone())
    }

    /// Whether the process of each is known.
    pub(super) fn can_be_killed(&self) -> bool {
        self.processes.len() == self.addresses.len()
    }

    /// Kills a server: no farewell, nothing flushed.
    ///
    /// # Errors
    /// When its process isn't known, or can't be killed.
    pub(super) fn kill(&mut self, server: usize) -> io::Result<()> {
        if let Some(process) = self.own.get_mut(server) {
            return process.start_kill();
        }
        let process = self
            .processes
            .get(server)
            .and_then(|process| i32::try_from(*process).ok());
        let process = process
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(process, Signal::KILL)?)
    }
}

impl Drop for Servers {
    /// The bench's own must have ended before their directory goes.
    fn drop(&mut self) {
        let deadline = Instant::now() + DEATH_PATIENCE;
        for process in &mut self.own {
            // One that has ended already can't be killed, and need not be.
            let _ = process.start_kill();
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Where a server is, by its name.
fn find(server: &Address) -> Result<SocketAddr, BenchError> {
    let unknown = |why: String| BenchError::Address {
        server: server.as_str().to_owned(),
        why,
    };
    let mut found = server
        .as_str()
        .to_socket_addrs()
        .map_err(|error| unknown(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| unknown("it has no address".into()))
}

/// Reads a server's log, so that it never waits for a reader, and tells when it has joined.
fn follow(log: ChildStderr) -> watch::Receiver<bool> {
    let (joined, told) = watch::channel(false);
    tokio::spawn(async move {
        let mut lines = BufReader::new(log).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("event=\"joined\"") {
                joined.send_replace(true);
            }
        }
    });
    told
}

async fn until_joined(mut joined: watch::Receiver<bool>) -> Result<(), BenchError> {
    let is_joined = joined.wait_for(|is_joined| *is_joined);
    match tokio::time::timeout(JOIN_PATIENCE, is_joined).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => {
            let why = "a server of the bench did not join the one before it";
            Err(BenchError::Start(io::Error::other(why)))
        }
    }
}

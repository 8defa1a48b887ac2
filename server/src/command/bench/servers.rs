//! The servers of a run: the bench's own, or those that it was told of.

use std::io;
use std::sync::Arc;
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
use crate::transport::Connector;

/// How long a server may take to join the one before it.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);
/// How long a server that is killed may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(2);
/// The secret of the bench's own servers.
const SECRET: &str = "bench";

/// The servers of a run. The bench's own are gone with this value, and so are their directories.
pub(super) struct Servers {
    connector: Arc<Connector>,
    addresses: Vec<Address>,
    processes: Vec<u32>,
    own: Vec<Child>,
    _directory: Option<TempDir>,
}

impl Servers {
    /// Those that the command line names, or so many own ones in a chain.
    ///
    /// # Errors
    /// When one can't be started, or there is no way to those that are named.
    pub(super) async fn of(options: &Options, own: usize) -> Result<Self, BenchError> {
        let named: Vec<Address> = options.servers.addresses().collect();
        if named.is_empty() {
            return Self::start(own, &options.serve).await;
        }
        Ok(Self {
            connector: Arc::new(Connector::new(options.servers.carriers()?)),
            addresses: named,
            processes: options.pid.clone(),
            own: Vec::new(),
            _directory: None,
        })
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

    async fn start(servers: usize, more: &[String]) -> Result<Self, BenchError> {
        let directory = TempDir::with_prefix("regrow-bench-").map_err(BenchError::Start)?;
        let data = |server: usize| directory.path().join(server.to_string());
        let mut own = Self::none();
        for server in 0..servers {
            let before = own.addresses.last().map(Address::to_string);
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
            connector: Arc::default(),
            addresses: Vec::new(),
            processes: Vec::new(),
            own: Vec::new(),
            _directory: None,
        }
    }

    /// Takes in a server of the bench's own. Tells when it has joined another one.
    fn take(&mut self, local: Local) -> watch::Receiver<bool> {
        let address = Address::new("127.0.0.1", local.port);
        self.addresses.push(address.expect("it is an address"));
        self.processes.extend(local.process.id());
        self.own.push(local.process);
        follow(local.log)
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What connects to them.
    pub(super) fn connector(&self) -> Arc<Connector> {
        Arc::clone(&self.connector)
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

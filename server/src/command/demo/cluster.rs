//! The demo's servers: six processes of this very program, and what their logs say of the tree.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::Notify;

use super::forward::Forwarders;
use crate::command::local::Local;
use crate::command::serve::Profile;

/// The servers, by index.
pub(super) struct Cluster {
    forwarders: Forwarders,
    directory: PathBuf,
    profile: Profile,
    parents: Vec<Option<usize>>,
    processes: Vec<Option<Child>>,
    places: Arc<Places>,
}

/// Where each server says it is.
#[derive(Default)]
struct Places {
    of: Mutex<Vec<Place>>,
    changed: Notify,
}

/// What a server's log says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether its process runs.
    pub(super) alive: bool,
    /// Its parent, by index; none for a root.
    pub(super) parent: Option<usize>,
}

impl Cluster {
    /// Servers that will join as `parents` says, each keeping its state under `directory`.
    pub(super) fn new(
        forwarders: Forwarders,
        directory: PathBuf,
        profile: Profile,
        parents: &[Option<usize>],
    ) -> Self {
        let places = Places {
            of: Mutex::new(vec![Place::default(); parents.len()]),
            changed: Notify::new(),
        };
        Self {
            forwarders,
            directory,
            profile,
            parents: parents.to_vec(),
            processes: parents.iter().map(|_| None).collect(),
            places: Arc::new(places),
        }
    }

    /// Where a client or a server reaches this one.
    pub(super) fn address(&self, server: usize) -> String {
        format!("127.0.0.1:{}", self.forwarders.port(server))
    }

    /// Starts a server, and waits until it listens.
    pub(super) async fn start(&mut self, server: usize) -> io::Result<()> {
        let (address, profile) = (self.address(server), self.profile.as_str());
        let mut arguments = vec!["--secret", "demo", "--advertise", &address];
        arguments.extend(["--profile", profile]);
        let parent = self.parents[server].map(|parent| self.address(parent));
        if let Some(parent) = &parent {
            arguments.extend(["--join", parent]);
        }
        let data = self.directory.join(format!("S{}", server + 1));
        let local = Local::serve(&data, arguments).await?;
        self.places.alter(server, |place| {
            *place = Place {
                alive: true,
                parent: None,
            }
        });
        self.processes[server] = Some(local.process);
        self.follow(server, local.log);
        self.forwarders.aim(server, Some(local.port));
        Ok(())
    }

    /// Kills a server: no farewell, nothing flushed.
    pub(super) async fn kill(&mut self, server: usize) -> io::Result<()> {
        self.forwarders.aim(server, None);
        if let Some(mut process) = self.processes[server].take() {
            process.kill().await?;
        }
        self.places.alter(server, |place| *place = Place::default());
        Ok(())
    }

    /// Where every server is now.
    pub(super) fn places(&self) -> Vec<Place> {
        self.places.lock().clone()
    }

    /// Waits until the servers are where they should be.
    pub(super) async fn until(&self, arrived: impl Fn(&[Place]) -> bool) {
        loop {
            let changed = self.places.changed.notified();
            if arrived(&self.places.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// The processes that run, by server.
    pub(super) fn running(&self) -> Vec<(usize, u32)> {
        let processes = self.processes.iter().enumerate();
        processes
            .filter_map(|(server, process)| Some((server, process.as_ref()?.id()?)))
            .collect()
    }

    /// Reads where a server is from its log.
    fn follow(&self, server: usize, log: impl AsyncRead + Unpin + Send + 'static) {
        let places = Arc::clone(&self.places);
        let ports: Vec<u16> = (0..self.parents.len())
            .map(|server| self.forwarders.port(server))
            .collect();
        tokio::spawn(async move {
            let mut lines = BufReader::new(log).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("event=\"joined\"") {
                    let port = field(&line, "parent=")
                        .and_then(|name| name.rsplit_once(':')?.1.parse().ok());
                    let parent = ports.iter().position(|public| Some(*public) == port);
                    places.alter(server, |place| place.parent = parent);
                } else if line.contains("event=\"parent_lost\"")
                    || line.contains("event=\"parent_left\"")
                {
                    places.alter(server, |place| place.parent = None);
                }
            }
        });
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alter(&self, server: usize, change: impl FnOnce(&mut Place)) {
        change(&mut self.lock()[server]);
        self.changed.notify_waiters();
    }
}

/// The word that follows `name` in a log line.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(name)?.1.split_whitespace().next()
}

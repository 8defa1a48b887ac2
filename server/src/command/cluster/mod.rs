//! A cluster on this machine: processes of this very program, each behind a forwarder, and what their logs say of the tree.

pub(super) mod forward;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::local::Local;
use super::serve::Profile;
use forward::Forwarders;

/// What the servers of a cluster prove to each other with.
const SECRET: &str = "cluster";

/// How long a server that is killed may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(2);

/// Reads the lines of servers' logs: which server's, and the line.
type Reader = Arc<dyn Fn(usize, &str) + Send + Sync>;

/// How the servers of a cluster are started.
pub(super) struct Design {
    /// Where each keeps its state, in a directory of its own.
    pub(super) directory: PathBuf,
    /// Which intervals they keep.
    pub(super) profile: Profile,
    /// Whom each joins, by index.
    pub(super) parents: Vec<Option<usize>>,
    /// What each is started with besides.
    pub(super) more: Box<dyn Fn(usize) -> Vec<String>>,
    /// Reads every line of their logs.
    pub(super) reader: Reader,
}

/// The servers, by index.
pub(super) struct Cluster {
    forwarders: Forwarders,
    design: Design,
    running: Vec<Option<Running>>,
    places: Arc<Places>,
}

/// A server that runs.
struct Running {
    process: Child,
    /// Where it shows its pages, if it does.
    pages: Option<String>,
    /// Reads its log, to its end.
    reading: JoinHandle<()>,
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
    /// Its process, if it runs.
    pub(super) process: Option<u32>,
}

/// A look at where the servers of a cluster are, to be handed out.
#[derive(Clone)]
pub(super) struct Sight(Arc<Places>);

impl Sight {
    /// Where every server is now.
    pub(super) fn places(&self) -> Vec<Place> {
        self.0.lock().clone()
    }
}

impl Cluster {
    /// Servers that will join as the design says.
    pub(super) fn new(forwarders: Forwarders, design: Design) -> Self {
        let places = Places {
            of: Mutex::new(vec![Place::default(); design.parents.len()]),
            changed: Notify::new(),
        };
        Self {
            forwarders,
            running: design.parents.iter().map(|_| None).collect(),
            design,
            places: Arc::new(places),
        }
    }

    /// Where a client or a server reaches this one.
    pub(super) fn address(&self, server: usize) -> String {
        format!("127.0.0.1:{}", self.forwarders.port(server))
    }

    /// Starts a server, and waits until it listens.
    pub(super) async fn start(&mut self, server: usize) -> io::Result<()> {
        let (address, profile) = (self.address(server), self.design.profile.as_str());
        let mut arguments = vec!["--secret", SECRET, "--advertise", &address];
        arguments.extend(["--profile", profile]);
        let parent = self.design.parents[server].map(|parent| self.address(parent));
        if let Some(parent) = &parent {
            arguments.extend(["--join", parent]);
        }
        let more = (self.design.more)(server);
        arguments.extend(more.iter().map(String::as_str));
        let data = self.design.directory.join(format!("S{}", server + 1));
        let local = Local::serve(&data, arguments).await?;
        self.places.alter(server, |place| {
            *place = Place {
                alive: true,
                parent: None,
                process: local.process.id(),
            }
        });
        self.running[server] = Some(Running {
            process: local.process,
            pages: local.pages,
            reading: self.follow(server, local.log),
        });
        self.forwarders.aim(server, Some(local.port));
        Ok(())
    }

    /// Kills a server: no farewell, nothing flushed.
    pub(super) async fn kill(&mut self, server: usize) -> io::Result<()> {
        self.forwarders.aim(server, None);
        if let Some(mut running) = self.running[server].take() {
            // One that has ended can't be killed, and need not be.
            let _ = running.process.start_kill();
            running.process.wait().await?;
            // What its log still says must not be taken for what the next process says.
            let _ = running.reading.await;
        }
        self.places.alter(server, |place| *place = Place::default());
        Ok(())
    }

    /// A server has ended: nobody is sent there any more.
    pub(super) fn is_gone(&mut self, server: usize) {
        self.forwarders.aim(server, None);
        self.running[server] = None;
        self.places.alter(server, |place| *place = Place::default());
    }

    /// Waits until a server that was told to stop has ended, and kills it after so long. How it ended; `None` if it was killed.
    pub(super) async fn ends(
        &mut self,
        server: usize,
        within: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let Some(running) = &mut self.running[server] else {
            return Ok(None);
        };
        let ended = timeout(within, running.process.wait()).await;
        self.kill(server).await?;
        ended.ok().transpose()
    }

    /// Sends a signal to a server, if it runs.
    pub(super) fn signal(&self, server: usize, signal: Signal) -> io::Result<()> {
        let id = self.id(server).and_then(|id| i32::try_from(id).ok());
        match id.and_then(Pid::from_raw) {
            Some(process) => Ok(kill_process(process, signal)?),
            None => Ok(()),
        }
    }

    /// The process of a server that runs.
    pub(super) fn id(&self, server: usize) -> Option<u32> {
        self.running[server].as_ref()?.process.id()
    }

    /// Where a server that runs shows its pages, if it does.
    pub(super) fn pages(&self, server: usize) -> Option<&str> {
        self.running[server].as_ref()?.pages.as_deref()
    }

    /// How a server has ended that nobody has killed, if it has.
    pub(super) fn has_ended(&mut self, server: usize) -> Option<ExitStatus> {
        let running = self.running[server].as_mut()?;
        running.process.try_wait().ok()?
    }

    /// Where every server is now.
    pub(super) fn places(&self) -> Vec<Place> {
        self.places.lock().clone()
    }

    /// A look at where they are, to be handed out.
    pub(super) fn sight(&self) -> Sight {
        Sight(Arc::clone(&self.places))
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
        let all = 0..self.running.len();
        all.filter_map(|server| Some((server, self.id(server)?)))
            .collect()
    }

    /// Reads where a server is from its log.
    fn follow(
        &self,
        server: usize,
        log: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let (places, forwarders) = (Arc::clone(&self.places), self.forwarders.clone());
        let reader = Arc::clone(&self.design.reader);
        tokio::spawn(async move {
            let mut lines = BufReader::new(log).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                reader(server, &line);
                if line.contains("event=\"joined\"") {
                    let port = field(&line, "parent=")
                        .and_then(|name| name.rsplit_once(':')?.1.parse().ok());
                    let parent = port.and_then(|port| forwarders.server(port));
                    places.alter(server, |place| place.parent = parent);
                } else if line.contains("event=\"parent_lost\"")
                    || line.contains("event=\"parent_left\"")
                {
                    places.alter(server, |place| place.parent = None);
                }
            }
        })
    }
}

impl Drop for Cluster {
    /// They must have ended before their directories go.
    fn drop(&mut self) {
        let deadline = Instant::now() + DEATH_PATIENCE;
        for running in self.running.iter_mut().flatten() {
            // One that has ended already can't be killed, and need not be.
            let _ = running.process.start_kill();
        }
        for running in self.running.iter_mut().flatten() {
            while matches!(running.process.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
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

/// Whether those who are alive are in one tree, without a circle.
pub(super) fn is_one_tree(places: &[Place]) -> bool {
    let alive = || places.iter().filter(|place| place.alive);
    let is_below_root = |place: &Place| {
        let mut above = place.parent;
        for _ in places {
            match above {
                None => return true,
                Some(server) if !places[server].alive => return false,
                Some(server) => above = places[server].parent,
            }
        }
        false
    };
    alive().filter(|place| place.parent.is_none()).count() == 1 && alive().all(is_below_root)
}

/// The word that follows `name` in a log line.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(name)?.1.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(parents: &[Option<usize>]) -> Vec<Place> {
        let alive = |parent: &Option<usize>| Place {
            alive: true,
            parent: *parent,
            process: None,
        };
        parents.iter().map(alive).collect()
    }

    #[test]
    fn one_tree_has_one_root_no_circle_and_nobody_below_the_dead() {
        assert!(is_one_tree(&places(&[None, Some(0), Some(1)])));
        assert!(!is_one_tree(&places(&[None, None, Some(1)])));
        assert!(!is_one_tree(&places(&[None, Some(2), Some(1)])));
        let mut one_dead = places(&[None, Some(0), Some(1)]);
        one_dead[1] = Place::default();
        assert!(!is_one_tree(&one_dead));
        one_dead[2].parent = Some(0);
        assert!(is_one_tree(&one_dead));
    }
}

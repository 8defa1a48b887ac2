//! Group commit: saves go to a thread of their own, which writes the newest one whenever it is free.
//! A save holds all before it, so many inputs share one fsync and nothing queues.

use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// How long a disk that failed is left alone before the next attempt, at least; longer if attempts take long.
const RETRY: Duration = Duration::from_millis(500);
/// How many times as long as an attempt took it is left alone: a large store is slow to look at again.
const RETRY_SHARE: u32 = 4;
/// How long it is left alone at most.
const RETRY_MOST: Duration = Duration::from_secs(10);

/// Where saves go.
pub trait Disk<S>: Send {
    /// Replaces what was saved before; when it returns, the new value survives a crash of the machine, unless
    /// whoever made this disk has settled for less.
    ///
    /// # Errors
    /// When it may not be on disk. The caller tries again, with this value or a newer one, and meanwhile
    /// lets nothing out that depends on it.
    fn save(&mut self, storage: &S) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// When [`Self::sync`] is to be called, if it was told to let saves return before they survive that crash.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Lets all saves that have returned survive a crash of the machine. Called when it is due, and at the end.
    ///
    /// # Errors
    /// When they may not. The caller tries again.
    fn sync(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// A disk for an actor that need not remember: it keeps nothing.
pub struct Forgetful;

impl<S> Disk<S> for Forgetful {
    fn save(&mut self, _: &S) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// Whether saving works. While it doesn't, nothing that depends on a save leaves the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskHealth {
    /// The last save succeeded, or there was none yet.
    Healthy,
    /// The last save failed; it is tried again until it succeeds.
    Failing {
        /// When the first of the failures in a row was seen.
        since: SystemTime,
        /// What the latest of them said: what is wrong, and what to do about it.
        error: String,
    },
}

/// Hands saves to the disk's thread and knows how far they have come. Saves are numbered 1, 2, 3, …
pub(super) struct Keeper<S> {
    desk: Arc<Desk<S>>,
    saved: u64,
    durable: watch::Receiver<u64>,
    health: watch::Receiver<DiskHealth>,
    thread: Option<JoinHandle<()>>,
}

/// Where the newest save waits for the disk.
struct Desk<S> {
    newest: Mutex<Newest<S>>,
    changed: Condvar,
}

struct Newest<S> {
    save: Option<(u64, S)>,
    closed: bool,
}

impl<S: Send + 'static> Keeper<S> {
    pub(super) fn new(disk: Box<dyn Disk<S>>) -> Self {
        let desk = Arc::new(Desk {
            newest: Mutex::new(Newest {
                save: None,
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let (progress, durable) = watch::channel(0);
        let (diagnosis, health) = watch::channel(DiskHealth::Healthy);
        let thread = {
            let (desk, signs) = (
                desk.clone(),
                Signs {
                    progress,
                    diagnosis,
                },
            );
            std::thread::Builder::new()
                .name("disk".to_owned())
                .spawn(move || desk.work(disk, &signs))
                .expect("the process may start a thread")
        };
        Self {
            desk,
            saved: 0,
            durable,
            health,
            thread: Some(thread),
        }
    }

    /// Asks for a save and returns its number.
    pub(super) fn save(&mut self, storage: S) -> u64 {
        self.saved += 1;
        let older = self.desk.lock().save.replace((self.saved, storage));
        self.desk.changed.notify_one();
        drop(older); // after the lock: letting go of a large map takes time
        self.saved
    }

    /// Up to which save everything is on disk.
    pub(super) fn durable(&mut self) -> u64 {
        *self.durable.borrow_and_update()
    }

    /// Whether saving works, to be watched from elsewhere.
    pub(super) fn health(&self) -> watch::Receiver<DiskHealth> {
        self.health.clone()
    }

    /// How many saves aren't on disk yet.
    pub(super) fn unsaved(&self) -> u64 {
        self.saved - *self.durable.borrow()
    }

    /// Returns when more is on disk than at the last call of [`Self::durable`]. Cancel safe.
    pub(super) async fn advanced(&mut self) {
        if self.durable.changed().await.is_err() {
            // The disk's thread ends only with the keeper.
            std::future::pending::<()>().await;
        }
    }

    /// Returns when all that was saved is on disk.
    pub(super) async fn settled(&mut self) {
        let saved = self.saved;
        let _ = self.durable.wait_for(|durable| *durable >= saved).await;
    }
}

impl<S> Drop for Keeper<S> {
    /// Waits for the save in progress: nobody else may open the disk before.
    fn drop(&mut self) {
        self.desk.lock().closed = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<S> Desk<S> {
    fn lock(&self) -> MutexGuard<'_, Newest<S>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut disk: Box<dyn Disk<S>>, signs: &Signs) {
        loop {
            let task = self.next(disk.due());
            let began = Instant::now();
            let done = match &task {
                Task::Save(number, storage) => disk.save(storage).map(|()| signs.saved(*number)),
                Task::Sync => disk.sync().map(|()| signs.healthy()),
                Task::End => break,
            };
            if let Err(error) = done {
                signs.failed(&*error);
                self.put_back(task);
                self.rest(began.elapsed());
            }
        }
        if let Err(error) = disk.sync() {
            signs.failed(&*error);
        }
    }

    /// Waits for something to do.
    fn next(&self, due: Option<Instant>) -> Task<S> {
        let mut newest = self.lock();
        loop {
            if let Some((number, storage)) = newest.save.take() {
                return Task::Save(number, storage);
            }
            if newest.closed {
                return Task::End;
            }
            let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
            newest = match wait {
                Some(Duration::ZERO) => return Task::Sync,
                Some(wait) => {
                    let waited = self.changed.wait_timeout(newest, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.changed.wait(newest);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Leaves a save that failed for the next attempt, unless a newer one has come.
    fn put_back(&self, task: Task<S>) {
        match task {
            Task::Save(number, storage) => {
                let mut newest = self.lock();
                if !newest.closed {
                    newest.save.get_or_insert((number, storage));
                }
            }
            Task::Sync | Task::End => {}
        }
    }

    /// Leaves the disk alone for a while after an attempt that failed and took so long.
    fn rest(&self, took: Duration) {
        let rest = (took * RETRY_SHARE).clamp(RETRY, RETRY_MOST);
        let open = |newest: &mut Newest<S>| {
            if newest.closed {
                newest.save = None;
            }
            !newest.closed
        };
        drop(self.changed.wait_timeout_while(self.lock(), rest, open));
    }
}

/// What the disk's thread has to do next.
enum Task<S> {
    Save(u64, S),
    Sync,
    End,
}

/// What the disk's thread lets others see.
struct Signs {
    /// Up to which save everything is on disk.
    progress: watch::Sender<u64>,
    diagnosis: watch::Sender<DiskHealth>,
}

impl Signs {
    fn saved(&self, number: u64) {
        self.healthy();
        self.progress.send_replace(number);
    }

    fn healthy(&self) {
        let healed = self.diagnosis.send_if_modified(|health| {
            let failed = *health != DiskHealth::Healthy;
            *health = DiskHealth::Healthy;
            failed
        });
        if healed {
            tracing::info!(event = "disk_recovered", "saving works again");
        }
    }

    fn failed(&self, error: &(dyn Error + Send + Sync)) {
        let error = error.to_string();
        let fell_ill = *self.diagnosis.borrow() == DiskHealth::Healthy;
        if fell_ill {
            tracing::error!(
                event = "disk_failed",
                error,
                "nothing is acknowledged until saving works again"
            );
        }
        self.diagnosis.send_modify(|health| match health {
            DiskHealth::Healthy => {
                let since = SystemTime::now();
                *health = DiskHealth::Failing { since, error };
            }
            DiskHealth::Failing { error: latest, .. } => *latest = error,
        });
    }
}

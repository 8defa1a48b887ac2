//! The disk's own thread: takes the newest save whenever it is time, and tells how it went.

use std::error::Error;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::commit::{Disk, DiskHealth};

/// How soon a save that something waits for may follow the one before: whoever comes meanwhile shares it. On a quick
/// disk this is what makes groups of them; one that comes alone doesn't wait.
const PACE: Duration = Duration::from_millis(2);
/// The same while nothing waits.
const LEISURE: Duration = Duration::from_millis(20);
/// How long a disk that failed is left alone before the next attempt, at least; longer if attempts take long.
const RETRY: Duration = Duration::from_millis(500);
/// How many times as long as an attempt took it is left alone: a large store is slow to look at again.
const RETRY_SHARE: u32 = 4;
/// How long it is left alone at most.
const RETRY_MOST: Duration = Duration::from_secs(10);

/// Where the newest save waits for the disk.
pub(super) struct Desk<S> {
    newest: Mutex<Newest<S>>,
    changed: Condvar,
}

struct Newest<S> {
    save: Option<(u64, S)>,
    /// Up to which save something waits for it.
    wanted: u64,
    closed: bool,
}

/// What the disk's thread has to do next.
enum Task<S> {
    Save(u64, S),
    Sync,
    End,
}

/// How far the disk's thread has come.
#[derive(Default)]
struct Done {
    /// The last save that succeeded.
    number: u64,
    /// When it began; `None` before the first.
    began: Option<Instant>,
}

impl<S> Desk<S> {
    pub(super) fn new() -> Self {
        Self {
            newest: Mutex::new(Newest {
                save: None,
                wanted: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Leaves a save, in the place of an older one that hasn't been taken.
    pub(super) fn put(&self, number: u64, storage: S) {
        let older = self.lock().save.replace((number, storage));
        if older.is_none() {
            self.changed.notify_one();
        }
        drop(older); // after the lock: letting go of a large map takes time
    }

    /// Something waits for a save.
    pub(super) fn want(&self, number: u64) {
        self.lock().wanted = number;
        self.changed.notify_one();
    }

    /// There will be no more saves.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Newest<S>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk's thread.
    pub(super) fn work(&self, mut disk: Box<dyn Disk<S>>, signs: &Signs) {
        let mut done = Done::default();
        loop {
            let task = self.next(disk.due(), &done);
            let began = Instant::now();
            let outcome = match &task {
                Task::Save(_, storage) => disk.save(storage),
                Task::Sync => disk.sync(),
                Task::End => break,
            };
            match outcome {
                Ok(()) => {
                    signs.healthy();
                    if let Task::Save(number, _) = task {
                        signs.saved(number);
                        done = Done {
                            number,
                            began: Some(began),
                        };
                    }
                }
                Err(error) => {
                    signs.failed(&*error);
                    self.put_back(task);
                    self.rest(began.elapsed());
                }
            }
        }
        if let Err(error) = disk.sync() {
            signs.failed(&*error);
        }
    }

    /// Waits for something to do, and until it is time.
    fn next(&self, due: Option<Instant>, done: &Done) -> Task<S> {
        let mut newest = self.lock();
        loop {
            let now = Instant::now();
            let moment = newest
                .moment(done)
                .or(due.filter(|_| newest.save.is_none()));
            let is_time = moment.is_none_or(|moment| moment <= now);
            match newest.save.take_if(|_| is_time) {
                Some((number, storage)) => return Task::Save(number, storage),
                None if newest.closed => return Task::End,
                None if is_time && moment.is_some() => return Task::Sync,
                None => {}
            }
            newest = match moment {
                Some(moment) => {
                    let waited = self.changed.wait_timeout(newest, moment - now);
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

impl<S> Newest<S> {
    /// When the save that waits is to be taken; `None` if at once, or if there is none.
    fn moment(&self, done: &Done) -> Option<Instant> {
        if self.closed || self.save.is_none() {
            return None;
        }
        let pace = match self.wanted > done.number {
            true => PACE,
            false => LEISURE,
        };
        done.began.map(|began| began + pace)
    }
}

/// What the disk's thread lets others see.
pub(super) struct Signs {
    /// Up to which save everything is on disk.
    pub(super) progress: watch::Sender<u64>,
    /// Whether saving works.
    pub(super) diagnosis: watch::Sender<DiskHealth>,
}

impl Signs {
    fn saved(&self, number: u64) {
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
        let mut fell_ill = false;
        self.diagnosis.send_modify(|health| match health {
            DiskHealth::Healthy => {
                fell_ill = true;
                *health = DiskHealth::Failing {
                    since: SystemTime::now(),
                    error: error.clone(),
                };
            }
            DiskHealth::Failing { error: latest, .. } => latest.clone_from(&error),
        });
        if fell_ill {
            tracing::error!(
                event = "disk_failed",
                error,
                "nothing is acknowledged until saving works again"
            );
        }
    }
}

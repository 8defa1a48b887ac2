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

    /// Up to which save something waits.
    #[cfg(test)]
    pub(super) fn wanted(&self) -> u64 {
        self.lock().wanted
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
        let rest = rest_after(took);
        let open = |newest: &mut Newest<S>| {
            if newest.closed {
                newest.save = None;
            }
            !newest.closed
        };
        drop(self.changed.wait_timeout_while(self.lock(), rest, open));
    }
}

/// How long a disk is left alone after an attempt that failed and took so long.
fn rest_after(took: Duration) -> Duration {
    (took * RETRY_SHARE).clamp(RETRY, RETRY_MOST)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::JoinHandle;

    use super::*;

    /// No test waits longer than this for anything.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// What a disk is asked for.
    #[derive(Debug, PartialEq, Eq)]
    enum Asked {
        Save(u64),
        Sync,
    }

    /// A disk that tells when it is asked for what, and fails as often as it is told to.
    struct Told {
        asked: Sender<(Asked, Instant)>,
        fails: usize,
        due: Option<Instant>,
    }

    impl Told {
        fn answer(&mut self, asked: Asked) -> Result<(), Box<dyn Error + Send + Sync>> {
            // A test that has seen enough may be gone.
            let _ = self.asked.send((asked, Instant::now()));
            match self.fails.checked_sub(1) {
                Some(left) => {
                    self.fails = left;
                    Err("it is broken".into())
                }
                None => Ok(()),
            }
        }
    }

    impl Disk<u64> for Told {
        fn save(&mut self, storage: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
            self.answer(Asked::Save(*storage))
        }

        fn due(&self) -> Option<Instant> {
            self.due
        }

        fn sync(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
            self.due = None;
            self.answer(Asked::Sync)
        }
    }

    /// A disk's thread at work.
    struct Office {
        desk: Arc<Desk<u64>>,
        asked: Receiver<(Asked, Instant)>,
        health: watch::Receiver<DiskHealth>,
        durable: watch::Receiver<u64>,
        thread: JoinHandle<()>,
    }

    impl Office {
        fn with(fails: usize, due: Option<Instant>) -> Self {
            let desk = Arc::new(Desk::new());
            let (asked, heard) = channel();
            let (progress, durable) = watch::channel(0);
            let (diagnosis, health) = watch::channel(DiskHealth::Healthy);
            let signs = Signs {
                progress,
                diagnosis,
            };
            let disk = Box::new(Told { asked, fails, due });
            let thread = {
                let desk = desk.clone();
                std::thread::spawn(move || desk.work(disk, &signs))
            };
            Self {
                desk,
                asked: heard,
                health,
                durable,
                thread,
            }
        }

        fn is_asked_for(&self, wanted: Asked) -> Instant {
            let (asked, at) = self.asked.recv_timeout(PATIENCE).unwrap();
            assert_eq!(asked, wanted);
            at
        }

        /// Ends the thread; what it was asked for that nobody has looked at.
        fn ends(self) -> Vec<Asked> {
            self.desk.close();
            self.thread.join().unwrap();
            self.asked.iter().map(|(asked, _)| asked).collect()
        }
    }

    #[test]
    fn a_save_that_something_waits_for_follows_the_one_before_sooner() {
        let began = Instant::now();
        let done = Done {
            number: 7,
            began: Some(began),
        };
        let moment = |wanted, closed| {
            let save = Some((8, ()));
            let newest = Newest {
                save,
                wanted,
                closed,
            };
            newest.moment(&done)
        };
        assert_eq!(moment(7, false), Some(began + LEISURE));
        assert_eq!(moment(8, false), Some(began + PACE));
        assert_eq!(moment(8, true), None, "at the end nobody takes his time");
        let newest = Newest {
            save: Some((1, ())),
            wanted: 1,
            closed: false,
        };
        assert_eq!(newest.moment(&Done::default()), None, "the first, at once");
    }

    #[test]
    fn a_disk_that_failed_is_left_alone_the_longer_the_attempt_took_and_never_for_long() {
        assert_eq!(rest_after(Duration::ZERO), RETRY);
        let second = Duration::from_secs(1);
        assert_eq!(rest_after(second), 4 * second);
        assert_eq!(rest_after(60 * second), RETRY_MOST);
    }

    #[test]
    fn a_save_that_failed_is_tried_again_when_the_disk_has_been_left_alone() {
        let office = Office::with(2, None);
        office.desk.put(1, 10);
        let mut before = office.is_asked_for(Asked::Save(10));
        for _ in 0..2 {
            let again = office.is_asked_for(Asked::Save(10));
            assert!(again >= before + RETRY);
            before = again;
        }
        assert_eq!(office.ends(), [Asked::Sync]);
    }

    #[test]
    fn a_save_that_failed_gives_way_to_a_newer_one() {
        let office = Office::with(1, None);
        office.desk.put(1, 10);
        office.is_asked_for(Asked::Save(10));
        office.desk.put(2, 20);
        office.is_asked_for(Asked::Save(20));
        assert_eq!(office.ends(), [Asked::Sync]);
    }

    #[test]
    fn a_save_that_waits_at_the_end_is_made_and_one_that_fails_then_is_not_made_again() {
        let office = Office::with(usize::MAX, None);
        office.desk.put(1, 10);
        office.is_asked_for(Asked::Save(10));
        let durable = office.durable.clone();
        assert_eq!(office.ends(), [Asked::Sync]);
        assert_eq!(*durable.borrow(), 0);

        let office = Office::with(0, None);
        office.desk.put(1, 10);
        let durable = office.durable.clone();
        let asked = office.ends();
        assert_eq!(asked, [Asked::Save(10), Asked::Sync]);
        assert_eq!(*durable.borrow(), 1);
    }

    #[test]
    fn what_may_wait_for_its_fsync_gets_it_when_it_is_due_and_a_disk_that_is_idle_is_left_alone() {
        let due = Instant::now() + Duration::from_millis(50);
        let office = Office::with(0, Some(due));
        assert!(office.is_asked_for(Asked::Sync) >= due);
        let quiet = office.asked.recv_timeout(Duration::from_millis(50));
        assert!(quiet.is_err(), "{quiet:?}");
        assert_eq!(office.ends(), [Asked::Sync]);
    }

    #[test]
    fn a_disk_that_goes_on_working_is_no_news() {
        let office = Office::with(0, None);
        for number in 1..=3 {
            office.desk.put(number, number);
            office.is_asked_for(Asked::Save(number));
        }
        // What the first two came to is known by now.
        assert!(*office.durable.borrow() >= 2);
        assert!(!office.health.has_changed().unwrap());
    }
}

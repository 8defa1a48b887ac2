//! A disk that is full or broken: every write, every change of length and every fsync fails once, at every place.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::{State, directory, schema};
use crate::runtime::Disk;
use crate::store::Store;
use crate::store::engine::{Medium, builder};

/// No space left on device.
const ENOSPC: i32 = 28;
/// Input/output error.
const EIO: i32 = 5;

/// A test's hold on a disk.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// Operations that are still to succeed; `None`: all.
    left: Option<usize>,
    /// What the one after them, and all later ones, fail with; or that one alone.
    error: i32,
    once: bool,
    /// Whether the next one panics.
    panics: bool,
    /// Whether an operation has failed.
    failed: bool,
    syncs: usize,
}

impl Faults {
    /// Lets so many operations succeed and fails what follows.
    fn after(&self, operations: usize, error: i32, once: bool) {
        *self.0.lock().unwrap() = Plan {
            left: Some(operations),
            error,
            once,
            ..Plan::default()
        };
    }

    /// Lets everything succeed from here on; whether anything had failed.
    fn heal(&self) -> bool {
        std::mem::take(&mut *self.0.lock().unwrap()).failed
    }

    fn syncs(&self) -> usize {
        self.0.lock().unwrap().syncs
    }

    fn operate(&self) -> io::Result<()> {
        let panics = std::mem::take(&mut self.0.lock().unwrap().panics);
        assert!(!panics, "a bug");
        let mut plan = self.0.lock().unwrap();
        match plan.left {
            None => Ok(()),
            Some(0) => {
                plan.failed = true;
                if plan.once {
                    plan.left = None;
                }
                Err(io::Error::from_raw_os_error(plan.error))
            }
            Some(left) => {
                plan.left = Some(left - 1);
                Ok(())
            }
        }
    }

    fn medium(&self) -> Medium {
        let faults = self.clone();
        Box::new(move |file: &Path| {
            let mut options = std::fs::File::options();
            let file = options.read(true).write(true).create(true).open(file)?;
            let disk = FaultyDisk {
                file: FileBackend::new(file)?,
                faults: faults.clone(),
            };
            Ok(builder().create_with_backend(disk)?)
        })
    }

    fn store(&self, directory: &Path) -> Store<State> {
        Store::open_on(directory, schema(), self.medium()).unwrap()
    }
}

#[derive(Debug)]
struct FaultyDisk {
    file: FileBackend,
    faults: Faults,
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.operate()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.operate()?;
        self.faults.0.lock().unwrap().syncs += 1;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.operate()?;
        self.file.write(offset, data)
    }
}

fn state(saves: u64) -> State {
    let users = (0..saves * 40).map(|n| (format!("user{n}"), n + saves));
    State {
        starts: saves,
        users: users.collect(),
        ..State::default()
    }
}

/// For every operation that a save consists of: fails it, and what is found then.
fn at_every_operation(error: i32, once: bool, then: impl Fn(Store<State>, &Faults, &Path, bool)) {
    for operation in 0.. {
        let (dir, faults) = (directory(), Faults::default());
        let mut store = faults.store(dir.path());
        store.put(&state(1)).unwrap();
        faults.after(operation, error, once);
        let saved = store.put(&state(2));
        if let Err(error) = &saved {
            assert!(
                error.to_string().contains("Check the disk's space"),
                "{error}"
            );
        }
        let done = saved.is_ok() && !faults.0.lock().unwrap().failed;
        then(store, &faults, dir.path(), saved.is_ok());
        if done {
            assert!(operation > 4, "a save is more than {operation} operations");
            return;
        }
    }
}

#[test]
fn a_full_disk_fails_saves_until_there_is_room_and_then_has_the_newest() {
    at_every_operation(ENOSPC, false, |mut store, faults, dir, saved| {
        if !saved {
            assert!(store.put(&state(3)).is_err(), "the disk is still full");
        }
        faults.heal();
        store.put(&state(4)).unwrap();
        drop(store);
        assert_eq!(faults.store(dir).saved(), Some(state(4)));
    });
}

#[test]
fn a_disk_that_fails_once_has_the_newest_after_the_next_save() {
    at_every_operation(EIO, true, |mut store, faults, dir, _| {
        faults.heal();
        store.put(&state(3)).unwrap();
        drop(store);
        assert_eq!(faults.store(dir).saved(), Some(state(3)));
    });
}

#[test]
fn a_process_that_ends_on_a_broken_disk_leaves_what_was_saved_or_what_was_being_saved() {
    for error in [ENOSPC, EIO] {
        at_every_operation(error, false, |store, faults, dir, saved| {
            drop(store);
            faults.heal();
            let found = faults.store(dir).saved();
            let whole = found == Some(state(2)) || (!saved && found == Some(state(1)));
            assert!(whole, "saved: {saved}, found {:?}", found.map(|s| s.starts));
        });
    }
}

#[test]
fn a_store_that_cannot_be_made_leaves_nothing_that_stands_in_the_way() {
    for operation in 0.. {
        let (dir, faults) = (directory(), Faults::default());
        faults.after(operation, ENOSPC, false);
        let made = Store::open_on(dir.path(), schema(), faults.medium()).map(drop);
        let failed = faults.heal();
        let store = faults.store(dir.path());
        assert_eq!(store.saved(), None);
        if made.is_ok() && !failed {
            return;
        }
    }
}

#[test]
fn with_an_interval_saves_share_an_fsync_and_the_last_ones_get_theirs_when_it_is_due() {
    let (dir, faults) = (directory(), Faults::default());
    let interval = Duration::from_secs(600);
    let mut store = faults.store(dir.path()).sync_every(interval);
    let began = Instant::now();
    store.put(&state(1)).unwrap();
    assert_eq!(store.due(), None, "an identity is on disk at once");
    let before = faults.syncs();
    for starts in 2..10 {
        let state = State { starts, ..state(1) };
        store.put(&state).unwrap();
    }
    assert_eq!(faults.syncs(), before);
    let due = store.due().expect("what was saved is not yet on disk");
    assert!(began + interval <= due && due <= Instant::now() + interval);
    store.sync().unwrap();
    assert!(faults.syncs() > before);
    assert_eq!(store.due(), None);
}

#[test]
fn with_an_interval_what_a_failed_fsync_has_lost_is_written_again() {
    let (dir, faults) = (directory(), Faults::default());
    let mut store = faults
        .store(dir.path())
        .sync_every(Duration::from_secs(600));
    store.put(&state(1)).unwrap();
    store.put(&state(2)).unwrap();
    faults.after(0, EIO, false);
    assert!(store.sync().is_err());
    assert!(store.due().is_some_and(|due| due <= Instant::now()));
    faults.heal();
    store.sync().unwrap();
    drop(store);
    assert_eq!(faults.store(dir.path()).saved(), Some(state(2)));
}

#[test]
fn with_an_interval_that_is_over_a_save_gets_its_fsync_at_once() {
    let (dir, faults) = (directory(), Faults::default());
    let mut store = faults.store(dir.path()).sync_every(Duration::ZERO);
    for saves in 1..3 {
        let before = faults.syncs();
        store.put(&state(saves)).unwrap();
        assert!(faults.syncs() > before);
        assert_eq!(store.due(), None);
    }
}

#[test]
fn an_engine_that_panics_when_it_closes_its_file_harms_nobody() {
    let (dir, faults) = (directory(), Faults::default());
    let mut store = faults.store(dir.path());
    store.put(&state(1)).unwrap();
    faults.0.lock().unwrap().panics = true;
    drop(store);
    assert!(!faults.0.lock().unwrap().panics, "it has");
    assert_eq!(faults.store(dir.path()).saved(), Some(state(1)));
}

#[test]
fn a_store_is_the_disk_of_whoever_runs_on_it() {
    let (dir, faults) = (directory(), Faults::default());
    let mut store = faults.store(dir.path());
    let disk: &mut dyn Disk<State> = &mut store;
    disk.save(&state(1)).unwrap();
    faults.after(0, EIO, false);
    assert!(disk.save(&state(2)).is_err());
    faults.heal();
    disk.save(&state(3)).unwrap();
    drop(store);
    assert_eq!(faults.store(dir.path()).saved(), Some(state(3)));
}

//! The seam to redb: how the file comes to be, is opened, and what may come out of the engine.
//!
//! - A new file is made under another name and gets its own when it is whole: a file that is there but
//!   empty or cut short is damage, never a beginning.
//! - Every page is verified when it is opened, so nothing is trusted unseen.
//! - The engine panics on some inputs that it takes to be impossible. None leaves this module.

use std::any::Any;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, TableDefinition, TableError};
use rustix::fs::{Advice, fadvise};

use super::StoreError;
use super::lock::{Lock, sync};

/// The file within the data directory.
pub(super) const FILE: &str = "regrow.redb";
/// What is written in it, and how. A program reads its own format only.
pub(super) const FORMAT: u64 = 3;
pub(super) const FORMAT_KEY: &[u8] = b"format";
/// The table of what exists once: the format, and the schema's root.
pub(super) const META: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("meta");
pub(super) const ROOT_KEY: &[u8] = b"root";
/// The smallest file that the engine can look at without running past its end: one page.
const SMALLEST: u64 = 4096;

/// How much of the file the engine keeps in memory: the state is there already, so it is for the pages on the way to
/// what changes.
const CACHE_BYTES: usize = 32 << 20;

/// How a file becomes a database: tests put a bad disk between the two.
pub(super) type Medium = Box<dyn Fn(&Path) -> Result<Database, redb::Error> + Send>;

/// A data directory in use.
pub(super) struct Engine {
    file: PathBuf,
    medium: Medium,
    _lock: Lock,
}

impl Engine {
    /// The engine on a locked directory's file, which is created if need be.
    pub(super) fn start(directory: &Path, lock: Lock, medium: Medium) -> Result<Self, StoreError> {
        let engine = Self {
            file: directory.join(FILE),
            medium,
            _lock: lock,
        };
        // One that can't be seen, or leads nowhere, is not one that isn't there.
        match std::fs::symlink_metadata(&engine.file) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => engine.create(directory)?,
            Err(error) => return Err(StoreError::explain(&engine.file, redb::Error::Io(error))),
        }
        Ok(engine)
    }

    /// The store's file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Opens and verifies the file; what was begun and not finished before a crash is undone.
    pub(super) fn open(&self) -> Result<Database, StoreError> {
        not_cut_short(&self.file)?;
        let database = guarded(&self.file, || (self.medium)(&self.file))?;
        check_format(&self.file, &database)?;
        Ok(database)
    }

    /// Has the file read from the disk the next time. After a write that failed, the kernel may remember content
    /// that never got there, and take it for written.
    pub(super) fn forget_cached(&self) {
        if let Ok(file) = File::open(&self.file) {
            // A system that can't do it keeps nothing back, or knows no better.
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
        }
    }

    fn create(&self, directory: &Path) -> Result<(), StoreError> {
        let unfinished = self.file.with_extension("redb.new");
        let system = |error: io::Error| StoreError::explain(&unfinished, redb::Error::Io(error));
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(system(error)),
            Ok(()) | Err(_) => {}
        }
        guarded(&unfinished, || {
            let database = (self.medium)(&unfinished)?;
            let transaction = database.begin_write()?;
            transaction
                .open_table(META)?
                .insert(FORMAT_KEY, FORMAT.to_be_bytes().as_slice())?;
            transaction.commit()?;
            Ok(())
        })?;
        // It will hold what users' secrets can be guessed by.
        let owner_only = Permissions::from_mode(0o600);
        std::fs::set_permissions(&unfinished, owner_only).map_err(system)?;
        std::fs::rename(&unfinished, &self.file).map_err(system)?;
        sync(directory).map_err(system)
    }
}

/// The system's files as they are.
pub(super) fn plain() -> Medium {
    Box::new(|file| Ok(builder().create(file)?))
}

/// How every file is opened.
pub(super) fn builder() -> Builder {
    let mut builder = Database::builder();
    builder
        .set_check_integrity_on_open(true)
        .set_cache_size(CACHE_BYTES);
    builder
}

/// Refuses a file that is too short to be one of ours: the engine would take an empty one for a new one.
pub(super) fn not_cut_short(file: &Path) -> Result<(), StoreError> {
    let metadata = std::fs::metadata(file);
    let metadata = metadata.map_err(|e| StoreError::explain(file, redb::Error::Io(e)))?;
    if metadata.len() >= SMALLEST {
        return Ok(());
    }
    Err(StoreError::Damaged {
        file: file.to_owned(),
        what: format!("it was cut to {} bytes", metadata.len()),
    })
}

/// Refuses a database of another format.
pub(super) fn check_format(file: &Path, database: &Database) -> Result<(), StoreError> {
    let found = guarded(file, || {
        let transaction = database.begin_read()?;
        match transaction.open_table(META) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            meta => Ok(meta?.get(FORMAT_KEY)?.map(|bytes| bytes.value().to_vec())),
        }
    })?;
    let found = found.and_then(|bytes| bytes.try_into().ok());
    let found = found.map(u64::from_be_bytes);
    if found == Some(FORMAT) {
        return Ok(());
    }
    Err(StoreError::Format {
        file: file.to_owned(),
        found,
        known: FORMAT,
    })
}

/// Does something with the engine. Its errors are explained; if it panics, the file makes no sense to it.
pub(super) fn guarded<T>(
    file: &Path,
    work: impl FnOnce() -> Result<T, redb::Error>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| StoreError::explain(file, error)),
        Err(panic) => Err(StoreError::Damaged {
            file: file.to_owned(),
            what: format!("the storage engine gave up: {}", words(&*panic)),
        }),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it doesn't say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_panics_is_quoted() {
        let file = Path::new("regrow.redb");
        let quotes = |panics: fn()| {
            let refused = guarded(file, || {
                panics();
                Ok(())
            });
            refused.unwrap_err().to_string()
        };
        let quoted = quotes(|| panic!("no such page"));
        assert!(quoted.contains("gave up: no such page."), "{quoted}");
        let quoted = quotes(|| panic!("no page {}", 7));
        assert!(quoted.contains("gave up: no page 7."), "{quoted}");
        let quoted = quotes(|| std::panic::panic_any(7));
        assert!(quoted.contains("gave up: it doesn't say why."), "{quoted}");
    }

    #[test]
    fn a_file_that_cannot_be_seen_is_not_taken_for_one_that_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        let lock = Lock::take(place.path()).unwrap();
        let directory = place.path().join("a file");
        std::fs::write(&directory, b"not a directory").unwrap();
        let refused = Engine::start(&directory, lock, plain()).err();
        match refused.expect("it can't be made there") {
            StoreError::System { file, .. } => assert_eq!(file, directory.join(FILE)),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_refused_and_the_shortest_is_not() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(FILE);
        for (length, is_long_enough) in [(SMALLEST - 1, false), (SMALLEST, true)] {
            std::fs::write(&file, vec![0; length as usize]).unwrap();
            assert_eq!(not_cut_short(&file).is_ok(), is_long_enough, "{length}");
        }
    }
}

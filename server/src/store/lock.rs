//! One process at a time: a lock file beside the store, held for as long as a process uses the directory.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::StoreError;

/// The file that is locked. It stays when the process is gone; the lock doesn't.
const FILE: &str = "regrow.lock";

/// A data directory that nobody else can take meanwhile.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes a directory, which is created if need be.
    ///
    /// # Errors
    /// When another process has it, or it can't be used.
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        create(directory).map_err(|source| StoreError::Directory {
            directory: directory.to_owned(),
            source,
        })?;
        Self::take_existing(directory)
    }

    /// Takes a directory that must be there.
    ///
    /// # Errors
    /// When another process has it, or it can't be used.
    pub fn take_existing(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let mut options = File::options();
        let opened = options.read(true).append(true).create(true).open(&path);
        let lock = opened.map_err(|source| cannot(&path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _file: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(cannot(&path, source)),
        }
    }
}

fn cannot(path: &Path, source: io::Error) -> StoreError {
    StoreError::Lock {
        file: path.to_owned(),
        source,
    }
}

/// Creates a directory that nobody else can read, so that it is still there after a crash of the machine.
fn create(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let above: PathBuf = match directory.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    sync(&above)
}

/// Makes what a directory lists durable.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

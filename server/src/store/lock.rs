//! One process at a time: a lock file beside the store, held for as long as a process uses the directory.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

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
        let lock = open(&path).map_err(|source| cannot(&path, source))?;
        Self::locked(directory, lock)
    }

    /// Takes a directory to look at it. Where nothing can be written, a lock file that isn't there is not made: `None`. A
    /// server that had the directory would have made it.
    ///
    /// # Errors
    /// When another process has it, or it can't be used.
    pub fn take_to_look(directory: &Path) -> Result<Option<Self>, StoreError> {
        let path = directory.join(FILE);
        let lock = match open(&path) {
            Err(error) if is_read_only(&error) => match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened,
            },
            opened => opened,
        };
        let lock = lock.map_err(|source| cannot(&path, source))?;
        Self::locked(directory, lock).map(Some)
    }

    fn locked(directory: &Path, lock: File) -> Result<Self, StoreError> {
        match lock.try_lock() {
            Ok(()) => Ok(Self { _file: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(cannot(&directory.join(FILE), source)),
        }
    }
}

/// Opens the file that is locked, and makes it if need be.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create(true).open(path)
}

fn is_read_only(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
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
    sync(above(directory))
}

/// The directory that a file or another directory is in.
pub(crate) fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Makes what a directory lists durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_made_and_only_its_owner_may_read_it() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("a/b");
        let _lock = Lock::take(&directory).unwrap();
        for made in [directory.as_path(), above(&directory)] {
            let mode = std::fs::metadata(made).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
    }

    #[test]
    fn what_a_directory_is_in_has_a_name_even_if_it_is_not_said() {
        for (path, wanted) in [("a/b", "a"), ("/a", "/"), ("a", "."), ("/", ".")] {
            assert_eq!(above(Path::new(path)), Path::new(wanted), "{path}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_taken_for_one_that_cannot_be_written() {
        let place = tempfile::tempdir().unwrap();
        let looked = Lock::take_to_look(&place.path().join("nowhere"));
        assert!(matches!(looked, Err(StoreError::Lock { .. })), "{looked:?}");
        use io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
        for (kind, wanted) in [
            (PermissionDenied, true),
            (ReadOnlyFilesystem, true),
            (NotFound, false),
        ] {
            assert_eq!(is_read_only(&kind.into()), wanted, "{kind}");
        }
    }

    /// Nobody makes files there, whatever his rights.
    #[cfg(target_os = "linux")]
    #[test]
    fn where_nothing_can_be_written_who_looks_needs_no_lock() {
        let looked = Lock::take_to_look(Path::new("/sys"));
        assert!(matches!(looked, Ok(None)), "{looked:?}");
    }
}

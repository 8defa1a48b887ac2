//! Why a store can't be used, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory can't be made.
    #[error(
        "cannot create the data directory {}: {source}. Create it for this user, or name another with --data",
        directory.display()
    )]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "{} is in use by another process. Stop that one first; a server takes another directory with --data",
        directory.display()
    )]
    InUse {
        /// What is in use.
        directory: PathBuf,
    },
    /// It can't be locked.
    #[error("cannot lock {}: {source}. Check that this user may write there", file.display())]
    Lock {
        /// The lock's file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing.
    #[error("there is no {} to look at. Name the directory that `regrow serve` was given with --data", file.display())]
    Absent {
        /// What isn't there.
        file: PathBuf,
    },
    /// It holds what a server that keeps nothing would forget.
    #[error(
        "{} holds what a server has kept, and --durability memory would forget it. Name another directory with --data, or move the file away",
        file.display()
    )]
    Kept {
        /// The file.
        file: PathBuf,
    },
    /// Written in another way.
    #[error(
        "{} has format {}, this program reads format {known}. Run the version that wrote it",
        file.display(),
        found.map_or("unknown".to_owned(), |found| found.to_string())
    )]
    Format {
        /// The file.
        file: PathBuf,
        /// Its format, if it says.
        found: Option<u64>,
        /// Ours.
        known: u64,
    },
    /// Its content makes no sense.
    #[error(
        "{} is damaged: {what}. Restore a copy, or move the file away: the server then starts with an empty \
         disk and gets back from the others what they know",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The system can't read or write it.
    #[error("cannot use {}: {source}. Check the disk's space, its health and this user's rights", file.display())]
    System {
        /// The file.
        file: PathBuf,
        /// What the engine says.
        source: Box<redb::Error>,
    },
}

impl StoreError {
    /// What an error of the engine means to an operator.
    pub(super) fn explain(file: &Path, error: redb::Error) -> Self {
        let file = file.to_owned();
        // The engine's list of errors is open: what isn't one of these is the system's.
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse {
                directory: file.parent().unwrap_or(&file).to_owned(),
            },
            redb::Error::Corrupted(what) => Self::Damaged { file, what },
            // We have never written any other version of the engine's files.
            error @ redb::Error::UpgradeRequired(_) => Self::Damaged {
                file,
                what: error.to_string(),
            },
            redb::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => Self::Damaged {
                file,
                what: "its end is missing".to_owned(),
            },
            redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => Self::Damaged {
                file,
                what: error.to_string(),
            },
            other => Self::System {
                file,
                source: Box::new(other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_is_the_fault_of_the_file_of_the_system_or_of_another_process() {
        let explain = |error| StoreError::explain(Path::new("/data/regrow.redb"), error);
        let io = |kind: ErrorKind| redb::Error::Io(kind.into());
        for error in [
            redb::Error::Corrupted("a page".to_owned()),
            redb::Error::UpgradeRequired(1),
            io(ErrorKind::UnexpectedEof),
            io(ErrorKind::InvalidData),
        ] {
            let explained = explain(error);
            assert!(
                matches!(explained, StoreError::Damaged { .. }),
                "{explained}"
            );
        }
        for error in [io(ErrorKind::StorageFull), redb::Error::PreviousIo] {
            let explained = explain(error);
            assert!(
                matches!(explained, StoreError::System { .. }),
                "{explained}"
            );
        }
        match explain(redb::Error::DatabaseAlreadyOpen) {
            StoreError::InUse { directory } => assert_eq!(directory, Path::new("/data")),
            other => panic!("{other}"),
        }
        let cut = explain(io(ErrorKind::UnexpectedEof)).to_string();
        assert!(cut.contains("its end is missing"), "{cut}");
    }
}

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
        "{} is in use by another process. Stop that one, or give this server a directory of its own with --data",
        file.display()
    )]
    InUse {
        /// What is in use.
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
            redb::Error::DatabaseAlreadyOpen => Self::InUse { file },
            redb::Error::Corrupted(what) => Self::Damaged { file, what },
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                Self::Damaged {
                    file,
                    what: error.to_string(),
                }
            }
            other => Self::System {
                file,
                source: Box::new(other),
            },
        }
    }
}

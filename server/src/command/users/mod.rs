//! `regrow users`: the users in the data directory of a server that doesn't run. A server that runs keeps its directory
//! locked, so nobody is imported behind its back.

mod hashing;
mod import;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use regrow_model::message::user_file::{self, UserFileError};
use regrow_model::message::{SecretHash, Stamp, Username};
use regrow_model::node::Durable;
use regrow_model::node::registry::import::NotTaken;

use super::layout::layout;
use super::say::{Unsaid, print, say, visible};
use super::whole;
use crate::store::{Store, StoreError};
use import::Import;

/// List, import or export the users in the data directory of a server that doesn't run
#[derive(Args, Debug)]
pub struct Users {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Print each user: when registered, in ms since 1970, at which server, and the name
    List {
        /// The server's data directory
        #[arg(value_name = "DIR")]
        data: PathBuf,
    },
    Import(Import),
    /// Write the users and the hashes of their secrets to a file that `import` reads
    Export {
        /// The server's data directory
        #[arg(value_name = "DIR")]
        data: PathBuf,
        /// The file, which must not exist yet [default: standard output]
        file: Option<PathBuf>,
    },
}

/// Why nothing could be done with the users.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The data directory can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no directory.
    #[error("{} is not there: name the directory that a server keeps its state in", data.display())]
    NoDirectory {
        /// Which.
        data: PathBuf,
    },
    /// No server has ever kept its state in it.
    #[error("{} holds no state: start the server once, and stop it", data.display())]
    NoState {
        /// Which.
        data: PathBuf,
    },
    /// A file can't be read or written.
    #[error("cannot use {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The user file isn't understood. Nothing has been imported.
    #[error("{}: {source}", file.display())]
    Format {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: UserFileError,
    },
    /// A user of the file can't be taken. Nothing has been imported: all are looked at first.
    #[error("user {}: {why}", visible(username.as_str()))]
    User {
        /// Whose entry it is.
        username: Username,
        /// What is wrong with it.
        why: Objection,
    },
    /// A secret could not be hashed. Those that were before it have been imported.
    #[error(
        "the secret of user {} could not be hashed: is there memory enough for --jobs of them at once? What was \
         hashed before is imported; do it again for the rest",
        visible(.0.as_str())
    )]
    Hash(Username),
    /// Nobody reads it.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

/// What is wrong with a user of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Nobody could ever log in with it.
    #[error(
        "its hash was not made by this program: only who has exported it from a Regrow server can import it; others \
         give the secret itself as \"password\""
    )]
    ForeignHash,
    /// It counts in other units, or from another beginning.
    #[error("its registertime is in the future: is it in ms since 1970?")]
    Future,
    /// The directory doesn't take it.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

impl Users {
    /// Does it.
    ///
    /// # Errors
    /// [`UsersError`].
    pub fn run(self) -> Result<(), UsersError> {
        match self.verb {
            Verb::List { data } => list(&data),
            Verb::Import(import) => import.run(),
            Verb::Export { data, file } => export(&data, file.as_deref()),
        }
    }
}

/// Opens a data directory that a server has used.
fn open(data: &Path) -> Result<(Store<Durable>, Durable), UsersError> {
    if !data.is_dir() {
        let data = data.to_owned();
        return Err(UsersError::NoDirectory { data });
    }
    let store = Store::open(data, layout())?;
    match store.saved() {
        Some(durable) => Ok((store, durable)),
        None => {
            let data = data.to_owned();
            Err(UsersError::NoState { data })
        }
    }
}

fn list(data: &Path) -> Result<(), UsersError> {
    let (_, durable) = open(data)?;
    let records = &durable.registry.records;
    let list = fmt::from_fn(|f| {
        records.iter().try_for_each(|(username, record)| {
            let Stamp(registered) = record.registration.registertime;
            let server = &record.registration.origin.server;
            let (server, name) = (visible(server.as_str()), visible(username.as_str()));
            writeln!(f, "{registered:>13}  {server}  {name}")
        })
    });
    Ok(print(list)?)
}

fn export(data: &Path, file: Option<&Path>) -> Result<(), UsersError> {
    let (_, durable) = open(data)?;
    let users = durable.registry.records.iter();
    let users = users.map(|(username, record)| -> (&Username, &SecretHash, Stamp) {
        (username, &record.secret, record.registration.registertime)
    });
    let mut text = user_file::write(users);
    match file {
        None => say(text)?,
        Some(file) => {
            text.push('\n');
            whole::create(file, text.as_bytes()).map_err(|source| UsersError::File {
                file: file.to_owned(),
                source,
            })?;
            let count = durable.registry.records.len();
            say(format_args!("{count} users in {}", file.display()))?;
        }
    }
    Ok(())
}

//! The secret that all servers of a system know, as an operator gives it.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// How the secret is given.
#[derive(Args, Debug)]
pub struct SecretFlags {
    /// What all servers of the system know; a new root that isn't told invents it and prints it (old spelling: -s). Others on
    /// this machine can see it among the processes: better give it in a file
    #[arg(long, conflicts_with = "secret_file", value_parser = NonEmptyStringValueParser::new())]
    secret: Option<String>,
    /// Read the secret from this file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Why a file with a secret can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It can't be read.
    #[error("cannot read the secret in {}: {source}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{} is empty: write the secret into it, on one line", file.display())]
    Empty {
        /// Which.
        file: PathBuf,
    },
}

impl SecretFlags {
    /// The secret, if one is given.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn given(&self) -> Result<Option<String>, SecretError> {
        match &self.secret_file {
            Some(file) => read(file).map(Some),
            None => Ok(self.secret.clone()),
        }
    }
}

/// The secret in a file. The end of its line isn't part of it.
///
/// # Errors
/// When there is none.
fn read(file: &Path) -> Result<String, SecretError> {
    let file = file.to_owned();
    match std::fs::read_to_string(&file) {
        Err(source) => Err(SecretError::Unreadable { file, source }),
        Ok(text) => match text.trim_end_matches(['\r', '\n']) {
            "" => Err(SecretError::Empty { file }),
            secret => Ok(secret.to_owned()),
        },
    }
}

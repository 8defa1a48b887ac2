//! The configuration, and `regrow config`: what it is, where each value comes from, and whether a file is understood.
//!
//! - [`setting`]: what a setting is; there is one for each flag of `regrow serve`.
//! - [`file`]: the TOML file.
//! - [`layers`]: file, environment and flags, laid over each other.
//! - [`show`]: the settings as a file.

mod file;
mod layers;
pub(super) mod setting;
mod show;

pub use layers::{Understood, read};
pub use setting::{Origin, Setting, literal, public};

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches, Subcommand};

use crate::command::say::{Unsaid, print, say};
use crate::command::serve::{IntervalError, Serve};

/// Show or check the configuration of a server
#[derive(Args, Debug)]
pub struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Print the configuration that `regrow serve` would use with the same flags, as a file, and where each value comes from
    Show(Box<Serve>),
    /// Say whether a file is understood
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Why a configuration isn't understood.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It isn't TOML.
    #[error("{origin}: this is not TOML: {what}")]
    Toml {
        /// Where.
        origin: Origin,
        /// What is wrong.
        what: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting {key}{hint}; `regrow config show` names all")]
    Unknown {
        /// Where.
        origin: Origin,
        /// What it is called there.
        key: String,
        /// What may have been meant.
        hint: String,
    },
    /// It is something else than the setting can be.
    #[error("{origin}: {key} must be {what}")]
    Shape {
        /// Where.
        origin: Origin,
        /// Which setting.
        key: String,
        /// What it must be.
        what: &'static str,
    },
    /// Its value is none.
    #[error("{origin}: {key}: {why}")]
    Value {
        /// Where.
        origin: Origin,
        /// Which setting.
        key: String,
        /// Why not.
        why: String,
    },
    /// The command line isn't understood, or asks for help.
    #[error(transparent)]
    Flags(#[from] clap::Error),
    /// Values that are understood one by one don't go together.
    #[error(transparent)]
    Together(#[from] IntervalError),
    /// Nobody reads it.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

impl Config {
    /// Does it. `settings` are those of the command line that was given.
    ///
    /// # Errors
    /// When the file isn't understood.
    pub fn run(self, settings: &[Setting]) -> Result<(), ConfigError> {
        match self.verb {
            Verb::Show(_) => print(show::toml(settings))?,
            Verb::Check { file } => {
                let serve = Serve::augment_args(Command::new("regrow"));
                let layer = layers::of_file(&serve, &file)?;
                let line = layer
                    .iter()
                    .flat_map(|(name, given)| layers::spelt(&serve, name, given));
                let line = std::iter::once("regrow".into()).chain(line);
                let together = serve.clone().try_get_matches_from(line)?;
                Serve::from_arg_matches(&together)?.agree()?;
                let (file, count) = (file.display(), layer.len());
                say(format_args!("{file}: {count} settings, all understood"))?;
            }
        }
        Ok(())
    }
}

/// A server's settings, read anew: flags and variables as they were given, the file as it is now.
///
/// # Errors
/// [`ConfigError`]; then the server had better go on with what it has.
pub fn again(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Serve, ConfigError> {
    let serve = Serve::augment_args(Command::new("serve"));
    let command = Command::new("regrow").subcommand(serve);
    let understood = read(command, arguments, environment)?;
    let mut serve = Serve::from_arg_matches(layers::innermost(&understood.matches, 1))?;
    serve.settings = public(&understood.settings);
    Ok(serve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_read_anew_are_those_that_the_file_has_now_below_the_same_flags() {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let file = directory.path().join("r.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("it can be written");
            let line = ["regrow", "serve", "--client-days", "9", "--config"];
            let line = line.into_iter().map(OsString::from);
            let line = line.chain([file.clone().into()]).collect();
            again(line, |_| None)
        };
        let first = read("mailbox-days = 7\nclient-days = 7\n").expect("it is understood");
        assert_eq!(first.settings["mailbox-days"], 7);
        assert_eq!(first.settings["client-days"], 9);
        let second = read("mailbox-days = 8\n").expect("it is understood");
        assert_eq!(second.settings["mailbox-days"], 8);
        assert!(read("mailbox-days = 0\n").is_err());
    }
}

//! `regrow replay-live`: a counterexample, or a run of a simulation, on real servers.
//!
//! [`play`] leads; [`live`] does with real servers what the model does, over [`links`], and [`glance`] compares; [`wire`] is between
//! them, [`machine`] is one of them.

mod bytes;
mod glance;
mod links;
mod live;
mod machine;
mod play;
mod text;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use regrow_model::mutant::Mutant;

use super::check::{self, Failure};
use super::complain;
use super::names::{self, Unknown};
use super::say::{Unsaid, print, say};
use play::{Outcome, Unplayable, play};

/// The real servers were not as the model's, so nothing is known.
const APART: u8 = 3;

/// Play a counterexample, or a run of a simulation, with real servers
#[derive(Args, Debug)]
pub struct ReplayLive {
    /// What regrow check or regrow simulate has saved
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Break this rule instead of the file's; none: keep all rules, and see whether the violation is gone
    #[arg(long, value_name = "NAME|none")]
    mutant: Option<String>,
    /// Keep the servers' logs in this directory
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Write one JSON object instead of a text
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Unreplayed {
    #[error(transparent)]
    File(#[from] Failure),
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Unplayable(#[from] Unplayable),
    #[error("no threads: {0}")]
    System(#[from] std::io::Error),
    #[error(transparent)]
    Print(#[from] Unsaid),
}

impl Unreplayed {
    /// 2 for wrong use, and 3 if nothing is known of real servers.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::File(failure) => failure.exit_code(),
            Self::Unknown(_) => ExitCode::from(2),
            Self::Unplayable(_) => ExitCode::from(APART),
            Self::System(_) | Self::Print(_) => ExitCode::from(1),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &ReplayLive) -> ExitCode {
    replay(arguments).unwrap_or_else(|failure| {
        let is_unread = matches!(&failure, Unreplayed::Print(unsaid) if unsaid.is_unread());
        if !is_unread {
            complain("regrow replay-live", &failure);
        }
        failure.exit_code()
    })
}

fn replay(arguments: &ReplayLive) -> Result<ExitCode, Unreplayed> {
    let counterexample = check::read(&arguments.file)?;
    let mutant: Option<&'static Mutant> = match arguments.mutant.as_deref() {
        Some("none") => None,
        Some(name) => Some(names::mutant(name)?),
        None => counterexample.mutant().map_err(Unplayable::from)?,
    };
    let file = arguments.file.canonicalize()?;
    let logs = arguments.logs.as_deref();
    if let Some(logs) = logs {
        let made = std::fs::create_dir_all(logs);
        made.map_err(|error| Failure::File(logs.to_owned(), error))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(play(&counterexample, file, mutant, logs))?;
    match arguments.json {
        true => say(serde_json::to_string(&outcome).expect("it is made of texts and numbers"))?,
        false => print(text::text(&outcome))?,
    }
    Ok(ExitCode::from(code(&outcome)))
}

/// 0: nothing is broken. 1: something is. 3: it isn't known.
fn code(outcome: &Outcome) -> u8 {
    match (outcome.differences.is_empty(), outcome.broken.is_empty()) {
        (false, _) => APART,
        (true, false) => 1,
        (true, true) => 0,
    }
}

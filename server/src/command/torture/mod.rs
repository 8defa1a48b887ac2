//! `regrow torture`: real servers, real clients, faults without end, and a verdict.
//!
//! ```text
//!   nemesis ── kill, freeze, drain ──▶ servers ◀── forwarders ◀── clients ──▶ account ──┐
//!      │                                  │            ▲                                ├──▶ outcome ──▶ text, page, JSON
//!      └── cut, reset ────────────────────┼────────────┘           watch ── samples ────┤
//!                                         └── recordings ──▶ conform ───────────────────┘
//! ```

mod account;
mod crowd;
mod fault;
mod names;
mod nemesis;
mod outcome;
mod page;
mod plan;
mod recorded;
mod rest;
mod run;
mod text;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use thiserror::Error;

use super::bench::raise_file_limit;
use super::complain;
use super::say::{Unsaid, print, say};
use super::serve::Profile;
use super::whole;
use crate::store::above;
use fault::Kind;

/// Torture servers of this program on this machine, and judge what its clients heard.
///
/// Starts a cluster of processes on the loopback, lets clients speak, and lets things go wrong: one to three faults at once, then
/// all is mended and must be well again, and so on. At the end everything that was acknowledged must have been heard by
/// everyone, once, in order. Needs no privileges. Exit code 0: all holds. 1: something doesn't. 2: it could not be done.
#[derive(Args, Debug)]
pub struct Torture {
    /// Let things go wrong for so long
    #[arg(long, default_value = "1", value_name = "MINUTES", value_parser = minutes)]
    minutes: Duration,
    /// How many servers
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=32))]
    servers: u8,
    /// How many clients, who all speak and hear all
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    clients: u16,
    /// How many messages a second they say, all together
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// What may go wrong: crashes, outages, freezes, drains, cuts, one-way, resets, clients, moves, or none [default: all]
    #[arg(long, value_delimiter = ',', value_parser = kind, value_name = "KINDS")]
    faults: Option<Vec<AnyKind>>,
    /// Draw the faults by this seed [default: any]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Which intervals the servers keep
    #[arg(long, value_enum, default_value_t = Profile::Fast)]
    profile: Profile,
    /// How long a repair may take, and everything to be heard at the end [default: 60, or 240 with the report's intervals]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    patience: Option<u16>,
    /// Start the servers with this argument as well; several may be given
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    serve: Vec<String>,
    /// Don't record the servers, so that they aren't compared with the checked protocol
    #[arg(long)]
    no_record: bool,
    /// Write a page with all of it, for a browser
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print all of it as one JSON object
    #[arg(long)]
    json: bool,
    /// Keep what the servers had, their logs and recordings, in this directory, which must be empty [default: only if
    /// something is wrong]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A kind of fault, or none.
#[derive(Clone, Copy, Debug)]
struct AnyKind(Option<Kind>);

/// Why there is no verdict.
#[derive(Debug, Error)]
enum TortureError {
    /// The system gives no processes, sockets or directories.
    #[error("cannot set the stage: {0}")]
    Stage(#[from] io::Error),
    /// The directory is in use.
    #[error("{} is not empty: name another directory with --keep", .0.display())]
    InUse(PathBuf),
    /// A server doesn't start.
    #[error(
        "S{0} doesn't start: {1}. What was given with --serve must be arguments of `regrow serve`"
    )]
    Start(usize, io::Error),
    /// Something didn't come about before there was any fault.
    #[error("{0}, but not within {1:?}: is this machine busy with other things?")]
    Late(&'static str, Duration),
    /// Name another file.
    #[error("cannot write {}: {source}", file.display())]
    Report {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody reads what is printed.
    #[error(transparent)]
    Unsaid(#[from] Unsaid),
    /// Somebody has had enough.
    #[error("interrupted")]
    Interrupted,
}

/// Runs the command.
pub fn run(arguments: &Torture) -> ExitCode {
    match arguments.run() {
        Ok(code) => code,
        Err(error) => {
            if !matches!(&error, TortureError::Unsaid(unsaid) if unsaid.is_unread()) {
                complain("regrow torture", &error);
            }
            ExitCode::from(2)
        }
    }
}

impl Torture {
    fn run(&self) -> Result<ExitCode, TortureError> {
        raise_file_limit();
        if let Some(file) = &self.report {
            // Nobody wants to hear of it half an hour later.
            let made = tempfile::tempfile_in(above(file));
            made.map_err(|source| cannot_write(file, source))?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = run::torture(self) => outcome,
                _ = tokio::signal::ctrl_c() => Err(TortureError::Interrupted),
            }
        })?;
        if let Some(file) = &self.report {
            let page = page::page(&outcome);
            let written = whole::replace(file, page.as_bytes());
            written.map_err(|source| cannot_write(file, source))?;
        }
        if self.json {
            let json = serde_json::to_string(&outcome).map_err(io::Error::from);
            say(json.map_err(Unsaid::from)?)?;
        } else {
            print(text::summary(&outcome))?;
        }
        Ok(match outcome.is_good() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    /// How long a repair may take.
    fn patience(&self) -> Duration {
        let asked = self
            .patience
            .map(|seconds| Duration::from_secs(seconds.into()));
        asked.unwrap_or_else(|| self.profile.patience() * 2)
    }

    /// The kinds of faults that are wanted.
    fn kinds(&self) -> Vec<Kind> {
        match &self.faults {
            None => Kind::ALL.to_vec(),
            Some(some) => some.iter().filter_map(|kind| kind.0).collect(),
        }
    }
}

fn cannot_write(file: &Path, source: io::Error) -> TortureError {
    TortureError::Report {
        file: file.to_owned(),
        source,
    }
}

/// A number of minutes, with or without a fraction.
fn minutes(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "not a number of minutes".to_owned())?;
    match number > 0.0 && number <= 10_080.0 {
        true => Ok(Duration::from_secs_f64(number * 60.0)),
        false => Err("more than 0 and at most a week, please".into()),
    }
}

fn kind(text: &str) -> Result<AnyKind, String> {
    if text == "none" {
        return Ok(AnyKind(None));
    }
    let mut all = Kind::ALL.into_iter();
    all.find(|kind| kind.name() == text)
        .map(|kind| AnyKind(Some(kind)))
        .ok_or_else(|| format!("there is {}, or none", Kind::ALL.map(Kind::name).join(", ")))
}

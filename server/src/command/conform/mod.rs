//! `regrow conform`: what running nodes did, compared with the protocol that was checked.

mod json;
mod text;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use regrow_model::counterexample::Counterexample;
use regrow_model::incident::{Incident, Played};

use super::say::Unsaid;
use super::{check, complain};
use crate::conform::{ConformError, Progress, Question, conform};

/// How often it tells how far it is.
const PACE: Duration = Duration::from_millis(500);

/// Compare the recordings of running servers with the protocol that was checked.
///
/// Runs each recorded node again and expects the same of it, looks whether its runtime kept its promises, whether the servers
/// received what they sent to each other, and whether the properties of the protocol hold in the end.
///
/// Exit code 0: all holds. 1: something doesn't. 2: wrong use, or a recording that isn't understood.
#[derive(Args, Debug)]
pub struct Conform {
    /// What each server was given with --record: those of a whole cluster together show most
    #[arg(value_name = "DIR", required = true)]
    directories: Vec<PathBuf>,
    /// All had come to rest when the recordings ended: look at what must hold then, too
    #[arg(long)]
    settled: bool,
    /// Draw the last steps as a sequence diagram into this file: in characters, or as a picture if its name ends in .svg
    #[arg(long, value_name = "FILE")]
    diagram: Option<PathBuf>,
    /// Keep the last steps in this file as a counterexample is kept: `regrow check --replay` tells them, `regrow explore --at`
    /// walks through them
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Draw, or keep, so many steps
    #[arg(long, value_name = "N", default_value_t = 200)]
    steps: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A recording isn't understood.
    #[error(transparent)]
    Conform(#[from] ConformError),
    /// Name another file.
    #[error("cannot write {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody reads what is printed.
    #[error(transparent)]
    Print(#[from] Unsaid),
}

/// Runs the command.
pub fn run(arguments: &Conform) -> ExitCode {
    match judge(arguments) {
        Ok(code) => code,
        Err(Failure::Print(unsaid)) if unsaid.is_unread() => ExitCode::FAILURE,
        Err(failure) => {
            complain("regrow conform", &failure);
            match failure {
                Failure::Conform(_) | Failure::File { .. } => ExitCode::from(2),
                Failure::Print(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn judge(arguments: &Conform) -> Result<ExitCode, Failure> {
    let mut teller = Teller::new();
    let is_told = arguments.diagram.is_some() || arguments.save.is_some();
    let question = Question {
        is_settled: arguments.settled,
        told: if is_told { arguments.steps } else { 0 },
    };
    let report = conform(&arguments.directories, question, |progress| {
        teller.tell(progress);
    });
    teller.finish();
    let report = report?;
    if let Some(incident) = &report.incident {
        keep(arguments, incident)?;
    }
    if arguments.json {
        json::print(&report)?;
    } else {
        text::print(&report)?;
    }
    Ok(ExitCode::from(u8::from(!report.is_good())))
}

/// Draws the last steps, and keeps them, as far as either is asked for.
fn keep(arguments: &Conform, incident: &Incident) -> Result<(), Failure> {
    let write = |file: &Path, text: String| {
        let cannot = |source| Failure::File {
            file: file.to_owned(),
            source,
        };
        std::fs::write(file, text).map_err(cannot)
    };
    if let Some(file) = &arguments.diagram {
        let played = Played::new(incident.clone());
        let diagram = played.diagram(played.len());
        let is_picture = file.extension().is_some_and(|ending| ending == "svg");
        write(
            file,
            if is_picture {
                diagram.svg()
            } else {
                diagram.text()
            },
        )?;
    }
    if let Some(file) = &arguments.save {
        let kept = Counterexample::of_incident(incident.clone(), arguments.settled);
        write(file, check::text(&kept))?;
    }
    Ok(())
}

/// Tells on a terminal how far it is.
struct Teller {
    is_seen: bool,
    has_told: bool,
    next: Instant,
}

impl Teller {
    fn new() -> Self {
        Self {
            is_seen: io::stderr().is_terminal(),
            has_told: false,
            next: Instant::now() + PACE,
        }
    }

    fn tell(&mut self, progress: Progress<'_>) {
        if !self.is_seen || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PACE;
        self.has_told = true;
        let percent = progress.read * 100 / progress.len.max(1);
        let (directory, start) = (progress.directory.display(), progress.start);
        // Who doesn't see it misses nothing.
        let _ = write!(
            io::stderr(),
            "\r\x1b[K{directory}, start {start}: {percent} %"
        );
    }

    fn finish(&self) {
        if self.has_told {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

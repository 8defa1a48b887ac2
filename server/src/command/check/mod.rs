//! `regrow check`: the protocol, checked exhaustively.

mod files;
mod json;
mod list;
mod progress;
mod table;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use regrow_model::check::{CheckError, Options, ReplayError, Stop};
use regrow_model::counterexample::{Counterexample, Replayed, Stale};
use regrow_model::mutant::Mutant;
use regrow_model::narrate::Detail;
use regrow_model::scenario::{self, Size};
use regrow_model::verdict::{Case, Verdict};
use regrow_model::world::seen::Seen;
use thiserror::Error;

use super::complain;
use super::names::{self, Unknown};
use super::say::{Unsaid, print};
pub(super) use files::{read, save, text};
use progress::Teller;

/// States that are kept at most: what a graph of them takes fits into [`progress::MEMORY_MAX_BYTES`].
const STATES_MAX: usize = progress::MEMORY_MAX_BYTES / 64;

/// Check the protocol exhaustively.
///
/// Exit code 0: all holds. 1: a counterexample, something that a scenario must reach and doesn't, or a check that could
/// not be finished. 2: wrong use.
#[derive(Args, Debug)]
pub struct Check {
    /// Check these scenarios; without any, all of a size
    #[arg(conflicts_with = "size", value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Check all scenarios up to this size
    #[arg(long, value_enum)]
    size: Option<Upto>,
    /// Break one rule, and expect a counterexample; without scenarios or a size, in the mutant's own scenario
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Use so many threads; what is found doesn't depend on it [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Name the scenarios and the mutants
    #[arg(long)]
    list: bool,
    /// Print one JSON object a line: per scenario, or with --list per scenario and mutant
    #[arg(long)]
    json: bool,
    /// Keep counterexamples in this directory
    #[arg(long, value_name = "DIR", default_value = "counterexamples")]
    save: PathBuf,
    /// Show a kept counterexample again, state by state
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenarios", "size", "mutant", "list", "json"])]
    replay: Option<PathBuf>,
}

/// Sizes of scenarios: each includes the smaller ones.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Upto {
    /// Seconds
    Smoke,
    /// Minutes
    Full,
    /// Hours
    Deep,
}

/// Why there is no result.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// Type another name.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// Name another file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It wasn't written by `regrow check`.
    #[error("{0} is no counterexample: {1}")]
    NoCounterexample(PathBuf, serde_json::Error),
    /// Look for it anew.
    #[error("{0} can't be shown: {1}")]
    Stale(PathBuf, Stale),
    /// Narrow the scenario.
    #[error("{0} is not checked: {1}")]
    Unfinished(&'static str, CheckError),
    /// A bug in the checker.
    #[error("a counterexample can't be walked again: {0}")]
    Lost(#[from] ReplayError),
    /// Nobody reads what is printed.
    #[error(transparent)]
    Print(#[from] Unsaid),
}

impl Failure {
    /// 2 for wrong use, else 1.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown(_) | Self::File(..) | Self::NoCounterexample(..) => ExitCode::from(2),
            Self::Stale(..) | Self::Unfinished(..) | Self::Lost(_) | Self::Print(_) => {
                ExitCode::from(1)
            }
        }
    }
}

/// What a check came to, and how long it took.
struct Outcome {
    verdict: Verdict,
    took: Duration,
    /// Its counterexamples, and the files that they are in now.
    kept: Vec<(Replayed, Counterexample, PathBuf)>,
}

/// Runs the command.
pub fn run(arguments: &Check) -> ExitCode {
    let result = match &arguments.replay {
        Some(file) => replay(file),
        None if arguments.list => list::print(arguments.json).map_err(Failure::from),
        None => check(arguments),
    };
    result.unwrap_or_else(|failure| {
        let is_unread = matches!(&failure, Failure::Print(unsaid) if unsaid.is_unread());
        if !is_unread {
            complain("regrow check", &failure);
        }
        failure.exit_code()
    })
}

fn check(arguments: &Check) -> Result<ExitCode, Failure> {
    let mutant = arguments.mutant.as_deref().map(names::mutant).transpose()?;
    let cases = cases(arguments, mutant)?;
    let threads = arguments.threads.or_else(|| available_parallelism().ok());
    let mut outcomes = Vec::new();
    for case in cases {
        let outcome = judge(&case, threads.unwrap_or(NonZeroUsize::MIN), arguments)?;
        if arguments.json {
            json::print(&outcome)?;
        }
        outcomes.push(outcome);
        let caught = outcomes.last().is_some_and(|last| !last.verdict.is_good());
        if caught && mutant.is_some() {
            break;
        }
    }
    if !arguments.json {
        table::print(&outcomes)?;
    }
    let mut good = outcomes.iter().all(|outcome| outcome.verdict.is_good());
    if arguments.scenarios.is_empty() && mutant.is_none() {
        good &= covers_everything(arguments, outcomes);
    }
    Ok(ExitCode::from(u8::from(!good)))
}

/// Whether every message, refusal, timer and fault has occurred somewhere; the smallest scenarios need not reach all.
fn covers_everything(arguments: &Check, outcomes: Vec<Outcome>) -> bool {
    let mut seen = Seen::default();
    for outcome in outcomes {
        seen.absorb(outcome.verdict.report.coverage);
    }
    let missing = seen.missing();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    match arguments.size {
        None | Some(Upto::Smoke) => {
            complain("Only in larger scenarios", missing);
            true
        }
        Some(Upto::Full | Upto::Deep) => {
            complain("In no scenario", missing);
            false
        }
    }
}

/// What is checked, in order; a mutant's own scenario first.
fn cases(arguments: &Check, mutant: Option<&'static Mutant>) -> Result<Vec<Case>, Unknown> {
    let case = |scenario| Case { scenario, mutant };
    if !arguments.scenarios.is_empty() {
        let named = arguments.scenarios.iter().map(|name| names::scenario(name));
        return named.map(|scenario| scenario.map(case)).collect();
    }
    if let (Some(mutant), None) = (mutant, arguments.size) {
        return names::scenario(mutant.scenario).map(|scenario| vec![case(scenario)]);
    }
    let size = match arguments.size.unwrap_or(Upto::Smoke) {
        Upto::Smoke => Size::Smoke,
        Upto::Full => Size::Full,
        Upto::Deep => Size::Deep,
    };
    let own = mutant.map(|mutant| mutant.scenario);
    let (first, rest): (Vec<_>, Vec<_>) = scenario::all()
        .filter(|scenario| scenario.size <= size)
        .partition(|scenario| own == Some(scenario.name));
    Ok(first.into_iter().chain(rest).map(case).collect())
}

fn judge(case: &Case, threads: NonZeroUsize, arguments: &Check) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let verdict = ask(case, threads)?;
    let took = started.elapsed();
    let keep = |violation| {
        let counterexample = Counterexample::of(case, violation)?;
        let file = files::save(&arguments.save, &counterexample)?;
        let replayed = counterexample.replay();
        let replayed = replayed.map_err(|stale| Failure::Stale(file.to_owned(), stale))?;
        Ok((replayed, counterexample, file))
    };
    let kept = verdict.report.violations.iter().map(keep);
    let kept = kept.collect::<Result<_, Failure>>()?;
    Ok(Outcome {
        verdict,
        took,
        kept,
    })
}

/// Asks the checker, and tells on stderr how far it is.
pub(super) fn ask(case: &Case, threads: NonZeroUsize) -> Result<Verdict, Failure> {
    let options = Options {
        threads,
        max_states: STATES_MAX,
        stop: match case.mutant {
            Some(_) => Stop::AsSoonAsKnown,
            None => Stop::AtFirst,
        },
    };
    let mut teller = Teller::new(case.scenario.name);
    let verdict = case.check(&options, |progress| teller.tell(progress));
    teller.finish();
    verdict.map_err(|error| Failure::Unfinished(case.scenario.name, error))
}

fn replay(file: &Path) -> Result<ExitCode, Failure> {
    let counterexample = files::read(file)?;
    let stale = |stale| Failure::Stale(file.to_owned(), stale);
    if let Some(played) = counterexample.relive().map_err(stale)? {
        print(counterexample.account(&played, Detail::Changes))?;
        return Ok(ExitCode::SUCCESS);
    }
    let replayed = counterexample.replay().map_err(stale)?;
    print(counterexample.transcript(&replayed, Detail::Changes))?;
    Ok(ExitCode::SUCCESS)
}

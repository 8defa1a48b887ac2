//! `regrow simulate`: the protocol in worlds that are too large to check exhaustively, run by chance.

mod crew;
mod dice;
mod results;
mod table;

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{Args, Subcommand};
use regrow_model::check::ReplayError;
use regrow_model::counterexample::Counterexample;
use regrow_model::simulate::draw::{CLIENTS_MAX, Limits, SERVERS_MIN};
use regrow_model::simulate::trouble::{Trouble, Troubles};
use regrow_model::world::SERVERS_MAX;
use thiserror::Error;

use super::check;
use super::complain;
use super::names::{self, Unknown};
use super::say::{Unsaid, print, say};
use crew::Job;
use dice::Seeded;
use results::{Asked, FORMAT, Kept, Results};

/// Failures that are made short and kept, at most: it takes longer than a run.
const KEPT_MAX: usize = 10;

/// Run the protocol in larger worlds, by chance.
///
/// Each seed draws a world and what may go wrong in it: faults at random, then all is mended, and then it must converge. A
/// seed does the same on every machine. Exit code 0: all holds. 1: a run failed, made short and kept. 2: wrong use.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Simulate {
    #[command(subcommand)]
    command: Option<Command>,
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many seeds; the next ones [default: 100, or no end with --until-failure]
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// How many servers: a number, or least-most
    #[arg(long, default_value = "5-50", value_parser = range, value_name = "N-M")]
    servers: (usize, usize),
    /// How many clients: a number, or least-most
    #[arg(long, default_value = "5-30", value_parser = range, value_name = "N-M")]
    clients: (usize, usize),
    /// What may go wrong, each in half of the runs: cuts, one-way, crashes, disks, clients, clocks, drains, or none [default: all]
    #[arg(long, value_delimiter = ',', value_parser = faults, value_name = "KINDS")]
    faults: Option<Vec<Fault>>,
    /// Break one rule, and expect a failure
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// End at the first failure
    #[arg(long)]
    until_failure: bool,
    /// Use so many threads; what is found doesn't depend on it [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Run the K-th of N equal parts of the seeds
    #[arg(long, value_parser = shard, value_name = "K/N")]
    shard: Option<(u64, u64)>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Keep failures in this directory
    #[arg(long, value_name = "DIR", default_value = "counterexamples")]
    save: PathBuf,
    /// Keep the first runs that hold there, too, whole
    #[arg(long)]
    save_all: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add up what shards printed with --json
    Merge {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// A kind of fault, or none.
#[derive(Clone, Copy, Debug)]
struct Fault(Option<Trouble>);

/// Why there is no result.
#[derive(Debug, Error)]
enum NoResult {
    /// Type another name.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// Ask for other sizes.
    #[error("{what} must be {least} to {most}, not {} to {}", got.0, got.1)]
    Sizes {
        what: &'static str,
        least: usize,
        most: usize,
        got: (usize, usize),
    },
    /// Name another file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It wasn't written by `regrow simulate --json`, or by another version of it.
    #[error("{0} is no result of `regrow simulate --json`: {1}")]
    NoResults(PathBuf, String),
    /// Merge what belongs together.
    #[error("{0} is of other runs: what was asked differs")]
    Asked(PathBuf),
    /// Make room for it.
    #[error(transparent)]
    Keep(#[from] check::Failure),
    /// A bug in the simulation.
    #[error("a failure can't be walked again: {0}")]
    Lost(#[from] ReplayError),
    /// Nobody reads what is printed.
    #[error(transparent)]
    Print(#[from] Unsaid),
}

impl NoResult {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown(_) | Self::Sizes { .. } | Self::File(..) => ExitCode::from(2),
            Self::NoResults(..) | Self::Asked(_) => ExitCode::from(2),
            Self::Keep(_) | Self::Lost(_) | Self::Print(_) => ExitCode::from(1),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Simulate) -> ExitCode {
    let result = match &arguments.command {
        Some(Command::Merge { files, json }) => merge(files, *json),
        None => simulate(arguments),
    };
    result.unwrap_or_else(|error| {
        if !matches!(&error, NoResult::Print(unsaid) if unsaid.is_unread()) {
            complain("regrow simulate", &error);
        }
        error.exit_code()
    })
}

fn simulate(arguments: &Simulate) -> Result<ExitCode, NoResult> {
    let mutant = arguments.mutant.as_deref().map(names::mutant).transpose()?;
    within("the servers", arguments.servers, SERVERS_MIN, SERVERS_MAX)?;
    within("the clients", arguments.clients, 0, CLIENTS_MAX)?;
    let kinds: Vec<Trouble> = match &arguments.faults {
        None => Trouble::ALL.to_vec(),
        Some(faults) => faults.iter().filter_map(|fault| fault.0).collect(),
    };
    let asked = Asked {
        servers: arguments.servers,
        clients: arguments.clients,
        faults: kinds.iter().map(Trouble::to_string).collect(),
        mutant: arguments.mutant.clone(),
    };
    let limits = Limits {
        servers: arguments.servers.0..=arguments.servers.1,
        clients: arguments.clients.0..=arguments.clients.1,
        troubles: Troubles::only(kinds),
    };
    let job = Job {
        limits: &limits,
        mutant,
        seed: arguments.seed,
        runs: match (arguments.runs, arguments.until_failure) {
            (None, true) => None,
            (runs, _) => Some(runs.unwrap_or(100)),
        },
        shard: arguments.shard.unwrap_or((0, 1)),
        until_failure: arguments.until_failure,
        threads: arguments
            .threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
    };
    let mut results = job.run(asked);
    keep(&job, &mut results, arguments)?;
    if arguments.save_all {
        keep_whole(&job, arguments)?;
    }
    tell(&results, arguments.json)
}

/// Makes the first failures short, and keeps them.
fn keep(job: &Job<'_>, results: &mut Results, arguments: &Simulate) -> Result<(), NoResult> {
    for (seed, failure) in results.failures.iter_mut().take(KEPT_MAX) {
        let plan = job.plan(*seed);
        let world = plan.world(job.mutant);
        let course = plan.run(&world, &Seeded);
        let Some(failing) = &course.failing else {
            continue;
        };
        let short = plan.shorten(&world, &course, failing, job.mutant, &Seeded)?;
        failure.kept = Some(Kept {
            file: check::save(&arguments.save, &short)?.display().to_string(),
            steps: short.steps.len(),
        });
    }
    Ok(())
}

/// Keeps the first runs that hold, to be played elsewhere.
fn keep_whole(job: &Job<'_>, arguments: &Simulate) -> Result<(), NoResult> {
    for seed in (0..).map_while(|n| job.nth(n)).take(KEPT_MAX) {
        let plan = job.plan(seed);
        let world = plan.world(job.mutant);
        let course = plan.run(&world, &Seeded);
        if course.failing.is_some() {
            continue;
        }
        let whole = Counterexample::of_whole_run(&plan, job.mutant, &world, &course.taken)?;
        let file = check::save(&arguments.save, &whole)?;
        complain(
            "simulate",
            format_args!("seed {seed} holds: {}", file.display()),
        );
    }
    Ok(())
}

fn merge(files: &[PathBuf], json: bool) -> Result<ExitCode, NoResult> {
    let mut merged: Option<Results> = None;
    for file in files {
        let results = read(file)?;
        let Some(so_far) = &mut merged else {
            merged = Some(results);
            continue;
        };
        if !so_far.merge(results) {
            return Err(NoResult::Asked(file.clone()));
        }
    }
    merged.map_or(Ok(ExitCode::SUCCESS), |merged| tell(&merged, json))
}

fn read(file: &PathBuf) -> Result<Results, NoResult> {
    let text = fs::read_to_string(file).map_err(|error| NoResult::File(file.clone(), error))?;
    let results: Results = serde_json::from_str(&text)
        .map_err(|error| NoResult::NoResults(file.clone(), error.to_string()))?;
    match results.format {
        FORMAT => Ok(results),
        format => Err(NoResult::NoResults(
            file.clone(),
            format!("it is in format {format}, this program reads format {FORMAT}"),
        )),
    }
}

fn tell(results: &Results, json: bool) -> Result<ExitCode, NoResult> {
    if json {
        say(serde_json::to_string(results)
            .map_err(io::Error::from)
            .map_err(Unsaid::from)?)?;
    } else {
        print(table::text(results))?;
    }
    Ok(ExitCode::from(u8::from(!results.failures.is_empty())))
}

fn within(
    what: &'static str,
    got: (usize, usize),
    least: usize,
    most: usize,
) -> Result<(), NoResult> {
    match got {
        (from, to) if least <= from && to <= most => Ok(()),
        got => Err(NoResult::Sizes {
            what,
            least,
            most,
            got,
        }),
    }
}

/// `N` or `N-M`.
fn range(text: &str) -> Result<(usize, usize), String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (number(from)?, number(to)?) {
        (from, to) if from <= to => Ok((from, to)),
        (from, to) => Err(format!("from {from} to {to} there is nothing")),
    }
}

/// `K/N`, K from 1; the first index and the distance to the next.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "write K/N: the K-th of N parts, as in 3/8".to_owned();
    let (nth, of) = text.split_once('/').ok_or_else(wrong)?;
    match (nth.parse::<u64>(), of.parse::<u64>()) {
        (Ok(nth), Ok(of)) if (1..=of).contains(&nth) => Ok((nth - 1, of)),
        (Ok(_) | Err(_), _) => Err(wrong()),
    }
}

fn faults(text: &str) -> Result<Fault, String> {
    if text == "none" {
        return Ok(Fault(None));
    }
    let mut all = Trouble::ALL.into_iter();
    all.find(|kind| kind.name() == text)
        .map(|kind| Fault(Some(kind)))
        .ok_or_else(|| {
            let names = Trouble::ALL.map(Trouble::name).join(", ");
            format!("there is {names}, or none")
        })
}

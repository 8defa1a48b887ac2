//! `regrow bench`: a load generator for servers of this protocol, in the way of `nats bench` and `redis-benchmark`. It counts
//! every message at every receiver: what is lost, comes twice or out of order makes it fail.
//!
//! One workload, one file; what they share:
//!
//! - `stage` has all clients of a run, on threads of their own, and says what has come of it;
//! - `payload`, `track`, `cursor`, `hear`, `say`: what is said, and what is made of what is heard;
//! - `servers` starts servers, `hosts` looks at what they take of this machine;
//! - `run` puts these together into figures, `report` has the figures.

mod ceiling;
mod chain;
mod cursor;
mod error;
mod failover;
mod fanout;
mod hear;
mod idle;
mod mock;
mod options;
mod payload;
mod progress;
mod rate;
mod register;
mod report;
mod resume;
mod room;
mod run;
mod say;
mod servers;
mod stage;
mod voice;

use std::io;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};

use ceiling::Ceiling;
use chain::Chain;
use error::BenchError;
use failover::Failover;
use fanout::Fanout;
use idle::Idle;
use mock::Mock;
use options::Options;
use progress::Progress;
use rate::Rate;
use register::Register;
use report::Row;
use resume::Resume;
use room::Room;

use super::complain;
use super::measure::{clock, hosts, latency, track};
use super::say::{print, say};

/// Measure servers under load: deliveries, latencies, and what is lost
///
/// Without --server it starts servers of its own, in directories that are gone afterwards. The exit code is not 0 if anything
/// was lost, came twice or out of order, or a connection ended that should not have.
#[derive(Args, Debug)]
pub struct Bench {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Clone, Debug)]
enum Task {
    #[command(flatten)]
    Measure(Workload),
    #[command(hide = true)]
    Mock(Mock),
}

#[derive(Subcommand, Clone, Debug)]
enum Workload {
    Fanout(Fanout),
    Room(Room),
    Chain(Chain),
    Rate(Rate),
    Register(Register),
    Resume(Resume),
    Failover(Failover),
    Idle(Idle),
    Ceiling(Ceiling),
}

/// Measures, and prints what was measured.
pub fn run(bench: &Bench) -> ExitCode {
    match bench.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(BenchError::Unsaid(unsaid)) if unsaid.is_unread() => ExitCode::FAILURE,
        Err(error) => {
            complain("regrow bench", error);
            ExitCode::FAILURE
        }
    }
}

impl Bench {
    fn run(&self) -> Result<bool, BenchError> {
        raise_file_limit();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::select! {
                outcome = self.task.run() => outcome,
                _ = tokio::signal::ctrl_c() => Err(BenchError::Interrupted),
            }
        })
    }
}

impl Task {
    async fn run(&self) -> Result<bool, BenchError> {
        match self {
            Self::Measure(workload) => workload.all().await,
            Self::Mock(mock) => Ok(mock.serve().await.map(|()| true)?),
        }
    }
}

impl Workload {
    /// All runs. Whether all went well.
    async fn all(&self) -> Result<bool, BenchError> {
        let options = self.options();
        let mut progress = Progress::new(self.name(), options.runs, options.quiet);
        let mut rows = Vec::new();
        for _ in 0..options.runs {
            progress.next_run();
            let row = self.once(&mut progress).await;
            progress.finish();
            let row = row?;
            if options.json {
                say(json(&row)?)?;
            }
            rows.push(row);
        }
        let Some(median) = Row::median(&rows) else {
            return Ok(true);
        };
        match options.json {
            true if rows.len() > 1 => say(json(&median)?)?,
            true => {}
            false => print(median.table())?,
        }
        Ok(median.is_sound())
    }

    async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        match self {
            Self::Fanout(fanout) => fanout.once(progress).await,
            Self::Room(room) => room.once(progress).await,
            Self::Chain(chain) => chain.once(progress).await,
            Self::Rate(rate) => rate.once(progress).await,
            Self::Register(register) => register.once(progress).await,
            Self::Resume(resume) => resume.once(progress).await,
            Self::Failover(failover) => failover.once(progress).await,
            Self::Idle(idle) => idle.once(progress).await,
            Self::Ceiling(ceiling) => ceiling.once(progress).await,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Fanout(_) => "fanout",
            Self::Room(_) => "room",
            Self::Chain(_) => "chain",
            Self::Rate(_) => "rate",
            Self::Register(_) => "register",
            Self::Resume(_) => "resume",
            Self::Failover(_) => "failover",
            Self::Idle(_) => "idle",
            Self::Ceiling(_) => "ceiling",
        }
    }

    fn options(&self) -> &Options {
        match self {
            Self::Fanout(fanout) => &fanout.options,
            Self::Room(room) => &room.options,
            Self::Chain(chain) => &chain.options,
            Self::Rate(rate) => &rate.options,
            Self::Register(register) => &register.options,
            Self::Resume(resume) => &resume.options,
            Self::Failover(failover) => &failover.options,
            Self::Idle(idle) => &idle.options,
            Self::Ceiling(ceiling) => &ceiling.fanout.options,
        }
    }
}

fn json(row: &Row) -> io::Result<String> {
    Ok(serde_json::to_string(row)?)
}

/// Every client is an open file, here and at the servers that are started from here.
pub(super) fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it isn't allowed, fewer clients get in, and that is told.
    let _ = setrlimit(Resource::Nofile, limit);
}

//! `regrow explore`: a scenario in stateright's Explorer, in the browser.

use std::env;
use std::fmt::Debug;
use std::fs;
use std::hash::Hash;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::thread::available_parallelism;

use clap::Args;
use regrow_model::counterexample::Ending;
use regrow_model::explore::{Explored, Relived};
use regrow_model::verdict::Case;
use regrow_model::world::World;
use stateright::Model;
use thiserror::Error;

use super::check::{self, Failure};
use super::complain;
use super::names;
use super::say::say;

/// Walk through a scenario in the browser.
///
/// With --at the page opens at a counterexample that `regrow check` has kept. With --mutant the scenario is checked first,
/// and the page opens at the counterexample.
#[derive(Args, Debug)]
pub struct Explore {
    /// The scenario to walk through
    #[arg(required_unless_present = "at")]
    scenario: Option<String>,
    /// Break one rule
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Open at this kept counterexample, which names its scenario and its mutant
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "mutant"])]
    at: Option<PathBuf>,
    /// Serve the page on this port of this machine alone; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

/// Why there is no page.
#[derive(Debug, Error)]
enum NoPage {
    #[error(transparent)]
    Check(#[from] Failure),
    /// Choose another port.
    #[error("port {0}: {1}")]
    Port(u16, io::Error),
    /// Make room for temporary files.
    #[error("no empty directory to serve from: {0}")]
    Directory(io::Error),
}

/// Runs the command: it serves until it is killed.
pub fn run(arguments: &Explore) -> ExitCode {
    match serve(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain("regrow explore", &error);
            match error {
                NoPage::Check(failure) => failure.exit_code(),
                NoPage::Port(..) => ExitCode::from(2),
                NoPage::Directory(_) => ExitCode::from(1),
            }
        }
    }
}

fn serve(arguments: &Explore) -> Result<(), NoPage> {
    if let Some(file) = &arguments.at {
        let counterexample = check::read(file)?;
        let stale = |stale| Failure::Stale(file.clone(), stale);
        if let Some(played) = counterexample.relive().map_err(stale)? {
            let is_settled = counterexample.ending == Ending::AtRest;
            let relived = Relived::new(played, is_settled);
            return show(relived, &counterexample.indexes, arguments.port);
        }
    }
    let (world, indexes) = opening(arguments)?;
    show(Explored::new(world), &indexes, arguments.port)
}

/// Serves the page, opened at a path.
fn show<M>(model: M, indexes: &[usize], port: u16) -> Result<(), NoPage>
where
    M: Model<
            State: Clone + Debug + Hash + PartialEq + Send + Sync,
            Action: Clone + Debug + PartialEq + Send + Sync,
        > + Send
        + Sync
        + 'static,
{
    let address = free_address(port)?;
    leave_the_working_directory().map_err(NoPage::Directory)?;
    let steps: String = indexes.iter().map(|index| format!("/{index}")).collect();
    // The page is there, whether anybody reads this or not.
    let _ = say(format_args!("http://{address}/#/steps{steps}"));
    model.checker().threads(threads().get()).serve(address);
    Ok(())
}

/// What is shown, and where the page opens: at a counterexample, if there is one.
fn opening(arguments: &Explore) -> Result<(World, Vec<usize>), Failure> {
    if let Some(file) = &arguments.at {
        let counterexample = check::read(file)?;
        let replayed = counterexample.replay();
        let replayed = replayed.map_err(|stale| Failure::Stale(file.clone(), stale))?;
        return Ok((replayed.world, counterexample.indexes));
    }
    let name = arguments.scenario.as_deref().unwrap_or_default();
    let scenario = names::scenario(name)?;
    let Some(name) = &arguments.mutant else {
        return Ok((Case::sound(scenario).world(), vec![0]));
    };
    let case = Case {
        scenario,
        mutant: Some(names::mutant(name)?),
    };
    let verdict = check::ask(&case, threads())?;
    let violation = verdict.report.violations.first();
    let indexes = violation.map_or_else(|| vec![0], |it| it.path().indexes.clone());
    Ok((case.world(), indexes))
}

fn threads() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// An address on this machine that nobody listens on: the Explorer would panic at another's.
fn free_address(port: u16) -> Result<SocketAddr, NoPage> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| NoPage::Port(port, error))
}

/// The Explorer prefers `./ui/*` to its own page, whatever that is: so it runs in a directory that no longer exists, in
/// which nothing can be.
fn leave_the_working_directory() -> io::Result<()> {
    let nowhere = env::temp_dir().join(format!("regrow-explore-{}", process::id()));
    fs::create_dir(&nowhere)?;
    env::set_current_dir(&nowhere)?;
    fs::remove_dir(&nowhere)
}

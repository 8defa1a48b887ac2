//! The `regrow` command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use regrow::command::bench::{self, Bench};
use regrow::command::cert::Cert;
use regrow::command::check::{self, Check};
use regrow::command::client::Client;
use regrow::command::config::{self, Config, ConfigError, Setting};
use regrow::command::conform::{self, Conform};
use regrow::command::data::Data;
use regrow::command::demo::Demo;
use regrow::command::explore::{self, Explore};
use regrow::command::forget::Forget;
use regrow::command::log;
#[cfg(feature = "mutants")]
use regrow::command::replay_live::{self, ReplayLive};
use regrow::command::serve::Serve;
use regrow::command::simulate::{self, Simulate};
use regrow::command::status::Show;
use regrow::command::torture::{self, Torture};
use regrow::command::users::Users;
use regrow::command::{Unsaid, complain, modern};

/// The exit code of a command line, or an environment, that makes no sense: clap's.
const WRONG_USE: u8 = 2;

/// A highly available broadcast server: a tree that grows back when it is cut
#[derive(Parser)]
#[command(version)]
struct Regrow {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(Demo),
    Check(Check),
    Explore(Explore),
    Simulate(Simulate),
    Torture(Torture),
    Conform(Conform),
    #[cfg(feature = "mutants")]
    ReplayLive(ReplayLive),
    Serve(Box<Serve>),
    Client(Client),
    Bench(Bench),
    Forget(Forget),
    Data(Data),
    Config(Config),
    Users(Users),
    Status(Show),
    Cert(Cert),
}

fn main() -> ExitCode {
    let (regrow, settings) = match understand(modern(std::env::args_os()).collect()) {
        Ok(understood) => understood,
        Err(ConfigError::Flags(error)) => error.exit(),
        Err(error) => return fails(&error.into()),
    };
    let logs = log::to_stderr(if let Command::Serve(serve) = &regrow.command {
        serve.log
    } else {
        log::Format::Human
    });
    if let Err(error) = logs {
        complain("regrow", error);
        return ExitCode::from(WRONG_USE);
    }
    let done: anyhow::Result<()> = match regrow.command {
        Command::Check(check) => return check::run(&check),
        Command::Conform(conform) => return conform::run(&conform),
        #[cfg(feature = "mutants")]
        Command::ReplayLive(replay) => return replay_live::run(&replay),
        Command::Bench(bench) => return bench::run(&bench),
        Command::Explore(explore) => return explore::run(&explore),
        Command::Simulate(simulate) => return simulate::run(&simulate),
        Command::Torture(torture) => return torture::run(&torture),
        Command::Demo(demo) => demo.run().map_err(Into::into),
        Command::Serve(mut serve) => {
            serve.settings = config::public(&settings);
            serve.run().map_err(Into::into)
        }
        Command::Client(client) => client.run().map_err(Into::into),
        Command::Data(data) => data.run().map_err(Into::into),
        Command::Cert(cert) => cert.run().map_err(Into::into),
        Command::Forget(forget) => forget.run().map_err(Into::into),
        Command::Status(status) => status.run().map_err(Into::into),
        Command::Users(users) => users.run().map_err(Into::into),
        Command::Config(config) => match config.run(&settings) {
            Err(ConfigError::Flags(error)) => error.exit(),
            done => done.map_err(Into::into),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fails(&error),
    }
}

/// What the user wants, with the settings of the environment and of a file.
fn understand(arguments: Vec<OsString>) -> Result<(Regrow, Vec<Setting>), ConfigError> {
    let environment = |name: &str| std::env::var_os(name);
    let mut understood = config::read(Regrow::command(), arguments, environment)?;
    let regrow = Regrow::from_arg_matches_mut(&mut understood.matches)?;
    Ok((regrow, understood.settings))
}

fn fails(error: &anyhow::Error) -> ExitCode {
    let unsaid = error.chain().find_map(|cause| cause.downcast_ref());
    if unsaid.is_some_and(Unsaid::is_unread) {
        return ExitCode::SUCCESS;
    }
    complain("regrow", error);
    ExitCode::FAILURE
}

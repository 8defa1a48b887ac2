//! The `regrow` command.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use regrow::command::bench::{self, Bench};
use regrow::command::check::{self, Check};
use regrow::command::client::Client;
use regrow::command::data::{self, Data};
use regrow::command::demo::Demo;
use regrow::command::explore::{self, Explore};
use regrow::command::forget::Forget;
use regrow::command::modern;
use regrow::command::serve::Serve;
use tracing_subscriber::EnvFilter;

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
    Serve(Serve),
    Client(Client),
    Bench(Bench),
    Forget(Forget),
    Data(Data),
}

fn main() -> ExitCode {
    let regrow = Regrow::parse_from(modern(std::env::args_os()));
    log_to_stderr();
    let done: anyhow::Result<()> = match regrow.command {
        Command::Check(check) => return check::run(&check),
        Command::Data(data) => return data::run(&data),
        Command::Bench(bench) => return bench::run(&bench),
        Command::Explore(explore) => return explore::run(&explore),
        Command::Demo(demo) => demo.run().map_err(Into::into),
        Command::Serve(serve) => serve.run().map_err(Into::into),
        Command::Client(client) => client.run().map_err(Into::into),
        Command::Forget(forget) => forget.run().map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("regrow: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Logs for people, on stderr; `RUST_LOG` says how much.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

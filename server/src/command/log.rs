//! Where logs go, and how they look. What is logged has a field `event` with a name that doesn't change
//! (`docs/operating.md`, Logs).

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: a line of text for each event
    Human,
    /// For programs: a JSON object on a line for each event
    Json,
}

/// Logs on stderr from now on; the variable `RUST_LOG` says how much.
pub fn to_stderr(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // A log that can't be written, on a full disk for example, would be complained of where it can't be either: by a panic.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        Format::Human => log.with_ansi(io::stderr().is_terminal()).init(),
        Format::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
}

//! Where logs go, and how they look. What is logged has a field `event` with a name that doesn't change
//! (`docs/operating.md`, Logs).

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: a line of text for each event
    Human,
    /// For programs: a JSON object on a line for each event
    Json,
}

/// What `RUST_LOG` says makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("RUST_LOG: {0}. It is a level, as in RUST_LOG=debug: error, warn, info, debug or trace")]
pub struct LogError(#[from] ParseError);

/// Logs on stderr from now on; the variable `RUST_LOG` says how much.
///
/// # Errors
/// When it makes no sense.
pub fn to_stderr(format: Format) -> Result<(), LogError> {
    let wanted = std::env::var_os(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    // What isn't UTF-8 makes no sense after this, either.
    let filter = match &*wanted.to_string_lossy() {
        "" => EnvFilter::new("info"),
        wanted => EnvFilter::try_new(wanted)?,
    };
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
    Ok(())
}

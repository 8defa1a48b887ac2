//! What all workloads have in common on the command line.

use std::time::Duration;

use clap::Args;

use super::payload::PAYLOAD_MIN_BYTES;
use crate::command::client::Servers;

/// Common to all workloads.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) servers: Servers,
    /// The processes of the servers named with --server, for their processor time and memory
    #[arg(long, value_name = "PID", requires = "servers")]
    pub(super) pid: Vec<u32>,
    /// Start the bench's own servers with this argument as well; several may be given
    #[arg(
        long,
        value_name = "ARGUMENT",
        allow_hyphen_values = true,
        conflicts_with = "servers"
    )]
    pub(super) serve: Vec<String>,
    /// The size of a message's payload, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(PAYLOAD_MIN_BYTES as i64..=1_000_000))]
    pub(super) size: u32,
    /// How long a run lasts
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(super) seconds: Duration,
    /// Do it so often, and tell the median
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) runs: u32,
    /// Print one JSON object for each run, and one for the median of several
    #[arg(long)]
    pub(super) json: bool,
    /// Clients are users, registered and logged in, instead of anonymous
    #[arg(long)]
    pub(super) users: bool,
    /// Clients are our own, with acknowledgements and cursors; they are users then
    #[arg(long)]
    pub(super) resuming: bool,
    /// Share the clients among so many threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) threads: u32,
    /// After so long without any progress, take what is missing for lost
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(super) patience: Duration,
    /// No progress on stderr
    #[arg(long)]
    pub(super) quiet: bool,
}

impl Options {
    /// The size of a payload, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        self.size as usize
    }
}

/// A number of seconds, with or without a fraction.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    match number > 0.0 && number <= 86_400.0 {
        true => Ok(Duration::from_secs_f64(number)),
        false => Err("more than 0 and at most a day, please".into()),
    }
}

/// How speakers in a closed loop hold back.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Window {
    /// How many messages a speaker may be ahead of its mean receiver [default: 256; 16 for room]
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// With --resuming, how many messages of a speaker may be unacknowledged
    #[arg(long, value_name = "MESSAGES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    ack_window: u32,
    /// How many messages a speaker writes at once, at most
    #[arg(long, value_name = "MESSAGES", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
}

impl Window {
    /// The pace, with this window unless another one was asked for.
    pub(super) fn pace(self, window: u32) -> super::stage::Pace {
        let window = self.window.unwrap_or(window);
        // A batch as large as a window would make it stop and go.
        let batch = self
            .batch
            .min(window.div_ceil(2))
            .min(self.ack_window.div_ceil(2));
        super::stage::Pace::Closed {
            window: window.into(),
            ack_window: self.ack_window.into(),
            batch: batch.into(),
        }
    }
}

//! `regrow bench rate`: messages at a fixed rate, whatever becomes of them. A message's latency counts from when it was due, so
//! that a stall counts for every message that it held up and not only for the first one.

use clap::Args;

use super::options::Options;
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::stage::{Outcome, Pace};
use super::{BenchError, run};

/// A fixed rate, whatever happens: latency from when each message was due
#[derive(Args, Clone, Debug)]
pub(super) struct Rate {
    #[command(flatten)]
    open: Open,
    /// How many hear
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    receivers: u32,
    #[command(flatten)]
    pub(super) options: Options,
}

/// An open loop.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Open {
    /// Messages a second, of all senders together
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: u32,
    /// How many speak, in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    senders: u32,
}

impl Open {
    /// How many speak.
    pub(super) fn senders(self) -> usize {
        self.senders as usize
    }

    /// How they speak.
    pub(super) fn pace(self) -> Pace {
        Pace::Open {
            rate: self.rate.into(),
        }
    }

    /// What is told of an open loop alone.
    pub(super) fn tell(outcome: &Outcome, row: &mut Row) {
        row.latency("latency", &outcome.latency);
        row.latency("acknowledged", &outcome.acknowledging);
        row.latency("send_lag", &outcome.lag);
    }
}

impl Rate {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, 1).await?;
        let all = servers.addresses().len();
        let spread = |client: usize| client % all;
        let receivers = self.receivers as usize;
        let seats = run::seats(self.open.senders(), spread, receivers, spread);
        let plan = run::plan(&self.options, &servers, seats, self.open.pace());
        let mut row = Row::of("rate");
        let outcome = run::perform(plan, &mut servers, progress, &mut row).await?;
        Open::tell(&outcome, &mut row);
        Ok(row)
    }
}

//! `regrow bench chain`: what is said at the first server is heard at the last.

use clap::Args;

use super::options::{Options, Window};
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::{BenchError, fanout, run};

/// Servers in a row: senders at the first one, receivers at the last
#[derive(Args, Clone, Debug)]
pub(super) struct Chain {
    /// How many servers the bench starts, each joined to the one before
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16), conflicts_with = "servers")]
    nodes: u32,
    /// How many speak
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    senders: u32,
    /// How many hear
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    receivers: u32,
    #[command(flatten)]
    window: Window,
    #[command(flatten)]
    pub(super) options: Options,
}

impl Chain {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, self.nodes as usize).await?;
        let last = servers.addresses().len() - 1;
        let (senders, receivers) = (self.senders as usize, self.receivers as usize);
        let seats = run::seats(senders, |_| 0, receivers, |_| last);
        let pace = self.window.pace(fanout::WINDOW);
        let plan = run::plan(&self.options, &servers, seats, pace);
        let mut row = Row::of("chain");
        let outcome = run::perform(plan, &mut servers, progress, &mut row).await?;
        row.latency("latency", &outcome.latency);
        row.latency("acknowledged", &outcome.acknowledging);
        Ok(row)
    }
}

//! `regrow bench failover`: a server is killed while senders at one end of a chain speak to receivers at the other.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::options::{Options, seconds};
use super::progress::Progress;
use super::rate::Open;
use super::report::Row;
use super::servers::Servers;
use super::stage::Event;
use super::{BenchError, run};

/// A server is killed meanwhile: how long receivers hear nothing, and what is lost
#[derive(Args, Clone, Debug)]
pub(super) struct Failover {
    /// How many servers the bench starts, each joined to the one before
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=16), conflicts_with = "servers")]
    nodes: u32,
    /// Which one is killed: the senders' own, one between, or the receivers' own
    #[arg(long, value_enum, default_value_t = Which::Middle)]
    kill: Which,
    /// How long after the start
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    kill_after: Duration,
    #[command(flatten)]
    open: Open,
    /// How many hear
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    receivers: u32,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Which server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The senders' own
    First,
    /// One between the senders' and the receivers'
    Middle,
    /// The receivers' own
    Last,
}

impl Failover {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, self.nodes as usize).await?;
        let last = servers.addresses().len() - 1;
        if last == 0 || !servers.can_be_killed() {
            return Err(BenchError::NothingToKill);
        }
        let server = match self.kill {
            Which::First => 0,
            Which::Middle => last.div_ceil(2),
            Which::Last => last,
        };
        let receivers = self.receivers as usize;
        let seats = run::seats(self.open.senders(), |_| 0, receivers, |_| last);
        let mut plan = run::plan(&self.options, &servers, seats, self.open.pace());
        plan.event = Event::Kill {
            server,
            after: self.kill_after,
        };
        let mut row = Row::of("failover");
        row.set_count("killed_server", server + 1);
        let outcome = run::perform(plan, &mut servers, progress, &mut row).await?;
        row.counted("reconnects", outcome.moves);
        row.counted("unsaid", outcome.lag.count().saturating_sub(outcome.said));
        row.latency("silence", &outcome.silences);
        row.counted("recovered_receivers", outcome.recoveries.count());
        row.latency("recovery", &outcome.recoveries);
        row.latency("heard_after_reconnect", &outcome.rejoining);
        Open::tell(&outcome, &mut row);
        Ok(row)
    }
}

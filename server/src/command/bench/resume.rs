//! `regrow bench resume`: receivers vanish without a word, senders speak meanwhile, receivers come back and catch up.

use std::time::Duration;

use clap::Args;

use super::clock::seconds;
use super::options::{Options, Window};
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::stage::Event;
use super::{BenchError, fanout, run};

/// Receivers vanish, come back, and catch up with what was said meanwhile
#[derive(Args, Clone, Debug)]
pub(super) struct Resume {
    /// How many speak
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    senders: u32,
    /// How many vanish and come back
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    receivers: u32,
    /// How many messages each sender says meanwhile
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    messages: u64,
    /// Clients are legacy ones, whose server keeps what they miss in their mailbox, and which acknowledge nothing
    #[arg(long, conflicts_with = "resuming")]
    legacy: bool,
    #[command(flatten)]
    window: Window,
    #[command(flatten)]
    pub(super) options: Options,
}

/// It ends with its messages; this is only where somebody should look what is wrong.
const LENGTH_MAX: Duration = Duration::from_secs(3_600);

impl Resume {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, 1).await?;
        let all = servers.addresses().len();
        let spread = |client: usize| client % all;
        let (senders, receivers) = (self.senders as usize, self.receivers as usize);
        let seats = run::seats(senders, spread, receivers, spread);
        let pace = self.window.pace(fanout::WINDOW);
        let mut plan = run::plan(&self.options, &servers, seats, pace);
        plan.event = Event::Absence;
        plan.users = true;
        plan.resuming = !self.legacy;
        plan.count = self.messages;
        plan.length = LENGTH_MAX;
        let mut row = Row::of("resume");
        row.set("messages", self.messages as f64);
        let outcome = run::perform(plan, &mut servers, progress, &mut row).await?;
        let speaking = seconds(outcome.speaking).max(1e-9);
        row.measured("said_per_s_meanwhile", outcome.said as f64 / speaking);
        row.latency("caught_up", &outcome.catching_up);
        row.latency("acknowledged", &outcome.acknowledging);
        Ok(row)
    }
}

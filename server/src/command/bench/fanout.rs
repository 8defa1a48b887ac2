//! `regrow bench fanout`: a few speak, many hear.

use clap::Args;

use super::options::{Options, Window};
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::{BenchError, run};

/// A few senders, many receivers: as fast as they are heard
#[derive(Args, Clone, Debug)]
pub(super) struct Fanout {
    /// How many speak
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    senders: u32,
    /// How many hear
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) receivers: u32,
    #[command(flatten)]
    pub(super) window: Window,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How far a sender may be ahead, unless asked otherwise.
pub(super) const WINDOW: u32 = 256;

impl Fanout {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, 1).await?;
        self.on("fanout", &mut servers, progress).await
    }

    /// One run on these servers, under this name.
    pub(super) async fn on(
        &self,
        name: &str,
        servers: &mut Servers,
        progress: &mut Progress,
    ) -> Result<Row, BenchError> {
        let all = servers.addresses().len();
        let spread = |client: usize| client % all;
        let seats = run::seats(
            self.senders as usize,
            spread,
            self.receivers as usize,
            spread,
        );
        let plan = run::plan(&self.options, servers, seats, self.window.pace(WINDOW));
        let mut row = Row::of(name);
        let outcome = run::perform(plan, servers, progress, &mut row).await?;
        row.latency("latency", &outcome.latency);
        row.latency("acknowledged", &outcome.acknowledging);
        Ok(row)
    }
}

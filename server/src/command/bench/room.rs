//! `regrow bench room`: everyone speaks, everyone hears.

use clap::Args;

use super::options::{Options, Window};
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::stage::Seat;
use super::{BenchError, run};

/// A chat room: everyone speaks, and hears everyone
#[derive(Args, Clone, Debug)]
pub(super) struct Room {
    /// How many are in it
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,
    #[command(flatten)]
    window: Window,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How far a client may be ahead, unless asked otherwise.
const WINDOW: u32 = 16;

impl Room {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, 1).await?;
        let (clients, window) = (self.clients, self.window);
        on(
            "room",
            clients,
            window,
            &self.options,
            &mut servers,
            progress,
        )
        .await
    }
}

/// One run on these servers, under this name.
pub(super) async fn on(
    name: &str,
    clients: u32,
    window: Window,
    options: &Options,
    servers: &mut Servers,
    progress: &mut Progress,
) -> Result<Row, BenchError> {
    let all = servers.addresses().len();
    let seats = (0..clients as usize).map(|client| Seat {
        server: client % all,
        speaker: Some(client),
        hears: true,
    });
    let plan = run::plan(options, servers, seats.collect(), window.pace(WINDOW));
    let mut row = Row::of(name);
    let outcome = run::perform(plan, servers, progress, &mut row).await?;
    row.latency("latency", &outcome.latency);
    row.latency("acknowledged", &outcome.acknowledging);
    Ok(row)
}

//! `regrow bench idle`: connections that are logged in and say nothing.

use std::time::Duration;

use clap::Args;

use super::clock::seconds;
use super::options::Options;
use super::progress::Progress;
use super::report::Row;
use super::run::Watch;
use super::servers::Servers;
use super::stage::{Pace, Seat, Stage};
use super::{BenchError, run};

/// Connections that do nothing: how much memory each takes
#[derive(Args, Clone, Debug)]
pub(super) struct Idle {
    /// How many
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How long servers are left alone after their start, before their memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);

impl Idle {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let mut servers = Servers::of(&self.options, 1).await?;
        let all = servers.addresses().len();
        let connections = self.connections as usize;
        let seats = (0..connections).map(|client| Seat {
            server: client % all,
            speaker: None,
            hears: true,
        });
        // Nobody speaks.
        let pace = Pace::Open { rate: 1.0 };
        let plan = run::plan(&self.options, &servers, seats.collect(), pace);
        tokio::time::sleep(SETTLE).await;
        let hosts = servers.hosts();
        let before = hosts.memory_bytes();
        let mut stage = Stage::gather(plan, &mut Watch::new(&mut servers, progress)).await?;
        let cpu = hosts.cpu_seconds();
        let present = stage.hold(self.options.seconds).await;
        let cpu = hosts.cpu_seconds().zip(cpu).map(|(now, then)| now - then);
        let after = hosts.memory_bytes();
        let (closes, troubles) = stage.closes();
        stage.leave().await;

        let mut row = Row::of("idle");
        row.set_count("servers", all);
        row.set_count("connections", connections);
        row.fault(
            "unexpected_closes",
            closes.max((connections - present) as u64),
        );
        row.measured(
            "logins_per_s",
            connections as f64 / seconds(stage.gathering()).max(1e-9),
        );
        row.bytes("memory_before_bytes", before);
        row.bytes("memory_after_bytes", after);
        let more = after
            .zip(before)
            .map(|(after, before)| after as f64 - before as f64);
        row.known(
            "memory_bytes_per_connection",
            more.map(|more| more / connections as f64),
        );
        row.known("server_cpu_s_while_idle", cpu);
        row.troubles(troubles);
        Ok(row)
    }
}

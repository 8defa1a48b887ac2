//! `regrow bench ceiling`: the bench against a mock of its own, which does as little as can be done. No server can look faster.

use clap::Args;

use super::fanout::Fanout;
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::{BenchError, room};

/// The bench itself: fan-out from a mock that does next to nothing
#[derive(Args, Clone, Debug)]
pub(super) struct Ceiling {
    /// A chat room of --receivers clients: everyone speaks, and hears everyone
    #[arg(long, conflicts_with = "senders")]
    everyone: bool,
    #[command(flatten)]
    pub(super) fanout: Fanout,
}

impl Ceiling {
    /// One run.
    pub(super) async fn once(&self, progress: &mut Progress) -> Result<Row, BenchError> {
        let options = &self.fanout.options;
        if options.resuming || options.servers.are_named() {
            return Err(BenchError::MockOnly);
        }
        let mut servers = Servers::mock().await?;
        match self.everyone {
            true => {
                let (clients, window) = (self.fanout.receivers, self.fanout.window);
                room::on("ceiling", clients, window, options, &mut servers, progress).await
            }
            false => self.fanout.on("ceiling", &mut servers, progress).await,
        }
    }
}

//! What has to be counted one by one: sessions by their phase, and what the log holds. It is counted on clones, away
//! from the actor, and not more often than now and then.

use std::time::{Duration, Instant};

use regrow_model::message::server::Phase;
use tokio::sync::Mutex;

use super::seen::Seen;

/// How long a count is good for.
const FRESH: Duration = Duration::from_secs(10);

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) catching_up: u64,
    pub(super) live: u64,
    pub(super) left: u64,
    pub(super) expired: u64,
    pub(super) out: u64,
    /// Bytes of what was said.
    pub(super) log_bytes: u64,
}

/// The latest count. Who asks while it is made waits for it: nobody makes another one.
#[derive(Default)]
pub(super) struct Tallies(Mutex<Option<(Instant, Tally)>>);

impl Tallies {
    pub(super) async fn of(&self, seen: &Seen) -> Tally {
        let mut latest = self.0.lock().await;
        if let Some((at, tally)) = *latest
            && at.elapsed() < FRESH
        {
            return tally;
        }
        let (sessions, entries) = (seen.sessions.clone(), seen.entries.clone());
        let count = move || {
            let mut tally = Tally::default();
            for session in sessions.values() {
                *match session.phase {
                    Phase::CatchingUp => &mut tally.catching_up,
                    Phase::Live => &mut tally.live,
                    Phase::Left => &mut tally.left,
                    Phase::Expired => &mut tally.expired,
                    Phase::Out => &mut tally.out,
                } += 1;
            }
            let bytes = entries
                .values()
                .map(|entry| entry.message.activity.as_str().len() as u64);
            tally.log_bytes = bytes.sum();
            tally
        };
        // To count is a walk over maps: it can't fail.
        let tally = tokio::task::spawn_blocking(count).await.unwrap_or_default();
        *latest = Some((Instant::now(), tally));
        tally
    }
}

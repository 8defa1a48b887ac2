//! Looks at a torture again and again: how much is heard, how long it takes, how much memory each server has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::crowd::Ledger;
use super::text;
use crate::command::cluster::Sight;
use crate::command::meanwhile::Meanwhile;
use crate::command::measure::hosts::memory_bytes;
use crate::command::measure::latency::Latency;

/// How many samples there are of a run, about.
const SAMPLES: u32 = 360;
/// The least time between two samples.
const LEAST: Duration = Duration::from_secs(1);

/// What was seen at one time, of the time since the sample before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Sample {
    /// When, in seconds since the first fault.
    pub(super) at: f64,
    /// How many messages were heard, by all, in a second.
    pub(super) deliveries_per_s: f64,
    /// How long half of them took at most, in milliseconds; `None` if there were none.
    pub(super) p50_ms: Option<f64>,
    /// How long all but a hundredth took at most, in milliseconds.
    pub(super) p99_ms: Option<f64>,
    /// How much memory each server's process has, in bytes; `None` if it doesn't run.
    pub(super) memory: Vec<Option<u64>>,
}

/// What goes on, told by whoever makes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// What is being done now.
    pub(super) now: String,
    /// How many faults there have been.
    pub(super) faults: usize,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    samples: Vec<Sample>,
    scene: Scene,
}

/// Somebody who looks.
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    latency: Arc<Mutex<Latency>>,
    looking: JoinHandle<()>,
}

impl Watch {
    /// Begins to look.
    pub(super) fn begin(
        ledger: Arc<Ledger>,
        sight: Sight,
        began: Instant,
        length: Duration,
    ) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let latency = Arc::new(Mutex::new(Latency::new()));
        let looker = Looker {
            ledger,
            sight,
            began,
            length,
            seen: Arc::clone(&seen),
            latency: Arc::clone(&latency),
        };
        Self {
            seen,
            latency,
            looking: tokio::spawn(looker.look()),
        }
    }

    /// Says what goes on.
    pub(super) fn tells(&self, now: impl Into<String>) {
        lock(&self.seen).scene.now = now.into();
    }

    /// One more fault.
    pub(super) fn counts(&self) {
        lock(&self.seen).scene.faults += 1;
    }

    /// Looks no more. What was seen, and how long all that was heard took.
    pub(super) async fn end(self) -> (Vec<Sample>, Latency) {
        self.looking.abort();
        let _ = self.looking.await;
        let samples = std::mem::take(&mut lock(&self.seen).samples);
        let latency = std::mem::replace(&mut *lock(&self.latency), Latency::new());
        (samples, latency)
    }
}

/// What looks.
struct Looker {
    ledger: Arc<Ledger>,
    sight: Sight,
    began: Instant,
    length: Duration,
    seen: Arc<Mutex<Seen>>,
    latency: Arc<Mutex<Latency>>,
}

impl Looker {
    async fn look(self) {
        let mut pace = interval(LEAST.max(self.length / SAMPLES));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut glances = interval(LEAST);
        glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut line = Meanwhile::new(Duration::from_secs(1), Duration::from_secs(10));
        pace.tick().await;
        let _ = self.ledger.take_latencies();
        let (mut last, mut heard) = (Instant::now(), self.ledger.heard());
        loop {
            tokio::select! {
                _ = pace.tick() => {
                    let sample = self.sample(&mut last, &mut heard);
                    lock(&self.seen).samples.push(sample);
                }
                _ = glances.tick() => {
                    if line.is_due().is_some() {
                        line.say(self.progress());
                    }
                }
            }
        }
    }

    fn sample(&self, last: &mut Instant, heard: &mut u64) -> Sample {
        let now = Instant::now();
        let since = now.duration_since(std::mem::replace(last, now));
        let all = self.ledger.heard();
        let new = all - std::mem::replace(heard, all);
        let mut latencies = self.ledger.take_latencies();
        latencies.sort_unstable();
        let mut latency = lock(&self.latency);
        latencies.iter().for_each(|ns| latency.record(*ns));
        let memory = self.sight.places().into_iter();
        Sample {
            at: now.duration_since(self.began).as_secs_f64(),
            deliveries_per_s: new as f64 / since.as_secs_f64().max(1e-9),
            p50_ms: share(&latencies, 0.5),
            p99_ms: share(&latencies, 0.99),
            memory: memory
                .map(|place| place.process.and_then(memory_bytes))
                .collect(),
        }
    }

    fn progress(&self) -> String {
        let Seen { samples, scene } = &*lock(&self.seen);
        let rate = samples.last().map_or(0.0, |last| last.deliveries_per_s);
        format!(
            "torture: {} of {}, {} faults, {} deliveries, {}/s; {}",
            text::clock(self.began.elapsed()),
            text::clock(self.length),
            scene.faults,
            text::thousands(self.ledger.heard()),
            text::thousands(rate.round() as u64),
            scene.now,
        )
    }
}

/// How much this share of sorted times is at most, in milliseconds.
fn share(sorted_ns: &[u64], share: f64) -> Option<f64> {
    let place = (share * sorted_ns.len() as f64).ceil() as usize;
    let ns = sorted_ns.get(place.max(1) - 1)?;
    Some(*ns as f64 / 1e6)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_that_was_heard() {
        let ns: Vec<u64> = (1..=200).map(|ms| ms * 1_000_000).collect();
        assert_eq!(share(&ns, 0.5), Some(100.0));
        assert_eq!(share(&ns, 0.99), Some(198.0));
        assert_eq!(share(&ns[..1], 0.99), Some(1.0));
        assert_eq!(share(&[], 0.5), None);
    }
}

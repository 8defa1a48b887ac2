//! Many runs at once. Which run a thread takes next is chance; what a run does isn't.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use regrow_model::mutant::Mutant;
use regrow_model::simulate::draw::Limits;
use regrow_model::simulate::plan::Plan;
use regrow_model::simulate::run::{Chance, Course, Purpose};

use super::dice::Seeded;
use super::results::{Asked, Results};
use crate::command::meanwhile::Meanwhile;

/// Runs that wait to be counted, at most, per thread.
const WAITING_MAX: usize = 16;

/// What is to be run.
pub(super) struct Job<'a> {
    /// Within which bounds plans are drawn.
    pub(super) limits: &'a Limits,
    /// The rule that is broken, if one is.
    pub(super) mutant: Option<&'static Mutant>,
    /// The first seed.
    pub(super) seed: u64,
    /// How many seeds there are; `None` for no end.
    pub(super) runs: Option<u64>,
    /// Every how-manieth of them is run, beginning with which.
    pub(super) shard: (u64, u64),
    /// Whether to end at a failure.
    pub(super) until_failure: bool,
    /// How many threads.
    pub(super) threads: NonZeroUsize,
}

impl Job<'_> {
    /// The plan of a seed.
    pub(super) fn plan(&self, seed: u64) -> Plan {
        Plan::draw(seed, self.limits, &mut Seeded.dice(seed, Purpose::Plan))
    }

    /// The n-th seed of this shard; `None` if there are no more.
    pub(super) fn nth(&self, n: u64) -> Option<u64> {
        let (first, of) = self.shard;
        let index = n.checked_mul(of)?.checked_add(first)?;
        let is_within = self.runs.is_none_or(|runs| index < runs);
        is_within.then(|| self.seed.wrapping_add(index))
    }

    /// Runs all.
    pub(super) fn run(&self, asked: Asked) -> Results {
        let started = Instant::now();
        let (next, ends) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut results = Results::new(asked);
        let (sender, done) = mpsc::sync_channel(WAITING_MAX * self.threads.get());
        thread::scope(|scope| {
            for _ in 0..self.threads.get() {
                let (sender, next, ends) = (sender.clone(), &next, &ends);
                scope.spawn(move || {
                    while !ends.load(Ordering::Relaxed)
                        && let Some(seed) = self.nth(next.fetch_add(1, Ordering::Relaxed))
                        && sender.send(self.one(seed, ends)).is_ok()
                    {}
                });
            }
            drop(sender);
            let mut line = Meanwhile::new(Duration::from_millis(200), Duration::from_secs(10));
            for (plan, course) in done {
                results.count(&plan, &course);
                if let Some(failing) = &course.failing {
                    line.note(format!(
                        "simulate: seed {} fails: {}",
                        plan.seed, failing.law
                    ));
                }
                if line.is_due().is_some() {
                    line.say(self.progress(&results, started));
                }
            }
            line.finish();
        });
        results.seconds = started.elapsed().as_secs_f64();
        results
    }

    fn one(&self, seed: u64, ends: &AtomicBool) -> (Plan, Course) {
        let plan = self.plan(seed);
        let course = plan.run(&plan.world(self.mutant), &Seeded);
        if course.failing.is_some() && self.until_failure {
            ends.store(true, Ordering::Relaxed);
        }
        (plan, course)
    }

    fn progress(&self, results: &Results, started: Instant) -> String {
        let (done, failed) = (results.runs, results.failures.len());
        let rate = results.steps as f64 / started.elapsed().as_secs_f64();
        let of = self.runs.map_or_else(String::new, |runs| {
            format!(" of {}", runs.div_ceil(self.shard.1))
        });
        format!("simulate: {done}{of} runs, {rate:.0} steps/s, {failed} failed")
    }
}

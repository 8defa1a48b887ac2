//! How far a check is, and whether it still fits into memory.

use std::fs;
use std::process;
use std::time::{Duration, Instant};

use regrow_model::check::{Phase, Progress};

use crate::command::complain;
use crate::command::meanwhile::Meanwhile;

/// The memory that a check may take in all.
pub(super) const MEMORY_MAX_BYTES: usize = 20_000_000_000;

const PAGE_BYTES: usize = 4096;

/// Tells how far one check is.
pub(super) struct Teller {
    name: &'static str,
    started: Instant,
    looked: Instant,
    line: Meanwhile,
}

impl Teller {
    pub(super) fn new(name: &'static str) -> Self {
        let now = Instant::now();
        Self {
            name,
            started: now,
            looked: now,
            line: Meanwhile::new(Duration::from_millis(200), Duration::from_secs(10)),
        }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        self.guard_memory();
        if self.line.is_due().is_none() {
            return;
        }
        let (name, states) = (self.name, progress.states);
        match progress.phase {
            Phase::Search => {
                let rate = states as f64 / self.started.elapsed().as_secs_f64();
                let (queue, depth) = (progress.frontier, progress.depth);
                self.line.say(format_args!(
                    "{name}: {states} states, {rate:.0}/s, {queue} in the queue, depth {depth}"
                ));
            }
            Phase::Convergence => self.line.say(format_args!(
                "{name}: {states} states, back from the converged ones"
            )),
        }
    }

    /// Takes the rewritten line away.
    pub(super) fn finish(&mut self) {
        self.line.finish();
    }

    /// A check can't be interrupted, and the machine must not start to swap: so the process ends.
    fn guard_memory(&mut self) {
        if self.looked.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.looked = Instant::now();
        if resident_bytes().is_some_and(|bytes| bytes > MEMORY_MAX_BYTES) {
            self.finish();
            let (name, gb) = (self.name, MEMORY_MAX_BYTES / 1_000_000_000);
            complain(
                "regrow check",
                format_args!(
                    "{name} needs more than {gb} GB: nothing is known of it. Narrow the scenario."
                ),
            );
            process::exit(1);
        }
    }
}

/// The memory that this process has now; `None` where the system doesn't say.
fn resident_bytes() -> Option<usize> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

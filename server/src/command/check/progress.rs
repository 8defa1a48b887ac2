//! How far a check is, on stderr; and whether it still fits into memory.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::process;
use std::time::{Duration, Instant};

use regrow_model::check::{Phase, Progress};

use crate::command::complain;

/// The memory that a check may take in all.
pub(super) const MEMORY_MAX_BYTES: usize = 20_000_000_000;

const PAGE_BYTES: usize = 4096;

/// Tells how far one check is: on a terminal one line, written again and again; else a line now and then.
pub(super) struct Teller {
    name: &'static str,
    started: Instant,
    told: Instant,
    looked: Instant,
    rewrites: bool,
    pending: bool,
}

impl Teller {
    pub(super) fn new(name: &'static str) -> Self {
        let now = Instant::now();
        Self {
            name,
            started: now,
            told: now,
            looked: now,
            rewrites: io::stderr().is_terminal(),
            pending: false,
        }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        self.guard_memory();
        let pause = match self.rewrites {
            true => Duration::from_millis(200),
            false => Duration::from_secs(10),
        };
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let (name, states) = (self.name, progress.states);
        let line = match progress.phase {
            Phase::Search => {
                let rate = states as f64 / self.started.elapsed().as_secs_f64();
                let (queue, depth) = (progress.frontier, progress.depth);
                format!("{name}: {states} states, {rate:.0}/s, {queue} in the queue, depth {depth}")
            }
            Phase::Convergence => format!("{name}: {states} states, back from the converged ones"),
        };
        let mut stderr = io::stderr();
        // Progress that nobody can read is no reason to stop.
        let _ = match self.rewrites {
            true => write!(stderr, "\r\x1b[K{line}"),
            false => writeln!(stderr, "{line}"),
        };
        self.pending = self.rewrites;
    }

    /// Takes the rewritten line away.
    pub(super) fn finish(&mut self) {
        if self.pending {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.pending = false;
        }
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

//! How far a run is, on stderr: on a terminal one line, written again and again; else a line now and then.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::stage::Glimpse;

/// Tells how far a run is.
pub(super) struct Progress {
    workload: &'static str,
    runs: u32,
    run: u32,
    is_quiet: bool,
    rewrites: bool,
    pending: bool,
    told: Instant,
    last: u64,
}

impl Progress {
    /// For so many runs of this workload.
    pub(super) fn new(workload: &'static str, runs: u32, is_quiet: bool) -> Self {
        Self {
            workload,
            runs,
            run: 0,
            is_quiet,
            rewrites: io::stderr().is_terminal(),
            pending: false,
            told: Instant::now(),
            last: 0,
        }
    }

    /// The next run begins.
    pub(super) fn next_run(&mut self) {
        self.run += 1;
        self.last = 0;
    }

    /// A run goes on.
    pub(super) fn glimpse(&mut self, glimpse: Glimpse) {
        let since = self.told.elapsed();
        if since < self.pause() {
            return;
        }
        let Glimpse {
            present,
            said,
            delivered,
        } = glimpse;
        let rate = delivered.saturating_sub(self.last) as f64 / since.as_secs_f64();
        self.last = delivered;
        self.tell(&format!(
            "{present} clients, {said} said, {delivered} heard, {rate:.0}/s"
        ));
    }

    /// Something that is worth a line.
    pub(super) fn tell(&mut self, what: &str) {
        self.told = Instant::now();
        if self.is_quiet {
            return;
        }
        let (workload, run, runs) = (self.workload, self.run, self.runs);
        let line = match runs {
            1 => format!("{workload}: {what}"),
            _ => format!("{workload} {run}/{runs}: {what}"),
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

    fn pause(&self) -> Duration {
        match self.rewrites {
            true => Duration::from_millis(250),
            false => Duration::from_secs(1),
        }
    }
}

//! How far a run is.

use std::time::Duration;

use super::stage::Glimpse;
use crate::command::meanwhile::Meanwhile;

/// Tells how far a run is.
pub(super) struct Progress {
    workload: &'static str,
    runs: u32,
    run: u32,
    is_quiet: bool,
    line: Meanwhile,
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
            line: Meanwhile::new(Duration::from_millis(250), Duration::from_secs(1)),
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
        let Some(since) = self.line.is_due() else {
            return;
        };
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
        if self.is_quiet {
            return self.line.skip();
        }
        let (workload, run, runs) = (self.workload, self.run, self.runs);
        match runs {
            1 => self.line.say(format_args!("{workload}: {what}")),
            _ => self
                .line
                .say(format_args!("{workload} {run}/{runs}: {what}")),
        }
    }

    /// Takes the rewritten line away.
    pub(super) fn finish(&mut self) {
        self.line.finish();
    }
}

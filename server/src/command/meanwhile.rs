//! How far something is, on stderr: on a terminal one line, written again and again; else a line now and then.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The line that says how far something is.
pub(super) struct Meanwhile {
    rewrites: bool,
    /// Whether it stands on the terminal.
    stands: bool,
    pause: Duration,
    told: Instant,
}

impl Meanwhile {
    /// To be written after such a pause on a terminal, and after such a one elsewhere.
    pub(super) fn new(on_terminal: Duration, elsewhere: Duration) -> Self {
        let rewrites = io::stderr().is_terminal();
        Self {
            rewrites,
            stands: false,
            pause: if rewrites { on_terminal } else { elsewhere },
            told: Instant::now(),
        }
    }

    /// Since when it has said nothing, if that is long enough.
    pub(super) fn is_due(&self) -> Option<Duration> {
        Some(self.told.elapsed()).filter(|since| *since >= self.pause)
    }

    /// Says it, due or not.
    pub(super) fn say(&mut self, line: impl fmt::Display) {
        self.told = Instant::now();
        let mut stderr = io::stderr();
        // What nobody can read is no reason to stop.
        let _ = match self.rewrites {
            true => write!(stderr, "\r\x1b[K{line}"),
            false => writeln!(stderr, "{line}"),
        };
        self.stands = self.rewrites;
    }

    /// Says something that stays: the line that says how far it is comes below it.
    pub(super) fn note(&mut self, line: impl fmt::Display) {
        self.finish();
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Says nothing this time.
    pub(super) fn skip(&mut self) {
        self.told = Instant::now();
    }

    /// Takes the line away from the terminal.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.stands) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Nothing that is over is left on a terminal.
impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.finish();
    }
}

//! How many lines the far end's kernel has acknowledged.

use std::collections::VecDeque;

/// What was written to a stream, so that acknowledged bytes can be counted as lines.
///
/// Remembers where each *write* ended, not each line: so it says too little at times, never too much.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    lines: u64,
    /// Up to which line the far end is known to have received.
    received: u64,
    /// Ends of writes that aren't acknowledged yet: (bytes of the stream, lines), both from the beginning.
    writes: VecDeque<(u64, u64)>,
}

impl Receipts {
    /// Notes a completed write: so many lines more, which end at this byte of the stream.
    pub(super) fn wrote(&mut self, end: u64, lines: usize) {
        self.lines += lines as u64;
        self.writes.push_back((end, self.lines));
    }

    /// Gives up counting what was written so far; nobody asks for it.
    pub(super) fn forget(&mut self) {
        self.writes = VecDeque::new();
    }

    /// How many lines wait for their acknowledgement; none if nothing does.
    pub(super) fn outstanding(&self) -> Option<u64> {
        let (_, lines) = self.writes.back()?;
        Some(lines - self.received)
    }

    /// Takes note that so many bytes of the stream have arrived; whether that is more than before.
    pub(super) fn acknowledged(&mut self, bytes: u64) -> bool {
        let before = self.writes.len();
        while let Some((_, lines)) = self.writes.pop_front_if(|(end, _)| *end <= bytes) {
            self.received = lines;
        }
        let arrived = self.writes.len() < before;
        if self.writes.is_empty() {
            self.forget(); // an idle connection keeps no room for them
        }
        arrived
    }

    /// How many lines the far end's kernel has acknowledged.
    pub(super) fn received(&self) -> u64 {
        self.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once_its_last_byte_is_acknowledged() {
        let mut receipts = Receipts::default();
        receipts.wrote(10, 1);
        receipts.wrote(20, 1);
        for (bytes, lines) in [(9, 0), (10, 1), (19, 1), (20, 2)] {
            receipts.acknowledged(bytes);
            assert_eq!(receipts.received(), lines);
        }
        assert_eq!(receipts.outstanding(), None);
    }

    #[test]
    fn a_write_that_ends_no_line_is_outstanding_too() {
        let mut receipts = Receipts::default();
        receipts.wrote(1, 0);
        assert_eq!(receipts.outstanding(), Some(0));
        assert!(receipts.acknowledged(1));
        assert_eq!(receipts.received(), 0);
    }
}

//! How many lines the far end's kernel has acknowledged.

use std::collections::VecDeque;

/// What was written to a socket, so that acknowledged bytes can be counted as lines.
///
/// Remembers where each *write* ended, not each line: so it says too little at times, never too much.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    bytes: u64,
    lines: u64,
    /// Ends of writes that aren't acknowledged yet: (bytes, lines), both from the beginning.
    writes: VecDeque<(u64, u64)>,
}

impl Receipts {
    /// Notes a completed write.
    pub(super) fn wrote(&mut self, bytes: usize, lines: usize) {
        self.bytes += bytes as u64;
        self.lines += lines as u64;
        self.writes.push_back((self.bytes, self.lines));
    }

    /// Gives up counting what was written so far; nobody asks for it.
    pub(super) fn forget(&mut self) {
        self.writes.clear();
    }

    /// Whether anything waits for its acknowledgement.
    pub(super) fn outstanding(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Takes note that all but `unacknowledged` bytes have arrived; how many lines that makes, if it is news.
    pub(super) fn acknowledged(&mut self, unacknowledged: u64) -> Option<u64> {
        let arrived = self.bytes.saturating_sub(unacknowledged);
        let mut news = None;
        while let Some((_, lines)) = self.writes.pop_front_if(|(end, _)| *end <= arrived) {
            news = Some(lines);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once_its_last_byte_is_acknowledged() {
        let mut receipts = Receipts::default();
        receipts.wrote(10, 1);
        receipts.wrote(10, 1);
        assert_eq!(receipts.acknowledged(11), None);
        assert_eq!(receipts.acknowledged(10), Some(1));
        assert_eq!(receipts.acknowledged(1), None);
        assert_eq!(receipts.acknowledged(0), Some(2));
        assert!(!receipts.outstanding());
    }

    #[test]
    fn what_the_kernel_holds_beyond_our_writes_acknowledges_nothing() {
        let mut receipts = Receipts::default();
        receipts.wrote(10, 3);
        assert_eq!(receipts.acknowledged(500), None);
    }
}

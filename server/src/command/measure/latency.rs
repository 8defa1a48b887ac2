//! How long things took, as percentiles.

use hdrhistogram::Histogram;

/// What takes longer counts as this long: an hour, in nanoseconds.
const LATENCY_MAX_NS: u64 = 3_600_000_000_000;
/// Each value is kept this exactly: to a thousandth of itself.
const DIGITS: u8 = 3;

/// Latencies of many messages, in nanoseconds.
pub(in crate::command) struct Latency(Histogram<u64>);

/// The percentiles that are told, each with the end of its name.
pub(in crate::command) const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99_9", 0.999),
    ("max", 1.0),
];

impl Latency {
    /// None yet.
    pub(in crate::command) fn new() -> Self {
        let empty = Histogram::new_with_bounds(1, LATENCY_MAX_NS, DIGITS);
        Self(empty.expect("the bounds are far enough apart"))
    }

    /// One more.
    pub(in crate::command) fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// All of another one.
    pub(in crate::command) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    /// How many were recorded.
    pub(in crate::command) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Whether nothing was recorded.
    pub(in crate::command) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long it took at most for this share of them, in microseconds.
    pub(in crate::command) fn at_us(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_that_was_recorded_and_added() {
        let (mut fast, mut slow) = (Latency::new(), Latency::new());
        (1..=900).for_each(|us| fast.record(us * 1_000));
        (901..=1_000).for_each(|us| slow.record(us * 1_000));
        fast.add(&slow);
        let near = |share: f64, us: f64| (fast.at_us(share) - us).abs() <= us / 500.0;
        assert!(near(0.5, 500.0) && near(0.9, 900.0) && near(0.99, 990.0));
        assert!(near(0.999, 999.0) && near(1.0, 1_000.0));
    }

    #[test]
    fn what_takes_longer_than_an_hour_is_recorded_as_an_hour() {
        let mut latency = Latency::new();
        latency.record(u64::MAX);
        assert!(latency.at_us(1.0) >= 3.59e9);
    }
}

//! One clock for all threads of a load generator.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the clock was first asked.
pub(in crate::command) fn now() -> u64 {
    nanos(BEGIN.elapsed())
}

/// A duration in nanoseconds; what is longer than five centuries counts as that.
pub(in crate::command) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds in seconds.
pub(in crate::command) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

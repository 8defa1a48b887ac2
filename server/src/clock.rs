//! The clock, where the model is told of it.

use std::time::{SystemTime, UNIX_EPOCH};

use regrow_model::message::Stamp;

/// What this machine's clock shows; a clock before 1970 counts as 1970.
pub(crate) fn now() -> Stamp {
    #[cfg(feature = "mutants")]
    if let Some(now) = crate::steered::clock() {
        return now;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Stamp(u64::try_from(ms).unwrap_or(u64::MAX))
}

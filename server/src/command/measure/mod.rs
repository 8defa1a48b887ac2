//! What a load generator measures with: one clock, latencies, what processes take of this machine, and exact accounts of
//! what was heard.

pub(super) mod clock;
pub(super) mod hosts;
pub(super) mod latency;
pub(super) mod track;

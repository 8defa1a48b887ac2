//! Seeded random runs of the same actors in the same world, of sizes that no exhaustive check reaches: faults first, then all
//! is mended, and then it must converge.

pub mod dice;
mod digest;
pub mod draw;
pub mod plan;
pub mod run;
mod setup;
mod short;
pub mod shrink;
pub mod tally;
pub mod trouble;
pub mod walk;

//! The dice of a simulation.

use regrow_model::simulate::dice::Dice;
use regrow_model::simulate::run::{Chance, Purpose};

use crate::command::dice::seeded;

/// A stream of its own for each purpose.
pub(super) struct Seeded;

impl Chance for Seeded {
    fn dice(&self, seed: u64, purpose: Purpose) -> Dice {
        let stream = match purpose {
            Purpose::Plan => 1,
            Purpose::Chaos => 2,
            Purpose::Settle => 3,
        };
        seeded(seed, stream)
    }
}

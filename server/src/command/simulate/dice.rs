//! The dice of a simulation: a generator that gives the same numbers on every machine and in every version.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;
use regrow_model::simulate::dice::Dice;
use regrow_model::simulate::run::{Chance, Purpose};

/// Seeds become far from each other by this: 2⁶⁴ divided by the golden ratio, odd.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15;

/// PCG, of a stream of its own for each purpose.
pub(super) struct Seeded;

impl Chance for Seeded {
    fn dice(&self, seed: u64, purpose: Purpose) -> Dice {
        let stream = match purpose {
            Purpose::Plan => 1,
            Purpose::Chaos => 2,
            Purpose::Settle => 3,
        };
        let mut numbers = Pcg64::new(u128::from(seed).wrapping_mul(SPREAD), stream);
        // What becomes of a number is ours to say, for a library may change its mind.
        Dice::new(move |n| {
            let product = u128::from(numbers.next_u64()) * n as u128;
            (product >> 64) as usize
        })
    }
}

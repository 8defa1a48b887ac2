//! Dice that fall alike on every machine and in every version.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;
use regrow_model::simulate::dice::Dice;

/// Seeds become far from each other by this: 2⁶⁴ divided by the golden ratio, odd.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15;

/// Dice of a seed: PCG. Each stream of one seed falls in another way.
pub(super) fn seeded(seed: u64, stream: u128) -> Dice {
    let mut numbers = Pcg64::new(u128::from(seed).wrapping_mul(SPREAD), stream);
    // What becomes of a number is ours to say, for a library may change its mind.
    Dice::new(move |n| {
        let product = u128::from(numbers.next_u64()) * n as u128;
        (product >> 64) as usize
    })
}

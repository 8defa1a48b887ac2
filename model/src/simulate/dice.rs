//! Chance, as the simulation takes it from outside: this crate has none of its own.

use std::ops::RangeInclusive;

/// Something that chooses: given how many there are to choose from, at least one, it says which, from 0.
pub struct Dice(Box<dyn FnMut(usize) -> usize>);

impl Dice {
    /// Dice that fall as `choose` says.
    pub fn new(choose: impl FnMut(usize) -> usize + 'static) -> Self {
        Self(Box::new(choose))
    }

    /// One of the first `n` numbers.
    ///
    /// # Panics
    /// If there are none.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing to choose from");
        (self.0)(n)
    }

    /// One of a range of numbers.
    pub fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.one_in(2)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// Which of several, each as likely as it weighs; `None` if nothing weighs anything.
    pub fn weighed(&mut self, weights: &[usize]) -> Option<usize> {
        let total: usize = weights.iter().sum();
        let mut rest = if total == 0 {
            return None;
        } else {
            self.below(total)
        };
        weights
            .iter()
            .position(|weight| match rest.checked_sub(*weight) {
                Some(left) => {
                    rest = left;
                    false
                }
                None => true,
            })
    }

    /// So many different ones of the first `n` numbers, or all of them, in any order.
    pub fn some_of(&mut self, count: usize, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        let count = count.min(n);
        for place in 0..count {
            let other = place + self.below(n - place);
            all.swap(place, other);
        }
        all.truncate(count);
        all
    }
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dice")
    }
}

//! What one receiver has heard of one speaker: what is missing, what came twice, what came too late. Exact, whatever
//! the order, in memory proportional to the holes.

use std::ops::Range;

/// What has been heard of one speaker, whose messages are numbered from 0.
#[derive(Debug, Default)]
pub(in crate::command) struct Track {
    /// One past the largest number heard.
    next: u64,
    /// What lies before and was not heard: ascending, never touching.
    missing: Vec<Range<u64>>,
    /// What was heard on the present connection: from the first number to the largest.
    here: Option<Range<u64>>,
}

/// What a number that is heard is to who heard the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Seen {
    /// New, and larger than all before.
    New,
    /// New, but a later one has come before it.
    Late,
    /// Heard before.
    Again {
        /// On this very connection, rather than on an earlier one.
        here: bool,
    },
}

impl Track {
    /// A number is heard.
    pub(in crate::command) fn hear(&mut self, number: u64) -> Seen {
        let here = self.is_within(number);
        let heard = self.here.get_or_insert(number..number);
        heard.start = heard.start.min(number);
        heard.end = heard.end.max(number + 1);
        if number >= self.next {
            if number > self.next {
                self.missing.push(self.next..number);
            }
            self.next = number + 1;
            return Seen::New;
        }
        match self.fill(number) {
            true => Seen::Late,
            false => Seen::Again { here },
        }
    }

    /// The connection is a new one, on which what was heard may be told again.
    pub(in crate::command) fn reconnected(&mut self) {
        self.here = None;
    }

    /// Whether this number lies within what was heard on the present connection.
    pub(in crate::command) fn is_within(&self, number: u64) -> bool {
        self.here
            .as_ref()
            .is_some_and(|here| here.contains(&number))
    }

    /// How many of the first `said` numbers were never heard.
    pub(in crate::command) fn lost(&self, said: u64) -> u64 {
        let holes = self.missing.iter();
        let holes: u64 = holes
            .map(|hole| hole.end.min(said).saturating_sub(hole.start))
            .sum();
        holes + said.saturating_sub(self.next)
    }

    /// Takes a number out of what is missing. Whether it was.
    fn fill(&mut self, number: u64) -> bool {
        let at = self.missing.partition_point(|hole| hole.end <= number);
        let Some(hole) = self.missing.get_mut(at).filter(|hole| hole.start <= number) else {
            return false;
        };
        let after = number + 1..hole.end;
        hole.end = number;
        let is_before_empty = hole.is_empty();
        match (is_before_empty, after.is_empty()) {
            (true, true) => drop(self.missing.remove(at)),
            (true, false) => self.missing[at] = after,
            (false, true) => {}
            (false, false) => self.missing.insert(at + 1, after),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Seen::{Again, Late, New};
    use super::*;

    fn heard(numbers: &[u64]) -> (Track, Vec<Seen>) {
        let mut track = Track::default();
        let seen = numbers.iter().map(|number| track.hear(*number)).collect();
        (track, seen)
    }

    #[test]
    fn all_in_order_is_neither_loss_nor_duplicate_nor_disorder() {
        let (track, seen) = heard(&[0, 1, 2, 3]);
        assert_eq!(seen, [New; 4]);
        assert_eq!(track.lost(4), 0);
    }

    #[test]
    fn what_never_comes_is_lost_wherever_it_is_missing() {
        let (track, seen) = heard(&[2, 3, 7]);
        assert_eq!(seen, [New; 3]);
        assert_eq!(track.lost(10), 2 + 3 + 2);
    }

    #[test]
    fn what_nobody_has_said_yet_is_not_lost() {
        let (track, _) = heard(&[0, 5]);
        assert_eq!(track.lost(3), 2);
        assert_eq!(track.lost(0), 0);
    }

    #[test]
    fn what_comes_after_a_later_one_is_disorder_and_no_loss() {
        let (track, seen) = heard(&[0, 5, 3, 1, 4, 2]);
        assert_eq!(seen, [New, New, Late, Late, Late, Late]);
        assert_eq!(track.lost(6), 0);
        assert!(track.missing.is_empty());
    }

    #[test]
    fn what_comes_twice_is_a_duplicate_even_out_of_order() {
        let (_, seen) = heard(&[0, 0, 4, 2, 2, 0, 4]);
        let again = Again { here: true };
        assert_eq!(seen, [New, again, New, Late, again, again, again]);
    }

    #[test]
    fn what_is_told_again_after_a_reconnect_is_told_apart_from_a_duplicate() {
        let (mut track, _) = heard(&[0, 1, 2, 3]);
        track.reconnected();
        let seen: Vec<Seen> = [2, 3, 4, 3].map(|number| track.hear(number)).into();
        let again = Again { here: false };
        assert_eq!(seen, [again, again, New, Again { here: true }]);
        assert_eq!(track.lost(5), 0);
    }

    #[test]
    fn tracking_agrees_with_a_set_of_all_numbers_whatever_the_order() {
        use rand::rngs::StdRng;
        use rand::{Rng, SeedableRng};
        use std::collections::BTreeSet;
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let (mut track, mut set) = (Track::default(), BTreeSet::new());
            for _ in 0..60 {
                let number = random.random_range(0..40);
                let expected = match (set.contains(&number), set.last() > Some(&number)) {
                    (true, _) => Again { here: true },
                    (false, true) => Late,
                    (false, false) => New,
                };
                // Within what was heard here counts as here, which holes do too until they are filled.
                assert_eq!(track.hear(number), expected, "seed {seed}");
                set.insert(number);
                assert_eq!(track.lost(40), 40 - set.len() as u64, "seed {seed}");
            }
        }
    }
}

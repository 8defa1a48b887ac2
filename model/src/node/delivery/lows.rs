//! Up to where all of many cursors are, without walking them: what is forgotten, and a floor, cost what has changed and not
//! how many there are (`docs/protocol.md`, Delivery: Forgetting).

use std::collections::BTreeMap;

use imbl::ordmap::DiffItem;
use serde::{Deserialize, Serialize};

use super::vector;
use crate::message::Stream;
use crate::message::client::Vector;

/// Some cursors, each somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize", deserialize = "K: Deserialize<'de> + Ord"))]
pub struct Lows<K> {
    #[serde(with = "crate::pairs")]
    cursors: BTreeMap<K, Vector>,
    /// Per stream, how many of the cursors are at each number; those that are at 0 are left out.
    at: BTreeMap<Stream, BTreeMap<u64, usize>>,
    /// Per stream, how many of the cursors are beyond 0.
    beyond: BTreeMap<Stream, usize>,
}

impl<K> Default for Lows<K> {
    fn default() -> Self {
        Self {
            cursors: BTreeMap::new(),
            at: BTreeMap::new(),
            beyond: BTreeMap::new(),
        }
    }
}

impl<K: Ord> Lows<K> {
    /// Somebody's cursor is here now.
    pub(super) fn set(&mut self, whose: K, cursor: Vector) {
        let before = self.cursors.insert(whose, cursor.clone());
        self.shift(&before.unwrap_or_default(), &cursor);
    }

    /// Somebody doesn't count any more.
    pub(super) fn remove(&mut self, whose: &K) {
        if let Some(before) = self.cursors.remove(whose) {
            self.shift(&before, &Vector::new());
        }
    }

    /// Sets or removes.
    pub(super) fn put(&mut self, whose: K, cursor: Option<Vector>) {
        match cursor {
            Some(cursor) => self.set(whose, cursor),
            None => self.remove(&whose),
        }
    }

    /// Up to where all of them are, and `upto`.
    pub(super) fn within(&self, upto: Vector) -> Vector {
        if self.cursors.is_empty() {
            return upto;
        }
        let all = upto.iter().filter_map(|(stream, upto)| {
            let everyone = self.beyond.get(stream) == Some(&self.cursors.len());
            let (least, _) = self.at.get(stream)?.first_key_value()?;
            everyone.then(|| (stream.clone(), *upto.min(least)))
        });
        all.collect()
    }

    fn shift(&mut self, before: &Vector, after: &Vector) {
        for difference in before.diff(after) {
            match difference {
                DiffItem::Add(stream, number) => self.count(stream, *number),
                DiffItem::Remove(stream, number) => self.uncount(stream, *number),
                DiffItem::Update {
                    old: (stream, old),
                    new: (_, new),
                } => {
                    self.uncount(stream, *old);
                    self.count(stream, *new);
                }
            }
        }
    }

    fn count(&mut self, stream: &Stream, number: u64) {
        if number == 0 {
            return; // As if it weren't said: a client may say so.
        }
        let at = self.at.entry(stream.clone()).or_default();
        *at.entry(number).or_default() += 1;
        *self.beyond.entry(stream.clone()).or_default() += 1;
    }

    fn uncount(&mut self, stream: &Stream, number: u64) {
        if number == 0 {
            return;
        }
        let Some(at) = self.at.get_mut(stream) else {
            return;
        };
        if let Some(count) = at.get_mut(&number) {
            *count -= 1;
            if *count == 0 {
                at.remove(&number);
            }
        }
        if at.is_empty() {
            self.at.remove(stream);
            self.beyond.remove(stream);
        } else if let Some(beyond) = self.beyond.get_mut(stream) {
            *beyond -= 1;
        }
    }

    /// What [`Lows::within`] says, found by walking: for `coherence`.
    pub(super) fn walk(&self, upto: Vector) -> Vector {
        let cursors = self.cursors.values();
        cursors.fold(upto, |upto, cursor| vector::meet(&upto, cursor))
    }
}

impl<K: Ord> FromIterator<(K, Vector)> for Lows<K> {
    fn from_iter<I: IntoIterator<Item = (K, Vector)>>(cursors: I) -> Self {
        let mut lows = Self::default();
        for (whose, cursor) in cursors {
            lows.set(whose, cursor);
        }
        lows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Incarnation;

    fn vector(numbers: &[(&str, u64)]) -> Vector {
        let incarnation = Incarnation {
            number: 1,
            nonce: 1,
        };
        let numbers = numbers.iter().map(|(server, number)| {
            let server = (*server).into();
            (
                Stream {
                    server,
                    incarnation,
                },
                *number,
            )
        });
        numbers.collect()
    }

    #[test]
    fn nobody_holds_anything_back() {
        let lows = Lows::<u8>::default();
        let upto = vector(&[("s1", 5)]);
        assert_eq!(lows.within(upto.clone()), upto);
    }

    #[test]
    fn the_slowest_holds_each_stream_back() {
        let mut lows = Lows::default();
        lows.set(1, vector(&[("s1", 3), ("s2", 9)]));
        lows.set(2, vector(&[("s1", 7), ("s2", 2)]));
        let upto = vector(&[("s1", 5), ("s2", 5)]);
        assert_eq!(lows.within(upto), vector(&[("s1", 3), ("s2", 2)]));
    }

    #[test]
    fn who_has_heard_nothing_of_a_stream_holds_all_of_it_back() {
        let mut lows = Lows::default();
        lows.set(1, vector(&[("s1", 3)]));
        lows.set(2, vector(&[("s2", 1)]));
        assert_eq!(lows.within(vector(&[("s1", 5), ("s2", 5)])), Vector::new());
    }

    #[test]
    fn a_cursor_that_says_0_of_a_stream_says_nothing_of_it() {
        let mut lows = Lows::default();
        let upto = vector(&[("s1", 5)]);
        for cursor in [
            vector(&[("s1", 0)]),
            vector(&[("s1", 2)]),
            vector(&[("s1", 0)]),
        ] {
            lows.set(1, cursor);
            assert_eq!(lows.within(upto.clone()), lows.walk(upto.clone()));
        }
        lows.remove(&1);
        assert_eq!(lows, Lows::default());
    }

    #[test]
    fn it_says_what_a_walk_would_whatever_is_set_and_removed() {
        let (mut lows, mut seed) = (Lows::default(), 1_u64);
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..2_000 {
            let whose = random(5);
            if random(4) == 0 {
                lows.remove(&whose);
            } else {
                let numbers = [("s1", random(4)), ("s2", random(4)), ("s3", random(4))];
                let beyond = numbers.into_iter().filter(|(_, number)| *number > 0);
                lows.set(whose, vector(&beyond.collect::<Vec<_>>()));
            }
            let upto = vector(&[("s1", 3), ("s2", 2), ("s3", 1)]);
            assert_eq!(lows.within(upto.clone()), lows.walk(upto));
        }
    }
}

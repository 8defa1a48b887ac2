//! Fingerprints of states, and the table from fingerprint to state id.
//!
//! The table is cut into shards so that growing copies a 256th of it at a time. An entry is 12 bytes, and a shard is
//! between half and three quarters full: 16 to 24 bytes a state, 19 on average.

use std::hash::Hash;
use std::mem;

use ahash::RandomState;

/// No state has this id; it marks a free slot.
const FREE: u32 = u32::MAX;

const SHARDS: usize = 256;

const SMALLEST_SHARD: usize = 16;

/// stateright's own fingerprint function, so that its checkers and ours see the same states as equal.
#[derive(Clone)]
pub(super) struct Fingerprints(RandomState);

impl Fingerprints {
    pub(super) fn new() -> Self {
        Self(RandomState::with_seeds(
            123_456_789_987_654_321,
            98_765_432_123_456_789,
            0,
            0,
        ))
    }

    pub(super) fn of<S: Hash>(&self, state: &S) -> u64 {
        self.0.hash_one(state)
    }
}

/// 12 bytes: a `u64` would align it to 16.
#[derive(Clone, Copy)]
struct Slot {
    low: u32,
    high: u32,
    id: u32,
}

impl Slot {
    fn fingerprint(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// Open addressing in one array, without removal.
#[derive(Default)]
pub(super) struct Shard {
    slots: Vec<Slot>,
    used: usize,
}

impl Shard {
    pub(super) fn get(&self, fingerprint: u64) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.position(fingerprint)];
        (slot.id != FREE).then_some(slot.id)
    }

    /// The id that the fingerprint already has, or `None` after it was given `id`.
    pub(super) fn insert(&mut self, fingerprint: u64, id: u32) -> Option<u32> {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let position = self.position(fingerprint);
        let slot = &mut self.slots[position];
        if slot.id != FREE {
            return Some(slot.id);
        }
        *slot = Slot {
            low: fingerprint as u32,
            high: (fingerprint >> 32) as u32,
            id,
        };
        self.used += 1;
        None
    }

    /// Where the fingerprint is, or the free slot where it belongs.
    fn position(&self, fingerprint: u64) -> usize {
        // Scales the high bits to the length, which needs no power of two; the low bits choose the shard.
        let length = self.slots.len();
        let mut position = ((u128::from(fingerprint) * length as u128) >> 64) as usize;
        loop {
            let slot = self.slots[position];
            if slot.id == FREE || slot.fingerprint() == fingerprint {
                return position;
            }
            position = if position + 1 == length {
                0
            } else {
                position + 1
            };
        }
    }

    fn grow(&mut self) {
        let free = Slot {
            low: 0,
            high: 0,
            id: FREE,
        };
        let length = (self.slots.len() * 3 / 2).max(SMALLEST_SHARD);
        for slot in mem::replace(&mut self.slots, vec![free; length]) {
            if slot.id != FREE {
                let position = self.position(slot.fingerprint());
                self.slots[position] = slot;
            }
        }
    }
}

/// The ids of all states met so far, by fingerprint.
pub(super) struct Table(Vec<Shard>);

impl Table {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }

    pub(super) fn get(&self, fingerprint: u64) -> Option<u32> {
        self.0[fingerprint as usize % SHARDS].get(fingerprint)
    }

    /// The id that the fingerprint already has, or `None` after it was given `id`.
    pub(super) fn insert(&mut self, fingerprint: u64, id: u32) -> Option<u32> {
        self.0[fingerprint as usize % SHARDS].insert(fingerprint, id)
    }

    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.0.iter().map(|shard| shard.slots.len()).sum();
        slots * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_keeps_its_first_id_while_the_table_grows() {
        let mut table = Table::new();
        let fingerprints = Fingerprints::new();
        for id in 0..100_000_u32 {
            assert_eq!(table.insert(fingerprints.of(&id), id), None);
        }
        for id in 0..100_000_u32 {
            assert_eq!(table.insert(fingerprints.of(&id), id + 1), Some(id));
            assert_eq!(table.get(fingerprints.of(&id)), Some(id));
        }
        assert_eq!(table.get(fingerprints.of(&100_000_u32)), None);
    }

    #[test]
    fn fingerprints_at_the_end_of_a_shard_wrap_round() {
        let mut shard = Shard::default();
        for id in 0..8 {
            assert_eq!(shard.insert(u64::MAX - u64::from(id), id), None);
        }
        for id in 0..8 {
            assert_eq!(shard.get(u64::MAX - u64::from(id)), Some(id));
        }
        assert_eq!(shard.get(u64::MAX - 8), None);
    }
}

//! What a check has seen on the way.

use std::collections::{BTreeMap, BTreeSet};

/// Labels that are collected piecewise, in each piece of the graph from nothing, and then put together.
pub trait Coverage: Default + Send {
    /// Adds what was seen elsewhere.
    fn merge(&mut self, other: Self);
}

/// For models without labels.
impl Coverage for () {
    fn merge(&mut self, (): Self) {}
}

/// Which labels were seen.
impl<T: Ord + Send> Coverage for BTreeSet<T> {
    fn merge(&mut self, mut other: Self) {
        self.append(&mut other);
    }
}

/// How often each label was seen.
impl<T: Ord + Send> Coverage for BTreeMap<T, u64> {
    fn merge(&mut self, other: Self) {
        for (label, count) in other {
            *self.entry(label).or_default() += count;
        }
    }
}

//! What has occurred in a world, by label: the messages, refusals, timers and faults that a check has covered.

use std::collections::BTreeSet;

/// A set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Notes that something has occurred.
    pub fn note(&mut self, label: &'static str) {
        self.0.insert(label);
    }

    /// Whether it has.
    pub fn has(&self, label: &str) -> bool {
        self.0.contains(label)
    }

    /// Takes over what another one has seen.
    pub fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// All labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }
}

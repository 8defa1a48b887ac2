//! What has occurred in a world, by label: the messages, refusals, timers and faults that a check has covered.

use std::collections::BTreeSet;

use super::label;

/// A set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Notes that something has occurred.
    pub fn note(&mut self, label: &'static str) {
        let is_listed = label::ALL.contains(&label) || label::NEVER.contains(&label);
        debug_assert!(is_listed, "{label} is not in the list");
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

    /// What can occur in some world, and is not among these.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = label::ALL.iter().copied();
        all.filter(|label| !self.has(label)).collect()
    }

    /// All labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }
}

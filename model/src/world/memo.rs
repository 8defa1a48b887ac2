//! A shared value that remembers its hash, so that a world of which one part changed is hashed by that part alone.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A shared, immutable value with its hash. Its `Hash` is a function of the whole value's derived `Hash`.
pub struct Memo<T>(Arc<Hashed<T>>);

#[derive(Clone)]
struct Hashed<T> {
    hash: u64,
    /// What [`Memo::judge`] has found.
    verdict: OnceLock<bool>,
    value: T,
}

/// The hash that is remembered.
pub(super) fn hash_of(value: &impl Hash) -> u64 {
    ahash::RandomState::with_seeds(1, 2, 3, 4).hash_one(value)
}

impl<T: Hash> Memo<T> {
    /// Shares a value.
    pub fn new(value: T) -> Self {
        let hash = hash_of(&value);
        let verdict = OnceLock::new();
        Self(Arc::new(Hashed {
            hash,
            verdict,
            value,
        }))
    }

    /// Whether the value is as it must be. Whoever shares it is told what was found first: every type has one judge.
    pub fn judge(&self, judge: impl FnOnce(&T) -> bool) -> bool {
        *self.0.verdict.get_or_init(|| judge(&self.0.value))
    }

    /// Changes the value, or a copy of it if others share it, and says what `change` says.
    pub fn alter<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone,
    {
        let this = Arc::make_mut(&mut self.0);
        let result = change(&mut this.value);
        this.hash = hash_of(&this.value);
        this.verdict = OnceLock::new();
        result
    }
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Memo<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Hash for Memo<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl<T: PartialEq> PartialEq for Memo<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash && self.0.value == other.0.value)
    }
}

impl<T: Eq> Eq for Memo<T> {}

impl<T: std::fmt::Debug> std::fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.value.fmt(f)
    }
}

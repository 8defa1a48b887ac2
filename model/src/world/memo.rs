//! A shared value that remembers its hash, so that a world of which one part changed is hashed by that part alone; and not at all where
//! nobody asks.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A shared, immutable value with its hash. Its `Hash` is a function of the whole value's derived `Hash`.
pub struct Memo<T>(Arc<Hashed<T>>);

#[derive(Clone)]
struct Hashed<T> {
    /// Once somebody has asked for it.
    hash: OnceLock<u64>,
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
        let (hash, verdict) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Hashed {
            hash,
            verdict,
            value,
        }))
    }

    fn hash(&self) -> u64 {
        *self.0.hash.get_or_init(|| hash_of(&self.0.value))
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
        this.hash = OnceLock::new();
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

impl<T: Hash> Hash for Memo<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Memo::hash(self));
    }
}

impl<T: PartialEq> PartialEq for Memo<T> {
    fn eq(&self, other: &Self) -> bool {
        let [this, that] = [&self.0, &other.0];
        let may_be = || match (this.hash.get(), that.hash.get()) {
            (Some(this), Some(that)) => this == that,
            (None, _) | (_, None) => true,
        };
        Arc::ptr_eq(this, that) || (may_be() && this.value == that.value)
    }
}

impl<T: Eq> Eq for Memo<T> {}

impl<T: std::fmt::Debug> std::fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.value.fmt(f)
    }
}

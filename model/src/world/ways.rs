//! Ways from server to server: what a cut breaks.

use std::collections::BTreeSet;
use std::fmt;

use imbl::OrdSet;

/// A set of ways from server to server. Most worlds have none cut most of the time, and a copy costs nothing.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Ways(OrdSet<(usize, usize)>);

impl Ways {
    /// Both ways between each server of `one` and each of `other`. Servers count from 1.
    pub fn between(one: &[usize], other: &[usize]) -> Self {
        let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
        pairs.fold(Self::default(), |ways, (a, b)| {
            ways.and(Self::only(a, b)).and(Self::only(b, a))
        })
    }

    /// The one way from a server to another. Servers count from 1.
    pub fn only(from: usize, to: usize) -> Self {
        Self(OrdSet::unit((from - 1, to - 1)))
    }

    /// These ways and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.union(other.0))
    }

    /// Whether the way from a server to another is among them. Indexes count from 0.
    pub fn includes(&self, from: usize, to: usize) -> bool {
        !self.is_empty() && self.0.contains(&(from, to))
    }

    /// Whether all of `other` are among them.
    pub fn include_all(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().map(|(a, b)| (*a.min(b), *a.max(b)));
        let mut separator = "";
        for (one, other) in pairs.collect::<BTreeSet<_>>() {
            let sign = match (self.includes(one, other), self.includes(other, one)) {
                (true, true) => "–",
                (true, false) => "→",
                (false, _) => "←",
            };
            write!(f, "{separator}s{}{sign}s{}", one + 1, other + 1)?;
            separator = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        fmt::Display::fmt(self, f)
    }
}

//! A world, as the checker sees it: its steps, and the properties of the parts that are on.

use super::seen::Seen;
use super::{Action, State, World};
use crate::check::{Checked, Coverage, Law};
use crate::property::{self, Kind};

impl Coverage for Seen {
    fn merge(&mut self, other: Self) {
        self.absorb(other);
    }
}

impl Checked for World {
    type Coverage = Seen;

    fn explore(&self, state: &State, action: Action, seen: &mut Seen) -> Option<State> {
        self.step(state, action, seen)
    }

    fn is_protocol(&self, action: &Action) -> bool {
        action.is_protocol()
    }

    fn safety(&self) -> Vec<Law<Self>> {
        self.laws(Kind::Safety)
    }

    fn convergence(&self) -> Vec<Law<Self>> {
        self.laws(Kind::Convergence)
    }
}

impl World {
    fn laws(&self, kind: Kind) -> Vec<Law<Self>> {
        let on =
            |row: &&property::Property| row.kind == kind && self.setup().parts.contains(&row.part);
        property::ALL
            .iter()
            .filter(on)
            .map(property::Property::law)
            .collect()
    }
}

//! A world, as the checker sees it: its steps, and the properties of the parts that are on.

use super::seen::Seen;
use super::view::View;
use super::{Action, State, World};
use crate::check::{Checked, Coverage, Law};
use crate::property::{self, Kind, Part, Property};

impl Coverage for Seen {
    fn merge(&mut self, other: Self) {
        self.absorb(other);
    }
}

impl Checked for World {
    type Coverage = Seen;
    type View<'a> = View<'a>;

    fn view<'a>(&'a self, state: &'a State) -> View<'a> {
        View::new(self, state)
    }

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
    /// The properties of the parts that are on.
    pub fn properties_on(&self) -> impl Iterator<Item = &'static Property> + '_ {
        property::ALL
            .iter()
            .filter(|property| self.judges(property))
    }

    /// Whether a property is judged here.
    pub fn judges(&self, property: &Property) -> bool {
        let setup = self.setup();
        let is_on = property.part == Part::Node || setup.parts.contains(&property.part);
        // What has converged, all laws of convergence say together.
        let is_meant = |law: &Property| {
            property.name == law.name
                || (property.kind, law.kind) == (Kind::Convergence, Kind::Convergence)
        };
        is_on && setup.law.and_then(property::named).is_none_or(is_meant)
    }

    fn laws(&self, kind: Kind) -> Vec<Law<Self>> {
        let of_kind = self
            .properties_on()
            .filter(|property| property.kind == kind);
        of_kind.map(Property::law).collect()
    }
}

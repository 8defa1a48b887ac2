//! A world as stateright's Explorer shows it to a person: steps in words, differences instead of dumps, and a sequence
//! diagram of the way.

/// A condition of stateright's is a plain function: so there is one for each row of the table of properties.
macro_rules! conditions {
    ($holds:ident) => {
        conditions!($holds:
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
            40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    };
    ($holds:ident: $($row:literal)*) => {
        &[$($holds::<$row>),*]
    };
}

mod relived;

pub use relived::Relived;

use std::fmt;

use stateright::{Model, Path, Property};

use crate::diagram::Diagram;
use crate::narrate::{self, Detail, shape::Shape};
use crate::property::{self, Kind};
use crate::world::view::View;
use crate::world::{Action, State, World};

/// A world with words.
#[derive(Clone, Debug)]
pub struct Explored {
    world: World,
}

/// A state that shows itself briefly.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shown(pub State);

/// An action, and what it does in the state that it was found in.
#[derive(Clone, PartialEq, Eq)]
pub struct Told {
    action: Action,
    what: String,
}

impl Explored {
    /// Prepares a world to be shown.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shape::of(&self.0))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Model for Explored {
    type State = Shown;
    type Action = Told;

    fn init_states(&self) -> Vec<Shown> {
        self.world.init_states().into_iter().map(Shown).collect()
    }

    fn actions(&self, state: &Shown, actions: &mut Vec<Told>) {
        let mut bare = Vec::new();
        self.world.actions(&state.0, &mut bare);
        actions.extend(bare.into_iter().map(|action| Told {
            what: narrate::what(&self.world, &state.0, &action),
            action,
        }));
    }

    fn next_state(&self, state: &Shown, told: Told) -> Option<Shown> {
        self.world.next_state(&state.0, told.action).map(Shown)
    }

    /// The Explorer shows this in place of the state, unless it is asked for the complete one.
    fn format_step(&self, state: &Shown, told: Told) -> Option<String> {
        let after = self.world.next_state(&state.0, told.action.clone())?;
        let step = narrate::step(&self.world, &state.0, &told.action, &after);
        let mut text = step.text(Detail::Changes);
        text.push('\n');
        let view = View::new(&self.world, &after);
        for property in self.world.properties_on() {
            let sign = if (property.holds)(&view) {
                '✓'
            } else {
                '✗'
            };
            text.push_str(&format!("\n{sign} {}", property.name));
        }
        Some(text)
    }

    fn as_svg(&self, path: Path<Shown, Told>) -> Option<String> {
        let mut came_by = None;
        let mut walk = Vec::new();
        for (state, next) in path.into_vec() {
            walk.push((came_by.take(), state.0));
            came_by = next.map(|told| told.action);
        }
        Some(Diagram::of(&self.world, &walk).svg())
    }

    /// Safety as `always`; each law of convergence as `sometimes`, for the Explorer knows no more.
    fn properties(&self) -> Vec<Property<Self>> {
        let on = property::ALL
            .iter()
            .zip(CONDITIONS.iter().copied())
            .filter(|(property, _)| self.world.judges(property));
        on.map(|(property, condition)| match property.kind {
            Kind::Safety => Property::always(property.name, condition),
            Kind::Convergence => Property::sometimes(property.name, condition),
        })
        .collect()
    }
}

type Condition = fn(&Explored, &Shown) -> bool;

/// Whether a row of the table holds.
fn holds<const ROW: usize>(explored: &Explored, shown: &Shown) -> bool {
    let row = property::ALL.get(ROW);
    row.is_none_or(|property| (property.holds)(&View::new(&explored.world, &shown.0)))
}

const CONDITIONS: &[Condition] = conditions!(holds);

// Or a property would be missing in the Explorer.
const _: () = assert!(property::ALL.len() <= CONDITIONS.len());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::narrate::tests::first_steps;
    use crate::scenario;
    use crate::verdict::Case;

    #[test]
    fn the_explorer_walks_the_same_paths_as_the_checker() {
        let scenario = scenario::named("pair-cold").unwrap();
        let world = Case::sound(scenario).world();
        let explored = Explored::new(world.clone());
        let walk = first_steps(&world, 12);
        let mut shown = explored.init_states().remove(0);
        let mut told = Vec::new();
        for (action, _) in &walk[1..] {
            let mut actions = Vec::new();
            explored.actions(&shown, &mut actions);
            let same = |told: &Told| Some(&told.action) == action.as_ref();
            let taken = actions.into_iter().find(same).unwrap();
            shown = explored.next_state(&shown, taken.clone()).unwrap();
            told.push(taken);
        }
        assert_eq!(walk.last().unwrap().1, shown.0);
        let first = explored.init_states().remove(0);
        let path = Path::from_actions(&explored, first, &told).unwrap();
        let diagram = Diagram::of(&world, &walk).svg();
        assert_eq!(explored.as_svg(path), Some(diagram));
    }

    #[test]
    fn every_property_of_a_world_is_in_the_explorer() {
        for scenario in scenario::all() {
            let world = Case::sound(scenario).world();
            let names: Vec<_> = world.properties_on().map(|row| row.name).collect();
            let explored = Explored::new(world);
            let shown: Vec<_> = explored.properties().iter().map(|row| row.name).collect();
            assert_eq!(shown, names);
            let first = explored.init_states().remove(0);
            for (property, row) in explored.properties().iter().zip(&names) {
                let original = property::ALL.iter().find(|its| its.name == *row).unwrap();
                assert_eq!(
                    (property.condition)(&explored, &first),
                    (original.holds)(&View::new(&explored.world, &first.0))
                );
            }
        }
    }
}

//! What must be true, one property a file, each a function of a [`View`].
//! The table of the README is [`ALL`]; the numbers are those of `docs/protocol.md`, Properties.

pub mod as_drawn;
pub mod elder_reigns;
pub mod one_identity;
pub mod one_tree;

use crate::check::Law;
use crate::world::view::View;
use crate::world::{State, World};

/// When a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// In every state.
    Safety,
    /// In every state that a run without further faults ends in.
    Convergence,
}

/// Which part of the protocol a property is about: a scenario checks the parts that are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The tree.
    Tree,
    /// Usernames.
    Registry,
    /// Delivery.
    Delivery,
    /// Load.
    Balance,
}

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Property {
    /// Its number in `docs/protocol.md`.
    pub number: u8,
    /// Its name, as reports show it.
    pub name: &'static str,
    /// When it holds.
    pub kind: Kind,
    /// Which part it is about.
    pub part: Part,
    /// Whether it holds at a moment of a world.
    pub holds: fn(&World, &State) -> bool,
}

impl Property {
    /// The property as a law of a world.
    pub fn law(&self) -> Law<World> {
        Law {
            name: self.name,
            holds: self.holds,
        }
    }
}

/// Every property.
pub const ALL: &[Property] = &[
    Property {
        number: 13,
        name: "one tree",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: |world, state| one_tree::holds(&View::new(world, state)),
    },
    Property {
        number: 14,
        name: "the elder reigns",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: |world, state| elder_reigns::holds(&View::new(world, state)),
    },
    Property {
        number: 14,
        name: "as drawn",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: |world, state| {
            let is_over = state.told == world.setup().story.len();
            let drawn = world.setup().drawn.as_ref().filter(|_| is_over);
            drawn.is_none_or(|drawn| as_drawn::holds(&View::new(world, state), drawn))
        },
    },
    Property {
        number: 17,
        name: "one identity",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: |world, state| one_identity::holds(&View::new(world, state)),
    },
];

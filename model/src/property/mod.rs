//! What must be true, one property a file, each a function of a [`View`].
//! The table of the README is [`ALL`]; the numbers are those of `docs/protocol.md`, Properties.

pub mod as_drawn;
pub mod at_rest;
pub mod buffers_end;
pub mod clocks;
#[cfg(test)]
mod delivery_tests;
pub mod durable_activities;
pub mod durable_success;
pub mod elder_reigns;
pub mod equal_at_rest;
pub mod in_order;
pub mod loser_told;
pub mod no_circling;
pub mod no_creation;
pub mod no_double_success;
pub mod no_duplicate;
pub mod no_gap;
pub mod no_loss;
pub mod no_zombie;
pub mod one_identity;
pub mod one_tree;
pub mod redirects;
pub mod registers_answered;
pub mod unique_usernames;
#[cfg(test)]
mod usernames_tests;
pub mod verdict;

use crate::check::Law;
use crate::world::view::View;
use crate::world::{Faults, State, World};

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
#[derive(Clone, Copy, Debug)]
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
        number: 1,
        name: "unique usernames",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: |world, state| unique_usernames::holds(&View::new(world, state)),
    },
    Property {
        number: 2,
        name: "no double success",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| no_double_success::holds(&View::new(world, state)),
    },
    Property {
        number: 4,
        name: "the loser is told and silenced",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| loser_told::holds(&View::new(world, state)),
    },
    Property {
        number: 4,
        name: "every loser is told",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: |world, state| loser_told::settled(&View::new(world, state)),
    },
    Property {
        number: 5,
        name: "no zombie",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| no_zombie::holds(&View::new(world, state)),
    },
    Property {
        number: 6,
        name: "no reservation outlives its round",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| registers_answered::holds(&View::new(world, state)),
    },
    Property {
        number: 6,
        name: "every REGISTER is answered",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: |world, state| registers_answered::settled(&View::new(world, state)),
    },
    Property {
        number: 7,
        name: "durable success",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| durable_success::holds(&View::new(world, state)),
    },
    Property {
        number: 22,
        name: "clocks don't matter",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: |world, state| clocks::holds(&View::new(world, state)),
    },
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
    Property {
        number: 7,
        name: "acknowledged activities are durable",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| durable_activities::holds(&View::new(world, state)),
    },
    Property {
        number: 7,
        name: "logins are durable",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| durable_activities::sessions(&View::new(world, state)),
    },
    Property {
        number: 8,
        name: "in order",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| in_order::holds(&View::new(world, state)),
    },
    Property {
        number: 9,
        name: "no duplicate",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| no_duplicate::holds(&View::new(world, state)),
    },
    Property {
        number: 10,
        name: "no creation",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| no_creation::holds(&View::new(world, state)),
    },
    Property {
        number: 11,
        name: "delivery comes to rest",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| at_rest::holds(&View::new(world, state)),
    },
    Property {
        number: 11,
        name: "no loss",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| no_loss::holds(&View::new(world, state)),
    },
    Property {
        number: 11,
        name: "no gap without a bound",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| no_gap::holds(&View::new(world, state)),
    },
    Property {
        number: 12,
        name: "buffers end",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| buffers_end::settled(&View::new(world, state)),
    },
    Property {
        number: 12,
        name: "nobody who is here has a mailbox",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| buffers_end::nobody_misplaced(&View::new(world, state)),
    },
    Property {
        number: 12,
        name: "nothing is kept for who has logged out",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| buffers_end::logged_out(&View::new(world, state)),
    },
    Property {
        number: 12,
        name: "buffers are bounded",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| {
            let bound = world
                .setup()
                .servers
                .iter()
                .map(|server| server.delivery.log_max);
            buffers_end::holds(&View::new(world, state), bound.max().unwrap_or(0))
        },
    },
    Property {
        number: 15,
        name: "no message goes round",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |world, state| no_circling::holds(&View::new(world, state)),
    },
    Property {
        number: 19,
        name: "equal at rest",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: |world, state| equal_at_rest::holds(&View::new(world, state)),
    },
    Property {
        number: 18,
        name: "redirects end",
        kind: Kind::Safety,
        part: Part::Balance,
        holds: |world, state| redirects::end(&View::new(world, state)),
    },
    Property {
        number: 18,
        name: "redirects arrive",
        kind: Kind::Convergence,
        part: Part::Balance,
        holds: |world, state| redirects::arrive(&View::new(world, state)),
    },
    Property {
        number: 18,
        name: "redirects spread the load",
        kind: Kind::Convergence,
        part: Part::Balance,
        holds: |world, state| {
            world.setup().faults != Faults::default() || redirects::spread(&View::new(world, state))
        },
    },
];

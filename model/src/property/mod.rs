//! What must be true, one property a file, each a function of a [`View`].
//! The table of the README is [`ALL`]; the numbers are those of `docs/protocol.md`, Properties.

pub mod as_drawn;
pub mod at_rest;
pub mod buffers_end;
pub mod clocks;
#[cfg(test)]
mod coherence_tests;
pub mod coherent;
#[cfg(test)]
mod delivery_tests;
pub mod durable_activities;
pub mod durable_success;
pub mod elder_reigns;
pub mod equal_at_rest;
pub mod everyone_is_back;
pub mod first_on_disk;
pub mod in_order;
pub mod in_turn;
pub mod known_as_said;
pub mod loser_told;
pub mod no_circling;
pub mod no_creation;
pub mod no_double_success;
pub mod no_duplicate;
pub mod no_fork;
pub mod no_gap;
pub mod no_hole;
pub mod no_loss;
pub mod no_zombie;
pub mod nothing_stranded;
pub mod one_identity;
pub mod one_tree;
pub mod rebuke;
pub mod redirects;
pub mod registers_answered;
pub mod retired;
#[cfg(test)]
mod tree_tests;
pub mod unique_usernames;
#[cfg(test)]
mod usernames_tests;
pub mod verdict;

use crate::check::Law;
use crate::world::World;
use crate::world::view::View;

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
    /// What one server remembers, in every scenario.
    Node,
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
    /// Whether it holds.
    pub holds: fn(&View<'_>) -> bool,
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

/// The property of this name.
pub fn named(name: &str) -> Option<&'static Property> {
    ALL.iter().find(|property| property.name == name)
}

/// Every property.
pub const ALL: &[Property] = &[
    Property {
        number: 1,
        name: "unique usernames",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: unique_usernames::holds,
    },
    Property {
        number: 2,
        name: "no double success",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: no_double_success::holds,
    },
    Property {
        number: 4,
        name: "the loser is told and silenced",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: loser_told::holds,
    },
    Property {
        number: 4,
        name: "every loser is told",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: loser_told::settled,
    },
    Property {
        number: 5,
        name: "no zombie",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: no_zombie::holds,
    },
    Property {
        number: 6,
        name: "no reservation outlives its round",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: registers_answered::holds,
    },
    Property {
        number: 6,
        name: "every REGISTER is answered",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: registers_answered::settled,
    },
    Property {
        number: 7,
        name: "durable success",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: durable_success::holds,
    },
    Property {
        number: 21,
        name: "nothing after a refusal",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: rebuke::holds,
    },
    Property {
        number: 21,
        name: "who may not is told and shown out",
        kind: Kind::Convergence,
        part: Part::Registry,
        holds: rebuke::settled,
    },
    Property {
        number: 22,
        name: "clocks don't matter",
        kind: Kind::Safety,
        part: Part::Registry,
        holds: clocks::holds,
    },
    Property {
        number: 23,
        name: "nothing is stranded",
        kind: Kind::Safety,
        part: Part::Tree,
        holds: nothing_stranded::holds,
    },
    Property {
        number: 23,
        name: "who can wait hands over",
        kind: Kind::Safety,
        part: Part::Tree,
        holds: nothing_stranded::hands_over,
    },
    Property {
        number: 13,
        name: "one tree",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: one_tree::holds,
    },
    Property {
        number: 14,
        name: "the elder reigns",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: elder_reigns::holds,
    },
    Property {
        number: 14,
        name: "as drawn",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: |view| view.drawn.is_none_or(|drawn| as_drawn::holds(view, drawn)),
    },
    Property {
        number: 16,
        name: "who was given up is gone, or is back as a new one",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: retired::holds,
    },
    Property {
        number: 17,
        name: "one identity",
        kind: Kind::Convergence,
        part: Part::Tree,
        holds: one_identity::holds,
    },
    Property {
        number: 17,
        name: "who has no twin goes on",
        kind: Kind::Safety,
        part: Part::Tree,
        holds: one_identity::goes_on,
    },
    Property {
        number: 7,
        name: "acknowledged activities are durable",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |view| view.clients_end || durable_activities::holds(view),
    },
    Property {
        number: 7,
        name: "what is let go of everyone has",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: durable_activities::let_go,
    },
    Property {
        number: 7,
        name: "no client forgets in silence",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: durable_activities::kept,
    },
    Property {
        number: 7,
        name: "what was said will be on disk",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: durable_activities::log,
    },
    Property {
        number: 7,
        name: "logins are durable",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: durable_activities::sessions,
    },
    Property {
        number: 7,
        name: "what a server says of itself is on its disk",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: first_on_disk::holds,
    },
    Property {
        number: 8,
        name: "in order",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: in_order::holds,
    },
    Property {
        number: 8,
        name: "no log has holes",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_hole::holds,
    },
    Property {
        number: 9,
        name: "no duplicate",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_duplicate::holds,
    },
    Property {
        number: 9,
        name: "what a server has it knows as said",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: known_as_said::holds,
    },
    Property {
        number: 10,
        name: "no creation",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_creation::holds,
    },
    Property {
        number: 10,
        name: "streams don't fork",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_fork::holds,
    },
    Property {
        number: 11,
        name: "delivery comes to rest",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: at_rest::holds,
    },
    Property {
        number: 11,
        name: "everyone is back",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: everyone_is_back::holds,
    },
    Property {
        number: 11,
        name: "no loss",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: no_loss::holds,
    },
    Property {
        number: 11,
        name: "no gap without a bound",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_gap::holds,
    },
    Property {
        number: 12,
        name: "buffers end",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: buffers_end::settled,
    },
    Property {
        number: 12,
        name: "nobody who is here has a mailbox",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: buffers_end::nobody_misplaced,
    },
    Property {
        number: 12,
        name: "what is on its way is bounded",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: buffers_end::in_flight,
    },
    Property {
        number: 12,
        name: "nobody who is here expires",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: buffers_end::nobody_here_expires,
    },
    Property {
        number: 12,
        name: "no client is known for ever",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: buffers_end::clients_age,
    },
    Property {
        number: 12,
        name: "nothing is kept for who has logged out",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: buffers_end::logged_out,
    },
    Property {
        number: 12,
        name: "nothing is kept for who has lost the name",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: buffers_end::lost,
    },
    Property {
        number: 12,
        name: "buffers are bounded",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: |view| buffers_end::holds(view, view.log_max),
    },
    Property {
        number: 15,
        name: "no message goes round",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: no_circling::holds,
    },
    Property {
        number: 19,
        name: "equal at rest",
        kind: Kind::Convergence,
        part: Part::Delivery,
        holds: equal_at_rest::holds,
    },
    Property {
        number: 18,
        name: "redirects end",
        kind: Kind::Safety,
        part: Part::Balance,
        holds: redirects::end,
    },
    Property {
        number: 18,
        name: "a login is sent on once",
        kind: Kind::Safety,
        part: Part::Balance,
        holds: redirects::once,
    },
    Property {
        number: 18,
        name: "redirects arrive",
        kind: Kind::Convergence,
        part: Part::Balance,
        holds: redirects::arrive,
    },
    Property {
        number: 18,
        name: "redirects spread the load",
        kind: Kind::Convergence,
        part: Part::Balance,
        holds: |view| view.has_faults || view.somebody_dies() || redirects::spread(view),
    },
    Property {
        number: 25,
        name: "who comes back takes its turn",
        kind: Kind::Safety,
        part: Part::Delivery,
        holds: in_turn::holds,
    },
    Property {
        number: 24,
        name: "no server contradicts itself",
        kind: Kind::Safety,
        part: Part::Node,
        holds: coherent::servers,
    },
    Property {
        number: 24,
        name: "every timer of a server is for something",
        kind: Kind::Safety,
        part: Part::Node,
        holds: coherent::timers,
    },
    Property {
        number: 24,
        name: "no client contradicts itself",
        kind: Kind::Safety,
        part: Part::Node,
        holds: coherent::clients,
    },
];

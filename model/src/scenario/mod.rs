//! The named worlds: which parts are on, what may go wrong, how large they are, and what must be reached in them.

pub mod balance;
pub mod connection;
pub mod delivery;
pub mod drain;
pub mod everything;
pub mod registry;
pub mod six;
pub mod tree;
mod users;

use crate::world::Setup;

/// How long a scenario takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// All together under five seconds.
    Smoke,
    /// All together at most ten minutes on two cores.
    Full,
    /// Hours, in less than 20 GB.
    Deep,
    /// Nobody has seen its end: by name alone. What it is narrowed to, by name too, is of the other sizes.
    Vast,
}

/// A named world.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, as `regrow check` takes it.
    pub name: &'static str,
    /// What happens in it.
    pub says: &'static str,
    /// How long it takes.
    pub size: Size,
    /// The world.
    pub setup: fn() -> Setup,
    /// What must occur in it: labels of coverage.
    pub reaches: &'static [&'static str],
}

/// Every scenario, part by part.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    tree::SCENARIOS
        .iter()
        .chain(six::SCENARIOS)
        .chain(connection::SCENARIOS)
        .chain(registry::SCENARIOS)
        .chain(delivery::all())
        .chain(balance::SCENARIOS)
        .chain(drain::SCENARIOS)
        .chain(everything::SCENARIOS)
}

/// The scenario of this name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

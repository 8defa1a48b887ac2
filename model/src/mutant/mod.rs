//! Broken rules, for the checker alone: each mutant changes the table of rules that the servers or the clients of a world keep, and the check
//! must find a counterexample. `Node::new` takes no table.

pub mod balance;
pub mod client;
pub mod connection;
pub mod delivery;
pub mod drain;
pub mod registry;
pub mod tree;

#[cfg(feature = "mutants")]
use crate::node::{Boot, Config, Node, rules};
use crate::world::Setup;

/// A broken variant of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name, as `--mutant` takes it.
    pub name: &'static str,
    /// What it does wrong.
    pub says: &'static str,
    /// A scenario in which the check finds it.
    pub scenario: &'static str,
    /// Breaks the rule.
    pub alter: fn(&mut Setup),
}

#[cfg(feature = "mutants")]
impl Mutant {
    /// A node that breaks the rule and keeps all others, as they serve.
    pub fn node(&self, config: Config, boot: Boot) -> Node {
        let mut setup = Setup::tree(&[0]);
        setup.rules = rules::SOUND;
        (self.alter)(&mut setup);
        Node::with_rules(config, boot, setup.rules)
    }
}

/// Every mutant, part by part.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    tree::MUTANTS
        .iter()
        .chain(connection::MUTANTS)
        .chain(registry::MUTANTS)
        .chain(delivery::MUTANTS)
        .chain(client::MUTANTS)
        .chain(balance::MUTANTS)
        .chain(drain::MUTANTS)
}

/// The mutant of this name.
pub fn named(name: &str) -> Option<&'static Mutant> {
    all().find(|mutant| mutant.name == name)
}

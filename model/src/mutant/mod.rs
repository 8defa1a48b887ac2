//! Broken rules, for the checker alone: each mutant changes one entry of a node's table of rules, and the check
//! must find a counterexample. `Node::new` takes no table.

pub mod tree;

use crate::node::rules::Rules;

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
    pub alter: fn(&mut Rules),
}

/// Every mutant, part by part.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    tree::MUTANTS.iter()
}

/// The mutant of this name.
pub fn named(name: &str) -> Option<&'static Mutant> {
    all().find(|mutant| mutant.name == name)
}

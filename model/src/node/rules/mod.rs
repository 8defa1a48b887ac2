//! Each rule that a mutant can break, one small function: the sound ones. A part asks its table instead of
//! deciding in place, so that the checker can hand a node a broken table; [`Node::new`](super::Node::new) takes none.

pub mod balance;
pub mod connection;
pub mod delivery;
pub mod drain;
pub mod registry;
pub mod tree;

/// The rules that a node keeps.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Of the tree.
    pub tree: tree::Rules,
    /// Of clients' connections.
    pub connection: connection::Rules,
    /// Of usernames.
    pub registry: registry::Rules,
    /// Of delivery.
    pub delivery: delivery::Rules,
    /// Of load.
    pub balance: balance::Rules,
    /// Of leaving.
    pub drain: drain::Rules,
}

/// The protocol's own rules.
pub const SOUND: Rules = Rules {
    tree: tree::SOUND,
    connection: connection::SOUND,
    registry: registry::SOUND,
    delivery: delivery::SOUND,
    balance: balance::SOUND,
    drain: drain::SOUND,
};

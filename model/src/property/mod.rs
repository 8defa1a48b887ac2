//! What must be true, one property a file, each a function of a [`View`](crate::world::view::View).

pub mod elder_reigns;
pub mod one_tree;

//! The rules of delivery (`docs/protocol.md`).

/// The rules of delivery that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {}

/// The protocol's own.
pub const SOUND: Rules = Rules {};

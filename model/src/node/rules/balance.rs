//! The rules of load (`docs/protocol.md`).

/// The rules of load that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {}

/// The protocol's own.
pub const SOUND: Rules = Rules {};

//! The rules of usernames (`docs/protocol.md`).

/// The rules of usernames that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {}

/// The protocol's own.
pub const SOUND: Rules = Rules {};

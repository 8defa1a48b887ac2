//! The rules of clients' connections (`docs/protocol.md`, Connections).

/// The rules of connections that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Is a connection closed behind a refusal?
    pub closes: fn() -> bool,
    /// Does a refusal say why?
    pub says_why: fn() -> bool,
    /// Is who registers logged in from then on?
    pub logs_in: fn() -> bool,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    closes: || true,
    says_why: || true,
    logs_in: || true,
};

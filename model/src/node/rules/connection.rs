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
    /// How much is kept of what is said too early.
    pub limits: Limits,
}

/// How much waits behind a client's REGISTER, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub waiting: usize,
    /// How long they are in all, in bytes of what users say.
    pub waiting_bytes: usize,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    closes: || true,
    says_why: || true,
    logs_in: || true,
    limits: Limits {
        waiting: 64,
        waiting_bytes: 2 << 20,
    },
};

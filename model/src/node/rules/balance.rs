//! The rules of load (`docs/protocol.md`, Load).

use crate::message::server::Load;

/// The rules of load that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Are loads announced at all? A scenario about other things says no: then nobody is redirected.
    pub announces: fn() -> bool,
    /// Is a client that is gone counted no more?
    pub discounts: fn() -> bool,
    /// Given the own load, the client that has just come included, and the lightest other one: is the client sent there?
    pub redirects: fn(u64, u64) -> bool,
    /// Given how often a login has been sent on: may it be sent on?
    pub sends_on: fn(u8) -> bool,
    /// By how much is the load of another server believed to have grown, when a client is sent there?
    pub raises: fn() -> u64,
    /// Is news passed on?
    pub passes_on: fn() -> bool,
    /// Given what a server says of its own load and what it hears that others say of it: does it say again that it is here?
    pub answers: fn(&Load, &Load) -> bool,
    /// Given what is known of a server's load and what is heard: is the latter news?
    pub is_news: fn(Option<&Load>, &Load) -> bool,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    announces: || true,
    discounts: || true,
    redirects: |own, lightest| lightest + 2 <= own,
    sends_on: |before| before == 0,
    raises: || 1,
    passes_on: || true,
    answers: |own, rumour| rumour.is_later_than(own),
    is_news: |known, heard| known.is_none_or(|known| heard.is_later_than(known)),
};

/// Nobody announces a load.
pub const SILENT: Rules = Rules {
    announces: || false,
    ..SOUND
};

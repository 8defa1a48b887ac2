//! The rules of leaving (`docs/protocol.md`, Leaving).

/// The rules of leaving that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Does a server put what it has on disk before it leaves?
    pub saves: fn() -> bool,
    /// Does a server wait, before it leaves, until its neighbours have been sent everything?
    pub waits_for_neighbours: fn() -> bool,
    /// Does a server wait, before it leaves, until somebody is there to hand over to?
    pub waits_for_heir: fn() -> bool,
    /// Is a client that is sent on told where?
    pub says_where: fn() -> bool,
    /// Is a server that leaves no place to send clients to?
    pub is_closed: fn() -> bool,
    /// Does a server that has stopped close what comes up?
    pub turns_away: fn() -> bool,
    /// Is what a neighbour takes over on its disk before it says so?
    pub takes_over_durably: fn() -> bool,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    saves: || true,
    waits_for_neighbours: || true,
    waits_for_heir: || true,
    says_where: || true,
    is_closed: || true,
    turns_away: || true,
    takes_over_durably: || true,
};

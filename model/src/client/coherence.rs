//! What a client's state must agree with, after every step: what it keeps with whom it keeps it for, whom it dials with whom it
//! knows, its timers with what they are for. Property 24.

use std::collections::BTreeSet;

use super::servers::SERVERS_MAX;
use super::{Claim, Config, Greeting, Phase, Stage, State, Timer};
use crate::message::Address;

/// Something in a client's state that contradicts something else in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incoherence {
    /// The servers that it knows.
    #[error("it doesn't know the servers that it was given, or knows one twice")]
    Servers,
    /// Whom it dials, or is connected to.
    #[error("it has to do with a server that it doesn't know")]
    Stranger,
    /// How often it has tried all.
    #[error("it waits longer than it may")]
    Rounds,
    /// Its user.
    #[error(
        "it is connected for nobody, or somebody's client rests, or one that rests will not begin with the first server"
    )]
    Idle,
    /// Whose memory it has.
    #[error("it keeps for one user what another one said and heard")]
    User,
    /// Its numbers.
    #[error(
        "what is acknowledged isn't between what is stable and what was said, or it keeps too much"
    )]
    Numbers,
    /// What its server isn't told of.
    #[error("it has heard more than it may before it says ACTIVITY_GOT")]
    Owes,
    /// What it asks.
    #[error("it doubts a name, and registers it where no LOGIN has been refused")]
    Register,
    /// What it believes.
    #[error("it is logged in and doesn't believe so, or the other way round")]
    Claim,
    /// A timer.
    #[error("a timer runs that is for nothing, or one doesn't that is needed")]
    Timers,
}

/// Whether a client's state agrees with itself, with how it was set up, and with the timers that are set.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub fn check(s: &State, config: &Config, timers: &BTreeSet<Timer>) -> Result<(), Incoherence> {
    servers(s, config)?;
    let is_at_rest = s.servers.candidates.iter().eq(&s.servers.known) && s.servers.rounds == 0;
    let is_idle = s.stage == Stage::Idle;
    let agrees = is_idle == s.identity.is_none() && (is_at_rest || !is_idle);
    ensure(agrees, Incoherence::Idle)?;
    memory(s, config)?;
    believes(s)?;
    let waits = s.stage == Stage::Waiting;
    let owed = match phase(s) {
        Some(Phase::Live { ungot }) => ungot,
        Some(Phase::Registering | Phase::LoggingIn | Phase::Plain) | None => 0,
    };
    let most = config.ungot_max.map_or(1, |most| most.saturating_sub(1));
    ensure(owed <= most, Incoherence::Owes)?;
    let owes = owed > 0;
    let agree = timers.contains(&Timer::Retry) == waits && timers.contains(&Timer::Got) == owes;
    ensure(agree, Incoherence::Timers)
}

fn servers(s: &State, config: &Config) -> Result<(), Incoherence> {
    let servers = &s.servers;
    let known: BTreeSet<&Address> = servers.known.iter().collect();
    let is_known_once = known.len() == servers.known.len();
    let was_given = servers.known.starts_with(&config.servers);
    ensure(is_known_once && was_given, Incoherence::Servers)?;
    let has_room = known.len() < SERVERS_MAX;
    let mut named = servers.candidates.iter().chain(at(s));
    let is_known = !has_room || named.all(|address| known.contains(address));
    ensure(is_known, Incoherence::Stranger)?;
    ensure(
        servers.rounds <= config.timing.backoffs,
        Incoherence::Rounds,
    )
}

fn memory(s: &State, config: &Config) -> Result<(), Incoherence> {
    let user = s.identity.as_ref().map(|identity| &identity.username);
    let is_own = user.is_none() || s.memory.user.as_ref() == user;
    ensure(is_own, Incoherence::User)?;
    let memory = &s.memory;
    let are_in_order = memory.stable <= memory.acked && memory.acked <= memory.last();
    let is_bounded = memory.said.len() <= config.kept_max;
    ensure(are_in_order && is_bounded, Incoherence::Numbers)
}

fn believes(s: &State) -> Result<(), Incoherence> {
    ensure(registers_rightly(s), Incoherence::Register)?;
    let claim = s.identity.as_ref().map(|identity| &identity.claim);
    let agrees = match phase(s) {
        Some(Phase::Registering) => {
            matches!(claim, Some(Claim::Wanted | Claim::Doubtful { .. }))
        }
        Some(Phase::LoggingIn) => !matches!(claim, Some(Claim::Wanted)),
        Some(Phase::Live { .. } | Phase::Plain) => {
            let refused = s.identity.iter().map(|identity| identity.refused.len());
            claim == Some(&Claim::Proved) && refused.sum::<usize>() == 0
        }
        None => true,
    };
    ensure(agrees, Incoherence::Claim)
}

/// Whether it asks by a LOGIN first, on each server, for a name of which it doubts whether it is its user's already.
fn registers_rightly(s: &State) -> bool {
    let claim = s.identity.as_ref().map(|identity| &identity.claim);
    match (phase(s), claim) {
        (Some(Phase::Registering), Some(Claim::Doubtful { refused })) => {
            let refusal = refused.as_ref().map(|(server, what)| (server, *what));
            refusal == at(s).map(|server| (server, Greeting::Login))
        }
        (_, _) => true,
    }
}

fn at(s: &State) -> Option<&Address> {
    match &s.stage {
        Stage::Dialing(address) => Some(address),
        Stage::Connected(connection) => Some(&connection.at),
        Stage::Idle | Stage::Waiting => None,
    }
}

fn phase(s: &State) -> Option<Phase> {
    match &s.stage {
        Stage::Connected(connection) => Some(connection.phase),
        Stage::Idle | Stage::Waiting | Stage::Dialing(_) => None,
    }
}

fn ensure(holds: bool, otherwise: Incoherence) -> Result<(), Incoherence> {
    if holds { Ok(()) } else { Err(otherwise) }
}

//! What a step of a client's must keep to, whatever it was about: how the client comes back when its connection has ended, and
//! what it may not keep from its user. Properties 7 and 25. What each state must agree with is in
//! [`coherence`](crate::client::coherence).

pub(super) mod server;

use std::ops::Range;
use std::time::Duration;

use super::hearing::Fault;
use super::practice::{Reaction, Want};
use crate::client::{
    Ask, Claim, Client, Config, Connection, Phase, Stage, State, Timer, Timing, Told,
};
use crate::message::Address;

/// What a client has done in one step, what it said apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deeds<'a> {
    /// What its user had asked for, if that is what the step was about.
    asked: Option<&'a Ask>,
    /// What it told its user.
    told: &'a [Told],
    /// How long it will wait before it dials, if it has just decided that.
    waits: Option<&'a Range<Duration>>,
}

impl<'a> Deeds<'a> {
    /// What it has done according to its reaction.
    pub(super) fn of(asked: Option<&'a Ask>, reaction: &'a Reaction<Client>) -> Self {
        let waits = reaction.wants.iter().find_map(|want| match want {
            Want::Set(Timer::Retry, after) => Some(after),
            Want::Set(Timer::Got, _) | Want::Unset(_) | Want::Save(_) | Want::Do(_) => None,
        });
        Self {
            asked,
            told: &reaction.told,
            waits,
        }
    }

    fn has_told(&self, what: fn(&Told) -> bool) -> bool {
        self.told.iter().any(what)
    }
}

/// Whether a step of a client that is set up like this, from one state to another, was what it should have been.
///
/// # Errors
/// The first [`Fault`] that is found.
pub(super) fn check(
    before: &State,
    after: &State,
    config: &Config,
    deeds: Deeds<'_>,
) -> Result<(), Fault> {
    ensure(admits_what_is_lost(before, after, deeds), Fault::Forgotten)?;
    ensure(tells_what_is_safe(before, after, deeds), Fault::Untold)?;
    let ending = Ending::of(before, after, deeds);
    let mut waits = deeds.waits.into_iter();
    let is_in_time = waits.all(|waits| ending.may_wait(waits, &config.timing));
    ensure(ending.is_in_turn(after) && is_in_time, Fault::OutOfTurn)
}

/// Whether what it keeps no longer, although that isn't everywhere, is no secret: its user is told of how much, or has just become somebody
/// else, and was told before.
fn admits_what_is_lost(before: &State, after: &State, deeds: Deeds<'_>) -> bool {
    let (was, is) = (&before.memory, &after.memory);
    let becomes_another = match deeds.asked {
        Some(Ask::Register { .. }) => true,
        Some(Ask::Login { .. }) => was.user != is.user,
        Some(Ask::Say(_) | Ask::Move { .. } | Ask::Logout | Ask::Quit) | None => false,
    };
    match deeds.told.iter().find_map(Told::unsaid) {
        Some(unsaid) => unsaid == was.said.len() as u64,
        None => becomes_another || is.last() >= was.last(),
    }
}

/// Whether its user is told how much is acknowledged and stable when it is more than before, and only then.
fn tells_what_is_safe(before: &State, after: &State, deeds: Deeds<'_>) -> bool {
    let (was, is) = (&before.memory, &after.memory);
    let is_more = is.acked > was.acked || is.stable > was.stable;
    let now = Told::Safe {
        acked: is.acked,
        stable: is.stable,
    };
    let mut told = deeds.told.iter();
    let told = told.find(|told| matches!(told, Told::Safe { .. }));
    told == is_more.then_some(&now)
}

/// How a connection has ended whose client will dial again by itself.
#[derive(Clone, Copy, Debug)]
enum Ending<'a> {
    /// It was logged in, and broke.
    Lost(&'a Address),
    /// The server has shown it out, or refused it.
    ShownOut(&'a Address),
    /// The server has refused it, and shall be asked something else.
    Unsure(&'a Address),
    /// None has, or not so that it mattered who was at the other end.
    Other,
}

impl<'a> Ending<'a> {
    fn of(before: &'a State, after: &State, deeds: Deeds<'_>) -> Self {
        let Stage::Connected(Connection { at, phase, .. }) = &before.stage else {
            return Self::Other;
        };
        if after.stage != Stage::Waiting {
            return Self::Other;
        }
        let claim = after.identity.as_ref().map(|identity| &identity.claim);
        let is_unsure = matches!(claim, Some(Claim::Doubtful { refused: Some(_) }));
        let is_refused = deeds.has_told(|told| matches!(told, Told::Refused { .. }));
        let is_told_why =
            deeds.has_told(|told| matches!(told, Told::Disconnected { info: Some(_), .. }));
        if is_refused && is_unsure {
            Self::Unsure(at)
        } else if is_refused || is_told_why {
            Self::ShownOut(at)
        } else if matches!(phase, Phase::Live { .. } | Phase::Plain) {
            Self::Lost(at)
        } else {
            Self::Other
        }
    }

    /// Whether whom it has lost comes first, and who has shown it out comes last.
    fn is_in_turn(self, after: &State) -> bool {
        let (known, next) = (&after.servers.known, &after.servers.candidates);
        let all_follow =
            next.len() == known.len() && known.iter().all(|server| next.contains(server));
        match self {
            Self::Lost(at) => all_follow && next.front() == Some(at),
            Self::ShownOut(at) => all_follow && next.back() == Some(at),
            Self::Unsure(at) => next.front() == Some(at),
            Self::Other => true,
        }
    }

    /// Whether it may wait for so long: neither for less than its profile says nor for more than that, doubled as often as may be; no
    /// longer than it must if it was cut off, and longer if it was shown out.
    fn may_wait(self, waits: &Range<Duration>, timing: &Timing) -> bool {
        let (retry, most) = (&timing.retry, timing.retry.end * (1 << timing.backoffs));
        let is_within = retry.start <= waits.start && retry.end <= waits.end && waits.end <= most;
        let is_fair = match self {
            Self::Lost(_) => waits == retry,
            Self::ShownOut(_) => timing.backoffs == 0 || retry.start < waits.start,
            Self::Unsure(_) | Self::Other => true,
        };
        is_within && is_fair
    }
}

fn ensure(holds: bool, otherwise: Fault) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests;

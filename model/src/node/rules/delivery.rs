//! The rules of delivery (`docs/protocol.md`, Delivery).

use crate::message::client::Vector;
use crate::message::server::{Phase, Sender, Session, Version};
use crate::message::{Incarnation, ServerName, Stream};
use crate::node::delivery::exchange::{Behind, Next};
use crate::node::delivery::home::if_last;
use crate::node::delivery::log::Log;
use crate::node::delivery::vector;

/// The rules of delivery that a mutant can break.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What a server's incarnation numbers what its own clients say in.
    pub stream: fn(&ServerName, Incarnation) -> Stream,
    /// Given up to where a sender has been heard and the number of what it says now: is that taken in?
    pub admits: fn(u64, u64) -> bool,
    /// Given the same: has it been said before?
    pub is_repeat: fn(u64, u64) -> bool,
    /// Given what a sender has said and how much of it everyone has: what may its client forget?
    pub stable: fn(u64, u64) -> u64,
    /// Is what a client says on disk before it is acknowledged?
    pub ack_is_durable: fn() -> bool,
    /// Given a log and what a neighbour has of it: which message is it sent next, and where does what follows begin?
    pub replay: fn(&Log, &Behind) -> Option<Next>,
    /// Does what a neighbour lacks wait for its credit?
    pub waits_for_credit: fn() -> bool,
    /// Does a neighbour get credit for what it has sent?
    pub grants: fn() -> bool,
    /// Is a client that is not known believed up to where it has said what is here?
    pub takes_word: fn() -> bool,
    /// How much is sent at once.
    pub limits: Limits,
    /// What a SKIP says of the senders.
    pub skip_said: fn(&mut Vec<(Sender, u64)>),
    /// Do the parts of a SKIP count only together?
    pub skip_is_whole: fn() -> bool,
    /// Does a floor wait until what it speaks of is on disk?
    pub floor_is_durable: fn() -> bool,
    /// Does what nobody has saved of the log reach the disk although the floor doesn't rise?
    pub log_is_saved_soon: fn() -> bool,
    /// Does a neighbour that catches up on what a server says of itself, its floor and its sessions, wait until that is on disk?
    pub catches_up_durably: fn() -> bool,
    /// Given up to where a server's log is complete, and up to where everyone who is live there has heard that: its floor.
    pub floor: fn(&Vector, Vector) -> Vector,
    /// Do floors go before the sessions that the neighbour lacks?
    pub floors_go_first: fn() -> bool,
    /// Does the oldest go where a log is past one of its bounds?
    pub log_ends: fn() -> bool,
    /// Given up to where nobody needs anything any more, and up to where something has been forgotten: is the log looked through? What a
    /// SKIP has passed over is still there below.
    pub forgets: fn(&Vector, &Vector) -> bool,
    /// Do the live sessions of a server that isn't counted keep what it lacks?
    pub pins_for_the_dead: fn() -> bool,
    /// Does an expired mailbox keep what it hasn't heard?
    pub pins_for_the_expired: fn() -> bool,
    /// Given the phase of a session and whether its home is counted: is its user away, so that its age counts?
    pub ages: fn(Phase, bool) -> bool,
    /// Does the age of a session begin anew where its user is?
    pub spares_present: fn() -> bool,
    /// Of how many messages that a login has missed is it told, if it is?
    pub tells_missed: fn(u64) -> Option<u64>,
    /// Is a client that catches up told of what is gone before it is told what may have been said after that?
    pub gaps_precede: fn() -> bool,
    /// Does a client's cursor pass over what will never come only once the client has heard so?
    pub gap_waits: fn() -> bool,
    /// Does LOGIN_SUCCESS wait until the session is on disk?
    pub login_is_durable: fn() -> bool,
    /// Where a login begins, given the client's own cursor, that of its record and what the log has.
    pub login_cursor: fn(Option<&Vector>, Option<&Vector>, &Vector) -> Vector,
    /// Given the counter of a user's last login, and whether the next one stays where it is or is sent on at once: the next one's.
    pub counter: fn(u64, bool) -> u64,
    /// Given how often a login has been sent on, this time included: what its record says of that from its beginning.
    pub says_sent_on: fn(u8) -> u8,
    /// Given how often the login was sent on after which a session is asserted anew: what is said of that one.
    pub stays_sent_on: fn(u8) -> u8,
    /// The phase of a session that has heard up to a cursor, on a server with this floor.
    pub phase: fn(&Vector, &Vector) -> Phase,
    /// Given the version of a login whose client is gone and its user's last session: what is left, if anything is.
    pub leaves: fn(&Version, Session) -> Option<Session>,
    /// Given what has become of the record of a session that lives here: is it asserted anew?
    pub reasserts: fn(Phase) -> bool,
    /// Does a session end for good whose user is away, and has lost the name?
    pub ends_lost: fn() -> bool,
    /// Does a login end older sessions of its user?
    pub login_ends_older: fn() -> bool,
    /// Given a session that a restart has ended and the server's floor: up to where has its user heard?
    pub after_restart: fn(&Session, &Vector) -> Vector,
    /// Does a client that can't be forgotten yet age anew?
    pub ages_anew: fn() -> bool,
    /// Has a legacy client heard what was written to it, acknowledged by its kernel or not?
    pub written_is_heard: fn() -> bool,
}

/// How much is sent at once, at most. Part of the version of the wire: both ends of an edge count alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions in one SESSIONS.
    pub chunk_sessions: usize,
    /// Senders in one part of a SKIP.
    pub chunk_senders: usize,
    /// SESSIONS, SKIP and ACTIVITY_BROADCAST on their way to one neighbour; `None`: any number, and nobody counts.
    pub window_lines: Option<u32>,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    stream: |server, incarnation| Stream {
        server: server.clone(),
        incarnation,
    },
    admits: |said, k| k <= said.saturating_add(1),
    is_repeat: |said, k| k <= said,
    stable: |_, everywhere| everywhere,
    ack_is_durable: || true,
    replay,
    waits_for_credit: || true,
    grants: || true,
    takes_word: || true,
    ages_anew: || true,
    limits: Limits {
        chunk_sessions: 16,
        chunk_senders: 1_024,
        window_lines: Some(4_096),
    },
    skip_said: |_| {},
    skip_is_whole: || true,
    floor_is_durable: || true,
    log_is_saved_soon: || true,
    catches_up_durably: || true,
    floor: |_, heard| heard,
    floors_go_first: || false,
    log_ends: || true,
    forgets: |_, _| true,
    pins_for_the_dead: || true,
    pins_for_the_expired: || false,
    ages,
    spares_present: || true,
    tells_missed: Some,
    gaps_precede: || true,
    gap_waits: || true,
    login_is_durable: || true,
    login_cursor: |own, record, have| own.or(record).unwrap_or(have).clone(),
    counter,
    says_sent_on: |sent_on| sent_on,
    stays_sent_on: |sent_on| sent_on,
    phase,
    leaves: if_last,
    reasserts: |phase| matches!(phase, Phase::Left | Phase::Expired),
    ends_lost: || true,
    login_ends_older: || false,
    after_restart,
    written_is_heard: || false,
};

/// Links whose lines nobody counts: worlds that are small are smaller without.
pub const UNWINDOWED: Rules = Rules {
    limits: Limits {
        window_lines: None,
        ..SOUND.limits
    },
    ..SOUND
};

/// In the order of arrival.
fn replay(log: &Log, behind: &Behind) -> Option<Next> {
    let mut rest = log.entries.range(behind.from..);
    let (place, entry) = rest.find(|(_, entry)| !entry.message.is_in(&behind.have))?;
    Some((*place, entry.message.clone()))
}

/// Even where a login stays, odd where it is sent on: of two that come after the same one, the one that stays is later.
fn counter(last: u64, stays: bool) -> u64 {
    if stays {
        (last | 1) + 1
    } else {
        (last + 1) | 1
    }
}

/// Who is connected somewhere doesn't age, however slowly it reads: that its server is still there shows that it is too.
fn ages(phase: Phase, home_is_counted: bool) -> bool {
    match phase {
        Phase::Left => true,
        Phase::CatchingUp | Phase::Live => !home_is_counted,
        Phase::Expired | Phase::Out => false,
    }
}

fn phase(cursor: &Vector, floor: &Vector) -> Phase {
    if vector::covers(cursor, floor) {
        Phase::Live
    } else {
        Phase::CatchingUp
    }
}

/// The floor spoke for those that were live, and for no others.
fn after_restart(session: &Session, floor: &Vector) -> Vector {
    match session.phase {
        Phase::Live => vector::join(&session.cursor, floor),
        Phase::CatchingUp | Phase::Left | Phase::Expired | Phase::Out => session.cursor.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::SOUND;

    #[test]
    fn a_client_that_says_it_has_said_the_largest_number_can_offer_that_again() {
        assert!((SOUND.admits)(u64::MAX, u64::MAX));
        assert!((SOUND.is_repeat)(u64::MAX, u64::MAX));
    }
}

//! Delivery, broken.

use std::cmp::Reverse;

use super::Mutant;
use crate::message::Stream;
use crate::message::server::{Phase, Session, Version};
use crate::node::delivery::vector;

/// Every mutant of delivery.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "floors-before-sessions",
        says: "a floor is told before the sessions that it presupposes",
        scenario: "mailbox-moves",
        alter: |setup| setup.rules.delivery.floors_go_first = || true,
    },
    Mutant {
        name: "disconnect-raises-counter",
        says: "a disconnect counts as a later login",
        scenario: "logout-at-the-root",
        alter: |setup| {
            setup.rules.delivery.leaves = |login, last| {
                let counter = last.version.counter + 1;
                let home = login.home.clone();
                Some(Session {
                    version: Version { counter, home },
                    phase: Phase::CatchingUp,
                    ..last
                })
            };
        },
    },
    Mutant {
        name: "no-reassertion",
        says: "a session that is left elsewhere isn't asserted where it lives",
        scenario: "two-devices",
        alter: |setup| setup.rules.delivery.reasserts = |_| false,
    },
    Mutant {
        name: "floor-of-the-log",
        says: "a floor is what the log has, whatever the clients have heard",
        scenario: "listener-s-server-dies",
        alter: |setup| setup.rules.delivery.floor = |have, _| have.clone(),
    },
    Mutant {
        name: "no-catching-up",
        says: "a session is live at once, wherever it begins",
        scenario: "mailbox-dies-again",
        alter: |setup| setup.rules.delivery.phase = |_, _| Phase::Live,
    },
    Mutant {
        name: "restart-raises-all",
        says: "a restart takes everyone who was here to have heard up to the floor",
        scenario: "mailbox-and-crash",
        alter: |setup| {
            setup.rules.delivery.after_restart =
                |session, floor| vector::join(&session.cursor, floor);
        },
    },
    Mutant {
        name: "reassertion-after-logout",
        says: "a session that has been logged out of is asserted anew",
        scenario: "logout-elsewhere",
        alter: |setup| {
            setup.rules.delivery.reasserts = |phase| phase >= Phase::Left;
        },
    },
    Mutant {
        name: "newest-login-kills",
        says: "a login ends older sessions of its user",
        scenario: "two-devices",
        alter: |setup| setup.rules.delivery.login_ends_older = || true,
    },
    Mutant {
        name: "any-k",
        says: "what a client says is taken in although something before it is missing",
        scenario: "uncounted-speaker-patient",
        alter: |setup| setup.rules.delivery.admits = |_, _| true,
    },
    Mutant {
        name: "forgotten-at-acknowledgement",
        says: "a client forgets what it said once one server has it",
        scenario: "speaker-s-server-dies",
        alter: |setup| {
            setup.rules.delivery.stable = |said, _| said;
            setup.law = Some("what is let go of everyone has");
        },
    },
    Mutant {
        name: "acknowledged-before-durable",
        says: "what a client says is acknowledged, and saved some time later",
        scenario: "crash-alone",
        alter: |setup| {
            setup.law = Some("acknowledged activities are durable");
            setup.rules.delivery.ack_is_durable = || false;
        },
    },
    Mutant {
        name: "dedupe-by-stream",
        says: "a repeat is recognised by its number in a stream, not by its sender's",
        scenario: "speaker-moves-on",
        alter: |setup| {
            setup.rules.delivery.is_repeat = |_, _| false;
            setup.law = Some("no duplicate");
        },
    },
    Mutant {
        name: "replay-by-stream",
        says: "a neighbour gets what it lacks stream by stream",
        scenario: "says-on-after-a-crash-patient",
        alter: |setup| {
            setup.rules.delivery.replay = |log, behind| {
                let entries = log.entries.values().map(|entry| &entry.message);
                let lacking = entries.filter(|message| !message.is_in(&behind.have));
                let next =
                    lacking.max_by_key(|message| (&message.stream, Reverse(message.number)))?;
                Some((behind.from, next.clone()))
            };
        },
    },
    Mutant {
        name: "says-the-same-again",
        says: "a neighbour is sent the first message that it lacked, again and again",
        scenario: "message-over-a-cut",
        alter: |setup| {
            setup.law = Some("no message goes round");
            setup.rules.delivery.limits.window_lines = Some(2);
            setup.rules.delivery.replay = |log, behind| {
                let (_, entry) = log.entries.range(behind.from..).next()?;
                Some((behind.from, entry.message.clone()))
            };
        },
    },
    Mutant {
        name: "old-incarnation",
        says: "a restart goes on with the stream of the start before",
        scenario: "returns-after-a-crash",
        alter: |setup| {
            setup.rules.delivery.stream = |server, mut incarnation| {
                incarnation.number = 0;
                incarnation.nonce = 0;
                Stream {
                    server: server.clone(),
                    incarnation,
                }
            };
        },
    },
    Mutant {
        name: "floor-before-durable",
        says: "a floor is told before what it speaks of is on disk",
        scenario: "another-copy-after-a-crash",
        alter: |setup| setup.rules.delivery.floor_is_durable = || false,
    },
    Mutant {
        name: "caught-up-before-durable",
        says: "a new link is told of sessions and floors of the server itself that are not on disk yet",
        scenario: "crash-after-a-heal-patient",
        alter: |setup| setup.rules.delivery.catches_up_durably = || false,
    },
    Mutant {
        name: "log-stays-in-memory",
        says: "what nobody saved of the log waits for the floor to rise",
        scenario: "listener-crash",
        alter: |setup| setup.rules.delivery.log_is_saved_soon = || false,
    },
    Mutant {
        name: "login-before-durable",
        says: "LOGIN_SUCCESS doesn't wait for the session to be on disk",
        scenario: "login-crash",
        alter: |setup| setup.rules.delivery.login_is_durable = || false,
    },
    Mutant {
        name: "skip-without-said",
        says: "a SKIP doesn't say what the senders had said",
        scenario: "skipped-unheard",
        alter: |setup| setup.rules.delivery.skip_said = Vec::clear,
    },
    Mutant {
        name: "half-a-skip",
        says: "a server skips what it is told to before it has heard what all senders had said there",
        scenario: "skipped-in-parts-patient",
        alter: |setup| setup.rules.delivery.skip_is_whole = || false,
    },
    Mutant {
        name: "passed-is-kept",
        says: "what a server still has of what it was told to skip is kept for ever",
        scenario: "skipped-once-patient",
        alter: |setup| setup.rules.delivery.forgets = |upto, base| !vector::covers(base, upto),
    },
    Mutant {
        name: "skip-is-heard",
        says: "who is told to skip something is taken to have heard all up to there",
        scenario: "skip-over-unheard-patient",
        alter: |setup| setup.rules.delivery.gap_waits = || false,
    },
    Mutant {
        name: "exclusion-drops-sessions",
        says: "with a server that isn't waited for, its users aren't either",
        scenario: "uncounted",
        alter: |setup| {
            setup.rules.delivery.pins_for_the_dead = || false;
            setup.law = Some("no gap without a bound");
        },
    },
    Mutant {
        name: "larger-cursor",
        says: "a login begins at the larger of its client's own cursor and its user's record",
        scenario: "device-moves",
        alter: |setup| {
            setup.rules.delivery.login_cursor = |own, record, have| match (own, record) {
                (Some(own), Some(record)) => vector::join(own, record),
                (Some(cursor), None) | (None, Some(cursor)) => cursor.clone(),
                (None, None) => have.clone(),
            };
        },
    },
    Mutant {
        name: "expires-silently",
        says: "who returns after its mailbox has expired isn't told what it missed",
        scenario: "mailbox-expires",
        alter: |setup| setup.rules.delivery.tells_missed = |_| None,
    },
    Mutant {
        name: "live-expires",
        says: "the age of a session counts although its user is here",
        scenario: "mailbox-expires",
        alter: |setup| {
            setup.rules.delivery.ages = |phase, _| phase <= Phase::Left;
            setup.rules.delivery.spares_present = || false;
            setup.law = Some("nobody who is here expires");
        },
    },
    Mutant {
        name: "present-expires",
        says: "the age of a session whose home isn't counted ends it although its user is here",
        scenario: "two-devices-uncounted-patient",
        alter: |setup| setup.rules.delivery.spares_present = || false,
    },
    Mutant {
        name: "expired-is-kept",
        says: "what an expired mailbox hasn't heard is kept",
        scenario: "mailbox-expires",
        alter: |setup| {
            setup.rules.delivery.pins_for_the_expired = || true;
            setup.law = Some("buffers end");
        },
    },
    Mutant {
        name: "expired-not-reasserted",
        says: "a session that has expired elsewhere isn't asserted where it lives",
        scenario: "two-devices-expire",
        alter: |setup| setup.rules.delivery.reasserts = |phase| phase == Phase::Left,
    },
    Mutant {
        name: "clients-not-believed",
        says: "a client whose numbers have been forgotten isn't believed how far it was",
        scenario: "client-expires",
        alter: |setup| setup.rules.delivery.takes_word = || false,
    },
    Mutant {
        name: "no-credit-needed",
        says: "what a neighbour lacks is sent without waiting for its credit",
        scenario: "narrow-link",
        alter: |setup| setup.rules.delivery.waits_for_credit = || false,
    },
    Mutant {
        name: "no-credit-given",
        says: "a neighbour gets no credit for what it has sent",
        scenario: "narrow-link",
        alter: |setup| setup.rules.delivery.grants = || false,
    },
    Mutant {
        name: "written-is-heard",
        says: "a legacy client has heard what was written to it",
        scenario: "legacy-returns",
        alter: |setup| setup.rules.delivery.written_is_heard = || true,
    },
    Mutant {
        name: "endless-log",
        says: "a log that is full takes more",
        scenario: "log-full",
        alter: |setup| setup.rules.delivery.log_ends = || false,
    },
    Mutant {
        name: "one-more-is-lost",
        says: "a login is told of one more than it has missed",
        scenario: "log-full",
        alter: |setup| setup.rules.delivery.tells_missed = |missed| Some(missed + 1),
    },
    Mutant {
        name: "gaps-come-last",
        says: "a client that catches up is told at the end what is gone",
        scenario: "log-full-of-another-start",
        alter: |setup| {
            setup.rules.delivery.gaps_precede = || false;
            setup.law = Some("in order");
        },
    },
    Mutant {
        name: "kept-for-losers",
        says: "a session is kept although its user has lost the name",
        scenario: "one-name-over-a-cut",
        alter: |setup| setup.rules.delivery.ends_lost = || false,
    },
    Mutant {
        name: "known-for-ever",
        says: "a client that can't be forgotten when its time is over never is",
        scenario: "client-expires",
        alter: |setup| setup.rules.delivery.ages_anew = || false,
    },
];

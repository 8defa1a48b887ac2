//! What the checker calls the things that occur: the words that coverage counts.

use std::ops::Range;
use std::time::Duration;

use super::conduct::server;
use super::practice::OfServer;
use crate::client::{self, Told};
use crate::message::client::Info;
use crate::message::{Line, Peer, Reply, Request};
use crate::node::delivery::Report as Delivery;
use crate::node::registry::import::{NotTaken, Taken};
use crate::node::tree::{Refusal, Report as Tree, Timing};
use crate::node::{Halt, Report, Timer};

/// Every label: each of these must occur somewhere.
pub(crate) const ALL: &[&str] = &[
    "REGISTER",
    "LOGIN",
    "LOGOUT",
    "ACTIVITY_MESSAGE",
    "ACTIVITY_GOT",
    "INVALID_MESSAGE of a client",
    "LOGIN_SUCCESS",
    "LOGIN_FAILED",
    "REDIRECT",
    "REGISTER_SUCCESS",
    "REGISTER_FAILED",
    "ACTIVITY_BROADCAST",
    "INVALID_MESSAGE",
    "AUTHENTICATION_FAIL",
    "ACTIVITY_ACK",
    "GAP",
    "AUTHENTICATE",
    "AUTHENTICATION_FAIL of a server",
    "PATH",
    "KNOWN",
    "FORGET",
    "HELLO",
    "record ahead of its stream",
    "name brought along",
    "name brought along in vain",
    "name beyond all time",
    "LOCK_REQUEST",
    "LOCK_ALLOWED",
    "LOCK_DENIED",
    "LOCK_RELEASE",
    "DIRECTORY",
    "DIRECTORY_CREDIT",
    "ACTIVITY_BROADCAST of a server",
    "SKIP",
    "SESSIONS",
    "FLOORS",
    "DELIVERY_CREDIT",
    "RETIRED",
    "SERVER_ANNOUNCE",
    "LEAVE",
    "LEFT",
    "malformed",
    "why: wrong secret",
    "why: unknown user",
    "why: name taken",
    "why: name lost",
    "why: nobody can own anonymous",
    "why: too many registering",
    "why: malformed",
    "why: already logged in",
    "why: not authenticated",
    "why: not expected",
    "why: too many waiting",
    "why: not resuming",
    "why: number skipped",
    "why: not logged in",
    "why: other user",
    "why: incorrect secret",
    "why: incorrect server secret",
    "why: mailbox full",
    "why: mailbox expired",
    "why: server forgotten",
    "why: client forgotten",
    "Retry",
    "Probe",
    "Floor",
    "Patience",
    "Age",
    "Announce",
    "Renew",
    "Drain",
    "backs off",
    "load forgotten",
    "joined",
    "parent lost",
    "parent left",
    "child accepted",
    "child lost",
    "join refused: wrong secret",
    "join refused: stale",
    "join refused: retired",
    "join refused: my name",
    "join refused: not elder",
    "secret refused",
    "nonsense",
    "gap",
    "slow reader cut off",
    "server uncounted",
    "mailbox expired",
    "client expired",
    "halted",
    "handed over",
    "left without handing over",
    "client's Retry",
    "client's Got",
    "told: registered",
    "told: logged in",
    "told: refused",
    "told: name lost",
    "told: heard",
    "told: gap",
    "told: safe",
    "told: redirected",
    "told: disconnected",
    "told: unreachable",
    "told: left",
    "told: declined",
    "guest asks",
    "guest heckles",
    "guest returns",
    "guest leaves",
    "loser told",
    "loser refused at login",
    "two owners of one name",
    "cut",
    "heal",
    "crash",
    "restart",
    "lost disk",
    "server blurts",
    "server given up",
    "drain",
    "received",
    "link down",
    "unreachable",
    "sync",
    "client dies",
    "client starts again",
    "in vain: KNOWN",
    "in vain: SESSIONS",
    "in vain: FLOORS",
    "in vain: SERVER_ANNOUNCE",
    "in vain: ACTIVITY_BROADCAST",
    "in vain: DIRECTORY",
    "in vain: DIRECTORY_CREDIT",
    "in vain: LOCK_REQUEST",
    "in vain: RETIRED",
];

/// Labels that no scenario may come across: steps that a server may not take ([`server::Step::amiss`]), lines and timers that are never in
/// vain ([`in_vain`]).
pub(crate) const NEVER: &[&str] = &[
    server::OLD_VERSION,
    server::SENT_ON_TOO_EARLY,
    server::TOLD_TOO_LATE,
    server::LEFT_TOO_EARLY,
    server::SAID_TO_NOBODY,
    server::JOINED_NO_BETTER,
    "in vain: a timer",
    "in vain: PATH",
    "in vain: HELLO",
    "in vain: SKIP",
    "in vain: DELIVERY_CREDIT",
    "in vain: FORGET",
    "in vain: LEAVE",
    "in vain: LEFT",
];

/// Whether this may occur only where a scenario names it: servers that keep to the protocol make sense to each other, say nothing in
/// vain, and take no step that they may not.
pub(crate) fn wants_naming(label: &str) -> bool {
    label == "nonsense" || label.starts_with("in vain") || NEVER.contains(&label)
}

/// What it is called if nothing but credit comes of something that happens to a server: it changes nothing there, and causes nothing.
/// Nothing for what is so by nature: an answer of a round that is over, a join of a start that is, the dial of a server that has become a neighbour meanwhile.
/// What clients say isn't judged.
pub(super) fn in_vain(cause: &OfServer) -> Option<&'static str> {
    match cause {
        OfServer::Timer(Timer::Retry | Timer::Probe) | OfServer::Input(_) => None,
        OfServer::Timer(
            Timer::Floor
            | Timer::Patience
            | Timer::Age
            | Timer::Announce
            | Timer::Renew
            | Timer::Drain,
        ) => Some("in vain: a timer"),
        OfServer::Line { line, .. } => match &**line {
            Line::Peer(peer) => match peer {
                Peer::Authenticate(_)
                | Peer::AuthenticationFail { .. }
                | Peer::LockAllowed(_)
                | Peer::LockDenied(_)
                | Peer::LockRelease(_) => None,
                Peer::Known { .. } => Some("in vain: KNOWN"),
                Peer::Sessions(_) => Some("in vain: SESSIONS"),
                Peer::Floors { .. } => Some("in vain: FLOORS"),
                Peer::ServerAnnounce { .. } => Some("in vain: SERVER_ANNOUNCE"),
                Peer::Directory(_) => Some("in vain: DIRECTORY"),
                Peer::DirectoryCredit { .. } => Some("in vain: DIRECTORY_CREDIT"),
                Peer::ActivityBroadcast(_) => Some("in vain: ACTIVITY_BROADCAST"),
                Peer::LockRequest(_) => Some("in vain: LOCK_REQUEST"),
                Peer::Path { .. } => Some("in vain: PATH"),
                Peer::Hello(_) => Some("in vain: HELLO"),
                Peer::Retired { .. } => Some("in vain: RETIRED"),
                Peer::Skip(_) => Some("in vain: SKIP"),
                Peer::DeliveryCredit { .. } => Some("in vain: DELIVERY_CREDIT"),
                Peer::Forget { .. } => Some("in vain: FORGET"),
                Peer::Leave => Some("in vain: LEAVE"),
                Peer::Left => Some("in vain: LEFT"),
            },
            Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => None,
        },
    }
}

/// A line: its command.
pub(crate) fn line(line: &Line) -> &'static str {
    match line {
        Line::Request(request) => match request.as_ref() {
            Request::Register { .. } => "REGISTER",
            Request::Login { .. } => "LOGIN",
            Request::Logout => "LOGOUT",
            Request::Activity { .. } => "ACTIVITY_MESSAGE",
            Request::Got { .. } => "ACTIVITY_GOT",
            Request::Invalid { .. } => "INVALID_MESSAGE of a client",
        },
        Line::Reply(reply) => match reply {
            Reply::LoginSuccess { .. } => "LOGIN_SUCCESS",
            Reply::LoginFailed { .. } => "LOGIN_FAILED",
            Reply::Redirect { .. } => "REDIRECT",
            Reply::RegisterSuccess { .. } => "REGISTER_SUCCESS",
            Reply::RegisterFailed { .. } => "REGISTER_FAILED",
            Reply::Broadcast { .. } => "ACTIVITY_BROADCAST",
            Reply::Invalid { .. } => "INVALID_MESSAGE",
            Reply::AuthenticationFail { .. } => "AUTHENTICATION_FAIL",
            Reply::Ack { .. } => "ACTIVITY_ACK",
            Reply::Gap { .. } => "GAP",
        },
        Line::Peer(peer) => match peer {
            Peer::Authenticate(_) => "AUTHENTICATE",
            Peer::AuthenticationFail { .. } => "AUTHENTICATION_FAIL of a server",
            Peer::Path { .. } => "PATH",
            Peer::Known { .. } => "KNOWN",
            Peer::Forget { .. } => "FORGET",
            Peer::Retired { .. } => "RETIRED",
            Peer::Hello(_) => "HELLO",
            Peer::LockRequest(_) => "LOCK_REQUEST",
            Peer::LockAllowed(_) => "LOCK_ALLOWED",
            Peer::LockDenied(_) => "LOCK_DENIED",
            Peer::LockRelease(_) => "LOCK_RELEASE",
            Peer::Directory(_) => "DIRECTORY",
            Peer::DirectoryCredit { .. } => "DIRECTORY_CREDIT",
            Peer::ActivityBroadcast(_) => "ACTIVITY_BROADCAST of a server",
            Peer::Skip(_) => "SKIP",
            Peer::Sessions(_) => "SESSIONS",
            Peer::DeliveryCredit { .. } => "DELIVERY_CREDIT",
            Peer::Floors { .. } => "FLOORS",
            Peer::ServerAnnounce { .. } => "SERVER_ANNOUNCE",
            Peer::Leave => "LEAVE",
            Peer::Left => "LEFT",
        },
        Line::Malformed(_) => "malformed",
    }
}

/// Why something was refused, or will never be heard; nothing for what isn't.
pub(super) fn why(line: &Line) -> Option<&'static str> {
    match line {
        Line::Reply(reply) => match reply {
            Reply::LoginFailed { info }
            | Reply::RegisterFailed { info }
            | Reply::Invalid { info }
            | Reply::AuthenticationFail { info }
            | Reply::Gap { info, .. } => reason(info),
            Reply::LoginSuccess { .. }
            | Reply::Redirect { .. }
            | Reply::RegisterSuccess { .. }
            | Reply::Broadcast { .. }
            | Reply::Ack { .. } => None,
        },
        Line::Peer(Peer::AuthenticationFail { info }) => reason(info),
        Line::Peer(_) | Line::Request(_) | Line::Malformed(_) => None,
    }
}

/// What is remarkable about a line; nothing about most.
pub(super) fn aside(line: &Line) -> Option<&'static str> {
    match line {
        Line::Peer(Peer::Directory(changes)) if changes.after == changes.upto => {
            Some("record ahead of its stream")
        }
        Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => None,
    }
}

/// What became of a name that an operator brought along.
pub(super) fn taken(taken: Result<Taken, NotTaken>) -> &'static str {
    match taken {
        Ok(Taken::New) => "name brought along",
        Ok(Taken::Kept) => "name brought along in vain",
        Err(NotTaken::TooLate) => "name beyond all time",
        Err(NotTaken::Anonymous) => "why: nobody can own anonymous",
    }
}

fn reason(info: &Info) -> Option<&'static str> {
    let why = match info {
        Info::LoggedIn(_) | Info::Registered(_) | Info::Text(_) => return None,
        Info::WrongSecret => "why: wrong secret",
        Info::UnknownUser(_) => "why: unknown user",
        Info::NameTaken(_) => "why: name taken",
        Info::NameLost(_) => "why: name lost",
        Info::AnonymousName => "why: nobody can own anonymous",
        Info::TooManyRegistering => "why: too many registering",
        // What a decoder finds is one to the actor; the decoder's own tests tell them apart.
        Info::LineTooLong { .. }
        | Info::TooLong { .. }
        | Info::NotJson
        | Info::NotAnObject
        | Info::NoCommand
        | Info::UnknownCommand(_)
        | Info::Missing(_)
        | Info::WrongType(_)
        | Info::WrongFields
        | Info::OtherVersion => "why: malformed",
        Info::AlreadyLoggedIn => "why: already logged in",
        Info::NotAuthenticated => "why: not authenticated",
        Info::NotExpected => "why: not expected",
        Info::TooManyWaiting => "why: too many waiting",
        Info::NotResuming => "why: not resuming",
        Info::NumberSkipped => "why: number skipped",
        Info::NotLoggedIn => "why: not logged in",
        Info::OtherUser => "why: other user",
        Info::IncorrectSecret => "why: incorrect secret",
        Info::IncorrectServerSecret => "why: incorrect server secret",
        Info::MailboxFull => "why: mailbox full",
        Info::MailboxExpired => "why: mailbox expired",
        Info::ServerForgotten => "why: server forgotten",
        Info::ClientForgotten => "why: client forgotten",
    };
    Some(why)
}

/// A timer.
pub(crate) fn timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Retry => "Retry",
        Timer::Probe => "Probe",
        Timer::Floor => "Floor",
        Timer::Patience => "Patience",
        Timer::Age => "Age",
        Timer::Announce => "Announce",
        Timer::Renew => "Renew",
        Timer::Drain => "Drain",
    }
}

/// An orphan that has tried everyone in vain waits longer than at first.
pub(super) fn backing_off(
    timer: Timer,
    after: &Range<Duration>,
    timing: &Timing,
) -> Option<&'static str> {
    let is_longer = after.start > timing.retry.start && after.end > timing.retry.end;
    (timer == Timer::Retry && is_longer).then_some("backs off")
}

/// What a server reports, refusals apart.
pub(crate) fn report(report: &Report) -> &'static str {
    match report {
        Report::Tree(report) => match report {
            Tree::Joined { .. } => "joined",
            Tree::Orphaned { lost: true, .. } => "parent lost",
            Tree::Orphaned { lost: false, .. } => "parent left",
            Tree::Accepted { .. } => "child accepted",
            Tree::Bereft { .. } => "child lost",
            Tree::Refused { why, .. } => match why {
                Refusal::WrongSecret => "join refused: wrong secret",
                Refusal::Stale => "join refused: stale",
                Refusal::Retired => "join refused: retired",
                Refusal::MyName => "join refused: my name",
                Refusal::NotElder => "join refused: not elder",
            },
            Tree::SecretRefused => "secret refused",
            Tree::Nonsense => "nonsense",
        },
        Report::Delivery(report) => match report {
            Delivery::Gap { .. } => "gap",
            Delivery::TooSlow => "slow reader cut off",
            Delivery::Uncounted { .. } => "server uncounted",
            Delivery::MailboxesExpired { .. } => "mailbox expired",
            Delivery::ClientsExpired { .. } => "client expired",
        },
        Report::Halted(Halt::Drained { handed_over: true }) => "handed over",
        Report::Halted(Halt::Drained { handed_over: false }) => "left without handing over",
        Report::Halted(Halt::Superseded { .. } | Halt::Retired) => "halted",
    }
}

/// A client's timer.
pub(crate) fn client_timer(timer: client::Timer) -> &'static str {
    match timer {
        client::Timer::Retry => "client's Retry",
        client::Timer::Got => "client's Got",
    }
}

/// What a user is told.
pub(super) fn told(told: &Told) -> &'static str {
    match told {
        Told::Registered { .. } => "told: registered",
        Told::LoggedIn { .. } => "told: logged in",
        Told::Refused { .. } => "told: refused",
        Told::NameLost { .. } => "told: name lost",
        Told::Heard { .. } => "told: heard",
        Told::Gap { .. } => "told: gap",
        Told::Safe { .. } => "told: safe",
        Told::Redirected { .. } => "told: redirected",
        Told::Disconnected { .. } => "told: disconnected",
        Told::Unreachable { .. } => "told: unreachable",
        Told::Left { .. } => "told: left",
        Told::Declined(_) => "told: declined",
    }
}

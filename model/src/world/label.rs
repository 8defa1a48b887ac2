//! What the checker calls the things that occur: the words that coverage counts.

use crate::client::{self, Told};
use crate::message::{Line, Peer, Reply, Request};
use crate::node::delivery::Report as Delivery;
use crate::node::tree::{Refusal, Report as Tree};
use crate::node::{Report, Timer};

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
            Peer::Floors { .. } => "FLOORS",
            Peer::ServerAnnounce { .. } => "SERVER_ANNOUNCE",
        },
        Line::Malformed(_) => "malformed",
    }
}

/// A timer.
pub(crate) fn timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Retry => "Retry",
        Timer::Probe => "Probe",
        Timer::Floor => "Floor",
        Timer::Patience => "Patience",
        Timer::Announce => "Announce",
        Timer::Renew => "Renew",
    }
}

/// What a server reports, refusals apart.
pub(super) fn report(report: &Report) -> &'static str {
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
        },
        Report::Halted(_) => "halted",
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

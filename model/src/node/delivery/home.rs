//! The sessions whose home is here (`docs/protocol.md`, Delivery: Sessions): they begin, go live, leave and are asserted anew.
//! Only a login and a re-assertion raise a version; a disconnect and a restart never do, so a late one can't undo a
//! login elsewhere.

use std::collections::BTreeSet;

use super::super::connection;
use super::super::{State, Step};
use super::receiver::{self, Held};
use super::session::Index;
use super::{exchange, floor, forget, own_stream, vector};
use crate::message::Registration;
use crate::message::client::Vector;
use crate::message::server::{Phase, Session, Version};
use crate::port::Link;

/// Where a session that begins is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Whether it stays here.
    pub(super) stays: bool,
    /// How often its user has been sent on since it last stayed somewhere, this time included.
    pub(super) sent_on: u8,
}

impl Place {
    /// Here.
    pub(super) const HERE: Self = Self {
        stays: true,
        sent_on: 0,
    };

    /// Here, or on from here, of a login that has been sent on so often.
    pub(super) fn of_login(stays: bool, sent_on: u8) -> Self {
        match stays {
            true => Self::HERE,
            false => Self {
                stays,
                sent_on: sent_on.saturating_add(1),
            },
        }
    }
}

/// A start: whoever was here is not here any more.
pub fn start(s: &mut State, step: &mut Step<'_>) {
    s.delivery.index = Index::of(&s.durable.delivery.book);
    let sessions = s.durable.delivery.book.sessions.clone();
    // Before anything is reviewed: what mailboxes keep is known from here on.
    forget::start(s, step);
    for registration in sessions.keys() {
        end_stale(s, registration, step);
    }
    // What the start before had forgotten, and not yet on its disk: no later news would come of it.
    forget::review(s, step);
    floor::expect(s, step);
}

pub(super) fn is_here(phase: Phase) -> bool {
    match phase {
        Phase::CatchingUp | Phase::Live => true,
        Phase::Left | Phase::Expired | Phase::Out => false,
    }
}

/// Up to where a user is known to have heard: while it is live, its home's floor speaks for it.
pub fn cursor_of(s: &State, registration: &Registration) -> Option<Vector> {
    let session = s.durable.delivery.book.sessions.get(registration)?;
    match session.phase {
        Phase::Out => None,
        Phase::CatchingUp | Phase::Left | Phase::Expired => Some(session.cursor.clone()),
        Phase::Live => {
            let floors = &s.durable.delivery.floors;
            let floor = floors.get(&session.version.home.server);
            let cursor = floor.map(|floor| vector::join(&session.cursor, floor));
            Some(cursor.unwrap_or_else(|| session.cursor.clone()))
        }
    }
}

/// A session begins here. Unless it stays, its client will be sent on at once, and its record says so: then what it becomes elsewhere is
/// later.
pub(super) fn begin(
    s: &mut State,
    link: Link,
    registration: Registration,
    Place { stays, sent_on }: Place,
    cursor: Vector,
    step: &mut Step<'_>,
) {
    let home = own_stream(s, step);
    let sessions = &s.durable.delivery.book.sessions;
    let counter = sessions
        .get(&registration)
        .map_or(0, |session| session.version.counter);
    let counter = (step.rules.delivery.counter)(counter, stays);
    let version = Version { counter, home };
    let phase = (step.rules.delivery.phase)(&cursor, &own_floor(s));
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    receiver.session = Some(Held {
        registration: registration.clone(),
        version: version.clone(),
        phase,
        sent_on,
    });
    let client = receiver.client.clone();
    receiver::track(s, link);
    let present = s.delivery.present.entry(registration.clone()).or_default();
    present.insert(link);
    let session = Session {
        version,
        phase,
        client,
        cursor,
        changes: Vector::new(),
        sent_on: (step.rules.delivery.says_sent_on)(sent_on),
    };
    change(s, &registration, session, step);
    react(s, &registration, step);
}

fn own_floor(s: &State) -> Vector {
    let floors = &s.durable.delivery.floors;
    floors.get(&s.id().name).cloned().unwrap_or_default()
}

/// A session that is catching up may have reached this server's floor.
pub(super) fn rise(s: &mut State, link: Link, step: &mut Step<'_>) {
    let floor = own_floor(s);
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    let Some(held) = &mut receiver.session else {
        return;
    };
    if held.phase == Phase::Live
        || (step.rules.delivery.phase)(&receiver.cursor, &floor) != Phase::Live
    {
        return;
    }
    held.phase = Phase::Live;
    let (held, cursor) = (held.clone(), receiver.cursor.clone());
    receiver::track(s, link);
    turn(s, &held, Phase::Live, cursor, if_last, step);
}

/// Two registrations of one name turned out to be one user's, who goes on under `won`.
pub fn on_united(s: &mut State, lost: &Registration, won: &Registration, step: &mut Step<'_>) {
    let links = s.delivery.present.remove(lost).unwrap_or_default();
    if let Some(session) = s.durable.delivery.book.sessions.get(lost).cloned() {
        end(s, lost, session, (Phase::Out, Vector::new()), step);
    }
    for link in links {
        let cursor = s
            .delivery
            .receivers
            .get(&link)
            .map(|receiver| receiver.cursor.clone());
        begin(
            s,
            link,
            won.clone(),
            Place::HERE,
            cursor.unwrap_or_default(),
            step,
        );
    }
}

/// Its user's last session, if a login is still that one's.
pub(in super::super) fn if_last(login: &Version, last: Session) -> Option<Session> {
    (*login == last.version).then_some(last)
}

/// The session of this login enters another phase.
pub(super) fn turn(
    s: &mut State,
    held: &Held,
    phase: Phase,
    cursor: Vector,
    of_login: fn(&Version, Session) -> Option<Session>,
    step: &mut Step<'_>,
) {
    let sessions = &s.durable.delivery.book.sessions;
    if let Some(session) = sessions.get(&held.registration).cloned()
        && let Some(session) = of_login(&held.version, session)
        && session.phase < phase
    {
        let session = Session {
            phase,
            cursor,
            sent_on: held.sent_on,
            ..session
        };
        change(s, &held.registration, session, step);
    }
}

/// The sessions of many users who are away enter another phase, with up to where each had heard: on disk first, then to
/// the neighbours, all at once.
pub(super) fn turn_all(s: &mut State, users: &[Registration], phase: Phase, step: &mut Step<'_>) {
    if users.is_empty() {
        return;
    }
    let own = own_stream(s, step);
    for registration in users {
        let cursor = cursor_of(s, registration).unwrap_or_default();
        let sessions = &s.durable.delivery.book.sessions;
        let Some(session) = sessions.get(registration).cloned() else {
            continue;
        };
        let session = Session {
            phase,
            cursor,
            ..session
        };
        let book = &mut s.durable.delivery.book;
        book.change(&mut s.delivery.index, &own, registration, session);
        forget::on_session(s, registration, step);
    }
    step.save(&s.durable);
    exchange::flood_sessions(s, &own, step);
}

/// Changes a session: on disk first, then to the neighbours.
fn change(s: &mut State, registration: &Registration, session: Session, step: &mut Step<'_>) {
    let own = own_stream(s, step);
    let book = &mut s.durable.delivery.book;
    book.change(&mut s.delivery.index, &own, registration, session);
    forget::on_session(s, registration, step);
    if (step.rules.delivery.login_is_durable)() {
        step.save(&s.durable);
    }
    exchange::flood_sessions(s, &own, step);
    forget::review(s, step);
}

/// What a server does when a session has become something else: ends it if it says that its user is here and it is not, and for good
/// if nobody can log in to it any more; asserts it anew if it says that its user is gone and it is here, closes what a logout has ended.
pub fn react(s: &mut State, registration: &Registration, step: &mut Step<'_>) {
    end_stale(s, registration, step);
    end_lost(s, registration, step);
    let Some(session) = s.durable.delivery.book.sessions.get(registration).cloned() else {
        return;
    };
    let rules = &step.rules.delivery;
    let links = s
        .delivery
        .present
        .get(registration)
        .cloned()
        .unwrap_or_default();
    if (rules.reasserts)(session.phase)
        && let Some(link) = links.last()
        && let Some(receiver) = s.delivery.receivers.get(link)
    {
        let cursor = receiver.cursor.clone();
        // Another client of its user may be on its way from server to server, and is to stay at last.
        let here = Place {
            sent_on: (rules.stays_sent_on)(session.sent_on),
            ..Place::HERE
        };
        return begin(s, *link, registration.clone(), here, cursor, step);
    }
    if session.phase == Phase::Out || (rules.login_ends_older)() {
        close_older(s, &links, &session.version, step);
    }
}

/// A session whose user is said to be here, but isn't: a former start of this server, or one with another disk, began it.
fn end_stale(s: &mut State, registration: &Registration, step: &mut Step<'_>) {
    let Some(session) = s.durable.delivery.book.sessions.get(registration).cloned() else {
        return;
    };
    if session.version.home.server != s.id().name || !is_here(session.phase) {
        return;
    }
    let links = s.delivery.present.get(registration);
    let mut receivers = links
        .into_iter()
        .flatten()
        .filter_map(|link| s.delivery.receivers.get(link));
    let held = receivers.any(|receiver| {
        let held = receiver.session.as_ref();
        held.is_some_and(|held| held.version == session.version)
    });
    if !held {
        let cursor = (step.rules.delivery.after_restart)(&session, &own_floor(s));
        end(s, registration, session, (Phase::Left, cursor), step);
    }
}

/// A session whose user is away, and has lost the name: nobody can come back to it.
fn end_lost(s: &mut State, registration: &Registration, step: &mut Step<'_>) {
    let Some(session) = s.durable.delivery.book.sessions.get(registration).cloned() else {
        return;
    };
    let is_away = matches!(session.phase, Phase::Left | Phase::Expired);
    let is_lost = s.durable.registry.has_lost(registration);
    if is_away && is_lost && (step.rules.delivery.ends_lost)() {
        end(s, registration, session, (Phase::Out, Vector::new()), step);
    }
}

/// A session ends in its own version: in this phase, its user having heard up to this cursor.
fn end(
    s: &mut State,
    registration: &Registration,
    session: Session,
    (phase, cursor): (Phase, Vector),
    step: &mut Step<'_>,
) {
    let session = Session {
        phase,
        cursor,
        ..session
    };
    change(s, registration, session, step);
}

fn close_older(s: &mut State, links: &BTreeSet<Link>, version: &Version, step: &mut Step<'_>) {
    for link in links {
        let session = s
            .delivery
            .receivers
            .get(link)
            .and_then(|receiver| receiver.session.as_ref());
        if session.is_some_and(|held| held.version < *version) {
            connection::leave(s, *link, step);
        }
    }
}

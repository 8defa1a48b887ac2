//! LOGIN, LOGOUT and what a connection's end means for its session (`docs/protocol.md`, Delivery: Sessions).

use super::super::connection::Standing;
use super::super::{Role, State, Step};
use super::home::Place;
use super::receiver::{self, Behind, Receiver};

use super::{age, floor, home, speaker, vector};
use crate::message::client::{Info, Resume, Resumed, Vector};
use crate::message::server::Phase;
use crate::message::{Address, Registration, Reply, Username};
use crate::port::Link;

/// How many other servers a client is told of, at most.
const SERVERS_TOLD_MAX: usize = 32;

/// LOGIN of a client whose standing is set: who it is has been proved. Answers with LOGIN_SUCCESS. Unless it stays here, it will
/// be sent on at once.
pub fn on_login(
    s: &mut State,
    link: Link,
    resume: Option<Resume>,
    stays: bool,
    step: &mut Step<'_>,
) {
    if let (Some(resume), Some((username, _))) = (&resume, speaker::speaker(s, link)) {
        age::take_word(s, username, resume, step);
    }
    let username = match standing(s, link) {
        Some(Standing::Anonymous) => {
            let have = &s.durable.delivery.log.have;
            let (client, own) = match resume {
                Some(resume) => (Some(resume.client), resume.cursor.unwrap_or_default()),
                None => (None, Vector::new()),
            };
            let mut receiver = Receiver::new(client, vector::join(have, &own), 0);
            receiver.ahead = vector::beyond(&own, have);
            s.delivery.receivers.entry(link).or_insert(receiver);
            Username::anonymous()
        }
        Some(Standing::User {
            username,
            registration,
            ..
        }) => {
            on_user(s, link, (registration, stays), resume, step);
            username
        }
        Some(Standing::Stranger | Standing::Registering) | None => return,
    };
    let servers = other_servers(s);
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    receiver.lines += 1;
    let resumed = receiver.client.is_some().then(|| {
        let cursor = receiver.cursor.clone();
        Box::new(Resumed { servers, cursor })
    });
    let info = Info::LoggedIn(username);
    step.reply(link, Reply::LoginSuccess { info, resumed });
    receiver::fill(s, link, step);
    home::rise(s, link, step);
    floor::expect(s, step);
}

/// A REGISTER has succeeded, and its client is logged in silently: it hears what comes, and has no session before its
/// first LOGIN or ACTIVITY_MESSAGE.
pub fn on_registered(s: &mut State, link: Link) {
    let have = s.durable.delivery.log.have.clone();
    s.delivery
        .receivers
        .insert(link, Receiver::new(None, have, 1));
}

fn standing(s: &State, link: Link) -> Option<Standing> {
    match s.links.get(&link) {
        Some(Role::Client(connection)) => Some(connection.standing.clone()),
        Some(Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving)
        | None => None,
    }
}

fn other_servers(s: &State) -> Vec<Address> {
    let known = &s.durable.tree.known;
    let others = known.iter().filter(|(name, _)| **name != s.id().name);
    let addresses = others.map(|(_, server)| server.address.clone());
    addresses.take(SERVERS_TOLD_MAX).collect()
}

/// LOGIN of a user, and whether it stays.
fn on_user(
    s: &mut State,
    link: Link,
    (registration, stays): (Registration, bool),
    resume: Option<Resume>,
    step: &mut Step<'_>,
) {
    let last = s.durable.delivery.book.sessions.get(&registration);
    let place = Place::of_login(stays, last.map_or(0, |last| last.sent_on));
    if let Some(receiver) = s.delivery.receivers.get_mut(&link) {
        if let Some(held) = &mut receiver.session {
            held.sent_on = Place::of_login(stays, held.sent_on).sent_on;
            return;
        }
        if resume.is_none() {
            let cursor = receiver.cursor.clone();
            return home::begin(s, link, registration, place, cursor, step);
        }
    }
    let lines = s
        .delivery
        .receivers
        .get(&link)
        .map_or(0, |receiver| receiver.lines);
    let (client, own) = match resume {
        Some(resume) => (Some(resume.client), resume.cursor),
        None => (None, None),
    };
    let log = &s.durable.delivery.log;
    let known = home::cursor_of(s, &registration);
    let cursor = (step.rules.delivery.login_cursor)(own.as_ref(), known.as_ref(), &log.have);
    let mut receiver = Receiver::new(client, cursor.clone(), lines);
    let why = why_missed(s, &registration);
    let behind = Behind::new(log.first_after(&cursor), cursor.clone(), log, why);
    receiver.behind = Some(Box::new(behind));
    receiver.ahead = vector::beyond(&cursor, &log.have);
    s.delivery.receivers.insert(link, receiver);
    home::begin(s, link, registration, place, cursor, step);
}

/// How often the login of the client on this link has been sent on, as far as it is known here.
pub fn sent_on(s: &State, link: Link) -> u8 {
    let receiver = s.delivery.receivers.get(&link);
    if let Some(held) = receiver.and_then(|receiver| receiver.session.as_ref()) {
        return held.sent_on;
    }
    let Some(Standing::User { registration, .. }) = standing(s, link) else {
        return 0;
    };
    let sessions = &s.durable.delivery.book.sessions;
    sessions
        .get(&registration)
        .map_or(0, |session| session.sent_on)
}

/// Why somebody who logs in has missed what was forgotten.
fn why_missed(s: &State, registration: &Registration) -> Info {
    let session = s.durable.delivery.book.sessions.get(registration);
    match session.map(|session| session.phase) {
        Some(Phase::Expired) => Info::MailboxExpired,
        Some(Phase::CatchingUp | Phase::Live | Phase::Left) => {
            let known = home::cursor_of(s, registration).unwrap_or_default();
            if vector::covers(&known, &s.durable.delivery.log.base) {
                Info::ClientForgotten
            } else {
                Info::MailboxFull
            }
        }
        Some(Phase::Out) | None => Info::ClientForgotten,
    }
}

/// LOGOUT: the session ends for good, and so do older ones of its user.
pub fn on_logout(s: &mut State, link: Link, step: &mut Step<'_>) {
    if let Some(Receiver {
        session: Some(held),
        ..
    }) = take(s, link)
    {
        home::turn(s, &held, Phase::Out, Vector::new(), home::if_last, step);
        home::react(s, &held.registration, step);
        floor::expect(s, step);
    }
}

/// A client's link is gone, or is being closed by this server.
pub fn on_client_down(s: &mut State, link: Link, step: &mut Step<'_>) {
    let Some(receiver) = take(s, link) else {
        return;
    };
    if let Some(held) = receiver.session {
        let leaves = step.rules.delivery.leaves;
        home::turn(s, &held, Phase::Left, receiver.cursor, leaves, step);
        home::react(s, &held.registration, step);
    }
    floor::expect(s, step);
}

fn take(s: &mut State, link: Link) -> Option<Receiver> {
    speaker::wait_for(s, link, None);
    let receiver = s.delivery.receivers.remove(&link)?;
    receiver::track(s, link);
    if let Some(held) = &receiver.session
        && let Some(links) = s.delivery.present.get_mut(&held.registration)
    {
        links.remove(&link);
        if links.is_empty() {
            s.delivery.present.remove(&held.registration);
        }
    }
    Some(receiver)
}

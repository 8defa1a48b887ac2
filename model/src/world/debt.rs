//! What is owed to each user: what reached a server where it was, or was known. Ghosts of the world, like what it has heard
//! ([`hearing`](super::hearing)).

use super::user::User;
use super::{State, World};
use crate::message::Registration;
use crate::message::client::{Secret, Vector};
use crate::message::server::{Message, Phase};
use crate::node::delivery::{home, vector};
use crate::node::{self, registry};

/// What servers have taken in during a step is owed to all who were there, or known there, before it.
pub(super) fn owe(world: &World, before: &State, after: &mut State) {
    for server in 0..after.servers.len() {
        if before.servers[server] == after.servers[server] {
            continue;
        }
        let (Some(was), Some(is)) = (
            &before.servers[server].process,
            &after.servers[server].process,
        ) else {
            continue;
        };
        let (was, is) = (was.state.clone(), is.state.clone());
        for (user, wants) in world.setup.users.iter().enumerate() {
            if is_new(&was, &is, wants, after) {
                write_off(world, user, &was.durable.delivery.log.have, after);
            }
        }
        let log = &is.durable.delivery.log;
        let new: Vec<_> = log.entries.range(was.durable.delivery.log.next..).collect();
        for (_, entry) in new.into_iter().filter(|(_, entry)| !entry.repeat) {
            let sayings = world.sayings.iter();
            let mut sayings = sayings.filter(|saying| saying.activity == entry.message.activity);
            let Some(saying) = sayings.next() else {
                continue;
            };
            for (user, wants) in world.setup.users.iter().enumerate() {
                let echoes = world.setup.servers[server].delivery.echoes;
                let hears = user != saying.speaker || echoes;
                let owed_after = owed_after(&was, wants, &entry.message);
                let is_new_to = |cursor: &Vector| !was_said_before(after, &entry.message, cursor);
                let is_owed = owed_after.is_some_and(|cursor| is_new_to(&cursor))
                    && is_new_to(&after.users[user].hearing.new_after);
                if hears && after.users[user].logged_in && is_owed {
                    let seat = &mut after.users[user];
                    seat.alter(|seat| seat.hearing.of[saying.speaker].due.insert(saying.index));
                }
            }
        }
    }
}

/// Whether a user has just become new to a server: it logs in there, the server doesn't know its session, and another one has one.
fn is_new(was: &node::State, is: &node::State, user: &User, state: &State) -> bool {
    let Some(registration) = registration(is, user) else {
        return false;
    };
    let knows = |durable: &node::Durable| {
        let sessions = &durable.delivery.book.sessions;
        sessions.contains_key(&registration)
    };
    let begins = || {
        let session = is.durable.delivery.book.sessions.get(&registration);
        session.is_some_and(|session| {
            let have = &was.durable.delivery.log.have;
            session.version.home.server == is.id().name && vector::covers(&session.cursor, have)
        })
    };
    let known_elsewhere = || {
        let mut servers = state.servers.iter();
        servers.any(|it| {
            let process = it.process.as_ref().filter(|it| it.state.id() != is.id());
            process.is_some_and(|it| knows(&it.state.durable))
        })
    };
    !knows(&was.durable) && begins() && known_elsewhere()
}

/// What a server has is not owed to a user who is new to it.
fn write_off(world: &World, user: usize, have: &Vector, after: &mut State) {
    let processes = after.servers.iter().filter_map(|it| it.process.as_ref());
    let entries = processes.flat_map(|it| it.state.durable.delivery.log.entries.values());
    let old = entries.filter(|entry| entry.message.is_in(have));
    let old: Vec<_> = old
        .filter_map(|entry| {
            let mut sayings = world.sayings.iter();
            sayings.find(|saying| saying.activity == entry.message.activity)
        })
        .collect();
    let seat = &mut after.users[user];
    seat.alter(|seat| {
        seat.hearing.new_after = vector::join(&seat.hearing.new_after, have);
        for saying in old {
            let due = &mut seat.hearing.of[saying.speaker].due;
            *due = due.without(std::iter::once(saying.index).collect());
        }
    });
}

fn registration(server: &node::State, user: &User) -> Option<Registration> {
    let (name, secret) = user.name()?;
    let Some(Secret::Hashed(secret)) = secret else {
        return None;
    };
    registry::verify(server, name, secret).ok()
}

/// If a server must see to it that a user hears a message: up to where it knows the user to have heard.
fn owed_after(server: &node::State, user: &User, message: &Message) -> Option<Vector> {
    let registration = registration(server, user)?;
    let book = &server.durable.delivery.book;
    let session = book.sessions.get(&registration)?;
    if let Phase::Expired | Phase::Out = session.phase {
        return None;
    }
    home::cursor_of(server, &registration).filter(|cursor| !message.is_in(cursor))
}

/// Whether the same words lie behind this cursor in another place: their speaker has offered them again, to a server that didn't know
/// them. Who logged in after they had been said is not owed them for that. What was owed once, stays so.
fn was_said_before(state: &State, message: &Message, cursor: &Vector) -> bool {
    let processes = state.servers.iter().filter_map(|it| it.process.as_ref());
    let mut entries = processes.flat_map(|it| it.state.durable.delivery.log.entries.values());
    entries.any(|it| it.message.activity == message.activity && it.message.is_in(cursor))
}

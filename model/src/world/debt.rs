//! What is owed to each user: what reached a server where it was, or was known. Ghosts of the world, like what it has heard
//! ([`hearing`](super::hearing)).

use std::collections::BTreeSet;

use super::user::{Name, User};
use super::{State, World};
use crate::message::Registration;
use crate::message::client::{Secret, Vector};
use crate::message::server::{Message, Phase};
use crate::node::delivery::log::Log;
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
        let [knew, knows] = [&was, &is].map(|server| &server.durable.delivery.book.sessions);
        let may_be_new = !knew.ptr_eq(knows);
        for (user, wants) in world.setup.users.iter().enumerate() {
            if may_be_new && is_new(&was, &is, name_of(after, user, wants)) {
                write_off(world, user, &was.durable.delivery.log, after);
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
                let name = name_of(after, user, wants);
                let owed_after = owed_after(&was, name, &entry.message);
                let is_new_to = |cursor: &Vector| !was_said_before(after, &entry.message, cursor);
                let is_owed = owed_after.is_some_and(|cursor| is_new_to(&cursor))
                    && is_new_to(&after.users[user].hearing.new_after);
                if hears && after.users[user].logged_in && is_owed {
                    let seat = &mut after.users[user];
                    seat.alter(|seat| seat.hearing.of[saying.speaker].owe(saying.index));
                }
            }
        }
    }
}

/// Whether a user has just become new to a server: it logs in there, and the server doesn't know its session.
fn is_new(was: &node::State, is: &node::State, name: Option<Name<'_>>) -> bool {
    let Some(registration) = registration(is, name) else {
        return false;
    };
    let session = is.durable.delivery.book.sessions.get(&registration);
    let begins = session.is_some_and(|session| {
        let have = &was.durable.delivery.log.have;
        session.version.home.server == is.id().name && vector::covers(&session.cursor, have)
    });
    begins
        && !was
            .durable
            .delivery
            .book
            .sessions
            .contains_key(&registration)
}

/// What a server has, or has had, is not owed to a user who is new to it. It knows what clients of ours have said, although it has forgotten
/// it; of what legacy ones have said, what is still in some log is found there.
fn write_off(world: &World, user: usize, log: &Log, after: &mut State) {
    let have = &log.have;
    let processes = after.servers.iter().filter_map(|it| it.process.as_ref());
    let entries = processes.flat_map(|it| it.state.durable.delivery.log.entries.values());
    let had = entries.filter(|entry| entry.message.is_in(have));
    let had: BTreeSet<_> = had.map(|entry| &entry.message.activity).collect();
    let old = world.sayings.iter().filter(|saying| {
        let sender = world.setup.users[saying.speaker].says_as(saying.index);
        let is_known = sender.is_some_and(|(sender, k)| k <= log.said(&sender));
        is_known || had.contains(&saying.activity)
    });
    let seat = &mut after.users[user];
    seat.alter(|seat| {
        seat.hearing.new_after = vector::join(&seat.hearing.new_after, have);
        for saying in old {
            seat.hearing.of[saying.speaker].write_off(saying.index);
        }
    });
}

/// The name that a user goes by now.
fn name_of<'a>(state: &State, user: usize, wants: &'a User) -> Option<Name<'a>> {
    wants.voice(state.users[user].wished).name
}

fn registration(server: &node::State, name: Option<Name<'_>>) -> Option<Registration> {
    let (name, secret) = name?;
    let Some(Secret::Hashed(secret)) = secret else {
        return None;
    };
    registry::verify(server, name, secret).ok()
}

/// If a server must see to it that a user hears a message: up to where it knows the user to have heard.
fn owed_after(server: &node::State, name: Option<Name<'_>>, message: &Message) -> Option<Vector> {
    let registration = registration(server, name)?;
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
    let mut logs = processes.map(|it| &it.state.durable.delivery.log);
    let is_forgotten = |log: &Log| {
        let (sender, k) = message.sender.as_ref()?;
        let forgotten = log.said_at_base.get(sender)?;
        Some(k <= forgotten && vector::covers(cursor, &log.base))
    };
    logs.any(|log| {
        let mut entries = log.entries.values().map(|it| &it.message);
        entries.any(|it| it.activity == message.activity && it.is_in(cursor))
            || is_forgotten(log).unwrap_or(false)
    })
}

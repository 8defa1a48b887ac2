//! What each user has heard and is owed: ghosts of the world, that no actor sees. They are indexes and faults that
//! stick, not lists, so that histories that don't differ in them are one state.

use std::collections::BTreeSet;

use imbl::OrdMap;

use super::user::{User, Wish};
use super::{State, World};
use crate::client::{Ask, Told};
use crate::message::client::{Info, Secret, Vector};
use crate::message::server::{Message, Phase};
use crate::message::{Activity, Username};
use crate::node::{self, delivery::home, registry};

/// What one user has heard, and is owed, of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hearing {
    /// By speaker.
    pub of: Vec<Heard>,
    /// What should never have happened.
    pub faults: BTreeSet<Fault>,
    /// Up to which of its own messages it was told that they are safe.
    pub safe: u64,
    /// How many messages it was told that it will never hear, by up to where; a gap that is told again is the same one.
    pub missed: OrdMap<Vector, u64>,
    /// How many it has heard later ones than, of the same user.
    pub passed: u64,
}

/// What one user has heard, and is owed, of another. Messages count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Heard {
    /// The first message heard.
    pub first: u64,
    /// The last one.
    pub upto: u64,
    /// The one that must come next; any but a later one than `upto + 1` in a new start, or a legacy client's new connection.
    pub next: Option<u64>,
    /// The first message owed: it passed a server where the user was, or was known.
    pub due_from: u64,
    /// The last one.
    pub due_upto: u64,
    /// The last one owed when a client that has returned was let in: it begins where its user is known to have heard.
    pub due_before: u64,
}

/// Something that a user should never hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The same again.
    Repeat,
    /// A message before ones that precede it, which it has not been told it will never hear.
    Hole,
    /// What nobody said, or somebody else.
    Creation,
    /// That something is lost.
    Gap,
    /// That something is lost because it was away for too long.
    Expired,
    /// That its server can't take what it says, because something before it is missing.
    TurnedAway,
}

/// What a user of this world says.
#[derive(Clone, Debug)]
pub struct Saying {
    /// As everyone hears it.
    pub activity: Activity,
    /// Who.
    pub speaker: usize,
    /// The how-manieth of that user's.
    pub index: u64,
}

impl User {
    /// The name that the user goes by, and its secret.
    pub fn name(&self) -> Option<(&Username, Option<&Secret>)> {
        self.wishes.iter().find_map(|wish| match wish {
            Wish::Ask(ask) | Wish::Then(ask) => match ask {
                Ask::Register { username, secret } => Some((username, Some(secret))),
                Ask::Login { username, secret } => Some((username, secret.as_ref())),
                Ask::Say(_) | Ask::Move { .. } | Ask::Logout | Ask::Quit => None,
            },
            Wish::Die | Wish::Start(_) => None,
        })
    }

    fn says(&self) -> impl Iterator<Item = &Activity> {
        self.wishes.iter().filter_map(|wish| match wish {
            Wish::Ask(Ask::Say(activity)) | Wish::Then(Ask::Say(activity)) => Some(activity),
            Wish::Ask(_) | Wish::Then(_) | Wish::Die | Wish::Start(_) => None,
        })
    }
}

/// All that the users of a world say.
pub(super) fn sayings(users: &[User]) -> Vec<Saying> {
    let mut all = Vec::new();
    for (speaker, user) in users.iter().enumerate() {
        let Some((name, _)) = user.name() else {
            continue;
        };
        all.extend((1..).zip(user.says()).map(|(index, activity)| Saying {
            activity: activity.sign(name),
            speaker,
            index,
        }));
    }
    all
}

impl Hearing {
    /// One who has heard nothing, of so many.
    pub(super) fn new(users: usize) -> Self {
        Self {
            of: vec![Heard::default(); users],
            ..Self::default()
        }
    }

    /// From here on it may hear again what it has heard.
    pub(super) fn begin_again(&mut self) {
        for heard in &mut self.of {
            heard.next = None;
        }
    }

    /// A client that has returned is let in.
    pub(super) fn come_back(&mut self) {
        for heard in &mut self.of {
            heard.due_before = heard.due_upto;
        }
    }

    /// The client tells its user something.
    pub(super) fn on_told(&mut self, sayings: &[Saying], told: &Told) {
        match told {
            Told::Heard { activity, .. } => {
                match sayings.iter().find(|saying| saying.activity == *activity) {
                    Some(saying) => self.on_heard(saying.speaker, saying.index),
                    None => _ = self.faults.insert(Fault::Creation),
                }
            }
            Told::Gap {
                missed,
                info,
                cursor,
            } => {
                let told = self.missed.entry(cursor.clone()).or_default();
                *told = (*told).max(*missed);
                let expired = *info == Info::MailboxExpired;
                let fault = if expired { Fault::Expired } else { Fault::Gap };
                self.faults.insert(fault);
            }
            Told::Disconnected { info, .. } => {
                if *info == Some(Info::NumberSkipped) {
                    self.faults.insert(Fault::TurnedAway);
                }
            }
            Told::Safe { acked, .. } => self.safe = self.safe.max(*acked),
            Told::Registered { .. }
            | Told::LoggedIn { .. }
            | Told::Refused { .. }
            | Told::NameLost { .. }
            | Told::Redirected { .. }
            | Told::Unreachable { .. }
            | Told::Left { .. }
            | Told::Declined(_) => {}
        }
    }

    fn on_heard(&mut self, speaker: usize, index: u64) {
        let missed = self.missed();
        let heard = &mut self.of[speaker];
        let after_last = (heard.first > 0).then_some(heard.upto + 1);
        let expected = heard.next.or(after_last);
        let jump = expected.map_or(0, |expected| index.saturating_sub(expected));
        self.passed += jump;
        if jump > 0 && self.passed > missed {
            self.faults.insert(Fault::Hole);
        }
        if heard.next.is_some_and(|next| index < next) {
            self.faults.insert(Fault::Repeat);
        }
        heard.next = Some(index + 1);
        heard.upto = heard.upto.max(index);
        if heard.first == 0 || index < heard.first {
            heard.first = index;
        }
    }

    /// How many messages it was told that it will never hear.
    pub fn missed(&self) -> u64 {
        self.missed.values().sum()
    }

    /// How many messages it has not heard that it was owed, or later ones than.
    pub fn unheard(&self) -> u64 {
        let unpaid = self.of.iter().map(Heard::unpaid);
        self.passed + unpaid.sum::<u64>()
    }

    fn owe(&mut self, speaker: usize, index: u64) {
        let heard = &mut self.of[speaker];
        heard.due_upto = heard.due_upto.max(index);
        if heard.due_from == 0 || index < heard.due_from {
            heard.due_from = index;
        }
    }
}

impl Heard {
    /// Whether all that was owed has been heard: by this one, or by another what was owed before a return.
    pub fn is_paid_with(&self, other: &Self) -> bool {
        let before = Self {
            due_upto: self.due_upto.min(self.due_before),
            ..*self
        };
        let after = Self {
            due_from: self.due_from.max(self.due_before + 1),
            ..*self
        };
        (self.pays(&before) || other.pays(&before)) && self.pays(&after)
    }

    /// How much of what is owed is before the first or after the last that was heard.
    fn unpaid(&self) -> u64 {
        match (self.due_upto, self.first) {
            (0, _) => 0,
            (due_upto, 0) => due_upto + 1 - self.due_from,
            (due_upto, first) => {
                first.saturating_sub(self.due_from) + due_upto.saturating_sub(self.upto)
            }
        }
    }

    /// Whether what has been heard here is all that is owed there.
    fn pays(&self, owed: &Self) -> bool {
        owed.due_from == 0
            || owed.due_from > owed.due_upto
            || (0 < self.first && self.first <= owed.due_from && owed.due_upto <= self.upto)
    }
}

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
                if hears && after.users[user].logged_in && is_owed(&was, wants, &entry.message) {
                    let seat = &mut after.users[user];
                    seat.alter(|seat| seat.hearing.owe(saying.speaker, saying.index));
                }
            }
        }
    }
}

/// Whether a server must see to it that a user hears a message.
fn is_owed(server: &node::State, user: &User, message: &Message) -> bool {
    let Some((name, Some(Secret::Hashed(secret)))) = user.name() else {
        return false;
    };
    let Ok(registration) = registry::verify(server, name, secret) else {
        return false;
    };
    let book = &server.durable.delivery.book;
    let session = book.sessions.get(&registration);
    if session.is_none_or(|session| matches!(session.phase, Phase::Expired | Phase::Out)) {
        return false;
    }
    home::cursor_of(server, &registration).is_some_and(|cursor| !message.is_in(&cursor))
}

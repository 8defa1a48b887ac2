//! A client that is logged in here: what it is sent, and how far it has heard (`docs/protocol.md`, Delivery:
//! Receivers). A live one gets each message as it arrives. One that has fallen behind reads from the log at its own
//! pace, a window at a time, and delays nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::{State, Step, connection};
use super::log::Entry;
use super::{Report, floor, home, tell, vector};
use crate::message::client::{From, Info, Vector};
use crate::message::server::{Message, Phase, Version};
use crate::message::{ClientId, Registration, Reply};
use crate::port::Link;

/// A client that is logged in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// Its session; none for `anonymous`, and none after a REGISTER alone.
    pub session: Option<Held>,
    /// Which client it is, if it is one of ours, which say themselves what they have heard.
    pub client: Option<ClientId>,
    /// Up to where it has heard.
    pub cursor: Vector,
    /// The part of its first cursor that this server doesn't have yet: not to be told again.
    pub ahead: Vector,
    /// How many lines it has been sent since its link came up.
    pub lines: u64,
    /// What it was sent and has not acknowledged, with the line's number.
    pub unheard: VecDeque<(u64, Arc<Message>)>,
    /// The next place in the log to read from, if it has fallen behind.
    pub behind: Option<u64>,
    /// What it said, last, that not everyone has yet.
    pub pending: Option<Pending>,
    /// Up to this number of its own everyone has what it said.
    pub stable: u64,
}

/// The session of a client that is connected here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// Whose.
    pub registration: Registration,
    /// Which login.
    pub version: Version,
    /// [`Phase::CatchingUp`] or [`Phase::Live`].
    pub phase: Phase,
    /// How often the login has been sent on, as far as it is known here; none once it stays.
    pub sent_on: u8,
}

/// Something that was said and is to become stable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pending {
    /// The client's number for it.
    pub k: u64,
    /// Where it is in the streams.
    pub place: (crate::message::Stream, u64),
}

impl Receiver {
    /// One that has been sent so many lines, and hears what comes after `cursor`.
    pub(super) fn new(client: Option<ClientId>, cursor: Vector, lines: u64) -> Self {
        Self {
            session: None,
            client,
            cursor,
            ahead: Vector::new(),
            lines,
            unheard: VecDeque::new(),
            behind: None,
            pending: None,
            stable: 0,
        }
    }

    /// Sends one message, unless it has been heard elsewhere. `told` is false for a speaker that doesn't want its own words.
    /// Whether it counts as heard already.
    fn send(&mut self, link: Link, entry: &Entry, told: bool, step: &mut Step<'_>) -> bool {
        let message = &entry.message;
        if message.is_in(&self.ahead) {
            return false;
        }
        // A client of ours is sent repeats too: it knows them by their numbers, and its cursor must pass over them.
        let from = self.client.as_ref().map(|_| Box::new(from(message)));
        if from.is_some() || (told && !entry.repeat) {
            let activity = message.activity.clone();
            step.reply(link, Reply::Broadcast { activity, from });
            self.lines += 1;
        } else if self.unheard.is_empty() {
            vector::raise(&mut self.cursor, &message.stream, message.number);
            return true;
        }
        if self.client.is_none() && (step.rules.delivery.written_is_heard)() {
            vector::raise(&mut self.cursor, &message.stream, message.number);
            return true;
        }
        self.unheard.push_back((self.lines, message.clone()));
        false
    }

    /// The first of what it was sent has been heard, for as long as `is_heard` says so.
    fn hear(&mut self, is_heard: impl Fn(u64, &Message) -> bool) -> bool {
        let before = self.unheard.len();
        while let Some((line, message)) = self.unheard.front()
            && is_heard(*line, message)
        {
            vector::raise(&mut self.cursor, &message.stream, message.number);
            self.unheard.pop_front();
        }
        self.unheard.len() < before
    }

    /// Its cursor, if it is live: the floor counts it.
    fn floor(&self) -> Option<Vector> {
        self.is_live().then(|| self.cursor.clone())
    }

    /// Its cursor, if it has fallen behind: the log is kept for it.
    fn place(&self) -> Option<Vector> {
        self.behind.map(|_| self.cursor.clone())
    }

    /// Whether it is live in a session: its floor counts it.
    pub fn is_live(&self) -> bool {
        let phase = self.session.as_ref().map(|held| held.phase);
        phase == Some(Phase::Live)
    }
}

fn from(message: &Message) -> From {
    let sender = message.sender.as_ref();
    From {
        stream: message.stream.clone(),
        number: message.number,
        sender: sender.map(|(sender, k)| (sender.client.clone(), *k)),
    }
}

/// What holds the floor down and the log back follows a receiver that has changed, or is gone.
pub(super) fn track(s: &mut State, link: Link) {
    let delivery = &mut s.delivery;
    let receiver = delivery.receivers.get(&link);
    delivery.live.put(link, receiver.and_then(Receiver::floor));
    delivery
        .reading
        .put(link, receiver.and_then(Receiver::place));
}

/// A new entry of the log, for every client that hears each message as it arrives.
pub(super) fn deliver(s: &mut State, entry: &Entry, speaker: Option<Link>, step: &mut Step<'_>) {
    let settings = &step.config.delivery;
    let (mut too_slow, mut moved) = (Vec::new(), Vec::new());
    for (link, receiver) in &mut s.delivery.receivers {
        if receiver.behind.is_none() {
            let told = settings.echoes || speaker != Some(*link);
            if receiver.send(*link, entry, told, step) {
                moved.push(*link);
            }
            if receiver.unheard.len() > settings.unheard_max {
                too_slow.push(*link);
            }
        }
    }
    for link in moved {
        track(s, link);
    }
    for link in too_slow {
        tell(Report::TooSlow, step);
        connection::leave(s, link, step);
    }
}

/// Sends a client that has fallen behind what the log holds for it, as much as its window allows.
pub(super) fn fill(s: &mut State, link: Link, step: &mut Step<'_>) {
    if let Some(receiver) = s.delivery.receivers.get_mut(&link)
        && let Some(start) = receiver.behind
    {
        receiver.behind = None;
        let heard = receiver.cursor.clone();
        for (place, entry) in s.durable.delivery.log.entries.range(start..) {
            if receiver.unheard.len() >= step.config.delivery.window {
                receiver.behind = Some(*place);
                break;
            }
            if !entry.message.is_in(&heard) {
                receiver.send(link, entry, true, step);
            }
        }
    }
    track(s, link);
}

/// ACTIVITY_GOT: only what it was sent can have been heard.
pub(super) fn on_got(s: &mut State, link: Link, cursor: &Vector, step: &mut Step<'_>) {
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    if receiver.client.is_none() {
        let info = Info::NotResuming;
        return connection::refuse(s, link, Reply::Invalid { info }, step);
    }
    if receiver.hear(|_, message| message.is_in(cursor)) {
        progress(s, link, step);
    }
}

/// A legacy client has heard what its kernel has acknowledged: nobody will ever know better.
pub(super) fn on_received(s: &mut State, link: Link, lines: u64, step: &mut Step<'_>) {
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    if receiver.client.is_none() && receiver.hear(|line, _| line <= lines) {
        progress(s, link, step);
    }
}

/// A client has heard more: it may be sent more, it may be live now, the floor may rise.
fn progress(s: &mut State, link: Link, step: &mut Step<'_>) {
    fill(s, link, step);
    home::rise(s, link, step);
    floor::expect(s, step);
}

/// Messages are passed over, beyond what this server had: every client here misses them, but those that heard them elsewhere.
pub(super) fn on_skipped(s: &mut State, had: &Vector, step: &mut Step<'_>) {
    let base = s.durable.delivery.log.base.clone();
    let mut missing = Vec::new();
    for (link, receiver) in &mut s.delivery.receivers {
        let heard = vector::join(had, &receiver.ahead);
        receiver.cursor = vector::join(&receiver.cursor, &base);
        missing.push((*link, vector::between(&heard, &base)));
    }
    for (link, missed) in missing {
        track(s, link);
        gap(s, link, missed, Info::ServerForgotten, step);
    }
}

/// A client will never hear so many messages. A legacy client can't be told: its operator is.
pub(super) fn gap(s: &mut State, link: Link, missed: u64, info: Info, step: &mut Step<'_>) {
    if missed == 0 {
        return;
    }
    let info_too = info.clone();
    tell(
        Report::Gap {
            missed,
            info: info_too,
        },
        step,
    );
    if let Some(receiver) = s.delivery.receivers.get_mut(&link)
        && receiver.client.is_some()
    {
        receiver.lines += 1;
        step.reply(link, Reply::Gap { missed, info });
    }
}

//! A client that is logged in here: what it is sent, and how far it has heard (`docs/protocol.md`, Delivery:
//! Receivers). A live one gets each message as it arrives. One that has fallen behind reads from the log at its own
//! pace, a window at a time, and delays nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::{State, Step, connection};
use super::log::{Entry, Log};
use super::{Report, floor, home, tell, vector};
use crate::message::client::{From, Info, Vector};
use crate::message::server::{Message, Phase, Version};
use crate::message::{ClientId, Registration, Reply};
use crate::port::Link;

/// A client that is logged in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receiver {
    /// Its session; none for `anonymous`, and none after a REGISTER alone.
    pub session: Option<Held>,
    /// Which client it is, if it is one of ours, which say themselves what they have heard.
    pub client: Option<ClientId>,
    /// Up to where it has heard.
    pub cursor: Vector,
    /// The part of its first cursor that this server doesn't have yet: not to be told again.
    pub ahead: Vector,
    /// How many lines a legacy client has been sent since its link came up; of one of ours nobody needs to know.
    pub lines: u64,
    /// What it has not heard yet of what it was sent, with the line's number, in order; and what a legacy client can't be told.
    pub unheard: VecDeque<(u64, Unheard)>,
    /// Where it reads the log, if it has fallen behind.
    pub behind: Option<Box<Behind>>,
    /// What it said that is waited for until everyone has it.
    pub pending: Option<Pending>,
    /// Up to this number of its own everyone has what it said.
    pub stable: u64,
}

/// Something that a client has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unheard {
    /// What somebody said.
    Message(Arc<Message>),
    /// That what it lacks up to here will never come.
    Gap(Vector),
}

/// A client that hasn't been sent all of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Behind {
    /// It reads from this place on.
    pub from: u64,
    /// What it has been sent, or told that it will never come.
    pub sent: Vector,
    /// Up to where messages were gone when it began to read.
    pub lost: Vector,
    /// Why they were.
    #[serde(with = "Info")]
    pub why: Info,
    /// Why more may have gone since.
    #[serde(with = "Info")]
    pub since: Info,
}

impl Behind {
    /// One that has been sent this much, and reads what a log holds from a place on. What is gone of it is gone for this reason.
    pub(super) fn new(from: u64, sent: Vector, log: &Log, why: Info) -> Self {
        Self {
            from,
            sent,
            lost: log.base.clone(),
            why,
            since: Info::MailboxFull,
        }
    }

    /// Why everything up to here is gone.
    fn why(&self, upto: &Vector) -> Info {
        let was_gone = vector::covers(&self.lost, upto);
        if was_gone { &self.why } else { &self.since }.clone()
    }
}

/// The session of a client that is connected here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// One message comes to it, unless it has been heard elsewhere. `told` is false for a speaker that doesn't want its own
    /// words.
    fn take(&mut self, entry: &Entry, told: bool, step: &Step<'_>) -> Taken {
        let message = &entry.message;
        let mut taken = Taken::default();
        if message.is_in(&self.ahead) {
            return taken;
        }
        // A client of ours is sent repeats too, and told that they are: its cursor must pass over them.
        taken.is_sent = self.client.is_some() || (told && !entry.repeat);
        self.lines += u64::from(taken.is_sent);
        let waits = taken.is_sent || !self.unheard.is_empty();
        if !waits || (self.client.is_none() && (step.rules.delivery.written_is_heard)()) {
            vector::raise(&mut self.cursor, &message.stream, message.number);
            taken.moves = true;
        } else {
            let message = Unheard::Message(message.clone());
            self.unheard.push_back((self.lines, message));
        }
        taken
    }

    /// What it lacks up to here will never come: a client of ours is told, and has heard that once it says so. A legacy one
    /// can't be told, and has when it has heard what came before: its operator is told.
    fn miss(&mut self, link: Link, missed: u64, upto: Vector, why: Info, step: &mut Step<'_>) {
        let told = (step.rules.delivery.tells_missed)(missed);
        if let Some(missed) = told {
            let info = why.clone();
            tell(Report::Gap { missed, info }, step);
        }
        if let (Some(missed), Some(_)) = (told, &self.client) {
            let (info, cursor) = (why, Box::new(upto.clone()));
            step.reply(
                link,
                Reply::Gap {
                    missed,
                    info,
                    cursor,
                },
            );
        } else if self.unheard.is_empty() {
            self.cursor = vector::join(&self.cursor, &upto);
            return;
        }
        if (step.rules.delivery.gap_waits)() {
            self.unheard.push_back((self.lines, Unheard::Gap(upto)));
        } else {
            self.cursor = vector::join(&self.cursor, &upto);
        }
    }

    /// The first of what it was sent has been heard, for as long as `is_heard` says so.
    fn hear(&mut self, is_heard: impl Fn(u64, &Unheard) -> bool) {
        // Of a run of one stream the last number says it all.
        let mut last: Option<Arc<Message>> = None;
        while let Some((_, unheard)) = self
            .unheard
            .pop_front_if(|(line, unheard)| is_heard(*line, unheard))
        {
            match unheard {
                Unheard::Message(message) => {
                    let run = last.replace(message);
                    let run =
                        run.filter(|run| last.as_ref().is_some_and(|m| m.stream != run.stream));
                    self.raise(run.as_deref());
                }
                Unheard::Gap(upto) => self.cursor = vector::join(&self.cursor, &upto),
            }
        }
        self.raise(last.as_deref());
    }

    /// Its cursor includes a message.
    fn raise(&mut self, message: Option<&Message>) {
        if let Some(message) = message {
            vector::raise(&mut self.cursor, &message.stream, message.number);
        }
    }

    /// Its cursor, if it is live: the floor counts it.
    fn floor(&self) -> Option<Vector> {
        self.is_live().then(|| self.cursor.clone())
    }

    /// Its cursor, if it has fallen behind: the log is kept for it.
    fn place(&self) -> Option<Vector> {
        self.behind.as_ref().map(|_| self.cursor.clone())
    }

    /// Whether it is live in a session: its floor counts it.
    pub fn is_live(&self) -> bool {
        let phase = self.session.as_ref().map(|held| held.phase);
        phase == Some(Phase::Live)
    }
}

/// What becomes of a message at a receiver.
#[derive(Clone, Copy, Default)]
struct Taken {
    /// It is told.
    is_sent: bool,
    /// Its cursor moves at once.
    moves: bool,
}

impl Unheard {
    /// Whether a cursor includes it.
    fn is_in(&self, cursor: &Vector) -> bool {
        match self {
            Self::Message(message) => message.is_in(cursor),
            Self::Gap(upto) => vector::covers(cursor, upto),
        }
    }
}

/// A message as a client of ours is told it, and as any other.
fn told(entry: &Entry, ours: bool) -> Reply {
    let message = &entry.message;
    let sender = message.sender.as_ref();
    let from = || From {
        stream: message.stream.clone(),
        number: message.number,
        sender: sender.map(|(sender, k)| (sender.client.clone(), *k)),
        repeat: entry.repeat,
    };
    Reply::Broadcast {
        activity: message.activity.clone(),
        from: ours.then(|| Box::new(from())),
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
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for (link, receiver) in &mut s.delivery.receivers {
        if receiver.behind.is_some() {
            continue;
        }
        let echoes = settings.echoes || speaker != Some(*link);
        let taken = receiver.take(entry, echoes, step);
        if taken.is_sent {
            let is_ours = receiver.client.is_some();
            if is_ours { &mut ours } else { &mut others }.push(*link);
        }
        if taken.moves {
            moved.push(*link);
        }
        if receiver.unheard.len() > settings.unheard_max {
            too_slow.push(*link);
        }
    }
    step.reply_all(others, told(entry, false));
    step.reply_all(ours, told(entry, true));
    for link in moved {
        track(s, link);
        home::rise(s, link, step);
    }
    for link in too_slow {
        tell(Report::TooSlow, step);
        connection::leave(s, link, step);
    }
}

/// This server is being stopped: from here on everyone reads the log, and nobody is sent more of it. So what a legacy client
/// was told can be seen to arrive, and nothing comes twice where it goes on.
pub(super) fn hold_all(s: &mut State) {
    let log = &s.durable.delivery.log;
    let mut held = Vec::new();
    for (link, receiver) in &mut s.delivery.receivers {
        if receiver.behind.is_none() {
            let sent = vector::join(&log.have, &receiver.ahead);
            let behind = Behind::new(log.next, sent, log, Info::MailboxFull);
            receiver.behind = Some(Box::new(behind));
            held.push(*link);
        }
    }
    for link in held {
        track(s, link);
    }
}

/// Sends a client that has fallen behind what the log holds for it, as much as its window allows. Of what is gone it is told
/// before all that may follow it.
pub(super) fn fill(s: &mut State, link: Link, step: &mut Step<'_>) {
    if !s.drain.is_draining()
        && let Some(receiver) = s.delivery.receivers.get_mut(&link)
        && let Some(behind) = receiver.behind.take()
    {
        receiver.behind = read(&s.durable.delivery.log, receiver, behind, link, step);
    }
    track(s, link);
}

/// Where it reads on, if not all of the log has been sent.
fn read(
    log: &Log,
    receiver: &mut Receiver,
    mut behind: Box<Behind>,
    link: Link,
    step: &mut Step<'_>,
) -> Option<Box<Behind>> {
    if (step.rules.delivery.gaps_precede)() {
        pass_over(log, receiver, &mut behind, link, step);
    }
    for (place, entry) in log.entries.range(behind.from..) {
        if receiver.unheard.len() >= step.config.delivery.window {
            behind.from = *place;
            return Some(behind);
        }
        let message = &entry.message;
        if message.is_in(&behind.sent) {
            continue;
        }
        if receiver.take(entry, true, step).is_sent {
            step.reply(link, told(entry, receiver.client.is_some()));
        }
        behind.sent.insert(message.stream.clone(), message.number);
        if message.is_in(&log.base) {
            pass_over(log, receiver, &mut behind, link, step);
        }
    }
    pass_over(log, receiver, &mut behind, link, step);
    None
}

/// What is gone is passed over at once, in every stream: what is still here may have been said after it, by the same speaker
/// elsewhere. But what a SKIP has passed over and is still here comes before what is gone behind it.
fn pass_over(
    log: &Log,
    receiver: &mut Receiver,
    behind: &mut Behind,
    link: Link,
    step: &mut Step<'_>,
) {
    let upto = log.gone_after(&behind.sent);
    let missed = vector::between(&behind.sent, &upto);
    if missed > 0 {
        let why = behind.why(&upto);
        behind.sent = vector::join(&behind.sent, &upto);
        receiver.miss(link, missed, upto, why, step);
    }
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
    receiver.hear(|_, unheard| unheard.is_in(cursor));
    progress(s, link, step);
}

/// A legacy client has heard what its kernel has acknowledged: nobody will ever know better.
pub(super) fn on_received(s: &mut State, link: Link, lines: u64, step: &mut Step<'_>) {
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    if receiver.client.is_none() {
        receiver.hear(|line, _| line <= lines);
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
    let log = &s.durable.delivery.log;
    for receiver in s.delivery.receivers.values_mut() {
        let why = Info::ServerForgotten;
        match &mut receiver.behind {
            Some(behind) => behind.since = why,
            None => {
                let sent = vector::join(had, &receiver.ahead);
                receiver.behind = Some(Box::new(Behind::new(log.next, sent, log, why)));
            }
        }
    }
    let links: Vec<Link> = s.delivery.receivers.keys().copied().collect();
    for link in links {
        progress(s, link, step);
    }
}

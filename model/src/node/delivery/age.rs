//! What waits is not kept for ever: mailboxes, and what is known of clients that have long said nothing, end at an age
//! (`docs/protocol.md`, Delivery: Ages). Age is counted in ticks of a timer, as a node has no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{State, Step, Timer};
use super::log::{Log, Said};
use super::{Report, forget, home, tell, vector};
use crate::message::client::Resume;
use crate::message::server::{Message, Phase, Sender, Session, Skip};
use crate::message::{ClientId, Registration, Username};

/// How many ticks make a day, about.
pub const TICKS_A_DAY: u32 = 24;

/// The pace of ageing.
const TICK: std::ops::Range<Duration> = Duration::from_secs(3_600)..Duration::from_secs(3_960);

/// The ages of some things. A tick costs what ends at it, not what there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de> + Ord"))]
pub struct Ages<T> {
    /// How many ticks there have been while something was ageing.
    ticks: u64,
    /// At which tick each ends.
    #[serde(with = "crate::pairs")]
    end: BTreeMap<T, u64>,
    /// The same, in the order of the ends.
    ends: BTreeSet<(u64, T)>,
}

impl<T> Default for Ages<T> {
    fn default() -> Self {
        Self {
            ticks: 0,
            end: BTreeMap::new(),
            ends: BTreeSet::new(),
        }
    }
}

impl<T: Clone + Ord> Ages<T> {
    /// Ages from now on, for so many ticks.
    pub(super) fn begin(&mut self, whose: T, ticks: u32) {
        self.stop(&whose);
        let end = self.ticks + u64::from(ticks);
        self.ends.insert((end, whose.clone()));
        self.end.insert(whose, end);
    }

    /// Doesn't age any more.
    pub(super) fn stop(&mut self, whose: &T) {
        if let Some(end) = self.end.remove(whose) {
            self.ends.remove(&(end, whose.clone()));
        }
        self.rest();
    }

    /// One tick: those that end at it.
    fn tick(&mut self) -> Vec<T> {
        self.ticks += 1;
        let mut ended = Vec::new();
        while self.ends.first().is_some_and(|(end, _)| *end <= self.ticks)
            && let Some((_, whose)) = self.ends.pop_first()
        {
            self.end.remove(&whose);
            ended.push(whose);
        }
        self.rest();
        ended
    }

    /// Where nothing ages, time stands still: so a world in which everything ends is finite.
    fn rest(&mut self) {
        if self.end.is_empty() {
            self.ticks = 0;
        }
    }

    /// Whether nothing ages.
    pub fn is_empty(&self) -> bool {
        self.end.is_empty()
    }

    /// What ages.
    pub fn whose(&self) -> impl Iterator<Item = &T> {
        self.end.keys()
    }

    /// Whether every end is found, is that of something that ages, and is still to come: for assertions.
    pub(super) fn are_to_come(&self) -> bool {
        let end = self.end.iter().map(|(whose, end)| (*end, whose.clone()));
        let is_late = self.ends.first().is_some_and(|(end, _)| *end <= self.ticks);
        self.ends == end.collect() && !is_late && (self.ticks == 0 || !self.is_empty())
    }
}

/// A session has become something else: it ages if it is a mailbox now, from the beginning.
pub(super) fn on_session(s: &mut State, registration: &Registration, step: &mut Step<'_>) {
    let Some(age) = step.config.delivery.mailbox_age else {
        return;
    };
    let session = s.durable.delivery.book.sessions.get(registration);
    if session.is_some_and(|session| is_mailbox(s, session, step)) {
        s.delivery.mailboxes.begin(registration.clone(), age);
        wait(s, step);
    } else {
        s.delivery.mailboxes.stop(registration);
    }
}

/// Whether a session's user is away, as far as can be seen from here.
fn is_mailbox(s: &State, session: &Session, step: &Step<'_>) -> bool {
    let home = &session.version.home.server;
    let counted = !s.delivery.uncounted.contains(home);
    (step.rules.delivery.ages)(session.phase, counted)
}

fn wait(s: &mut State, step: &mut Step<'_>) {
    let waits = !s.delivery.mailboxes.is_empty() || !s.delivery.clients.is_empty();
    if waits && !s.delivery.ages {
        s.delivery.ages = true;
        step.set(Timer::Age, TICK);
    }
}

/// A client has said something: from here on it says nothing.
pub(super) fn on_said(s: &mut State, message: &Message, step: &mut Step<'_>) {
    if let Some((sender, _)) = &message.sender {
        on_heard_of(s, sender.clone(), step);
    }
}

/// Others know how far these clients are.
pub(super) fn on_skip(s: &mut State, skip: &Skip, step: &mut Step<'_>) {
    for (sender, _) in &skip.said {
        on_heard_of(s, sender.clone(), step);
    }
}

/// A client is known, or known anew.
pub(super) fn on_heard_of(s: &mut State, sender: Sender, step: &mut Step<'_>) {
    if let Some(age) = step.config.delivery.client_age {
        s.delivery.clients.begin(sender, age);
        wait(s, step);
    }
}

/// A start: all clients age from now on.
pub(super) fn start(s: &mut State, step: &mut Step<'_>) {
    let said = &s.durable.delivery.log.said;
    for sender in said.keys().cloned().collect::<Vec<_>>() {
        on_heard_of(s, sender, step);
    }
}

/// Timer: everything that waits is one tick older.
pub(super) fn on_timer(s: &mut State, step: &mut Step<'_>) {
    s.delivery.ages = false;
    let expired = s.delivery.mailboxes.tick();
    if !expired.is_empty() {
        expire(s, expired, step);
    }
    let expired = s.delivery.clients.tick();
    if !expired.is_empty() {
        forget_clients(s, expired, step);
    }
    wait(s, step);
}

/// Mailboxes end: nothing is kept for them. Their records stay, and say to whoever returns what was missed, and why. Who is here after all,
/// while its last login was on a server that isn't counted any more, is no older for that.
fn expire(s: &mut State, ended: Vec<Registration>, step: &mut Step<'_>) {
    let spares = (step.rules.delivery.spares_present)();
    let is_here = |user: &Registration| spares && s.delivery.present.contains_key(user);
    let (here, mailboxes): (Vec<_>, Vec<_>) = ended.into_iter().partition(is_here);
    for registration in here {
        on_session(s, &registration, step);
    }
    if mailboxes.is_empty() {
        return;
    }
    home::turn_all(s, &mailboxes, Phase::Expired, step);
    let mailboxes = mailboxes.len();
    tell(Report::MailboxesExpired { mailboxes }, step);
    forget::review(s, step);
}

/// Up to where these clients have numbered what they said is forgotten, but for those that are here and those whose last
/// words the log still keeps: they may be said again, or be heard by others yet. One that returns is believed ([`take_word`]).
fn forget_clients(s: &mut State, clients: Vec<Sender>, step: &mut Step<'_>) {
    let is_kept =
        |sender: &Sender| is_here(s, sender) || has_last_words(&s.durable.delivery.log, sender);
    let (kept, gone): (Vec<_>, Vec<_>) = clients.into_iter().partition(is_kept);
    if (step.rules.delivery.ages_anew)() {
        for sender in kept {
            on_heard_of(s, sender, step);
        }
    }
    if gone.is_empty() {
        return;
    }
    for sender in &gone {
        s.durable.delivery.log.forget_sender(sender);
    }
    let clients = gone.len();
    tell(Report::ClientsExpired { clients }, step);
}

/// Whether a log still keeps what a client said last.
fn has_last_words(log: &Log, sender: &Sender) -> bool {
    let said = log.said.get(sender);
    let place = said.and_then(|said| said.place.as_ref());
    place.is_some_and(|(stream, number)| *number > vector::at(&log.base, stream))
}

fn is_here(s: &State, sender: &Sender) -> bool {
    let links = s.registry.present.get(&sender.username);
    let receivers = &s.delivery.receivers;
    let mut here = links
        .into_iter()
        .flatten()
        .filter_map(|link| receivers.get(link));
    here.any(|receiver| receiver.client.as_ref() == Some(&sender.client))
}

/// LOGIN of a client that says up to which number it has heard itself. A server that has all that the client has heard had
/// this too, and has forgotten it at most.
pub(super) fn take_word(s: &mut State, username: Username, resume: &Resume, step: &mut Step<'_>) {
    let log = &mut s.durable.delivery.log;
    let heard = resume.cursor.as_ref();
    let is_all_here = heard.is_some_and(|heard| vector::covers(&log.have, heard));
    let client: ClientId = resume.client.clone();
    let sender = Sender { username, client };
    if is_all_here && resume.said > log.said(&sender) && (step.rules.delivery.takes_word)() {
        let (k, place) = (resume.said, None);
        log.said.insert(sender.clone(), Said { k, place });
        log.said_at_base.insert(sender.clone(), k);
        on_heard_of(s, sender, step);
    }
}

#[cfg(test)]
mod tests {
    use super::Ages;

    #[test]
    fn an_end_that_has_come_already_is_seen() {
        for (ticks, are_to_come) in [(1, true), (0, false)] {
            let mut ages = Ages::default();
            ages.begin("a", ticks);
            assert_eq!(ages.are_to_come(), are_to_come);
        }
    }

    #[test]
    fn an_end_of_what_does_not_age_is_seen() {
        let mut ages = Ages::default();
        ages.begin("a", 1);
        ages.end.clear();
        assert!(!ages.are_to_come());
    }
}

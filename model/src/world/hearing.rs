//! What each user has heard, of all that is owed to it ([`debt`](super::debt)): ghosts of the world, that no actor sees. They are indexes and faults that
//! stick, not lists, so that histories that don't differ in them are one state.

use std::collections::BTreeSet;

use imbl::OrdSet;

use super::user::{Name, User, Wish};
use crate::client::{Ask, Told};
use crate::message::client::{Info, Vector};
use crate::message::{Activity, Stream};

/// What one user has heard, and is owed, of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hearing {
    /// By speaker.
    pub of: Vec<Heard>,
    /// What should never have happened.
    pub faults: BTreeSet<Fault>,
    /// Up to which of its own messages it was told that they are safe.
    pub safe: u64,
    /// The messages that it was told it will never hear: by stream and number, for it isn't told whose they were.
    pub lost: OrdSet<(Stream, u64)>,
    /// How many messages were left out by later ones since it began, or began again.
    pub left_out: u64,
    /// Up to where it was new somewhere: it logged in where its user's session wasn't known, and nothing said there before is owed to
    /// it (`docs/protocol.md`, Sessions, rule 6).
    pub new_after: Vector,
}

/// What one user has heard, and is owed, of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Heard {
    /// What has been heard.
    pub heard: Numbers,
    /// The one that must come next; any but a later one than the next unheard in a new start, or a legacy client's new
    /// connection.
    pub next: Option<u64>,
    /// What is owed: it passed a server where the user was, or was known.
    pub due: Numbers,
    /// What had been said where the user was new, before it was there: not owed, and its absence is no hole.
    pub old: Numbers,
    /// What was owed when a client that has returned was let in: it begins where its user is known to have heard.
    pub due_before: Numbers,
}

/// Some of what one user says. Messages count from 1, and no user of a world says more than 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers(u64);

impl Numbers {
    pub(super) fn insert(&mut self, index: u64) {
        self.0 |= 1 << (index - 1);
    }

    fn contains(self, index: u64) -> bool {
        self.0 >> (index - 1) & 1 == 1
    }

    fn last(self) -> u64 {
        u64::from(u64::BITS - self.0.leading_zeros())
    }

    fn iter(self) -> impl Iterator<Item = u64> {
        (1..=self.last()).filter(move |index| self.contains(*index))
    }

    /// How many.
    pub(crate) fn len(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(super) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl Heard {
    /// It is owed, unless it was said before the user was there: its speaker may offer it again elsewhere.
    pub(super) fn owe(&mut self, index: u64) {
        self.due.insert(index);
        self.due = self.due.without(self.old);
    }

    /// It was said before the user was there.
    pub(super) fn write_off(&mut self, index: u64) {
        self.old.insert(index);
        self.due = self.due.without(self.old);
    }
}

impl FromIterator<u64> for Numbers {
    fn from_iter<I: IntoIterator<Item = u64>>(indexes: I) -> Self {
        let mut numbers = Self::default();
        for index in indexes {
            numbers.insert(index);
        }
        numbers
    }
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
    /// That another number of messages is lost than is.
    Miscount,
    /// That something is lost.
    Gap,
    /// That something is lost because it was away for too long.
    Expired,
    /// Nothing of what it said that isn't everywhere and that its client doesn't keep any more; or another number than that is.
    Forgotten,
    /// That its server can't take what it says, because something before it is missing.
    TurnedAway,
    /// Nothing of what is safe, or the same again.
    Untold,
    /// Nothing: its client comes back out of turn, too soon or too late.
    OutOfTurn,
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
    /// The name that the user goes by at first, and its secret.
    pub fn name(&self) -> Option<Name<'_>> {
        self.wishes.iter().find_map(|wish| match wish {
            Wish::Ask(ask) | Wish::Then(ask) => match ask {
                Ask::Register { username, secret } => Some((username, Some(secret))),
                Ask::Login { username, secret } => Some((username, secret.as_ref())),
                Ask::Say(_) | Ask::Move { .. } | Ask::Logout | Ask::Quit => None,
            },
            Wish::Die | Wish::Start(_) => None,
        })
    }
}

/// All that the users of a world say.
pub(super) fn sayings(users: &[User]) -> Vec<Saying> {
    let mut all = Vec::new();
    for (speaker, user) in users.iter().enumerate() {
        for (index, (wished, activity)) in (1..).zip(user.says()) {
            all.extend(user.voice(wished).name.map(|(name, _)| Saying {
                activity: activity.sign(name),
                speaker,
                index,
            }));
        }
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
        self.left_out = 0;
        for heard in &mut self.of {
            heard.next = None;
        }
    }

    /// A client that has returned is let in.
    pub(super) fn come_back(&mut self) {
        for heard in &mut self.of {
            heard.due_before = heard.due;
        }
    }

    /// The client tells its user something. Who `comes_anew` begins wherever a new connection begins.
    pub(super) fn on_told(
        &mut self,
        sayings: &[Saying],
        comes_anew: bool,
        said_before: impl FnOnce() -> u64,
        told: &Told,
    ) {
        match told {
            Told::Heard { activity, .. } => {
                match sayings.iter().find(|saying| saying.activity == *activity) {
                    Some(saying) => self.on_heard(saying.speaker, saying.index, comes_anew),
                    None => _ = self.faults.insert(Fault::Creation),
                }
            }
            Told::Gap { missed, info, lost } => {
                let numbers = lost.iter().flat_map(|(stream, numbers)| {
                    let numbers = numbers.clone();
                    numbers.map(|number| (stream.clone(), number))
                });
                let numbers: Vec<_> = numbers.collect();
                if numbers.len() as u64 != *missed {
                    self.faults.insert(Fault::Miscount);
                }
                self.lost.extend(numbers);
                let expired = *info == Info::MailboxExpired;
                let fault = if expired { Fault::Expired } else { Fault::Gap };
                self.faults.insert(fault);
            }
            Told::Disconnected { info, .. } => {
                if *info == Some(Info::NumberSkipped) {
                    self.faults.insert(Fault::TurnedAway);
                }
            }
            Told::Safe { acked, .. } => self.safe = self.safe.max(said_before() + acked),
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

    fn on_heard(&mut self, speaker: usize, index: u64, comes_anew: bool) {
        let lost = self.lost.len() as u64;
        let heard = &mut self.of[speaker];
        let last = heard.heard.last();
        let expected = heard.next.or((last > 0 && !comes_anew).then_some(last + 1));
        let left_out = expected.map_or(0, |expected| {
            let between: Numbers = (expected..index).collect();
            between.without(heard.old).len()
        });
        self.left_out += left_out;
        if left_out > 0 && self.left_out > lost {
            self.faults.insert(Fault::Hole);
        }
        if heard.next.is_some_and(|next| index < next) {
            self.faults.insert(Fault::Repeat);
        }
        // What was said before the user was there may come at any time, and says nothing of what comes next.
        let begins = heard.next.is_some() || !heard.old.contains(index);
        heard.next = begins.then_some(index + 1);
        heard.heard.insert(index);
    }

    /// Whether it has heard all that it was owed, but for as many messages as it was told it never will, and for what is gone: of
    /// each speaker, by index.
    pub fn is_paid(&self, is_gone: impl Fn(usize, u64) -> bool) -> bool {
        let unpaid = self.of.iter().enumerate().map(|(speaker, it)| {
            let unheard = it.due.without(it.heard).iter();
            unheard.filter(|index| !is_gone(speaker, *index)).count() as u64
        });
        unpaid.sum::<u64>() <= self.lost.len() as u64
    }

    /// Whether it has heard all that it was owed, or another has for it what was owed before its return.
    pub fn is_paid_with(&self, other: &Self) -> bool {
        let mut both = self.of.iter().zip(&other.of);
        both.all(|(own, other)| {
            let heard_before = own.heard.and(other.heard);
            let before = own.due_before.without(heard_before);
            let after = own.due.without(own.due_before).without(own.heard);
            before == Numbers::default() && after == Numbers::default()
        })
    }
}

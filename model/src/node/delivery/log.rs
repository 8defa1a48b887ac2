//! The log: what was said, in the order in which it arrived here, and what is remembered of what has been forgotten
//! (`docs/protocol.md`, Delivery: Log). It is always causally closed: whoever said something had been heard here up to
//! there before. Therefore it is replayed in its own order and no other.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::vector;
use crate::message::Stream;
use crate::message::client::Vector;
use crate::message::server::{Message, Sender, Skip};

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Log {
    /// By place of arrival.
    pub entries: OrdMap<u64, Entry>,
    /// The place of the next arrival.
    pub next: u64,
    /// Per stream, up to which number everything has arrived or been skipped.
    pub have: Vector,
    /// What each sender has said.
    #[serde(with = "crate::pairs")]
    pub said: OrdMap<Sender, Said>,
    /// Per stream, up to which number something has been forgotten.
    pub base: Vector,
    /// What is still here although a SKIP has passed over it, by number in its stream, and its place.
    #[serde(with = "crate::pairs")]
    pub passed: OrdMap<(Stream, u64), u64>,
    /// What each sender had said in what has been forgotten.
    #[serde(with = "crate::pairs")]
    pub said_at_base: OrdMap<Sender, u64>,
}

/// What is kept of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// What was said.
    pub message: Arc<Message>,
    /// Whether the sender had said this before, through another server.
    pub repeat: bool,
}

impl Entry {
    /// How long it is: the activity alone, which is most of it.
    pub fn bytes(&self) -> usize {
        self.message.activity.as_str().len()
    }
}

/// Up to where a sender has been heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Said {
    /// The sender's own number.
    pub k: u64,
    /// Where that message first arrived; unknown if it was skipped.
    pub place: Option<(Stream, u64)>,
}

/// A message can't be the next one of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("messages before this one are missing: the link must be made anew")]
pub struct Hole;

impl Message {
    /// Whether a cursor includes it.
    pub fn is_in(&self, cursor: &Vector) -> bool {
        self.number <= vector::at(cursor, &self.stream)
    }
}

impl Log {
    /// Up to which of its own numbers a sender has been heard.
    pub fn said(&self, sender: &Sender) -> u64 {
        self.said.get(sender).map_or(0, |said| said.k)
    }

    /// Takes a message in; `None` if it is here already.
    ///
    /// # Errors
    /// [`Hole`] if one before it is not here; nothing has changed.
    pub fn append(
        &mut self,
        message: Arc<Message>,
        is_repeat: fn(u64, u64) -> bool,
    ) -> Result<Option<Entry>, Hole> {
        let have = vector::at(&self.have, &message.stream);
        if message.number <= have {
            return Ok(None);
        }
        if message.number > have + 1 {
            return Err(Hole);
        }
        let mut repeat = false;
        if let Some((sender, k)) = &message.sender {
            repeat = is_repeat(self.said(sender), *k);
            if !repeat {
                let place = Some((message.stream.clone(), message.number));
                self.said.insert(sender.clone(), Said { k: *k, place });
            }
        }
        self.have.insert(message.stream.clone(), message.number);
        let entry = Entry { message, repeat };
        self.entries.insert(self.next, entry.clone());
        self.next += 1;
        Ok(Some(entry))
    }

    /// The place before which a cursor includes everything. Looks no further back than there.
    pub(super) fn first_after(&self, cursor: &Vector) -> u64 {
        let missing = vector::between(&vector::join(cursor, &self.base), &self.have);
        let lacking = self.entries.iter().rev().filter(|(_, entry)| {
            let message = &entry.message;
            !message.is_in(cursor) && !message.is_in(&self.base)
        });
        let first = lacking
            .take(usize::try_from(missing).unwrap_or(usize::MAX))
            .last();
        let start = first.map_or(self.next, |(place, _)| *place);
        // What a SKIP has passed over may still be here, anywhere before.
        let passed = vector::beyond(&self.base, cursor);
        let lingering = passed.iter().filter_map(|(stream, upto)| {
            let after = vector::at(cursor, stream);
            self.lingering(stream, after, *upto).next()
        });
        lingering.fold(start, |start, (_, place)| start.min(place))
    }

    /// Up to where nothing is left of what comes next after a cursor, in the streams in which something is gone.
    pub(super) fn gone_after(&self, cursor: &Vector) -> Vector {
        let gone = vector::beyond(&self.base, cursor).into_iter();
        let gone = gone.map(|(stream, upto)| {
            let after = vector::at(cursor, &stream);
            let here = self.lingering(&stream, after, upto).next();
            let upto = here.map_or(upto, |(number, _)| number - 1);
            (stream, upto)
        });
        vector::beyond(&gone.collect(), cursor)
    }

    /// A sender's numbers are not known any more.
    pub(super) fn forget_sender(&mut self, sender: &Sender) {
        self.said.remove(sender);
        self.said_at_base.remove(sender);
    }

    /// SKIP. How many messages are passed over; 0 if it says nothing new.
    pub fn skip(&mut self, skip: &Skip) -> u64 {
        let missed = vector::between(&self.have, &skip.base);
        if missed == 0 {
            return 0;
        }
        self.have = vector::join(&self.have, &skip.base);
        self.base = vector::join(&self.base, &skip.base);
        for (sender, k) in &skip.said {
            if *k > self.said(sender) {
                self.said
                    .insert(sender.clone(), Said { k: *k, place: None });
            }
            raise_said(&mut self.said_at_base, sender.clone(), *k);
        }
        let entries = self.entries.iter();
        let passed = entries.filter(|(_, entry)| entry.message.is_in(&self.base));
        let passed = passed.map(|(place, entry)| {
            let message = &entry.message;
            ((message.stream.clone(), message.number), *place)
        });
        self.passed = passed.collect();
        missed
    }

    /// What is still here of a stream, after one number and up to another one, although a SKIP has passed over it: numbers and places.
    fn lingering(
        &self,
        stream: &Stream,
        after: u64,
        upto: u64,
    ) -> impl Iterator<Item = (u64, u64)> {
        let after = Bound::Excluded((stream.clone(), after));
        let passed = self
            .passed
            .range((after, Bound::Included((stream.clone(), upto))));
        passed.map(|((_, number), place)| (*number, *place))
    }

    /// Lets go of everything that `upto` includes. Looks no further than to the last of it.
    pub fn forget(&mut self, upto: &Vector) -> Vec<Entry> {
        let most = vector::between(&self.base, upto);
        let entries = self.entries.iter();
        let gone = entries.filter(|(_, entry)| {
            let message = &entry.message;
            message.is_in(upto) && !message.is_in(&self.base)
        });
        let gone = gone
            .map(|(place, _)| *place)
            .take(usize::try_from(most).unwrap_or(usize::MAX));
        let passed = upto
            .iter()
            .flat_map(|(stream, upto)| self.lingering(stream, 0, *upto))
            .map(|(_, place)| place);
        let places: Vec<u64> = gone.chain(passed).collect();
        let gone = places.iter().filter_map(|place| self.entries.remove(place));
        let gone: Vec<Entry> = gone.collect();
        for Entry { message, .. } in &gone {
            self.passed
                .remove(&(message.stream.clone(), message.number));
            vector::raise(&mut self.base, &message.stream, message.number);
            if let Some((sender, k)) = &message.sender {
                raise_said(&mut self.said_at_base, sender.clone(), *k);
            }
        }
        gone
    }
}

fn raise_said(said: &mut OrdMap<Sender, u64>, sender: Sender, k: u64) {
    let before = said.entry(sender).or_default();
    *before = k.max(*before);
}

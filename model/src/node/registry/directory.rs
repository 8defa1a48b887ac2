//! The replicated directory: a name's elder record wins, whatever the order in which records come in
//! (`docs/protocol.md`, Usernames: Directory).
//!
//! Each registration is a numbered change of its origin's stream. A [`Vector`] says up to which change of each
//! stream a directory is complete: what a neighbour lacks is found in the [`Index`] without walking the directory.

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::super::delivery::vector;
use crate::message::client::Vector;
use crate::message::server::Record;
use crate::message::{Registration, Stamp, Stream, Username};

/// What is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Directory {
    /// Who holds each name.
    pub records: OrdMap<Username, Record>,
    /// Up to which change of each stream `records` is complete.
    pub vector: Vector,
    /// The changes that have lost, and which name each had given away: whoever is told of one is told who has won.
    #[serde(with = "crate::pairs")]
    pub lost: OrdMap<Change, Username>,
}

/// A stream, and the number of a change in it.
pub type Change = (Stream, u64);

/// Finds names by their change, lost or not. Follows from the directory's records, so it is not on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Index {
    #[serde(with = "crate::pairs")]
    pub(in crate::node) changes: OrdMap<Change, Username>,
    ahead: OrdSet<Change>,
}

/// What became of a record that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// The name was free.
    New,
    /// It is the elder, and this one has lost the name.
    Replaced(Record),
    /// The directory holds it already, or an elder one.
    Kept,
}

impl Directory {
    /// Up to which change of `stream` this directory is complete.
    pub fn complete(&self, stream: &Stream) -> u64 {
        vector::at(&self.vector, stream)
    }

    /// The latest stamp of any record.
    pub(super) fn latest(&self) -> Stamp {
        let stamps = self.records.values();
        stamps
            .map(|record| record.registration.registertime)
            .max()
            .unwrap_or_default()
    }

    /// Takes a record in if the name is free, or if it `replaces` the one that is held.
    pub(crate) fn merge(
        &mut self,
        index: &mut Index,
        username: &Username,
        record: Record,
        replaces: fn(&Registration, &Registration) -> bool,
    ) -> Merged {
        if let Some(held) = self.records.get(username)
            && !replaces(&held.registration, &record.registration)
        {
            if held.registration != record.registration {
                self.lose(index, change(&record.registration), username);
            }
            return Merged::Kept;
        }
        let change = change(&record.registration);
        if change.1 > self.complete(&change.0) {
            index.ahead.insert(change.clone());
        }
        index.changes.insert(change, username.clone());
        match self.records.insert(username.clone(), record) {
            None => Merged::New,
            Some(lost) => {
                self.lose(index, self::change(&lost.registration), username);
                Merged::Replaced(lost)
            }
        }
    }

    /// A change that had given this name away has lost it.
    pub(super) fn lose(&mut self, index: &mut Index, change: Change, username: &Username) {
        index.ahead.remove(&change);
        index.changes.insert(change.clone(), username.clone());
        self.lost.insert(change, username.clone());
    }

    /// Whether this registration is known to have lost its name.
    pub fn has_lost(&self, registration: &Registration) -> bool {
        self.lost.contains_key(&change(registration))
    }

    /// Everything of `stream` up to `upto` has been taken in. Says whether that was news.
    pub(super) fn advance(&mut self, index: &mut Index, stream: &Stream, upto: u64) -> bool {
        let before = self.complete(stream);
        if upto <= before {
            return false;
        }
        self.vector.insert(stream.clone(), upto);
        let covered = (stream.clone(), before)..=(stream.clone(), upto);
        let covered: Vec<_> = index.ahead.range(covered).cloned().collect();
        for change in covered {
            index.ahead.remove(&change);
        }
        true
    }
}

impl Index {
    /// The index of a directory that was read from disk.
    pub(crate) fn of(directory: &Directory) -> Self {
        let mut index = Self::default();
        for (username, record) in &directory.records {
            let change = change(&record.registration);
            if change.1 > directory.complete(&change.0) {
                index.ahead.insert(change.clone());
            }
            index.changes.insert(change, username.clone());
        }
        for (change, username) in &directory.lost {
            index.changes.insert(change.clone(), username.clone());
        }
        index
    }

    /// The names that changes `after` … `upto` of `stream` gave away, each with its change's number, at most `most` of them, and up to
    /// which change that is complete.
    pub(super) fn names(
        &self,
        stream: &Stream,
        after: u64,
        upto: u64,
        most: usize,
    ) -> (Vec<(u64, Username)>, u64) {
        let range = (stream.clone(), after + 1)..=(stream.clone(), upto);
        let mut names = Vec::new();
        let mut last = after;
        for ((_, number), username) in self.changes.range(range) {
            if names.len() == most {
                return (names, last);
            }
            names.push((*number, username.clone()));
            last = *number;
        }
        (names, upto)
    }

    /// The names whose record runs ahead of its stream: learned from a denial, before the changes that precede it.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &Username> + '_ {
        self.ahead
            .iter()
            .filter_map(|change| self.changes.get(change))
    }

    /// Whether this registration runs ahead of its stream.
    pub(super) fn is_ahead(&self, registration: &Registration) -> bool {
        self.ahead.contains(&change(registration))
    }
}

fn change(registration: &Registration) -> Change {
    (registration.origin.clone(), registration.number)
}

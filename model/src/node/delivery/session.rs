//! The replicated sessions: where each user is, or up to where it had heard when it left (`docs/protocol.md`,
//! Delivery: Sessions). A mailbox is nothing more than a session that is catching up or left.
//!
//! ```text
//!            LOGIN                    cursor reaches the floor
//!   (none) ───────▶ catching up ───────────────────────────────▶ live
//!      ▲  ▲              │                                        │ │
//!      │  │ LOGIN:       │  connection lost, restart              │ │ LOGOUT
//!      │  │ counter + 1  ▼                                        │ ▼
//!      │  └──────────── left ◀────────────────────────────────────┘ out
//!      └──────────────────────────────── LOGIN ──────────────────────┘
//! ```
//!
//! Changes are numbered per origin. A [`Vector`] says up to which change of each origin this server is complete, so
//! that a neighbour can be sent what it lacks and nothing else.

use std::ops::Bound;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::vector;
use crate::message::client::Vector;
use crate::message::server::Session;
use crate::message::{Registration, Stream};

/// What is on disk of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Book {
    /// The last session of every user.
    #[serde(with = "crate::pairs")]
    pub sessions: OrdMap<Registration, Session>,
    /// Up to which change of each origin `sessions` is complete.
    pub vector: Vector,
}

/// Finds sessions by their changes. Follows from the book, so it is not on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Index(#[serde(with = "crate::pairs")] pub(super) OrdMap<(Stream, u64), Registration>);

impl Book {
    /// Puts a change of this server's own in the book.
    pub fn change(
        &mut self,
        index: &mut Index,
        origin: &Stream,
        registration: &Registration,
        mut session: Session,
    ) {
        let number = vector::at(&self.vector, origin) + 1;
        self.vector.insert(origin.clone(), number);
        session.changes = Vector::unit(origin.clone(), number);
        self.put(index, registration, session);
    }

    /// Takes in what another server has made of a session. The later version and phase win; equal ones have both
    /// heard what either has. Says whether anything changed.
    pub fn merge(
        &mut self,
        index: &mut Index,
        registration: &Registration,
        heard: Session,
    ) -> bool {
        let merged = match self.sessions.get(registration) {
            None => heard,
            Some(held) => {
                let rank = |session: &Session| (session.version.clone(), session.phase);
                match rank(&heard).cmp(&rank(held)) {
                    std::cmp::Ordering::Less => return false,
                    std::cmp::Ordering::Greater => heard,
                    std::cmp::Ordering::Equal => Session {
                        cursor: vector::join(&held.cursor, &heard.cursor),
                        changes: vector::join(&held.changes, &heard.changes),
                        ..heard
                    },
                }
            }
        };
        if self.sessions.get(registration) == Some(&merged) {
            return false;
        }
        self.put(index, registration, merged);
        true
    }

    fn put(&mut self, index: &mut Index, registration: &Registration, session: Session) {
        for (stream, number) in &session.changes {
            let change = (stream.clone(), *number);
            index.0.insert(change, registration.clone());
        }
        if let Some(before) = self.sessions.insert(registration.clone(), session.clone()) {
            for (stream, number) in &before.changes {
                if vector::at(&session.changes, stream) != *number {
                    index.0.remove(&(stream.clone(), *number));
                }
            }
        }
    }

    /// The sessions that changes after `after` of this origin have made what they are, at most `most` of them, and up to
    /// which change that is complete.
    pub fn changed(
        &self,
        index: &Index,
        origin: &Stream,
        after: u64,
        most: usize,
    ) -> (Vec<(Registration, Session)>, u64) {
        let upto = vector::at(&self.vector, origin);
        let first = Bound::Excluded((origin.clone(), after));
        let changes = index
            .0
            .range((first, Bound::Included((origin.clone(), upto))));
        let mut sessions = Vec::new();
        let mut last = after;
        for ((_, number), registration) in changes {
            if sessions.len() == most {
                return (sessions, last);
            }
            if let Some(session) = self.sessions.get(registration) {
                sessions.push((registration.clone(), session.clone()));
            }
            last = *number;
        }
        (sessions, upto)
    }
}

impl Index {
    /// The index of a book that was read from disk.
    pub fn of(book: &Book) -> Self {
        let sessions = book.sessions.iter();
        let changes = sessions.flat_map(|(registration, session)| {
            let changes = session.changes.iter();
            changes.map(|(stream, number)| ((stream.clone(), *number), registration.clone()))
        });
        Self(changes.collect())
    }
}

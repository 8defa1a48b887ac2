//! The servers that a client knows, and whom it dials next: the last good one, then each other one in turn,
//! for ever (`docs/protocol.md`, Client).

use std::collections::VecDeque;

use crate::message::Address;

/// How many servers a client remembers, at most.
pub const SERVERS_MAX: usize = 1024;

/// The servers that a client knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Servers {
    /// All of them: those it was given, then others as it heard of them.
    pub known: Vec<Address>,
    /// Whom to dial next.
    pub candidates: VecDeque<Address>,
    /// How often all were tried in vain; saturates at [`Timing::backoffs`](super::Timing::backoffs).
    pub rounds: u32,
}

impl Servers {
    pub(super) fn new(known: &[Address]) -> Self {
        Self {
            known: known.to_vec(),
            candidates: VecDeque::new(),
            rounds: 0,
        }
    }

    /// Remembers servers that it didn't know.
    pub(super) fn learn(&mut self, heard: impl IntoIterator<Item = Address>) {
        for address in heard {
            if self.known.len() < SERVERS_MAX && !self.known.contains(&address) {
                self.known.push(address);
            }
        }
    }

    /// Begins with the first of the list.
    pub(super) fn start(&mut self) {
        self.candidates = self.known.iter().cloned().collect();
        self.rounds = 0;
    }

    /// A server was lost: it may be back at once. Then the others.
    pub(super) fn retry(&mut self, lost: &Address) {
        self.pass(lost);
        self.candidates.rotate_right(1);
        self.rounds = 0;
    }

    /// A server is of no use now: the others first.
    pub(super) fn pass(&mut self, refused: &Address) {
        let place = self.known.iter().position(|known| known == refused);
        self.candidates = self.known.iter().cloned().collect();
        self.candidates
            .rotate_left(place.map_or(0, |place| place + 1));
    }

    /// The next to dial; after the last one the first again. `None` only when none is known.
    pub(super) fn next(&mut self, backoffs: u32) -> Option<Address> {
        if self.candidates.is_empty() {
            self.candidates = self.known.iter().cloned().collect();
            self.rounds = (self.rounds + 1).min(backoffs);
        }
        self.candidates.pop_front()
    }
}

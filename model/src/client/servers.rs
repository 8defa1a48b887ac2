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
            candidates: known.iter().cloned().collect(),
            rounds: 0,
        }
    }

    /// Remembers servers that it didn't know.
    pub(super) fn learn(&mut self, heard: impl IntoIterator<Item = Address>) {
        for address in heard {
            if !self.known.contains(&address) {
                self.known.push(address);
                self.known.truncate(SERVERS_MAX);
            }
        }
    }

    /// Will begin with the first of the list.
    pub(super) fn start(&mut self) {
        self.candidates = self.known.iter().cloned().collect();
        self.rounds = 0;
    }

    /// A server was lost: it may be back at once. Then the others.
    pub(super) fn retry(&mut self, lost: &Address) {
        self.start();
        self.begin_with(lost);
    }

    /// A server is of no use now: the others first. That counts as if all had been tried in vain: otherwise whoever is shown out again and again
    /// would be back just as soon each time.
    pub(super) fn pass(&mut self, refused: &Address, backoffs: u32) {
        self.next_round(backoffs);
        self.begin_with(refused);
        self.candidates.rotate_left(1);
    }

    /// The next to dial; after the last one the first again. `None` only when none is known.
    pub(super) fn next(&mut self, backoffs: u32) -> Option<Address> {
        if self.candidates.is_empty() {
            self.next_round(backoffs);
        }
        self.candidates.pop_front()
    }

    /// All were tried in vain.
    fn next_round(&mut self, backoffs: u32) {
        self.candidates = self.known.iter().cloned().collect();
        self.rounds = (self.rounds + 1).min(backoffs);
    }

    /// The others after it, in their turn.
    fn begin_with(&mut self, first: &Address) {
        let place = self.known.iter().position(|known| known == first);
        self.candidates.rotate_left(place.unwrap_or(0));
    }
}

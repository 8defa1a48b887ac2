//! Expanding a chunk of states: what one thread does by itself, against a table that nobody writes.

use super::graph::Edge;
use super::table::{Fingerprints, Shard, Table};
use super::{Checked, Coverage};

/// Some states of one level, with consecutive ids.
pub(super) struct Chunk<S> {
    /// The id of the first one.
    pub(super) first: u32,
    pub(super) states: Vec<S>,
}

impl<S> Chunk<S> {
    /// States in a full chunk.
    pub(super) const FULL: usize = 128;

    fn ids(&self) -> impl Iterator<Item = u32> + use<S> {
        self.first..
    }
}

/// A state that the table didn't have.
pub(super) struct Candidate<S> {
    pub(super) fingerprint: u64,
    /// The step that led to it.
    pub(super) parent: u32,
    pub(super) action: u16,
    pub(super) state: S,
}

/// Where a step leads.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// To a state of this id.
    Known(u32),
    /// To the expansion's candidate of this index.
    Candidate(u32),
}

/// What came out of a chunk, in the order of its states and their actions.
pub(super) struct Expansion<S, C> {
    pub(super) candidates: Vec<Candidate<S>>,
    /// Steps to other states, and whether they are the protocol's.
    pub(super) steps: Vec<(Target, bool)>,
    /// How many of those each state has.
    pub(super) degrees: Vec<u16>,
    /// Steps to any state, the same one included.
    pub(super) transitions: u64,
    pub(super) coverage: C,
    /// The candidates so far, so that a state met twice is carried on once.
    indexes: Shard,
}

impl<S: std::hash::Hash, C: Coverage> Expansion<S, C> {
    /// Takes every step from the states of a chunk.
    pub(super) fn of<M>(
        model: &M,
        table: &Table,
        fingerprints: &Fingerprints,
        chunk: Chunk<S>,
    ) -> Self
    where
        M: Checked<State = S, Coverage = C>,
    {
        let mut expansion = Self {
            candidates: Vec::new(),
            steps: Vec::new(),
            degrees: Vec::with_capacity(chunk.states.len()),
            transitions: 0,
            coverage: C::default(),
            indexes: Shard::default(),
        };
        let mut actions = Vec::new();
        for (parent, state) in chunk.ids().zip(&chunk.states) {
            let before = expansion.steps.len();
            model.actions(state, &mut actions);
            for (action, step) in actions.drain(..).enumerate() {
                let protocol = model.is_protocol(&step);
                let next = model.explore(state, step, &mut expansion.coverage);
                let Some(next) = next.filter(|next| model.within_boundary(next)) else {
                    continue;
                };
                expansion.transitions += 1;
                let fingerprint = fingerprints.of(&next);
                let target = match table.get(fingerprint) {
                    Some(known) if known == parent => continue,
                    Some(known) => Target::Known(known),
                    None => expansion.candidate(Candidate {
                        fingerprint,
                        parent,
                        action: index(action),
                        state: next,
                    }),
                };
                expansion.steps.push((target, protocol));
            }
            expansion
                .degrees
                .push(index(expansion.steps.len() - before));
        }
        expansion
    }

    fn candidate(&mut self, candidate: Candidate<S>) -> Target {
        let index = self.candidates.len() as u32;
        if let Some(earlier) = self.indexes.insert(candidate.fingerprint, index) {
            return Target::Candidate(earlier);
        }
        self.candidates.push(candidate);
        Target::Candidate(index)
    }

    /// The steps as edges, row by row, once the ids of the candidates are known.
    pub(super) fn rows(&self, ids: &[u32]) -> impl Iterator<Item = impl Iterator<Item = Edge>> {
        let mut rest = &self.steps[..];
        self.degrees.iter().map(move |&degree| {
            let (row, after) = rest.split_at(usize::from(degree));
            rest = after;
            row.iter().map(|&(target, protocol)| match target {
                Target::Known(id) => Edge::new(id, protocol),
                Target::Candidate(index) => Edge::new(ids[index as usize], protocol),
            })
        })
    }
}

/// The index of an action in 16 bits.
pub(super) fn index(index: usize) -> u16 {
    u16::try_from(index).expect("a state has at most 65,535 actions")
}

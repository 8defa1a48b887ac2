//! Convergence, on the graph that a search left: over the protocol's edges, which states can still reach a converged
//! one, and do any edges leave those.
//!
//! Most of the way backwards needs no reversed edges: the rows are swept, alternately downwards and upwards, marking what
//! has an edge to a marked state. A sweep streams over the rows of unmarked states and looks up marks that fit a cache;
//! it follows paths of any length whose ids only rise or only fall. What winding paths leave after some sweeps is
//! finished over reversed edges, of the unmarked states alone, so that the time stays linear in the graph.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::graph::{BLOCK, Edge, Edges, Graph};
use super::parallel;

/// Blocks of a sweep's jobs.
const SHARE: usize = 1 << 6;

/// Sweeps before the rest is reversed.
const MOST_SWEEPS: usize = 16;

/// A search for states that can't reach a converged one.
pub(super) struct Backwards<'a> {
    edges: &'a Edges,
    threads: usize,
    /// What is known to reach a converged state.
    reaching: Vec<AtomicU64>,
    downwards: bool,
    sweeps: usize,
}

impl<'a> Backwards<'a> {
    /// Starts from the converged states and, since nothing is known against them, from those that have no row yet.
    pub(super) fn new(graph: &'a Graph, threads: usize) -> Self {
        let expanded = graph.edges.rows();
        let reaching = graph
            .converged
            .words()
            .iter()
            .enumerate()
            .map(|(block, &word)| {
                let rows = expanded.saturating_sub(block * BLOCK);
                let without_row = u32::try_from(rows)
                    .ok()
                    .and_then(|rows| u64::MAX.checked_shl(rows));
                AtomicU64::new(word | without_row.unwrap_or(0))
            });
        Self {
            edges: &graph.edges,
            threads,
            reaching: reaching.collect(),
            downwards: true,
            sweeps: 0,
        }
    }

    /// Marks more states; `false` once there are none.
    pub(super) fn advance(&mut self) -> bool {
        if self.sweeps == MOST_SWEEPS {
            self.finish();
            return false;
        }
        self.sweeps += 1;
        self.sweep()
    }

    fn sweep(&mut self) -> bool {
        let blocks = self.edges.rows().div_ceil(BLOCK);
        let mut shares: Vec<usize> = (0..blocks.div_ceil(SHARE)).collect();
        if self.downwards {
            shares.reverse();
        }
        let marked = AtomicBool::new(false);
        parallel::in_order(self.threads, shares, |share| {
            let mut blocks: Vec<usize> = (share * SHARE..blocks.min((share + 1) * SHARE)).collect();
            if self.downwards {
                blocks.reverse();
            }
            for block in blocks {
                if self.sweep_block(block) {
                    marked.store(true, Ordering::Relaxed);
                }
            }
        });
        self.downwards = !self.downwards;
        marked.into_inner()
    }

    /// No other thread marks states of this block, so relaxed accesses lose nothing; marks of others that are seen late
    /// are seen by the next sweep.
    fn sweep_block(&self, block: usize) -> bool {
        let before = self.reaching[block].load(Ordering::Relaxed);
        if before == u64::MAX {
            return false;
        }
        let mut rows = [&[][..]; BLOCK];
        for (place, row) in rows.iter_mut().zip(self.edges.block(block)) {
            *place = row;
        }
        let mut word = before;
        let mut visit = |index: usize| {
            if word >> index & 1 == 0
                && rows[index]
                    .iter()
                    .any(|edge| edge.is_protocol() && self.reaches(edge.target()))
            {
                word |= 1 << index;
                self.reaching[block].store(word, Ordering::Relaxed);
            }
        };
        if self.downwards {
            (0..BLOCK).rev().for_each(&mut visit);
        } else {
            (0..BLOCK).for_each(&mut visit);
        }
        word != before
    }

    fn reaches(&self, id: u32) -> bool {
        self.reaching[id as usize / BLOCK].load(Ordering::Relaxed) >> (id as usize % BLOCK) & 1 == 1
    }

    /// Marks all that is left to be marked, over reversed edges.
    fn finish(&self) {
        let sources = Sources::of_unmarked(self);
        let mut marked = sources.of_marked.clone();
        for &id in &marked {
            self.mark(id);
        }
        while let Some(id) = marked.pop() {
            for &source in sources.of(id) {
                if !self.reaches(source) {
                    self.mark(source);
                    marked.push(source);
                }
            }
        }
    }

    fn mark(&self, id: u32) {
        self.reaching[id as usize / BLOCK].fetch_or(1 << (id as usize % BLOCK), Ordering::Relaxed);
    }

    /// The unmarked states, each with its row.
    fn unmarked(&self) -> impl Iterator<Item = (u32, &'a [Edge])> {
        let blocks = 0..self.edges.rows().div_ceil(BLOCK);
        let states =
            blocks.flat_map(|block| ((block * BLOCK) as u32..).zip(self.edges.block(block)));
        states.filter(|&(id, _)| !self.reaches(id))
    }

    /// After the last advance: the nearest state that can't reach a converged one.
    pub(super) fn lost(self) -> Option<u32> {
        self.reaching
            .into_iter()
            .enumerate()
            .find_map(|(block, word)| {
                let unmarked = word.into_inner().trailing_ones();
                (unmarked < u64::BITS).then(|| (block * BLOCK) as u32 + unmarked)
            })
    }
}

/// Where the protocol's edges of a row lead.
fn targets(row: &[Edge]) -> impl Iterator<Item = u32> {
    let edges = row.iter().filter(|edge| edge.is_protocol());
    edges.map(|edge| edge.target())
}

/// The edges of the protocol among unmarked states, reversed.
struct Sources {
    /// By target: where its sources end.
    ends: Vec<usize>,
    all: Vec<u32>,
    /// Unmarked states with an edge to a marked one.
    of_marked: Vec<u32>,
}

impl Sources {
    fn of_unmarked(backwards: &Backwards<'_>) -> Self {
        let mut of_marked = Vec::new();
        let mut ends = vec![0; backwards.edges.rows() + 1];
        for (id, row) in backwards.unmarked() {
            if targets(row).any(|target| backwards.reaches(target)) {
                of_marked.push(id);
            } else {
                targets(row).for_each(|target| ends[target as usize + 1] += 1);
            }
        }
        for target in 1..ends.len() {
            ends[target] += ends[target - 1];
        }
        let mut all = vec![0; ends[ends.len() - 1]];
        // Each target's start moves on to its end as its sources are filled in.
        let mut rest = of_marked.iter().copied().peekable();
        for (id, row) in backwards.unmarked() {
            if rest.next_if_eq(&id).is_none() {
                for target in targets(row) {
                    all[ends[target as usize]] = id;
                    ends[target as usize] += 1;
                }
            }
        }
        Self {
            ends,
            all,
            of_marked,
        }
    }

    fn of(&self, id: u32) -> &[u32] {
        let start = id
            .checked_sub(1)
            .map_or(0, |before| self.ends[before as usize]);
        &self.all[start..self.ends[id as usize]]
    }
}

/// The nearest converged state that an edge of the protocol leaves, and the index of that edge in its row.
pub(super) fn left(graph: &Graph, threads: usize) -> Option<(u32, usize)> {
    let blocks = graph.edges.rows().div_ceil(BLOCK);
    let shares = (0..blocks.div_ceil(SHARE)).collect();
    let found = parallel::in_order(threads, shares, |share: usize| {
        let blocks = share * SHARE..blocks.min((share + 1) * SHARE);
        blocks
            .filter(|&block| graph.converged.words()[block] != 0)
            .find_map(|block| {
                let ids = (block * BLOCK) as u32..;
                ids.zip(graph.edges.block(block))
                    .filter(|&(id, _)| graph.converged.get(id))
                    .find_map(|(id, row)| {
                        let leaves =
                            |edge: &Edge| edge.is_protocol() && !graph.converged.get(edge.target());
                        row.iter().position(leaves).map(|edge| (id, edge))
                    })
            })
    });
    found.into_iter().flatten().next()
}

//! Convergence, on the graph that a search left: over the protocol's edges, which states can still reach a converged
//! one, and do any edges leave those.
//!
//! Going backwards needs no reversed edges: the rows are swept, alternately downwards and upwards, marking what has an
//! edge to a marked state, until a sweep marks nothing. A sweep streams over the rows of unmarked states and looks up
//! marks that fit a cache; it follows paths of any length whose ids only rise or only fall, so there are fewer sweeps than
//! a longest way to converge has turns, and each leaves less to do for the next.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::graph::{BLOCK, Edges, Graph};
use super::parallel;

/// Blocks of a sweep's jobs.
const SHARE: usize = 1 << 6;

/// A search for states that can't reach a converged one.
pub(super) struct Backwards<'a> {
    edges: &'a Edges,
    threads: usize,
    /// What is known to reach a converged state.
    reaching: Vec<AtomicU64>,
    downwards: bool,
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
        }
    }

    /// Marks more states; `false` once there are none.
    pub(super) fn sweep(&mut self) -> bool {
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

    /// After the last sweep: the nearest state that can't reach a converged one.
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
                        let leaves = |edge: &super::graph::Edge| {
                            edge.is_protocol() && !graph.converged.get(edge.target())
                        };
                        row.iter().position(leaves).map(|edge| (id, edge))
                    })
            })
    });
    found.into_iter().flatten().next()
}

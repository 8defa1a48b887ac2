//! The graph of a search: where each state was first met from, which states are converged, and every edge.
//!
//! A state costs 6 bytes for its origin, 2 1/4 for its row of edges and its mark, and 4 for each edge.

/// The bit of an edge that says whose step it is; it leaves 31 bits for ids.
const PROTOCOL: u32 = 1 << 31;

/// The most states that ids can tell apart.
pub(super) const MOST_STATES: usize = PROTOCOL as usize;

/// The parent of an initial state.
const NOWHERE: u32 = u32::MAX;

/// States in a block: rows are found by adding at most so many degrees, and a block's marks are one word.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// A step from one state to another one, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge(u32);

impl Edge {
    pub(super) fn new(target: u32, protocol: bool) -> Self {
        Self(if protocol { target | PROTOCOL } else { target })
    }

    pub(super) fn target(self) -> u32 {
        self.0 & !PROTOCOL
    }

    pub(super) fn is_protocol(self) -> bool {
        self.0 & PROTOCOL != 0
    }
}

/// One mark for each state.
#[derive(Default)]
pub(super) struct Marks {
    words: Vec<u64>,
    length: usize,
}

impl Marks {
    pub(super) fn push(&mut self, mark: bool) {
        if self.length.is_multiple_of(BLOCK) {
            self.words.push(0);
        }
        self.words[self.length / BLOCK] |= u64::from(mark) << (self.length % BLOCK);
        self.length += 1;
    }

    pub(super) fn get(&self, id: u32) -> bool {
        self.words[id as usize / BLOCK] >> (id as usize % BLOCK) & 1 == 1
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }
}

/// The edges of the states that were expanded, row after row in the order of ids.
#[derive(Default)]
pub(super) struct Edges {
    all: Vec<Edge>,
    degrees: Vec<u16>,
    /// Where the row of each block's first state starts.
    blocks: Vec<usize>,
}

impl Edges {
    /// Adds the row of the next state.
    pub(super) fn push_row(&mut self, row: impl IntoIterator<Item = Edge>) {
        let start = self.all.len();
        if self.degrees.len().is_multiple_of(BLOCK) {
            self.blocks.push(start);
        }
        self.all.extend(row);
        let degree = u16::try_from(self.all.len() - start);
        self.degrees
            .push(degree.expect("a row has no more edges than its state has actions"));
    }

    /// States that have a row.
    pub(super) fn rows(&self) -> usize {
        self.degrees.len()
    }

    pub(super) fn row(&self, id: u32) -> &[Edge] {
        let id = id as usize;
        let before = &self.degrees[id / BLOCK * BLOCK..id];
        let start = self.blocks[id / BLOCK]
            + before
                .iter()
                .map(|&degree| usize::from(degree))
                .sum::<usize>();
        &self.all[start..start + usize::from(self.degrees[id])]
    }

    /// The rows of the states of one block, in order, as slices.
    pub(super) fn block(&self, block: usize) -> impl Iterator<Item = &[Edge]> {
        let degrees = &self.degrees[block * BLOCK..self.rows().min((block + 1) * BLOCK)];
        let mut rest = &self.all[self.blocks[block]..];
        degrees.iter().map(move |&degree| {
            let (row, after) = rest.split_at(usize::from(degree));
            rest = after;
            row
        })
    }
}

/// What a search leaves behind.
#[derive(Default)]
pub(super) struct Graph {
    parents: Vec<u32>,
    actions: Vec<u16>,
    pub(super) converged: Marks,
    pub(super) edges: Edges,
}

impl Graph {
    pub(super) fn states(&self) -> usize {
        self.parents.len()
    }

    /// Adds an initial state, by its index among the model's.
    pub(super) fn push_initial(&mut self, index: u16) {
        self.push(NOWHERE, index);
    }

    /// Adds a state by the step that first led to it.
    pub(super) fn push(&mut self, parent: u32, action: u16) {
        self.parents.push(parent);
        self.actions.push(action);
    }

    /// The shortest path to a state: the index of the initial state, then those of the actions.
    pub(super) fn path(&self, id: u32) -> Vec<usize> {
        let mut path = Vec::new();
        let mut state = id;
        while state != NOWHERE {
            path.push(usize::from(self.actions[state as usize]));
            state = self.parents[state as usize];
        }
        path.reverse();
        path
    }

    /// Bytes that the graph occupies.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.parents)
            + size_of_val(&*self.actions)
            + size_of_val(self.converged.words())
            + size_of_val(&*self.edges.all)
            + size_of_val(&*self.edges.degrees)
            + size_of_val(&*self.edges.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_found_again_alone_and_by_block() {
        let mut edges = Edges::default();
        let row = |id: u32| (0..id % 5).map(move |n| Edge::new(id * 7 + n, n % 2 == 0));
        for id in 0..1_000 {
            edges.push_row(row(id));
        }
        for id in 0..1_000 {
            assert_eq!(edges.row(id), row(id).collect::<Vec<_>>());
        }
        let rows: Vec<_> = (0..1_000_usize.div_ceil(BLOCK))
            .flat_map(|block| edges.block(block))
            .collect();
        assert_eq!(rows.len(), 1_000);
        assert!((0..).zip(rows).all(|(id, found)| edges.row(id) == found));
    }

    #[test]
    fn an_edge_keeps_its_target_and_whose_step_it_is() {
        for protocol in [true, false] {
            let edge = Edge::new(MOST_STATES as u32 - 1, protocol);
            assert_eq!(edge.target() as usize, MOST_STATES - 1);
            assert_eq!(edge.is_protocol(), protocol);
        }
    }
}

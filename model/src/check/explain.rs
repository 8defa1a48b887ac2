//! From ids to something to read: the states of a counterexample are made again, and judged law by law.

use std::collections::{BTreeSet, VecDeque};

use super::component;
use super::graph::Graph;
use super::table::Fingerprints;
use super::{Checked, Law, Path, Trap, Violation, Walk, replay};

/// Replays what the search itself found.
fn walk<M: Checked>(model: &M, indexes: &[usize]) -> Walk<M> {
    replay(model, indexes).expect("a model is a pure function, so what was found can be replayed")
}

/// A path by its indexes.
pub(super) fn path<M: Checked>(model: &M, indexes: Vec<usize>) -> Path<M::Action> {
    let actions = walk(model, &indexes)
        .into_iter()
        .filter_map(|(action, _)| action)
        .collect();
    Path { indexes, actions }
}

/// What explanations are made from.
pub(super) struct Explain<'a, M: Checked> {
    pub(super) model: &'a M,
    pub(super) graph: &'a Graph,
    pub(super) laws: &'a [Law<M>],
    pub(super) fingerprints: &'a Fingerprints,
}

impl<M: Checked> Explain<'_, M> {
    /// From this state no converged one can be reached, and all that can be is expanded.
    pub(super) fn stuck(&self, lost: u32) -> Violation<M::Action> {
        let component = component::nearest_bottom(&self.graph.edges, lost);
        let mut indexes = self.graph.path(lost);
        let lost_after = indexes.len() - 1;
        let mut state = self.end(&indexes);
        for &(_, edge) in &component.steps {
            let (action, next) = self.step(&state, edge);
            indexes.push(action);
            state = next;
        }
        Violation::Stuck {
            path: path(self.model, indexes),
            lost_after,
            trap: self.trap(component.entry, state, component.states),
        }
    }

    /// From this converged state, this edge of its row leads to one that isn't.
    pub(super) fn left(&self, from: u32, edge: usize) -> Violation<M::Action> {
        let mut indexes = self.graph.path(from);
        let (action, state) = self.step(&self.end(&indexes), edge);
        indexes.push(action);
        Violation::Left {
            path: path(self.model, indexes),
            broken: self.broken(&state),
        }
    }

    /// Judges the states of a component, from one of them.
    fn trap(&self, entry: u32, state: M::State, states: usize) -> Trap {
        let mut never: Vec<&'static str> = self.laws.iter().map(|law| law.name).collect();
        let mut met = BTreeSet::from([entry]);
        let mut queue = VecDeque::from([(entry, state)]);
        let mut judged = 0;
        while let Some((id, state)) = queue.pop_front() {
            let broken = self.broken(&state);
            never.retain(|law| broken.contains(law));
            judged += 1;
            let row = self.graph.edges.row(id);
            for (edge, (_, next)) in row.iter().zip(self.successors(&state)) {
                if edge.is_protocol() && met.len() < Trap::MOST_JUDGED && met.insert(edge.target())
                {
                    queue.push_back((edge.target(), next));
                }
            }
        }
        Trap {
            states,
            judged,
            never,
        }
    }

    fn broken(&self, state: &M::State) -> Vec<&'static str> {
        let view = self.model.view(state);
        let broken = self.laws.iter().filter(|law| !(law.holds)(&view));
        broken.map(|law| law.name).collect()
    }

    /// The last state of a path.
    fn end(&self, indexes: &[usize]) -> M::State {
        let (_, state) = walk(self.model, indexes)
            .pop()
            .expect("a walk has an initial state");
        state
    }

    /// The action that an edge of a state's row stands for, and where it leads.
    fn step(&self, state: &M::State, edge: usize) -> (usize, M::State) {
        let mut successors = self.successors(state);
        assert!(
            edge < successors.len(),
            "a model is a pure function, so a state's edges are found again"
        );
        successors.swap_remove(edge)
    }

    /// The steps that an expansion keeps as the edges of a state, in the same order.
    fn successors(&self, state: &M::State) -> Vec<(usize, M::State)> {
        let here = self.fingerprints.of(state);
        let mut actions = Vec::new();
        self.model.actions(state, &mut actions);
        let steps = (0..).zip(actions);
        steps
            .filter_map(|(index, action)| Some((index, self.model.next_state(state, action)?)))
            .filter(|(_, next)| {
                self.model.within_boundary(next) && self.fingerprints.of(next) != here
            })
            .collect()
    }
}

//! Breadth-first search, level by level, in batches: expand in parallel against a table that nobody writes, admit what
//! is new in order, judge it in parallel.

use std::collections::VecDeque;

use super::expansion::{Chunk, Expansion, index};
use super::graph::{Graph, MOST_STATES};
use super::table::{Fingerprints, Table};
use super::{
    CheckError, Checked, Coverage, Law, Options, Phase, Progress, Report, ReportOf, Stop,
    Violation, convergence, explain, parallel,
};

/// Chunks in a batch: enough to share them out evenly, few enough that candidates found twice are few too.
const BATCH: usize = 64;

/// The size of a graph that is first searched for violations of convergence before its end.
const FIRST_LOOK: usize = 1 << 12;

/// A check under way.
pub(super) struct Search<'a, M: Checked> {
    model: &'a M,
    options: &'a Options,
    progress: &'a mut dyn FnMut(&Progress),
    safety: Vec<Law<M>>,
    convergence: Vec<Law<M>>,
    fingerprints: Fingerprints,
    table: Table,
    graph: Graph,
    /// The first state that breaks each law of safety.
    unsafe_at: Vec<Option<u32>>,
    expanded: usize,
    transitions: u64,
    depth: usize,
    coverage: M::Coverage,
}

impl<'a, M: Checked> Search<'a, M> {
    pub(super) fn new(
        model: &'a M,
        options: &'a Options,
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Self {
        let safety = model.safety();
        Self {
            model,
            options,
            progress,
            unsafe_at: vec![None; safety.len()],
            safety,
            convergence: model.convergence(),
            fingerprints: Fingerprints::new(),
            table: Table::new(),
            graph: Graph::default(),
            expanded: 0,
            transitions: 0,
            depth: 0,
            coverage: M::Coverage::default(),
        }
    }

    pub(super) fn run(mut self) -> Result<ReportOf<M>, CheckError> {
        let mut next_look = FIRST_LOOK;
        let mut level = self.start()?;
        while !self.must_stop() && !level.is_empty() {
            let next = self.expand_level(level)?;
            if !next.is_empty() {
                self.depth += 1;
            }
            if self.options.stop == Stop::AsSoonAsKnown
                && self.expanded >= next_look
                && !next.is_empty()
            {
                let violations = self.not_converging();
                if !violations.is_empty() {
                    return Ok(self.report(violations));
                }
                next_look = self.expanded * 2;
            }
            level = next;
        }
        let mut violations = self.unsafe_states();
        if !self.must_stop() {
            violations.extend(self.not_converging());
        }
        Ok(self.report(violations))
    }

    /// The initial states, judged.
    fn start(&mut self) -> Result<VecDeque<Chunk<M::State>>, CheckError> {
        let mut level = Fresh::new();
        for (position, state) in self.model.init_states().into_iter().enumerate() {
            if !self.model.within_boundary(&state) {
                continue;
            }
            let fingerprint = self.fingerprints.of(&state);
            let id = self.graph.states() as u32;
            if self.table.insert(fingerprint, id).is_none() {
                self.allow_one_more()?;
                self.graph.push_initial(index(position));
                level.push(id, state);
            }
        }
        self.judge(&level.0);
        Ok(level.0.into())
    }

    /// Expands all states of a level and returns those of the next one, unless a violation ends the search before.
    fn expand_level(
        &mut self,
        mut level: VecDeque<Chunk<M::State>>,
    ) -> Result<VecDeque<Chunk<M::State>>, CheckError> {
        let mut next = VecDeque::new();
        while !level.is_empty() && !self.must_stop() {
            let batch = level.drain(..level.len().min(BATCH)).collect();
            let fresh = self.expand(batch)?;
            self.judge(&fresh);
            next.extend(fresh);
            let progress = self.so_far(Phase::Search);
            (self.progress)(&progress);
        }
        Ok(next)
    }

    /// Expands a batch and returns its new states.
    fn expand(&mut self, batch: Vec<Chunk<M::State>>) -> Result<Vec<Chunk<M::State>>, CheckError> {
        let expansions = parallel::in_order(self.options.threads.get(), batch, |chunk| {
            Expansion::of(self.model, &self.table, &self.fingerprints, chunk)
        });
        let mut fresh = Fresh::new();
        for expansion in expansions {
            self.admit(expansion, &mut fresh)?;
        }
        Ok(fresh.0)
    }

    /// Gives ids to the new states of an expansion, in order, and keeps its edges.
    fn admit(
        &mut self,
        mut expansion: Expansion<M::State, M::Coverage>,
        fresh: &mut Fresh<M::State>,
    ) -> Result<(), CheckError> {
        let mut ids = Vec::with_capacity(expansion.candidates.len());
        for candidate in std::mem::take(&mut expansion.candidates) {
            let id = self.graph.states() as u32;
            let known = self.table.insert(candidate.fingerprint, id);
            if known.is_none() {
                self.allow_one_more()?;
                self.graph.push(candidate.parent, candidate.action);
                fresh.push(id, candidate.state);
            }
            ids.push(known.unwrap_or(id));
        }
        self.expanded += expansion.degrees.len();
        self.transitions += expansion.transitions;
        if !self.convergence.is_empty() {
            for row in expansion.rows(&ids) {
                self.graph.edges.push_row(row);
            }
        }
        self.coverage.merge(expansion.coverage);
        Ok(())
    }

    fn allow_one_more(&self) -> Result<(), CheckError> {
        let limit = self.options.max_states.min(MOST_STATES);
        if self.graph.states() >= limit {
            return Err(CheckError::Exceeded {
                limit,
                depth: self.depth,
            });
        }
        Ok(())
    }

    /// Evaluates the laws on new states.
    fn judge(&mut self, fresh: &[Chunk<M::State>]) {
        // Of a law that is already broken, a nearest state is known.
        let open: Vec<usize> = (0..self.safety.len())
            .filter(|&law| self.unsafe_at[law].is_none())
            .collect();
        let (model, safety, convergence) = (self.model, &self.safety, &self.convergence);
        let verdicts = parallel::in_order(
            self.options.threads.get(),
            fresh.iter().collect(),
            |chunk| {
                let mut broken = Vec::new();
                let mut converged = Vec::with_capacity(chunk.states.len());
                for (id, state) in (chunk.first..).zip(&chunk.states) {
                    let view = model.view(state);
                    let failed = open.iter().filter(|&&law| !(safety[law].holds)(&view));
                    broken.extend(failed.map(|&law| (law, id)));
                    converged.push(convergence.iter().all(|law| (law.holds)(&view)));
                }
                (broken, converged)
            },
        );
        for (broken, converged) in verdicts {
            for (law, id) in broken {
                self.unsafe_at[law].get_or_insert(id);
            }
            for converged in converged {
                self.graph.converged.push(converged);
            }
        }
    }

    fn must_stop(&self) -> bool {
        self.options.stop != Stop::AtTheEnd && self.unsafe_at.iter().any(Option::is_some)
    }

    /// The violations of safety: the nearest one if that ends the check, else one of each law.
    fn unsafe_states(&self) -> Vec<Violation<M::Action>> {
        let mut broken: Vec<_> = (0..)
            .zip(&self.unsafe_at)
            .filter_map(|(law, id)| id.map(|id| (id, law)))
            .collect();
        broken.sort_unstable();
        if self.must_stop() {
            broken.truncate(1);
        }
        broken
            .into_iter()
            .map(|(id, law): (u32, usize)| Violation::Unsafe {
                law: self.safety[law].name,
                path: explain::path(self.model, self.graph.path(id)),
            })
            .collect()
    }

    /// The violations of convergence among what was expanded so far.
    fn not_converging(&mut self) -> Vec<Violation<M::Action>> {
        if self.convergence.is_empty() {
            return Vec::new();
        }
        let progress = self.so_far(Phase::Convergence);
        let mut backwards = convergence::Backwards::new(&self.graph, self.options.threads.get());
        (self.progress)(&progress);
        while backwards.advance() {
            (self.progress)(&progress);
        }
        let lost = backwards.lost();
        let left = convergence::left(&self.graph, self.options.threads.get());
        let explain = explain::Explain {
            model: self.model,
            graph: &self.graph,
            laws: &self.convergence,
            fingerprints: &self.fingerprints,
        };
        let lost = lost.map(|id| explain.stuck(id));
        let left = left.map(|(id, edge)| explain.left(id, edge));
        lost.into_iter().chain(left).collect()
    }

    fn so_far(&self, phase: Phase) -> Progress {
        Progress {
            phase,
            states: self.graph.states(),
            transitions: self.transitions,
            frontier: self.graph.states() - self.expanded,
            depth: self.depth,
        }
    }

    fn report(self, violations: Vec<Violation<M::Action>>) -> ReportOf<M> {
        Report {
            complete: self.expanded == self.graph.states(),
            states: self.graph.states(),
            transitions: self.transitions,
            depth: self.depth,
            converged: self.graph.converged.count(),
            bytes: self.table.bytes() + self.graph.bytes(),
            coverage: self.coverage,
            violations,
        }
    }
}

/// New states, in chunks.
struct Fresh<S>(Vec<Chunk<S>>);

impl<S> Fresh<S> {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, id: u32, state: S) {
        match self.0.last_mut() {
            Some(chunk) if chunk.states.len() < Chunk::<S>::FULL => chunk.states.push(state),
            Some(_) | None => self.0.push(Chunk {
                first: id,
                states: vec![state],
            }),
        }
    }
}

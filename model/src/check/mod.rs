//! Exhaustive checking of any model: every state, every law, and convergence on the whole graph.
//!
//! ```text
//!   initial states ─► search ────────────────► convergence ──────────► report
//!                     level by level:           backwards, over the     sizes, coverage, and for each
//!                     every state judged once,  protocol's edges only   violation the shortest path
//!                     every edge kept
//! ```
//!
//! *Convergence* is two things. From every state a converged one can be reached by the protocol's own steps, without
//! further faults (AG EF); and no step of the protocol leaves the converged states. With strong fairness that is: every
//! run whose faults end does converge. It finds the livelocks that stateright's `eventually` misses.
//!
//! Results don't depend on the number of threads: ids are given in the order of a sequential breadth-first search.
//!
//! Memory: 19 bytes a state for the table on average (24 at most), 8 for the graph, and 4 for each edge between
//! different states; at 6 edges a state 50 to 56 bytes, 100 million states in about 5.5 GB. Only the states of the two
//! levels being worked on are kept whole. See [`Report::bytes`]. Going
//! backwards adds a bit a state; where ways wind, 8 bytes a state and 4 for each edge among states still open.

mod component;
mod convergence;
mod coverage;
mod expansion;
mod explain;
mod graph;
mod parallel;
mod path;
mod search;
mod table;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::num::NonZeroUsize;

use stateright::Model;
use thiserror::Error;

pub use self::coverage::Coverage;
pub use self::path::{Path, ReplayError, Walk, replay};

/// A model that can be checked: stateright's, plus what exhaustive checking needs to know.
///
/// What [`Model`] says must be a pure function: the same state has the same actions in the same order, and states that
/// are equal have equal hashes. [`Model::properties`] is ignored here; the laws are below.
pub trait Checked: Model<State: Hash + Send + Sync, Action: Clone + Send> + Sync + 'static {
    /// Labels of what was seen on the way: messages, refusals, timers, faults, interesting states.
    type Coverage: Coverage;

    /// What the laws read of a state.
    type View<'a>;

    /// A state as the laws read it: made once, for all of them.
    fn view<'a>(&'a self, state: &'a Self::State) -> Self::View<'a>;

    /// [`Model::next_state`], noting in `seen` what happened. `next_state` calls this with a throw-away.
    fn explore(
        &self,
        state: &Self::State,
        action: Self::Action,
        seen: &mut Self::Coverage,
    ) -> Option<Self::State>;

    /// Whether the step is the protocol's own (a delivery, a timer, a notice, a sync) and not its environment's (a
    /// fault, a heal, a restart, a user's request).
    fn is_protocol(&self, action: &Self::Action) -> bool;

    /// Laws that hold in every state.
    fn safety(&self) -> Vec<Law<Self>>;

    /// Laws that hold together in every state that a fault-free fair run must end in. A state where all hold is
    /// *converged*. Without any, convergence isn't checked and no edges are kept.
    fn convergence(&self) -> Vec<Law<Self>>;
}

/// A named condition on states.
pub struct Law<M: Checked> {
    /// What it says, as reports show it.
    pub name: &'static str,
    /// Whether it holds in a state.
    pub holds: fn(&M::View<'_>) -> bool,
}

impl<M: Checked> Clone for Law<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Checked> Copy for Law<M> {}

/// When a check ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// At the end of the graph, with the shortest violation of each law.
    AtTheEnd,
    /// At the first state that is unsafe, which is a nearest one; convergence is checked on the whole graph.
    #[default]
    AtFirst,
    /// As `AtFirst`, and looks for violations of convergence whenever the graph has doubled. These are as real, for
    /// what is not yet expanded counts as able to converge, but possibly not the shortest.
    AsSoonAsKnown,
}

/// How to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads that expand and judge states. The report doesn't depend on it.
    pub threads: NonZeroUsize,
    /// A graph with more states than this is [`CheckError::Exceeded`]. Ids end at 2³¹ in any case.
    pub max_states: usize,
    /// When to end.
    pub stop: Stop,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: NonZeroUsize::MIN,
            max_states: graph::MOST_STATES,
            stop: Stop::default(),
        }
    }
}

/// What a check is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Expanding states, level by level.
    Search,
    /// Going backwards over the graph, once more for each report of this phase.
    Convergence,
}

/// How far a check is. Reported after every few thousand expanded states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Unique states found.
    pub states: usize,
    /// Steps taken, those that lead to a known state or back to the same one included.
    pub transitions: u64,
    /// States found and not yet expanded.
    pub frontier: usize,
    /// Steps from the initial states to the level being expanded.
    pub depth: usize,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<A, C> {
    /// Whether every reachable state was expanded; a check that stops at a violation may not have.
    pub complete: bool,
    /// Unique states, as many as stateright's `spawn_bfs` counts.
    pub states: usize,
    /// Steps, those that lead to a known state or back to the same one included.
    pub transitions: u64,
    /// Steps to the farthest state by a shortest path.
    pub depth: usize,
    /// States in which every law of convergence holds.
    pub converged: usize,
    /// Bytes that the table and the graph occupy at the end.
    pub bytes: usize,
    /// What was seen on the way, from every state that was expanded.
    pub coverage: C,
    /// What is wrong; nothing, if all is well.
    pub violations: Vec<Violation<A>>,
}

/// A law broken, with the shortest way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation<A> {
    /// A law that should hold in every state doesn't hold in the last one of the path.
    Unsafe {
        /// The law.
        law: &'static str,
        /// The way to a nearest state where it is broken.
        path: Path<A>,
    },
    /// The protocol can't converge any more.
    Stuck {
        /// The way to a nearest state from which no converged one can be reached, and on by the protocol's steps to a
        /// nearest set of states that it can't leave.
        path: Path<A>,
        /// Steps of the path after which it is lost; the others show where that ends.
        lost_after: usize,
        /// Where it ends.
        trap: Trap,
    },
    /// The protocol left the converged states by its own step, the last one of the path.
    Left {
        /// The way to a nearest such state, and the step.
        path: Path<A>,
        /// The laws of convergence that the step broke.
        broken: Vec<&'static str>,
    },
}

/// States that the protocol moves among for ever: a bottom strongly connected component of its edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// How many there are; one is a dead end.
    pub states: usize,
    /// How many of them were judged, nearest first; the first [`Trap::MOST_JUDGED`] if there are more.
    pub judged: usize,
    /// The laws of convergence that hold in none of those. If it is empty, each law holds somewhere, but never all at once.
    pub never: Vec<&'static str>,
}

impl Trap {
    /// States of a trap that are judged at most: they have to be made again, one by one.
    pub const MOST_JUDGED: usize = 20_000;
}

/// Why a check has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckError {
    /// The graph is larger than was allowed. Narrow the scenario or raise the limit: nothing is known of the rest.
    #[error("more than {limit} states, {depth} steps from the start")]
    Exceeded {
        /// The limit that was reached.
        limit: usize,
        /// Steps from the initial states to the level that was being expanded.
        depth: usize,
    },
}

/// What [`check`] reports of a model.
pub type ReportOf<M> = Report<<M as Model>::Action, <M as Checked>::Coverage>;

/// Checks every reachable state of a model.
///
/// # Errors
/// [`CheckError::Exceeded`] if there are more states than allowed, unless a violation ended the check before.
///
/// # Panics
/// If a state has more than 65,535 actions, if the model isn't a pure function, or if it panics itself.
pub fn check<M: Checked>(
    model: &M,
    options: &Options,
    mut progress: impl FnMut(&Progress),
) -> Result<ReportOf<M>, CheckError> {
    search::Search::new(model, options, &mut progress).run()
}

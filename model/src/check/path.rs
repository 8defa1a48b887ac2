//! Paths: how a state is named, and how it is made again.

use thiserror::Error;

use super::Checked;

/// A way from an initial state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<A> {
    /// The index of the initial state, then that of each action: what [`replay`] and stateright's Explorer read.
    pub indexes: Vec<usize>,
    /// The actions; one fewer than indexes.
    pub actions: Vec<A>,
}

impl<A> Path<A> {
    /// Steps from the initial state.
    pub fn steps(&self) -> usize {
        self.actions.len()
    }
}

/// States one after the other, each with the action that led to it; the initial one has none.
pub type Walk<M> = Vec<(
    Option<<M as stateright::Model>::Action>,
    <M as stateright::Model>::State,
)>;

/// Why a path can't be replayed: it belongs to another model, or to another version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// Not even an initial state is named.
    #[error("an empty path: the first index names the initial state")]
    Empty,
    /// The model has fewer initial states.
    #[error("no initial state {index}: the model has {available}")]
    NoInitialState {
        /// The index asked for.
        index: usize,
        /// How many there are.
        available: usize,
    },
    /// The state has fewer actions.
    #[error("no action {index} at step {step}: the state has {available}")]
    NoAction {
        /// The step, counted from 1.
        step: usize,
        /// The index asked for.
        index: usize,
        /// How many there are.
        available: usize,
    },
    /// The action leads nowhere.
    #[error("action {index} at step {step} has no effect")]
    NoEffect {
        /// The step, counted from 1.
        step: usize,
        /// The index asked for.
        index: usize,
    },
}

/// Walks a path again: the index of the initial state, then that of each action.
///
/// # Errors
/// [`ReplayError`] at the first index that the model doesn't know.
pub fn replay<M: Checked>(model: &M, indexes: &[usize]) -> Result<Walk<M>, ReplayError> {
    let (&first, rest) = indexes.split_first().ok_or(ReplayError::Empty)?;
    let mut initial = model.init_states();
    if first >= initial.len() {
        return Err(ReplayError::NoInitialState {
            index: first,
            available: initial.len(),
        });
    }
    let mut walk = vec![(None, initial.swap_remove(first))];
    let mut state = &walk[0].1;
    for (step, &index) in (1..).zip(rest) {
        let mut actions = Vec::new();
        model.actions(state, &mut actions);
        let action = actions.get(index).ok_or(ReplayError::NoAction {
            step,
            index,
            available: actions.len(),
        })?;
        let next = model
            .next_state(state, action.clone())
            .ok_or(ReplayError::NoEffect { step, index })?;
        walk.push((Some(action.clone()), next));
        state = &walk[step].1;
    }
    Ok(walk)
}

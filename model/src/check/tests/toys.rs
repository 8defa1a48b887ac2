//! Models small enough to know the answers of.

use std::collections::BTreeMap;

use stateright::{Model, Property};

use crate::check::{Checked, Law};

/// A graph as drawn: states are numbers.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) initial: Vec<u32>,
    /// Steps of the protocol.
    pub(super) protocol: Vec<(u32, u32)>,
    /// Steps of its environment.
    pub(super) environment: Vec<(u32, u32)>,
    /// States that break the law `allowed`.
    pub(super) forbidden: Vec<u32>,
    /// States where the law `fed` holds.
    pub(super) fed: Vec<u32>,
    /// States where the law `warm` holds.
    pub(super) warm: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Protocol(u32),
    Environment(u32),
}

impl Model for Drawn {
    type State = u32;
    type Action = Step;

    fn init_states(&self) -> Vec<u32> {
        self.initial.clone()
    }

    fn actions(&self, state: &u32, actions: &mut Vec<Step>) {
        let from = |steps: &[(u32, u32)]| {
            let steps = steps.iter().filter(|(from, _)| from == state);
            steps.map(|&(_, to)| to).collect::<Vec<_>>()
        };
        actions.extend(from(&self.protocol).into_iter().map(Step::Protocol));
        actions.extend(from(&self.environment).into_iter().map(Step::Environment));
    }

    fn next_state(&self, state: &u32, step: Step) -> Option<u32> {
        self.explore(state, step, &mut ())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("never", |_, _| false)]
    }
}

impl Checked for Drawn {
    type Coverage = ();
    type View<'a> = (&'a Self, &'a u32);

    fn view<'a>(&'a self, state: &'a u32) -> Self::View<'a> {
        (self, state)
    }

    fn explore(&self, _: &u32, step: Step, (): &mut ()) -> Option<u32> {
        match step {
            Step::Protocol(to) | Step::Environment(to) => Some(to),
        }
    }

    fn is_protocol(&self, step: &Step) -> bool {
        matches!(step, Step::Protocol(_))
    }

    fn safety(&self) -> Vec<Law<Self>> {
        vec![Law {
            name: "allowed",
            holds: |(drawn, state)| !drawn.forbidden.contains(state),
        }]
    }

    fn convergence(&self) -> Vec<Law<Self>> {
        vec![
            Law {
                name: "fed",
                holds: |(drawn, state)| drawn.fed.contains(state),
            },
            Law {
                name: "warm",
                holds: |(drawn, state)| drawn.warm.contains(state),
            },
        ]
    }
}

/// Dials that turn one place at a time: many ways to each state, and all of them in cycles.
pub(super) struct Dials {
    dials: usize,
    places: u8,
    /// A dial at this place turns no more, if there is one.
    stop: Option<u8>,
    /// A sum of places that is not allowed, if there is one.
    forbidden: Option<u32>,
}

impl Dials {
    /// All places of all dials can be reached, always.
    pub(super) fn free(dials: usize, places: u8) -> Self {
        Self {
            dials,
            places,
            stop: None,
            forbidden: None,
        }
    }

    /// Once a dial is at `stop`, the dials can't all be at zero again.
    pub(super) fn stopping_at(dials: usize, places: u8, stop: u8) -> Self {
        Self {
            stop: Some(stop),
            ..Self::free(dials, places)
        }
    }

    /// The places may not sum up to `forbidden`.
    pub(super) fn unsafe_at(dials: usize, places: u8, forbidden: u32) -> Self {
        Self {
            forbidden: Some(forbidden),
            ..Self::free(dials, places)
        }
    }
}

impl Model for Dials {
    type State = Vec<u8>;
    type Action = usize;

    fn init_states(&self) -> Vec<Vec<u8>> {
        vec![vec![0; self.dials]]
    }

    fn actions(&self, _: &Vec<u8>, actions: &mut Vec<usize>) {
        actions.extend(0..self.dials);
    }

    fn next_state(&self, state: &Vec<u8>, dial: usize) -> Option<Vec<u8>> {
        self.explore(state, dial, &mut BTreeMap::new())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("never", |_, _| false)]
    }
}

impl Checked for Dials {
    type Coverage = BTreeMap<usize, u64>;
    type View<'a> = (&'a Self, &'a Vec<u8>);

    fn view<'a>(&'a self, state: &'a Vec<u8>) -> Self::View<'a> {
        (self, state)
    }

    fn explore(
        &self,
        state: &Vec<u8>,
        dial: usize,
        seen: &mut BTreeMap<usize, u64>,
    ) -> Option<Vec<u8>> {
        *seen.entry(dial).or_default() += 1;
        let mut next = state.clone();
        if self.stop != Some(state[dial]) {
            next[dial] = (state[dial] + 1) % self.places;
        }
        Some(next)
    }

    fn is_protocol(&self, _: &usize) -> bool {
        true
    }

    fn safety(&self) -> Vec<Law<Self>> {
        vec![Law {
            name: "sum allowed",
            holds: |(dials, state)| {
                dials.forbidden != Some(state.iter().map(|&place| u32::from(place)).sum())
            },
        }]
    }

    fn convergence(&self) -> Vec<Law<Self>> {
        // The places at rest are a closed set only if there is no dial that moves on.
        vec![Law {
            name: "all at zero",
            holds: |(_, state)| state.iter().all(|&place| place == 0),
        }]
    }
}

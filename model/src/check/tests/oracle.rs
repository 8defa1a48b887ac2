//! Graphs drawn at random, each judged a second time in the most naive way.

use std::collections::BTreeSet;

use super::toys::{Drawn, Step};
use super::{Stop, check, options};
use crate::check::{Path, Violation, replay};

/// A linear congruential generator: the same graphs every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % bound
    }

    fn steps(&mut self, states: u32, steps: u32) -> Vec<(u32, u32)> {
        (0..steps)
            .map(|_| (self.below(states), self.below(states)))
            .collect()
    }
}

fn drawn(chance: &mut Chance) -> Drawn {
    let states = 2 + chance.below(78);
    let (protocol, environment) = (chance.below(6 * states), chance.below(states / 2 + 1));
    let mut model = Drawn {
        initial: vec![chance.below(states)],
        protocol: chance.steps(states, protocol),
        environment: chance.steps(states, environment),
        fed: (0..states).filter(|_| chance.below(4) == 0).collect(),
        ..Drawn::default()
    };
    model.warm = model.fed.clone();
    if chance.below(2) == 0 {
        // Otherwise nearly every graph is left.
        let fed: BTreeSet<u32> = model.fed.iter().copied().collect();
        model
            .protocol
            .retain(|(from, to)| !fed.contains(from) || fed.contains(to));
    }
    model
}

/// All that can be reached from a state, itself included.
fn reach(start: &[u32], steps: &[&[(u32, u32)]]) -> BTreeSet<u32> {
    let mut reached = BTreeSet::new();
    let mut rest = start.to_vec();
    while let Some(state) = rest.pop() {
        if reached.insert(state) {
            let from = steps
                .iter()
                .copied()
                .flatten()
                .filter(|(from, _)| *from == state);
            rest.extend(from.map(|(_, to)| to));
        }
    }
    reached
}

/// The states from which the protocol reaches no converged one.
fn lost(model: &Drawn, states: &BTreeSet<u32>) -> BTreeSet<u32> {
    let lost = |state: &u32| {
        reach(&[*state], &[&model.protocol])
            .iter()
            .all(|state| !model.fed.contains(state))
    };
    states.iter().copied().filter(lost).collect()
}

/// Steps from the initial state to the nearest one that is meant.
fn nearest(model: &Drawn, meant: impl Fn(u32) -> bool) -> Option<usize> {
    let mut level: BTreeSet<u32> = model.initial.iter().copied().collect();
    for steps in 0..80 {
        if level.iter().any(|&state| meant(state)) {
            return Some(steps);
        }
        let all = model.protocol.iter().chain(&model.environment);
        level = all
            .filter(|(from, _)| level.contains(from))
            .map(|&(_, to)| to)
            .collect();
    }
    None
}

fn end(model: &Drawn, path: &Path<Step>, steps: usize) -> u32 {
    replay(model, &path.indexes[..=steps])
        .unwrap()
        .pop()
        .unwrap()
        .1
}

fn assert_judged_alike(model: &Drawn) -> [bool; 2] {
    let report = check(model, &options(2, Stop::AtTheEnd), |_| {}).unwrap();
    let states = reach(&model.initial, &[&model.protocol, &model.environment]);
    assert_eq!(report.states, states.len());
    let mut violations = report.violations.iter().peekable();

    let lost = lost(model, &states);
    let nearest_lost = nearest(model, |state| lost.contains(&state));
    let stuck = violations.next_if(|violation| matches!(violation, Violation::Stuck { .. }));
    assert_eq!(stuck.is_some(), nearest_lost.is_some());
    if let Some(Violation::Stuck {
        path,
        lost_after,
        trap,
    }) = stuck
    {
        assert_eq!(Some(*lost_after), nearest_lost);
        assert!(lost.contains(&end(model, path, *lost_after)));
        assert!(
            path.actions[*lost_after..]
                .iter()
                .all(|step| matches!(step, Step::Protocol(_)))
        );
        let entry = end(model, path, path.steps());
        let members = reach(&[entry], &[&model.protocol]);
        assert_eq!(trap.states, members.len());
        assert!(
            members
                .iter()
                .all(|&member| reach(&[member], &[&model.protocol]) == members)
        );
    }

    let leaves = |state| {
        let mut steps = model.protocol.iter().filter(|&&(from, _)| from == state);
        model.fed.contains(&state) && steps.any(|(_, to)| !model.fed.contains(to))
    };
    let left = nearest(model, leaves);
    let reported = violations.next();
    assert_eq!(reported.is_some(), left.is_some());
    if let Some(Violation::Left { path, .. }) = reported {
        assert_eq!(Some(path.steps() - 1), left);
        assert!(leaves(end(model, path, path.steps() - 1)));
        assert!(!model.fed.contains(&end(model, path, path.steps())));
    }
    [stuck.is_some(), reported.is_some()]
}

#[test]
fn random_graphs_are_judged_as_a_naive_judge_does() {
    let mut chance = Chance(1);
    let verdicts: Vec<_> = (0..200)
        .map(|_| assert_judged_alike(&drawn(&mut chance)))
        .collect();
    for verdict in [[false, false], [false, true], [true, false], [true, true]] {
        let times = verdicts.iter().filter(|&&other| other == verdict).count();
        assert!(times >= 10, "{verdict:?} came up {times} times");
    }
}

//! What is found is all there is, and the nearest violation of each law.

use stateright::Checker;

use super::toys::{Dials, Drawn, Step};
use super::{Options, Stop, check, checked, options};
use crate::check::{CheckError, Checked, Path, ReplayError, Violation, replay};

/// stateright's count of unique states.
fn spawn_bfs<M>(model: M) -> usize
where
    M: Checked<State: Clone + PartialEq, Action: PartialEq> + Send + 'static,
    M::State: 'static,
{
    model.checker().spawn_bfs().join().unique_state_count()
}

fn line(length: u32) -> Vec<(u32, u32)> {
    (0..length).map(|at| (at, at + 1)).collect()
}

/// A square of states in which each step goes right or down.
fn joins(side: u32) -> Vec<(u32, u32)> {
    let at = |x, y| y * side + x;
    let squares = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    squares
        .flat_map(|(x, y)| {
            let right = (x + 1 < side).then(|| (at(x, y), at(x + 1, y)));
            let down = (y + 1 < side).then(|| (at(x, y), at(x, y + 1)));
            right.into_iter().chain(down)
        })
        .collect()
}

fn drawn(protocol: Vec<(u32, u32)>) -> Drawn {
    Drawn {
        initial: vec![0],
        protocol,
        ..Drawn::default()
    }
}

#[test]
fn a_line_has_as_many_states_as_stateright_counts() {
    let report = checked(&drawn(line(500)));
    assert_eq!(report.states, spawn_bfs(drawn(line(500))));
    assert_eq!(
        (report.states, report.transitions, report.depth),
        (501, 500, 500)
    );
    assert!(report.complete);
}

#[test]
fn joins_have_as_many_states_as_stateright_counts() {
    let report = checked(&drawn(joins(40)));
    assert_eq!(report.states, spawn_bfs(drawn(joins(40))));
    assert_eq!(
        (report.states, report.transitions, report.depth),
        (1600, 3120, 78)
    );
}

#[test]
fn cycles_have_as_many_states_as_stateright_counts() {
    let report = check(&Dials::free(5, 7), &Options::default(), |_| {}).unwrap();
    assert_eq!(report.states, spawn_bfs(Dials::free(5, 7)));
    assert_eq!(
        (report.states, report.transitions, report.depth),
        (16_807, 84_035, 30)
    );
}

#[test]
fn several_initial_states_are_all_explored_and_equal_ones_count_once() {
    let model = || Drawn {
        initial: vec![3, 7, 3],
        ..drawn(vec![(3, 4), (7, 8)])
    };
    let report = checked(&model());
    assert_eq!(report.states, spawn_bfs(model()));
    assert_eq!((report.states, report.depth), (4, 1));
}

#[test]
fn a_step_back_to_the_same_state_is_a_transition_but_no_state() {
    let report = checked(&drawn(vec![(0, 0), (0, 1), (1, 1)]));
    assert_eq!((report.states, report.transitions, report.depth), (2, 3, 1));
}

#[test]
fn no_initial_state_is_no_graph() {
    let report = checked(&Drawn::default());
    assert_eq!((report.states, report.transitions, report.depth), (0, 0, 0));
    assert_eq!(report.violations, []);
}

#[test]
fn the_shortest_way_to_an_unsafe_state_is_reported() {
    let mut ways = line(10);
    ways.extend([(2, 20), (20, 21), (21, 9)]);
    let report = checked(&Drawn {
        forbidden: vec![9, 10],
        ..drawn(ways)
    });
    let path = Path {
        indexes: vec![0, 0, 0, 1, 0, 0],
        actions: [1, 2, 20, 21, 9].map(Step::Protocol).to_vec(),
    };
    assert_eq!(
        report.violations,
        [Violation::Unsafe {
            law: "allowed",
            path
        }]
    );
    assert!(!report.complete);
}

#[test]
fn an_unsafe_initial_state_is_a_path_without_steps() {
    let report = checked(&Drawn {
        forbidden: vec![0],
        ..drawn(line(3))
    });
    let path = Path {
        indexes: vec![0],
        actions: vec![],
    };
    assert_eq!(
        report.violations,
        [Violation::Unsafe {
            law: "allowed",
            path
        }]
    );
}

#[test]
fn a_check_to_the_end_explores_everything_in_spite_of_violations() {
    let model = Dials::unsafe_at(5, 7, 2);
    let report = check(&model, &options(2, Stop::AtTheEnd), |_| {}).unwrap();
    assert_eq!(report.states, spawn_bfs(Dials::free(5, 7)));
    assert!(report.complete);
    let lengths = |violation: &Violation<usize>| match violation {
        Violation::Unsafe { path, .. }
        | Violation::Stuck { path, .. }
        | Violation::Left { path, .. } => path.steps(),
    };
    // Two turns to the sum of two; then the first turn away from zero.
    assert_eq!(
        report.violations.iter().map(lengths).collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn more_states_than_allowed_are_an_error() {
    let limited = |max_states| Options {
        max_states,
        ..Options::default()
    };
    let exceeded = check(&drawn(line(500)), &limited(500), |_| {});
    assert_eq!(
        exceeded,
        Err(CheckError::Exceeded {
            limit: 500,
            depth: 499
        })
    );
    assert_eq!(
        check(&drawn(line(500)), &limited(501), |_| {})
            .unwrap()
            .states,
        501
    );
}

#[test]
fn a_path_is_replayed_state_by_state() {
    let walk = replay(&drawn(vec![(0, 1), (0, 2), (2, 3)]), &[0, 1, 0]).unwrap();
    assert_eq!(
        walk,
        [
            (None, 0),
            (Some(Step::Protocol(2)), 2),
            (Some(Step::Protocol(3)), 3)
        ]
    );
}

#[test]
fn a_path_of_another_model_says_what_is_missing() {
    let replay = |indexes: &[usize]| replay(&drawn(line(2)), indexes).unwrap_err();
    assert_eq!(replay(&[]), ReplayError::Empty);
    assert_eq!(
        replay(&[1]),
        ReplayError::NoInitialState {
            index: 1,
            available: 1
        }
    );
    assert_eq!(
        replay(&[0, 0, 3]),
        ReplayError::NoAction {
            step: 2,
            index: 3,
            available: 1
        }
    );
}

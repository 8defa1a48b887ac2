//! Convergence: what must be found, and what must not.

use super::toys::{Dials, Drawn, Step};
use super::{Stop, check, checked, options};
use crate::check::{Path, Trap, Violation};

/// State 9 is converged, and stays so.
fn drawn(protocol: &[(u32, u32)]) -> Drawn {
    Drawn {
        initial: vec![0],
        protocol: protocol.to_vec(),
        fed: vec![9],
        warm: vec![9],
        ..Drawn::default()
    }
}

#[test]
fn a_cycle_with_a_way_out_converges() {
    let report = checked(&drawn(&[(0, 1), (1, 0), (1, 9)]));
    assert_eq!(report.violations, []);
    assert_eq!(report.converged, 1);
}

#[test]
fn steps_among_converged_states_are_allowed() {
    let mut model = drawn(&[(0, 9), (9, 8), (8, 9), (9, 9)]);
    model.fed.push(8);
    model.warm.push(8);
    assert_eq!(checked(&model).violations, []);
}

#[test]
fn a_way_that_winds_through_the_graph_is_found() {
    // Ids rise along the line, which is walked there and back with converged states at its start only.
    let mut model = drawn(&[]);
    model.initial = vec![9];
    model.environment = vec![(9, 100)];
    model.protocol = (100..1_000).map(|at| (at, at + 1)).collect();
    model.protocol.extend((101..=1_000).map(|at| (at, at - 1)));
    model.protocol.push((500, 9));
    assert_eq!(checked(&model).violations, []);
}

/// From 400 initial states, one way that goes from the first to the last, the second, the last but one, … and then to 9.
fn winding() -> Drawn {
    let mut model = drawn(&[]);
    model.initial = (100..500).collect();
    let order: Vec<u32> = (0..200).flat_map(|at| [100 + at, 499 - at]).collect();
    model.protocol = order
        .iter()
        .copied()
        .zip(order[1..].iter().copied())
        .collect();
    model.protocol.push((order[399], 9));
    model
}

#[test]
fn a_way_that_turns_at_each_step_is_followed_to_its_end() {
    assert_eq!(checked(&winding()).violations, []);
}

#[test]
fn a_state_beside_a_way_that_turns_at_each_step_is_not_taken_for_one_of_it() {
    let mut model = winding();
    model.environment = vec![(300, 600)];
    model.protocol.push((600, 600));
    let report = checked(&model);
    let [
        Violation::Stuck {
            path, lost_after, ..
        },
    ] = &report.violations[..]
    else {
        panic!("stuck in 600")
    };
    assert_eq!(path.actions, [Step::Environment(600)]);
    assert_eq!(*lost_after, 1);
}

#[test]
fn a_livelock_is_found_although_each_step_in_it_has_a_next_one() {
    // `eventually` follows 0 → 9 or comes back to 1, and reports that all is well.
    let model = drawn(&[(0, 9), (0, 1), (1, 2), (2, 3), (3, 2)]);
    let Violation::Stuck {
        path,
        lost_after,
        trap,
    } = &checked(&model).violations[0]
    else {
        panic!("stuck in 2 and 3")
    };
    assert_eq!(path.actions, [1, 2].map(Step::Protocol));
    assert_eq!(path.indexes, [0, 1, 0]);
    assert_eq!(*lost_after, 1);
    assert_eq!(
        *trap,
        Trap {
            states: 2,
            judged: 2,
            never: vec!["fed", "warm"]
        }
    );
}

#[test]
fn a_dead_end_is_a_trap_of_one_state() {
    let report = checked(&drawn(&[(0, 9), (0, 1)]));
    let path = Path {
        indexes: vec![0, 1],
        actions: vec![Step::Protocol(1)],
    };
    let trap = Trap {
        states: 1,
        judged: 1,
        never: vec!["fed", "warm"],
    };
    assert_eq!(
        report.violations,
        [Violation::Stuck {
            path,
            lost_after: 1,
            trap
        }]
    );
}

#[test]
fn only_laws_that_hold_nowhere_in_a_trap_are_named() {
    let mut model = drawn(&[(0, 9), (0, 1), (1, 2), (2, 1)]);
    model.warm.push(2);
    let Violation::Stuck { trap, .. } = &checked(&model).violations[0] else {
        panic!("stuck in 1 and 2")
    };
    assert_eq!(trap.never, ["fed"]);
}

#[test]
fn laws_that_hold_in_turn_but_never_at_once_leave_nothing_to_name() {
    let mut model = drawn(&[(0, 9), (0, 1), (1, 2), (2, 1)]);
    model.fed.push(1);
    model.warm.push(2);
    let Violation::Stuck { trap, .. } = &checked(&model).violations[0] else {
        panic!("stuck in 1 and 2")
    };
    assert_eq!(
        *trap,
        Trap {
            states: 2,
            judged: 2,
            never: vec![]
        }
    );
}

#[test]
fn a_step_of_the_environment_is_no_way_out() {
    let mut model = drawn(&[(0, 1), (1, 0)]);
    model.environment = vec![(1, 9)];
    let Violation::Stuck {
        lost_after, trap, ..
    } = &checked(&model).violations[0]
    else {
        panic!("stuck in 0 and 1")
    };
    assert_eq!((*lost_after, trap.states), (0, 2));
}

#[test]
fn a_trap_behind_a_step_of_the_environment_counts() {
    let mut model = drawn(&[(0, 9), (1, 2)]);
    model.environment = vec![(9, 1)];
    let Violation::Stuck {
        path, lost_after, ..
    } = &checked(&model).violations[0]
    else {
        panic!("stuck in 2")
    };
    assert_eq!(
        path.actions,
        [Step::Protocol(9), Step::Environment(1), Step::Protocol(2)]
    );
    assert_eq!(*lost_after, 2);
}

#[test]
fn a_fault_may_leave_the_converged_states() {
    let mut model = drawn(&[(0, 9), (1, 9)]);
    model.environment = vec![(9, 1)];
    assert_eq!(checked(&model).violations, []);
}

#[test]
fn the_protocol_may_not_leave_the_converged_states() {
    let mut model = drawn(&[(0, 9), (9, 1), (1, 9)]);
    model.warm.push(1);
    let path = Path {
        indexes: vec![0, 0, 0],
        actions: [9, 1].map(Step::Protocol).to_vec(),
    };
    let broken = vec!["fed"];
    assert_eq!(
        checked(&model).violations,
        [Violation::Left { path, broken }]
    );
}

#[test]
fn a_state_that_nothing_ever_repairs_is_found_in_a_large_graph() {
    let world = Dials::stopping_at(5, 7, 4);
    let report = check(&world, &options(2, Stop::AtTheEnd), |_| {}).unwrap();
    let [
        Violation::Stuck {
            path,
            lost_after,
            trap,
        },
        Violation::Left { .. },
    ] = &report.violations[..]
    else {
        panic!("stuck, and left at the first turn")
    };
    // One dial turns to its stop, then all others.
    assert_eq!((*lost_after, path.steps()), (1, 20));
    assert_eq!(
        *trap,
        Trap {
            states: 1,
            judged: 1,
            never: vec!["all at zero"]
        }
    );
}

#[test]
fn a_look_before_the_end_sees_what_is_already_lost() {
    let mut model = drawn(&[(0, 1), (1, 2), (2, 1), (0, 10)]);
    model.protocol.extend((10..20_000).map(|at| (at, at + 1)));
    model.protocol.push((20_000, 9));
    let early = check(&model, &options(1, Stop::AsSoonAsKnown), |_| {}).unwrap();
    let whole = check(&model, &options(1, Stop::AtFirst), |_| {}).unwrap();
    assert!(!early.complete && whole.complete);
    assert!(early.states < whole.states);
    assert_eq!(early.violations, whole.violations);
}

#[test]
fn a_look_before_the_end_holds_nothing_against_what_is_not_yet_expanded() {
    let mut model = drawn(&[(0, 10)]);
    model.protocol.extend((10..20_000).map(|at| (at, at + 1)));
    model.protocol.push((20_000, 9));
    let report = check(&model, &options(2, Stop::AsSoonAsKnown), |_| {}).unwrap();
    assert_eq!(report.violations, []);
    assert!(report.complete);
}

//! The checker on models whose answers are known.

mod converging;
mod oracle;
mod searching;
mod toys;

use std::num::NonZeroUsize;

use super::{Options, Report, ReportOf, Stop, check};
use toys::{Dials, Drawn};

fn options(threads: usize, stop: Stop) -> Options {
    Options {
        threads: NonZeroUsize::new(threads).unwrap(),
        stop,
        ..Options::default()
    }
}

fn checked(drawn: &Drawn) -> ReportOf<Drawn> {
    check(drawn, &Options::default(), |_| {}).unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_report() {
    let worlds = [
        Dials::free(5, 7),
        Dials::stopping_at(5, 7, 4),
        Dials::unsafe_at(5, 7, 20),
    ];
    for world in worlds {
        for stop in [Stop::AtTheEnd, Stop::AtFirst, Stop::AsSoonAsKnown] {
            let report = |threads| check(&world, &options(threads, stop), |_| {}).unwrap();
            let alone = report(1);
            assert_eq!(alone, report(2));
            assert_eq!(alone, report(4));
        }
    }
}

#[test]
fn what_was_seen_in_all_pieces_is_put_together() {
    let world = Dials::free(5, 7);
    let report = check(&world, &options(2, Stop::AtTheEnd), |_| {}).unwrap();
    let seen: u64 = report.coverage.values().sum();
    assert_eq!(seen, report.transitions);
    // Every dial can be turned in every state.
    let expected = (0..5).map(|dial| (dial, report.states as u64));
    assert_eq!(report.coverage, expected.collect());
}

#[test]
fn progress_is_told_all_along() {
    let mut told = Vec::new();
    let report = check(&Dials::free(6, 7), &Options::default(), |progress| {
        told.push(*progress);
    });
    let Report {
        states,
        transitions,
        depth,
        ..
    } = report.unwrap();
    let counts = || told.iter().map(|progress| progress.states);
    assert!(
        counts()
            .zip(counts().skip(1))
            .all(|(before, after)| before <= after && after - before < 100_000)
    );
    let last = told.last().unwrap();
    assert_eq!(
        (last.states, last.transitions, last.frontier),
        (states, transitions, 0)
    );
    assert_eq!(last.depth, depth);
}

//! What judges a change to the protocol, with no unit test: the checks that `regrow check` makes of smoke and full scenarios
//! (`docs/verification.md`, Mutation). No size is compared: a world may grow, if all holds in it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use regrow_model::check::{Options, Stop};
use regrow_model::scenario::{self, Scenario, Size};
use regrow_model::verdict::Case;

/// A world that grows beyond this many times what the largest of its size has isn't explored to its end.
const GROWTH_MAX: usize = 10;

/// How many states of a full world are not too many for a judge who is asked hundreds of times.
const FULL_STATES_MAX: usize = 500_000;

/// Asserts that all holds in these worlds, the largest of which have so many states.
fn assert_all_hold(scenarios: impl IntoIterator<Item = &'static Scenario>, states: usize) {
    let options = Options {
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        max_states: states * GROWTH_MAX,
        stop: Stop::AsSoonAsKnown,
    };
    for scenario in scenarios {
        let name = scenario.name;
        let verdict = Case::sound(scenario).check(&options, |_| {});
        let verdict = verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
        let broken = &verdict.report.violations;
        assert!(
            verdict.is_good(),
            "{name}: {broken:?} {:?} {:?}",
            verdict.missing,
            verdict.unnamed
        );
    }
}

/// Scenarios of a size that has a snapshot, and how many states each has by it: small ones first, for most mutations show in some of them.
fn recorded(size: Size, sizes: &str) -> Vec<(usize, &'static Scenario)> {
    let lines = sizes.lines().map(str::split_whitespace);
    let states: BTreeMap<&str, usize> = lines
        .filter_map(|mut words| Some((words.next()?, words.next()?.parse().ok()?)))
        .collect();
    let scenarios = scenario::all().filter(|scenario| scenario.size == size);
    let mut sized: Vec<_> = scenarios
        .map(|scenario| match states.get(scenario.name) {
            Some(states) => (*states, scenario),
            None => panic!("{} isn't in the snapshot", scenario.name),
        })
        .collect();
    sized.sort_by_key(|(states, _)| *states);
    sized
}

#[test]
fn all_holds_in_every_smoke_scenario() {
    let smoke = recorded(
        Size::Smoke,
        include_str!("../../snapshots/sizes_smoke.snap"),
    );
    assert_all_hold(smoke.into_iter().map(|(_, scenario)| scenario), 300_000);
}

#[test]
#[ignore = "takes a minute, and only if built for release"]
fn all_holds_in_the_full_scenarios_that_are_not_too_large() {
    let mut full = recorded(Size::Full, include_str!("../../snapshots/sizes_full.snap"));
    full.retain(|(states, _)| *states <= FULL_STATES_MAX);
    assert_all_hold(
        full.into_iter().map(|(_, scenario)| scenario),
        FULL_STATES_MAX,
    );
}

//! What judges a change to the protocol, with no unit test: the checks that `regrow check --size smoke` and `--size full` make
//! (`docs/verification.md`, Mutation). No size is compared: a world may grow, if all holds in it.

use std::num::NonZeroUsize;

use regrow_model::check::{Options, Stop};
use regrow_model::scenario::{self, Size};
use regrow_model::verdict::Case;

/// A world that grows beyond this many times what the largest of its size has isn't explored to its end.
const GROWTH_MAX: usize = 10;

fn assert_all_hold(size: Size, states: usize) {
    let options = Options {
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        max_states: states * GROWTH_MAX,
        stop: Stop::AsSoonAsKnown,
    };
    for scenario in scenario::all().filter(|scenario| scenario.size == size) {
        let name = scenario.name;
        let verdict = Case::sound(scenario).check(&options, |_| {});
        let verdict = verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
        let broken = &verdict.report.violations;
        assert!(
            verdict.is_good(),
            "{name}: {broken:?} {:?}",
            verdict.missing
        );
    }
}

#[test]
fn all_holds_in_every_smoke_scenario() {
    assert_all_hold(Size::Smoke, 300_000);
}

#[test]
#[ignore = "takes minutes, and only if built for release"]
fn all_holds_in_every_full_scenario() {
    assert_all_hold(Size::Full, 7_000_000);
}

//! How large every scenario is: one that shrinks without reason checks less than it seems to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use regrow_model::check::Options;
use regrow_model::scenario::{self, Scenario, Size};
use regrow_model::verdict::Case;
use regrow_model::world::seen::Seen;
use regrow_model::world::{Action, State, World};
use serde_json::Value;
use stateright::{Checker, Model, Property};

/// A scenario with more states takes too long for `smoke`.
const SMOKE_STATES_MAX: usize = 300_000;

/// Compares with `snapshots/NAME.snap` at the top of the repository.
fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn of_size(size: Size) -> impl Iterator<Item = &'static Scenario> {
    scenario::all().filter(move |scenario| scenario.size == size)
}

fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A world for stateright's own checker, which explores nothing where there is nothing to find.
#[derive(Clone)]
struct Everything(World);

impl Model for Everything {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.0.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.0.next_state(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::sometimes("never", |_, _| false)]
    }
}

fn spawn_bfs(scenario: &'static Scenario) -> usize {
    let world = Everything(Case::sound(scenario).world());
    let checker = world.checker().threads(threads().get()).spawn_bfs();
    checker.join().unique_state_count()
}

fn size_line(name: &str, states: u64, transitions: u64, depth: u64) -> String {
    format!("{name:<30} {states:>10} states {transitions:>11} transitions, depth {depth}\n")
}

/// The names and the numbers of states that a snapshot of sizes has.
fn recorded(snapshot: &str) -> impl Iterator<Item = (&str, &str)> {
    snapshot.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, states) = (words.next()?, words.next()?);
        (words.next()? == "states").then_some((name, states))
    })
}

#[test]
fn smoke_scenarios_hold_and_are_as_large_as_recorded_and_as_stateright_counts() {
    let options = Options {
        threads: threads(),
        max_states: SMOKE_STATES_MAX,
        ..Options::default()
    };
    let (mut sizes, mut seen) = (String::new(), Seen::default());
    for scenario in of_size(Size::Smoke) {
        let name = scenario.name;
        let verdict = Case::sound(scenario).check(&options, |_| {});
        let verdict = verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            verdict.is_good(),
            "{name}: {:?} {:?}",
            verdict.report.violations,
            verdict.missing
        );
        let report = verdict.report;
        assert_eq!(report.states, spawn_bfs(scenario), "{name}");
        sizes += &size_line(
            name,
            report.states as u64,
            report.transitions,
            report.depth as u64,
        );
        seen.absorb(report.coverage);
    }
    sizes += &format!(
        "\nOnly in larger scenarios: {}\n",
        seen.missing().join(", ")
    );
    assert_snapshot("sizes_smoke", &sizes);
}

#[test]
fn the_readme_shows_every_size_that_is_recorded() {
    let readme = include_str!("../README.md");
    let smoke = recorded(include_str!("../snapshots/sizes_smoke.snap"));
    let full = recorded(include_str!("../snapshots/sizes_full.snap"));
    for (name, states) in smoke.chain(full) {
        let row = format!("| {name} | {states} |");
        assert!(readme.contains(&row), "the README lacks {row}");
    }
}

#[test]
#[ignore = "takes minutes: CI runs it, in release"]
fn full_scenarios_hold_and_are_as_large_as_recorded() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    command.args(["check", "--size", "full", "--json"]);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let mut sizes = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        if object["size"] == "full" {
            let number = |field: &str| object[field].as_u64().unwrap();
            let (states, transitions) = (number("unique_states"), number("transitions"));
            let name = object["scenario"].as_str().unwrap();
            sizes += &size_line(name, states, transitions, number("depth"));
        }
    }
    assert!(output.status.success(), "{sizes}");
    assert_snapshot("sizes_full", &sizes);
}

#[test]
#[ignore = "takes long and much memory: run once a release, in release, and recorded in docs"]
fn full_scenarios_are_as_large_as_stateright_counts() {
    for (name, states) in recorded(include_str!("../snapshots/sizes_full.snap")) {
        let scenario = scenario::named(name).unwrap();
        assert_eq!(spawn_bfs(scenario).to_string(), states, "{name}");
        println!("{name}: {states} states by both");
    }
}

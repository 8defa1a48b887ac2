//! Every broken rule is found by the check alone, and what it finds can be read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::DirEntry;
use std::num::NonZeroUsize;

use regrow_model::check::{Options, Stop};
use regrow_model::counterexample::Counterexample;
use regrow_model::mutant::{self, Mutant};
use regrow_model::narrate::Detail;
use regrow_model::property::{self, Property};
use regrow_model::scenario::{self, Size};
use regrow_model::verdict::Case;

/// A mutant that isn't found in fewer states than this takes too long for its size.
fn states_max(size: Size) -> usize {
    match size {
        Size::Smoke => 300_000,
        Size::Full | Size::Deep | Size::Vast => 20_000_000,
    }
}

/// A short story that the check finds, told; `None` if it finds none.
fn counterexample(mutant: &'static Mutant) -> Option<String> {
    let case = Case {
        scenario: scenario::named(mutant.scenario)?,
        mutant: Some(mutant),
    };
    let options = Options {
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        max_states: states_max(case.scenario.size),
        stop: Stop::AsSoonAsKnown,
    };
    let verdict = case.check(&options, |_| {}).ok()?;
    let found = Counterexample::of(&case, verdict.report.violations.first()?).unwrap();
    let replayed = found.replay().unwrap();
    Some(found.transcript(&replayed, Detail::Steps))
}

/// Compares with `snapshots/counterexamples/MUTANT.snap` at the top of the repository.
fn assert_transcript(mutant: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/counterexamples");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(mutant, text));
}

/// Every mutant whose scenario is of one of these sizes has a counterexample, and it is the recorded one.
fn assert_all_found(sizes: &[Size]) {
    let size = |mutant: &&Mutant| scenario::named(mutant.scenario).map(|scenario| scenario.size);
    let mut unfound = Vec::new();
    for mutant in mutant::all().filter(|mutant| size(mutant).is_some_and(|it| sizes.contains(&it)))
    {
        match counterexample(mutant) {
            Some(text) => assert_transcript(mutant.name, &text),
            None => unfound.push(mutant.name),
        }
    }
    assert_eq!(unfound, Vec::<&str>::new(), "the check finds nothing wrong");
}

#[test]
fn the_check_finds_every_mutant_of_a_smoke_scenario() {
    assert_all_found(&[Size::Smoke]);
}

#[test]
#[ignore = "takes long unless built for release: CI runs it so"]
fn the_check_finds_every_other_mutant() {
    assert_all_found(&[Size::Full, Size::Deep]);
}

#[test]
fn every_law_is_broken_by_a_mutant() {
    let transcripts = std::fs::read_dir("../snapshots/counterexamples").unwrap();
    let read = |file: std::io::Result<DirEntry>| std::fs::read_to_string(file.unwrap().path());
    let transcripts: Vec<String> = transcripts.map(|file| read(file).unwrap()).collect();
    let is_named = |property: &&Property| {
        let mut conclusions = transcripts.iter().flat_map(|text| text.lines());
        conclusions.any(|line| {
            let is_conclusion = line.starts_with("Now ") || line.starts_with("From step ");
            is_conclusion && line.contains(property.name)
        })
    };
    let unbroken = property::ALL.iter().filter(|property| !is_named(property));
    let unbroken: Vec<&str> = unbroken.map(|property| property.name).collect();
    assert_eq!(
        unbroken,
        Vec::<&str>::new(),
        "no mutant shows that it can fail"
    );
}

#[test]
fn every_mutant_names_a_scenario_in_which_it_is_found() {
    let lost = mutant::all().filter(|mutant| scenario::named(mutant.scenario).is_none());
    let lost: Vec<_> = lost.map(|mutant| (mutant.name, mutant.scenario)).collect();
    assert_eq!(lost, []);
    for mutant in mutant::all() {
        let mut setup = (scenario::named(mutant.scenario).unwrap().setup)();
        (mutant.alter)(&mut setup);
        let is_law = |law| property::named(law).is_some();
        assert!(setup.law.is_none_or(is_law), "{}: no such law", mutant.name);
    }
}

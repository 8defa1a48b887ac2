//! `regrow check`, as a person and as a script meet it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::path::Path;
use std::process::Output;

use process::program::{code, err, nowhere, out, regrow};
use serde_json::{Value, json};

/// A world that is small and holds.
const SOUND: &str = "pair-cold";
/// A world that a mutant breaks.
const BROKEN: [&str; 3] = ["three-cold", "--mutant", "equal-root-accepted"];

fn check(directory: &Path, arguments: &[&str]) -> Output {
    regrow(directory, &[&["check"], arguments].concat())
}

fn objects(output: &Output) -> Vec<Value> {
    let lines = out(output).lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Compares with `snapshots/NAME.snap` at the top of the repository.
fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Numbers that depend on the scenario and on the machine, out of sight: sizes have a snapshot of their own.
fn redacted(mut object: Value) -> String {
    for field in ["unique_states", "transitions", "depth", "seconds", "bytes"] {
        assert!(object[field].is_number(), "{field}");
        object[field] = json!("[number]");
    }
    serde_json::to_string_pretty(&object).unwrap()
}

#[test]
fn what_holds_is_told_in_a_table_and_ends_well() {
    let here = nowhere();
    let output = check(here.path(), &[SOUND]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let row = out(&output)
        .lines()
        .find(|line| line.starts_with(SOUND))
        .unwrap();
    assert!(row.contains('✓') && !row.contains('✗'), "{row}");
    assert!(out(&output).contains("all hold"));
    assert!(!here.path().join("counterexamples").exists());
}

#[test]
fn a_script_gets_one_object_a_scenario() {
    let output = check(nowhere().path(), &[SOUND, "--json"]);
    assert_eq!(code(&output), 0);
    let [object] = objects(&output).try_into().unwrap();
    assert_snapshot("check_json", &redacted(object));
}

#[test]
fn a_script_gets_the_steps_of_a_counterexample() {
    let output = check(nowhere().path(), &[&BROKEN[..], &["--json"]].concat());
    assert_eq!(code(&output), 1);
    let [mut object] = objects(&output).try_into().unwrap();
    let steps = object["counterexamples"][0]["steps"]
        .as_array_mut()
        .unwrap();
    assert!(!steps.is_empty());
    steps.truncate(2);
    assert_snapshot("check_json_counterexample", &redacted(object));
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let with = |threads| {
        let arguments = [&BROKEN[..], &["--json", "--threads", threads]].concat();
        let mut object = objects(&check(nowhere().path(), &arguments)).remove(0);
        object["seconds"] = json!(0);
        object
    };
    assert_eq!(with("1"), with("3"));
}

#[test]
fn a_counterexample_is_kept_and_can_be_shown_again_state_by_state() {
    let here = nowhere();
    let output = check(here.path(), &BROKEN);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let saved = out(&output)
        .lines()
        .find_map(|line| line.strip_prefix("Saved: "));
    let file = saved.unwrap().trim();
    assert!(
        file.starts_with("counterexamples/three-cold.equal-root-accepted."),
        "{file}"
    );

    let replayed = check(here.path(), &["--replay", file]);
    assert_eq!(code(&replayed), 0, "{}", err(&replayed));
    let shows = |output: &Output, text: &str| out(output).contains(text);
    for line in ["1. ", "because", "s1                s2"] {
        assert_eq!(shows(&output, line), shows(&replayed, line), "{line}");
    }
    assert!(
        shows(&replayed, "      · s"),
        "what changed: {}",
        out(&replayed)
    );
    assert!(!shows(&output, "      · s"));
}

#[test]
fn a_kept_counterexample_of_another_protocol_is_refused_where_it_differs() {
    let here = nowhere();
    check(here.path(), &BROKEN);
    let directory = here.path().join("counterexamples");
    let file = directory
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&file).unwrap();
    let with = |field: &str, value: Value| {
        let mut object: Value = serde_json::from_str(&text).unwrap();
        object[field] = value;
        std::fs::write(&file, object.to_string()).unwrap();
        let output = check(here.path(), &["--replay", file.to_str().unwrap()]);
        (code(&output), err(&output).to_owned())
    };
    for (field, value, told) in [
        ("format", json!(9), "format 9"),
        ("scenario", json!("gone"), "no scenario gone"),
        ("mutant", json!("gone"), "no mutant gone"),
        (
            "indexes",
            json!([0, 99]),
            "the protocol has changed since: no action 99 at step 1",
        ),
        (
            "steps",
            json!(["s1 sings"]),
            "at step 1 there was \"s1 sings\"",
        ),
        ("mutant", json!(null), "is not broken there any more"),
    ] {
        let (code, err) = with(field, value);
        assert_eq!(code, 1, "{field}: {err}");
        assert!(err.contains(told), "{field}: {err}");
    }
    let (code, err) = with("indexes", json!("none"));
    assert_eq!(code, 2);
    assert!(err.contains("is no counterexample"), "{err}");
}

#[test]
fn names_that_dont_exist_are_wrong_use_and_near_ones_are_offered() {
    let here = nowhere();
    for (arguments, hint) in [
        (&["pair-cod"][..], "did you mean pair-cold"),
        (&[SOUND, "--mutant", "no-prob"], "did you mean no-probe"),
        (&["zzzzzz"], "regrow check --list"),
        (&["--replay", "nothing.json"], "nothing.json"),
        (&["--size", "huge"], "smoke"),
        (&[SOUND, "--size", "full"], "cannot be used with"),
        (&["--threads", "0"], "threads"),
    ] {
        let output = check(here.path(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(err(&output).contains(hint), "{}", err(&output));
        assert_eq!(out(&output), "");
    }
}

#[test]
fn the_list_names_every_scenario_and_every_mutant() {
    let here = nowhere();
    let [list, json] = [&["--list"][..], &["--list", "--json"]].map(|it| check(here.path(), it));
    assert_eq!((code(&list), code(&json)), (0, 0));
    let objects = objects(&json);
    let mutants = objects.iter().filter(|object| object["mutant"].is_string());
    assert_eq!(mutants.count(), regrow_model::mutant::all().count());
    assert_eq!(
        objects.len(),
        regrow_model::scenario::all().count() + regrow_model::mutant::all().count()
    );
    for object in objects {
        let name = object["mutant"].as_str().or(object["scenario"].as_str());
        assert!(out(&list).contains(name.unwrap()));
        assert!(
            object["says"].is_string() && object["size"].is_string(),
            "{object}"
        );
    }
}

#[cfg(not(feature = "mutants"))]
#[test]
fn broken_rules_are_for_the_checker_alone() {
    let here = nowhere();
    for arguments in [
        &["serve", "--mutant", "any-k"][..],
        &["serve", "--steered", "127.0.0.1:1"],
        &["replay-live", "counterexample.json"],
    ] {
        let output = regrow(here.path(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert_eq!(out(&output), "");
    }
}

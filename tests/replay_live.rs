//! Counterexamples on real sockets: servers that break a rule do what the model's do, and servers that keep it don't.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use process::program::{code, err, nowhere, out, regrow};
use serde_json::Value;

/// What the check finds with a rule broken, as a file in this directory.
fn counterexample(directory: &Path, mutant: &str) -> PathBuf {
    let checked = regrow(directory, &["check", "--mutant", mutant, "--save", "found"]);
    assert_eq!(code(&checked), 1, "{}{}", out(&checked), err(&checked));
    only_file(&directory.join("found"))
}

fn only_file(directory: &Path) -> PathBuf {
    let mut files = fs::read_dir(directory).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file");
    file
}

fn replay_live(directory: &Path, file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().unwrap();
    regrow(directory, &[&["replay-live", file], more].concat())
}

fn steps(played: &Value) -> impl Iterator<Item = &Value> {
    played["steps"].as_array().unwrap().iter()
}

/// Real servers that break this rule break this law, step for step as the model's do; servers that keep all rules keep it.
fn assert_live_and_gone(mutant: &str, law: &str) {
    let here = nowhere();
    let file = counterexample(here.path(), mutant);

    let broken = replay_live(here.path(), &file, &["--json"]);
    assert_eq!(code(&broken), 1, "{}{}", out(&broken), err(&broken));
    let broken: Value = serde_json::from_str(out(&broken)).unwrap();
    assert_eq!(broken["differences"], Value::Array(Vec::new()));
    assert!(steps(&broken).all(|step| step["became"] == "agreed"));
    let laws = broken["broken"].as_array().unwrap();
    assert!(laws.iter().any(|broken| broken["law"] == law), "{laws:?}");

    let sound = replay_live(here.path(), &file, &["--mutant", "none", "--json"]);
    assert_eq!(code(&sound), 0, "{}{}", out(&sound), err(&sound));
    let sound: Value = serde_json::from_str(out(&sound)).unwrap();
    assert_eq!(sound["broken"], Value::Array(Vec::new()));
    assert_eq!(sound["converged"], true);
}

#[test]
fn a_message_is_heard_twice() {
    assert_live_and_gone("dedupe-by-stream", "no duplicate");
}

#[test]
fn a_client_is_told_that_something_is_lost() {
    assert_live_and_gone("floor-of-the-log", "no gap without a bound");
}

#[test]
fn two_clients_own_one_name() {
    assert_live_and_gone("all-are-one-user", "unique usernames");
}

#[test]
fn a_login_is_forgotten_in_a_crash() {
    assert_live_and_gone("login-before-durable", "logins are durable");
}

#[test]
fn what_was_said_is_lost_in_a_crash() {
    assert_live_and_gone("client-offers-once", "no loss");
}

#[test]
fn two_servers_are_each_other_s_parents() {
    assert_live_and_gone("no-loop-rule", "one tree");
}

#[test]
fn a_run_of_a_simulation_goes_on_real_sockets_as_in_the_model() {
    let here = nowhere();
    let drawn = [
        "--seed",
        "3",
        "--runs",
        "1",
        "--servers",
        "3-5",
        "--clients",
        "3-6",
    ];
    let kept = ["--save", "kept", "--save-all"];
    let simulated = regrow(here.path(), &[&["simulate"], &drawn[..], &kept].concat());
    assert_eq!(code(&simulated), 0, "{}", err(&simulated));
    let played = replay_live(
        here.path(),
        &only_file(&here.path().join("kept")),
        &["--json"],
    );
    assert_eq!(code(&played), 0, "{}{}", out(&played), err(&played));
    let played: Value = serde_json::from_str(out(&played)).unwrap();
    assert!(steps(&played).count() > 100);
    assert!(steps(&played).all(|step| step["became"] == "agreed"));
}

#[test]
fn a_person_reads_each_step_and_what_it_came_to() {
    let here = nowhere();
    let file = counterexample(here.path(), "login-before-durable");
    let played = replay_live(here.path(), &file, &[]);
    let told = out(&played);
    for part in [
        "with real servers that break the rule login-before-durable",
        "3. c1 hears LOGIN_SUCCESS from s1",
        r#"over the socket: {"command":"LOGIN_SUCCESS","info":"logged in as user u1""#,
        "Steered 4 of 4 steps.",
        "\"logins are durable\" does NOT hold after step 4, on real sockets.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let played = replay_live(here.path(), &file, &["--mutant", "none"]);
    let told = out(&played);
    assert!(
        told.contains("NOT TAKEN: these rules don't allow it"),
        "{told}"
    );
    assert!(told.contains("Steered 3 of 4 steps."), "{told}");
}

#[test]
fn what_is_no_counterexample_is_refused() {
    let here = nowhere();
    let played = replay_live(here.path(), Path::new("nothing.json"), &[]);
    assert_eq!(code(&played), 2);
    assert!(err(&played).contains("nothing.json"), "{}", err(&played));
    let file = counterexample(here.path(), "login-before-durable");
    let played = replay_live(here.path(), &file, &["--mutant", "login-before-durabel"]);
    assert_eq!(code(&played), 2);
    assert!(
        err(&played).contains("login-before-durable"),
        "{}",
        err(&played)
    );
}

#[test]
fn a_server_breaks_no_rule_that_there_is_not() {
    let here = nowhere();
    let served = regrow(
        here.path(),
        &["serve", "--port", "0", "--mutant", "no-such-rule"],
    );
    assert_eq!(code(&served), 1);
    assert!(err(&served).contains("no-such-rule"), "{}", err(&served));
}

//! `regrow torture`: a short one with real servers, as a person and as a script meet it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use process::program::{code, err, nowhere, out, regrow};
use serde_json::Value;

/// What is not judged in a run this short.
const OPEN: [&str; 1] = ["memory is flat"];

#[test]
fn a_short_torture_loses_nothing_and_says_so_on_a_page() {
    let here = nowhere();
    let arguments = [
        "torture",
        "--minutes",
        "0.3",
        "--servers",
        "3",
        "--clients",
        "4",
        "--rate",
        "60",
        "--seed",
        "3",
        "--json",
        "--report",
        "report.html",
    ];
    let output = regrow(here.path(), &arguments);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let outcome: Value = serde_json::from_str(out(&output)).unwrap();
    for one in outcome["verdict"].as_array().unwrap() {
        let is_open = OPEN.contains(&one["name"].as_str().unwrap());
        let expected = if is_open { Value::Null } else { true.into() };
        assert_eq!(one["holds"], expected, "{one}");
    }
    assert!(
        outcome["faults"].as_array().unwrap().len() >= 3,
        "{outcome}"
    );
    assert_eq!(outcome["said"], outcome["acknowledged"]);
    let said = outcome["said"].as_u64().unwrap();
    assert_eq!(outcome["deliveries"].as_u64().unwrap(), 4 * said);
    assert!(said > 500, "{said}");
    assert!(
        err(&output).contains("torture: "),
        "it says how far it is: {}",
        err(&output)
    );
    assert!(outcome["kept_in"].is_null());

    let page = std::fs::read_to_string(here.path().join("report.html")).unwrap();
    assert!(page.contains("all holds") && page.contains("<svg"));
    assert!(page.contains("servers did what the checked protocol does"));
}

#[test]
fn the_same_seed_draws_the_same_faults_and_what_is_wanted_is_kept() {
    let here = nowhere();
    let faults = |keep: &str| {
        let arguments = [
            "torture",
            "--minutes",
            "0.05",
            "--servers",
            "2",
            "--clients",
            "2",
            "--rate",
            "20",
            "--faults",
            "resets,clients",
            "--seed",
            "5",
            "--json",
            "--keep",
            keep,
        ];
        let output = regrow(here.path(), &arguments);
        assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
        let outcome: Value = serde_json::from_str(out(&output)).unwrap();
        let faults = outcome["faults"].as_array().unwrap();
        let what: Vec<Value> = faults.iter().map(|fault| fault["what"].clone()).collect();
        what
    };
    let (one, other) = (faults("one"), faults("other"));
    let length = one.len().min(other.len());
    assert!(length > 0);
    assert_eq!(one[..length], other[..length]);
    let kept = here.path().join("one");
    assert!(kept.join("S1.log").exists() && kept.join("S2-recording").is_dir());

    let conform = [
        "conform",
        "--settled",
        "one/S1-recording",
        "one/S2-recording",
    ];
    let output = regrow(here.path(), &conform);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));

    let again = regrow(here.path(), &["torture", "--keep", "one"]);
    assert_eq!(code(&again), 2);
    assert!(err(&again).contains("is not empty"), "{}", err(&again));
}

#[test]
fn what_is_lost_for_good_is_found_out_and_kept() {
    let here = nowhere();
    // What a server that forgets everything has acknowledged is gone when it is killed alone with it.
    let arguments = [
        "torture",
        "--minutes",
        "0.15",
        "--servers",
        "2",
        "--clients",
        "3",
        "--rate",
        "100",
        "--faults",
        "outages",
        "--seed",
        "1",
        "--serve=--durability",
        "--serve=memory",
        "--no-record",
        "--patience",
        "4",
        "--json",
        "--keep",
        "kept",
    ];
    let output = regrow(here.path(), &arguments);
    assert_eq!(code(&output), 1, "{}{}", out(&output), err(&output));
    let outcome: Value = serde_json::from_str(out(&output)).unwrap();
    let wrong = outcome["verdict"].as_array().unwrap().iter();
    assert!(wrong.filter(|one| one["holds"] == false).count() > 0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, says) in [
        (&["--servers", "1"][..], "2..=32"),
        (&["--minutes", "0"], "more than 0"),
        (&["--faults", "fire"], "there is crashes, outages"),
        (
            &["--report", "no/such/directory/r.html"],
            "cannot write no/such",
        ),
        (
            &["--minutes", "0.01", "--serve=--no-such-flag"],
            "doesn't start",
        ),
    ] {
        let output = regrow(nowhere().path(), &[&["torture"], arguments].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(err(&output).contains(says), "{}", err(&output));
    }
}

//! `regrow simulate`: worlds that are drawn by seeds, as a person and as a script meet them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::path::Path;
use std::process::Output;

use process::program::{code, err, nowhere, out, regrow};
use serde_json::Value;

/// Runs that are quick, and of every kind.
const SMALL: [&str; 6] = ["--servers", "3-9", "--clients", "3-12", "--runs", "40"];
/// A rule whose breach a few runs show.
const BROKEN: [&str; 7] = [
    "--mutant",
    "equal-root-accepted",
    "--until-failure",
    "--threads",
    "1",
    "--servers",
    "3-4",
];

fn simulate(directory: &Path, arguments: &[&str]) -> Output {
    regrow(directory, &[&["simulate"], arguments].concat())
}

/// What runs came to, but for how long they took.
fn results(output: &Output) -> Value {
    let mut results: Value = serde_json::from_str(out(output)).unwrap();
    assert!(results["seconds"].take().is_number());
    results
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    results(&simulate(
        directory,
        &[&SMALL[..], arguments, &["--json"]].concat(),
    ))
}

/// Compares with `snapshots/NAME.snap` at the top of the repository.
fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn seeds_converge_and_come_to_what_is_recorded() {
    let here = nowhere();
    let output = simulate(here.path(), &SMALL);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let timed = |line: &&str| !line.contains("steps/s");
    let lines: Vec<&str> = out(&output).lines().filter(timed).collect();
    let again = json(here.path(), &[]);
    let text = format!(
        "{}\ndigest {}, {} steps\n",
        lines.join("\n"),
        again["digest"],
        again["steps"]
    );
    assert_snapshot("simulate", &text);
}

/// What was wrong in each is in `docs/decisions/2026-11-30-a-million-seeds.md`.
#[test]
fn seeds_that_once_failed_hold() {
    let here = nowhere();
    let drawn = |servers| ["--runs", "1", "--clients", "3-12", "--servers", servers];
    let failed = [
        ("2577", "4-8"),
        ("71405", "5-10"),
        ("481113", "5-10"),
        ("547912", "5-10"),
        ("580092", "5-10"),
        ("664609", "5-10"),
        ("722386", "5-10"),
        ("849269", "5-10"),
    ];
    for (seed, servers) in failed {
        let output = simulate(
            here.path(),
            &[&drawn(servers)[..], &["--seed", seed]].concat(),
        );
        assert_eq!(code(&output), 0, "{seed}: {}", err(&output));
    }
}

#[test]
fn a_seed_does_the_same_again_with_any_number_of_threads() {
    let here = nowhere();
    let one = json(here.path(), &["--threads", "1"]);
    assert_eq!(one, json(here.path(), &["--threads", "1"]));
    assert_eq!(one, json(here.path(), &["--threads", "3"]));
    assert_ne!(one["digest"], json(here.path(), &["--seed", "2"])["digest"]);
}

#[test]
fn shards_add_up_to_the_whole() {
    let here = nowhere();
    let mut files = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let output = simulate(
            here.path(),
            &[&SMALL[..], &["--shard", shard, "--json"]].concat(),
        );
        let file = here.path().join(shard.replace('/', "-of-"));
        std::fs::write(&file, &output.stdout).unwrap();
        files.push(file.to_str().unwrap().to_owned());
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let merged = simulate(here.path(), &[&["merge", "--json"], &files[..]].concat());
    assert_eq!(results(&merged), json(here.path(), &[]));

    std::fs::write(files[0], "{}").unwrap();
    let refused = simulate(here.path(), &[&["merge"], &files[..]].concat());
    assert_eq!(code(&refused), 2);
    assert!(err(&refused).contains("1-of-3"), "{}", err(&refused));
}

#[test]
fn a_broken_rule_is_found_made_short_and_can_be_shown_again() {
    let here = nowhere();
    let output = simulate(here.path(), &BROKEN);
    assert_eq!(code(&output), 1, "{}{}", out(&output), err(&output));
    let saved = out(&output).lines().find_map(|line| {
        let (steps, file) = line.strip_prefix("Saved in ")?.split_once(" steps: ")?;
        Some((steps.parse::<usize>().unwrap(), file.trim()))
    });
    let (steps, file) = saved.unwrap();
    assert!(steps < 150, "{steps} steps");
    assert!(file.starts_with("counterexamples/seed-"), "{file}");

    let replayed = regrow(here.path(), &["check", "--replay", file]);
    assert_eq!(code(&replayed), 0, "{}", err(&replayed));
    let text = out(&replayed);
    assert!(text.contains("with the mutant"), "{text}");
    assert!(text.contains(&format!("{steps:>4}. ")), "{text}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, says) in [
        (&["--servers", "2"][..], "the servers must be 3 to 64"),
        (&["--servers", "9-5"], "there is nothing"),
        (&["--shard", "4/3"], "the K-th of N parts"),
        (&["--faults", "fire"], "there is cuts, one-way"),
        (&["--mutant", "no-such"], "there is no mutant no-such"),
        (&["merge", "no-such-file"], "no-such-file"),
    ] {
        let output = simulate(nowhere().path(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(err(&output).contains(says), "{}", err(&output));
    }
}

#[test]
fn a_run_that_holds_is_kept_whole_and_replays() {
    let here = nowhere();
    let output = simulate(
        here.path(),
        &[
            "--runs",
            "1",
            "--servers",
            "3",
            "--clients",
            "3",
            "--save-all",
        ],
    );
    assert_eq!(code(&output), 0, "{}", err(&output));
    let file = "counterexamples/seed-1.every-law.json";
    assert!(err(&output).contains(file), "{}", err(&output));
    let replayed = regrow(here.path(), &["check", "--replay", file]);
    assert_eq!(code(&replayed), 0, "{}", err(&replayed));
    assert!(out(&replayed).contains("Every law has held, and all has converged."));
}

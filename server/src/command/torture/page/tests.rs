use std::collections::BTreeMap;

use super::*;
use crate::command::torture::account::Wrongs;
use crate::command::torture::fault::Kind;
use crate::command::torture::names::Contests;
use crate::command::torture::nemesis::{Happened, Repair};
use crate::command::torture::outcome::{Asked, Conformed, Quantiles, Rest};
use crate::command::torture::watch::Sample;

fn happened(bout: usize, kind: Kind, servers: &[usize], began: f64, ended: f64) -> Happened {
    Happened {
        bout,
        kind,
        servers: servers.to_vec(),
        what: format!("{kind} of {servers:?}"),
        began,
        ended,
        taken_over_s: (kind == Kind::Crashes).then_some(0.21),
    }
}

fn sample(at: f64, deliveries: f64, memory: [Option<u64>; 2]) -> Sample {
    Sample {
        at,
        deliveries_per_s: deliveries,
        p50_ms: (deliveries > 0.0).then_some(1.5),
        p99_ms: (deliveries > 0.0).then_some(250.0),
        memory: memory.to_vec(),
    }
}

/// A small run, made up.
fn outcome() -> Outcome {
    let repair = |mended, whole_s| Repair {
        mended,
        tree_s: whole_s,
        whole_s,
    };
    let mut outcome = Outcome {
        version: "0.1.0",
        started: 1_795_000_000,
        machine: "linux with 2 cores".to_owned(),
        asked: Asked {
            minutes: 0.5,
            servers: 2,
            clients: 3,
            rate: 100.0,
            faults: vec![Kind::Crashes, Kind::Cuts, Kind::Moves],
            seed: 7,
            profile: "fast",
            serve: vec!["--no-echo".to_owned()],
        },
        seconds: 30.0,
        faults: vec![
            happened(0, Kind::Crashes, &[0], 1.0, 4.0),
            happened(1, Kind::Cuts, &[1], 8.0, 12.0),
            happened(1, Kind::Moves, &[1], 9.0, 9.0),
        ],
        repairs: vec![repair(4.0, Some(0.05)), repair(12.0, Some(1.25))],
        samples: vec![
            sample(1.0, 300.0, [Some(20 << 20), Some(22 << 20)]),
            sample(2.0, 0.0, [None, Some(22 << 20)]),
            sample(30.0, 1_200.0, [Some(21 << 20), Some(23 << 20)]),
        ],
        said: 3_000,
        acknowledged: 3_000,
        deliveries: 9_000,
        logins: 5,
        redirects: 1,
        latency_ms: Quantiles {
            p50: 1.5,
            p99: 250.0,
            p99_9: 900.0,
            max: 3_900.0,
        },
        wrongs: Wrongs::default(),
        contests: Contests {
            names: 2,
            granted_twice: 1,
            wrongs: Vec::new(),
        },
        rest: Rest {
            settled_s: Some(0.1),
            not_a_tree: None,
            kept: 0,
        },
        events: BTreeMap::from([("joined".to_owned(), 4)]),
        conformed: Some(Conformed {
            starts: 3,
            steps: 12_345,
            lines: 6_789,
            bytes: 1 << 20,
            abandoned: 0,
            findings: Vec::new(),
        }),
        troubles: Vec::new(),
        kept_in: None,
        verdict: Vec::new(),
    };
    outcome.judge();
    outcome
}

fn wrong(spoil: impl FnOnce(&mut Outcome)) -> Vec<&'static str> {
    let mut outcome = outcome();
    spoil(&mut outcome);
    outcome.judge();
    let wrong = outcome
        .verdict
        .iter()
        .filter(|one| one.holds == Some(false));
    let wrong: Vec<&'static str> = wrong.map(|one| one.name).collect();
    assert_eq!(outcome.is_good(), wrong.is_empty());
    wrong
}

#[test]
fn a_page_has_it_all_in_one_file() {
    let page = page(&outcome());
    let body = page.split_once("</style>").expect("it has a style").1;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("torture_page", body));
    for elsewhere in ["<script", "http://", "https://", "url(", "@import", "src="] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn what_others_have_written_is_text_and_nothing_else() {
    let mut outcome = outcome();
    let hostile = "<img src=x onerror=\"a\">&'";
    outcome.troubles.push(hostile.to_owned());
    outcome.events.insert(hostile.to_owned(), 1);
    outcome.asked.serve.push(hostile.to_owned());
    outcome.faults[0].what = hostile.to_owned();
    outcome.contests.wrongs.push(hostile.to_owned());
    outcome.kept_in = Some(hostile.to_owned());
    outcome.judge();
    let page = page(&outcome);
    assert!(!page.contains("<img") && !page.contains("\"a\""));
    assert!(page.contains("&lt;img src=x onerror=&quot;a&quot;&gt;&amp;&#39;"));
}

#[test]
fn a_sound_run_is_good_and_every_wrong_is_found_out() {
    assert!(wrong(|_| {}).is_empty());
    assert_eq!(wrong(|o| o.wrongs.lost = 1), ["nothing is lost"]);
    assert_eq!(wrong(|o| o.acknowledged -= 1), ["nothing is lost"]);
    assert_eq!(wrong(|o| o.wrongs.twice = 1), ["nothing comes twice"]);
    assert_eq!(
        wrong(|o| o.wrongs.disordered = 1),
        ["everything comes in order"]
    );
    assert_eq!(wrong(|o| o.wrongs.made_up = 1), ["nothing is made up"]);
    assert_eq!(wrong(|o| o.wrongs.given_up = 1), ["nothing is given up"]);
    let both = "both have it".to_owned();
    assert_eq!(
        wrong(|o| o.contests.wrongs.push(both)),
        ["one owner for each name"]
    );
    assert_eq!(
        wrong(|o| o.repairs[1].whole_s = None),
        ["repaired each time"]
    );
    let two = Some("two roots".to_owned());
    assert_eq!(wrong(|o| o.rest.not_a_tree = two), ["one tree in the end"]);
    assert_eq!(wrong(|o| o.rest.kept = 1), ["nothing is kept at rest"]);
    assert_eq!(
        wrong(|o| o.rest.settled_s = None),
        ["nothing is kept at rest"]
    );
    let ended = "S1 has ended by itself".to_owned();
    assert_eq!(
        wrong(|o| o.troubles.push(ended)),
        ["nothing else went wrong"]
    );
    let finding = |outcome: &mut Outcome| {
        let conformed = outcome.conformed.as_mut().expect("it was recorded");
        conformed
            .findings
            .push("a step came to something else".to_owned());
    };
    assert_eq!(
        wrong(finding),
        ["servers did what the checked protocol does"]
    );
}

#[test]
fn memory_that_grows_is_found_out_in_a_run_that_is_long_enough() {
    let grows = |to: u64| {
        move |outcome: &mut Outcome| {
            outcome.seconds = 300.0;
            outcome.samples = vec![
                sample(150.0, 1.0, [Some(100 << 20), Some(100 << 20)]),
                sample(290.0, 1.0, [Some(100 << 20), Some(to << 20)]),
            ];
        }
    };
    assert!(wrong(grows(140)).is_empty());
    assert_eq!(wrong(grows(160)), ["memory is flat"]);
    let mut short = outcome();
    grows(160)(&mut short);
    short.seconds = 60.0;
    short.judge();
    assert!(short.is_good());
}

#[test]
fn dates_are_of_the_calendar() {
    assert_eq!(date(0), "1970-01-01 00:00 UTC");
    assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
    assert_eq!(date(1_795_000_000), "2026-11-18 11:06 UTC");
}

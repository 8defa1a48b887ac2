//! What a check came to, as one JSON object a scenario.

use std::io;
use std::path::Path;

use regrow_model::counterexample::Ending;
use regrow_model::narrate::Step;
use regrow_model::property::Kind;
use regrow_model::scenario::Size;
use regrow_model::verdict::Standing;
use serde::Serialize;

use super::Outcome;
use crate::command::say::{Unsaid, say};

#[derive(Serialize)]
struct Scenario<'a> {
    scenario: &'a str,
    size: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutant: Option<&'a str>,
    unique_states: usize,
    transitions: u64,
    depth: usize,
    seconds: f64,
    /// Of the table and the graph at the end.
    bytes: usize,
    properties: Vec<Property>,
    /// `null` where the check ended before it was known.
    converges: Option<bool>,
    coverage_missing: &'a [&'static str],
    coverage_unnamed: &'a [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    counterexamples: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    kind: &'static str,
    /// `null` where the check ended before it was known.
    holds: Option<bool>,
}

#[derive(Serialize)]
struct Found<'a> {
    law: &'a str,
    ending: &'a Ending,
    steps: &'a [Step],
    file: &'a Path,
}

/// Prints one line.
pub(super) fn print(outcome: &Outcome) -> Result<(), Unsaid> {
    let (verdict, report) = (&outcome.verdict, &outcome.verdict.report);
    let properties = verdict.properties.iter();
    let found = outcome.kept.iter();
    line(&Scenario {
        scenario: verdict.case.scenario.name,
        size: size(verdict.case.scenario.size),
        mutant: verdict.case.mutant.map(|mutant| mutant.name),
        unique_states: report.states,
        transitions: report.transitions,
        depth: report.depth,
        seconds: outcome.took.as_secs_f64(),
        bytes: report.bytes,
        properties: properties
            .map(|(property, standing)| Property {
                name: property.name,
                kind: kind(property.kind),
                holds: match standing {
                    Standing::Holds => Some(true),
                    Standing::Violated => Some(false),
                    Standing::Open => None,
                },
            })
            .collect(),
        converges: verdict.converges(),
        coverage_missing: &verdict.missing,
        coverage_unnamed: &verdict.unnamed,
        counterexamples: found
            .map(|(replayed, counterexample, file)| Found {
                law: &counterexample.law,
                ending: &counterexample.ending,
                steps: &replayed.story,
                file,
            })
            .collect(),
    })
}

/// Prints one object on one line.
pub(super) fn line(object: &impl Serialize) -> Result<(), Unsaid> {
    say(serde_json::to_string(object).map_err(io::Error::from)?)
}

/// A size's name.
pub(super) fn size(size: Size) -> &'static str {
    match size {
        Size::Smoke => "smoke",
        Size::Full => "full",
        Size::Deep => "deep",
        Size::Vast => "vast",
    }
}

/// A kind's name.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Safety => "safety",
        Kind::Convergence => "convergence",
    }
}

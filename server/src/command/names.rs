//! Scenarios, mutants and settings by the names that a person types.

use regrow_model::mutant::{self, Mutant};
use regrow_model::scenario::{self, Scenario};
use thiserror::Error;

/// Nothing has this name.
#[derive(Debug, Error)]
#[error("there is no {kind} {name}{hint}; `regrow check --list` names all")]
pub(super) struct Unknown {
    kind: &'static str,
    name: String,
    hint: String,
}

/// The scenario of this name.
pub(super) fn scenario(name: &str) -> Result<&'static Scenario, Unknown> {
    let all = scenario::all().map(|scenario| scenario.name);
    scenario::named(name).ok_or_else(|| unknown("scenario", name, all))
}

/// The mutant of this name.
pub(super) fn mutant(name: &str) -> Result<&'static Mutant, Unknown> {
    let all = mutant::all().map(|mutant| mutant.name);
    mutant::named(name).ok_or_else(|| unknown("mutant", name, all))
}

fn unknown(kind: &'static str, name: &str, all: impl Iterator<Item = &'static str>) -> Unknown {
    Unknown {
        kind,
        name: name.to_owned(),
        hint: near_misses(name, all),
    }
}

/// What somebody may have meant by a name that isn't one, as the end of a sentence; nothing if there is nothing like it.
pub(super) fn near_misses<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> String {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let mut near: Vec<&str> = all.filter(|other| likeness(other) > 0.75).collect();
    near.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
    near.truncate(3);
    match near.as_slice() {
        [] => String::new(),
        near => format!(" (did you mean {}?)", near.join(" or ")),
    }
}

//! What can be checked.

use std::process::ExitCode;

use regrow_model::{mutant, scenario};
use serde::Serialize;

use super::json::{line, size};
use crate::command::say::{Unsaid, print as write};

#[derive(Serialize)]
struct Scenario {
    scenario: &'static str,
    size: &'static str,
    says: &'static str,
}

#[derive(Serialize)]
struct Mutant {
    mutant: &'static str,
    /// Where it is found.
    scenario: &'static str,
    /// The size of that.
    size: Option<&'static str>,
    says: &'static str,
}

/// Names the scenarios and the mutants.
pub(super) fn print(json: bool) -> Result<ExitCode, Unsaid> {
    let scenarios = scenario::all().map(|scenario| Scenario {
        scenario: scenario.name,
        size: size(scenario.size),
        says: scenario.says,
    });
    let mutants = mutant::all().map(|mutant| Mutant {
        mutant: mutant.name,
        scenario: mutant.scenario,
        size: scenario::named(mutant.scenario).map(|scenario| size(scenario.size)),
        says: mutant.says,
    });
    if json {
        for scenario in scenarios {
            line(&scenario)?;
        }
        for mutant in mutants {
            line(&mutant)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = "Scenarios\n".to_owned();
    for Scenario {
        scenario,
        size,
        says,
    } in scenarios
    {
        text.push_str(&format!("  {scenario:<30} {size:<6} {says}\n"));
    }
    text.push_str("\nMutants, each with a scenario in which its counterexample is found\n");
    for mutant in mutants {
        let (name, says) = (mutant.mutant, mutant.says);
        let (scenario, size) = (mutant.scenario, mutant.size.unwrap_or("no such scenario"));
        text.push_str(&format!("  {name:<30} {says} ({scenario}, {size})\n"));
    }
    write(text)?;
    Ok(ExitCode::SUCCESS)
}

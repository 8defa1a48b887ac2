//! Scenarios × properties, for a person; then each counterexample.

use std::collections::BTreeMap;

use regrow_model::narrate::Detail;
use regrow_model::property::{Kind, Property};
use regrow_model::verdict::Standing;

use super::{Outcome, json};
use crate::command::say::{Unsaid, print as write};

/// A property's place in the table: its number and kind, then its name.
type Key = (u8, Kind, &'static str);

/// Prints the table and the counterexamples.
pub(super) fn print(outcomes: &[Outcome]) -> Result<(), Unsaid> {
    let mut text = table(outcomes);
    for outcome in outcomes {
        let case = &outcome.verdict.case;
        if !outcome.verdict.missing.is_empty() {
            let (name, missing) = (case.scenario.name, outcome.verdict.missing.join(", "));
            text.push_str(&format!("\n{name} never reached: {missing}\n"));
        }
        if !outcome.verdict.unnamed.is_empty() {
            let (name, unnamed) = (case.scenario.name, outcome.verdict.unnamed.join(", "));
            text.push_str(&format!("\n{name} came across: {unnamed}\n"));
        }
        for (replayed, counterexample, file) in &outcome.kept {
            let law = &counterexample.law;
            text.push_str(&format!("\n━━━ Counterexample: \"{law}\" ━━━\n"));
            text.push_str(&counterexample.transcript(replayed, Detail::Steps));
            let file = file.display();
            text.push_str(&format!("\nSaved: {file}\n"));
            text.push_str(&format!(
                "  regrow check --replay {file}     state by state\n"
            ));
            text.push_str(&format!(
                "  regrow explore --at {file}       in the browser\n"
            ));
        }
    }
    write(text)
}

fn table(outcomes: &[Outcome]) -> String {
    let mut keys = BTreeMap::new();
    for (property, _) in outcomes
        .iter()
        .flat_map(|outcome| &outcome.verdict.properties)
    {
        keys.insert(key(property), *property);
    }
    let head = [
        "scenario",
        "size",
        "states",
        "transitions",
        "depth",
        "seconds",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows[0].extend(keys.values().map(|property| column(property)));
    rows[0].push("reached".to_owned());
    rows.extend(outcomes.iter().map(|outcome| row(outcome, keys.keys())));
    let mut text = aligned(&rows);
    text.push_str("\n✓ holds   ✗ violated   ? not known: the check ended at a counterexample   – not in this scenario\n");
    for property in keys.values() {
        let when = match property.kind {
            Kind::Safety => "in every state",
            Kind::Convergence => "once faults end",
        };
        text.push_str(&format!(
            "{:>5}  {}, {when}\n",
            column(property),
            property.name
        ));
    }
    let states: usize = outcomes.iter().map(|it| it.verdict.report.states).sum();
    let seconds: f64 = outcomes.iter().map(|it| it.took.as_secs_f64()).sum();
    let good = match outcomes.iter().all(|outcome| outcome.verdict.is_good()) {
        true => "all hold",
        false => "NOT all hold",
    };
    let count = outcomes.len();
    text.push_str(&format!(
        "{count} scenarios, {} unique states, {seconds:.1} s: {good}\n",
        grouped(states as u64)
    ));
    text
}

fn row<'a>(outcome: &Outcome, keys: impl Iterator<Item = &'a Key>) -> Vec<String> {
    let (verdict, report) = (&outcome.verdict, &outcome.verdict.report);
    let mut row = vec![
        verdict.case.scenario.name.to_owned(),
        json::size(verdict.case.scenario.size).to_owned(),
        grouped(report.states as u64),
        grouped(report.transitions),
        report.depth.to_string(),
        format!("{:.2}", outcome.took.as_secs_f64()),
    ];
    row.extend(keys.map(|wanted| {
        let mut properties = verdict.properties.iter();
        let found = properties.find(|(property, _)| key(property) == *wanted);
        let sign = match found {
            Some((_, Standing::Holds)) => "✓",
            Some((_, Standing::Violated)) => "✗",
            Some((_, Standing::Open)) => "?",
            None => "–",
        };
        sign.to_owned()
    }));
    row.push(match (verdict.case.mutant, verdict.missing.as_slice()) {
        (Some(_), _) => "–".to_owned(),
        (None, []) if report.complete => "✓".to_owned(),
        (None, []) => "?".to_owned(),
        (None, _) => "✗".to_owned(),
    });
    row
}

fn key(property: &Property) -> Key {
    (property.number, property.kind, property.name)
}

fn column(property: &Property) -> String {
    let letter = match property.kind {
        Kind::Safety => 'S',
        Kind::Convergence => 'C',
    };
    format!("{}{letter}", property.number)
}

/// Names to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            match column {
                0 | 1 => text.push_str(&format!("{cell:<width$}  ")),
                _ => text.push_str(&format!("{cell:>width$}  ")),
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

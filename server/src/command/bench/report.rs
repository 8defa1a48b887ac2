//! A run as figures: one row, which is a JSON object or a table. Several rows have a median.

use std::fmt::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::latency::{Latency, PERCENTILES};

/// A run, or the median of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    figures: Vec<Figure>,
    troubles: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Figure {
    name: String,
    value: Value,
}

/// A figure's value, and what becomes of it over several runs.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    /// A word: the first run's.
    Text(String),
    /// What was set: the first run's.
    Set(f64),
    /// What was measured: the median.
    Measured(f64),
    /// What should be 0: the sum.
    Fault(u64),
}

impl Row {
    /// The row of a workload.
    pub(super) fn of(workload: &str) -> Self {
        let mut row = Self::default();
        row.text("workload", workload);
        row
    }

    /// A word.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.put(name, Value::Text(text.to_owned()));
    }

    /// What was set.
    pub(super) fn set(&mut self, name: &str, value: impl Into<f64>) {
        self.put(name, Value::Set(value.into()));
    }

    /// A number of things that was set.
    pub(super) fn set_count(&mut self, name: &str, count: usize) {
        self.put(name, Value::Set(count as f64));
    }

    /// What was measured.
    pub(super) fn measured(&mut self, name: &str, value: f64) {
        self.put(name, Value::Measured(value));
    }

    /// What was counted.
    pub(super) fn counted(&mut self, name: &str, count: u64) {
        self.put(name, Value::Measured(count as f64));
    }

    /// What was measured, if it is known.
    pub(super) fn known(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.measured(name, value);
        }
    }

    /// How much memory, if it is known.
    pub(super) fn bytes(&mut self, name: &str, bytes: Option<u64>) {
        self.known(name, bytes.map(|bytes| bytes as f64));
    }

    /// What should be 0.
    pub(super) fn fault(&mut self, name: &str, count: u64) {
        self.put(name, Value::Fault(count));
    }

    /// Percentiles, in microseconds, if there is anything.
    pub(super) fn latency(&mut self, name: &str, latency: &Latency) {
        if !latency.is_empty() {
            for (percentile, share) in PERCENTILES {
                self.measured(&format!("{name}_{percentile}_us"), latency.at_us(share));
            }
        }
    }

    /// What went wrong, in words.
    pub(super) fn troubles(&mut self, troubles: Vec<String>) {
        self.troubles = troubles;
    }

    /// Whether nothing was wrong.
    pub(super) fn is_sound(&self) -> bool {
        let is_fault = |figure: &Figure| matches!(figure.value, Value::Fault(1..));
        !self.figures.iter().any(is_fault)
    }

    /// The median of several runs; faults add up.
    pub(super) fn median(rows: &[Self]) -> Option<Self> {
        let first = rows.first()?;
        let mut median = Self::default();
        for figure in &first.figures {
            let all = rows.iter().filter_map(|row| row.get(&figure.name));
            let value = match &figure.value {
                Value::Text(_) | Value::Set(_) => figure.value.clone(),
                Value::Measured(_) => {
                    Value::Measured(middle(all.filter_map(Value::number).collect()))
                }
                Value::Fault(_) => Value::Fault(all.filter_map(Value::fault).sum()),
            };
            median.put(&figure.name, value);
        }
        median.set_count("runs", rows.len());
        median.troubles = rows.iter().flat_map(|row| row.troubles.clone()).collect();
        Some(median)
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let width = self.figures.iter().map(|figure| figure.name.len()).max();
        let width = width.unwrap_or(0);
        let mut table = String::new();
        for Figure { name, value } in &self.figures {
            let value = match value {
                Value::Text(text) => text.clone(),
                Value::Set(number) | Value::Measured(number) => rounded(*number).to_string(),
                Value::Fault(0) => "none".to_owned(),
                Value::Fault(count) => format!("{count}  <-- should be none"),
            };
            // Into a String: cannot fail.
            let _ = writeln!(table, "{name:>width$}  {value}");
        }
        for trouble in &self.troubles {
            let _ = writeln!(table, "{:>width$}  {trouble}", "trouble");
        }
        table
    }

    fn put(&mut self, name: &str, value: Value) {
        let name = name.to_owned();
        self.figures.push(Figure { name, value });
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let figure = self.figures.iter().find(|figure| figure.name == name);
        figure.map(|figure| &figure.value)
    }
}

impl Value {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Set(number) | Self::Measured(number) => Some(*number),
            Self::Text(_) | Self::Fault(_) => None,
        }
    }

    fn fault(&self) -> Option<u64> {
        match self {
            Self::Fault(count) => Some(*count),
            Self::Text(_) | Self::Set(_) | Self::Measured(_) => None,
        }
    }
}

/// One object, its fields in the order in which they were put in.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for Figure { name, value } in &self.figures {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Set(number) | Value::Measured(number) => {
                    map.serialize_entry(name, &rounded(*number))?;
                }
                Value::Fault(count) => map.serialize_entry(name, count)?,
            }
        }
        if !self.troubles.is_empty() {
            map.serialize_entry("troubles", &self.troubles)?;
        }
        map.end()
    }
}

/// To four digits behind the point, or to whole numbers if that says enough.
fn rounded(number: f64) -> serde_json::Value {
    let digits = if number.abs() >= 1_000.0 {
        1.0
    } else {
        10_000.0
    };
    let rounded = (number * digits).round() / digits;
    match rounded.fract() == 0.0 && rounded.abs() < 9e15 {
        true => (rounded as i64).into(),
        false => rounded.into(),
    }
}

/// The median: of an even number, the mean of the two in the middle.
fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let half = all.len() / 2;
    match all.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => all[half],
        _ => (all[half - 1] + all[half]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rate: f64, lost: u64) -> Row {
        let mut row = Row::of("fanout");
        row.set_count("receivers", 100);
        row.measured("deliveries_per_s", rate);
        row.fault("lost", lost);
        row
    }

    #[test]
    fn the_median_is_of_what_was_measured_and_faults_add_up() {
        let rows = [row(3.0, 0), row(100.0, 2), row(4.0, 1)];
        let median = Row::median(&rows).expect("there are some");
        let mut expected = row(4.0, 3);
        expected.set_count("runs", 3);
        assert_eq!(median, expected);
        let even = Row::median(&rows[..2]).expect("there are some");
        assert_eq!(even.get("deliveries_per_s"), Some(&Value::Measured(51.5)));
        assert_eq!(Row::median(&[]), None);
    }

    #[test]
    fn a_row_is_sound_only_without_a_fault() {
        assert!(row(1.0, 0).is_sound());
        assert!(!row(1.0, 1).is_sound());
    }

    #[test]
    fn a_row_is_an_object_in_its_own_order() {
        let text = serde_json::to_string(&row(0.123_456, 0)).unwrap();
        let expected =
            r#"{"workload":"fanout","receivers":100,"deliveries_per_s":0.1235,"lost":0}"#;
        assert_eq!(text, expected);
    }
}

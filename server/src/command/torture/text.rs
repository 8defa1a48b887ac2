//! What came of a torture, for a terminal; and how figures are put for people.

use std::fmt::Write;
use std::time::Duration;

use super::fault::Kind;
use super::nemesis::Happened;
use super::outcome::Outcome;
use crate::command::say::visible;

/// A duration as a clock shows it.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A number with its thousands apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(number),
        if number == 1 { one } else { many }
    )
}

/// A size.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{size:.1} {}", UNITS[unit]),
    }
}

/// A duration in milliseconds, as exactly as it matters.
pub(super) fn ms(ms: f64) -> String {
    match ms {
        short if short < 10.0 => format!("{short:.1} ms"),
        middle if middle < 1_000.0 => format!("{middle:.0} ms"),
        long => format!("{:.2} s", long / 1e3),
    }
}

/// How long repairs took, by what had to be repaired.
pub(super) struct Took {
    /// What.
    pub(super) what: &'static str,
    /// How often that was.
    pub(super) faults: usize,
    /// Seconds from a fault's begin to when the others had taken over, sorted.
    pub(super) taken_over: Vec<f64>,
    /// Seconds from its end to when all was whole, where nothing else had gone wrong, sorted.
    pub(super) whole: Vec<f64>,
}

/// By kind of fault, and at last of several together.
pub(super) fn took(outcome: &Outcome) -> Vec<Took> {
    let is_alone = |fault: &Happened| {
        let all = outcome.faults.iter();
        all.filter(|other| other.bout == fault.bout).count() == 1
    };
    let whole = |bout: usize| outcome.repairs.get(bout).and_then(|repair| repair.whole_s);
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let of_kind = || outcome.faults.iter().filter(|fault| fault.kind == kind);
        let alone = of_kind().filter(|fault| is_alone(fault));
        all.push(Took {
            what: kind.name(),
            faults: of_kind().count(),
            taken_over: sorted(of_kind().filter_map(|fault| fault.taken_over_s)),
            whole: sorted(alone.filter_map(|fault| whole(fault.bout))),
        });
    }
    let together = |bout: &usize| {
        let all = outcome.faults.iter();
        all.filter(|fault| fault.bout == *bout).count() > 1
    };
    let bouts: Vec<usize> = (0..outcome.repairs.len()).filter(together).collect();
    all.push(Took {
        what: "several at once",
        faults: bouts.len(),
        taken_over: Vec::new(),
        whole: sorted(bouts.into_iter().filter_map(whole)),
    });
    all.retain(|took| took.faults > 0);
    all
}

fn sorted(times: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The median of sorted times, and the longest.
pub(super) fn middle_and_most(sorted: &[f64]) -> Option<(f64, f64)> {
    let most = *sorted.last()?;
    let (before, after) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    Some((f64::midpoint(before, after), most))
}

/// All of it, in short.
pub(super) fn summary(outcome: &Outcome) -> String {
    let mut text = String::new();
    for one in &outcome.verdict {
        let mark = match one.holds {
            Some(true) => "ok",
            Some(false) => "WRONG",
            None => "-",
        };
        // Into a String: cannot fail.
        let _ = writeln!(text, "{mark:>6}  {}: {}", one.name, visible(&one.says));
    }
    let _ = writeln!(
        text,
        "\n{} in {} (one to three at a time), {} from {} messages of {} clients at {} servers, seed {}",
        counted(outcome.faults.len() as u64, "fault", "faults"),
        clock(Duration::from_secs_f64(outcome.seconds)),
        counted(outcome.deliveries, "delivery", "deliveries"),
        thousands(outcome.said),
        outcome.asked.clients,
        outcome.asked.servers,
        outcome.asked.seed,
    );
    let latency = outcome.latency_ms;
    let _ = writeln!(
        text,
        "latency, faults included: p50 {}, p99 {}, p99.9 {}, max {}",
        ms(latency.p50),
        ms(latency.p99),
        ms(latency.p99_9),
        ms(latency.max)
    );
    let _ = writeln!(
        text,
        "\n{:<16} {:>6}  {:>21}  {:>21}",
        "seconds until", "faults", "taken over, mid, max", "whole again, mid, max"
    );
    for took in took(outcome) {
        let times = |times: &[f64]| {
            middle_and_most(times).map_or_else(String::new, |(middle, most)| {
                format!("{middle:.2} {most:>7.2}")
            })
        };
        let _ = writeln!(
            text,
            "{:<16} {:>6}  {:>21}  {:>21}",
            took.what,
            took.faults,
            times(&took.taken_over),
            times(&took.whole)
        );
    }
    for trouble in &outcome.troubles {
        let _ = writeln!(text, "trouble: {}", visible(trouble));
    }
    let findings = outcome.conformed.iter().flat_map(|one| &one.findings);
    for finding in findings {
        let _ = writeln!(text, "conform: {}", visible(finding));
    }
    if let Some(directory) = &outcome.kept_in {
        let _ = writeln!(
            text,
            "\nWhat the servers had, their logs and recordings: {directory}"
        );
    }
    text.push_str(match outcome.is_good() {
        true => "\nAll of it is as it must be.\n",
        false => "\nNOT as it must be.\n",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_put_as_people_read_them() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3 << 20), "3.0 MiB");
        assert_eq!(clock(Duration::from_secs(3_725)), "1:02:05");
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(ms(1.24), "1.2 ms");
        assert_eq!(ms(12_340.0), "12.34 s");
        assert_eq!(counted(1, "fault", "faults"), "1 fault");
        assert_eq!(middle_and_most(&[]), None);
        assert_eq!(middle_and_most(&[1.0]), Some((1.0, 1.0)));
        assert_eq!(middle_and_most(&[1.0, 2.0, 4.0, 9.0]), Some((3.0, 9.0)));
    }
}

//! What runs came to, for a person.

use std::collections::BTreeSet;

use regrow_model::counterexample::Ending;
use regrow_model::world::seen::Seen;

use super::results::{Counts, Results};

/// The longest bar of the plot, in characters.
const BAR_MAX: f64 = 40.0;

/// All of it.
pub(super) fn text(results: &Results) -> String {
    let mut text = sizes(results);
    text.push_str(&plot(results));
    let failed = results.failures.len();
    let verdict = match failed {
        0 => "all hold".to_owned(),
        _ => format!("{failed} FAILED"),
    };
    let rate = results.steps as f64 / results.seconds.max(1e-9);
    text.push_str(&format!(
        "\n{} runs, {} steps, {:.1} s, {rate:.0} steps/s, digest {:016x}: {verdict}\n",
        results.runs, results.steps, results.seconds, results.digest
    ));
    let never = never(results);
    if !never.is_empty() {
        text.push_str(&format!("Never occurred: {}\n", never.join(", ")));
    }
    for (seed, failure) in &results.failures {
        let how = match failure.ending {
            Ending::Held => "holds",
            Ending::Unsafe | Ending::AtRest => "does not hold",
            Ending::Left => "held, and the protocol broke it by its own step",
            Ending::Open { .. } | Ending::Stuck { .. } => "never holds again",
        };
        let (law, steps) = (&failure.law, failure.steps);
        text.push_str(&format!("\nSeed {seed}, {steps} steps: \"{law}\" {how}\n"));
        if let Some(kept) = &failure.kept {
            let (file, steps) = (&kept.file, kept.steps);
            text.push_str(&format!("Saved in {steps} steps: {file}\n"));
            text.push_str(&format!(
                "  regrow check --replay {file}     state by state\n"
            ));
            text.push_str(&format!(
                "  regrow explore --at {file}       in the browser\n"
            ));
        }
    }
    text
}

/// Labels of coverage that no run came across.
fn never(results: &Results) -> Vec<&'static str> {
    let seen: BTreeSet<&str> = results.seen.iter().map(String::as_str).collect();
    let all = Seen::default().missing().into_iter();
    all.filter(|label| !seen.contains(label)).collect()
}

/// Messages and steps, against the number of servers.
pub(super) fn sizes(results: &Results) -> String {
    let mut text = format!(
        "{:>8} {:>8} {:>9} {:>10} {:>9} {:>5} {:>9} {:>9} {:>10} {:>9}\n",
        "servers",
        "runs",
        "lines per",
        "lines that",
        "hops",
        "hops",
        "missing",
        "steps to",
        "the most",
        "lines to"
    );
    text.push_str(&format!(
        "{:>8} {:>8} {:>9} {:>10} {:>9} {:>5} {:>9} {:>9} {:>10} {:>9}\n",
        "", "", "delivery", "carry per", "mean", "max", "at heal", "converge", "", "converge"
    ));
    for counts in results.sizes.values() {
        let repairs = counts.repairs;
        text.push_str(&format!(
            "{:>8.1} {:>8} {:>9.2} {:>10.2} {:>9.2} {:>5} {:>9.1} {:>9.0} {:>10} {:>9.0}\n",
            ratio(counts.servers, counts.runs),
            counts.runs,
            ratio(counts.lines, counts.heard),
            ratio(counts.carried, counts.heard),
            ratio(counts.hops, counts.arrivals),
            counts.hops_max,
            ratio(counts.missing, repairs),
            ratio(counts.repair_steps, repairs),
            counts.repair_steps_max,
            ratio(counts.repair_lines, repairs),
        ));
    }
    text
}

/// How the lines that a repair takes grow with the servers.
fn plot(results: &Results) -> String {
    let lines = |counts: &Counts| ratio(counts.repair_lines, counts.repairs);
    let most = results.sizes.values().map(lines).fold(1.0, f64::max);
    let mut text = "\nLines to converge, by servers\n".to_owned();
    for counts in results.sizes.values() {
        let servers = ratio(counts.servers, counts.runs);
        let length = (lines(counts) / most * BAR_MAX).round() as usize;
        let bar = "█".repeat(length);
        text.push_str(&format!("{servers:>8.1} {bar} {:.0}\n", lines(counts)));
    }
    text
}

fn ratio(sum: u64, of: u64) -> f64 {
    match of {
        0 => 0.0,
        _ => sum as f64 / of as f64,
    }
}

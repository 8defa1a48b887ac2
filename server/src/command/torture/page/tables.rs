//! What came of a run, in tables.

use std::fmt::Write;

use super::chart::dots;
use super::escaped;
use crate::command::torture::fault::Kind;
use crate::command::torture::outcome::Outcome;
use crate::command::torture::text::{middle_and_most, ms, thousands, took};

/// Whether each thing holds.
pub(super) fn verdict(outcome: &Outcome) -> String {
    let mut text = "<h2>Verdict</h2>\n<table>\n".to_owned();
    for one in &outcome.verdict {
        let (class, mark) = match one.holds {
            Some(true) => ("good", "holds"),
            Some(false) => ("bad", "WRONG"),
            None => ("open", "open"),
        };
        // Into a String: cannot fail.
        let _ = writeln!(
            text,
            "<tr><td class=\"mark {class}\">{mark}</td><td>{}<br><span class=\"soft\">{}</span></td></tr>",
            escaped(one.name),
            escaped(&one.says)
        );
    }
    text.push_str("</table>\n");
    let findings = outcome.conformed.iter().flat_map(|one| &one.findings);
    let wrongs = outcome
        .troubles
        .iter()
        .chain(&outcome.contests.wrongs)
        .chain(findings);
    let wrongs: Vec<&String> = wrongs.collect();
    if !wrongs.is_empty() {
        text.push_str("<h2>Findings</h2>\n<ul>\n");
        for wrong in wrongs {
            let _ = writeln!(text, "<li>{}</li>", escaped(wrong));
        }
        text.push_str("</ul>\n");
    }
    if let Some(directory) = &outcome.kept_in {
        let directory = escaped(directory);
        let _ = writeln!(
            text,
            "<p class=\"soft\">What the servers had, their logs and recordings: <code>{directory}</code></p>"
        );
    }
    text
}

/// How long repairs took.
pub(super) fn repairs(outcome: &Outcome) -> String {
    let mut text = "<h2>Repairs</h2>\n<div class=\"wide\">\n<table>\n\
        <tr><th>fault</th><th class=\"n\">how often</th><th class=\"n\">others take over</th><th class=\"n\">whole again</th>\
        <th>each, from 0.01 s to 100 s</th></tr>\n"
        .to_owned();
    for took in took(outcome) {
        let times = |times: &[f64]| {
            middle_and_most(times).map_or_else(
                || "–".to_owned(),
                |(middle, most)| format!("{} / {}", ms(middle * 1e3), ms(most * 1e3)),
            )
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == took.what);
        let says = kind.map_or(
            "faults that overlap; whole again after the last one's end",
            Kind::says,
        );
        let _ = writeln!(
            text,
            "<tr><td>{}<br><span class=\"soft\">{}</span></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td>{}{}</td></tr>",
            escaped(took.what),
            escaped(says),
            took.faults,
            times(&took.taken_over),
            times(&took.whole),
            dots(&took.taken_over, "frozen"),
            dots(&took.whole, "repair")
        );
    }
    text.push_str(
        "</table>\n</div>\n<p class=\"soft\">Median / most. Others take over (blue): from the moment when servers are killed, or \
         have stopped, until the rest are one tree and every client has heard every other one say something since. Whole again \
         (green): from the end of the fault until all servers are one tree, and the same. Both only where nothing else went wrong \
         at that time, but for the last row.</p>\n",
    );
    text
}

/// What the servers' logs say.
pub(super) fn events(outcome: &Outcome) -> String {
    let mut text = format!(
        "<details>\n<summary>What the servers' logs say; {} logins, {} of them sent on to a lighter server</summary>\n<table>\n",
        thousands(outcome.logins),
        thousands(outcome.redirects)
    );
    for (event, count) in &outcome.events {
        let (event, count) = (escaped(event), thousands(*count));
        let _ = writeln!(
            text,
            "<tr><td><code>{event}</code></td><td class=\"n\">{count}</td></tr>"
        );
    }
    text.push_str("</table>\n</details>\n");
    text
}

/// Every fault.
pub(super) fn faults(outcome: &Outcome) -> String {
    let mut text = "<details>\n<summary>Every fault</summary>\n<div class=\"wide\">\n<table>\n\
        <tr><th class=\"n\">bout</th><th class=\"n\">from, s</th><th class=\"n\">to, s</th><th>what</th>\
        <th class=\"n\">taken over</th><th class=\"n\">whole again</th></tr>\n"
        .to_owned();
    for (place, fault) in outcome.faults.iter().enumerate() {
        let time =
            |seconds: Option<f64>| seconds.map_or_else(String::new, |seconds| ms(seconds * 1e3));
        let next = outcome.faults.get(place + 1);
        let is_last = next.is_none_or(|next| next.bout != fault.bout);
        let whole = outcome.repairs.get(fault.bout);
        let whole = whole.and_then(|repair| repair.whole_s);
        let _ = writeln!(
            text,
            "<tr><td class=\"n\">{}</td><td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            fault.bout + 1,
            fault.began,
            fault.ended,
            escaped(&fault.what),
            time(fault.taken_over_s),
            time(whole.filter(|_| is_last))
        );
    }
    text.push_str("</table>\n</div>\n</details>\n");
    text
}

//! The page about a torture: one file that needs nothing else, no script, light or dark as its reader likes.

mod chart;
mod figures;
mod tables;

use std::fmt::Write;

use super::outcome::Outcome;
use super::text::{clock, counted, middle_and_most, ms, thousands};
use std::time::Duration;

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(outcome: &Outcome) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>regrow torture: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        verdict(outcome)
    );
    page.push_str(&head(outcome));
    page.push_str(&tiles(outcome));
    page.push_str(&tables::verdict(outcome));
    page.push_str(&figures::time_line(outcome));
    page.push_str(&figures::deliveries(outcome));
    page.push_str(&figures::latencies(outcome));
    page.push_str(&tables::repairs(outcome));
    page.push_str(&figures::memory(outcome));
    page.push_str(&tables::events(outcome));
    page.push_str(&tables::faults(outcome));
    page.push_str("</body>\n</html>\n");
    page
}

/// The verdict in a few words.
fn verdict(outcome: &Outcome) -> &'static str {
    match outcome.is_good() {
        true => "all holds",
        false => "something does not hold",
    }
}

fn head(outcome: &Outcome) -> String {
    let asked = &outcome.asked;
    let class = if outcome.is_good() { "good" } else { "bad" };
    let mut again = format!(
        "regrow torture --minutes {} --servers {} --clients {} --rate {} --seed {}",
        rounded(asked.minutes),
        asked.servers,
        asked.clients,
        asked.rate,
        asked.seed
    );
    if asked.faults.len() < super::fault::Kind::ALL.len() {
        let names = asked.faults.iter().map(ToString::to_string);
        let names: Vec<String> = names.collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(",")
        };
        let _ = write!(again, " --faults {names}");
    }
    if asked.profile != "fast" {
        let _ = write!(again, " --profile {}", asked.profile);
    }
    for argument in &asked.serve {
        let _ = write!(again, " --serve {argument}");
    }
    format!(
        "<header class=\"verdict {class}\">\n<h1>regrow torture</h1>\n<strong>{}</strong>\n</header>\n\
         <p>{} real servers and {} on one machine, and for {} things went wrong: {}.</p>\n\
         <p class=\"soft\">{}; regrow {} on {}. The same faults again: <code>{}</code></p>\n",
        verdict(outcome),
        asked.servers,
        counted(asked.clients as u64, "client", "clients"),
        clock(Duration::from_secs_f64(outcome.seconds)),
        counted(outcome.faults.len() as u64, "fault", "faults"),
        date(outcome.started),
        escaped(outcome.version),
        escaped(&outcome.machine),
        escaped(&again)
    )
}

fn rounded(minutes: f64) -> String {
    let text = format!("{minutes:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

fn tiles(outcome: &Outcome) -> String {
    let wrongs = outcome.wrongs;
    let mut repairs: Vec<f64> = outcome
        .repairs
        .iter()
        .filter_map(|one| one.whole_s)
        .collect();
    repairs.sort_by(f64::total_cmp);
    let repaired = middle_and_most(&repairs).map_or_else(
        || "–".to_owned(),
        |(middle, most)| format!("{} / {}", ms(middle * 1e3), ms(most * 1e3)),
    );
    let latency = outcome.latency_ms;
    let tiles = [
        (thousands(outcome.faults.len() as u64), "faults"),
        (thousands(outcome.deliveries), "deliveries"),
        (
            format!(
                "{} / {} / {}",
                thousands(wrongs.lost),
                thousands(wrongs.twice),
                thousands(wrongs.disordered)
            ),
            "lost / twice / out of order",
        ),
        (repaired, "until whole again: median / most"),
        (
            format!("{} / {}", ms(latency.p50), ms(latency.p99)),
            "latency: half / 99 % at most",
        ),
    ];
    let mut text = "<ul class=\"tiles\">\n".to_owned();
    for (value, name) in tiles {
        let _ = writeln!(
            text,
            "<li><b>{}</b><span>{}</span></li>",
            escaped(&value),
            escaped(name)
        );
    }
    text.push_str("</ul>\n");
    text
}

/// A text within HTML, in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// A time in seconds since 1970, in the Gregorian calendar: days are counted from the 1st of March of year 0, in which leap
/// days come last.
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (seconds / 3_600 % 24, seconds / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests;

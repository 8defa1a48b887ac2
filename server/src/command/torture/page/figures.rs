//! What happened over the time of a run, drawn.

use std::fmt::Write;

use super::chart::{Chart, Scale};
use super::escaped;
use crate::command::torture::fault::Kind;
use crate::command::torture::nemesis::Happened;
use crate::command::torture::outcome::Outcome;
use crate::command::torture::text::{bytes, ms, thousands};

/// How high a chart of values is.
const HEIGHT: f64 = 190.0;
/// How high a row of the time line is.
const ROW: f64 = 24.0;
/// Of how many colours lines are.
const COLOURS: usize = 8;

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Crashes | Kind::Outages => "killed",
        Kind::Freezes => "frozen",
        Kind::Drains => "drained",
        Kind::Cuts => "cut",
        Kind::OneWay => "oneway",
        Kind::Resets | Kind::Clients => "reset",
        Kind::Moves => "moved",
    }
}

fn figure(title: &str, svg: &str, key: &str, says: &str) -> String {
    format!(
        "<h2>{}</h2>\n<figure>\n<div class=\"wide\">\n{svg}</div>\n{key}<figcaption>{}</figcaption>\n</figure>\n",
        escaped(title),
        escaped(says)
    )
}

/// How long the run was, with what came after the last fault.
fn length(outcome: &Outcome) -> f64 {
    let samples = outcome.samples.last().map_or(0.0, |sample| sample.at);
    samples.max(outcome.seconds)
}

/// When which fault was.
pub(super) fn time_line(outcome: &Outcome) -> String {
    let servers = outcome.asked.servers;
    let (links, clients, repairs) = (servers, servers + 1, servers + 2);
    let rows = servers + 3;
    let says = "The faults over time, one row for each server, for links and for clients";
    let mut chart = Chart::new(rows as f64 * ROW + 34.0, length(outcome), says);
    for server in 0..servers {
        chart.row(server, rows, &format!("S{}", server + 1));
    }
    chart.row(links, rows, "links");
    chart.row(clients, rows, "clients");
    chart.row(repairs, rows, "repair");
    for fault in &outcome.faults {
        let in_rows = match fault.kind {
            Kind::Crashes | Kind::Outages | Kind::Freezes | Kind::Drains => fault.servers.clone(),
            Kind::Cuts | Kind::OneWay | Kind::Resets => vec![links],
            Kind::Clients | Kind::Moves => vec![clients],
        };
        for row in in_rows {
            let says = told(fault);
            chart.bar(
                (row, rows),
                (fault.began, fault.ended),
                class(fault.kind),
                &says,
            );
        }
    }
    for repair in &outcome.repairs {
        let (class, took, says) = match repair.whole_s {
            Some(took) => ("repair", took, format!("whole again after {took:.2} s")),
            None => (
                "never",
                outcome.seconds - repair.mended,
                "never whole again".to_owned(),
            ),
        };
        chart.bar(
            (repairs, rows),
            (repair.mended, repair.mended + took),
            class,
            &says,
        );
    }
    let key = [
        ("killed", "killed (kill -9)"),
        ("frozen", "frozen (SIGSTOP)"),
        ("drained", "told to stop (SIGTERM)"),
        ("cut", "cut off"),
        ("oneway", "cut one way"),
        ("reset", "connections reset"),
        ("moved", "clients moved"),
        ("repair", "until whole again"),
    ];
    let mut keys = "<ul class=\"key\">".to_owned();
    for (class, name) in key {
        // Into a String: cannot fail.
        let _ = write!(keys, "<li><i class=\"{class}\"></i>{}</li>", escaped(name));
    }
    keys.push_str("</ul>\n");
    let says = "Minutes and seconds since the first fault. S1 is the eldest, and so the root whenever it can be reached. \
                From a third of the time on the youngest server's process is left alone, but for freezes, to show what it does \
                with its memory.";
    figure("What went wrong", &chart.end(), &keys, says)
}

fn told(fault: &Happened) -> String {
    let took = fault.taken_over_s;
    let took = took.map_or_else(String::new, |took| {
        format!("; taken over after {took:.2} s")
    });
    format!(
        "{} at {:.1} s, for {:.1} s{took}",
        fault.what,
        fault.began,
        fault.ended - fault.began
    )
}

/// How much was heard.
pub(super) fn deliveries(outcome: &Outcome) -> String {
    let all = || outcome.samples.iter().map(|sample| sample.deliveries_per_s);
    let scale = Scale::Linear(all().fold(1.0, f64::max) * 1.05);
    let mut chart = Chart::new(HEIGHT, length(outcome), "Deliveries a second over time");
    chart.values(scale, |value| thousands(value.round() as u64));
    let points = outcome.samples.iter();
    let points = points.map(|sample| (sample.at, Some(sample.deliveries_per_s)));
    chart.line(scale, "c0", points);
    let asked = thousands((outcome.asked.rate * outcome.asked.clients as f64).round() as u64);
    let says = format!(
        "One message heard by one client is one delivery. {asked} a second were asked for: less while somebody hears nothing, \
         more when it hears what it has missed."
    );
    figure("Deliveries a second", &chart.end(), "", &says)
}

/// How long it took.
pub(super) fn latencies(outcome: &Outcome) -> String {
    let scale = Scale::Log(0.1, 100_000.0);
    let mut chart = Chart::new(HEIGHT, length(outcome), "Latencies over time, p50 and p99");
    chart.values(scale, |value| match value {
        small if small < 1_000.0 => format!("{small} ms"),
        large => format!("{} s", large / 1e3),
    });
    let samples = || outcome.samples.iter();
    chart.line(
        scale,
        "c1",
        samples().map(|sample| (sample.at, sample.p99_ms)),
    );
    chart.line(
        scale,
        "c0",
        samples().map(|sample| (sample.at, sample.p50_ms)),
    );
    let key = keys(&[
        ("c0", "half of them at most"),
        ("c1", "99 % of them at most"),
    ]);
    let latency = outcome.latency_ms;
    let says = format!(
        "From when a client says something to when another one hears it, through two forwarders and the servers between; what waited \
         for a repair counts when it was heard. Over all: p50 {}, p99 {}, p99.9 {}, most {}.",
        ms(latency.p50),
        ms(latency.p99),
        ms(latency.p99_9),
        ms(latency.max)
    );
    figure("Latency", &chart.end(), &key, &says)
}

/// How much memory each server had.
pub(super) fn memory(outcome: &Outcome) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let all = outcome.samples.iter().flat_map(|sample| &sample.memory);
    let most = all
        .flatten()
        .map(|bytes| *bytes as f64 / MIB)
        .fold(1.0, f64::max);
    let scale = Scale::Linear(most * 1.05);
    let mut chart = Chart::new(HEIGHT, length(outcome), "Memory of each server over time");
    chart.values(scale, |value| bytes((value * MIB) as u64));
    let classes: Vec<(String, String)> = (0..outcome.asked.servers)
        .map(|server| {
            let dashed = if server >= COLOURS { " dashed" } else { "" };
            (
                format!("c{}{dashed}", server % COLOURS),
                format!("S{}", server + 1),
            )
        })
        .collect();
    for (server, (class, _)) in classes.iter().enumerate() {
        let points = outcome.samples.iter().map(|sample| {
            let bytes = sample.memory.get(server).copied().flatten();
            (sample.at, bytes.map(|bytes| bytes as f64 / MIB))
        });
        chart.line(scale, class, points);
    }
    let classes: Vec<(&str, &str)> = classes
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let says = "Resident memory of each server's process. It begins anew with each start.";
    figure("Memory", &chart.end(), &keys(&classes), says)
}

fn keys(lines: &[(&str, &str)]) -> String {
    let mut keys = "<ul class=\"key\">".to_owned();
    for (class, name) in lines {
        let _ = write!(
            keys,
            "<li><svg viewBox=\"0 0 28 14\" aria-hidden=\"true\"><path class=\"line {class}\" stroke-width=\"3\" d=\"M0 7H28\"/></svg>{}</li>",
            escaped(name)
        );
    }
    keys.push_str("</ul>\n");
    keys
}

//! A status for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::http::status::Status;

/// What nobody knows.
const UNKNOWN: &str = "–";

/// One line of the table of servers.
#[derive(Default)]
struct Row {
    /// What it is to the server that was asked.
    role: &'static str,
    load: Option<u64>,
    waiting: Option<u64>,
    /// How many messages it still lacks.
    behind: Option<u64>,
}

/// The whole of it.
pub(super) fn of(status: &Status) -> String {
    let mut text = String::new();
    // To write to a text can't fail.
    let _ = head(status, &mut text);
    let _ = servers(status, &mut text);
    let _ = rest(status, &mut text);
    text
}

fn head(status: &Status, text: &mut String) -> std::fmt::Result {
    let ready = if status.ready { "ready" } else { "NOT READY" };
    writeln!(
        text,
        "{}  version {}  up {}  {ready}",
        status.name,
        status.version,
        time(status.uptime_seconds)
    )?;
    for why in &status.not_ready_because {
        writeln!(text, "  not ready: {why}")?;
    }
    match &status.tree.parent {
        Some(parent) => writeln!(text, "tree      below {parent}, root {}", status.tree.root)?,
        None => writeln!(text, "tree      root")?,
    }
    if let Some(attempt) = &status.tree.attempt {
        writeln!(text, "          dials {attempt}")?;
    }
    Ok(())
}

fn servers(status: &Status, text: &mut String) -> std::fmt::Result {
    let rows = rows(status);
    let name = rows.keys().map(|name| name.chars().count()).max();
    let name = name.unwrap_or(0).max("server".len());
    writeln!(
        text,
        "\n{:name$}  {:8}  {:>8}  {:>12}  {:>8}",
        "server", "is", "clients", "to send", "behind"
    )?;
    let number = |number: Option<u64>| number.map_or(UNKNOWN.to_owned(), |n| n.to_string());
    for (server, row) in &rows {
        let waiting = row.waiting.map_or(UNKNOWN.to_owned(), bytes);
        let line = format!(
            "{server:name$}  {:8}  {:>8}  {waiting:>12}  {:>8}",
            row.role,
            number(row.load),
            number(row.behind)
        );
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Every server that is known, the one that was asked among them.
fn rows(status: &Status) -> BTreeMap<&str, Row> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for name in status.tree.known.keys() {
        rows.entry(name).or_default();
    }
    let own = rows.entry(&status.name).or_default();
    (own.role, own.load) = ("itself", Some(status.loads.own));
    for (name, load) in &status.loads.others {
        rows.entry(name).or_default().load = *load;
    }
    for (name, behind) in &status.behind {
        rows.entry(name).or_default().behind = Some(*behind);
    }
    for link in &status.links.servers {
        let Some(server) = &link.server else { continue };
        let row = rows.entry(server).or_default();
        row.waiting = Some(link.waiting_bytes);
        row.role = match link.kind.as_str() {
            "parent" => "parent",
            "child" => "child",
            _ => "",
        };
    }
    rows
}

fn rest(status: &Status, text: &mut String) -> std::fmt::Result {
    let (links, sessions, buffers) = (&status.links, &status.sessions, &status.buffers);
    writeln!(
        text,
        "\nlinks     {} in all, {} of clients that are logged in",
        links.all, links.clients
    )?;
    writeln!(text, "users     {} registered", status.users.registered)?;
    writeln!(
        text,
        "sessions  {} live, {} catching up, {} left, {} expired, {} logged out",
        sessions.live, sessions.catching_up, sessions.left, sessions.expired, sessions.out
    )?;
    writeln!(
        text,
        "log       {} messages, {}, for {} mailboxes and whoever is behind",
        buffers.log_entries,
        bytes(buffers.log_bytes),
        buffers.mailboxes
    )?;
    writeln!(
        text,
        "waiting   {} events for the actor, {} saves for the disk",
        buffers.events_waiting, buffers.saves_waiting
    )?;
    match &status.disk.error {
        None => writeln!(text, "disk      healthy")?,
        Some(error) => writeln!(text, "disk      FAILING: {error}")?,
    }
    if !status.uncounted.is_empty() {
        let servers = status.uncounted.join(", ");
        writeln!(text, "no longer waited for: {servers}")?;
    }
    if !status.tree.given_up.is_empty() {
        writeln!(text, "given up: {}", status.tree.given_up.join(", "))?;
    }
    Ok(())
}

fn time(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1_024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if size < 1_024.0 {
            break;
        }
        (size, unit) = (size / 1_024.0, larger);
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_said_in_what_a_person_would_say() {
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
        assert_eq!(bytes(5 << 50), "5120.0 TiB");
        assert_eq!(time(59), "59 s");
        assert_eq!(time(3_600), "1 h 0 min");
        assert_eq!(time(200_000), "2 d 7 h");
    }
}

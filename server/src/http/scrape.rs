//! `/metrics`: what was counted, and what can be read off the state now. The second part is made anew for each scrape.

use std::fmt;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use regrow_model::message::Stream;
use regrow_model::node::delivery::vector;

use super::seen::Seen;
use super::tally::Tally;
use super::{Pages, process, ready};
use crate::metrics::PREFIX;

/// One or two labels.
type Labels = Vec<(&'static str, String)>;
/// A gauge for each of some labels.
type Gauges = Family<Labels, Gauge>;

/// All metrics, as OpenMetrics text.
pub(super) async fn scrape(pages: &Pages) -> Result<String, fmt::Error> {
    let seen = pages.look().await;
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix(PREFIX);
    about(pages, own);
    let reasons = ready::reasons(pages, seen.as_ref());
    gauge(
        own,
        "ready",
        "1 if clients should be sent here",
        reasons.is_empty().into(),
    );
    gauge(
        own,
        "actor_answers",
        "1 if the actor has answered in time",
        seen.is_ok().into(),
    );
    if let Ok(seen) = &seen {
        let tally = pages.tallies.of(seen).await;
        tree(seen, own);
        delivery(seen, tally, own);
        links(seen, own);
    }
    of_process(&mut registry, pages);

    let mut text = String::new();
    pages.metrics.write(&mut text)?;
    text::encode_registry(&mut text, &registry)?;
    text::encode_eof(&mut text)?;
    Ok(text)
}

fn about(pages: &Pages, registry: &mut Registry) {
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "Which program this is", build);
    let draining = u64::from(*pages.draining.borrow());
    gauge(registry, "draining", "1 if it is about to stop", draining);
}

fn tree(seen: &Seen, registry: &mut Registry) {
    let depth = seen.path.len() as u64;
    gauge(
        registry,
        "tree_depth",
        "Servers above this one; 0 for a root",
        depth,
    );
    let children = seen.children.len() as u64;
    gauge(
        registry,
        "tree_children",
        "Servers right below this one",
        children,
    );
    let known = seen.tree.known.len() as u64;
    gauge(
        registry,
        "servers_known",
        "Servers ever heard of, this one included",
        known,
    );
    gauge(
        registry,
        "load",
        "Clients that are logged in here",
        seen.own_load,
    );
}

fn delivery(seen: &Seen, tally: Tally, registry: &mut Registry) {
    let users = seen.users as u64;
    gauge(registry, "users", "Names that are given away", users);
    let sessions = Gauges::default();
    for (phase, count) in [
        ("catching_up", tally.catching_up),
        ("live", tally.live),
        ("left", tally.left),
        ("expired", tally.expired),
        ("out", tally.out),
    ] {
        set(&sessions, vec![("phase", phase.to_owned())], count);
    }
    registry.register(
        "sessions",
        "The last session of each user of the system",
        sessions,
    );
    let mailboxes = tally.left + tally.catching_up;
    gauge(
        registry,
        "mailboxes",
        "Users for whom messages are kept",
        mailboxes,
    );
    let entries = seen.entries.len() as u64;
    gauge(registry, "log_entries", "Messages that are kept", entries);
    let bytes = ConstGauge::new(tally.log_bytes);
    registry.register_with_unit(
        "log",
        "Length of the messages that are kept",
        Unit::Bytes,
        bytes,
    );
    let own = Stream {
        server: seen.tree.id.name.clone(),
        incarnation: seen.tree.incarnation,
    };
    let said = ConstCounter::new(vector::at(&seen.have, &own));
    registry.register(
        "activities",
        "What this server's own clients have said",
        said,
    );
    let behind = Gauges::default();
    for (server, floor) in &seen.floors {
        let missing = vector::between(floor, &seen.have);
        set(&behind, vec![("server", server.to_string())], missing);
    }
    registry.register(
        "floor_lag_messages",
        "Messages that are here and not yet everywhere at that server",
        behind,
    );
    gauge(
        registry,
        "events_waiting",
        "What has come in and waits for the actor",
        seen.events as u64,
    );
    gauge(
        registry,
        "saves_waiting",
        "Saves that are not on disk yet",
        seen.unsaved,
    );
}

fn links(seen: &Seen, registry: &mut Registry) {
    let (lines, bytes) = (Gauges::default(), Gauges::default());
    for edge in &seen.edges {
        let server = edge.server.as_ref().map(ToString::to_string);
        let labels = vec![
            ("kind", edge.kind.to_owned()),
            ("server", server.unwrap_or_default()),
        ];
        set(&lines, labels.clone(), edge.waiting.lines as u64);
        set(&bytes, labels, edge.waiting.bytes as u64);
    }
    let help = "Lines that wait to be sent to another server";
    registry.register("link_waiting_lines", help, lines);
    let help = "Bytes that wait to be sent to another server";
    registry.register_with_unit("link_waiting", help, Unit::Bytes, bytes);
}

fn of_process(registry: &mut Registry, pages: &Pages) {
    let since = pages
        .started_at
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    registry.register_with_unit(
        "process_start_time",
        "When the process started, in seconds since 1970",
        Unit::Seconds,
        ConstGauge::new(since.as_secs_f64()),
    );
    let Some(process) = process::now() else {
        return;
    };
    registry.register_with_unit(
        "process_cpu",
        "User and system time of the process",
        Unit::Seconds,
        ConstCounter::new(process.cpu_seconds),
    );
    registry.register_with_unit(
        "process_resident_memory",
        "Memory of the process",
        Unit::Bytes,
        ConstGauge::new(process.resident_bytes),
    );
    registry.register(
        "process_open_fds",
        "Descriptors of the process",
        ConstGauge::new(process.open_fds),
    );
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn set(gauges: &Gauges, labels: Labels, value: u64) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    gauges.get_or_create(&labels).set(value);
}

//! Whether clients should be sent to this server, and if not, why.

use super::Pages;
use super::seen::Seen;
use crate::metrics::Change;
use crate::runtime::{DiskHealth, LookError};

/// Every reason why not; none when the server is ready.
pub(super) fn reasons(pages: &Pages, seen: Result<&Seen, &LookError>) -> Vec<String> {
    let mut reasons = Vec::new();
    match seen {
        Err(error) => reasons.push(error.to_string()),
        Ok(seen) => reasons.extend(outside(pages, seen)),
    }
    if let DiskHealth::Failing { error, .. } = &*pages.disk.borrow() {
        reasons.push(format!("saving fails: {error}"));
    }
    if *pages.draining.borrow() {
        reasons.push("it is about to stop and sends its clients elsewhere".to_owned());
    }
    reasons
}

/// Why a server isn't in the tree. One that has lost its parent goes on serving and is repaired or becomes a root: only who
/// has never found its tree since it started is outside of it.
fn outside(pages: &Pages, seen: &Seen) -> Option<String> {
    let seeds = &pages.about.seeds;
    let has_a_neighbour = !seen.path.is_empty() || !seen.children.is_empty();
    // The actor forgets the parents that it had; what it has told of them is counted.
    let had_a_parent = pages.metrics.protocol.changes.of(Change::Joined).get() > 0;
    // The eldest of all that it knows has nobody to join; it must have tried, for they may know an elder one.
    let is_the_eldest = seen.tree.known.len() > 1 && !seen.tree.knows_an_elder() && seen.rounds > 0;
    if seeds.is_empty() || has_a_neighbour || had_a_parent || is_the_eldest {
        return None;
    }
    let seeds: Vec<&str> = seeds.iter().map(|seed| seed.as_str()).collect();
    Some(format!(
        "it is not in the tree: none of {} has taken it as a child since it started",
        seeds.join(", ")
    ))
}

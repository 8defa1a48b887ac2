//! The end: nobody speaks, nothing goes wrong any more, and all must come to rest.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::crowd::Ledger;
use super::outcome::Rest;
use crate::command::cluster::Cluster;
use crate::command::status;
use crate::http::status::Status;

/// How often it looks.
const GLANCE: Duration = Duration::from_millis(50);

/// Waits until everything is acknowledged and heard and the servers keep nothing, for so long at most without any progress.
pub(super) async fn settle(cluster: &Cluster, ledger: &Ledger, patience: Duration) -> Rest {
    let began = Instant::now();
    let (mut moved, mut since) = (0, Instant::now());
    while !ledger.is_settled() && since.elapsed() < patience {
        let now = ledger.heard() + ledger.acknowledged().iter().sum::<u64>();
        if now != moved {
            (moved, since) = (now, Instant::now());
        }
        sleep(GLANCE).await;
    }
    let settled = ledger.is_settled().then(|| began.elapsed().as_secs_f64());
    let began = Instant::now();
    loop {
        let (not_a_tree, kept) = match all(cluster).await {
            Ok(all) => {
                let kept = all.iter().map(|status| status.buffers.log_entries).max();
                (not_a_tree(&all), kept.unwrap_or(0))
            }
            Err(why) => (Some(why), 0),
        };
        if (not_a_tree.is_none() && kept == 0) || began.elapsed() > patience {
            return Rest {
                settled_s: settled,
                not_a_tree,
                kept,
            };
        }
        sleep(GLANCE).await;
    }
}

/// What all servers say of themselves.
async fn all(cluster: &Cluster) -> Result<Vec<Status>, String> {
    let mut all = Vec::new();
    for server in 0..cluster.places().len() {
        let name = format!("S{}", server + 1);
        let pages = cluster.pages(server);
        let pages = pages.ok_or_else(|| format!("{name} doesn't run"))?;
        let url = format!("{pages}/api/status");
        let asked = tokio::task::spawn_blocking(move || status::ask(&url));
        let text = asked.await.map_err(|error| error.to_string())?;
        let text = text.map_err(|error| format!("{name}: {error}"))?;
        let status: Result<Status, _> =
            serde_json::from_str::<Value>(&text).and_then(serde_json::from_value);
        all.push(status.map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(all)
}

/// Why these servers are not one tree under the eldest, where parents and children agree.
fn not_a_tree(all: &[Status]) -> Option<String> {
    let eldest = all
        .iter()
        .min_by_key(|status| (status.born, &status.name))?;
    for status in all {
        let (name, tree) = (&status.name, &status.tree);
        if tree.root != eldest.name {
            return Some(format!(
                "{name} is below {}, not {}",
                tree.root, eldest.name
            ));
        }
        let Some(parent) = &tree.parent else {
            if status.name == eldest.name {
                continue;
            }
            return Some(format!("{name} has no parent"));
        };
        let above = all.iter().find(|other| other.name == *parent);
        if !above.is_some_and(|above| above.tree.children.contains(name)) {
            return Some(format!("{parent} doesn't know its child {name}"));
        }
    }
    let children: usize = all.iter().map(|status| status.tree.children.len()).sum();
    (children + 1 != all.len()).then(|| format!("{children} children of {} servers", all.len()))
}

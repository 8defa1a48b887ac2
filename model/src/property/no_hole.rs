//! Property 8, for servers: what a sender says is taken in by every server in the sender's own order, without holes. So
//! whoever hears a server out, from wherever, hears no hole. Where clients are forgotten, what is left of one begins anywhere.

use std::collections::BTreeMap;

use crate::node::delivery::log::Log;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    view.logs()
        .all(|log| is_without_holes(log, view.clients_end))
}

fn is_without_holes(log: &Log, clients_end: bool) -> bool {
    let mut said = BTreeMap::new();
    let news = log.entries.values().filter(|entry| !entry.repeat);
    news.filter_map(|entry| entry.message.sender.as_ref())
        .all(|&(ref sender, k)| {
            let at_base = log.said_at_base.get(sender).copied();
            let unknown = if clients_end { k - 1 } else { 0 };
            let forgotten = at_base.unwrap_or(unknown);
            let before = said.entry(sender).or_insert(forgotten);
            let follows = k <= *before + 1;
            *before = k.max(*before);
            follows
        })
}

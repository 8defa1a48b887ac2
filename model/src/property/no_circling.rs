//! Property 15: no message goes round: a link never carries the same message the same way twice.

use std::collections::BTreeSet;

use crate::message::{Line, Peer};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut ends = view.links.iter().flat_map(|link| &link.ends);
    ends.all(|end| {
        let mut seen = BTreeSet::new();
        end.inbox.iter().all(|line| match &**line {
            Line::Peer(Peer::ActivityBroadcast(message)) => {
                seen.insert((&message.stream, message.number))
            }
            Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => true,
        })
    })
}

//! Property 9, for servers: a server that has a message, or has skipped it, knows that it was said. So it recognises it when its
//! sender offers it again, for as long as it knows the sender at all.

use crate::world::view::View;

use crate::node::delivery::vector;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    // Most servers know the same.
    let mut known = Vec::new();
    for said in view.logs().flat_map(|log| &log.said) {
        if !known.contains(&said) {
            known.push(said);
        }
    }
    view.clients_end
        || known.into_iter().all(|(sender, said)| {
            let Some((stream, number)) = &said.place else {
                return true;
            };
            view.logs()
                .all(|log| vector::at(&log.have, stream) < *number || log.said(sender) >= said.k)
        })
}

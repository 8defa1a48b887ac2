//! Property 9, for servers: a server that has a message, or has skipped it, knows that it was said. So it recognises it when its
//! sender offers it again, for as long as it knows the sender at all.

use crate::world::view::View;

use crate::node::delivery::vector;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut said = view.logs().flat_map(|log| &log.said);
    view.clients_end
        || said.all(|(sender, said)| {
            let Some((stream, number)) = &said.place else {
                return true;
            };
            view.logs()
                .all(|log| vector::at(&log.have, stream) < *number || log.said(sender) >= said.k)
        })
}

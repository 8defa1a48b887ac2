//! Property 16: a server that was given up is gone: every live server of the part knows, none reckons with it, and the process
//! that was given up has stopped. A later start of it is a new server.

use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    view.parts().iter().all(|part| {
        let gone = part.len() == 1 || part.iter().all(|index| !view.given_up.contains(index));
        let states = || part.iter().filter_map(|index| view.servers[*index]);
        let retired = || states().flat_map(|state| &state.durable.tree.retired);
        let known = states().all(|state| {
            let tree = &state.durable.tree;
            retired().all(|(server, start)| {
                let known = tree.known.get(server);
                known.is_none_or(|known| known.incarnation > *start)
            })
        });
        gone && known
    })
}

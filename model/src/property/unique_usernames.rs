//! Property 1, unique usernames: settled, every server of a part holds the same one record per name and claims to have the same
//! changes, and every client that is connected and believes in a name holds the winning one.

use crate::world::view::View;

/// Whether directories agree, and clients with them.
pub fn holds(view: &View<'_>) -> bool {
    view.parts().iter().all(|part| {
        let mut directories = part
            .iter()
            .filter_map(|server| view.servers[*server])
            .map(|state| &state.durable.registry)
            .map(|directory| (&directory.records, &directory.vector));
        let first = directories.next();
        directories.all(|directory| Some(directory) == first)
    }) && view.believers().all(|(server, wish)| {
        let record = server.durable.registry.records.get(&wish.username);
        record.is_some_and(|record| record.secret == wish.secret)
    })
}

//! Property 10, for servers: a number of a stream is given once. Whatever two servers have under one number, remembered or on
//! disk, is the same message.

use std::collections::BTreeMap;

use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut numbered = BTreeMap::new();
    let mut entries = view.logs().flat_map(|log| log.entries.values());
    entries.all(|entry| {
        let message = &entry.message;
        let place = (&message.stream, message.number);
        *numbered.entry(place).or_insert(message) == message
    })
}

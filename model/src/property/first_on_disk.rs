//! Property 7: what others were told of a server by itself, its floor and its changes of sessions, is on its disk: a crash can't take it
//! back. But for a disk that is lost.

use crate::message::client::Vector;
use crate::message::{Incarnation, ServerName, Stream};
use crate::node::delivery::vector;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    view.loses_disks
        || view.disks.iter().flatten().all(|disk| {
            let own = &disk.tree.id.name;
            let mut others = view.live().filter(|(_, state)| state.id().name != *own);
            others.all(|(_, other)| {
                let told = &other.durable.delivery;
                let mut changes = of_server(&told.book.vector, own);
                let are_kept = changes.all(|(stream, number)| {
                    vector::at(&disk.delivery.book.vector, stream) >= *number
                });
                let floor =
                    |floors: &imbl::OrdMap<_, _>| floors.get(own).cloned().unwrap_or_default();
                are_kept && vector::covers(&floor(&disk.delivery.floors), &floor(&told.floors))
            })
        })
}

/// The streams that begin at one server.
fn of_server<'a>(
    vector: &'a Vector,
    server: &'a ServerName,
) -> impl Iterator<Item = (&'a Stream, &'a u64)> {
    let first = Stream {
        server: server.clone(),
        incarnation: Incarnation {
            number: 0,
            nonce: 0,
        },
    };
    let from = vector.range(first..);
    from.take_while(move |(stream, _)| stream.server == *server)
}

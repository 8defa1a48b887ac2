//! Property 7, durable success: a REGISTER_SUCCESS survives a crash at any point. What its server would find on its
//! disk is the record, or an elder one that has replaced it.

use crate::world::guest::Stage;
use crate::world::view::View;

/// Whether each success that was heard is on the disk of the server that said it. An empty disk was lost.
pub fn holds(view: &View<'_>) -> bool {
    view.guests.iter().all(|(wish, guest)| {
        let heard = matches!(guest.stage, Stage::Holding | Stage::Lost);
        let disk = view.disks[wish.at];
        !heard || disk.is_none_or(|disk| disk.registry.records.contains_key(&wish.username))
    })
}

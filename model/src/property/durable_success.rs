//! Property 7, durable success: a REGISTER_SUCCESS survives a crash at any point. What its server would find on its
//! disk is the record, or an elder one that has replaced it. What else is in a directory is there, too, or a save of it is on its way.

use crate::world::guest::Stage;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    is_kept(view) && is_saved(view)
}

/// Whether each success that was heard is on the disk of the server that said it. An empty disk was lost.
fn is_kept(view: &View<'_>) -> bool {
    view.guests.iter().all(|(wish, guest)| {
        let heard = matches!(guest.stage, Stage::Holding | Stage::Lost);
        let disk = view.disks[wish.at];
        !heard || disk.is_none_or(|disk| disk.registry.records.contains_key(&wish.username))
    })
}

/// Whether every directory is as it was last saved.
fn is_saved(view: &View<'_>) -> bool {
    let mut servers = view.servers.iter().zip(&view.disks);
    servers.all(|(server, disk)| {
        let Some(server) = server else { return true };
        let mut processes = view.processes.iter();
        let process = processes.find(|process| std::ptr::eq(&*process.state, *server));
        let newest = process.and_then(|process| process.unsynced.last());
        let mut saves = newest.map(|save| &**save).into_iter().chain(*disk);
        disk.is_none() || saves.any(|save| save.registry == server.durable.registry)
    })
}

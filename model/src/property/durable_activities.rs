//! Property 7: what a client was told is safe survives a crash at any point: some server that runs, or would start again
//! with its disk, has it.

use crate::client::Kind;
use crate::message::ClientId;
use crate::message::client::Vector;
use crate::message::server::Sender;
use crate::node::Timer;
use crate::node::delivery::log::Log;
use crate::node::delivery::vector;
use crate::world::hearing::Fault;
use crate::world::user::{Seat, User};
use crate::world::view::View;

/// Whether it holds, where no client is forgotten: else nobody may know any more how far one was.
pub fn holds(view: &View<'_>) -> bool {
    let logs: Vec<&Log> = view.logs().collect();
    view.users.iter().all(|(user, seat)| {
        let safe = user.says_as(seat.hearing.safe);
        let has = |log: &&Log| {
            safe.as_ref()
                .is_none_or(|(sender, k)| log.said(sender) >= *k)
        };
        user.client.kind == Kind::Legacy || safe.is_none() || logs.iter().any(has)
    })
}

/// Whether every server has what another one has forgotten, and what a client of ours has let go of because it was told that everyone has
/// it: where no client is forgotten, and nobody is left behind.
pub fn let_go(view: &View<'_>) -> bool {
    // Of who is down what it would start again with.
    let servers = view.servers.iter().zip(&view.disks);
    let durable = servers.filter_map(|(server, disk)| server.map(|it| &it.durable).or(*disk));
    let logs: Vec<&Log> = durable.map(|it| &it.delivery.log).collect();
    let have_all = |base: &Vector| logs.iter().all(|log| vector::covers(&log.have, base));
    let know = |sender: &Sender, k: u64| logs.iter().all(|log| log.said(sender) >= k);
    let is_excused = view.clients_end || view.patience_ends || view.logs_end || view.strangers;
    is_excused
        || view.gave_up
        || (logs.iter().all(|log| have_all(&log.base))
            && view.users.iter().all(|(user, seat)| {
                let stable = stable(user, seat);
                stable.is_none_or(|(sender, k)| know(&sender, k))
            }))
}

/// Whether no client of ours has forgotten what its user said, and not told it of how much; and whether each has told what is safe.
pub fn kept(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(_, seat)| {
        let faults = &seat.hearing.faults;
        !faults.contains(&Fault::Forgotten) && !faults.contains(&Fault::Untold)
    })
}

/// What the client of a user is called, if it runs and numbers what it says, and up to where it has let go of that.
fn stable(user: &User, seat: &Seat) -> Option<(Sender, u64)> {
    let process = seat.process.as_ref()?;
    let config = user.starts().nth(process.start)?;
    let memory = &process.state.memory;
    let username = memory.user.clone()?;
    let client = memory.client(&config.client);
    (config.kind == Kind::Ours).then_some((Sender { username, client }, memory.stable))
}

/// Whether what is in a server's log is on its disk, or will be without anyone's doing: a save is on its way there, or a timer runs
/// that saves.
pub fn log(view: &View<'_>) -> bool {
    let servers = view.servers.iter().zip(&view.disks);
    let mut servers = servers.filter_map(|(server, disk)| server.zip(*disk));
    servers.all(|(server, disk)| {
        let mut processes = view.processes.iter();
        let process = processes.find(|process| std::ptr::eq(&*process.state, server));
        process.is_none_or(|process| {
            let newest = process.unsynced.last().map(|save| &**save);
            let mut saves = newest.into_iter().chain([disk]);
            let have = &server.durable.delivery.log.have;
            process.timers.contains(&Timer::Floor)
                || saves.any(|save| vector::covers(&save.delivery.log.have, have))
        })
    })
}

/// Whether everyone who was told LOGIN_SUCCESS, `anonymous` apart, has a session on some server that runs, or would start again with its disk.
pub fn sessions(view: &View<'_>) -> bool {
    let remembered = view.live().map(|(_, state)| &state.durable.delivery.book);
    let found = view.disks.iter().flatten().map(|disk| &disk.delivery.book);
    let known: Vec<_> = remembered
        .chain(found)
        .flat_map(|book| book.sessions.values())
        .collect();
    let mut users = view.users.iter().filter(|(_, seat)| seat.logged_in);
    users.all(|(user, _)| {
        user.client.kind == Kind::Legacy || user.logins().next().is_none() || {
            let same = view.users.iter().map(|(other, _)| other);
            let same = same.filter(|other| other.name() == user.name());
            let voices: Vec<ClientId> = same
                .flat_map(|other| (0..=other.wishes.len()).map(|wished| other.voice(wished).client))
                .collect();
            let mut clients = known.iter().filter_map(|session| session.client.as_ref());
            clients.any(|client| voices.contains(client))
        }
    })
}

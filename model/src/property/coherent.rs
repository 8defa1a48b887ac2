//! Property 24: what a server or a client remembers agrees with itself. Its counters are what they count, its indexes find what is there,
//! and its parts agree about who is at the other end of each link.

use crate::client;
use crate::node::{State, coherence};
use crate::world::user::{Seat, User};
use crate::world::view::View;

/// Whether no server contradicts itself.
pub fn servers(view: &View<'_>) -> bool {
    let mut states = view.processes.iter().map(|process| &process.state);
    states.all(|state| state.judge(|state| coherence::check_among_sound(state).is_ok()))
}

/// Whether each timer that runs is for something, and what takes time has its timer.
pub fn timers(view: &View<'_>) -> bool {
    let mut processes = view.processes.iter();
    processes.all(|process| coherence::agrees_with_timers(&process.state, &process.timers))
}

/// Whether no client does.
pub fn clients(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(user, seat)| seat.judge(|seat| contradiction(user, seat).is_none()))
}

fn contradiction(user: &User, seat: &Seat) -> Option<client::coherence::Incoherence> {
    let process = seat.process.as_ref()?;
    let config = user.starts().nth(process.start)?;
    client::coherence::check(&process.state, config, &process.timers).err()
}

/// What these servers contradict themselves in, one line each.
pub fn contradictions<'a>(states: impl IntoIterator<Item = &'a State>) -> String {
    let told = states.into_iter().filter_map(|state| {
        let incoherence = coherence::check_among_sound(state).err()?;
        Some(format!("\n{}: {incoherence}.", state.id().name))
    });
    told.collect()
}

//! Property 24: what a server remembers agrees with itself. Its counters are what they count, its indexes find what is there, and
//! its parts agree about who is at the other end of each link.

use crate::node::{State, coherence};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut states = view.processes.iter().map(|process| &process.state);
    states.all(|state| state.judge(|state| coherence::check_among_sound(state).is_ok()))
}

/// What these servers contradict themselves in, one line each.
pub fn contradictions<'a>(states: impl IntoIterator<Item = &'a State>) -> String {
    let told = states.into_iter().filter_map(|state| {
        let incoherence = coherence::check_among_sound(state).err()?;
        Some(format!("\n{}: {incoherence}.", state.id().name))
    });
    told.collect()
}

//! Property 24: what a server remembers agrees with itself. Its counters are what they count, its indexes find what is there, and
//! its parts agree about who is at the other end of each link.

use crate::node::coherence;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut states = view.processes.iter().map(|process| &process.state);
    states.all(|state| state.judge(|state| coherence::check(state).is_ok()))
}

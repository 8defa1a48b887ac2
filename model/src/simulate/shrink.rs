//! A long way to something bad is made short: steps are left out, first many at once, then fewer, as long as what is left
//! still ends badly.

use stateright::Model;

use crate::world::{Action, State, World};

/// Goes a way as far as it can be gone: what isn't possible any more, or changes nothing, is left out.
pub fn go(world: &World, actions: &[Action]) -> (Vec<Action>, State) {
    let mut state = world.init_states().remove(0);
    let mut taken = Vec::with_capacity(actions.len());
    let mut possible = Vec::new();
    for action in actions {
        possible.clear();
        world.actions(&state, &mut possible);
        if !possible.contains(action) {
            continue;
        }
        if let Some(next) = world.next_state(&state, action.clone()) {
            state = next;
            taken.push(action.clone());
        }
    }
    (taken, state)
}

/// Leaves out as much of a way as it can in so many attempts, so that its end is still bad.
pub fn shrink(
    world: &World,
    actions: Vec<Action>,
    attempts: usize,
    mut is_bad: impl FnMut(&[Action], &State) -> bool,
) -> Vec<Action> {
    let mut shortest = actions;
    let mut left = attempts;
    let mut chunk = shortest.len() / 2;
    while chunk > 0 && left > 0 {
        let before = shortest.len();
        // From the end: what comes last depends on what was before it, and so goes more easily.
        let mut end = shortest.len();
        while end > 0 && left > 0 {
            let begin = end.saturating_sub(chunk);
            let rest: Vec<Action> = shortest[..begin]
                .iter()
                .chain(&shortest[end..])
                .cloned()
                .collect();
            left -= 1;
            let (taken, state) = go(world, &rest);
            if taken.len() < shortest.len() && is_bad(&taken, &state) {
                shortest = taken;
            }
            end = begin.min(shortest.len());
        }
        // As long as single steps go, others may go after them.
        if chunk > 1 || shortest.len() == before {
            chunk /= 2;
        }
    }
    shortest
}

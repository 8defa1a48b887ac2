//! Stories of small worlds, as a person reads them.

use super::*;
use crate::check::replay;
use crate::scenario::{self, Scenario};
use crate::verdict::Case;
use stateright::Model;

/// Compares with `snapshots/NAME.snap` at the top of the repository.
pub(crate) fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn world(name: &str) -> World {
    let scenario: &Scenario = scenario::named(name).unwrap();
    Case::sound(scenario).world()
}

/// Walks by taking, at each step, the first action that does anything.
pub(crate) fn first_steps(world: &World, most: usize) -> Walk<World> {
    let mut indexes = vec![0];
    let mut state = world.init_states().remove(0);
    while indexes.len() <= most {
        let mut actions = Vec::new();
        world.actions(&state, &mut actions);
        let next = (0..).zip(actions).find_map(|(index, action)| {
            let next = world.next_state(&state, action)?;
            Some((index, next))
        });
        let Some((index, next)) = next else { break };
        indexes.push(index);
        state = next;
    }
    replay(world, &indexes).unwrap()
}

/// Walks by taking, at each step, the first action whose telling contains a text.
fn walk(world: &World, telling: &[&str]) -> Walk<World> {
    let mut indexes = vec![0];
    let mut state = world.init_states().remove(0);
    for text in telling {
        let mut actions = Vec::new();
        world.actions(&state, &mut actions);
        let told = |action: &Action| what(world, &state, action);
        let index = actions
            .iter()
            .position(|action| told(action).contains(text));
        let index = index.unwrap_or_else(|| {
            panic!(
                "{text}: {:#?}",
                actions.iter().map(told).collect::<Vec<_>>()
            )
        });
        indexes.push(index);
        state = world.next_state(&state, actions[index].clone()).unwrap();
    }
    replay(world, &indexes).unwrap()
}

#[test]
fn a_cut_is_told_with_its_reasons_and_what_it_changes() {
    let world = world("cut-three");
    let walk = walk(&world, &["cut", "s1 notices", "s2 notices", "heal"]);
    assert_snapshot("story_cut", &text(&story(&world, &walk), Detail::Changes));
}

#[test]
fn a_crash_is_told_by_those_who_notice_it() {
    let world = world("root-crash-line");
    let walk = walk(&world, &["s1 crashes", "s2 notices", "s2's Retry"]);
    assert_snapshot("story_crash", &text(&story(&world, &walk), Detail::Steps));
}

#[test]
fn every_step_says_something() {
    for scenario in scenario::all() {
        let world = Case::sound(scenario).world();
        for step in story(&world, &first_steps(&world, 30)) {
            assert!(!step.what.is_empty());
        }
    }
}

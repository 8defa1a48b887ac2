//! A run that fails is made short, and kept as a counterexample.

use super::plan::Plan;
use super::run::{Chance, Course, Failing, Purpose};
use super::shrink::{go, shrink};
use super::walk::Walker;
use crate::check::ReplayError;
use crate::counterexample::{Counterexample, Ending};
use crate::mutant::Mutant;
use crate::world::{Action, World};

/// Ways that are tried at most in order to make one short.
const ATTEMPTS: usize = 2_000;
/// The same, where each attempt goes on until it should have converged.
const LONG_ATTEMPTS: usize = 400;
/// Steps that an attempt may take to converge: few, for the world is as small as its way by then.
const TAIL_MAX: usize = 1_500;

impl Plan {
    /// Makes a run that fails short.
    ///
    /// # Errors
    /// [`ReplayError`] if the run isn't one of this plan.
    pub fn shorten(
        &self,
        world: &World,
        course: &Course,
        failing: &Failing,
        mutant: Option<&Mutant>,
        chance: &dyn Chance,
    ) -> Result<Counterexample, ReplayError> {
        let taken = course.taken.clone();
        let (short, ending) = match failing.ending.clone() {
            Ending::Unsafe => {
                let is_same = |state: &_| Walker::at(world, state).breaks(&failing.law);
                let short = shrink(world, taken, ATTEMPTS, |_, state| is_same(state));
                (short, Ending::Unsafe)
            }
            Ending::Left => (self.shorten_left(world, taken, failing), Ending::Left),
            Ending::Open { .. } | Ending::Stuck { .. } => {
                self.shorten_open(world, taken, failing, chance)
            }
            // Nothing that a run fails in, and nothing to make short.
            ending @ (Ending::Held | Ending::AtRest) => (taken, ending),
        };
        Counterexample::of_run(self, mutant, &failing.law, ending, world, &short)
    }

    /// The last step stays, and so does that all had converged before it.
    fn shorten_left(&self, world: &World, taken: Vec<Action>, failing: &Failing) -> Vec<Action> {
        let last = taken.last().cloned();
        shrink(world, taken, ATTEMPTS, |taken, state| {
            let Some((now, before)) = taken.split_last() else {
                return false;
            };
            Some(now) == last.as_ref()
                && Walker::at(world, state).open_laws() == failing.law
                && Walker::at(world, &go(world, before).1).has_converged()
        })
    }

    /// What went wrong is made short; then all is mended, and it still doesn't converge.
    fn shorten_open(
        &self,
        world: &World,
        mut taken: Vec<Action>,
        failing: &Failing,
        chance: &dyn Chance,
    ) -> (Vec<Action>, Ending) {
        let whole = taken.clone();
        let steps = |way: &[Action]| Ending::Open {
            steps: way.len() - failing.chaos.min(way.len()),
        };
        taken.truncate(failing.chaos);
        if !self.stays_open(world, &taken, &failing.law, chance).1 {
            return (whole.clone(), steps(&whole));
        }
        let short = shrink(world, taken, LONG_ATTEMPTS, |way, _| {
            self.stays_open(world, way, &failing.law, chance).1
        });
        let chaos = short.len();
        let (way, _) = self.stays_open(world, &short, &failing.law, chance);
        let steps = way.len() - chaos;
        (way, Ending::Open { steps })
    }

    /// Goes this way, mends everything, and looks whether these laws then stay open.
    fn stays_open(
        &self,
        world: &World,
        way: &[Action],
        law: &str,
        chance: &dyn Chance,
    ) -> (Vec<Action>, bool) {
        let mut walker = Walker::new(world);
        for action in way {
            walker.take(action.clone());
        }
        walker.mend();
        let mut dice = chance.dice(self.seed, Purpose::Settle);
        for step in 0..TAIL_MAX {
            if step % 8 == 0 && walker.has_converged() {
                return (walker.taken, false);
            }
            let Some(action) = walker.choose(&self.calm(), &mut dice) else {
                break;
            };
            walker.take(action);
        }
        let is_same = walker.open_laws() == law;
        (walker.taken, is_same)
    }
}

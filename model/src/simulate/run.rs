//! A run from its plan to its end.

use super::dice::Dice;
use super::plan::Plan;
use super::tally::{self, Tally};
use super::walk::Walker;
use crate::counterexample::Ending;
use crate::mutant::Mutant;
use crate::world::seen::Seen;
use crate::world::{Action, World};

/// Gives dice for a purpose: the same for the same one, so that a run is the same whenever it is gone.
pub trait Chance {
    /// Dice for a seed and a purpose.
    fn dice(&self, seed: u64, purpose: Purpose) -> Dice;
}

/// What dice are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Drawing the plan.
    Plan,
    /// What happens while things go wrong.
    Chaos,
    /// What happens once all is mended.
    Settle,
}

/// Steps after which all must have converged, for each server, and for any number of them: about ten times what it takes.
const SETTLE_MAX: [usize; 2] = [2_000, 4_000];
/// Steps for which it is then watched whether it stays so.
const REST: usize = 64;
/// How often it is looked whether all has converged.
const LOOKS_EVERY: usize = 8;
/// With up to so many servers every state is judged, with more every few.
const ALL_JUDGED_MAX: usize = 8;

/// How a run went.
#[derive(Debug)]
pub struct Course {
    /// What was wrong at its end, if anything was.
    pub failing: Option<Failing>,
    /// The steps taken.
    pub taken: Vec<Action>,
    /// A number for all steps: equal for equal runs, on every machine.
    pub digest: u64,
    /// What was counted on the way.
    pub tally: Tally,
    /// How often somebody heard what somebody said.
    pub heard: u64,
    /// How it converged, if it did.
    pub repair: Option<Repair>,
    /// What occurred.
    pub seen: Seen,
}

/// What a run failed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The laws.
    pub law: String,
    /// How.
    pub ending: Ending,
    /// Steps taken before everything was mended; all, if that never came.
    pub chaos: usize,
}

/// How a run converged once everything was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Messages that servers lacked of what others had, in all.
    pub missing: u64,
    /// Steps until all had converged.
    pub steps: u64,
    /// Lines from server to server among them.
    pub lines: u64,
}

impl Plan {
    /// The world of the plan, for one way through it.
    pub fn world(&self, mutant: Option<&Mutant>) -> World {
        let mut setup = self.setup();
        if let Some(mutant) = mutant {
            (mutant.alter)(&mut setup);
        }
        World::of_one_run(setup)
    }

    /// Goes the whole way.
    pub fn run(&self, world: &World, chance: &dyn Chance) -> Course {
        let mut walker = Walker::new(world);
        let mut repair = None;
        let failing = self
            .chaos(&mut walker, &mut chance.dice(self.seed, Purpose::Chaos))
            .or_else(|| {
                let chaos = walker.taken.len();
                walker.mend();
                let mut dice = chance.dice(self.seed, Purpose::Settle);
                match self.settle(&mut walker, chaos, &mut dice) {
                    Ok(settled) => {
                        repair = Some(settled);
                        self.rest(&mut walker, chaos, &mut dice)
                    }
                    Err(failing) => Some(failing),
                }
            });
        Course {
            failing,
            digest: walker.digest(),
            heard: walker.heard(),
            taken: walker.taken,
            tally: walker.tally,
            repair,
            seen: walker.seen,
        }
    }

    /// Things go wrong.
    fn chaos(&self, walker: &mut Walker<'_>, dice: &mut Dice) -> Option<Failing> {
        for step in 1..=self.chaos {
            let Some(action) = walker.choose(&self.pace, dice) else {
                break;
            };
            walker.take(action);
            if step.is_multiple_of(self.judged_every())
                && let Some(failing) = is_unsafe(walker, walker.taken.len())
            {
                return Some(failing);
            }
        }
        is_unsafe(walker, walker.taken.len())
    }

    /// The protocol goes on alone, until all has converged.
    fn settle(
        &self,
        walker: &mut Walker<'_>,
        chaos: usize,
        dice: &mut Dice,
    ) -> Result<Repair, Failing> {
        let [each, any] = SETTLE_MAX;
        let most = each * self.parents.len() + any;
        let missing = tally::missing(&walker.state);
        let (begun, lines) = (walker.taken.len(), walker.tally.lines);
        for step in 0..most {
            if step.is_multiple_of(self.judged_every())
                && let Some(failing) = is_unsafe(walker, chaos)
            {
                return Err(failing);
            }
            if step.is_multiple_of(LOOKS_EVERY) && walker.has_converged() {
                break;
            }
            let Some(action) = walker.choose(&self.calm(), dice) else {
                break;
            };
            walker.take(action);
        }
        let steps = walker.taken.len() - begun;
        match walker.has_converged() {
            true => Ok(Repair {
                missing,
                steps: steps as u64,
                lines: walker.tally.lines - lines,
            }),
            false => Err(is_open(walker, chaos, Ending::Open { steps })),
        }
    }

    /// What has converged stays so.
    fn rest(&self, walker: &mut Walker<'_>, chaos: usize, dice: &mut Dice) -> Option<Failing> {
        for _ in 0..REST {
            let action = walker.choose(&self.calm(), dice)?;
            walker.take(action);
            if let Some(failing) = is_unsafe(walker, chaos) {
                return Some(failing);
            }
            if !walker.has_converged() {
                return Some(is_open(walker, chaos, Ending::Left));
            }
        }
        None
    }

    fn judged_every(&self) -> usize {
        match self.parents.len() {
            ..=ALL_JUDGED_MAX => 1,
            servers => servers / 4,
        }
    }
}

fn is_unsafe(walker: &Walker<'_>, chaos: usize) -> Option<Failing> {
    walker.broken().map(|law| Failing {
        law: law.name.to_owned(),
        ending: Ending::Unsafe,
        chaos,
    })
}

fn is_open(walker: &Walker<'_>, chaos: usize, ending: Ending) -> Failing {
    Failing {
        law: walker.open_laws(),
        ending,
        chaos,
    }
}

//! A counterexample that is kept: what was checked, which law broke, and the way there as action indexes, which
//! `regrow check --replay` and the Explorer read.

use serde::{Deserialize, Serialize};
use stateright::Model;
use thiserror::Error;

use crate::check::{Path, ReplayError, Violation, Walk, replay};
use crate::diagram::Diagram;
use crate::incident::{Incident, Played};
use crate::mutant::Mutant;
use crate::narrate::{self, Detail, Step};
use crate::property::Kind;
use crate::property::coherent::contradictions;
use crate::simulate::plan::Plan;
use crate::verdict::Case;
use crate::world::view::View;
use crate::world::{Action, State, World};
use crate::{mutant, scenario};

/// The version of the format that is written here, and the only one that is read.
pub const FORMAT: u32 = 1;

/// A counterexample, as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterexample {
    /// The version of this format.
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The mutant's name, if a rule was broken.
    pub mutant: Option<String>,
    /// The world, if it isn't a scenario's but was drawn for a simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What happened, if it is no world's: servers that really ran were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// The law that doesn't hold, or the laws.
    pub law: String,
    /// How it ends.
    pub ending: Ending,
    /// The index of the initial state, then that of each action. Of an incident there is one way, and no choice.
    pub indexes: Vec<usize>,
    /// What happens at each step: if a later version of the protocol takes other steps, they differ.
    pub steps: Vec<String>,
}

/// In which way a law is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The last state is one that must never be.
    Unsafe,
    /// The last step, the protocol's own, leaves the converged states.
    Left,
    /// The protocol can't converge any more.
    Stuck {
        /// Steps after which it can't.
        lost_after: usize,
        /// States that it then moves among for ever, once it has reached the path's last one; 1 is a dead end.
        states: usize,
    },
    /// Everything was mended, and so many steps later it still hasn't converged: what a simulation can see.
    Open {
        /// How many.
        steps: usize,
    },
    /// All had come to rest, and it hasn't converged: what recordings can show that were said to end so.
    AtRest,
    /// No law is broken: it is a run that was kept to be played elsewhere.
    Held,
}

/// Why a kept counterexample can't be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Stale {
    /// Look for it anew with `regrow check`.
    #[error("it is in format {0}, this program reads format {FORMAT}")]
    Format(u32),
    /// Look in `regrow check --list`: it may have another name now.
    #[error("there is no scenario {0}")]
    NoScenario(String),
    /// Look in `regrow check --list`: it may have another name now.
    #[error("there is no mutant {0}")]
    NoMutant(String),
    /// `regrow check --replay` and `regrow explore --at` show it.
    #[error("it was recorded from servers that really ran, and is in no world of the checker's")]
    Recorded,
    /// The protocol has changed: look for it anew.
    #[error("the protocol has changed since: {0}")]
    Path(#[from] ReplayError),
    /// The protocol has changed: look for it anew.
    #[error("the protocol has changed since: at step {step} there was \"{was}\", now \"{is}\"")]
    Step {
        /// Counted from 1.
        step: usize,
        /// What the file says.
        was: String,
        /// What happens now.
        is: String,
    },
    /// The protocol has changed for the worse.
    #[error("the protocol has changed since: \"{0}\" doesn't hold at its end")]
    Broken(&'static str),
    /// The protocol has changed for the better.
    #[error("the protocol has changed since: \"{0}\" is not broken there any more")]
    Mended(String),
}

/// A counterexample, walked again.
pub struct Replayed {
    /// What was checked, and what happens in it.
    pub title: String,
    /// The rule that is broken, if one is.
    pub mutant: Option<&'static Mutant>,
    /// Its world.
    pub world: World,
    /// The states.
    pub walk: Walk<World>,
    /// The steps between them.
    pub story: Vec<Step>,
}

/// What stands in the place of the law that is broken, in a run that breaks none.
const NONE: &str = "every law";
/// What stands in the place of the scenario, in an incident.
const RECORDED: &str = "recorded";

impl Counterexample {
    /// Keeps a run of a simulation in which every law has held.
    ///
    /// # Errors
    /// [`ReplayError`] if these actions can't be taken in it.
    pub fn of_whole_run(
        plan: &Plan,
        mutant: Option<&Mutant>,
        world: &World,
        actions: &[Action],
    ) -> Result<Self, ReplayError> {
        Self::of_run(plan, mutant, NONE, Ending::Held, world, actions)
    }

    /// Keeps what recordings tell, and a law that doesn't hold at their end, if all had come to rest then or not.
    pub fn of_incident(incident: Incident, is_settled: bool) -> Self {
        let played = Played::new(incident.clone());
        let properties = played.properties(played.len(), is_settled);
        let broken = properties.iter().find(|(_, holds)| !holds);
        let ending = broken.map_or(Ending::Held, |(property, _)| match property.kind {
            Kind::Safety => Ending::Unsafe,
            Kind::Convergence => Ending::AtRest,
        });
        Self {
            format: FORMAT,
            scenario: RECORDED.to_owned(),
            mutant: None,
            plan: None,
            law: broken
                .map_or(NONE, |(property, _)| property.name)
                .to_owned(),
            ending,
            indexes: vec![0; played.len() + 1],
            steps: told(played.story()),
            incident: Some(incident),
        }
    }

    /// What recordings told, played again; `None` if it is a world's.
    ///
    /// # Errors
    /// [`Stale`] if other things happen on the way now.
    pub fn relive(&self) -> Result<Option<Played>, Stale> {
        if self.format != FORMAT {
            return Err(Stale::Format(self.format));
        }
        let Some(incident) = &self.incident else {
            return Ok(None);
        };
        let played = Played::new(incident.clone());
        same(&self.steps, &told(played.story()))?;
        let properties = played.properties(played.len(), self.ending == Ending::AtRest);
        let mut broken = properties.iter().filter(|(_, holds)| !holds);
        match (broken.next(), self.ending == Ending::Held) {
            (Some((property, _)), true) => Err(Stale::Broken(property.name)),
            (None, false) => Err(Stale::Mended(self.law.clone())),
            (Some(_), false) | (None, true) => Ok(Some(played)),
        }
    }

    /// Keeps what a check has found in a case.
    ///
    /// # Errors
    /// [`ReplayError`] if the violation is not of this case.
    pub fn of(case: &Case, violation: &Violation<Action>) -> Result<Self, ReplayError> {
        let ending = match violation {
            Violation::Unsafe { .. } => Ending::Unsafe,
            Violation::Left { .. } => Ending::Left,
            Violation::Stuck {
                lost_after, trap, ..
            } => Ending::Stuck {
                lost_after: *lost_after,
                states: trap.states,
            },
        };
        let world = case.world();
        let walk = replay(&world, &violation.path().indexes)?;
        let story = narrate::story(&world, &walk);
        Ok(Self {
            format: FORMAT,
            scenario: case.scenario.name.to_owned(),
            mutant: case.mutant.map(|mutant| mutant.name.to_owned()),
            plan: None,
            incident: None,
            law: violation.law(),
            ending,
            indexes: violation.path().indexes.clone(),
            steps: story.into_iter().map(|step| step.what).collect(),
        })
    }

    /// Keeps what a simulation has found in a world that was drawn.
    ///
    /// # Errors
    /// [`ReplayError`] if these actions can't be taken in it.
    pub fn of_run(
        plan: &Plan,
        mutant: Option<&Mutant>,
        law: &str,
        ending: Ending,
        world: &World,
        actions: &[Action],
    ) -> Result<Self, ReplayError> {
        let (mut indexes, mut steps) = (vec![0], Vec::new());
        let mut state = world.init_states().remove(0);
        for (step, action) in (1..).zip(actions) {
            let mut possible = Vec::new();
            world.actions(&state, &mut possible);
            let index = possible.iter().position(|other| other == action);
            let index = index.ok_or(ReplayError::NoAction {
                step,
                index: possible.len(),
                available: possible.len(),
            })?;
            steps.push(narrate::what(world, &state, action));
            state = world
                .next_state(&state, action.clone())
                .ok_or(ReplayError::NoEffect { step, index })?;
            indexes.push(index);
        }
        Ok(Self {
            format: FORMAT,
            scenario: format!("seed-{}", plan.seed),
            mutant: mutant.map(|mutant| mutant.name.to_owned()),
            plan: Some(plan.clone()),
            incident: None,
            law: law.to_owned(),
            ending,
            indexes,
            steps,
        })
    }

    /// What was checked: its title, and its world with this rule broken, or none.
    ///
    /// # Errors
    /// [`Stale`] if there is no such scenario any more.
    pub fn world(&self, mutant: Option<&'static Mutant>) -> Result<(String, World), Stale> {
        if self.incident.is_some() {
            return Err(Stale::Recorded);
        }
        if let Some(plan) = &self.plan {
            let (servers, people) = (plan.parents.len(), plan.people.len());
            let title = format!(
                "{}: {servers} servers and {people} clients, drawn by that seed",
                self.scenario
            );
            return Ok((title, plan.world(mutant)));
        }
        let scenario = scenario::named(&self.scenario)
            .ok_or_else(|| Stale::NoScenario(self.scenario.clone()))?;
        let case = Case { scenario, mutant };
        let title = format!("{}: {}", scenario.name, scenario.says);
        Ok((title, case.world()))
    }

    /// The rule that is broken in it, if one is.
    ///
    /// # Errors
    /// [`Stale`] if there is no such mutant any more.
    pub fn mutant(&self) -> Result<Option<&'static Mutant>, Stale> {
        let named =
            |name: &String| mutant::named(name).ok_or_else(|| Stale::NoMutant(name.clone()));
        self.mutant.as_ref().map(named).transpose()
    }

    /// Walks it again.
    ///
    /// # Errors
    /// [`Stale`] if it can't be, or if other things happen on the way now.
    pub fn replay(&self) -> Result<Replayed, Stale> {
        if self.format != FORMAT {
            return Err(Stale::Format(self.format));
        }
        let mutant = self.mutant()?;
        let (title, world) = self.world(mutant)?;
        let walk = replay(&world, &self.indexes)?;
        let story = narrate::story(&world, &walk);
        let is: Vec<String> = story.iter().map(|step| step.what.clone()).collect();
        same(&self.steps, &is)?;
        if let Some((_, last)) = walk.last() {
            self.ends_as_kept(&world, last)?;
        }
        Ok(Replayed {
            title,
            mutant,
            world,
            walk,
            story,
        })
    }

    /// Whether a state that it ends in is as bad as it says, or as good, as far as one state shows it.
    fn ends_as_kept(&self, world: &World, state: &State) -> Result<(), Stale> {
        let view = View::new(world, state);
        let mut broken = world
            .properties_on()
            .filter(|property| match self.ending {
                Ending::Unsafe => property.name == self.law,
                Ending::Left | Ending::Stuck { .. } | Ending::Open { .. } | Ending::AtRest => {
                    property.kind == Kind::Convergence
                }
                Ending::Held => true,
            })
            .filter(|property| !(property.holds)(&view));
        match (broken.next(), self.ending == Ending::Held) {
            (Some(property), true) => Err(Stale::Broken(property.name)),
            (None, false) => Err(Stale::Mended(self.law.clone())),
            (Some(_), false) | (None, true) => Ok(()),
        }
    }

    /// All of it for a person: the steps, how it ends, the sequence diagram.
    pub fn transcript(&self, replayed: &Replayed, detail: Detail) -> String {
        let mut text = format!("{}\n", replayed.title);
        if let Some(mutant) = replayed.mutant {
            text.push_str(&format!(
                "with the mutant {}: {}\n",
                mutant.name, mutant.says
            ));
        }
        let beginning = narrate::beginning(&replayed.walk[0].1);
        let steps = narrate::text(&replayed.story, detail);
        let diagram = Diagram::of(&replayed.world, &replayed.walk).text();
        let verdict = self.verdict();
        let last = replayed.walk.last().map(|(_, state)| state);
        let machines = last.into_iter().flat_map(|state| &state.servers);
        let processes = machines.filter_map(|machine| machine.process.as_ref());
        let contradictions = contradictions(processes.map(|process| &*process.state));
        text.push_str(&format!(
            "\n   0. {beginning}\n{steps}\n{verdict}{contradictions}\n\n{diagram}"
        ));
        text
    }

    /// All of an incident for a person: the same.
    pub fn account(&self, played: &Played, detail: Detail) -> String {
        let mut story = played.story().to_vec();
        if detail == Detail::Changes {
            for (event, step) in story.iter_mut().enumerate() {
                step.changed = played.changed(event);
            }
        }
        let beginning = played.beginning();
        let steps = narrate::text(&story, detail);
        let verdict = self.verdict();
        let processes = played.moment(played.len()).iter().flatten();
        let contradictions = contradictions(processes.map(|process| &process.state));
        let diagram = played.diagram(played.len()).text();
        format!(
            "recorded: servers that really ran\n\n   0. {beginning}\n{steps}\n{verdict}{contradictions}\n\n{diagram}"
        )
    }

    /// How it ends, in a sentence.
    pub fn verdict(&self) -> String {
        let law = &self.law;
        match self.ending {
            Ending::Unsafe => {
                format!("Now \"{law}\" does not hold, and it must hold in every state.")
            }
            Ending::Left => format!(
                "All had converged, and the last step, which is the protocol's own, broke \"{law}\"."
            ),
            Ending::Open { steps } => format!(
                "Everything was mended {steps} steps ago, and \"{law}\" still doesn't hold."
            ),
            Ending::AtRest => {
                format!("All had come to rest, and \"{law}\" does not hold.")
            }
            Ending::Held if self.incident.is_some() => {
                "Every law that can be looked at holds now.".to_owned()
            }
            Ending::Held => "Every law has held, and all has converged.".to_owned(),
            Ending::Stuck { lost_after, states } => {
                let end = match states {
                    1 => "nothing moves it any more".to_owned(),
                    _ => format!("it goes round among {states} states for ever"),
                };
                format!(
                    "From step {lost_after} on it can never converge: without further faults {end}, and \"{law}\" never holds."
                )
            }
        }
    }

    /// A name for its file, without a folder.
    pub fn file_name(&self) -> String {
        let law: String = self
            .law
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        match &self.mutant {
            Some(mutant) => format!("{}.{mutant}.{law}.json", self.scenario),
            None => format!("{}.{law}.json", self.scenario),
        }
    }
}

/// What happens at each step and what is done then, in one line each: the actors must do it again.
fn told(story: &[Step]) -> Vec<String> {
    let line = |step: &Step| match step.then.as_slice() {
        [] => step.what.clone(),
        then => format!("{}: {}", step.what, then.join(", ")),
    };
    story.iter().map(line).collect()
}

/// Whether what happens now is what happened.
fn same(was: &[String], is: &[String]) -> Result<(), Stale> {
    let mut steps = (1..).zip(was.iter().zip(is));
    match steps.find(|(_, (was, is))| was != is) {
        None => Ok(()),
        Some((step, (was, is))) => Err(Stale::Step {
            step,
            was: was.clone(),
            is: is.clone(),
        }),
    }
}

impl<A> Violation<A> {
    /// The way to what is wrong.
    pub fn path(&self) -> &Path<A> {
        match self {
            Self::Unsafe { path, .. } | Self::Stuck { path, .. } | Self::Left { path, .. } => path,
        }
    }
}

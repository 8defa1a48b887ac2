//! A path is played: the model takes each step that its rules allow, and the real servers take it, too. Our clients hear what
//! real servers have said.

use std::io;
use std::path::{Path, PathBuf};

use regrow_model::counterexample::{Counterexample, Ending, Stale};
use regrow_model::message::{Hearer, Line};
use regrow_model::mutant::Mutant;
use regrow_model::narrate;
use regrow_model::property::{Kind, Property};
use regrow_model::world::link::Party;
use regrow_model::world::seen::Seen;
use regrow_model::world::view::View;
use regrow_model::world::{Action, Memo, State, World};
use serde::Serialize;
use stateright::Model;

use super::bytes::encoded;
use super::glance::Differences;
use super::live::Live;

/// Steps of the protocol alone, at most, by which it must have converged after the last fault.
const SETTLING_MAX: usize = 400;

/// One step, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Played {
    /// Who does what.
    pub(super) what: String,
    /// What became of it.
    pub(super) became: Became,
    /// What was said over sockets in it, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<String>,
}

/// What became of a step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Became {
    /// The real servers did what the model's did.
    Agreed,
    /// These rules don't allow it, so nobody took it.
    Impossible,
    /// The real servers can't be made to take it, and the model took it alone: why.
    Unsteered(&'static str),

    /// The real servers did something else.
    Differed(Differences),
}

/// What a path came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// What was checked.
    pub(super) title: String,
    /// The rule that is broken, if one is.
    pub(super) mutant: Option<&'static str>,
    /// The law that is broken in the file.
    pub(super) law: String,
    /// How many steps led to its beginning.
    pub(super) opening: usize,
    /// The file's steps.
    pub(super) steps: Vec<Played>,
    /// What the protocol did by itself afterwards.
    pub(super) settling: Vec<Played>,
    /// Whether it has converged then.
    pub(super) converged: bool,
    /// The laws that did not hold: each with the step after which it didn't first, or at the end.
    pub(super) broken: Vec<Broken>,
    /// Where the real servers were not as the model's.
    pub(super) differences: Differences,
}

/// A law that didn't hold.
#[derive(Debug, Serialize)]
pub(super) struct Broken {
    /// Which.
    pub(super) law: String,
    /// After which of the file's steps, counted from 1; `None` if it was later, or is one that should hold at the end.
    pub(super) after: Option<usize>,
}

/// Why a path can't be played.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unplayable {
    /// The file is of another version.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// Servers can't be started, or don't answer.
    #[error("the servers can't be steered: {0}")]
    Io(#[from] io::Error),
}

/// A path that is being played.
struct Play {
    world: World,
    state: State,
    live: Live,
    /// Whether the real servers have gone their own way.
    apart: bool,
    /// Whether all had converged before the last step.
    had_converged: bool,
}

/// Plays a counterexample with this rule broken, or none.
pub(super) async fn play(
    counterexample: &Counterexample,
    file: PathBuf,
    mutant: Option<&'static Mutant>,
    logs: Option<&Path>,
) -> Result<Outcome, Unplayable> {
    let actions: Vec<Action> = counterexample
        .replay()?
        .walk
        .into_iter()
        .filter_map(|(action, _)| action)
        .collect();
    let (title, world) = counterexample.world(mutant)?;
    let name = mutant.map(|mutant| mutant.name);
    let live = Live::new(&world, file, name, logs).await?;
    let state = world.blank();
    let mut play = Play {
        world,
        state,
        live,
        apart: false,
        had_converged: false,
    };
    let mut outcome = Outcome {
        title,
        mutant: name,
        law: counterexample.law.clone(),
        opening: 0,
        steps: Vec::new(),
        settling: Vec::new(),
        converged: false,
        broken: Vec::new(),
        differences: Vec::new(),
    };
    play.open(&mut outcome).await?;
    for action in actions {
        if play.apart {
            break;
        }
        play.had_converged = play.open_laws().is_empty();
        let played = play.step(action).await;
        outcome.note(played, true);
        play.judge(&mut outcome, true);
    }
    if counterexample.ending == Ending::Left {
        play.judge_leaving(&mut outcome);
    }
    if !play.apart && outcome.broken.is_empty() {
        play.settle(&mut outcome).await;
    }
    play.conclude(&counterexample.ending, &mut outcome).await;
    Ok(outcome)
}

impl Outcome {
    fn note(&mut self, played: Played, is_of_the_file: bool) {
        if let Became::Differed(differences) = &played.became {
            self.differences.extend(differences.iter().cloned());
        }
        match is_of_the_file {
            true => self.steps.push(played),
            false => self.settling.push(played),
        }
    }

    /// How many of the file's steps the real servers took.
    pub(super) fn steered(&self) -> usize {
        let steps = self.steps.iter();
        steps
            .filter(|step| matches!(step.became, Became::Agreed))
            .count()
    }
}

impl Play {
    /// The way to where the path begins.
    async fn open(&mut self, outcome: &mut Outcome) -> io::Result<()> {
        for (opening, after) in self.world.opening() {
            let states = (&self.state, &after);
            let differences = self.live.open(&self.world, &opening, states).await?;
            outcome.opening += 1;
            self.state = after;
            if !differences.is_empty() {
                self.apart = true;
                let before = format!("before the first step, {opening:?}: ");
                let told = differences.into_iter().map(|it| before.clone() + &it);
                outcome.differences.extend(told);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes a step, if these rules allow it.
    async fn step(&mut self, action: Action) -> Played {
        let mut possible = Vec::new();
        self.world.actions(&self.state, &mut possible);
        let does = |action: &Action| self.world.next_state(&self.state, action.clone()).is_some();
        if !possible.contains(&action) || !does(&action) {
            return Played {
                what: told(&self.world, &self.state, &action, &possible),
                became: Became::Impossible,
                line: None,
            };
        }
        let what = narrate::what(&self.world, &self.state, &action);
        let (became, line) = match self.take(&action).await {
            Ok(taken) => taken,
            Err(error) => (Became::Differed(vec![error.to_string()]), None),
        };
        self.apart = matches!(became, Became::Differed(_));
        Played { what, became, line }
    }

    async fn take(&mut self, action: &Action) -> io::Result<(Became, Option<String>)> {
        let said = match self.live.said(&self.state, action).await {
            Ok(said) => said,
            Err(difference) => return Ok((Became::Differed(vec![difference]), None)),
        };
        let mut differences = Vec::new();
        let mut line = None;
        if let (Some(said), Action::Deliver { link, end }) = (&said, action) {
            line = Some(String::from_utf8_lossy(said).trim_end().to_owned());
            differences.extend(self.compare(*link, *end, said));
        }
        let acted = self
            .live
            .act(&self.world, &self.state, action, said.as_deref());
        differences.extend(acted.await?);
        let mut seen = Seen::default();
        let Some(after) = self.world.step(&self.state, action.clone(), &mut seen) else {
            return Ok((Became::Differed(differences), line));
        };
        let dials_in_vain = seen.labels().any(|label| label == "unreachable")
            && is_of_a_server(&self.state, action);
        let before = std::mem::replace(&mut self.state, after);
        let states = (&before, &self.state);
        let refusals = usize::from(dials_in_vain);
        differences.extend(self.live.agree(&self.world, states, refusals).await?);
        let unsteered = self.live.unsteered();
        Ok(match (differences.is_empty(), unsteered) {
            (true, None) => (Became::Agreed, line),
            (true, Some(why)) => (Became::Unsteered(why), line),
            (false, _) => (Became::Differed(differences), line),
        })
    }

    /// What a real server has said instead of what the model's has. A client of ours hears what was really said.
    fn compare(&mut self, link: usize, end: usize, said: &[u8]) -> Option<String> {
        let connection = self.state.links[link].as_mut()?;
        let to = connection.ends[end].party;
        let model = encoded(connection.ends[end].inbox.first()?)?;
        if model != said && !matches!(to, Party::Server(_)) {
            let heard = Line::decode(said.trim_ascii_end(), Hearer::Client);
            connection.alter(|connection| connection.ends[end].inbox[0] = Memo::new(heard));
        }
        (model != said).then(|| {
            let [model, said] = [&model, said].map(String::from_utf8_lossy);
            format!("{to} hears {}, not {}", said.trim_end(), model.trim_end())
        })
    }

    /// The protocol goes on alone: what is on its way first, then timers in turn, until every law of convergence holds.
    async fn settle(&mut self, outcome: &mut Outcome) {
        let mut fired: Vec<Action> = Vec::new();
        while outcome.settling.len() < SETTLING_MAX && !self.apart {
            if self.open_laws().is_empty() {
                return;
            }
            let mut possible = Vec::new();
            self.world.actions(&self.state, &mut possible);
            possible.retain(|action| {
                action.is_protocol() && self.world.next_state(&self.state, action.clone()).is_some()
            });
            let is_timer =
                |it: &Action| matches!(it, Action::Timer { .. } | Action::ClientTimer { .. });
            let last = |it: &Action| fired.iter().rposition(|other| other == it);
            let next = possible.iter().find(|it| !is_timer(it));
            let next = next.or_else(|| possible.iter().min_by_key(|it| last(it)));
            let Some(next) = next.cloned() else {
                return;
            };
            if is_timer(&next) {
                fired.push(next.clone());
            }
            let played = self.step(next).await;
            outcome.note(played, false);
            self.judge(outcome, false);
        }
    }

    /// The laws of convergence that don't hold.
    fn open_laws(&self) -> Vec<&'static Property> {
        self.unlawful(Kind::Convergence)
    }

    fn unlawful(&self, kind: Kind) -> Vec<&'static Property> {
        let view = View::new(&self.world, &self.state);
        let all = self.world.properties_on();
        all.filter(|property| property.kind == kind && !(property.holds)(&view))
            .collect()
    }

    /// Looks which laws don't hold that must hold in every state.
    fn judge(&self, outcome: &mut Outcome, is_of_the_file: bool) {
        let after = is_of_the_file.then_some(outcome.steps.len());
        for property in self.unlawful(Kind::Safety) {
            let law = property.name.to_owned();
            if !outcome.broken.iter().any(|broken| broken.law == law) {
                outcome.broken.push(Broken { law, after });
            }
        }
    }

    /// Looks whether the last step has led away from where all had converged.
    fn judge_leaving(&self, outcome: &mut Outcome) {
        let last = outcome.steps.last();
        let was_taken = last.is_some_and(|step| matches!(step.became, Became::Agreed));
        if was_taken && self.had_converged {
            let after = Some(outcome.steps.len());
            outcome
                .broken
                .extend(self.open_laws().into_iter().map(|property| Broken {
                    law: property.name.to_owned(),
                    after,
                }));
        }
    }

    /// Looks at the end whether all has converged, and whether servers have said more than they should.
    async fn conclude(&mut self, ending: &Ending, outcome: &mut Outcome) {
        if self.apart {
            return;
        }
        outcome.converged = self.open_laws().is_empty();
        let must_converge = match ending {
            Ending::Unsafe => outcome.broken.is_empty(),
            Ending::Left
            | Ending::Stuck { .. }
            | Ending::Open { .. }
            | Ending::AtRest
            | Ending::Held => true,
        };
        if must_converge {
            let open = self.open_laws().into_iter().map(|property| Broken {
                law: property.name.to_owned(),
                after: None,
            });
            outcome.broken.extend(open);
        }
        let unasked = self.live.unasked(&self.state).await;
        outcome.differences.extend(unasked);
    }
}

/// Whether a server takes this step, or a dial of a server is what it is about.
fn is_of_a_server(state: &State, action: &Action) -> bool {
    match action {
        Action::Timer { .. } | Action::Sync { .. } | Action::Story => true,
        Action::Deliver { link, end } | Action::Down { link, end } => {
            let connection = state.links.get(*link).and_then(Option::as_deref);
            connection.is_some_and(|it| matches!(it.ends[*end].party, Party::Server(_)))
        }
        Action::Up { link } => {
            let connection = state.links.get(*link).and_then(Option::as_deref);
            connection.is_some_and(|it| matches!(it.ends[0].party, Party::Server(_)))
        }
        Action::Received { .. } | Action::Restart { .. } => true,
        Action::Unreachable { party, .. } => matches!(party, Party::Server(_)),
        Action::ClientTimer { .. }
        | Action::Wish { .. }
        | Action::Register { .. }
        | Action::Return { .. }
        | Action::Leave { .. }
        | Action::Cut { .. }
        | Action::Heal
        | Action::Crash { .. }
        | Action::LoseDisk { .. } => false,
    }
}

/// A step in words, also if it isn't possible: then what it would be about may not be there.
fn told(world: &World, state: &State, action: &Action, possible: &[Action]) -> String {
    match possible.contains(action) {
        true => narrate::what(world, state, action),
        false => action.to_string(),
    }
}

//! One run: steps taken by chance, judged on the way.
//!
//! ```text
//!   chaos ──────────────────▶ mend ───────────────▶ settle ─────────────▶ rest
//!   protocol, wishes, faults  ways healed, servers  protocol alone, until  protocol alone:
//!                             started again         all has converged      it stays so
//! ```

use stateright::Model;

use super::dice::Dice;
use super::digest::Digest;
use super::plan::{Pace, Plan};
use super::tally::Tally;
use crate::node;
use crate::property::{Kind, Property};
use crate::world::seen::Seen;
use crate::world::view::View;
use crate::world::{Action, State, World};

/// A world on its way.
pub struct Walker<'a> {
    world: &'a World,
    /// Where it is.
    pub state: State,
    /// The steps taken.
    pub taken: Vec<Action>,
    /// What was counted.
    pub tally: Tally,
    /// What occurred.
    pub seen: Seen,
    digest: Digest,
    safety: Vec<&'static Property>,
    convergence: Vec<&'static Property>,
}

/// What kind of step it is, for a [`Pace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Traffic,
    Timers,
    Wishes,
    /// The how-manieth kind of fault.
    Faults(usize),
}

/// How many kinds of faults there are.
const FAULTS: usize = 7;

impl<'a> Walker<'a> {
    /// At a world's beginning.
    pub fn new(world: &'a World) -> Self {
        Self::at(world, &world.init_states().remove(0))
    }

    /// In this state of it.
    pub fn at(world: &'a World, state: &State) -> Self {
        let of = |kind| {
            let all = world.properties_on();
            all.filter(|property| property.kind == kind).collect()
        };
        Self {
            state: state.clone(),
            world,
            taken: Vec::new(),
            tally: Tally::default(),
            seen: Seen::default(),
            digest: Digest::default(),
            safety: of(Kind::Safety),
            convergence: of(Kind::Convergence),
        }
    }

    /// Takes a step; says whether anything changed.
    pub fn take(&mut self, action: Action) -> bool {
        let Some(next) = self.world.step(&self.state, action.clone(), &mut self.seen) else {
            return false;
        };
        self.tally.count(&self.state, &action);
        self.digest.add(&action.to_string());
        self.state = next;
        self.taken.push(action);
        true
    }

    /// A number for the whole way.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The law that must hold in every state and doesn't hold in this one.
    pub fn broken(&self) -> Option<&'static Property> {
        let view = View::new(self.world, &self.state);
        let mut laws = self.safety.iter();
        laws.find(|law| !(law.holds)(&view)).copied()
    }

    /// The laws of convergence that don't hold here.
    pub fn open(&self) -> Vec<&'static Property> {
        let view = View::new(self.world, &self.state);
        let laws = self.convergence.iter().copied();
        laws.filter(|law| !(law.holds)(&view)).collect()
    }

    /// The names of those, as one text.
    pub fn open_laws(&self) -> String {
        let names: Vec<_> = self.open().iter().map(|law| law.name).collect();
        names.join(" and ")
    }

    /// Whether the law of this name, which must hold in every state, doesn't hold here.
    pub fn breaks(&self, law: &str) -> bool {
        let view = View::new(self.world, &self.state);
        let mut laws = self.safety.iter().filter(|it| it.name == law);
        laws.any(|law| !(law.holds)(&view))
    }

    /// How often somebody has heard what somebody said.
    pub fn heard(&self) -> u64 {
        let hearings = self.state.users.iter().map(|seat| &seat.hearing);
        hearings
            .flat_map(|hearing| &hearing.of)
            .map(|of| of.heard.len())
            .sum()
    }

    /// Whether all laws of convergence hold here.
    pub fn has_converged(&self) -> bool {
        let view = View::new(self.world, &self.state);
        self.convergence.iter().all(|law| (law.holds)(&view))
    }

    /// One of the steps that are possible.
    pub fn choose(&self, pace: &Pace, dice: &mut Dice) -> Option<Action> {
        let mut actions = Vec::new();
        self.world.actions(&self.state, &mut actions);
        // Who was stopped has to be ended before it can start again: so many crashes are kept.
        if usize::from(self.state.faults.crashes) <= self.world.setup().story.len() {
            actions.retain(|action| !matches!(action, Action::Crash { .. }));
        }
        let classes: Vec<Class> = actions.iter().map(class).collect();
        let is_possible = |class: &dyn Fn(&Class) -> bool| classes.iter().any(class);
        let weigh = |weight: usize, class: &dyn Fn(&Class) -> bool| match is_possible(class) {
            true => weight,
            false => 0,
        };
        let is_fault = |class: &Class| matches!(class, Class::Faults(_));
        let chosen = dice.weighed(&[
            weigh(pace.traffic, &|class| *class == Class::Traffic),
            weigh(pace.timers, &|class| *class == Class::Timers),
            weigh(pace.wishes, &|class| *class == Class::Wishes),
            weigh(pace.faults, &is_fault),
        ])?;
        let class = match chosen {
            0 => Class::Traffic,
            1 => Class::Timers,
            2 => Class::Wishes,
            _ => {
                let kinds = std::array::from_fn::<usize, FAULTS, _>(|kind| {
                    weigh(1, &|class| *class == Class::Faults(kind))
                });
                Class::Faults(dice.weighed(&kinds)?)
            }
        };
        let of_class = || classes.iter().filter(|it| **it == class).count();
        let nth = dice.below(of_class());
        let mut places = (0..actions.len()).filter(|place| classes[*place] == class);
        let place = places.nth(nth)?;
        Some(actions.swap_remove(place))
    }

    /// Every way works again, and every server that is down, or is being stopped, starts again.
    pub fn mend(&mut self) {
        if !self.state.cut.is_empty() {
            self.take(Action::Heal);
        }
        for server in 0..self.state.servers.len() {
            let process = self.state.servers[server].process.as_ref();
            if process.is_some_and(|process| is_stopping(&process.state))
                && self.state.faults.crashes > 0
            {
                self.take(Action::Crash { server });
            }
            if self.state.servers[server].process.is_none() && self.state.faults.restarts > 0 {
                self.take(Action::Restart { server });
            }
        }
    }
}

impl Plan {
    /// The pace at which nothing goes wrong any more, and nobody wants anything. Timers are slow next to messages, as they are where
    /// it serves: otherwise a large world is busy with what its timers ask for, and what was on its way hardly moves.
    pub fn calm(&self) -> Pace {
        Pace {
            timers: 1,
            wishes: 0,
            faults: 0,
            ..self.pace
        }
    }
}

fn is_stopping(server: &node::State) -> bool {
    server.halted.is_some() || server.drain != node::drain::Stage::Serving
}

fn class(action: &Action) -> Class {
    match action {
        Action::Up { .. }
        | Action::Deliver { .. }
        | Action::Received { .. }
        | Action::Down { .. }
        | Action::Unreachable { .. }
        | Action::Sync { .. } => Class::Traffic,
        Action::Timer { .. } | Action::ClientTimer { .. } => Class::Timers,
        Action::Wish { .. } | Action::Register { .. } | Action::Return { .. } => Class::Wishes,
        Action::Cut { .. } => Class::Faults(0),
        Action::Heal => Class::Faults(1),
        Action::Crash { .. } => Class::Faults(2),
        Action::Restart { .. } => Class::Faults(3),
        Action::LoseDisk { .. } => Class::Faults(4),
        Action::Leave { .. } => Class::Faults(5),
        Action::Story => Class::Faults(6),
    }
}

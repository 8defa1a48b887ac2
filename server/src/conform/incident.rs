//! The last steps of a cluster, as its recordings tell them, as one [`Incident`].
//!
//! Clocks differ, so they settle only what nothing else does: what was heard on a link comes after what was said there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use regrow_model::incident::{Event, Far, Happened, Incident, Machine, Process};
use regrow_model::port::{Input, Link};

use super::traffic::{Matches, Side};
use crate::edge::PROVEN;
use crate::record::Given;

/// What happened to one start, the last of it.
#[derive(Default)]
pub(super) struct Story {
    most: usize,
    /// How much has been told in all.
    count: u64,
    told: VecDeque<Told>,
}

/// Something that happened.
struct Told {
    /// What is told is counted from 0.
    number: u64,
    /// The handler that ran, or ran last.
    step: u64,
    at: Duration,
    what: What,
}

/// What happened, and if it is a line of another server's, which it was of its link.
pub(super) enum What {
    Given(Given, Option<usize>),
    Saved { outdated: usize },
    Stopped,
}

impl Story {
    /// Of at most so much.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// Something happened, in or after this step.
    pub(super) fn tell(&mut self, step: u64, at: Duration, what: impl FnOnce() -> What) {
        let number = self.count;
        self.count += 1;
        if self.most == 0 {
            return;
        }
        if self.told.len() == self.most {
            self.told.pop_front();
        }
        self.told.push_back(Told {
            number,
            step,
            at,
            what: what(),
        });
    }

    /// How much has been told.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// One start's story, while it is woven into the others'.
struct Thread<'a> {
    side: usize,
    /// When its recording began, since 1970.
    base: Duration,
    told: std::iter::Peekable<std::collections::vec_deque::Iter<'a, Told>>,
    /// Up to which step it has been told.
    done: Option<u64>,
}

/// The last events of all of them, woven into one order.
pub(super) struct Woven {
    events: Vec<Event>,
    /// For each server the first of them that happened to it: of which start, and its number there.
    first: BTreeMap<usize, (usize, u64)>,
}

/// Weaves the last that happened to all of them.
pub(super) fn weave(sides: &[Side], matches: &Matches, most: usize) -> Woven {
    let mut threads: Vec<Thread<'_>> = sides
        .iter()
        .enumerate()
        .map(|(side, start)| Thread {
            side,
            base: Duration::from_millis(start.boot.now.0),
            told: start.story.told.iter().peekable(),
            done: None,
        })
        .collect();
    let mut weave = Weave {
        sides,
        matches,
        order: Vec::new(),
    };
    while let Some(next) = weave.next(&mut threads) {
        let thread = &mut threads[next];
        if let Some(told) = thread.told.next() {
            thread.done = Some(told.step);
            weave.order.push((thread.side, told));
        }
    }
    weave.last(most)
}

struct Weave<'a> {
    sides: &'a [Side],
    matches: &'a Matches,
    /// What happened, and to which start.
    order: Vec<(usize, &'a Told)>,
}

impl Weave<'_> {
    /// Whose turn it is: the earliest of those who don't wait for another; if all do, the earliest.
    fn next(&self, threads: &mut [Thread<'_>]) -> Option<usize> {
        let told: Vec<Option<u64>> = threads.iter().map(|thread| thread.done).collect();
        let ended: Vec<bool> = threads
            .iter_mut()
            .map(|thread| thread.told.peek().is_none())
            .collect();
        let heads = threads
            .iter_mut()
            .enumerate()
            .filter_map(|(index, thread)| {
                let head = thread.told.peek()?;
                let waits = self.said_in(thread.side, head).is_some_and(|(side, step)| {
                    !ended[side] && told[side].is_none_or(|told| told < step)
                });
                Some((waits, thread.base + head.at, index))
            });
        heads.min().map(|(_, _, index)| index)
    }

    /// In which step, of which start, a line was said that is heard.
    fn said_in(&self, side: usize, told: &Told) -> Option<(usize, u64)> {
        let What::Given(Given::Input(Input::Line { link, .. }), Some(number)) = &told.what else {
            return None;
        };
        let (far, steps) = self.matches.get(&(side, *link))?;
        Some((*far, *steps.get(*number)?))
    }

    /// So many of the last.
    fn last(mut self, most: usize) -> Woven {
        let order = self.order.split_off(self.order.len().saturating_sub(most));
        let mut woven = Woven {
            events: Vec::new(),
            first: BTreeMap::new(),
        };
        // Which start runs on each server, and in which event each step was.
        let mut running: BTreeMap<usize, usize> = BTreeMap::new();
        let mut said: BTreeMap<(usize, u64), usize> = BTreeMap::new();
        for (side, told) in order {
            let server = self.sides[side].server;
            woven.first.entry(server).or_insert((side, told.number));
            // Who was killed says nothing of it.
            if running.get(&server).is_some_and(|before| *before != side) {
                woven.events.push(Event {
                    server,
                    happened: Happened::Stopped,
                    far: None,
                });
            }
            match told.what {
                What::Stopped => running.remove(&server),
                What::Given(..) | What::Saved { .. } => running.insert(server, side),
            };
            let heard_in = self.said_in(side, told);
            let far = link_of(&told.what).and_then(|link| self.matches.get(&(side, link)));
            if let What::Given(..) = told.what {
                said.insert((side, told.step), woven.events.len());
            }
            woven.events.push(Event {
                server,
                happened: happened(&told.what, &self.sides[side]),
                far: far.map(|(far, _)| Far {
                    server: self.sides[*far].server,
                    said: heard_in.and_then(|heard| said.get(&heard).copied()),
                }),
            });
        }
        woven
    }
}

fn link_of(what: &What) -> Option<Link> {
    match what {
        What::Given(Given::Input(input), _) => match input {
            Input::Up { link, .. }
            | Input::Line { link, .. }
            | Input::Received { link, .. }
            | Input::Down { link } => Some(*link),
            Input::Unreachable { .. } | Input::Ask(_) => None,
        },
        What::Given(Given::Start | Given::Timer(_), _) | What::Saved { .. } | What::Stopped => None,
    }
}

fn happened(what: &What, side: &Side) -> Happened {
    match what {
        What::Given(Given::Start, _) => Happened::Started {
            config: Box::new(side.config.clone()),
            boot: side.boot,
            disk: side.disk.clone().map(Box::new),
        },
        What::Given(Given::Timer(timer), _) => Happened::Timer(*timer),
        What::Given(Given::Input(input), _) => Happened::Input(Box::new(input.clone())),
        What::Saved { outdated } => Happened::Saved {
            outdated: *outdated,
        },
        What::Stopped => Happened::Stopped,
    }
}

impl Woven {
    /// The incident, once it is known what each server was before: `process` is asked for that of a start before something
    /// that happened to it, and `last` has what runs on servers to which nothing happened.
    pub(super) fn incident<E>(
        self,
        sides: &[Side],
        names: &[String],
        last: &[Option<Process>],
        mut process: impl FnMut(&Side, u64) -> Result<Option<Process>, E>,
    ) -> Result<Incident, E> {
        let mut servers = Vec::new();
        for (server, name) in names.iter().enumerate() {
            let process = match self.first.get(&server) {
                Some((side, number)) => process(&sides[*side], *number)?,
                None => last.get(server).cloned().flatten(),
            };
            servers.push(Machine {
                name: name.into(),
                process,
            });
        }
        Ok(Incident {
            secret: PROVEN.into(),
            servers,
            events: self.events,
        })
    }
}

//! The last steps of a cluster, as its recordings tell them, for a sequence diagram.
//!
//! Clocks differ, so they settle only what nothing else does: what was heard on a link comes after what was said there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use regrow_model::diagram::{self, Diagram, Mark, Row};
use regrow_model::message::Line;
use regrow_model::node::{Order, Timer};
use regrow_model::port::{Input, Link};

use super::traffic::{Matches, Side};
use crate::record::Given;

/// What happened to one server, the last of it.
#[derive(Default)]
pub(super) struct Story {
    most: usize,
    told: VecDeque<Told>,
}

/// One step.
struct Told {
    step: u64,
    at: Duration,
    what: What,
}

enum What {
    Started,
    /// A line, and which it was of its link if that is a server's.
    Heard(Link, &'static str, Option<usize>),
    Up(Link),
    Down(Link),
    Fired(Timer),
    Other(&'static str),
}

impl Story {
    /// Of at most so many steps.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            told: VecDeque::new(),
        }
    }

    /// A step, and which line of its link was heard in it.
    pub(super) fn tell(&mut self, step: u64, at: Duration, cause: &Given, number: Option<usize>) {
        if self.most == 0 {
            return;
        }
        if self.told.len() == self.most {
            self.told.pop_front();
        }
        let what = what(cause, number);
        self.told.push_back(Told { step, at, what });
    }
}

fn what(cause: &Given, number: Option<usize>) -> What {
    match cause {
        Given::Start => What::Started,
        Given::Timer(timer) => What::Fired(*timer),
        Given::Input(Input::Line { link, line }) => What::Heard(*link, label(line), number),
        Given::Input(Input::Up { link, .. }) => What::Up(*link),
        Given::Input(Input::Down { link }) => What::Down(*link),
        Given::Input(Input::Received { .. }) => What::Other("received"),
        Given::Input(Input::Unreachable { .. }) => What::Other("unreachable"),
        Given::Input(Input::Ask(Order::Drain)) => What::Other("drain"),
        Given::Input(Input::Ask(Order::Forget { .. })) => What::Other("forget"),
    }
}

fn label(line: &Line) -> &'static str {
    diagram::label(line)
}

/// One start's story, while it is woven into the others'.
struct Thread<'a> {
    side: usize,
    lane: usize,
    /// When its recording began, since 1970.
    base: Duration,
    told: std::iter::Peekable<std::collections::vec_deque::Iter<'a, Told>>,
    /// Up to which step it has been told.
    done: Option<u64>,
}

/// Draws the last steps of all of them. `names` are the servers'.
pub(super) fn draw(sides: &[Side], matches: &Matches, names: &[String], most: usize) -> Diagram {
    let mut threads: Vec<Thread<'_>> = sides
        .iter()
        .enumerate()
        .map(|(side, start)| Thread {
            side,
            lane: start.server,
            base: Duration::from_millis(start.boot.0),
            told: start.story.told.iter().peekable(),
            done: None,
        })
        .collect();
    let mut weave = Weave {
        sides,
        matches,
        alive: names.iter().map(|_| true).collect(),
        rows: Vec::new(),
        said: BTreeMap::new(),
    };
    while let Some(next) = weave.next(&mut threads) {
        let thread = &mut threads[next];
        if let Some(told) = thread.told.next() {
            thread.done = Some(told.step);
            weave.row(thread.side, thread.lane, told);
        }
    }
    let skipped = weave.rows.len().saturating_sub(most);
    let mut rows = weave.rows.split_off(skipped);
    for row in &mut rows {
        if let Mark::Heard { said, .. } = &mut row.mark {
            *said = said.and_then(|said| said.checked_sub(skipped));
        }
    }
    Diagram {
        lanes: names.to_vec(),
        rows,
    }
}

struct Weave<'a> {
    sides: &'a [Side],
    matches: &'a Matches,
    alive: Vec<bool>,
    rows: Vec<Row>,
    /// In which row each step is, by its start.
    said: BTreeMap<(usize, u64), usize>,
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
        let What::Heard(link, _, Some(number)) = told.what else {
            return None;
        };
        let (far, steps) = self.matches.get(&(side, link))?;
        Some((*far, *steps.get(number)?))
    }

    fn row(&mut self, side: usize, lane: usize, told: &Told) {
        let said = self.said_in(side, told);
        let far = |link: &Link| {
            let far = self.matches.get(&(side, *link));
            far.map(|(far, _)| self.sides[*far].server)
        };
        let alone = |label: String| Mark::Alone { at: lane, label };
        let mark = match &told.what {
            What::Started => Mark::Started { at: lane },
            What::Fired(timer) => alone(format!("{timer:?}")),
            What::Other(label) => alone((*label).to_owned()),
            What::Heard(link, label, _) => match far(link) {
                Some(from) => Mark::Heard {
                    from,
                    to: lane,
                    label: (*label).to_owned(),
                    said: said.and_then(|said| self.said.get(&said).copied()),
                },
                None => alone(format!("{} {label}", link.0)),
            },
            What::Up(link) => match far(link) {
                Some(from) => Mark::Reached {
                    from: lane,
                    to: from,
                },
                None => alone(format!("{} up", link.0)),
            },
            What::Down(link) => match far(link) {
                Some(other) => Mark::Lost { at: lane, other },
                None => alone(format!("{} down", link.0)),
            },
        };
        self.said.insert((side, told.step), self.rows.len());
        self.rows.push(Row {
            mark,
            says: format!("step {} of start {}", told.step, self.sides[side].start),
            alive: self.alive.clone(),
            cut: false,
        });
    }
}

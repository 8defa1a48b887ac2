//! A path through a world as a sequence diagram: a line of life for each server and client, time downwards, one row a
//! step. [`text`] draws it for a terminal, [`svg`] for a page.

pub mod svg;
pub mod text;

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::check::Walk;
use crate::message::Line;
use crate::narrate;
use crate::world::guest::Stage;
use crate::world::link::{Connection, Party, Phase};

use crate::world::user::Wish;
use crate::world::{Action, Event, State, Ways, World, label};

/// What a line is called in a diagram.
pub fn label(line: &Line) -> &'static str {
    label::line(line)
}

/// A sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// The parties, from left to right.
    pub lanes: Vec<String>,
    /// The steps, downwards.
    pub rows: Vec<Row>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is drawn.
    pub mark: Mark,
    /// All of it in words, where there is room for them.
    pub says: String,
    /// Per lane, whether it lives when the step is over.
    pub alive: Vec<bool>,
    /// Whether anything is cut when the step is over.
    pub cut: bool,
}

/// What is drawn for a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line is heard.
    Heard {
        /// The lane of who said it.
        from: usize,
        /// The lane of who hears it.
        to: usize,
        /// Which command it is.
        label: String,
        /// The row in which it was said; `None` if that was before the diagram begins.
        said: Option<usize>,
    },
    /// A dial succeeds.
    Reached {
        /// The dialer's lane.
        from: usize,
        /// The acceptor's lane.
        to: usize,
    },
    /// A party notices that a link to another one is gone, or that it can't be had.
    Lost {
        /// The lane of who notices it.
        at: usize,
        /// The lane of the other one.
        other: usize,
    },
    /// Something happens at one party alone.
    Alone {
        /// Its lane.
        at: usize,
        /// What.
        label: String,
    },
    /// A party stops.
    Stopped {
        /// Its lane.
        at: usize,
        /// How.
        label: String,
    },
    /// A party starts.
    Started {
        /// Its lane.
        at: usize,
    },
    /// Ways break.
    Cut {
        /// The lanes that lose ways, in order.
        lanes: Vec<usize>,
        /// Which ways.
        label: String,
    },
    /// All ways work again.
    Healed,
}

impl Diagram {
    /// Draws a path.
    pub fn of(world: &World, walk: &Walk<World>) -> Self {
        let servers = world.setup().servers.len();
        let users = world.setup().users.len();
        let parties = (0..servers).map(Party::Server);
        let guests = (0..guests(world, walk)).map(Party::Guest);
        let parties = parties.chain((0..users).map(Party::Client));
        let parties: Vec<Party> = parties.chain(guests).collect();
        let mut drawing = Drawing {
            world,
            servers,
            said: BTreeMap::new(),
        };
        let mut rows = Vec::new();
        for ((_, before), (action, after)) in walk.iter().zip(walk.iter().skip(1)) {
            let Some(action) = action else { continue };
            rows.push(Row {
                mark: drawing.mark(before, action),
                says: narrate::what(world, before, action),
                alive: parties.iter().map(|party| lives(after, *party)).collect(),
                cut: !after.cut.is_empty(),
            });
            drawing.remember(rows.len() - 1, before, action, after);
        }
        Self {
            lanes: parties.iter().map(Party::to_string).collect(),
            rows,
        }
    }
}

/// A diagram under way.
struct Drawing<'a> {
    world: &'a World,
    servers: usize,
    /// By link and end: in which row each line that waits there was said.
    said: BTreeMap<(usize, usize), VecDeque<Option<usize>>>,
}

impl Drawing<'_> {
    fn mark(&mut self, before: &State, action: &Action) -> Mark {
        match action {
            Action::Up { link } => {
                let [from, to] = self.ends(before, *link);
                Mark::Reached { from, to }
            }
            Action::Deliver { link, end } => {
                let ends = self.ends(before, *link);
                let line = narrate::in_flight(before, *link, *end);
                let waiting = self.said.get(&(*link, *end)).and_then(VecDeque::front);
                Mark::Heard {
                    from: ends[1 - end],
                    to: ends[*end],
                    label: line.map_or_else(String::new, |line| label::line(line.line).to_owned()),
                    said: waiting.copied().flatten(),
                }
            }
            Action::Down { link, end } => {
                let ends = self.ends(before, *link);
                Mark::Lost {
                    at: ends[*end],
                    other: ends[1 - end],
                }
            }
            Action::Unreachable { party, address } => {
                let at = self.lane(*party);
                let mut servers = self.world.setup().servers.iter();
                let other = servers.position(|config| config.address == *address);
                Mark::Lost {
                    at,
                    other: other.unwrap_or(at),
                }
            }
            Action::Received { link } => {
                let [_, acceptor] = self.ends(before, *link);
                alone(acceptor, "received".to_owned())
            }
            Action::Register { guest } => alone(self.guest(*guest), "asks".to_owned()),
            Action::Return { guest } => alone(self.guest(*guest), "returns".to_owned()),
            Action::Leave { guest } => stopped(self.guest(*guest), "leaves"),
            Action::Timer { server, timer } => alone(*server, format!("{timer:?}")),
            Action::ClientTimer { user, timer } => alone(self.servers + user, format!("{timer:?}")),
            Action::Wish { user } => self.wish(before, *user),
            Action::Sync { server } => alone(*server, "saved".to_owned()),
            Action::Story
            | Action::Cut { .. }
            | Action::Heal
            | Action::Crash { .. }
            | Action::Restart { .. }
            | Action::LoseDisk { .. } => self.event(before, action),
        }
    }

    fn event(&self, before: &State, action: &Action) -> Mark {
        match self.world.event(before, action) {
            Some(Event::Cut(ways)) => cut_mark(ways, self.servers),
            Some(Event::Crash(number)) => stopped(number - 1, "crash"),
            Some(Event::Restart(number)) => Mark::Started { at: number - 1 },
            Some(Event::Forget { at, server }) => alone(at - 1, format!("forgets s{server}")),
            Some(Event::Drain(number)) => alone(number - 1, "drains".to_owned()),
            Some(Event::LoseDisk(number)) => alone(number - 1, "disk lost".to_owned()),
            Some(Event::Blurt { server, .. }) => alone(server - 1, "blurts".to_owned()),
            Some(Event::Heal) | None => Mark::Healed,
        }
    }

    fn wish(&self, before: &State, user: usize) -> Mark {
        let lane = self.servers + user;
        match before.users[user].next_wish(&self.world.setup().users[user]) {
            Some(Wish::Die) => stopped(lane, "dies"),
            Some(Wish::Start(_)) => Mark::Started { at: lane },
            Some(Wish::Ask(_) | Wish::Then(_)) | None => alone(lane, "asks".to_owned()),
        }
    }

    /// Notes what a step has put on its way, and forgets what was heard or lost.
    fn remember(&mut self, row: usize, before: &State, action: &Action, after: &State) {
        if let Action::Deliver { link, end } = action
            && let Some(waiting) = self.said.get_mut(&(*link, *end))
        {
            waiting.pop_front();
        }
        let waits = |link: usize, end: usize| {
            let connection = after.links.get(link).and_then(Option::as_deref);
            connection.map_or(0, |connection: &Connection| {
                match connection.ends[end].phase {
                    Phase::Gone => 0,
                    Phase::Dialing(_) | Phase::Ringing | Phase::Open => {
                        connection.ends[end].inbox.len()
                    }
                }
            })
        };
        let new = narrate::sent(before, action, after);
        for link in 0..after.links.len().max(before.links.len()) {
            for end in 0..2 {
                let said = new
                    .iter()
                    .filter(|line| (line.link, line.end) == (link, end));
                let said = said.count();
                let waiting = self.said.entry((link, end)).or_default();
                // What waited before the diagram began was said before.
                waiting.resize(waits(link, end).saturating_sub(said), None);
                waiting.extend(std::iter::repeat_n(Some(row), said));
            }
        }
    }

    fn ends(&self, state: &State, link: usize) -> [usize; 2] {
        let connection = state.links[link]
            .as_ref()
            .expect("an action names a link that exists");
        connection.ends.each_ref().map(|end| self.lane(end.party))
    }

    fn lane(&self, party: Party) -> usize {
        match party {
            Party::Server(server) => server,
            Party::Client(user) => self.servers + user,
            Party::Guest(guest) => self.guest(guest),
        }
    }

    fn guest(&self, guest: usize) -> usize {
        self.servers + self.world.setup().users.len() + guest
    }
}

/// How many guests have a lane: hecklers come in their order, and most never come to speak.
fn guests(world: &World, walk: &Walk<World>) -> usize {
    let Some((_, end)) = walk.last() else {
        return 0;
    };
    let mut guests = world.setup().guests.iter().zip(&end.guests);
    let last = guests.rposition(|(want, guest)| !want.is_heckler() || guest.stage != Stage::Idle);
    last.map_or(0, |last| last + 1)
}

fn alone(at: usize, label: String) -> Mark {
    Mark::Alone { at, label }
}

fn stopped(at: usize, label: &str) -> Mark {
    Mark::Stopped {
        at,
        label: label.to_owned(),
    }
}

fn cut_mark(ways: Ways, servers: usize) -> Mark {
    let loses = |lane: &usize| {
        let mut others = 0..servers;
        others.any(|other| ways.includes(*lane, other) || ways.includes(other, *lane))
    };
    Mark::Cut {
        lanes: (0..servers).filter(loses).collect(),
        label: format!("cut {ways}"),
    }
}

fn lives(state: &State, party: Party) -> bool {
    match party {
        Party::Server(server) => state.servers[server].process.is_some(),
        Party::Client(user) => state.users[user].process.is_some(),
        Party::Guest(_) => true,
    }
}

/// A text, cut off after so many characters.
fn shorten(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest.saturating_sub(1)).collect();
    start + "…"
}

#[cfg(test)]
mod tests;

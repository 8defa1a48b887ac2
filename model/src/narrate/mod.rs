//! A path through a world, told to a person: who did what, why that was possible, what was said, and what changed.
//! Everything here is read off two neighbouring states and the action between them.

pub(crate) mod shape;
mod traffic;

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::check::Walk;
use crate::message::Address;
use crate::node::{self, Timer};
use crate::world::link::{Connection, Party, Phase};
use crate::world::seen::Seen;

use crate::world::user::Wish;
use crate::world::{Action, Event, State, World, label};
pub(crate) use traffic::{in_flight, sent};

/// One step, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who does what.
    pub what: String,
    /// Why it was possible, where that isn't plain.
    pub why: Option<String>,
    /// What the actors report of it, and what occurs on the way, as coverage calls it.
    pub occurs: Vec<String>,
    /// What follows on the links: dials, lines, closes, breaks.
    pub then: Vec<String>,
    /// What differs afterwards, place by place.
    #[serde(skip)]
    pub changed: Vec<String>,
}

/// Tells a whole path; the initial state isn't a step.
pub fn story(world: &World, walk: &Walk<World>) -> Vec<Step> {
    let pairs = walk.iter().zip(walk.iter().skip(1));
    let steps = pairs.filter_map(|((_, before), (action, after))| {
        let action = action.as_ref()?;
        Some(step(world, before, action, after))
    });
    steps.collect()
}

/// Tells one step.
pub fn step(world: &World, before: &State, action: &Action, after: &State) -> Step {
    Step {
        what: what(world, before, action),
        why: why(world, before, action),
        occurs: occurs(world, before, action),
        then: traffic::then(world, before, action, after),
        changed: changed(before, after),
    }
}

/// Who does what, in one line.
pub fn what(world: &World, before: &State, action: &Action) -> String {
    match action {
        Action::Up { link } => {
            let [dialer, acceptor] = ends(before, *link);
            format!("{dialer} reaches {acceptor}: link {link} is up")
        }
        Action::Deliver { link, end } => match in_flight(before, *link, *end) {
            Some(line) => {
                let label = label::line(line.line);
                format!("{} hears {label} from {}", line.to, line.from)
            }
            None => action.to_string(),
        },
        Action::Received { link } => {
            let [dialer, acceptor] = ends(before, *link);
            format!("{acceptor} is told by its kernel how much {dialer} has received")
        }
        Action::Register { guest } => {
            let wish = &world.setup().guests[*guest];
            let at = Party::Server(wish.at);
            if wish.is_heckler() {
                return format!("{} says to {at} what it may not", Party::Guest(*guest));
            }
            format!(
                "{} asks {at} for the name {}",
                Party::Guest(*guest),
                wish.username
            )
        }
        Action::Return { guest } => {
            let home = world.setup().guests[*guest].returns;
            let home = home.map_or_else(String::new, |server| {
                format!(" at {}", Party::Server(server))
            });
            format!("{} logs in{home}", Party::Guest(*guest))
        }
        Action::Leave { guest } => format!("{} goes without a word", Party::Guest(*guest)),
        Action::Down { link, end } => {
            let ends = ends(before, *link);
            let (this, other) = (ends[*end], ends[1 - end]);
            format!("{this} notices that link {link} to {other} is gone")
        }
        Action::Unreachable { party, address } => {
            format!("{party} dials {} in vain", host(world, address))
        }
        Action::Timer { server, timer } => {
            let does = does(*timer);
            format!(
                "{}'s {timer:?} timer fires: it {does}",
                server_name(*server)
            )
        }
        Action::ClientTimer { user, timer } => {
            format!("{}'s {timer:?} timer fires", Party::Client(*user))
        }
        Action::Wish { user } => {
            let user_of = &world.setup().users[*user];
            let wish = before.users[*user].next_wish(user_of);
            format!(
                "{} {}",
                Party::Client(*user),
                wish.map_or_else(String::new, tell_wish)
            )
        }
        Action::Sync { server } => {
            format!("{}'s oldest save reaches its disk", server_name(*server))
        }
        Action::Story
        | Action::Cut { .. }
        | Action::Heal
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::LoseDisk { .. } => match world.event(before, action) {
            Some(event) => tell_event(event),
            None => action.to_string(),
        },
    }
}

/// What a server does when a timer fires.
pub(crate) fn does(timer: Timer) -> &'static str {
    match timer {
        Timer::Retry => "wants a parent",
        Timer::Probe => "looks for a better tree",
        Timer::Announce => "says how many clients it has",
        Timer::Renew => "says again how many clients it has",
        Timer::Floor => "says up to where it has everything",
        Timer::Patience => "waits one tick less for what doesn't move",
        Timer::Drain => "sends clients on, and leaves if none is left",
        Timer::Age => "counts what waits as one tick older",
    }
}

fn tell_event(event: Event) -> String {
    match event {
        Event::Cut(ways) => format!("the network is cut: {ways}"),
        Event::Heal => "the network heals".to_owned(),
        Event::Crash(number) => format!("s{number} crashes"),
        Event::Restart(number) => format!("s{number} starts again"),
        Event::Drain(server) => format!("the operator of s{server} stops it"),
        Event::Forget { at, server } => format!("an operator gives s{server} up, at s{at}"),
        Event::LoseDisk(number) => format!("s{number} loses its disk"),
        Event::Blurt { server, line } => {
            format!("s{server} says {} to its clients", label::line(&line))
        }
    }
}

/// Why a step was possible, where that isn't plain.
fn why(world: &World, before: &State, action: &Action) -> Option<String> {
    match action {
        Action::Deliver { link, end } => {
            let connection = connection(before, *link)?;
            let other = connection.ends[1 - end].party;
            if connection.ends[*end].deaf {
                Some("it had come in before the link broke".to_owned())
            } else if connection.ends[1 - end].phase == Phase::Gone {
                Some(format!("{other} had said it before it let go of the link"))
            } else {
                None
            }
        }
        Action::Down { link, end } => Some(loss(before, connection(before, *link)?, *end)),
        Action::Unreachable { party, address } => Some(failure(world, before, *party, address)),
        Action::Up { .. }
        | Action::Received { .. }
        | Action::Register { .. }
        | Action::Return { .. }
        | Action::Leave { .. }
        | Action::Timer { .. }
        | Action::ClientTimer { .. }
        | Action::Wish { .. }
        | Action::Sync { .. }
        | Action::Story
        | Action::Cut { .. }
        | Action::Heal
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::LoseDisk { .. } => None,
    }
}

/// What occurs in a step, apart from what [`what`] says of it anyway.
fn occurs(world: &World, before: &State, action: &Action) -> Vec<String> {
    let plain = match action {
        Action::Deliver { link, end } => {
            in_flight(before, *link, *end).map_or("", |flight| label::line(flight.line))
        }
        Action::Down { .. } => "link down",
        Action::Unreachable { .. } => "unreachable",
        Action::Timer { timer, .. } => label::timer(*timer),
        Action::ClientTimer { timer, .. } => label::client_timer(*timer),
        Action::Register { .. } => "guest asks",
        Action::Return { .. } => "guest returns",
        Action::Leave { .. } => "guest leaves",
        Action::Up { .. } | Action::Received { .. } | Action::Wish { .. } => "",
        Action::Sync { .. }
        | Action::Story
        | Action::Cut { .. }
        | Action::Heal
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::LoseDisk { .. } => return Vec::new(),
    };
    let mut seen = Seen::default();
    world.step(before, action.clone(), &mut seen);
    let labels = seen.labels().filter(|label| *label != plain);
    labels.map(str::to_owned).collect()
}

/// Why a link is gone at one end.
fn loss(state: &State, connection: &Connection, end: usize) -> String {
    let [this, other] = [connection.ends[end].party, connection.ends[1 - end].party];
    if !connection.ends[end].deaf {
        return format!("{other} has closed it");
    }
    if !is_running(state, other) {
        return format!("{other} is not running any more");
    }
    match is_cut(state, this, other) {
        true => "the way between them is cut".to_owned(),
        false => "it broke earlier, and a link that broke stays broken".to_owned(),
    }
}

/// Why a dial fails.
fn failure(world: &World, state: &State, dialer: Party, address: &Address) -> String {
    let Some(server) = server_at(world, address) else {
        return "nobody has that address".to_owned();
    };
    let acceptor = Party::Server(server);
    if !is_running(state, acceptor) {
        format!("{acceptor} is not running")
    } else if is_cut(state, dialer, acceptor) {
        "the way between them is cut".to_owned()
    } else {
        "the link broke before it was up".to_owned()
    }
}

/// What differs between two states, links apart: these are told by what happens on them.
fn changed(before: &State, after: &State) -> Vec<String> {
    let [was, is] = [before, after].map(shape::Shape::of);
    let mut told = Vec::new();
    for (label, now) in is.parts() {
        let label = label.as_deref().unwrap_or_default();
        let Some(then) = was.part(label) else {
            continue;
        };
        match label {
            "links" => {}
            "servers" | "users" | "guests" => {
                for (index, ((_, then), (_, now))) in
                    then.parts().iter().zip(now.parts()).enumerate()
                {
                    let party = match label {
                        "servers" => Party::Server(index),
                        "users" => Party::Client(index),
                        _ => Party::Guest(index),
                    };
                    told.extend(differences(&party.to_string(), then, now));
                }
            }
            _ => told.extend(differences(label, then, now)),
        }
    }
    told
}

/// What differs of somebody, or something.
pub(crate) fn differences(whose: &str, was: &shape::Shape, is: &shape::Shape) -> Vec<String> {
    let differences = was.differences(is);
    differences.iter().map(|it| tell(whose, it)).collect()
}

fn tell(whose: &str, difference: &shape::Difference) -> String {
    // A process and its actor's state are what everybody means.
    let mut place = difference.place.as_slice();
    while let [first, rest @ ..] = place
        && !rest.is_empty()
        && matches!(first.as_str(), "process" | "state")
    {
        place = rest;
    }
    let place = match place {
        [] => whose.to_owned(),
        _ => format!("{whose} {}", place.join(".")),
    };
    match (&difference.was, &difference.is) {
        (Some(was), Some(is)) => format!("{place}: {was} → {is}"),
        (Some(was), None) => format!("{place}: − {was}"),
        (None, Some(is)) => format!("{place}: + {is}"),
        (None, None) => place,
    }
}

fn tell_wish(wish: &Wish) -> String {
    match wish {
        Wish::Ask(ask) | Wish::Then(ask) => format!("wants: {}", shape::Shape::of(ask).brief()),
        Wish::Die => "dies".to_owned(),
        Wish::Start(_) => "starts again".to_owned(),
    }
}

fn connection(state: &State, link: usize) -> Option<&Connection> {
    state.links.get(link)?.as_deref()
}

/// Who holds a link's ends: dialer, acceptor.
fn ends(state: &State, link: usize) -> [Party; 2] {
    connection(state, link)
        .expect("an action names a link that exists")
        .ends
        .each_ref()
        .map(|end| end.party)
}

fn server_name(server: usize) -> Party {
    Party::Server(server)
}

fn server_at(world: &World, address: &Address) -> Option<usize> {
    let mut servers = world.setup().servers.iter();
    servers.position(|config| config.address == *address)
}

/// Who is meant by an address.
fn host(world: &World, address: &Address) -> String {
    server_at(world, address).map_or_else(
        || address.to_string(),
        |server| Party::Server(server).to_string(),
    )
}

fn is_running(state: &State, party: Party) -> bool {
    match party {
        Party::Server(server) => {
            let process = state.servers[server].process.as_ref();
            process.is_some_and(|process| process.state.halted.is_none())
        }
        Party::Client(user) => state.users[user].process.is_some(),
        Party::Guest(_) => true,
    }
}

fn is_cut(state: &State, one: Party, other: Party) -> bool {
    match (one, other) {
        (Party::Server(one), Party::Server(other)) => {
            state.cut.includes(one, other) || state.cut.includes(other, one)
        }
        (Party::Client(_) | Party::Guest(_), _) | (_, Party::Client(_) | Party::Guest(_)) => false,
    }
}

/// How a story begins: who is whose parent.
pub fn beginning(state: &State) -> String {
    let states = state.servers.iter().map(|machine| {
        let process = machine.process.as_ref()?;
        Some(&*process.state)
    });
    places((0..).map(server_name).zip(states))
}

/// Who is whose parent.
pub(crate) fn places<'a, N: Display>(
    servers: impl Iterator<Item = (N, Option<&'a node::State>)>,
) -> String {
    let places = servers.map(|(server, state)| match state {
        None => format!("{server} is down"),
        Some(state) => match state.tree.path().first() {
            Some(parent) => format!("{server} is a child of {}", parent.name),
            None => format!("{server} has no parent"),
        },
    });
    places.collect::<Vec<_>>().join("; ")
}

/// How much of a story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What happens.
    Steps,
    /// Also what differs after each step.
    Changes,
}

/// A story as numbered steps.
pub fn text(story: &[Step], detail: Detail) -> String {
    let numbered = (1..).zip(story);
    numbered
        .map(|(number, step)| format!("{number:>4}. {}\n", step.text(detail)))
        .collect()
}

impl Step {
    /// The step in words, what it did first.
    pub fn text(&self, detail: Detail) -> String {
        let mut text = self.what.clone();
        if let Some(why) = &self.why {
            text.push_str(&format!("\n        because {why}"));
        }
        if !self.occurs.is_empty() {
            text.push_str(&format!("\n        ({})", self.occurs.join(", ")));
        }
        for then in &self.then {
            text.push_str(&format!("\n        {then}"));
        }
        if detail == Detail::Changes {
            for changed in &self.changed {
                text.push_str(&format!("\n      · {changed}"));
            }
        }
        text
    }
}

#[cfg(test)]
pub(crate) mod tests;

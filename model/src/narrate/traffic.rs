//! What happens on the links in a step: dials, lines on their way, closes, breaks.

use crate::message::Line;
use crate::world::link::{Connection, Party, Phase};

use crate::world::{Action, Event, State, World, label};

/// A line on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight<'a> {
    /// The link's number.
    pub(crate) link: usize,
    /// The end that it comes to.
    pub(crate) end: usize,
    /// Who said it.
    pub(crate) from: Party,
    /// Who will hear it.
    pub(crate) to: Party,
    /// What it says.
    pub(crate) line: &'a Line,
}

/// The line that one end of a link hears next.
pub(crate) fn in_flight(state: &State, link: usize, end: usize) -> Option<Flight<'_>> {
    let connection = state.links.get(link)?.as_deref()?;
    let line = connection.ends[end].inbox.first()?;
    Some(flight(connection, link, end, line))
}

/// The lines that a step put on their way.
pub(crate) fn sent<'a>(before: &State, action: &Action, after: &'a State) -> Vec<Flight<'a>> {
    let mut flights = Vec::new();
    for (link, connection) in connections(after) {
        for end in 0..2 {
            let known = known_lines(before, action, link, end);
            let inbox = &connection.ends[end].inbox;
            let new = inbox.iter().skip(known);
            flights.extend(new.map(|line| flight(connection, link, end, line)));
        }
    }
    flights
}

/// What follows from a step on the links.
pub(super) fn then(world: &World, before: &State, action: &Action, after: &State) -> Vec<String> {
    let mut told = dials(before, after);
    let said = sent(before, action, after);
    told.extend(said.iter().map(|flight| {
        let Flight { from, to, line, .. } = flight;
        format!("{from} says {} to {to}", label::line(line))
    }));
    told.extend(breaks(world, before, action, after));
    told
}

fn dials(before: &State, after: &State) -> Vec<String> {
    let is_new = |link: &usize| !matches!(before.links.get(*link), Some(Some(_)));
    let new = connections(after).filter(|(link, _)| is_new(link));
    new.map(|(link, connection)| {
        let [dialer, acceptor] = connection.ends.each_ref().map(|end| end.party);
        let progress = match &connection.ends[0].phase {
            Phase::Dialing(_) => "dials",
            Phase::Ringing | Phase::Open | Phase::Gone => "reaches",
        };
        format!("{dialer} {progress} {acceptor}, link {link}")
    })
    .collect()
}

/// Links that somebody lets go of, or that break.
fn breaks(world: &World, before: &State, action: &Action, after: &State) -> Vec<String> {
    let event = world.event(before, action);
    let mut told = Vec::new();
    for (link, was) in connections(before) {
        let is = after.links.get(link).and_then(Option::as_deref);
        for end in 0..2 {
            let [this, other] = [was.ends[end].party, was.ends[1 - end].party];
            let is_end = is.map(|is| &is.ends[end]);
            let is_open = matches!(was.ends[end].phase, Phase::Open | Phase::Dialing(_));
            let is_gone = is_end.is_none_or(|end| end.phase == Phase::Gone);
            if is_open && is_gone && lets_go(event.as_ref(), action, link, end, this) {
                told.push(format!("{this} closes link {link} to {other}"));
            } else if !was.ends[end].deaf && is_end.is_some_and(|end| end.deaf) {
                told.push(format!(
                    "link {link} is broken for {this}, who doesn't know yet"
                ));
            }
        }
    }
    told
}

/// Whether an end that is gone after a step is so because its holder closed it.
fn lets_go(event: Option<&Event>, action: &Action, link: usize, end: usize, holder: Party) -> bool {
    if let Some(event) = event {
        return match event {
            Event::Cut(_) => false,
            Event::Crash(number) => holder != Party::Server(*number - 1),
            Event::Heal
            | Event::Restart(_)
            | Event::LoseDisk(_)
            | Event::Blurt { .. }
            | Event::Forget { .. }
            | Event::Drain(_) => true,
        };
    }
    let notices = Action::Down { link, end } == *action;
    let fails = matches!(action, Action::Unreachable { party, .. } if *party == holder);
    !notices && !fails
}

/// How many of the lines at one end after a step were there before.
fn known_lines(before: &State, action: &Action, link: usize, end: usize) -> usize {
    let connection = before.links.get(link).and_then(Option::as_deref);
    let known = connection.map_or(0, |connection| connection.ends[end].inbox.len());
    let heard = Action::Deliver { link, end } == *action;
    known - usize::from(heard)
}

fn connections(state: &State) -> impl Iterator<Item = (usize, &Connection)> {
    let links = state.links.iter().enumerate();
    links.filter_map(|(link, connection)| Some((link, connection.as_deref()?)))
}

fn flight<'a>(connection: &Connection, link: usize, end: usize, line: &'a Line) -> Flight<'a> {
    Flight {
        link,
        end,
        from: connection.ends[1 - end].party,
        to: connection.ends[end].party,
        line,
    }
}

//! An incident as a sequence diagram.

use super::{Event, Happened, Incident};
use crate::diagram::{Diagram, Mark, Row};
use crate::node::Order;
use crate::port::Input;
use crate::world::label;

/// Draws the first events; `says` tells one in words.
pub(super) fn draw(
    incident: &Incident,
    upto: usize,
    mut says: impl FnMut(usize) -> String,
) -> Diagram {
    let servers = &incident.servers;
    let mut alive: Vec<bool> = servers.iter().map(|it| it.process.is_some()).collect();
    let mut rows = Vec::new();
    for (number, event) in incident.events[..upto].iter().enumerate() {
        if let Some(alive) = alive.get_mut(event.server) {
            match event.happened {
                Happened::Started { .. } => *alive = true,
                Happened::Stopped => *alive = false,
                Happened::Input(_) | Happened::Timer(_) | Happened::Saved { .. } => {}
            }
        }
        rows.push(Row {
            mark: mark(event),
            says: says(number),
            alive: alive.clone(),
            cut: false,
        });
    }
    Diagram {
        lanes: servers.iter().map(|it| it.name.to_string()).collect(),
        rows,
    }
}

fn mark(event: &Event) -> Mark {
    let at = event.server;
    let alone = |label: &str| Mark::Alone {
        at,
        label: label.to_owned(),
    };
    match &event.happened {
        Happened::Started { .. } => Mark::Started { at },
        Happened::Stopped => Mark::Stopped {
            at,
            label: "stops".to_owned(),
        },
        Happened::Timer(timer) => alone(&format!("{timer:?}")),
        Happened::Saved { .. } => alone("saved"),
        Happened::Input(input) => match (&**input, event.far) {
            (Input::Line { line, .. }, Some(far)) => Mark::Heard {
                from: far.server,
                to: at,
                label: label::line(line).to_owned(),
                said: far.said,
            },
            (Input::Up { .. }, Some(far)) => Mark::Reached {
                from: at,
                to: far.server,
            },
            (Input::Down { .. }, Some(far)) => Mark::Lost {
                at,
                other: far.server,
            },
            (Input::Line { link, line }, None) => {
                alone(&format!("{} {}", link.0, label::line(line)))
            }
            (Input::Up { link, .. }, None) => alone(&format!("{} up", link.0)),
            (Input::Down { link }, None) => alone(&format!("{} down", link.0)),
            (Input::Received { .. }, _) => alone("received"),
            (Input::Unreachable { .. }, _) => alone("unreachable"),
            (Input::Ask(Order::Drain), _) => alone("drain"),
            (Input::Ask(Order::Forget { .. }), _) => alone("forget"),
        },
    }
}

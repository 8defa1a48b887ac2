//! An incident in the Explorer: one way and no choice, for it is what has happened.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use stateright::{Model, Path, Property};

use crate::incident::Played;
use crate::narrate::{Detail, shape::Shape};
use crate::property::{self, Kind};

/// An incident with words.
#[derive(Clone, Debug)]
pub struct Relived {
    played: Arc<Played>,
    /// Whether all had come to rest at its end.
    is_settled: bool,
}

/// The moment after so many of its events.
#[derive(Clone)]
pub struct Moment {
    played: Arc<Played>,
    after: usize,
}

/// The next event.
#[derive(Clone, PartialEq, Eq)]
pub struct Next(String);

impl Relived {
    /// Prepares it to be shown, if all had come to rest at its end or not.
    pub fn new(played: Played, is_settled: bool) -> Self {
        Self {
            played: Arc::new(played),
            is_settled,
        }
    }

    /// Whether each property holds that is looked at; before the end nothing is said of convergence.
    fn judged(&self, after: usize) -> Vec<(&'static property::Property, bool)> {
        let is_settled = self.is_settled && after == self.played.len();
        self.played.properties(after, is_settled)
    }

    fn what(&self, event: usize) -> Option<String> {
        let step = self.played.story().get(event)?;
        Some(step.what.clone())
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.after == other.after
    }
}

impl Eq for Moment {}

impl Hash for Moment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.after.hash(state);
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.played.moment(self.after);
        let names = self.played.incident().servers.iter();
        for (server, process) in names.zip(servers) {
            let state = process.as_ref().map(|process| &process.state);
            write!(f, "{}: {}", server.name, Shape::of(&state))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Model for Relived {
    type State = Moment;
    type Action = Next;

    fn init_states(&self) -> Vec<Moment> {
        vec![Moment {
            played: Arc::clone(&self.played),
            after: 0,
        }]
    }

    fn actions(&self, moment: &Moment, actions: &mut Vec<Next>) {
        actions.extend(self.what(moment.after).map(Next));
    }

    fn next_state(&self, moment: &Moment, _: Next) -> Option<Moment> {
        let after = moment.after + 1;
        (after <= self.played.len()).then(|| Moment {
            after,
            ..moment.clone()
        })
    }

    /// The Explorer shows this in place of the state, unless it is asked for the complete one.
    fn format_step(&self, moment: &Moment, _: Next) -> Option<String> {
        let mut step = self.played.story().get(moment.after)?.clone();
        step.changed = self.played.changed(moment.after);
        let mut text = step.text(Detail::Changes);
        text.push('\n');
        for (property, holds) in self.judged(moment.after + 1) {
            let sign = if holds { '✓' } else { '✗' };
            text.push_str(&format!("\n{sign} {}", property.name));
        }
        Some(text)
    }

    fn as_svg(&self, path: Path<Moment, Next>) -> Option<String> {
        let after = path.last_state().after;
        Some(self.played.diagram(after).svg())
    }

    /// As of a world. The page shows nothing at all of a model without properties.
    fn properties(&self) -> Vec<Property<Self>> {
        let judged = self.judged(self.played.len());
        let is_judged = |row: &property::Property| judged.iter().any(|(it, _)| it.name == row.name);
        let rows = property::ALL.iter().zip(CONDITIONS.iter().copied());
        rows.filter(|(row, _)| is_judged(row))
            .map(|(row, condition)| match row.kind {
                Kind::Safety => Property::always(row.name, condition),
                Kind::Convergence => Property::sometimes(row.name, condition),
            })
            .collect()
    }
}

const CONDITIONS: &[fn(&Relived, &Moment) -> bool] = conditions!(holds);

/// Whether a row of the table holds, as far as anything is known of it.
fn holds<const ROW: usize>(relived: &Relived, moment: &Moment) -> bool {
    let name = property::ALL.get(ROW).map(|row| row.name);
    let judged = relived.judged(moment.after);
    let broken = |(row, holds): &(&property::Property, bool)| Some(row.name) == name && !holds;
    !judged.iter().any(broken)
}

//! Ways in which a runtime could break its promises: for tests that see each of them found in a recording.

use std::cell::Cell;

use regrow_model::message::{Line, Peer};
use regrow_model::port::Link;

use super::Event;

/// A promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// What waits for a save is sent at once.
    SendsBeforeSaved,
    /// Timers that are set are forgotten.
    ForgetsTimers,
    /// Of two lines that one server sent, the second is handed over first.
    Reorders,
    /// What came over a connection that has ended is handed over once more, as if the next one had carried it.
    CrossesConnections,
}

thread_local! {
    static NEXT: Cell<Option<Flaw>> = const { Cell::new(None) };
}

/// Breaks a promise of the runtime that is started next on this thread.
pub(crate) fn break_next(flaw: Flaw) {
    NEXT.set(Some(flaw));
}

/// What a runtime breaks, and what it has put aside for it.
pub(super) struct Broken {
    flaw: Option<Flaw>,
    aside: Option<(Link, Line)>,
    is_done: bool,
}

impl Broken {
    pub(super) fn next() -> Self {
        Self {
            flaw: NEXT.take(),
            aside: None,
            is_done: false,
        }
    }

    pub(super) fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The events that are handed over in the place of this one.
    pub(super) fn bend(&mut self, event: Event) -> Vec<Event> {
        let Event::Line { link, line } = &event else {
            return vec![event];
        };
        if self.is_done || !matches!(line, Line::Peer(_)) {
            return vec![event];
        }
        let this = (*link, line.clone());
        match self.flaw {
            Some(Flaw::Reorders) => match self.aside.take() {
                Some((link, line)) if link == this.0 => {
                    self.is_done = true;
                    vec![event, Event::Line { link, line }]
                }
                Some((link, line)) => {
                    self.aside = Some(this);
                    vec![Event::Line { link, line }]
                }
                // Whoever joins says one line and waits.
                None if matches!(&this.1, Line::Peer(peer) if is_awaited(peer)) => vec![event],
                None => {
                    self.aside = Some(this);
                    Vec::new()
                }
            },
            Some(Flaw::CrossesConnections) => match self.aside.replace(this.clone()) {
                Some((before, line)) if before != this.0 => {
                    self.is_done = true;
                    let link = this.0;
                    vec![event, Event::Line { link, line }]
                }
                Some(_) | None => vec![event],
            },
            Some(Flaw::SendsBeforeSaved | Flaw::ForgetsTimers) | None => vec![event],
        }
    }
}

/// Whether nothing follows it by itself.
fn is_awaited(peer: &Peer) -> bool {
    matches!(peer, Peer::Authenticate(_))
}

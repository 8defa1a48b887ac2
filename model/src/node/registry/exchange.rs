//! What a neighbour's directory lacks, in bounded chunks (`docs/protocol.md`, Usernames: Exchange).
//! A vector in HELLO says what the neighbour has; from then on this server keeps count of what it has sent, so an
//! edge that comes up costs what differs and a new record costs one message per edge.
//!
//! ```text
//!              HELLO                        nothing lacking
//!   silent ───────────▶ sending ◀────────────────────────────▶ even
//!                        │   ▲      a stream has moved on
//!           no credit    ▼   │ DIRECTORY_CREDIT
//!                       waiting
//! ```

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::super::delivery::vector;
use super::super::window::Window;
use super::super::{State, Step};
use crate::message::client::Vector;
use crate::message::server::{Changes, Record};
use crate::message::{Peer, Stream, Username};
use crate::port::Link;

/// What passes over one edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exchange {
    /// What the neighbour has, or will have once it has taken in what was sent; unknown before its HELLO.
    pub has: Option<Vector>,
    /// Streams of which it lacks something.
    pub lacking: BTreeSet<Stream>,
    /// How many more DIRECTORY may be on their way.
    pub window: Window,
}

impl Exchange {
    pub(super) fn new(window_chunks: u32) -> Self {
        Self {
            has: None,
            lacking: BTreeSet::new(),
            window: Window::new(Some(window_chunks)),
        }
    }

    /// Whether there is nothing that the neighbour lacks and has not been sent.
    pub(super) fn has_been_sent_all(&self) -> bool {
        self.has.is_some() && self.lacking.is_empty()
    }

    fn has(&self, stream: &Stream) -> u64 {
        self.has.as_ref().map_or(0, |has| vector::at(has, stream))
    }
}

/// HELLO: what differs follows.
pub(super) fn begin(s: &mut State, link: Link, theirs: &Vector, step: &mut Step<'_>) {
    let Some(exchange) = s.registry.edges.get_mut(&link) else {
        return;
    };
    // Who errs may say HELLO twice: what counts is what it said last.
    exchange.lacking.clear();
    let mut has = theirs.clone();
    for (stream, _) in vector::beyond(&s.durable.registry.vector, theirs) {
        let after = (step.rules.registry.resumes_after)(vector::at(theirs, &stream));
        has.insert(stream.clone(), after);
        exchange.lacking.insert(stream);
    }
    exchange.has = Some(has);
    let ahead: Vec<_> = s.registry.index.ahead().cloned().collect();
    for username in ahead {
        send_ahead(s, link, &username, step);
    }
    pump(s, link, step);
}

/// A stream has moved on: every neighbour that has said HELLO hears of it.
pub(super) fn flood(s: &mut State, stream: &Stream, step: &mut Step<'_>) {
    let upto = s.durable.registry.complete(stream);
    let mut edges = Vec::new();
    for (link, exchange) in &mut s.registry.edges {
        let has = exchange.has.as_ref();
        if has.is_some_and(|has| vector::at(has, stream) < upto) {
            exchange.lacking.insert(stream.clone());
            edges.push(*link);
        }
    }
    for link in edges {
        pump(s, link, step);
    }
}

/// Of the names that have just entered, those whose record runs ahead of its stream: every neighbour hears of them,
/// for whoever knows what precedes them may be gone for good.
pub(super) fn flood_ahead(
    s: &mut State,
    from: Option<Link>,
    entered: &[Username],
    step: &mut Step<'_>,
) {
    for username in entered {
        let links: Vec<_> = s.registry.edges.keys().copied().collect();
        for link in links.into_iter().filter(|link| Some(*link) != from) {
            send_ahead(s, link, username, step);
        }
    }
}

/// A DIRECTORY has come from this neighbour: it has what it sends, and may send another.
pub(super) fn on_taken_in(s: &mut State, link: Link, changes: &Changes, step: &mut Step<'_>) {
    let Some(exchange) = s.registry.edges.get_mut(&link) else {
        return;
    };
    if let Some(has) = &mut exchange.has {
        vector::raise(has, &changes.stream, changes.upto);
    }
    if exchange.has(&changes.stream) >= s.durable.registry.complete(&changes.stream) {
        exchange.lacking.remove(&changes.stream);
    }
    let size = Some(step.rules.registry.limits.window_chunks);
    if let Some(chunks) = exchange.window.take_in(size) {
        step.say(link, Peer::DirectoryCredit { chunks });
    }
}

/// DIRECTORY_CREDIT.
pub(super) fn on_credit(s: &mut State, link: Link, chunks: u32, step: &mut Step<'_>) {
    if let Some(exchange) = s.registry.edges.get_mut(&link) {
        let size = Some(step.rules.registry.limits.window_chunks);
        exchange.window.grant(chunks, size);
        pump(s, link, step);
    }
}

/// Sends what is lacking, as far as the credit goes.
fn pump(s: &mut State, link: Link, step: &mut Step<'_>) {
    while let Some(exchange) = s.registry.edges.get_mut(&link)
        && exchange.window.is_open()
        && let Some(stream) = exchange.lacking.first().cloned()
    {
        let after = exchange.has(&stream);
        let upto = s.durable.registry.complete(&stream);
        let most = step.rules.registry.limits.chunk_records;
        let (found, reached) = s.registry.index.names(&stream, after, upto, most);
        if reached == upto {
            exchange.lacking.remove(&stream);
        }
        if let Some(has) = &mut exchange.has {
            has.insert(stream.clone(), reached);
        }
        exchange.window.send();
        let changes = changes(s, stream, after..reached, found, step);
        step.say(link, Peer::Directory(Box::new(changes)));
    }
}

/// One record ahead of its stream. It is rare and small, so it takes no credit; what it says stays true if it is said twice.
fn send_ahead(s: &State, link: Link, username: &Username, step: &mut Step<'_>) {
    let records = records(s, [username.clone()]);
    let ahead = records
        .first()
        .filter(|(_, record)| s.registry.index.is_ahead(&record.registration));
    let Some((_, record)) = ahead else {
        return;
    };
    let changes = Changes {
        stream: record.registration.origin.clone(),
        after: 0,
        upto: 0,
        records,
        lost: Vec::new(),
    };
    step.say(link, Peer::Directory(Box::new(changes)));
}

/// Changes of a stream, those found in this range of it. Of one that has lost since goes who has won: the winner's own stream may come after a
/// break of the link, and until then the neighbour would claim a change without knowing of the name.
fn changes(
    s: &State,
    stream: Stream,
    range: Range<u64>,
    found: Vec<(u64, Username)>,
    step: &Step<'_>,
) -> Changes {
    let is_lost = |number: &u64| {
        let lost = &s.durable.registry.lost;
        lost.contains_key(&(stream.clone(), *number))
    };
    let (lost, held): (Vec<_>, Vec<_>) = found.into_iter().partition(|(number, _)| is_lost(number));
    let lost = if (step.rules.registry.names_winners)() {
        lost
    } else {
        Vec::new()
    };
    let names = held.iter().chain(&lost).map(|(_, name)| name.clone());
    // One name may have been lost more than once.
    let names: BTreeSet<_> = names.collect();
    Changes {
        after: range.start,
        upto: range.end,
        records: records(s, names),
        lost,
        stream,
    }
}

fn records(s: &State, names: impl IntoIterator<Item = Username>) -> Vec<(Username, Record)> {
    let records = &s.durable.registry.records;
    let held = names.into_iter().filter_map(|name| {
        let record = records.get(&name)?.clone();
        Some((name, record))
    });
    held.collect()
}

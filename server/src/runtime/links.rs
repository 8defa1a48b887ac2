//! The links that the actor has, and the sends that wait for its saves.
//!
//! A line is written down once. What goes to many links is written on one sheet, what goes to one link on another, and
//! a link remembers which parts of them it gets: so many lines to the same many links cost each of them one part.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use regrow_model::message::{Line, Reply};
use regrow_model::port::Link;

use super::sheet::{Mark, Passage, Printed, Sheet};
use super::{Far, Outbox, Waiting};

/// How much is written before it goes to the transport, in bytes: it is kept as a whole until the last link has it.
pub(super) const SHEET: usize = 256 << 10;

/// Up to how many sends may be held before it is looked whether their links are still there.
const PURGE: usize = 4_096;

/// Every link from its `Up` to its `Down`, and until the far end can have what was said to it before.
pub(super) struct Links {
    links: HashMap<Link, Entry, ahash::RandomState>,
    sheets: Sheets,
    /// Who hears at present what is written on the common sheet.
    audience: Vec<Link>,
    /// How many of them there are still.
    hearers: usize,
    /// Links with something held, by the save that it waits for; the numbers only grow.
    held: VecDeque<(u64, Link)>,
    /// At which length it is looked through for links that are gone.
    purge_at: usize,
    /// Links whose far end sends no more and still waits for a save, in the order in which they went down.
    left: VecDeque<Link>,
    /// Links with something to flush.
    touched: Vec<Link>,
    /// How many lines the transport was given, link by link, since somebody asked; `None` if nobody does.
    released: Option<Vec<(Link, usize)>>,
}

/// What has been said since the last flush.
#[derive(Default)]
struct Sheets {
    /// To the audience.
    common: Sheet,
    /// To single links.
    single: Sheet,
}

/// The same, to be cut up.
struct Prints {
    common: Printed,
    single: Printed,
}

struct Entry {
    outbox: Arc<Outbox>,
    /// Whether the actor still hears of it: not after its own close, and not once the link was cut.
    open: Open,
    /// Whether the far end is known to be a server.
    is_server: bool,
    /// From where on it hears the common sheet, if it is in the audience.
    listens: Option<Mark>,
    /// What goes to the outbox at the next flush.
    ready: Vec<Part>,
    /// What waits for a save, or behind such a thing.
    held: VecDeque<(u64, Part)>,
    held_bytes: usize,
    /// Whether it is among the touched.
    touched: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Carries lines both ways.
    Yes,
    /// Was cut by us: what the actor sends is lost, its `Down` is on its way.
    Cut,
    /// Was closed by the actor, which never hears of it again.
    Closed,
    /// Is down, as the actor knows, but may still carry what waits for a save.
    Left,
}

/// Something that a link gets.
enum Part {
    /// A piece of the common sheet.
    Common(Range<Mark>),
    /// A piece of the single sheet.
    Single(Range<Mark>),
    /// What has waited since an earlier flush.
    Kept(Passage),
    /// Its end.
    Close,
}

impl Links {
    /// None yet. `counts` whether somebody asks what the transport is given.
    pub(super) fn new(counts: bool) -> Self {
        Self {
            links: HashMap::default(),
            sheets: Sheets::default(),
            audience: Vec::new(),
            hearers: 0,
            held: VecDeque::new(),
            purge_at: PURGE,
            left: VecDeque::new(),
            touched: Vec::new(),
            released: counts.then(Vec::new),
        }
    }

    pub(super) fn up(&mut self, link: Link, outbox: Arc<Outbox>) {
        let entry = Entry {
            outbox,
            open: Open::Yes,
            is_server: false,
            listens: None,
            ready: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            touched: false,
        };
        self.links.insert(link, entry);
    }

    /// Whether what comes in over a link concerns the actor.
    pub(super) fn hears(&self, link: Link) -> bool {
        let open = self.links.get(&link).map(|entry| entry.open);
        matches!(open, Some(Open::Yes | Open::Cut))
    }

    /// What waits to be sent on a link, if there is that link: for the disk, or for the far end.
    pub(super) fn waiting(&self, link: Link) -> Option<Waiting> {
        let entry = self.links.get(&link)?;
        let (waiting, held) = (entry.outbox.waiting(), entry.waiting());
        Some(Waiting {
            lines: waiting.lines + held.lines,
            bytes: waiting.bytes + held.bytes,
        })
    }

    /// Forgets a link; whether the actor has to be told.
    pub(super) fn down(&mut self, link: Link) -> bool {
        // The far end may have stopped sending only: it still gets what was sent before.
        self.flush();
        self.forget_the_gone();
        let Some(entry) = self.links.get_mut(&link) else {
            return false;
        };
        let concerns = entry.open != Open::Closed;
        if entry.held.is_empty() {
            entry.outbox.finish();
            self.links.remove(&link);
        } else {
            entry.open = Open::Left;
            entry.held.push_back((0, Part::Close));
            self.left.push_back(link);
        }
        concerns
    }

    /// Forgets links whose saves take longer than the transport waits for them.
    fn forget_the_gone(&mut self) {
        while let Some(link) = self.left.front() {
            match self.links.get(link) {
                Some(entry) if Arc::strong_count(&entry.outbox) > 1 => return,
                Some(_) | None => self.links.remove(link),
            };
            self.left.pop_front();
        }
    }

    /// Sends a line, once save `barrier` is on disk. On a link that is gone it is lost with that link.
    pub(super) fn send(&mut self, link: Link, line: &Line, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        if entry.open != Open::Yes {
            return;
        }
        entry.show(line);
        let before = self.sheets.single.mark();
        self.sheets.single.write(line);
        let part = Part::Single(before..self.sheets.single.mark());
        self.put(link, part, barrier);
        self.flush_if_full();
    }

    /// Sends one line over many links.
    pub(super) fn spread(&mut self, links: Vec<Link>, line: &Line, barrier: Option<u64>) {
        if barrier.is_some() {
            for link in links {
                self.send(link, line, barrier);
            }
            return;
        }
        if self.audience != links {
            self.seat(links, line);
        }
        if self.hearers > 0 {
            self.sheets.common.write(line);
            self.flush_if_full();
        }
    }

    /// Another audience hears the common sheet from here on.
    fn seat(&mut self, links: Vec<Link>, line: &Line) {
        self.dismiss();
        let now = self.sheets.common.mark();
        for link in &links {
            if let Some(entry) = self.links.get_mut(link)
                && entry.open == Open::Yes
            {
                entry.show(line);
                entry.listens = Some(now);
                self.hearers += 1;
                entry.touch(*link, &mut self.touched);
            }
        }
        self.audience = links;
    }

    /// The audience hears no more.
    fn dismiss(&mut self) {
        self.hearers = 0;
        let now = self.sheets.common.mark();
        for link in self.audience.drain(..) {
            if let Some(entry) = self.links.get_mut(&link) {
                entry.hear_until(now);
                entry.listens = None;
            }
        }
    }

    /// Closes a link behind all that was sent on it.
    pub(super) fn close(&mut self, link: Link, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        match entry.open {
            Open::Left => {}
            Open::Yes => {
                entry.open = Open::Closed;
                self.put(link, Part::Close, barrier);
                if let Some(entry) = self.links.get_mut(&link) {
                    entry.listens = None;
                }
            }
            Open::Cut | Open::Closed => entry.open = Open::Closed,
        }
    }

    fn put(&mut self, link: Link, part: Part, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        entry.hear_until(self.sheets.common.mark());
        entry.put(part, barrier);
        entry.touch(link, &mut self.touched);
        if let Some(barrier) = barrier {
            self.held.push_back((barrier, link));
            self.purge();
        }
    }

    /// Forgets that links wait which are gone or have been cut: while a disk fails there may be any number of them.
    fn purge(&mut self) {
        if self.held.len() < self.purge_at {
            return;
        }
        let links = &self.links;
        let waits = |link: &Link| links.get(link).is_some_and(|entry| !entry.held.is_empty());
        self.held.retain(|(_, link)| waits(link));
        self.purge_at = PURGE.max(2 * self.held.len());
    }

    /// Lets go of what waited for saves up to `durable`.
    pub(super) fn release(&mut self, durable: u64) {
        while let Some((barrier, link)) = self.held.front().copied()
            && barrier <= durable
        {
            self.held.pop_front();
            let Some(entry) = self.links.get_mut(&link) else {
                continue;
            };
            while let Some((_, part)) = entry.held.pop_front_if(|(wait, _)| *wait <= durable) {
                entry.held_bytes -= part.bytes();
                entry.ready.push(part);
            }
            entry.touch(link, &mut self.touched);
        }
    }

    fn flush_if_full(&mut self) {
        let sheets = [&self.sheets.common, &self.sheets.single];
        if sheets.iter().any(|sheet| sheet.mark().bytes >= SHEET) {
            self.flush();
        }
    }

    /// Gives the transport what is ready. A link whose far end reads too slowly is cut.
    pub(super) fn flush(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        self.dismiss();
        let prints = Prints {
            common: self.sheets.common.print(),
            single: self.sheets.single.print(),
        };
        for link in self.touched.drain(..) {
            if let Some(entry) = self.links.get_mut(&link) {
                entry.touched = false;
                let lines = entry.flush(link, &prints);
                if let Some(released) = &mut self.released
                    && lines > 0
                {
                    released.push((link, lines));
                }
                if entry.open == Open::Left && entry.held.is_empty() {
                    self.links.remove(&link);
                }
            }
        }
    }

    /// How many lines the transport was given since this was asked last, link by link.
    pub(super) fn take_released(&mut self) -> Vec<(Link, usize)> {
        self.released
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Cuts every link: what was to be sent on it, or waits, is lost.
    pub(super) fn cut_all(&mut self) {
        for (_, entry) in self.links.drain() {
            entry.outbox.cut();
        }
    }

    /// Closes every link behind what was sent on it.
    pub(super) fn finish(&mut self) {
        for (_, entry) in self.links.drain() {
            entry.outbox.finish();
        }
    }
}

impl Entry {
    fn touch(&mut self, link: Link, touched: &mut Vec<Link>) {
        if !self.touched {
            self.touched = true;
            touched.push(link);
        }
    }

    /// Learns from what is said to a far end who it is.
    fn show(&mut self, line: &Line) {
        match line {
            Line::Peer(_) if !self.is_server => {
                self.is_server = true;
                self.outbox.shown(Far::Server);
            }
            Line::Reply(Reply::LoginSuccess { .. } | Reply::RegisterSuccess { .. }) => {
                self.outbox.admit();
            }
            Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => {}
        }
    }

    /// It gets what it has listened to by now, and listens on.
    fn hear_until(&mut self, now: Mark) {
        if let Some(from) = self.listens
            && from != now
        {
            self.listens = Some(now);
            self.put(Part::Common(from..now), None);
        }
    }

    /// What is held: a line or more in each part, for what came together is one.
    fn waiting(&self) -> Waiting {
        Waiting {
            lines: self.held.len(),
            bytes: self.held_bytes,
        }
    }

    /// Behind all that it gets already.
    fn put(&mut self, part: Part, barrier: Option<u64>) {
        if barrier.is_none() && self.held.is_empty() {
            self.ready.push(part);
        } else {
            self.held_bytes += part.bytes();
            self.held.push_back((barrier.unwrap_or(0), part));
        }
    }

    /// Gives the transport what is ready: so many lines.
    fn flush(&mut self, link: Link, prints: &Prints) -> usize {
        // What must wait still is kept; what was before has been cut out already.
        for (_, part) in self.held.iter_mut().rev() {
            match part {
                Part::Kept(_) => break,
                Part::Close => {}
                Part::Common(_) | Part::Single(_) => {
                    if let Some(passage) = part.cut(prints) {
                        *part = Part::Kept(passage.apart());
                    }
                }
            }
        }
        let closes = matches!(self.ready.last(), Some(Part::Close));
        let held = self.waiting();
        let mut lines = 0;
        let ready = self.ready.drain(..).filter_map(|part| part.cut(prints));
        let ready = ready.inspect(|passage| lines += passage.lines);
        let pushed = self.outbox.push(ready, held);
        if closes {
            self.outbox.finish();
        } else if pushed.is_err() {
            self.cut(link);
        }
        lines
    }

    fn cut(&mut self, link: Link) {
        tracing::warn!(event = "slow_reader", link = link.0, "cut: it doesn't read");
        if self.open == Open::Yes {
            self.open = Open::Cut;
        }
        self.held.clear();
        self.held_bytes = 0;
        self.outbox.cut();
    }
}

impl Part {
    fn bytes(&self) -> usize {
        match self {
            Self::Common(between) | Self::Single(between) => {
                between.end.bytes - between.start.bytes
            }
            Self::Kept(passage) => passage.bytes.len(),
            Self::Close => 0,
        }
    }

    /// What the transport gets of it.
    fn cut(&self, prints: &Prints) -> Option<Passage> {
        match self {
            Self::Common(between) => Some(prints.common.cut(between)),
            Self::Single(between) => Some(prints.single.cut(between)),
            Self::Kept(passage) => Some(passage.clone()),
            Self::Close => None,
        }
    }
}

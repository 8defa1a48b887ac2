//! The links that the actor has, and the sends that wait for its saves.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use regrow_model::message::Line;
use regrow_model::port::Link;

use super::codec::Encoder;
use super::{Far, Outbox};

/// Every link from its `Up` to its `Down`.
pub(super) struct Links {
    links: HashMap<Link, Entry>,
    encoder: Encoder,
    /// Links with something held, by the save that it waits for; the numbers only grow.
    held: VecDeque<(u64, Link)>,
    /// Links with something to flush.
    touched: Vec<Link>,
}

struct Entry {
    outbox: Arc<Outbox>,
    /// Whether the actor still hears of it: not after its own close, and not once the link was cut.
    open: Open,
    /// What goes to the outbox at the next flush.
    ready: Vec<Bytes>,
    /// What waits for a save, or behind such a thing.
    held: VecDeque<(u64, Parcel)>,
    held_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Carries lines both ways.
    Yes,
    /// Was cut by us: what the actor sends is lost, its `Down` is on its way.
    Cut,
    /// Was closed by the actor, which never hears of it again.
    Closed,
}

enum Parcel {
    Line(Bytes),
    Close,
}

impl Links {
    pub(super) fn new() -> Self {
        Self {
            links: HashMap::new(),
            encoder: Encoder::new(),
            held: VecDeque::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn up(&mut self, link: Link, outbox: Arc<Outbox>) {
        let entry = Entry {
            outbox,
            open: Open::Yes,
            ready: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
        };
        self.links.insert(link, entry);
    }

    /// Whether what comes in over a link concerns the actor.
    pub(super) fn hears(&self, link: Link) -> bool {
        self.links
            .get(&link)
            .is_some_and(|entry| entry.open != Open::Closed)
    }

    /// Forgets a link; whether the actor has to be told.
    pub(super) fn down(&mut self, link: Link) -> bool {
        let Some(entry) = self.links.remove(&link) else {
            return false;
        };
        // The far end may have stopped sending only: it still gets what was sent before.
        let _ = entry.outbox.push(entry.ready, 0);
        entry.outbox.finish();
        entry.open != Open::Closed
    }

    /// Sends a line, once save `barrier` is on disk. On a link that is gone it is lost with that link.
    pub(super) fn send(&mut self, link: Link, line: Line, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        if entry.open != Open::Yes {
            return;
        }
        match &line {
            Line::Peer(_) => entry.outbox.shown(Far::Server),
            Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => {}
        }
        if let Some(bytes) = self.encoder.encode(line) {
            self.put(link, Parcel::Line(bytes), barrier);
        }
    }

    /// Closes a link behind all that was sent on it.
    pub(super) fn close(&mut self, link: Link, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        let open = std::mem::replace(&mut entry.open, Open::Closed);
        match open {
            Open::Yes => self.put(link, Parcel::Close, barrier),
            Open::Cut | Open::Closed => {}
        }
    }

    fn put(&mut self, link: Link, parcel: Parcel, barrier: Option<u64>) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        if barrier.is_none() && entry.held.is_empty() {
            if entry.ready.is_empty() {
                self.touched.push(link);
            }
            entry.depart(parcel);
            return;
        }
        if let Parcel::Line(bytes) = &parcel {
            entry.held_bytes += bytes.len();
        }
        entry.held.push_back((barrier.unwrap_or(0), parcel));
        if let Some(barrier) = barrier {
            self.held.push_back((barrier, link));
        }
        self.touched.push(link);
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
            while let Some((_, parcel)) = entry.held.pop_front_if(|(wait, _)| *wait <= durable) {
                if let Parcel::Line(bytes) = &parcel {
                    entry.held_bytes -= bytes.len();
                }
                entry.depart(parcel);
            }
            self.touched.push(link);
        }
    }

    /// Gives the transport what is ready. A link whose far end reads too slowly is cut.
    pub(super) fn flush(&mut self) {
        for link in self.touched.drain(..) {
            if let Some(entry) = self.links.get_mut(&link) {
                entry.flush(link);
            }
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
    fn depart(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Line(bytes) => self.ready.push(bytes),
            Parcel::Close => {
                let _ = self.outbox.push(self.ready.drain(..), 0);
                self.outbox.finish();
            }
        }
    }

    fn flush(&mut self, link: Link) {
        let pushed = self.outbox.push(self.ready.drain(..), self.held_bytes);
        if pushed.is_err() {
            tracing::warn!(event = "slow_reader", link = link.0, "cut: it doesn't read");
            if self.open == Open::Yes {
                self.open = Open::Cut;
            }
            self.held.clear();
            self.held_bytes = 0;
            self.outbox.cut();
        }
    }
}

//! The way out of one link: filled by the runtime, emptied by the transport.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::Passage;

/// How much may wait in one outbox.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Lines.
    pub lines: usize,
    /// Bytes, those that are being written included.
    pub bytes: usize,
}

/// What is to become of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Open,
    /// It ends when what waits has been written.
    Finishing,
    /// It ends now.
    Cut,
}

/// Who is at the far end, as far as what was said on the link has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// Nobody has said anything yet.
    Unknown,
    /// A client that doesn't say itself what it has received: the kernel must.
    LegacyClient,
    /// A client that says what it has received, or a server to which we are a client.
    Client,
    /// A server, as we are: both ends send heartbeats.
    Server,
}

/// Lines to a link's far end, and what both sides of the runtime know of the link.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    status: watch::Sender<(Fate, Far)>,
    bound: Bound,
}

#[derive(Debug, Default)]
struct Queue {
    passages: VecDeque<Passage>,
    /// How many lines they are.
    lines: usize,
    bytes: usize,
}

/// The outbox is full: its far end reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Outbox {
    /// An empty one.
    pub fn new(bound: Bound) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Notify::new(),
            status: watch::Sender::new((Fate::Open, Far::Unknown)),
            bound,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines, in order. `held` bytes wait elsewhere to come after them and count as well.
    ///
    /// # Errors
    /// When they exceed the bound; some may have been added.
    pub fn push(
        &self,
        passages: impl IntoIterator<Item = Passage>,
        held: usize,
    ) -> Result<(), Full> {
        let mut queue = self.lock();
        let before = queue.passages.len();
        for passage in passages {
            queue.lines += passage.lines;
            queue.bytes += passage.bytes.len();
            queue.passages.push_back(passage);
        }
        let more = queue.passages.len() > before;
        let full = queue.lines > self.bound.lines || queue.bytes + held > self.bound.bytes;
        drop(queue);
        if more {
            self.filled.notify_one();
        }
        if full { Err(Full) } else { Ok(()) }
    }

    /// Waits until there are lines and takes them all; `None` when all are taken and no more will come.
    /// Cancel safe. For one taker.
    pub async fn take(&self) -> Option<VecDeque<Passage>> {
        loop {
            // Asked before the queue is looked at: what was pushed before a finish is seen.
            let finished = self.fate() != Fate::Open;
            let passages = self.empty();
            if !passages.is_empty() {
                return Some(passages);
            }
            if finished {
                return None;
            }
            self.filled.notified().await;
        }
    }

    fn empty(&self) -> VecDeque<Passage> {
        let mut queue = self.lock();
        queue.lines = 0;
        std::mem::take(&mut queue.passages)
    }

    /// Says that bytes which were taken have been written.
    pub fn written(&self, bytes: usize) {
        let mut queue = self.lock();
        queue.bytes = queue.bytes.saturating_sub(bytes);
    }

    /// Ends the link when what waits has been written.
    pub fn finish(&self) {
        self.status.send_if_modified(|(fate, _)| {
            let open = *fate == Fate::Open;
            if open {
                *fate = Fate::Finishing;
            }
            open
        });
        self.filled.notify_one();
    }

    /// Ends the link now.
    pub fn cut(&self) {
        self.status.send_modify(|(fate, _)| *fate = Fate::Cut);
        self.filled.notify_one();
    }

    /// Whether and how the link is to end.
    pub fn fate(&self) -> Fate {
        self.status.borrow().0
    }

    /// Notes who the far end has shown itself to be.
    pub fn shown(&self, far: Far) {
        self.status.send_if_modified(|(_, known)| {
            let new = *known != far;
            *known = far;
            new
        });
    }

    /// Who the far end has shown itself to be.
    pub fn far(&self) -> Far {
        self.status.borrow().1
    }

    /// Waits until the link's fate and far end are so.
    pub async fn until(&self, so: impl Fn(Fate, Far) -> bool) {
        let mut status = self.status.subscribe();
        // The sender lives in self.
        let _ = status.wait_for(|(fate, far)| so(*fate, *far)).await;
    }
}

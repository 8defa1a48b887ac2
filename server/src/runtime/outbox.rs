//! The way out of one link: filled by the runtime, emptied by the transport.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Passage, Waiting};

/// How many passages may wait in an outbox that are parts of what others wait for, too. Whoever is further behind gets copies: what is
/// counted as waiting for him is then what is kept for him.
const SHARED: usize = 64;

/// How much may wait in one outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What both sides of the runtime know of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What is to become of it.
    pub fate: Fate,
    /// Who is at its far end.
    pub far: Far,
    /// Whether the actor has let the far end in.
    pub admitted: bool,
}

/// Lines to a link's far end, and what both sides of the runtime know of the link. One task waits for either to change.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    bound: Bound,
}

#[derive(Debug)]
struct State {
    passages: VecDeque<Passage>,
    /// How many lines they are.
    lines: usize,
    /// Bytes that wait or are being written.
    bytes: usize,
    status: Status,
    waits: Option<Waker>,
}

/// The outbox is full: its far end reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Outbox {
    /// An empty one.
    pub fn new(bound: Bound) -> Self {
        Self {
            state: Mutex::new(State {
                passages: VecDeque::new(),
                lines: 0,
                bytes: 0,
                status: Status {
                    fate: Fate::Open,
                    far: Far::Unknown,
                    admitted: false,
                },
                waits: None,
            }),
            bound,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines, in order. What is `held` waits elsewhere to come after them and counts as well.
    ///
    /// # Errors
    /// When they exceed the bound; some may have been added.
    pub fn push(
        &self,
        passages: impl IntoIterator<Item = Passage>,
        held: Waiting,
    ) -> Result<(), Full> {
        let mut state = self.lock();
        let before = state.passages.len();
        for passage in passages {
            state.lines += passage.lines;
            state.bytes += passage.bytes.len();
            let passage = match state.passages.len() {
                0..SHARED => passage,
                _ => passage.apart(),
            };
            state.passages.push_back(passage);
        }
        let full = state.lines + held.lines > self.bound.lines
            || state.bytes + held.bytes > self.bound.bytes;
        if state.passages.len() > before {
            wake(state);
        }
        if full { Err(Full) } else { Ok(()) }
    }

    /// Takes all lines there are; `None` when all are taken and no more will come. Whoever has asked for the
    /// [status](Self::poll_status) is woken when there are more.
    pub fn poll_take(&self) -> Poll<Option<VecDeque<Passage>>> {
        let mut state = self.lock();
        if state.passages.is_empty() {
            return match state.status.fate {
                Fate::Open => Poll::Pending,
                Fate::Finishing | Fate::Cut => Poll::Ready(None),
            };
        }
        state.lines = 0;
        Poll::Ready(Some(std::mem::take(&mut state.passages)))
    }

    /// Says that bytes which were taken have been written.
    pub fn written(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// What is known of the link now. The task is woken when that changes, and when there are lines to take.
    pub fn poll_status(&self, cx: &Context<'_>) -> Status {
        let mut state = self.lock();
        match &mut state.waits {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waits = Some(cx.waker().clone()),
        }
        state.status
    }

    /// What is known of the link now.
    pub fn status(&self) -> Status {
        self.lock().status
    }

    /// How much waits: lines, and bytes with those that are being written.
    pub fn waiting(&self) -> Bound {
        let state = self.lock();
        Bound {
            lines: state.lines,
            bytes: state.bytes,
        }
    }

    /// Ends the link when what waits has been written.
    pub fn finish(&self) {
        self.change(|status| {
            if status.fate == Fate::Open {
                status.fate = Fate::Finishing;
            }
        });
    }

    /// Ends the link now.
    pub fn cut(&self) {
        self.change(|status| status.fate = Fate::Cut);
    }

    /// Notes who the far end has shown itself to be.
    pub fn shown(&self, far: Far) {
        self.change(|status| status.far = far);
    }

    /// Notes that the actor has let the far end in.
    pub fn admit(&self) {
        self.change(|status| status.admitted = true);
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut state = self.lock();
        let before = state.status;
        change(&mut state.status);
        if state.status != before {
            wake(state);
        }
    }
}

/// Wakes the task that waits, without the lock: it may run at once.
fn wake(state: MutexGuard<'_, State>) {
    let waits = state.waits.clone();
    drop(state);
    if let Some(waker) = waits {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_far_end_that_is_behind_keeps_no_more_than_is_counted() {
        let bound = Bound {
            lines: 1 << 20,
            bytes: 1 << 20,
        };
        let outbox = Outbox::new(bound);
        let sheets: Vec<Bytes> = (0..1_000).map(|_| vec![b'x'; 1 << 10].into()).collect();
        for sheet in &sheets {
            let (bytes, lines) = (sheet.slice(..50), 1);
            outbox
                .push([Passage { bytes, lines }], Waiting::default())
                .unwrap();
        }
        let Poll::Ready(Some(passages)) = outbox.poll_take() else {
            panic!("there are passages");
        };
        assert_eq!(passages.len(), sheets.len());
        let shared = passages.iter().filter(|passage| !passage.bytes.is_unique());
        assert!(shared.count() <= SHARED);
    }
}

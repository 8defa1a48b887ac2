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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use bytes::Bytes;

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Sleeper(AtomicUsize);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many lines, of ten bytes each.
    fn passage(lines: usize) -> Passage {
        let bytes = Bytes::from(vec![b'x'; 10 * lines]);
        Passage { bytes, lines }
    }

    fn held(lines: usize, bytes: usize) -> Waiting {
        Waiting { lines, bytes }
    }

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

    #[test]
    fn a_link_may_be_behind_by_its_bound_of_lines_and_by_no_more() {
        let bound = Bound {
            lines: 5,
            bytes: 1 << 20,
        };
        let outbox = Outbox::new(bound);
        assert_eq!(outbox.push([passage(1), passage(1)], held(3, 0)), Ok(()));
        assert_eq!(outbox.push([], held(4, 0)), Err(Full));
        assert_eq!(outbox.push([passage(3)], held(0, 0)), Ok(()));
        assert_eq!(outbox.waiting().lines, 5);
        assert_eq!(outbox.push([passage(1)], held(0, 0)), Err(Full));
    }

    #[test]
    fn a_link_may_be_behind_by_its_bound_of_bytes_and_by_no_more() {
        let bound = Bound {
            lines: 1 << 20,
            bytes: 50,
        };
        let outbox = Outbox::new(bound);
        assert_eq!(outbox.push([passage(1), passage(1)], held(0, 30)), Ok(()));
        assert_eq!(outbox.push([], held(0, 31)), Err(Full));
        assert_eq!(outbox.push([passage(3)], held(0, 0)), Ok(()));
        assert_eq!(outbox.waiting().bytes, 50);
        assert_eq!(outbox.push([passage(1)], held(0, 0)), Err(Full));
    }

    #[test]
    fn lines_wait_until_they_are_taken_and_their_bytes_until_they_are_written() {
        let bound = Bound {
            lines: 5,
            bytes: 50,
        };
        let outbox = Outbox::new(bound);
        assert_eq!(outbox.push([passage(5)], held(0, 0)), Ok(()));
        assert!(outbox.poll_take().is_ready());
        let (lines, bytes) = (0, 50);
        assert_eq!(outbox.waiting(), Bound { lines, bytes });
        outbox.written(30);
        assert_eq!(outbox.push([passage(3)], held(0, 0)), Ok(()));
        let (lines, bytes) = (3, 50);
        assert_eq!(outbox.waiting(), Bound { lines, bytes });
    }

    #[test]
    fn who_keeps_up_gets_what_others_get_without_a_copy() {
        let bound = Bound {
            lines: 100,
            bytes: 1 << 20,
        };
        let outbox = Outbox::new(bound);
        let sheet = Bytes::from(vec![b'x'; 100]);
        for _ in 0..SHARED {
            let (bytes, lines) = (sheet.slice(..50), 1);
            let pushed = outbox.push([Passage { bytes, lines }], Waiting::default());
            assert_eq!(pushed, Ok(()));
        }
        let Poll::Ready(Some(passages)) = outbox.poll_take() else {
            panic!("there are passages");
        };
        assert_eq!(passages.len(), SHARED);
        let is_shared = |passage: &Passage| passage.bytes.as_ptr() == sheet.as_ptr();
        assert!(passages.iter().all(is_shared));
    }

    #[test]
    fn who_empties_an_outbox_is_woken_by_news_and_by_nothing_else() {
        let bound = Bound {
            lines: 100,
            bytes: 1 << 20,
        };
        let (outbox, sleeper) = (Outbox::new(bound), Arc::new(Sleeper::default()));
        let waker = Waker::from(sleeper.clone());
        outbox.poll_status(&Context::from_waker(&waker));
        let mut woken = 0;
        let mut wakes = |what: &str, times: usize| {
            woken += times;
            assert_eq!(sleeper.0.load(Ordering::Relaxed), woken, "{what}");
        };
        outbox.push([], held(7, 70)).unwrap();
        wakes("nothing to take", 0);
        outbox.push([passage(1)], held(0, 0)).unwrap();
        wakes("a line", 1);
        outbox.shown(Far::Server);
        wakes("who it is", 1);
        outbox.shown(Far::Server);
        wakes("what it knows", 0);
        outbox.admit();
        wakes("it is let in", 1);
        outbox.finish();
        wakes("the end", 1);
        outbox.finish();
        wakes("the same end", 0);
    }

    #[test]
    fn a_link_that_is_cut_stays_cut_and_one_that_finishes_gives_what_waits_first() {
        let bound = Bound {
            lines: 100,
            bytes: 1 << 20,
        };
        let outbox = Outbox::new(bound);
        assert_eq!(outbox.poll_take(), Poll::Pending);
        outbox.push([passage(1)], held(0, 0)).unwrap();
        outbox.finish();
        assert_eq!(outbox.status().fate, Fate::Finishing);
        let waits = VecDeque::from([passage(1)]);
        assert_eq!(outbox.poll_take(), Poll::Ready(Some(waits)));
        assert_eq!(outbox.poll_take(), Poll::Ready(None));
        outbox.cut();
        outbox.finish();
        assert_eq!(outbox.status().fate, Fate::Cut);
    }
}

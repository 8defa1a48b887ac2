//! A speaker: what it has said, how far it was heard, and how much more it may say. Receivers of all threads report to it.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::payload::{Kind, Payload};
use super::super::say::Words;
use super::super::voice::Voice;
use super::plan::Pace;

/// How many messages a client of ours keeps that are not stable; it waits with more.
const KEPT_MAX: u64 = 1 << 16;

/// One speaker.
pub(super) struct Speaker {
    setup: Setup,
    /// How many messages it has said; probes don't count.
    said: AtomicU64,
    /// How many deliveries of them were heard.
    heard: AtomicU64,
    /// How many of them its server has acknowledged.
    acknowledged: AtomicU64,
    /// How many a client of ours keeps.
    kept: AtomicU64,
    /// Whether it has offered anything a second time.
    has_repeated: AtomicBool,
    waits: AtomicBool,
    room: Notify,
    mouth: Mutex<Mouth>,
}

/// What a speaker is told at the start.
pub(super) struct Setup {
    /// Which one it is.
    pub(super) index: usize,
    /// The run's number.
    pub(super) run: u32,
    /// What all its messages have in common.
    pub(super) words: Words,
    /// Whether it is a client of ours.
    pub(super) resuming: bool,
    /// How many receivers hold it back.
    pub(super) receivers: u64,
    /// How it speaks.
    pub(super) pace: Pace,
}

/// What a speaker needs to speak.
#[derive(Default)]
struct Mouth {
    voice: Option<Arc<Voice>>,
    /// What a client of ours has said and everyone may not have yet, by its own numbers.
    kept: VecDeque<Kept>,
    /// How many of them, from the first, its server has acknowledged.
    kept_acknowledged: usize,
    /// The own number of the last message.
    k: u64,
}

#[derive(Clone, Copy)]
struct Kept {
    k: u64,
    payload: Payload,
}

impl Speaker {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            setup,
            said: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            has_repeated: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            room: Notify::new(),
            mouth: Mutex::default(),
        }
    }

    /// Which one it is.
    pub(super) fn index(&self) -> usize {
        self.setup.index
    }

    /// How many messages it has said.
    pub(super) fn said(&self) -> u64 {
        self.said.load(SeqCst)
    }

    /// How many deliveries of them were heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(SeqCst)
    }

    /// How many of them its server has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(SeqCst)
    }

    /// Whether it has offered anything a second time, which receivers may then hear twice.
    pub(super) fn has_repeated(&self) -> bool {
        self.has_repeated.load(SeqCst)
    }

    /// Its connection is logged in. A client of ours offers all that it keeps again, before anything else.
    pub(super) fn connected(&self, voice: Arc<Voice>) -> io::Result<()> {
        let mut mouth = self.mouth();
        if !mouth.kept.is_empty() {
            self.has_repeated.store(true, SeqCst);
            voice.say(|out| {
                for kept in &mouth.kept {
                    self.setup.words.message(&kept.payload, Some(kept.k), out);
                }
            })?;
        }
        mouth.voice = Some(voice);
        drop(mouth);
        self.wake();
        Ok(())
    }

    /// Its connection is gone.
    pub(super) fn disconnected(&self) {
        self.mouth().voice = None;
        self.wake();
    }

    /// How it speaks now; `None` while it has no connection.
    pub(super) fn voice(&self) -> Option<Arc<Voice>> {
        self.mouth().voice.clone()
    }

    /// Says a probe, if it is connected.
    pub(super) fn probe(&self, at: u64) -> io::Result<()> {
        self.say(Kind::Probe, 0, [at])
    }

    /// Says a message for each of these times. Without a connection a client of ours keeps them for later; others
    /// have lost their chance, and say nothing.
    pub(super) fn speak(&self, times: impl IntoIterator<Item = u64>) -> io::Result<()> {
        self.say(Kind::Counted, self.said(), times)
    }

    fn say(&self, kind: Kind, first: u64, times: impl IntoIterator<Item = u64>) -> io::Result<()> {
        let mut mouth = self.mouth();
        let Mouth { voice, kept, k, .. } = &mut *mouth;
        if voice.is_none() && !self.setup.resuming {
            return Ok(());
        }
        let lines = |out: &mut Vec<u8>| {
            let mut number = first;
            for at in times {
                let payload = self.payload(kind, number, at);
                let own = self.setup.resuming.then(|| {
                    *k += 1;
                    kept.push_back(Kept { k: *k, payload });
                    *k
                });
                self.setup.words.message(&payload, own, out);
                number += 1;
            }
            self.kept.store(kept.len() as u64, SeqCst);
            if kind == Kind::Counted {
                self.said.store(number, SeqCst);
            }
        };
        match voice {
            Some(voice) => voice.say(lines).map(|_| ()),
            None => {
                lines(&mut Vec::new());
                Ok(())
            }
        }
    }

    fn payload(&self, kind: Kind, number: u64, at: u64) -> Payload {
        Payload {
            kind,
            run: self.setup.run,
            speaker: self.setup.index,
            number,
            at,
        }
    }

    /// Its server has acknowledged; `each` is told when what it acknowledged was said.
    pub(super) fn on_acknowledged(&self, k: u64, stable: u64, mut each: impl FnMut(u64)) {
        let mut mouth = self.mouth();
        let mut news = 0;
        while let Some(kept) = mouth
            .kept
            .get(mouth.kept_acknowledged)
            .filter(|kept| kept.k <= k)
        {
            if kept.payload.kind == Kind::Counted {
                each(kept.payload.at);
                news += 1;
            }
            mouth.kept_acknowledged += 1;
        }
        while mouth.kept_acknowledged > 0 && mouth.kept.front().is_some_and(|kept| kept.k <= stable)
        {
            mouth.kept.pop_front();
            mouth.kept_acknowledged -= 1;
        }
        self.kept.store(mouth.kept.len() as u64, SeqCst);
        drop(mouth);
        self.acknowledged.fetch_add(news, SeqCst);
        self.wake();
    }

    /// So many deliveries were heard.
    pub(super) fn on_heard(&self, deliveries: u64) {
        self.heard.fetch_add(deliveries, SeqCst);
        self.wake();
    }

    /// How many more messages it may say now: ahead of its mean receiver, of what is acknowledged, of what is stable.
    pub(super) fn room(&self) -> u64 {
        let said = self.said();
        let unkept = match self.setup.resuming {
            true => KEPT_MAX.saturating_sub(self.kept.load(SeqCst)),
            false => u64::MAX,
        };
        let Pace::Closed {
            window, ack_window, ..
        } = self.setup.pace
        else {
            return unkept;
        };
        let heard = self.heard().checked_div(self.setup.receivers);
        let unheard = heard.map_or(u64::MAX, |heard| (heard + window).saturating_sub(said));
        let unacknowledged = match self.setup.resuming {
            true => (self.acknowledged() + ack_window).saturating_sub(said),
            false => u64::MAX,
        };
        unheard.min(unacknowledged).min(unkept)
    }

    /// Waits until something has changed, unless it has already.
    pub(super) async fn wait(&self, has_changed: impl Fn() -> bool) {
        self.waits.store(true, SeqCst);
        if !has_changed() {
            self.room.notified().await;
        }
        self.waits.store(false, SeqCst);
    }

    /// Wakes it once there is room for a whole batch, so that it doesn't dribble.
    fn wake(&self) {
        let batch = match self.setup.pace {
            Pace::Closed { batch, .. } => batch,
            Pace::Open { .. } => 1,
        };
        if self.waits.load(SeqCst) && self.room() >= batch {
            self.room.notify_one();
        }
    }

    fn mouth(&self) -> MutexGuard<'_, Mouth> {
        self.mouth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

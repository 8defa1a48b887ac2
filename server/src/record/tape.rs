//! The recording's own thread: what is recorded waits in memory for it, and it writes.
//!
//! It never holds up a server. When it can't write, when what is recorded exceeds the bound, or when more waits than it can
//! keep up with, the recording ends, says so, and the server goes on.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::form::Record;
use super::frame;
use crate::metrics::Recording;

/// How much is gathered in one frame, in bytes.
const FRAME: usize = 256 << 10;
/// How much may wait for the thread, in bytes.
const WAITING: usize = 64 << 20;
/// How long a save waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// In how many parts: a process that is stopped meanwhile and goes on has waited for one of them, whatever its clock says.
const PARTS: u32 = 20;
/// For how long it gathers what is to be written, unless somebody waits for it.
const LEISURE: Duration = Duration::from_millis(5);

/// Why a recording ends before its server does.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("it has reached {max_bytes} bytes, which --record-max-bytes allows")]
    Full { max_bytes: u64 },
    #[error("cannot write it: {0}")]
    Io(#[from] io::Error),
    #[error("more than {} MiB wait to be written: its disk is too slow", WAITING >> 20)]
    TooSlow,
    #[error("its disk has taken more than {} s to write", PATIENCE.as_secs())]
    Stuck,
    #[error("what comes in can't be written down: {0}")]
    Unwritable(#[from] regrow_model::message::encode::EncodeError),
}

/// A recording that is being written. `S` is what digests are made of.
pub(super) struct Tape<S> {
    shared: Arc<Shared<S>>,
    metrics: Recording,
    thread: Option<JoinHandle<()>>,
}

/// Waits for what has been recorded.
pub(super) struct Behind<S> {
    shared: Arc<Shared<S>>,
    metrics: Recording,
}

struct Shared<S> {
    waiting: Mutex<Waiting<S>>,
    /// There is something to do.
    work: Condvar,
    /// Something has been written.
    done: Condvar,
}

struct Waiting<S> {
    pieces: VecDeque<Piece<S>>,
    bytes: usize,
    /// Pieces of work that were taken, and that were done.
    taken: u64,
    done: u64,
    is_urgent: bool,
    is_closed: bool,
    has_ended: bool,
}

enum Piece<S> {
    Records(Vec<u8>),
    /// A state whose digest is to be written.
    State(Box<S>),
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Waiting<S>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to write; `None` at the end.
    fn take(&self) -> Option<VecDeque<Piece<S>>> {
        let mut waiting = self.lock();
        loop {
            if waiting.has_ended {
                return None;
            }
            if waiting.pieces.is_empty() {
                if waiting.is_closed {
                    return None;
                }
                let woken = self.work.wait(waiting);
                waiting = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let at_leisure = |waiting: &mut Waiting<S>| {
                !waiting.is_urgent && !waiting.is_closed && waiting.bytes < FRAME
            };
            let gathered = self.work.wait_timeout_while(waiting, LEISURE, at_leisure);
            waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
            waiting.bytes = 0;
            waiting.is_urgent = false;
            waiting.taken += 1;
            return Some(std::mem::take(&mut waiting.pieces));
        }
    }

    fn finished(&self) {
        let mut waiting = self.lock();
        waiting.done = waiting.taken;
        drop(waiting);
        self.done.notify_all();
    }

    fn end(&self, why: &Ended, metrics: &Recording) {
        let mut waiting = self.lock();
        if !std::mem::replace(&mut waiting.has_ended, true) {
            tracing::warn!(event = "recording_ended", %why, "the server goes on and is no longer recorded");
            metrics.running.set(0);
        }
        waiting.pieces.clear();
        drop(waiting);
        self.work.notify_one();
        self.done.notify_all();
    }
}

impl<S: Send + 'static> Tape<S> {
    /// Goes on writing a file of at most so many bytes.
    pub(super) fn new(
        mut file: Bounded,
        mut digest: impl FnMut(Box<S>) -> u64 + Send + 'static,
        metrics: Recording,
    ) -> io::Result<(Self, Writer<S>)> {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                pieces: VecDeque::new(),
                bytes: 0,
                taken: 0,
                done: 0,
                is_urgent: false,
                is_closed: false,
                has_ended: false,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        let writer = Writer {
            shared: shared.clone(),
            metrics: metrics.clone(),
        };
        let tape = shared.clone();
        let work = move || {
            while let Some(pieces) = shared.take() {
                let write = || {
                    for piece in pieces {
                        let payload = match piece {
                            Piece::Records(payload) => payload,
                            Piece::State(state) => {
                                let mut payload = frame::begin();
                                Record::Checkpoint(digest(state)).write(&mut payload)?;
                                payload
                            }
                        };
                        metrics.bytes.inc_by(file.write(payload)?);
                    }
                    Ok(())
                };
                match write() {
                    Ok(()) => shared.finished(),
                    Err(why) => shared.end(&why, &metrics),
                }
            }
            if shared.lock().has_ended {
                file.abandon();
            }
        };
        let thread = std::thread::Builder::new().name("record".to_owned());
        let thread = Some(thread.spawn(work)?);
        let tape = Self {
            shared: tape,
            metrics: writer.metrics.clone(),
            thread,
        };
        Ok((tape, writer))
    }

    /// What waits for it.
    pub(super) fn behind(&self) -> Behind<S> {
        Behind {
            shared: self.shared.clone(),
            metrics: self.metrics.clone(),
        }
    }
}

impl<S> Drop for Tape<S> {
    /// Writes what waits.
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where records are put.
pub(super) struct Writer<S> {
    shared: Arc<Shared<S>>,
    metrics: Recording,
}

impl<S> Writer<S> {
    /// Adds something, and says whether the recording goes on.
    pub(super) fn put(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), regrow_model::message::encode::EncodeError>,
    ) -> bool {
        let mut waiting = self.shared.lock();
        if waiting.has_ended {
            return false;
        }
        let was_empty = waiting.pieces.is_empty();
        let begins = !matches!(waiting.pieces.back(), Some(Piece::Records(records)) if records.len() < FRAME);
        if begins {
            waiting.pieces.push_back(Piece::Records(frame::begin()));
        }
        let Some(Piece::Records(records)) = waiting.pieces.back_mut() else {
            return false; // it has just been put there
        };
        let before = records.len();
        let written = write(records);
        let added = records.len() - before;
        let frame_is_full = waiting.bytes < FRAME && waiting.bytes + added >= FRAME;
        waiting.bytes += added;
        let is_too_slow = waiting.bytes > WAITING;
        drop(waiting);
        if was_empty || frame_is_full {
            self.shared.work.notify_one();
        }
        if let Err(error) = written {
            self.shared.end(&error.into(), &self.metrics);
        } else if is_too_slow {
            self.shared.end(&Ended::TooSlow, &self.metrics);
        } else {
            return true;
        }
        false
    }

    /// Adds the digest of a state, unless one waits already: nobody keeps many of them.
    pub(super) fn put_digest_of(&self, state: Box<S>) {
        let mut waiting = self.shared.lock();
        let is_state = |piece: &Piece<S>| matches!(piece, Piece::State(_));
        if !waiting.has_ended && !waiting.pieces.iter().any(is_state) {
            waiting.pieces.push_back(Piece::State(state));
            drop(waiting);
            self.shared.work.notify_one();
        }
    }
}

impl<S> Behind<S> {
    /// Returns when all that was put before is written, or the recording has ended: that it does if it takes too long.
    pub(super) fn wait(&self) {
        let mut waiting = self.shared.lock();
        let until = waiting.taken + u64::from(!waiting.pieces.is_empty());
        if waiting.done >= until || waiting.has_ended {
            return;
        }
        waiting.is_urgent = true;
        self.shared.work.notify_one();
        let unwritten = |waiting: &mut Waiting<S>| waiting.done < until && !waiting.has_ended;
        let done = &self.shared.done;
        for _ in 0..PARTS {
            let waited = done.wait_timeout_while(waiting, PATIENCE / PARTS, unwritten);
            let (still, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            if !outcome.timed_out() {
                return;
            }
            waiting = still;
        }
        drop(waiting);
        self.shared.end(&Ended::Stuck, &self.metrics);
    }
}

/// A file that takes so much and no more.
pub(super) struct Bounded {
    file: File,
    len: u64,
    max_bytes: u64,
}

impl Bounded {
    /// An empty one.
    pub(super) fn new(file: File, max_bytes: u64) -> Self {
        Self {
            file,
            len: 0,
            max_bytes,
        }
    }

    /// Writes a frame that was [begun](frame::begin), and says how long it is.
    pub(super) fn write(&mut self, payload: Vec<u8>) -> Result<u64, Ended> {
        self.write_raw(&frame::finish(payload))
    }

    /// Says, if that is possible, that nothing follows though the server goes on. What was written in part is cut off.
    fn abandon(&mut self) {
        let mut payload = frame::begin();
        if Record::Abandoned.write(&mut payload).is_err() {
            return; // it holds no line
        }
        let say = || {
            self.file.set_len(self.len)?;
            self.file.seek(SeekFrom::Start(self.len))?;
            self.file.write_all(&frame::finish(payload))
        };
        if let Err(error) = say() {
            tracing::debug!(%error, "a recording has no end");
        }
    }

    /// Writes bytes.
    pub(super) fn write_raw(&mut self, bytes: &[u8]) -> Result<u64, Ended> {
        let len = bytes.len() as u64;
        if self.len + len > self.max_bytes {
            let max_bytes = self.max_bytes;
            return Err(Ended::Full { max_bytes });
        }
        self.file.write_all(bytes)?;
        self.len += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn tape(path: &str, max_bytes: u64) -> (Tape<u64>, Writer<u64>, Recording) {
        let file = File::options().write(true).open(path).unwrap();
        let metrics = Metrics::new().recording.clone();
        metrics.running.set(1);
        let file = Bounded::new(file, max_bytes);
        let (tape, writer) = Tape::new(file, |state| *state, metrics.clone()).unwrap();
        (tape, writer, metrics)
    }

    fn put(writer: &Writer<u64>) -> bool {
        writer.put(|out| Record::Durable(1).write(out))
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_ends_the_recording_and_keeps_nobody_waiting() {
        let (tape, writer, metrics) = tape("/dev/full", 1 << 20);
        assert!(put(&writer));
        tape.behind().wait();
        assert_eq!(metrics.running.get(), 0);
        assert!(!put(&writer));
        tape.behind().wait();
    }

    #[test]
    #[cfg(unix)]
    fn what_exceeds_the_bound_ends_the_recording() {
        let (tape, writer, metrics) = tape("/dev/null", 100);
        while put(&writer) {
            tape.behind().wait();
        }
        assert_eq!(metrics.running.get(), 0);
        assert!(metrics.bytes.get() <= 100);
    }
}

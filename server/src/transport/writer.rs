//! Writes a connection's outbox to its stream, heartbeats when there is nothing to write, and asks the kernel what
//! has been acknowledged.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Pace;
use super::connection::Ending;
use super::received::Receipts;
use super::stream::Stream;
use crate::metrics::Traffic;
use crate::runtime::{Far, Outbox, Passage, Status};

/// How many bytes of small lines go to the kernel at once.
const WRITE: usize = 64 << 10;
/// From how many bytes on something goes to the kernel as it is, without a copy.
const LARGE: usize = 4 << 10;
/// From how many outstanding lines on the kernel is asked soon: a client that catches up waits for its next window.
const MANY: u64 = 256;
/// How soon, at first.
const SOON: Duration = Duration::from_millis(2);
/// What a server says when it has nothing to say.
const HEARTBEAT: &[u8] = b"\n";

/// What is on its way from an outbox to the kernel.
pub(super) struct Writer {
    passages: VecDeque<Passage>,
    chunk: Chunk,
    receipts: Receipts,
    /// Up to which line the actor knows that the far end has received.
    reported: u64,
    wrote_at: Instant,
    /// Since when the far end is known to be a server.
    server_since: Option<Instant>,
    sample: Option<Sample>,
    sent: Sent,
}

/// What has gone to the kernel and isn't counted yet.
#[derive(Default)]
struct Sent {
    bytes: u64,
    lines: u64,
}

/// What is being written.
#[derive(Default)]
struct Chunk {
    /// The rest of it.
    rest: Bytes,
    /// How long the whole is; 0 if there is none.
    bytes: usize,
    /// How many lines it ends.
    lines: usize,
    /// Whether the outbox counts it as waiting.
    is_counted: bool,
}

/// When the kernel is to be asked.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    /// How long to wait if it says nothing new.
    wait: Duration,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            passages: VecDeque::new(),
            chunk: Chunk::default(),
            receipts: Receipts::default(),
            reported: 0,
            wrote_at: Instant::now(),
            server_since: None,
            sample: None,
            sent: Sent::default(),
        }
    }

    /// Counts what has gone to the kernel since the last time.
    pub(super) fn count(&mut self, traffic: &Traffic) {
        if self.sent.bytes > 0 {
            let sent = std::mem::take(&mut self.sent);
            traffic.bytes_sent.inc_by(sent.bytes);
            traffic.lines_sent.inc_by(sent.lines);
        }
    }

    /// Writes until there is nothing to write, or the stream takes no more; ready when the outbox is finished or the
    /// stream has failed.
    pub(super) fn poll(
        &mut self,
        stream: &mut dyn Stream,
        outbox: &Outbox,
        pace: &Pace,
        cx: &mut Context<'_>,
    ) -> Poll<Ending> {
        loop {
            if self.chunk.bytes > 0 {
                match ready!(self.chunk.poll_write(stream, cx)) {
                    Ok(()) => self.wrote(stream, outbox, pace),
                    Err(error) => return Poll::Ready(Ending::Broken(error)),
                }
            }
            if self.passages.is_empty() {
                self.passages = VecDeque::new(); // an idle connection keeps no room for them
                match ready!(outbox.poll_take()) {
                    Some(passages) => self.passages = passages,
                    None => return Poll::Ready(Ending::Finished),
                }
            }
            self.next_chunk();
        }
    }

    /// Takes what is to be written next: a large passage as it is, small ones together.
    fn next_chunk(&mut self) {
        let Some(first) = self.passages.pop_front() else {
            return;
        };
        let (mut count, mut bytes) = (0, first.bytes.len());
        if bytes < LARGE {
            for passage in &self.passages {
                let length = passage.bytes.len();
                if length >= LARGE || bytes + length > WRITE {
                    break;
                }
                bytes += length;
                count += 1;
            }
        }
        if count == 0 {
            return self.chunk.begin(first);
        }
        let mut chunk = BytesMut::with_capacity(bytes);
        let mut lines = first.lines;
        chunk.extend_from_slice(&first.bytes);
        for passage in self.passages.drain(..count) {
            chunk.extend_from_slice(&passage.bytes);
            lines += passage.lines;
        }
        let bytes = chunk.freeze();
        self.chunk.begin(Passage { bytes, lines });
    }

    /// A chunk has gone to the kernel.
    fn wrote(&mut self, stream: &dyn Stream, outbox: &Outbox, pace: &Pace) {
        let chunk = std::mem::take(&mut self.chunk);
        self.sent.bytes += chunk.bytes as u64;
        self.sent.lines += chunk.lines as u64;
        if chunk.is_counted {
            outbox.written(chunk.bytes);
        }
        self.wrote_at = Instant::now();
        match outbox.status().far {
            // An unknown one may turn out to be a client that never says what it has received.
            Far::Unknown | Far::LegacyClient => {
                self.receipts.wrote(stream.handed_over(), chunk.lines);
                self.plan_sample(pace);
            }
            Far::Client | Far::Server => {
                self.receipts.forget();
                self.sample = None;
            }
        }
    }

    /// Something more is outstanding.
    fn plan_sample(&mut self, pace: &Pace) {
        let many = self.receipts.outstanding() >= Some(MANY);
        let wait = if many {
            SOON.min(pace.sample)
        } else {
            pace.sample
        };
        let at = self.wrote_at + wait;
        match &mut self.sample {
            Some(planned) if planned.at <= at => {}
            planned => *planned = Some(Sample { at, wait }),
        }
    }

    /// Asks the kernel what has been acknowledged: how many lines, if the actor doesn't know.
    pub(super) fn sample(&mut self, stream: &dyn Stream, pace: &Pace) -> Option<u64> {
        let arrived = match stream.acknowledged() {
            Ok(bytes) => self.receipts.acknowledged(bytes),
            Err(error) => {
                tracing::debug!(%error, "the kernel doesn't say what has been received");
                self.receipts.forget();
                false
            }
        };
        let received = self.receipts.received();
        let news = (received > self.reported).then_some(received);
        let waited = self.sample.take().map(|sample| sample.wait);
        if news.is_some() || self.receipts.outstanding().is_some() {
            let fruitless = waited.filter(|_| !arrived);
            let wait = fruitless.map_or(pace.sample, |wait| (wait * 2).min(pace.sample));
            let at = Instant::now() + wait;
            self.sample = Some(Sample { at, wait });
        }
        news
    }

    /// The actor knows that the far end has received so many lines.
    pub(super) fn reported(&mut self, lines: u64) {
        self.reported = lines;
        if self.receipts.outstanding().is_none() {
            self.sample = None;
        }
    }

    /// When the kernel is to be asked, if anybody wants to know.
    pub(super) fn sample_due(&self, status: Status) -> Option<Instant> {
        let sample = self.sample.filter(|_| status.far == Far::LegacyClient);
        sample.map(|sample| sample.at)
    }

    /// When a server must have heard something from us.
    pub(super) fn heartbeat_due(&mut self, status: Status, pace: &Pace) -> Option<Instant> {
        if status.far != Far::Server || self.chunk.bytes > 0 {
            return None;
        }
        // Not at once: the first line is on its way, and it is to be the first.
        let since = *self.server_since.get_or_insert_with(Instant::now);
        Some(self.wrote_at.max(since) + pace.heartbeat)
    }

    /// Says that we live.
    pub(super) fn beat(&mut self) {
        let bytes = Bytes::from_static(HEARTBEAT);
        self.chunk.begin(Passage { bytes, lines: 0 });
        self.chunk.is_counted = false;
    }
}

impl Chunk {
    fn begin(&mut self, passage: Passage) {
        *self = Self {
            bytes: passage.bytes.len(),
            lines: passage.lines,
            rest: passage.bytes,
            is_counted: true,
        };
    }

    /// Hands all of it to the kernel.
    fn poll_write(
        &mut self,
        mut stream: &mut dyn Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.has_remaining() {
            let written = ready!(Pin::new(&mut stream).poll_write(cx, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.advance(written);
        }
        Pin::new(&mut stream).poll_flush(cx)
    }
}

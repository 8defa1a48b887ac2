//! One connection, from its `Up` to its `Down`: one task that reads, writes and watches.
//!
//! ```text
//!            far end shuts its side            actor closes            broken · silent · cut
//!  open ──────────────▶ half-open       open ──────────▶ finishing     open ─────▶ down
//!  half-open ── actor has heard Down and what it said is written ──▶ down
//!  finishing ── all is written, far end has shut its side, or `linger` is over ──▶ down
//! ```

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use regrow_model::message::Line;
use regrow_model::message::client::Info;
use regrow_model::port::{End, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::admission::Place;
use super::clock::Clock;
use super::reader::{Destination, Reader};
use super::stream::{Disagreed, Stream};
use super::writer::Writer;
use crate::edge::Guest;
use crate::metrics::{Closed, Limit, Reader as Slow};
use crate::runtime::{Event, Far, Fate, Outbox, Status};

/// Why a connection stopped carrying lines.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ending {
    #[error("the far end sends no more")]
    FarEndDone,
    #[error("all that was sent before our own close is written")]
    Finished,
    #[error("a read or write failed: {0}")]
    Broken(io::Error),
    #[error("nothing was heard for too long, heartbeats included")]
    Silent,
    #[error("it was cut, or closing it took too long")]
    Cut,
    #[error("the runtime has ended")]
    Abandoned,
}

impl From<Far> for Slow {
    fn from(far: Far) -> Self {
        match far {
            Far::Server => Self::Server,
            Far::Unknown | Far::LegacyClient | Far::Client => Self::Client,
        }
    }
}

impl From<&Ending> for Closed {
    fn from(ending: &Ending) -> Self {
        match ending {
            Ending::FarEndDone => Self::FarEnd,
            Ending::Finished => Self::Finished,
            Ending::Broken(_) => Self::Broken,
            Ending::Silent => Self::Silent,
            Ending::Cut => Self::Cut,
            Ending::Abandoned => Self::Abandoned,
        }
    }
}

/// One connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    link: Link,
    stream: Box<dyn Stream>,
    reader: Reader,
    writer: Writer,
    clock: Clock,
    /// By when the actor must have let the far end in.
    stranger_until: Option<Instant>,
    /// By when a close must be done, once it has begun.
    closed_by: Option<Instant>,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, stream: Box<dyn Stream>, guest: Guest) -> Self {
        let limits = shared.limits();
        Self {
            outbox: Arc::new(Outbox::new(limits.outbox)),
            link: shared.link(),
            reader: Reader::new(guest, limits.line_bytes),
            writer: Writer::new(),
            clock: Clock::default(),
            stranger_until: None,
            closed_by: None,
            stream,
            shared,
        }
    }

    /// Carries lines until the connection ends, in its place.
    pub(super) async fn carry(mut self: Box<Self>, end: End, place: Place) {
        match end {
            End::Accepted => {
                self.stranger_until = Some(Instant::now() + self.shared.limits().stranger);
            }
            End::Dialed(_) => self.reader.is_dialed(),
        }
        let up = Event::Up {
            link: self.link,
            end,
            outbox: self.outbox.clone(),
        };
        if self.shared.report(up).await.is_err() {
            return;
        }
        let ending = poll_fn(|cx| self.poll_open(cx)).await;
        // What follows is seldom waited for: its state is not kept with that of each open connection.
        Box::pin(self.end(ending)).await;
        drop(place);
    }

    /// Carries lines; ready when no more will be carried.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        loop {
            let status = self.outbox.poll_status(cx);
            if status.fate == Fate::Cut {
                let reader = Slow::from(status.far);
                self.shared.traffic.slow_readers.of(reader).inc();
                return Poll::Ready(Ending::Cut);
            }
            let (stream, pace) = (&mut *self.stream, &self.shared.pace);
            let written = self.writer.poll(stream, &self.outbox, pace, cx);
            self.writer.count(&self.shared.traffic);
            if let Poll::Ready(ending) = written {
                return Poll::Ready(ending);
            }
            let to = Destination {
                shared: &self.shared,
                outbox: &self.outbox,
                link: self.link,
            };
            if let Poll::Ready(ending) = self.reader.poll(stream, &to, cx) {
                return Poll::Ready(ending);
            }
            let deadline = self.deadline(self.outbox.status());
            if self.clock.poll(deadline, cx).is_pending() {
                return Poll::Pending;
            }
            if let Some(ending) = self.on_deadline(self.outbox.status()) {
                return Poll::Ready(ending);
            }
        }
    }

    /// When something is to be done although nothing has happened.
    fn deadline(&mut self, status: Status) -> Option<Instant> {
        if status.fate != Fate::Open && self.closed_by.is_none() {
            self.closed_by = Some(Instant::now() + self.shared.pace.linger);
        }
        if status.admitted || status.far == Far::Server {
            self.stranger_until = None;
        }
        let times = [
            self.closed_by,
            self.stranger_until,
            self.silent_at(status),
            self.writer.heartbeat_due(status, &self.shared.pace),
            self.writer.sample_due(status),
        ];
        times.into_iter().flatten().min()
    }

    /// When a server has been silent for too long.
    fn silent_at(&self, status: Status) -> Option<Instant> {
        let heard_at = self.reader.heard_at()?;
        (status.far == Far::Server).then(|| heard_at + self.shared.pace.silence)
    }

    /// A deadline has come.
    fn on_deadline(&mut self, status: Status) -> Option<Ending> {
        let (now, pace) = (Instant::now(), self.shared.pace);
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.closed_by) {
            return Some(Ending::Cut);
        }
        if is_due(self.silent_at(status)) {
            return Some(Ending::Silent);
        }
        if is_due(self.stranger_until) {
            // What it said has waited for us: that is our own delay.
            let waited_until = self.reader.waited_until(now);
            let until = waited_until.map(|waited| waited + self.shared.limits().stranger);
            self.stranger_until = until.filter(|until| *until > now);
            if self.stranger_until.is_none() {
                self.shared.traffic.limited.of(Limit::Stranger).inc();
                self.reader.add(Line::Malformed(self.too_late()));
            }
        }
        if is_due(self.writer.heartbeat_due(status, &pace)) {
            self.writer.beat();
        }
        if is_due(self.writer.sample_due(status)) {
            return self.sample().err();
        }
        None
    }

    /// What a far end is told that hasn't logged in.
    fn too_late(&self) -> Info {
        let seconds = self.shared.limits().stranger.as_secs_f32();
        Info::Text(format!("no login within {seconds} s").into())
    }

    /// Asks the kernel what a legacy client has received, and says so.
    fn sample(&mut self) -> Result<(), Ending> {
        let Some(lines) = self.writer.sample(&*self.stream, &self.shared.pace) else {
            return Ok(());
        };
        let link = self.link;
        match self.shared.events.try_send(Event::Received { link, lines }) {
            Ok(()) => {
                self.writer.reported(lines);
                Ok(())
            }
            // The actor is busy: it hears of it with the next sample.
            Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Ending::Abandoned),
        }
    }

    async fn end(mut self: Box<Self>, ending: Ending) {
        tracing::debug!(event = "link_ends", link = self.link.0, %ending);
        let traffic = &self.shared.traffic;
        traffic.closed.of(Closed::from(&ending)).inc();
        if let Ending::Broken(error) = &ending
            && let Some(what) = Disagreed::of(error)
        {
            traffic.handshakes_failed.of(what).inc();
        }
        let link = self.link;
        if let Ending::FarEndDone = ending
            && self.outbox.status().far == Far::LegacyClient
        {
            // A client that has left in good order has what its kernel has acknowledged.
            if let Some(lines) = self.writer.sample(&*self.stream, &self.shared.pace) {
                let _ = self.shared.report(Event::Received { link, lines }).await;
            }
        }
        let _ = self.shared.report(Event::Down { link }).await;
        self.part(ending).await;
    }

    /// Ends the connection so that what was sent on it arrives, if it still can.
    async fn part(mut self: Box<Self>, ending: Ending) {
        let linger = self.shared.pace.linger;
        match ending {
            Ending::FarEndDone => {
                let _ = timeout(linger, poll_fn(|cx| self.poll_write(cx))).await;
                let _ = timeout(linger, self.stream.shutdown()).await;
            }
            Ending::Finished => {
                // It is not always done at once: what wraps a stream says so to a far end that may not read.
                let _ = timeout(linger, self.stream.shutdown()).await;
                // To close with something unread would make the kernel take back what it hasn't sent.
                let _ = timeout(linger, self.drain()).await;
            }
            Ending::Broken(_) | Ending::Silent | Ending::Cut | Ending::Abandoned => {}
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.outbox.poll_status(cx);
        let (stream, pace) = (&mut *self.stream, &self.shared.pace);
        self.writer.poll(stream, &self.outbox, pace, cx)
    }

    async fn drain(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        while self.stream.read(&mut buffer).await? > 0 {}
        Ok(())
    }
}

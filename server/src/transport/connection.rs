//! One connection, from its `Up` to its `Down`: one task that reads, writes and watches.
//!
//! ```text
//!            far end shuts its side            actor closes            broken · silent · cut
//!  open ──────────────▶ half-open       open ──────────▶ finishing     open ─────▶ down
//!  half-open ── actor has heard Down and what it said is written ──▶ down
//!  finishing ── all is written, far end has shut its side, or `linger` is over ──▶ down
//! ```

use std::future::pending;
use std::io;
use std::sync::Arc;

use regrow_model::message::framing::{LineSplitter, LineTooLong};
use regrow_model::message::{Line, Request};
use regrow_model::port::{End, Link};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::writer::Writer;
use super::{Shared, Side};
use crate::edge::Presented;
use crate::runtime::{Event, Far, Fate, Outbox};

/// How many bytes are read at once.
const READ: usize = 16 << 10;

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

/// One connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: TcpStream,
    pub(super) outbox: Arc<Outbox>,
    link: Link,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, stream: TcpStream) -> Self {
        Self {
            outbox: Arc::new(Outbox::new(shared.limits.outbox)),
            link: shared.link(),
            shared,
            stream,
        }
    }

    /// Carries lines until the connection ends.
    pub(super) async fn carry(self, end: End) {
        let up = Event::Up {
            link: self.link,
            end,
            outbox: self.outbox.clone(),
        };
        if self.report(up).await.is_err() {
            return;
        }
        let mut writer = Writer::new();
        let ending = tokio::select! {
            ending = self.read() => ending,
            ending = writer.run(&self) => ending,
            ending = self.doomed() => ending,
        };
        tracing::debug!(event = "link_ends", link = self.link.0, %ending);
        if let Ending::FarEndDone = ending {
            // A client that has left in good order has what its kernel has acknowledged.
            let _ = writer.sample(&self).await;
        }
        let _ = self.report(Event::Down { link: self.link }).await;
        self.part(ending, writer).await;
    }

    /// Puts an event into the actor's queue, waiting while that is full.
    pub(super) async fn report(&self, event: Event) -> Result<(), Ending> {
        self.shared
            .events
            .send(event)
            .await
            .map_err(|_| Ending::Abandoned)
    }

    /// Says what the far end's kernel has acknowledged.
    pub(super) async fn received(&self, lines: u64) -> Result<(), Ending> {
        let link = self.link;
        self.report(Event::Received { link, lines }).await
    }

    async fn read(&self) -> Ending {
        match self.read_lines().await {
            Ok(()) => Ending::FarEndDone,
            Err(ending) => ending,
        }
    }

    /// Hands over lines until the far end sends no more.
    async fn read_lines(&self) -> Result<(), Ending> {
        let mut splitter = LineSplitter::new(self.shared.limits.line_bytes);
        let mut presented = Presented::default();
        loop {
            self.readable().await?;
            if self.hears_a_server() {
                splitter.allow(self.shared.limits.server_line_bytes);
            }
            let mut lines = Vec::new();
            let (read, sound) = match self.fill(&mut splitter, &mut lines) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                filled => filled.map_err(Ending::Broken)?,
            };
            for line in lines {
                self.receive(line, &mut presented).await?;
            }
            if let Err(too_long) = sound {
                let malformed = Line::Malformed(too_long.into());
                self.receive(malformed, &mut presented).await?;
                // Nothing after it can be understood: the actor closes.
                pending::<()>().await;
            }
            if read == 0 {
                if let Some(last) = splitter.finish() {
                    let line = Line::decode(&last, self.shared.side.hearer());
                    self.receive(line, &mut presented).await?;
                }
                return Ok(());
            }
        }
    }

    /// Whether the far end is a server, as far as it has shown.
    fn hears_a_server(&self) -> bool {
        match self.shared.side {
            Side::Client => true,
            Side::Server(_) => self.outbox.far() == Far::Server,
        }
    }

    /// Reads what has arrived and decodes the lines that it ends. Between two reads no buffer is kept for a
    /// connection but its unfinished line.
    fn fill(
        &self,
        splitter: &mut LineSplitter,
        lines: &mut Vec<Line>,
    ) -> io::Result<(usize, Result<(), LineTooLong>)> {
        let mut buffer = [0; READ];
        let read = self.stream.try_read(&mut buffer)?;
        let hearer = self.shared.side.hearer();
        let sound = splitter.feed(&buffer[..read], |line| {
            // An empty line is a heartbeat: that it came is all it says.
            if !line.is_empty() {
                lines.push(Line::decode(line, hearer));
            }
        });
        Ok((read, sound))
    }

    /// Waits for bytes. A server may be silent for so long; the time that we don't listen doesn't count.
    async fn readable(&self) -> Result<(), Ending> {
        let silent = tokio::time::Instant::now() + self.shared.pace.silence;
        loop {
            let bytes = self.stream.readable();
            let heard = match self.outbox.far() {
                Far::Server => timeout_at(silent, bytes)
                    .await
                    .map_err(|_| Ending::Silent)?,
                Far::Unknown | Far::LegacyClient | Far::Client => tokio::select! {
                    heard = bytes => heard,
                    () = self.outbox.until(|_, far| far == Far::Server) => continue,
                },
            };
            return heard.map_err(Ending::Broken);
        }
    }

    async fn receive(&self, line: Line, presented: &mut Presented) -> Result<(), Ending> {
        if self.outbox.fate() != Fate::Open {
            return Ok(());
        }
        self.recognise(&line);
        let line = match &self.shared.side {
            Side::Server(edge) => edge.admit(presented, line).await,
            Side::Client => line,
        };
        let link = self.link;
        self.report(Event::Line { link, line }).await
    }

    /// Learns from what a far end says who it is.
    fn recognise(&self, line: &Line) {
        let far = match line {
            Line::Peer(_) => Far::Server,
            Line::Reply(_) => Far::Client,
            Line::Malformed(_) => return,
            Line::Request(request) => match **request {
                Request::Login { resume: None, .. } | Request::Register { .. } => Far::LegacyClient,
                Request::Login { .. } => Far::Client,
                Request::Logout
                | Request::Activity { .. }
                | Request::Got { .. }
                | Request::Invalid { .. } => return,
            },
        };
        if self.outbox.far() != Far::Server {
            self.outbox.shown(far);
        }
    }

    /// Returns when the runtime cuts the link, or a while after it began to close it.
    async fn doomed(&self) -> Ending {
        self.outbox.until(|fate, _| fate != Fate::Open).await;
        let cut = self.outbox.until(|fate, _| fate == Fate::Cut);
        let _ = timeout(self.shared.pace.linger, cut).await;
        Ending::Cut
    }

    /// Ends the connection so that what was sent on it arrives, if it still can.
    async fn part(mut self, ending: Ending, mut writer: Writer) {
        let linger = self.shared.pace.linger;
        match ending {
            Ending::FarEndDone => {
                let _ = timeout(linger, writer.run(&self)).await;
                let _ = self.stream.shutdown().await;
            }
            Ending::Finished => {
                let _ = self.stream.shutdown().await;
                // To close with something unread would make the kernel take back what it hasn't sent.
                let _ = timeout(linger, self.drain()).await;
            }
            Ending::Broken(_) | Ending::Silent | Ending::Cut | Ending::Abandoned => {}
        }
    }

    async fn drain(&self) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            let mut buffer = [0; 1024];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

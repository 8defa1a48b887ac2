//! Writes a connection's outbox to its socket, and heartbeats when there is nothing to write.

use std::collections::VecDeque;
use std::future::pending;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Ending};
use super::outq::unacknowledged;
use super::received::Receipts;
use crate::runtime::{Far, Passage};

/// How many bytes of small lines go to the kernel at once.
const WRITE: usize = 64 << 10;
/// From how many bytes on something goes to the kernel as it is, without a copy.
const LARGE: usize = 4 << 10;
/// What a server says when it has nothing to say.
const HEARTBEAT: &[u8] = b"\n";

/// What is on its way from an outbox to the kernel. Survives a dropped future, so a line is never cut in two.
#[derive(Default)]
pub(super) struct Writer {
    passages: VecDeque<Passage>,
    /// The rest of what is being written, how long the whole is and how many lines it ends.
    chunk: Bytes,
    chunk_bytes: usize,
    chunk_lines: usize,
    receipts: Receipts,
    wrote_at: Option<Instant>,
    /// Since when the far end is known to be a server.
    server_since: Option<Instant>,
    /// When the kernel is to be asked again; only while something is outstanding.
    sample_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Writes until the outbox is finished or the socket fails. Cancel safe: may be run again.
    pub(super) async fn run(&mut self, connection: &Connection) -> Ending {
        loop {
            if let Err(ending) = self.step(connection).await {
                return ending;
            }
        }
    }

    async fn step(&mut self, connection: &Connection) -> Result<(), Ending> {
        self.write_chunk(connection).await.map_err(Ending::Broken)?;
        if self
            .sample_due(connection)
            .is_some_and(|due| due <= Instant::now())
        {
            self.sample(connection).await?;
        }
        if !self.passages.is_empty() {
            self.next_chunk();
            return Ok(());
        }
        tokio::select! {
            taken = connection.outbox.take() => self.passages = taken.ok_or(Ending::Finished)?,
            () = at(self.sample_due(connection)) => {}
            () = self.heartbeat_due(connection) => self.beat(),
        }
        Ok(())
    }

    /// Takes what is to be written next: a large passage as it is, small ones together.
    fn next_chunk(&mut self) {
        let Some(first) = self.passages.pop_front() else {
            return;
        };
        if first.bytes.len() >= LARGE || self.passages.is_empty() {
            return self.begin(first);
        }
        let (mut count, mut bytes) = (0, first.bytes.len());
        for passage in &self.passages {
            let length = passage.bytes.len();
            if length >= LARGE || bytes + length > WRITE {
                break;
            }
            bytes += length;
            count += 1;
        }
        let mut chunk = BytesMut::with_capacity(bytes);
        let mut lines = first.lines;
        chunk.extend_from_slice(&first.bytes);
        for passage in self.passages.drain(..count) {
            chunk.extend_from_slice(&passage.bytes);
            lines += passage.lines;
        }
        let bytes = chunk.freeze();
        self.begin(Passage { bytes, lines });
    }

    fn begin(&mut self, chunk: Passage) {
        self.chunk_bytes = chunk.bytes.len();
        self.chunk_lines = chunk.lines;
        self.chunk = chunk.bytes;
    }

    async fn write_chunk(&mut self, connection: &Connection) -> io::Result<()> {
        if self.chunk_bytes == 0 {
            return Ok(());
        }
        while self.chunk.has_remaining() {
            connection.stream.writable().await?;
            match connection.stream.try_write(&self.chunk) {
                Ok(written) => self.chunk.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if self.chunk_lines > 0 {
            connection.outbox.written(self.chunk_bytes);
        }
        let now = Instant::now();
        if !self.receipts.outstanding() {
            self.sample_at = Some(now + connection.shared.pace.sample);
        }
        self.receipts.wrote(self.chunk_bytes, self.chunk_lines);
        if !counts(connection.outbox.far()) {
            self.receipts.forget();
        }
        (self.chunk, self.chunk_bytes) = (Bytes::new(), 0);
        self.wrote_at = Some(now);
        Ok(())
    }

    /// When the kernel is to be asked again, if anyone wants to know.
    fn sample_due(&self, connection: &Connection) -> Option<Instant> {
        let wanted = connection.outbox.far() == Far::LegacyClient && self.receipts.outstanding();
        self.sample_at.filter(|_| wanted)
    }

    /// Asks the kernel what has been acknowledged and reports it.
    pub(super) async fn sample(&mut self, connection: &Connection) -> Result<(), Ending> {
        self.sample_at = Some(Instant::now() + connection.shared.pace.sample);
        if connection.outbox.far() != Far::LegacyClient {
            return Ok(());
        }
        // Of a chunk that is being written, the kernel has a part that no receipt counts yet.
        let begun = (self.chunk_bytes - self.chunk.len()) as u64;
        let news = match unacknowledged(&connection.stream) {
            Ok(bytes) => self.receipts.acknowledged(bytes.saturating_sub(begun)),
            Err(error) => {
                tracing::debug!(%error, "the kernel doesn't say what has been received");
                None
            }
        };
        match news {
            Some(lines) => connection.received(lines).await,
            None => Ok(()),
        }
    }

    /// Returns when the far end turns out to be a server, then whenever it has heard nothing from us for so
    /// long that it must.
    async fn heartbeat_due(&self, connection: &Connection) {
        match self.server_since {
            Some(since) => {
                let last = self.wrote_at.map_or(since, |wrote| wrote.max(since));
                sleep_until(last + connection.shared.pace.heartbeat).await;
            }
            None => connection.outbox.until(|_, far| far == Far::Server).await,
        }
    }

    fn beat(&mut self) {
        if self.server_since.is_none() {
            // Not at once: the first line is on its way, and it is to be the first.
            self.server_since = Some(Instant::now());
        } else {
            let bytes = Bytes::from_static(HEARTBEAT);
            self.begin(Passage { bytes, lines: 0 });
        }
    }
}

/// Whether what the far end's kernel acknowledges may matter: an unknown one may turn out to be a client.
fn counts(far: Far) -> bool {
    match far {
        Far::Unknown | Far::LegacyClient => true,
        Far::Client | Far::Server => false,
    }
}

/// Returns at a moment, if there is one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

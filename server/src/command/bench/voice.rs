//! The writing half of a connection. Whoever speaks on it appends; what the socket doesn't take at once waits, in order.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::tcp::OwnedWriteHalf;

/// The writing half of one connection.
pub(super) struct Voice {
    half: OwnedWriteHalf,
    pending: Mutex<Vec<u8>>,
}

impl Voice {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self {
            half,
            pending: Mutex::default(),
        }
    }

    /// Appends lines and writes what the socket takes. Whether that was all.
    pub(super) fn say(&self, lines: impl FnOnce(&mut Vec<u8>)) -> io::Result<bool> {
        let mut pending = self.pending();
        lines(&mut pending);
        self.write(&mut pending)
    }

    /// Writes all that waits.
    pub(super) async fn flush(&self) -> io::Result<()> {
        while !self.write(&mut self.pending())? {
            self.half.writable().await?;
        }
        Ok(())
    }

    fn write(&self, pending: &mut Vec<u8>) -> io::Result<bool> {
        let mut written = 0;
        let outcome = loop {
            if written == pending.len() {
                break Ok(true);
            }
            match self.half.try_write(&pending[written..]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        pending.drain(..written);
        outcome
    }

    fn pending(&self) -> MutexGuard<'_, Vec<u8>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

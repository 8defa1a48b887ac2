//! What a connection reads from and writes to, whatever carries it.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes, both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// How many bytes have been handed to the kernel, those that wrap what was written included.
    fn handed_over(&self) -> u64;

    /// How many of them the far end's kernel has acknowledged.
    ///
    /// # Errors
    /// When the kernel doesn't say.
    fn acknowledged(&self) -> io::Result<u64>;
}

//! What a connection reads from and writes to, whatever carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::outq::unacknowledged;

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

/// A TCP connection that counts what is written to it.
pub(super) struct Tcp {
    stream: TcpStream,
    written: u64,
}

impl Tcp {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, written: 0 }
    }
}

impl Stream for Tcp {
    fn handed_over(&self) -> u64 {
        self.written
    }

    fn acknowledged(&self) -> io::Result<u64> {
        Ok(self.written.saturating_sub(unacknowledged(&self.stream)?))
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

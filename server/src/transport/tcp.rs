//! TCP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use regrow_model::message::Address;
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::outq::unacknowledged;
use super::race;
use super::stream::Stream;

/// After how long without a sign of the far end's kernel a connection is given up.
const VANISHED: Duration = Duration::from_secs(30);

/// A TCP connection that counts what is written to it.
pub(super) struct Tcp {
    stream: TcpStream,
    written: u64,
}

impl Tcp {
    /// Takes a connection over.
    pub(super) fn new(stream: TcpStream) -> Self {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a far end that vanishes may be noticed late");
        }
        Self { stream, written: 0 }
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// When nobody answers there.
    pub(super) async fn connect(address: &Address) -> io::Result<Self> {
        let stream = race::reach(address, TcpStream::connect).await;
        stream.map(Self::new)
    }
}

impl Stream for Tcp {
    fn handed_over(&self) -> u64 {
        self.written
    }

    fn acknowledged(&self) -> io::Result<u64> {
        Ok(self.written.saturating_sub(unacknowledged(&self.stream)?))
    }

    fn certified(&self) -> Option<bool> {
        None
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

/// Sends small lines at once, and lets the kernel notice a host that has vanished: a client that is silent
/// sends no heartbeats of ours.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    #[cfg(target_os = "linux")]
    {
        let vanished = VANISHED.as_millis().try_into().unwrap_or(u32::MAX);
        sockopt::set_tcp_keepidle(stream, VANISHED / 2)?;
        sockopt::set_tcp_keepintvl(stream, VANISHED / 6)?;
        sockopt::set_tcp_user_timeout(stream, vanished)?;
    }
    Ok(())
}

//! What a connection reads from and writes to, whatever carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use regrow_model::message::client::Info;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::metrics::{Handshake, Label};

/// Bytes, both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// How many bytes have been handed to the kernel, those that wrap what was written included.
    fn handed_over(&self) -> u64;

    /// How many of them the far end's kernel has acknowledged.
    ///
    /// # Errors
    /// When the kernel doesn't say.
    fn acknowledged(&self) -> io::Result<u64>;

    /// Whether the far end has shown a certificate of our own authority; not known where no certificates are shown, as on TCP.
    fn certified(&self) -> Option<bool>;
}

/// Why a far end isn't listened to, although its stream works: it is told so. Travels as an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) Info);

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}

impl Refused {
    /// What the far end is to be told, if a read has failed for that.
    ///
    /// # Errors
    /// The error itself, when it is another one.
    pub(super) fn of(error: io::Error) -> io::Result<Info> {
        error.downcast().map(|Self(info)| info)
    }
}

/// Why a stream isn't one that carries lines: what it should be wrapped in could not be agreed on. Travels as an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("no agreement on {}: {source}", what.as_str())]
pub(super) struct Disagreed {
    what: Handshake,
    source: io::Error,
}

impl Disagreed {
    /// The same error, about this.
    pub(super) fn on(what: Handshake) -> impl FnOnce(io::Error) -> io::Error {
        move |source| io::Error::new(source.kind(), Self { what, source })
    }

    /// On what there was no agreement, if a read or write has failed for that.
    pub(super) fn of(error: &io::Error) -> Option<Handshake> {
        let disagreed = error.get_ref()?.downcast_ref::<Self>()?;
        Some(disagreed.what)
    }
}

/// A stream some bytes of which were read already: they are read again.
pub(super) struct Rewound<S> {
    head: Vec<u8>,
    stream: S,
}

impl<S> Rewound<S> {
    /// Puts bytes back.
    pub(super) fn new(head: Vec<u8>, stream: S) -> Self {
        Self { head, stream }
    }

    /// The stream itself.
    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: Stream> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let length = self.head.len().min(buffer.remaining());
        buffer.put_slice(&self.head[..length]);
        self.head.drain(..length);
        if self.head.is_empty() {
            self.head = Vec::new(); // it is not needed again
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Polls one of two futures' outcomes into place: the opening of a stream that isn't open yet.
pub(super) enum Opening<F, S> {
    /// It is being opened.
    Underway(F),
    /// It is open.
    Open(S),
    /// It could not be opened; whoever asked has been told why.
    Failed,
}

impl<F, S> Opening<F, S>
where
    F: Future<Output = io::Result<S>> + Unpin,
{
    /// The stream, once it is open.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut S>> {
        if let Self::Underway(opening) = self {
            *self = match ready!(Pin::new(opening).poll(cx)) {
                Ok(stream) => Self::Open(stream),
                Err(error) => {
                    *self = Self::Failed;
                    return Poll::Ready(Err(error));
                }
            };
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(stream)),
            Self::Underway(_) | Self::Failed => {
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
        }
    }

    /// The stream, if it is open.
    pub(super) fn open(&self) -> Option<&S> {
        match self {
            Self::Open(stream) => Some(stream),
            Self::Underway(_) | Self::Failed => None,
        }
    }
}

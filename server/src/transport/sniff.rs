//! One port for everything: the first bytes that a far end sends tell what it speaks.
//!
//! ```text
//!   0x16 ──▶ TLS ──▶ decided anew within          GET ──▶ WebSocket          anything else ──▶ lines
//! ```

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use regrow_model::message::client::Info;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Shared;
use super::stream::{Refused, Stream};
use super::tcp::Tcp;
use super::tls::Tls;
use super::websocket::WebSocket;
use crate::metrics::{Carrier, Handshake, Refused as Refusal};

/// How a TLS client begins: the type of a record that holds a handshake.
const TLS: u8 = 0x16;
/// How a WebSocket client begins.
const GET: &[u8] = b"GET ";

/// A stream from a far end that may speak anything.
pub(super) struct Sniff<S>(State<S>);

enum State<S> {
    /// It has said nothing, or so many bytes of the beginning of a GET.
    Undecided {
        stream: S,
        said: usize,
        shared: Arc<Shared>,
    },
    /// It speaks lines.
    Lines(S),
    /// It speaks something that carries lines.
    Wrapped(Box<dyn Stream>),
    /// It isn't listened to, and is yet to be told why.
    Barred { stream: S, why: &'static str },
    /// Only while it is being decided.
    Deciding,
}

/// What a far end speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    /// Too early to say.
    Unknown,
    Tls,
    WebSocket,
    Lines,
}

/// What may carry a far end's first bytes.
pub(super) trait Outer: Stream + Sized + 'static {
    /// As what lines are counted that are spoken here without anything around them.
    const LINES: Carrier;

    /// Whether lines may be spoken here without anything around them.
    fn allows_lines(shared: &Shared) -> bool;

    /// Goes on by TLS.
    ///
    /// # Errors
    /// The stream, when it can't.
    fn secure(self, head: &[u8], shared: &Arc<Shared>) -> Result<Box<dyn Stream>, Self>;
}

impl Outer for Tcp {
    const LINES: Carrier = Carrier::Tcp;

    fn allows_lines(shared: &Shared) -> bool {
        !shared.connector.carriers.requires_tls
    }

    fn secure(self, head: &[u8], shared: &Arc<Shared>) -> Result<Box<dyn Stream>, Self> {
        let Some(acceptor) = shared.connector.carriers.acceptor() else {
            return Err(self);
        };
        let tls = Tls::accept(&acceptor, head.to_vec(), self);
        Ok(Box::new(Sniff::new(tls, shared.clone())))
    }
}

impl Outer for Tls {
    const LINES: Carrier = Carrier::Tls;

    fn allows_lines(_: &Shared) -> bool {
        true
    }

    fn secure(self, _: &[u8], _: &Arc<Shared>) -> Result<Box<dyn Stream>, Self> {
        Err(self) // it is
    }
}

impl Speech {
    fn of(head: &[u8]) -> Self {
        match head.first() {
            None => Self::Unknown,
            Some(&TLS) => Self::Tls,
            Some(_) if head.starts_with(GET) => Self::WebSocket,
            Some(_) if GET.starts_with(head) => Self::Unknown,
            Some(_) => Self::Lines,
        }
    }
}

impl<S> State<S> {
    /// Goes on by lines, if that is allowed.
    fn lines(stream: S, shared: &Shared) -> Self
    where
        S: Outer,
    {
        if S::allows_lines(shared) {
            shared.traffic.accepted.of(S::LINES).inc();
            return Self::Lines(stream);
        }
        shared.traffic.refused.of(Refusal::Plain).inc();
        let why = "this server takes TLS only: connect by tls:// or wss://";
        Self::Barred { stream, why }
    }
}

impl<S: Outer> Sniff<S> {
    /// Nothing is known yet.
    pub(super) fn new(stream: S, shared: Arc<Shared>) -> Self {
        Self(State::Undecided {
            stream,
            said: 0,
            shared,
        })
    }

    /// Reads until it is decided. Bytes that belong to a line stay in the buffer.
    fn poll_decide(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while let State::Undecided { stream, said, .. } = &mut self.0 {
            buffer.put_slice(&GET[..*said]);
            let known = buffer.filled().len();
            let read = Pin::new(stream).poll_read(cx, buffer);
            if !matches!(read, Poll::Ready(Ok(()))) {
                buffer.set_filled(before);
                return read;
            }
            let head = &buffer.filled()[before..];
            match Speech::of(head) {
                Speech::Unknown if buffer.filled().len() > known => {
                    *said = head.len();
                    buffer.set_filled(before);
                }
                // What became no more is a line without its end, or nothing at all.
                Speech::Unknown | Speech::Lines => self.go_on_by(Speech::Lines, &[]),
                speech => {
                    self.go_on_by(speech, head);
                    buffer.set_filled(before);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Decides, if that is still to be done.
    fn go_on_by(&mut self, speech: Speech, head: &[u8]) {
        self.0 = match mem::replace(&mut self.0, State::Deciding) {
            State::Undecided { stream, shared, .. } => match speech {
                Speech::Tls => match stream.secure(head, &shared) {
                    Ok(tls) => State::Wrapped(tls),
                    Err(stream) => {
                        shared.traffic.handshakes_failed.of(Handshake::Tls).inc();
                        let why = "this server has no certificate: connect without TLS";
                        State::Barred { stream, why }
                    }
                },
                Speech::WebSocket if S::allows_lines(&shared) => {
                    shared.traffic.accepted.of(Carrier::WebSocket).inc();
                    let limits = shared.limits();
                    State::Wrapped(Box::new(WebSocket::accept(stream, head, &limits)))
                }
                Speech::WebSocket | Speech::Lines | Speech::Unknown => {
                    State::lines(stream, &shared)
                }
            },
            decided => decided,
        };
    }

    fn stream(&self) -> Option<&dyn Stream> {
        match &self.0 {
            State::Undecided { stream, .. }
            | State::Lines(stream)
            | State::Barred { stream, .. } => Some(stream),
            State::Wrapped(stream) => Some(&**stream),
            State::Deciding => None,
        }
    }

    fn stream_mut(&mut self) -> io::Result<Pin<&mut dyn Stream>> {
        match &mut self.0 {
            State::Undecided { stream, .. }
            | State::Lines(stream)
            | State::Barred { stream, .. } => Ok(Pin::new(stream)),
            State::Wrapped(stream) => Ok(Pin::new(&mut **stream)),
            State::Deciding => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S: Outer> Stream for Sniff<S> {
    fn handed_over(&self) -> u64 {
        self.stream().map_or(0, Stream::handed_over)
    }

    fn acknowledged(&self) -> io::Result<u64> {
        self.stream().map_or(Ok(0), Stream::acknowledged)
    }

    fn certified(&self) -> Option<bool> {
        self.stream().and_then(Stream::certified)
    }
}

impl<S: Outer> AsyncRead for Sniff<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let State::Undecided { .. } = self.0 {
            ready!(self.poll_decide(cx, buffer))?;
            if let State::Lines(_) = self.0 {
                return Poll::Ready(Ok(()));
            }
        }
        if let State::Barred { why, .. } = &mut self.0
            && !why.is_empty()
        {
            let info = Info::Text(mem::take(why).into());
            return Poll::Ready(Err(Refused(info).into()));
        }
        self.stream_mut()?.poll_read(cx, buffer)
    }
}

impl<S: Outer> AsyncWrite for Sniff<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Who is told something before it has said anything is told a line.
        self.go_on_by(Speech::Lines, &[]);
        self.stream_mut()?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream_mut()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream_mut()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_far_end_speaks() {
        let tls = [0x16, 0x03, 0x01];
        assert_eq!(Speech::of(&tls), Speech::Tls);
        assert_eq!(Speech::of(b"GET / HTTP/1.1\r\n"), Speech::WebSocket);
        for line in [&b"{\"command\":\"LOGOUT\"}\n"[..], b"\n", b"GETS", b"get "] {
            assert_eq!(Speech::of(line), Speech::Lines);
        }
        for early in [&b""[..], b"G", b"GE", b"GET"] {
            assert_eq!(Speech::of(early), Speech::Unknown);
        }
    }

    #[test]
    fn a_connection_that_speaks_lines_costs_next_to_nothing_more() {
        assert!(size_of::<Sniff<Tcp>>() - size_of::<Tcp>() <= 32);
    }
}

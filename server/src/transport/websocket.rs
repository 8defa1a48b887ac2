//! WebSocket: each text message is one line, in either direction, without its end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream as _, TryFutureExt};
use regrow_model::message::Address;
use regrow_model::message::client::Info;
use regrow_model::message::framing::LineTooLong;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Limits;
use super::stream::{Disagreed, Opening, Refused, Stream};
use crate::metrics::Handshake as Agreement;

/// How much of a request is read before it must have ended.
const REQUEST_MAX: usize = 16 << 10;
/// How much room each connection keeps for what it reads, and from how much on what it writes goes to the kernel.
const BUFFER: usize = 4 << 10;
/// What somebody is told who asks for a page.
const NO_PAGE: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\
    Content-Type: text/plain\r\n\r\nThis is a Regrow server: it speaks WebSocket here, one JSON object a message.\n";

type Handshake<S> = Pin<Box<dyn Future<Output = io::Result<WebSocketStream<S>>> + Send>>;

/// A WebSocket, its handshake included: that is done as it is read from.
pub(super) struct WebSocket<S> {
    opening: Opening<Handshake<S>, WebSocketStream<S>>,
    line_bytes: usize,
    /// What was received and not read yet: the rest of a message, and then its line's end.
    received: Bytes,
    line_is_over: bool,
    /// Whether the far end isn't listened to any more.
    is_deaf: bool,
    /// Whether it has sent a ping whose answer may be yet to be written.
    owes_pong: bool,
    /// The beginning of a line that is being written.
    unsent: Vec<u8>,
}

impl<S: Stream + 'static> WebSocket<S> {
    /// Answers a far end that has begun like this.
    pub(super) fn accept(stream: S, head: &[u8], limits: &Limits) -> Self {
        let line_bytes = limits.line_bytes;
        let handshake = answer(stream, head.to_vec(), settings(line_bytes));
        let handshake = handshake.map_err(Disagreed::on(Agreement::WebSocket));
        Self::new(Opening::Underway(Box::pin(handshake)), line_bytes)
    }

    /// Asks a server at that address, on a stream to it.
    ///
    /// # Errors
    /// When it doesn't speak WebSocket.
    pub(super) async fn ask(stream: S, address: &Address, limits: &Limits) -> io::Result<Self> {
        let line_bytes = limits.server_line_bytes;
        let url = format!("ws://{}/", address.as_str());
        let asked = client_async_with_config(url, stream, Some(settings(line_bytes))).await;
        let (stream, _) = asked.map_err(broken)?;
        Ok(Self::new(Opening::Open(stream), line_bytes))
    }

    fn new(opening: Opening<Handshake<S>, WebSocketStream<S>>, line_bytes: usize) -> Self {
        Self {
            opening,
            line_bytes,
            received: Bytes::new(),
            line_is_over: true,
            is_deaf: false,
            owes_pong: false,
            unsent: Vec::new(),
        }
    }

    /// Takes the next message; ready with nothing once there will be none.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Utf8Bytes>>> {
        let stream = ready!(self.opening.poll_open(cx))?;
        loop {
            if self.owes_pong {
                // Who doesn't read the answers is not read either, or they would be kept for him without end.
                ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(broken)?;
                self.owes_pong = false;
            }
            return Poll::Ready(match ready!(Pin::new(&mut *stream).poll_next(cx)) {
                None => Ok(None),
                Some(Ok(Message::Text(text))) => Ok(Some(text)),
                Some(Ok(Message::Binary(_))) => {
                    self.is_deaf = true;
                    let info = Info::Text("a message must be text, and this one is binary".into());
                    Err(Refused(info).into())
                }
                Some(Ok(Message::Ping(_))) => {
                    self.owes_pong = true;
                    continue;
                }
                // A close is answered as the next message is waited for.
                Some(Ok(Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => continue,
                Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                    self.is_deaf = true;
                    let limit_bytes = self.line_bytes;
                    Err(Refused(LineTooLong { limit_bytes }.into()).into())
                }
                Some(Err(error)) => Err(broken(error)),
            });
        }
    }
}

impl<S: Stream + 'static> WebSocket<S> {
    /// Reads without looking: what stays unread when a connection is closed takes back what was said last.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.opening.poll_open(cx))?.get_mut();
        let mut room = [0; 1024];
        loop {
            let mut discarded = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut discarded))?;
            if discarded.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

fn settings(line_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(line_bytes))
        .max_frame_size(Some(line_bytes))
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::other(error),
    }
}

/// Reads the request and agrees to it.
async fn answer<S: Stream>(
    mut stream: S,
    mut head: Vec<u8>,
    settings: WebSocketConfig,
) -> io::Result<WebSocketStream<S>> {
    let asked = loop {
        match Request::try_parse(&head) {
            Ok(None) if head.len() < REQUEST_MAX => {}
            Ok(parsed) => break parsed,
            Err(_) => break None,
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let agreed =
        asked.and_then(|(length, request)| Some((length, create_response(&request).ok()?)));
    let Some((length, response)) = agreed else {
        stream.write_all(NO_PAGE).await?;
        stream.shutdown().await?;
        return Err(io::Error::other(
            "it asks for something else than a WebSocket",
        ));
    };
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(broken)?;
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    let rest = head.split_off(length);
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(settings)).await)
}

impl<S: Stream + 'static> Stream for WebSocket<S> {
    fn handed_over(&self) -> u64 {
        let stream = self.opening.open();
        stream.map_or(0, |stream| stream.get_ref().handed_over())
    }

    fn acknowledged(&self) -> io::Result<u64> {
        let stream = self.opening.open();
        stream.map_or(Ok(0), |stream| stream.get_ref().acknowledged())
    }

    fn certified(&self) -> Option<bool> {
        let stream = self.opening.open();
        stream.and_then(|stream| stream.get_ref().certified())
    }
}

impl<S: Stream + 'static> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_deaf {
            return self.poll_discard(cx);
        }
        while self.received.is_empty() && self.line_is_over {
            match ready!(self.poll_message(cx))? {
                None => return Poll::Ready(Ok(())),
                Some(message) => {
                    self.received = message.into();
                    self.line_is_over = false;
                }
            }
        }
        let length = self.received.len().min(buffer.remaining());
        let begin = buffer.filled().len();
        buffer.put_slice(&self.received[..length]);
        // One message is one line: what JSON lets stand between two tokens must not end it.
        for byte in &mut buffer.filled_mut()[begin..] {
            if *byte == b'\n' {
                *byte = b'\r';
            }
        }
        self.received.advance(length);
        if self.received.is_empty() && buffer.remaining() > 0 {
            buffer.put_slice(b"\n");
            self.received = Bytes::new();
            self.line_is_over = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream + 'static> AsyncWrite for WebSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let stream = ready!(this.opening.poll_open(cx))?;
        ready!(Pin::new(&mut *stream).poll_ready(cx)).map_err(broken)?;
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            this.unsent.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        };
        let mut line = std::mem::take(&mut this.unsent);
        line.extend_from_slice(&bytes[..end]);
        // A heartbeat, an empty line, is no message: this far end's own machine answers pings.
        if !line.is_empty() {
            let text = Utf8Bytes::try_from(line);
            let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let sent = Pin::new(&mut *stream).start_send(Message::Text(text));
            sent.map_err(broken)?;
        }
        Poll::Ready(Ok(end + 1))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.opening.poll_open(cx))?;
        Pin::new(stream).poll_flush(cx).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.opening.poll_open(cx))?;
        ready!(Pin::new(&mut *stream).poll_close(cx)).map_err(broken)?;
        Pin::new(stream.get_mut()).poll_shutdown(cx)
    }
}

//! TLS over TCP. What the kernel acknowledges is counted below: ciphertext and what wraps it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use regrow_model::message::Address;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream, server};

use super::stream::{Disagreed, Opening, Rewound, Stream};
use super::tcp::Tcp;

type Below = Rewound<Tcp>;

/// A TLS connection, its handshake included: that is done as it is read from.
pub(super) struct Tls(Opening<Handshake, TlsStream<Below>>);

/// A handshake with whoever has connected to us.
pub(super) struct Handshake(server::Accept<Below>);

impl Tls {
    /// Answers a far end that has begun like this.
    pub(super) fn accept(acceptor: &TlsAcceptor, head: Vec<u8>, stream: Tcp) -> Self {
        let handshake = acceptor.accept(Rewound::new(head, stream));
        Self(Opening::Underway(Handshake(handshake)))
    }

    /// Connects to an address whose certificate bears its host's name.
    ///
    /// # Errors
    /// When nobody answers there, or somebody else.
    pub(super) async fn connect(connector: &TlsConnector, address: &Address) -> io::Result<Self> {
        let name = name_of(address)?;
        let stream = Rewound::new(Vec::new(), Tcp::connect(address).await?);
        let stream = connector.connect(name, stream).await?;
        Ok(Self(Opening::Open(stream.into())))
    }
}

/// The name that a certificate must bear.
pub(super) fn name_of(address: &Address) -> io::Result<ServerName<'static>> {
    let name = ServerName::try_from(address.host().to_owned());
    name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

impl Future for Handshake {
    type Output = io::Result<TlsStream<Below>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map_ok(|stream| stream.into())
            .map_err(Disagreed::on(crate::metrics::Handshake::Tls))
    }
}

impl Stream for Tls {
    fn handed_over(&self) -> u64 {
        self.0.open().map_or(0, |tls| below(tls).handed_over())
    }

    fn acknowledged(&self) -> io::Result<u64> {
        self.0.open().map_or(Ok(0), |tls| below(tls).acknowledged())
    }

    fn certified(&self) -> Option<bool> {
        let tls = self.0.open();
        Some(tls.is_some_and(|tls| tls.get_ref().1.peer_certificates().is_some()))
    }
}

fn below(tls: &TlsStream<Below>) -> &Tcp {
    tls.get_ref().0.get_ref()
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tls = ready!(self.0.poll_open(cx))?;
        Pin::new(tls).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tls = ready!(self.0.poll_open(cx))?;
        Pin::new(tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tls = ready!(self.0.poll_open(cx))?;
        Pin::new(tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tls = ready!(self.0.poll_open(cx))?;
        Pin::new(tls).poll_shutdown(cx)
    }
}

//! QUIC: one stream each way, over UDP. Between servers alone, and both show a certificate.
//!
//! A connection that is closed takes with it what the far end hasn't read yet. So whoever finishes first closes, once it has read
//! that the far end has finished too; whoever finishes second waits for that.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::{
    ClientConfig, Connecting, Connection, ConnectionError, Endpoint, RecvStream, SendStream,
};
use quinn::{ServerConfig, TransportConfig, VarInt};
use regrow_model::message::Address;
use regrow_model::port::End;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Transport;
use super::admission::Place;
use super::direct::{self, Direct};
use super::race;
use super::stream::Stream;
use crate::metrics::{Carrier, Handshake};

/// How long a connection may be without a sign of the far end; a server's silence is noticed long before.
const VANISHED_MS: u32 = 30_000;
/// How long a far end may take to read what was sent before the end.
const LINGER: Duration = Duration::from_secs(5);
/// What to assume of a network that nothing is known of, or a lost first packet would take a whole dial.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(50);
/// How much may be on its way to us.
const RECEIVE_BYTES: u32 = 4 << 20;
/// How much of what was sent is kept until it has arrived.
const SEND_BYTES: u64 = 4 << 20;

/// What connections rest on, as every server of ours does it.
pub(super) fn settings() -> Arc<TransportConfig> {
    let mut settings = TransportConfig::default();
    settings
        .max_concurrent_bidi_streams(1_u8.into())
        .max_concurrent_uni_streams(0_u8.into())
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(VarInt::from_u32(VANISHED_MS).into()))
        .initial_rtt(FIRST_ROUND_TRIP)
        .stream_receive_window(RECEIVE_BYTES.into())
        .receive_window(RECEIVE_BYTES.into())
        .send_window(SEND_BYTES);
    Arc::new(settings)
}

/// The sockets of a process.
#[derive(Default)]
pub(super) struct Endpoints(Mutex<Sockets>);

#[derive(Default)]
struct Sockets {
    listening: Option<Endpoint>,
    dialing: Vec<Endpoint>,
}

impl Endpoints {
    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nobody in any more.
    pub(super) fn close_door(&self) {
        if let Some(endpoint) = &self.lock().listening {
            endpoint.set_server_config(None);
        }
    }

    /// Keeps one that dials while it has a connection.
    fn keep(&self, endpoint: Endpoint) {
        let dialing = &mut self.lock().dialing;
        dialing.retain(|endpoint| endpoint.open_connections() > 0);
        dialing.push(endpoint);
    }

    /// Returns when every far end of a connection that was closed could have heard of it.
    pub(super) async fn idle(&self) {
        let all = {
            let sockets = self.lock();
            let listening = sockets.listening.iter();
            listening
                .chain(&sockets.dialing)
                .cloned()
                .collect::<Vec<_>>()
        };
        for endpoint in all {
            endpoint.wait_idle().await;
        }
    }
}

/// One connection.
pub(super) struct Quic {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    /// Whether the far end has finished, and we have read all that it sent.
    has_read_all: bool,
    parting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Quic {
    fn new(connection: Connection, (send, receive): (SendStream, RecvStream)) -> Self {
        Self {
            connection,
            send,
            receive,
            has_read_all: false,
            parting: None,
        }
    }

    /// Connects to an address whose certificate bears its host's name.
    ///
    /// # Errors
    /// When nobody answers there, or somebody else.
    pub(super) async fn connect(
        endpoints: &Arc<Endpoints>,
        config: &ClientConfig,
        address: &Address,
    ) -> io::Result<Self> {
        let attempt = |to| {
            let (endpoints, config) = (endpoints.clone(), config.clone());
            let host = address.host().to_owned();
            async move {
                let (endpoint, socket) = direct::endpoint(to)?;
                let connecting = endpoint.connect_with(config, to, &host);
                let connecting = connecting
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                endpoints.keep(endpoint);
                tokio::select! {
                    connection = Self::open(connecting, socket.clone()) => connection.map_err(refused),
                    () = socket.refused() => Err(io::ErrorKind::ConnectionRefused.into()),
                }
            }
        };
        race::reach(address, attempt).await
    }

    async fn open(connecting: Connecting, socket: Arc<Direct>) -> Result<Self, ConnectionError> {
        let connection = connecting.await?;
        let streams = connection.open_bi().await?;
        tokio::spawn(watch(connection.clone(), socket));
        Ok(Self::new(connection, streams))
    }
}

/// Ends a connection when the system says that nobody is there any more.
async fn watch(connection: Connection, socket: Arc<Direct>) {
    tokio::select! {
        _ = connection.closed() => {}
        () = socket.refused() => connection.close(VarInt::default(), b"nobody is there"),
    }
}

/// A certificate that was refused, by us or the far end, is told from a far end that isn't there.
fn refused(error: ConnectionError) -> io::Error {
    match error {
        ConnectionError::TransportError(_) | ConnectionError::ConnectionClosed(_) => {
            io::Error::new(io::ErrorKind::InvalidData, error)
        }
        ConnectionError::VersionMismatch
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => error.into(),
    }
}

impl Transport {
    /// Takes connections by QUIC as well, at this address, if there are certificates for that.
    ///
    /// # Errors
    /// When it can't listen there.
    pub fn listen_by_quic(&self, at: SocketAddr) -> io::Result<Option<JoinHandle<()>>> {
        let Some(config) = self.0.connector.carriers.quic_acceptor() else {
            return Ok(None);
        };
        let endpoint = Endpoint::server((*config).clone(), at)?;
        self.0.connector.endpoints.lock().listening = Some(endpoint.clone());
        let this = self.clone();
        Ok(Some(tokio::spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                this.accept_by_quic(incoming);
            }
        })))
    }

    fn accept_by_quic(&self, incoming: quinn::Incoming) {
        if !incoming.remote_address_validated() {
            // Nobody takes places under others' addresses.
            let _ = incoming.retry();
            return;
        }
        let from = incoming.remote_address().ip();
        let place = match Place::take(&self.0, from) {
            Ok(place) => place,
            Err(crowded) => {
                tracing::warn!(event = "connection_refused", %from, why = %crowded, "refused a connection");
                return incoming.refuse();
            }
        };
        let Some(config) = self.0.connector.carriers.quic_acceptor() else {
            return incoming.refuse();
        };
        let this = self.clone();
        tokio::spawn(async move {
            let patience = this.0.limits().stranger;
            match timeout(patience, open(incoming, config)).await {
                Ok(Ok(stream)) => {
                    this.0.traffic.accepted.of(Carrier::Quic).inc();
                    this.carry(Box::new(stream), Some(from), End::Accepted, place);
                }
                Ok(Err(error)) => this.failed_by_quic(from, &error),
                Err(late) => this.failed_by_quic(from, &late),
            }
        });
    }
}

impl Transport {
    fn failed_by_quic(&self, from: IpAddr, why: &dyn std::fmt::Display) {
        self.0.traffic.handshakes_failed.of(Handshake::Quic).inc();
        tracing::debug!(%from, %why, "no QUIC connection");
    }
}

async fn open(
    incoming: quinn::Incoming,
    config: Arc<ServerConfig>,
) -> Result<Quic, ConnectionError> {
    let connection = incoming.accept_with(config)?.await?;
    let streams = connection.accept_bi().await?;
    Ok(Quic::new(connection, streams))
}

impl Drop for Quic {
    /// Ends the connection, which who watches over it would keep.
    fn drop(&mut self) {
        self.connection.close(VarInt::default(), b"");
    }
}

impl Stream for Quic {
    fn handed_over(&self) -> u64 {
        0
    }

    /// No legacy client comes this way.
    fn acknowledged(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn certified(&self) -> Option<bool> {
        Some(true)
    }
}

impl AsyncRead for Quic {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(AsyncRead::poll_read(
            Pin::new(&mut self.receive),
            cx,
            buffer
        ))?;
        self.has_read_all |= buffer.filled().len() == before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Quic {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.send), cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.parting.is_none() {
            // It may have been reset by the far end: then there is nothing to wait for.
            let is_second = self.send.finish().is_ok() && self.has_read_all;
            let connection = self.connection.clone();
            self.parting = Some(Box::pin(async move {
                if is_second {
                    // Closed now, it would take along what the far end hasn't read.
                    let _ = timeout(LINGER, connection.closed()).await;
                }
            }));
        }
        if let Some(parting) = &mut self.parting {
            ready!(parting.as_mut().poll(cx));
        }
        Poll::Ready(Ok(()))
    }
}

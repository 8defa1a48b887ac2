//! What may carry a connection, and what does.

use std::io;
use std::sync::Arc;

use regrow_model::message::{Address, Scheme};
use tokio_rustls::TlsAcceptor;

use super::Limits;
use super::certificates::{Certificates, Current};
use super::quic::{Endpoints, Quic};
use super::stream::Stream;
use super::tcp::Tcp;
use super::tls::Tls;
use super::websocket::WebSocket;

/// What connections may be carried by. By default TCP alone.
#[derive(Clone, Default)]
pub struct Carriers {
    /// Who we are and whom we believe.
    pub certificates: Option<Arc<Certificates>>,
    /// Whether whoever connects must speak TLS.
    pub requires_tls: bool,
    /// How a client dials, whatever an address says. A server dials as the address says.
    pub way: Option<Way>,
}

/// How a client dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Lines over TCP.
    Tcp,
    /// Lines over TLS.
    Tls,
    /// Lines over QUIC: between servers.
    Quic,
    /// WebSocket over TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

/// Connects to addresses.
#[derive(Default)]
pub(crate) struct Connector {
    pub(super) carriers: Carriers,
    pub(super) endpoints: Arc<Endpoints>,
}

impl Connector {
    /// Over whatever these are.
    pub(crate) fn new(carriers: Carriers) -> Self {
        let endpoints = Arc::default();
        Self {
            carriers,
            endpoints,
        }
    }

    /// Returns when every far end of a connection that was closed could have heard of it.
    pub(crate) async fn idle(&self) {
        self.endpoints.idle().await;
    }

    /// Connects to an address, in the way that it says unless ours is fixed.
    ///
    /// # Errors
    /// When nobody answers there, or somebody else.
    pub(crate) async fn connect(
        &self,
        address: &Address,
        limits: &Limits,
    ) -> io::Result<Box<dyn Stream>> {
        let way = self.carriers.way.unwrap_or(match address.scheme() {
            Scheme::Tcp => Way::Tcp,
            Scheme::Tls => Way::Tls,
            Scheme::Quic => Way::Quic,
        });
        Ok(match way {
            Way::Tcp => Box::new(Tcp::connect(address).await?),
            Way::Tls => Box::new(self.secure(address).await?),
            Way::Quic => {
                let config = self
                    .carriers
                    .current()
                    .and_then(|current| current.quic_dials);
                let config = config.ok_or_else(unverifiable)?;
                Box::new(Quic::connect(&self.endpoints, &config, address).await?)
            }
            Way::Ws => {
                let stream = Tcp::connect(address).await?;
                Box::new(WebSocket::ask(stream, address, limits).await?)
            }
            Way::Wss => {
                let stream = self.secure(address).await?;
                Box::new(WebSocket::ask(stream, address, limits).await?)
            }
        })
    }

    async fn secure(&self, address: &Address) -> io::Result<Tls> {
        let connector = self
            .carriers
            .current()
            .and_then(|current| current.connector);
        Tls::connect(&connector.ok_or_else(unverifiable)?, address).await
    }
}

impl Carriers {
    fn current(&self) -> Option<Current> {
        let certificates = self.certificates.as_ref()?;
        Some(certificates.current())
    }

    /// What answers a far end that speaks TLS, if anything does.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.current()?.acceptor
    }

    /// What answers a server that speaks QUIC, if anything does.
    pub(super) fn quic_acceptor(&self) -> Option<Arc<quinn::ServerConfig>> {
        self.current()?.quic_answers
    }
}

fn unverifiable() -> io::Error {
    let why = "there is no authority to verify it by: name one with --ca";
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

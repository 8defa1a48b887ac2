//! What may carry a connection, and what does.

use std::io;
use std::sync::Arc;

use regrow_model::message::{Address, Scheme};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Limits;
use super::certificates::Certificates;
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
    /// WebSocket over TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Carriers {
    /// Connects to an address, in the way that it says unless ours is fixed.
    ///
    /// # Errors
    /// When nobody answers there, or somebody else.
    pub(super) async fn connect(
        &self,
        address: &Address,
        limits: &Limits,
    ) -> io::Result<Box<dyn Stream>> {
        let way = self.way.unwrap_or(match address.scheme() {
            Scheme::Tcp => Way::Tcp,
            Scheme::Tls => Way::Tls,
            Scheme::Quic => return Err(io::ErrorKind::Unsupported.into()),
        });
        Ok(match way {
            Way::Tcp => Box::new(Tcp::connect(address).await?),
            Way::Tls => Box::new(self.secure(address).await?),
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
        Tls::connect(&self.connector()?, address).await
    }

    /// What answers a far end that speaks TLS, if anything does.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.certificates.as_ref()?.current().acceptor
    }

    fn connector(&self) -> io::Result<TlsConnector> {
        let certificates = self.certificates.as_ref();
        let connector = certificates.and_then(|certificates| certificates.current().connector);
        connector.ok_or_else(|| {
            let why = "no authority to verify it: name one with --ca";
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })
    }
}

//! Which servers a client knows, and how it connects to them.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use regrow_model::message::{Address, AddressError, Scheme};

use crate::transport::{Carriers, CertificateError, CertificateFiles, Certificates, Way};

/// The servers that a client, or a bench, is told of.
#[derive(Args, Clone, Debug)]
pub(in crate::command) struct Servers {
    /// A server that runs; several may be named. A client goes on at another one when one is gone, and learns of more in the
    /// same way; a bench takes them in the order of a chain
    #[arg(long = "server", value_name = "[tcp|tls|ws|wss://]HOST:PORT")]
    servers: Vec<Server>,
    /// Believe servers whose certificates this authority has signed (PEM); for tls:// and wss://
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// One server, and how to connect to it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    way: Way,
    address: Address,
}

/// Servers that can't be connected to as they are named.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// Several ways.
    #[error("all servers are connected to in one way: give every --server the same scheme")]
    Ways,
    /// Nobody to believe.
    #[error(
        "to connect by TLS, name the authority that has signed the server's certificate with --ca"
    )]
    NoAuthority,
    /// The authority can't be used.
    #[error(transparent)]
    Authority(#[from] CertificateError),
}

/// A text that names no server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum ServerError {
    #[error("clients connect by tcp://, tls://, ws:// or wss://; QUIC is for servers")]
    Quic,
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        for (scheme, way) in [("ws://", Way::Ws), ("wss://", Way::Wss)] {
            if let Some(place) = text.strip_prefix(scheme) {
                let place = place.strip_suffix('/').unwrap_or(place);
                // Another scheme behind that one is none.
                let address = format!("tcp://{place}").parse()?;
                return Ok(Self { way, address });
            }
        }
        let address: Address = text.parse()?;
        let way = match address.scheme() {
            Scheme::Tcp => Way::Tcp,
            Scheme::Tls => Way::Tls,
            Scheme::Quic => return Err(ServerError::Quic),
        };
        let address = address.by(Scheme::Tcp);
        Ok(Self { way, address })
    }
}

impl Servers {
    /// Where they are.
    pub(in crate::command) fn addresses(&self) -> impl Iterator<Item = Address> {
        self.servers.iter().map(|server| server.address.clone())
    }

    /// Whether there are any.
    pub(in crate::command) fn are_named(&self) -> bool {
        !self.servers.is_empty()
    }

    /// How they are connected to.
    ///
    /// # Errors
    /// When that can't be done.
    pub(in crate::command) fn carriers(&self) -> Result<Carriers, ServersError> {
        let way = self.servers.first().map_or(Way::Tcp, |server| server.way);
        if self.servers.iter().any(|server| server.way != way) {
            return Err(ServersError::Ways);
        }
        let is_certified = matches!(way, Way::Tls | Way::Wss);
        if is_certified && self.ca.is_none() {
            return Err(ServersError::NoAuthority);
        }
        let files = CertificateFiles {
            own: None,
            authority: self.ca.clone(),
        };
        Ok(Carriers {
            certificates: Some(Arc::new(Certificates::read(files)?)),
            requires_tls: false,
            way: Some(way),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_says_how_a_client_connects() {
        let ways = [
            ("localhost:1", Way::Tcp),
            ("tcp://localhost:1", Way::Tcp),
            ("tls://localhost:1", Way::Tls),
            ("ws://localhost:1", Way::Ws),
            ("wss://localhost:1/", Way::Wss),
        ];
        for (text, way) in ways {
            let address = "localhost:1".parse().unwrap();
            assert_eq!(text.parse(), Ok(Server { way, address }), "{text}");
        }
        assert_eq!("quic://a:1".parse::<Server>(), Err(ServerError::Quic));
        assert!("ws://tls://a:1".parse::<Server>().is_err());
    }
}

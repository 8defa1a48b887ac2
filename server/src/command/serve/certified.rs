//! `--cert`, `--key`, `--ca`, `--require-tls`: who the server is, and whom it believes.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use regrow_model::message::{Address, Scheme};

use crate::transport::{Carriers, CertificateError, CertificateFiles, Certificates, OwnFiles};

/// The server's certificates.
#[derive(Args, Debug)]
pub(super) struct Certified {
    /// Answer those who connect by TLS with this certificate (PEM); links from server to server need --ca as well
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Believe servers whose certificates this authority has signed (PEM), and have others dial this one by tls://
    #[arg(long, value_name = "FILE", requires = "cert")]
    ca: Option<PathBuf>,
    /// Refuse who connects without TLS
    #[arg(long, requires = "cert")]
    require_tls: bool,
}

/// Certificates that don't fit the rest of the command line.
#[derive(Debug, thiserror::Error)]
pub enum CertifiedError {
    /// The files can't be used.
    #[error(transparent)]
    Files(#[from] CertificateError),
    /// An address that only certificates make sense of.
    #[error(
        "{address} needs certificates: give --cert, --key and --ca (`regrow cert` makes some to try)"
    )]
    Needed {
        /// The address.
        address: Address,
    },
}

impl Certified {
    /// What carries the server's connections.
    ///
    /// # Errors
    /// When the certificates can't be used.
    pub(super) fn carriers(&self) -> Result<Carriers, CertifiedError> {
        let own = self.cert.clone().zip(self.key.clone());
        let Some((certificate, key)) = own else {
            return Ok(Carriers::default());
        };
        let files = CertificateFiles {
            own: Some(OwnFiles { certificate, key }),
            authority: self.ca.clone(),
        };
        Ok(Carriers {
            certificates: Some(Arc::new(Certificates::read(files)?)),
            requires_tls: self.require_tls,
            way: None,
        })
    }

    /// How other servers dial this one, unless it is said where and how.
    pub(super) fn scheme(&self) -> Scheme {
        match self.ca {
            Some(_) => Scheme::Tls,
            None => Scheme::Tcp,
        }
    }

    /// Makes sure that an address can be dialed, or dials to it answered.
    ///
    /// # Errors
    /// When that takes certificates and there are none.
    pub(super) fn allows(&self, address: &Address) -> Result<(), CertifiedError> {
        let certified = self.ca.is_some();
        match address.scheme() {
            Scheme::Tls | Scheme::Quic if !certified => Err(CertifiedError::Needed {
                address: address.clone(),
            }),
            Scheme::Tcp | Scheme::Tls | Scheme::Quic => Ok(()),
        }
    }
}

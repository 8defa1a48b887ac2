//! `--cert`, `--key`, `--ca`: who a server is, and whom it believes. An operator who speaks to servers as one of them does
//! so with the same.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use regrow_model::message::{Address, Scheme};

use crate::transport::{Carriers, CertificateError, CertificateFiles, Certificates, OwnFiles};

/// A server's certificates.
#[derive(Args, Debug)]
pub(in crate::command) struct Certified {
    /// Show this certificate (PEM) to those who connect by TLS; links to servers need --ca as well
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Believe servers whose certificates this authority has signed (PEM); a server with it is dialed by tls://
    #[arg(long, value_name = "FILE", requires = "cert")]
    ca: Option<PathBuf>,
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
    /// What carries the server's connections. It need not be TLS.
    ///
    /// # Errors
    /// When the certificates can't be used.
    pub(in crate::command) fn carriers(&self) -> Result<Carriers, CertifiedError> {
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
            requires_tls: false,
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
    pub(in crate::command) fn allows(&self, address: &Address) -> Result<(), CertifiedError> {
        let certified = self.ca.is_some();
        match address.scheme() {
            Scheme::Tls | Scheme::Quic if !certified => Err(CertifiedError::Needed {
                address: address.clone(),
            }),
            Scheme::Tcp | Scheme::Tls | Scheme::Quic => Ok(()),
        }
    }
}

//! Who we are and whom we believe: certificates from files, read again when an operator says so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::quic;

/// Where the certificates are.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// Our own, if we have one.
    pub own: Option<OwnFiles>,
    /// The authority that we believe: those whose certificates it has signed.
    pub authority: Option<PathBuf>,
}

/// Our own certificate, in PEM.
#[derive(Clone, Debug)]
pub struct OwnFiles {
    /// The certificate, and those between it and its authority's.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Certificates that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} holds no {what} in PEM: {why}", file.display())]
    Pem {
        /// Which.
        file: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate isn't the key's, or of a kind that isn't supported.
    #[error(
        "{} and {} cannot be used together: {source}", files.certificate.display(), files.key.display()
    )]
    Own {
        /// Which.
        files: OwnFiles,
        /// What is wrong with them.
        source: rustls::Error,
    },
    /// The authority can't be used.
    #[error("{} holds no authority's certificate that can be used: {why}", file.display())]
    Authority {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Certificates in use.
pub struct Certificates {
    files: CertificateFiles,
    current: watch::Sender<Current>,
}

/// What is made of the files.
#[derive(Clone)]
pub(super) struct Current {
    /// Answers who connects to us; they need no certificate, but what they show is verified.
    pub(super) acceptor: Option<TlsAcceptor>,
    /// Connects to servers whose certificates we can verify.
    pub(super) connector: Option<TlsConnector>,
    /// Answers servers that connect to us by QUIC: they need a certificate.
    pub(super) quic_answers: Option<Arc<quinn::ServerConfig>>,
    /// Connects to servers by QUIC.
    pub(super) quic_dials: Option<quinn::ClientConfig>,
}

impl Certificates {
    /// Reads them.
    ///
    /// # Errors
    /// When they can't be used.
    pub fn read(files: CertificateFiles) -> Result<Self, CertificateError> {
        let current = watch::Sender::new(Current::read(&files)?);
        Ok(Self { files, current })
    }

    /// Reads them again, for connections that are yet to be made.
    ///
    /// # Errors
    /// When they can't be used; those that were read before stay in use.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.current.send_replace(Current::read(&self.files)?);
        Ok(())
    }

    pub(super) fn current(&self) -> Current {
        self.current.borrow().clone()
    }
}

impl Current {
    fn read(files: &CertificateFiles) -> Result<Self, CertificateError> {
        let own = files.own.as_ref().map(Own::read).transpose()?;
        let roots = files.authority.as_deref().map(authority).transpose()?;
        let mut current = Self {
            acceptor: None,
            connector: None,
            quic_answers: None,
            quic_dials: None,
        };
        if let Some(own) = &own {
            let config = answering(own, roots.as_ref(), Guests::MayBeUnknown)?;
            current.acceptor = Some(TlsAcceptor::from(Arc::new(config)));
        }
        if let Some(roots) = &roots {
            let config = asking(own.as_ref(), roots)?;
            current.connector = Some(TlsConnector::from(Arc::new(config)));
        }
        if let (Some(own), Some(roots)) = (&own, &roots) {
            let config = answering(own, Some(roots), Guests::AreServers)?;
            current.quic_answers = Some(Arc::new(quic_answers(config, own)?));
            current.quic_dials = Some(quic_dials(asking(Some(own), roots)?, own)?);
        }
        Ok(current)
    }
}

/// How QUIC's handshake names what is spoken.
const PROTOCOL: &[u8] = b"regrow";

fn quic_answers(
    mut config: ServerConfig,
    own: &Own,
) -> Result<quinn::ServerConfig, CertificateError> {
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let crypto = QuicServerConfig::try_from(config).map_err(|error| own.unfit(&error))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(quic::settings());
    Ok(config)
}

fn quic_dials(
    mut config: ClientConfig,
    own: &Own,
) -> Result<quinn::ClientConfig, CertificateError> {
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let crypto = QuicClientConfig::try_from(config).map_err(|error| own.unfit(&error))?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(quic::settings());
    Ok(config)
}

/// Who may connect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guests {
    /// Those with a certificate of the authority's, and those with none.
    MayBeUnknown,
    /// Those with one alone.
    AreServers,
}

/// Our own certificate.
struct Own {
    files: OwnFiles,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Own {
    fn read(files: &OwnFiles) -> Result<Self, CertificateError> {
        let key = PrivateKeyDer::from_pem_file(&files.key);
        Ok(Self {
            files: files.clone(),
            chain: chain(&files.certificate)?,
            key: key.map_err(|error| unusable(&files.key, "private key", error))?,
        })
    }

    fn unfit(&self, error: &dyn std::error::Error) -> CertificateError {
        self.refused()(rustls::Error::General(error.to_string()))
    }

    fn refused(&self) -> impl Fn(rustls::Error) -> CertificateError {
        |source| CertificateError::Own {
            files: self.files.clone(),
            source,
        }
    }
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let failed = |error| unusable(file, "certificate", error);
    let chain = CertificateDer::pem_file_iter(file).map_err(failed)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(failed)?;
    if chain.is_empty() {
        return Err(failed(pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn unusable(file: &Path, what: &'static str, error: pem::Error) -> CertificateError {
    let file = file.to_owned();
    match error {
        pem::Error::Io(source) => CertificateError::Read { file, source },
        error => CertificateError::Pem {
            file,
            what,
            why: error.to_string(),
        },
    }
}

/// Those that we believe, and where they were read.
struct Roots {
    file: PathBuf,
    store: Arc<RootCertStore>,
}

fn authority(file: &Path) -> Result<Roots, CertificateError> {
    let mut store = RootCertStore::empty();
    for certificate in chain(file)? {
        let added = store.add(certificate);
        added.map_err(|error| CertificateError::Authority {
            file: file.to_owned(),
            why: error.to_string(),
        })?;
    }
    Ok(Roots {
        file: file.to_owned(),
        store: Arc::new(store),
    })
}

/// Resumes nothing: whoever comes back shows its certificate again, which may have been replaced.
fn answering(
    own: &Own,
    roots: Option<&Roots>,
    guests: Guests,
) -> Result<ServerConfig, CertificateError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(own.refused())?;
    let builder = match roots {
        None => builder.with_no_client_auth(),
        Some(Roots { file, store }) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(store.clone(), provider);
            let verifier = match guests {
                Guests::MayBeUnknown => verifier.allow_unauthenticated(),
                Guests::AreServers => verifier,
            };
            let refused = |error: VerifierBuilderError| CertificateError::Authority {
                file: file.clone(),
                why: error.to_string(),
            };
            builder.with_client_cert_verifier(verifier.build().map_err(refused)?)
        }
    };
    let mut config = builder
        .with_single_cert(own.chain.clone(), own.key.clone_key())
        .map_err(own.refused())?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The other side of the same.
fn asking(own: Option<&Own>, roots: &Roots) -> Result<ClientConfig, CertificateError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| CertificateError::Authority {
            file: roots.file.clone(),
            why: error.to_string(),
        })?
        .with_root_certificates(roots.store.clone());
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
            .map_err(own.refused())?,
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

//! Certificates for a test.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use tempfile::{TempDir, tempdir};

use super::Server;
use super::talks::connect;

/// A private authority and one certificate for this machine.
pub(crate) struct Laboratory(TempDir);

impl Laboratory {
    /// Makes them.
    pub(crate) fn new() -> Self {
        let laboratory = Self(tempdir().expect("a directory for the test"));
        laboratory.cert(&["ca"], &[]);
        laboratory.cert(&["node"], &["localhost", "127.0.0.1", "::1"]);
        laboratory
    }

    fn cert(&self, what: &[&str], names: &[&str]) {
        let made = Command::new(env!("CARGO_BIN_EXE_regrow"))
            .arg("cert")
            .args(what)
            .arg(self.0.path())
            .args(names)
            .output();
        let made = made.expect("the binary can be started");
        assert!(made.status.success(), "{made:?}");
    }

    /// Where a file of it is.
    pub(crate) fn file(&self, name: &str) -> String {
        let file: PathBuf = self.0.path().join(name);
        file.to_str().expect("its name is text").to_owned()
    }

    /// What a server with certificates is started with.
    pub(crate) fn certificates(&self) -> Vec<String> {
        let files = [
            ("--cert", "localhost.pem"),
            ("--key", "localhost.key"),
            ("--ca", "ca.pem"),
        ];
        let flags = files.map(|(flag, name)| [flag.to_owned(), self.file(name)]);
        flags.into_iter().flatten().collect()
    }

    /// Starts a server that has them.
    pub(crate) fn start(&self, data: &Path, more: &[&str]) -> Server {
        Server::start(data, &self.all(more))
    }

    /// What such a server is started with, the system's secret too, and more.
    pub(crate) fn all<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let flags = self.certificates().into_iter();
        let flags = flags.map(|flag| &*flag.leak());
        let flags = flags.chain(["--secret", "s1"]);
        flags.chain(more.iter().copied()).collect()
    }

    /// How one connects who believes this authority, with a certificate of it or without one.
    pub(crate) fn asking(&self, is_certified: bool) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.file("ca.pem"));
        roots
            .add(authority.expect("a certificate"))
            .expect("it is one");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_root_certificates(roots);
        if is_certified {
            let (chain, key) = self.own();
            let config = config.with_client_auth_cert(chain, key);
            config.expect("they belong together")
        } else {
            config.with_no_client_auth()
        }
    }

    /// How one answers who has a certificate of this authority.
    pub(crate) fn answering(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (chain, key) = self.own();
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they belong together")
    }

    fn own(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(self.file("localhost.pem"));
        let key = PrivateKeyDer::from_pem_file(self.file("localhost.key"));
        let chain = vec![certificate.expect("a certificate")];
        (chain, key.expect("a key"))
    }

    /// A TLS connection without a certificate of its own.
    pub(crate) fn secure(&self, server: &Server) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(self.asking(false)), name).expect("a session");
        StreamOwned::new(session, connect(server))
    }
}

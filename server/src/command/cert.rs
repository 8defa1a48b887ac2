//! `regrow cert`: certificates to try things with, by a private authority of one's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::say::{Unsaid, say};
use super::whole;

/// What the authority calls itself.
const AUTHORITY: &str = "Regrow laboratory authority";
/// Its certificate, in its directory.
const AUTHORITY_FILE: &str = "ca.pem";
/// Its key, in its directory.
const AUTHORITY_KEY_FILE: &str = "ca.key";

/// Make certificates for a laboratory: a private authority, and what it signs for each server.
#[derive(Args, Debug)]
pub struct Cert {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a private authority: DIR/ca.pem for everyone, DIR/ca.key for nobody else
    Ca {
        /// Where to; it is made if it isn't there
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Make a server's certificate, signed by the authority in DIR: DIR/NAME.pem and DIR/NAME.key, after its first name
    Node {
        /// Where `regrow cert ca` has made the authority
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// What others dial it by: host names and IP addresses
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// It would take another one's place.
    #[error(
        "{} is there already, and may be in use: choose another directory, or delete it yourself", file.display()
    )]
    Exists {
        /// Which file.
        file: PathBuf,
    },
    /// A file can't be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no authority.
    #[error("there is no {}: make an authority first, with `regrow cert ca {}`", file.display(), directory.display())]
    NoAuthority {
        /// Where its key should be.
        file: PathBuf,
        /// The directory.
        directory: PathBuf,
    },
    /// A name that names no host.
    #[error("{name:?} is no host name or IP address (and no port belongs to it)")]
    Name {
        /// What was given.
        name: String,
    },
    /// The names or the authority's key can't be used.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Nobody hears what was made.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

impl Cert {
    /// Makes it.
    ///
    /// # Errors
    /// When it can't be made, or something would be overwritten.
    pub fn run(&self) -> Result<(), CertError> {
        match &self.what {
            What::Ca { directory } => authority(directory),
            What::Node { directory, names } => node(directory, names),
        }
    }
}

/// Makes a private authority.
///
/// # Errors
/// When it can't be made, or is there already.
pub(crate) fn authority(directory: &Path) -> Result<(), CertError> {
    fs::create_dir_all(directory).map_err(at(directory))?;
    let (file, key_file) = (
        directory.join(AUTHORITY_FILE),
        directory.join(AUTHORITY_KEY_FILE),
    );
    let key = KeyPair::generate()?;
    let certificate = authority_params().self_signed(&key)?;
    write_both(
        (&file, &certificate.pem()),
        (&key_file, &key.serialize_pem()),
    )?;
    Ok(say(format_args!(
        "{} is the authority: copy it to every server and every client that connects by TLS\n\
         {} is its key, which stays here: whoever has it is believed to be any server\n\
         next, for each server: regrow cert node {} HOST...",
        file.display(),
        key_file.display(),
        directory.display()
    ))?)
}

/// Makes a server's certificate.
///
/// # Errors
/// When it can't be made, or is there already.
pub(crate) fn node(directory: &Path, names: &[String]) -> Result<(), CertError> {
    let authority_key = directory.join(AUTHORITY_KEY_FILE);
    let pem = match fs::read_to_string(&authority_key) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(CertError::NoAuthority {
                file: authority_key,
                directory: directory.to_owned(),
            });
        }
        read => read.map_err(at(&authority_key))?,
    };
    let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&pem)?);
    let key = KeyPair::generate()?;
    let certificate = node_params(names)?.signed_by(&key, &issuer)?;

    let name = names.first().map_or("node", String::as_str);
    let file = directory.join(format!("{name}.pem"));
    let key_file = directory.join(format!("{name}.key"));
    write_both(
        (&file, &certificate.pem()),
        (&key_file, &key.serialize_pem()),
    )?;
    Ok(say(format_args!(
        "{} is for the server that is dialed as {}\n\
         next, on that server:\n  regrow serve --host {name} --cert {} --key {} --ca {}",
        file.display(),
        names.join(", "),
        file.display(),
        key_file.display(),
        directory.join(AUTHORITY_FILE).display()
    ))?)
}

/// What the authority's certificate says; made anew for each signature, since it always says the same.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A server's certificate: to be dialed with, and to dial with.
fn node_params(names: &[String]) -> Result<CertificateParams, CertError> {
    for name in names {
        let is_host = rustls::pki_types::ServerName::try_from(name.as_str()).is_ok();
        if !is_host {
            return Err(CertError::Name { name: name.clone() });
        }
    }
    let mut params = CertificateParams::new(names)?;
    if let Some(name) = names.first() {
        params
            .distinguished_name
            .push(DnType::CommonName, name.as_str());
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    params.not_after = date_time_ymd(2100, 1, 1);
    Ok(params)
}

/// Writes a certificate and its key, or neither if one of them is there.
fn write_both(certificate: (&Path, &str), key: (&Path, &str)) -> Result<(), CertError> {
    for (file, _) in [certificate, key] {
        if file.exists() {
            let file = file.to_owned();
            return Err(CertError::Exists { file });
        }
    }
    let (file, pem) = certificate;
    whole::create(file, pem.as_bytes()).map_err(at(file))?;
    let (key_file, pem) = key;
    whole::create(key_file, pem.as_bytes()).map_err(|error| {
        // Without its key it is of no use, and would be in the way the next time.
        let _ = fs::remove_file(file);
        at(key_file)(error)
    })
}

fn at(file: &Path) -> impl FnOnce(io::Error) -> CertError {
    let file = file.to_owned();
    move |source| CertError::File { file, source }
}

//! `regrow forget`: an operator gives a server up for good. One line to any server of the system, which knows the
//! operator by the system's secret, and passes it on (`docs/protocol.md`, Tree, rule 12).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regrow_model::message::client::{Info, Secret};
use regrow_model::message::{Address, Hearer, Line, Peer, ServerName};

use super::say::{Unsaid, say};
use super::serve::{SecretError, secret};
use crate::transport::handshake::{Dialer, Key, Unfit};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is read, at most.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// Give a server up for good: nobody waits for it any more, nothing is kept for it
///
/// Say it to any server that runs. If the one that was given up runs still, it stops once it hears of it; started again, it
/// joins as a new server.
#[derive(Args, Debug)]
pub struct Forget {
    /// The server to give up, by the name that the others know it by: its HOST:PORT
    #[arg(value_name = "NAME")]
    name: String,
    /// A server that runs
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:3780")]
    server: Address,
    /// What all servers of the system know
    #[arg(long, required_unless_present = "secret_file")]
    secret: Option<String>,
    /// Read it from this file
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
}

/// Why a server isn't given up.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The server that was asked doesn't answer.
    #[error("{server} doesn't answer: {source}. Name another one that runs with --server")]
    Silent {
        /// Who was asked.
        server: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The file with the secret can't be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It keeps another secret.
    #[error("{server} refuses: {why}. Give its --secret")]
    Refused {
        /// Who was asked.
        server: Address,
        /// What it says.
        why: String,
    },
    /// It knows nobody of that name.
    #[error("{server} knows no server {name}")]
    Unknown {
        /// Who was asked.
        server: Address,
        /// Whom it doesn't know.
        name: String,
    },
    /// It said something else.
    #[error("{server} gave no answer that makes sense: is it a regrow server of this version?")]
    Nonsense {
        /// Who was asked.
        server: Address,
    },
    /// Nobody hears that it is.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

impl Forget {
    /// Says it, and waits until it is on that server's disk.
    ///
    /// # Errors
    /// When it is not known to be.
    pub fn run(self) -> Result<(), ForgetError> {
        let secret = match &self.secret_file {
            Some(file) => secret::read(file)?,
            None => self.secret.clone().unwrap_or_default(),
        };
        let answer = self.ask(&secret)?;
        let server = self.server;
        match Line::decode(answer.trim_end().as_bytes(), Hearer::Server) {
            Line::Peer(Peer::Retired { servers }) if servers.is_empty() => {
                let name = self.name;
                Err(ForgetError::Unknown { server, name })
            }
            Line::Peer(Peer::Retired { .. }) => {
                let name = self.name;
                Ok(say(format_args!(
                    "{name} is given up; {server} tells the others"
                ))?)
            }
            Line::Peer(Peer::AuthenticationFail { info }) => {
                let why = info.to_string();
                Err(ForgetError::Refused { server, why })
            }
            Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => {
                Err(ForgetError::Nonsense { server })
            }
        }
    }

    fn ask(&self, secret: &str) -> Result<String, ForgetError> {
        self.converse(secret).map_err(|problem| match problem {
            Unfit::Stranger => ForgetError::Refused {
                server: self.server.clone(),
                why: Info::IncorrectServerSecret.to_string(),
            },
            Unfit::Incompatible(_) => ForgetError::Nonsense {
                server: self.server.clone(),
            },
            Unfit::Io(source) => ForgetError::Silent {
                server: self.server.clone(),
                source,
            },
        })
    }

    fn converse(&self, secret: &str) -> Result<String, Unfit> {
        let mut addresses = self.server.as_str().to_socket_addrs()?;
        let address = addresses
            .next()
            .ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // Blank lines are heartbeats.
        let answers = BufReader::new(stream.try_clone()?.take(ANSWER_MAX_BYTES)).lines();
        let mut answers =
            answers.filter(|line| line.as_ref().map_or(true, |line| !line.is_empty()));
        let mut answer = || answers.next().unwrap_or(Ok(String::new()));

        let dialer = Dialer::new(Key::new(secret)?);
        stream.write_all(&dialer.challenge())?;
        let proof = dialer.answer(answer()?.as_bytes())?;
        stream.write_all(&proof)?;
        let question = Line::Peer(Peer::Forget {
            secret: Secret::never(),
            server: ServerName::from(self.name.as_str()),
        });
        let mut bytes = Vec::new();
        question.encode(&mut bytes).map_err(io::Error::other)?;
        stream.write_all(&bytes)?;
        Ok(answer()?)
    }
}

//! `regrow forget`: an operator gives a server up for good. One line to any server of the system, which knows the
//! operator by the system's secret, and passes it on (`docs/protocol.md`, Tree, rule 12).

use std::io;
use std::time::Duration;

use clap::{ArgGroup, Args};
use regrow_model::message::client::{Info, Secret};
use regrow_model::message::{Address, Hearer, Line, Peer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::say::{Unsaid, say};
use super::serve::{Certified, CertifiedError, SecretError, SecretFlags};
use crate::transport::handshake::{Dialer, Key, Unfit};
use crate::transport::{Connector, Limits};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a server may take to hear that it was the last question.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much of an answer is read, at most.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// Give a server up for good: nobody waits for it any more, nothing is kept for it
///
/// Say it to any server that runs. If the one that was given up runs still, it stops once it hears of it; started again, it
/// joins as a new server.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("given").args(["secret", "secret_file"]).required(true)))]
pub struct Forget {
    /// The server to give up, by the name that the others know it by: its HOST:PORT
    #[arg(value_name = "NAME")]
    name: String,
    /// A server that runs
    #[arg(
        long,
        value_name = "[tcp|tls|quic://]HOST:PORT",
        default_value = "localhost:3780"
    )]
    server: Address,
    #[command(flatten)]
    certified: Certified,
    #[command(flatten)]
    secret: SecretFlags,
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
    /// It takes too long.
    #[error(
        "{server} has not answered within {PATIENCE:?}; it may still do what it was asked. Look with `regrow status`, or \
         name another one that runs with --server"
    )]
    Late {
        /// Who was asked.
        server: Address,
    },
    /// The system doesn't let us ask.
    #[error("cannot run: {0}")]
    System(#[from] io::Error),
    /// The file with the secret can't be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificates can't be used.
    #[error(transparent)]
    Certified(#[from] CertifiedError),
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
        let secret = self.secret.given()?.unwrap_or_default(); // clap wants one
        self.certified.allows(&self.server)?;
        let connector = Connector::new(self.certified.carriers()?);
        let key = Key::new(&secret)?;
        let threads = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer = threads.block_on(async {
            let answer = self.ask(&connector, key).await;
            let _ = timeout(FAREWELL, connector.idle()).await;
            answer
        });
        // A name that is still being looked up isn't waited for.
        threads.shutdown_background();
        let (server, answer) = (self.server, answer?);
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

    async fn ask(&self, connector: &Connector, key: Key) -> Result<String, ForgetError> {
        let server = self.server.clone();
        match timeout(PATIENCE, self.converse(connector, key)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Unfit::Stranger)) => Err(ForgetError::Refused {
                server,
                why: Info::IncorrectServerSecret.to_string(),
            }),
            Ok(Err(Unfit::Incompatible(_))) => Err(ForgetError::Nonsense { server }),
            Ok(Err(Unfit::Io(source))) => Err(ForgetError::Silent { server, source }),
            Err(_) => Err(ForgetError::Late { server }),
        }
    }

    async fn converse(&self, connector: &Connector, key: Key) -> Result<String, Unfit> {
        let limits = Limits::default();
        let mut stream = connector.connect(&self.server, &limits).await?;
        Dialer::new(key).introduce(&mut *stream).await?;
        let question = Line::Peer(Peer::Forget {
            secret: Secret::never(),
            server: ServerName::from(self.name.as_str()),
        });
        let mut bytes = Vec::new();
        question.encode(&mut bytes).map_err(io::Error::other)?;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        let mut answers = BufReader::new(stream.take(ANSWER_MAX_BYTES)).lines();
        loop {
            match answers.next_line().await? {
                // A heartbeat.
                Some(line) if line.is_empty() => {}
                answer => return Ok(answer.unwrap_or_default()),
            }
        }
    }
}

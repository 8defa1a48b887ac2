//! A server's process, and the connection over which it is steered.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regrow_model::message::Address;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use crate::command::local::Local;
use crate::steered::part::{Answer, Cue, Part};

/// How long a process may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take until it has what it is told to use: a timer that the last event sets, for example.
pub(super) const HESITATION: Duration = Duration::from_secs(3);
/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(2);

/// Nothing happens by itself: no heartbeat, no silence that ends a link, no visitor that takes too long.
const TIMELESS: [&str; 14] = [
    "--heartbeat",
    "140s",
    "--silence",
    "280s",
    "--dial-timeout",
    "200s",
    "--probe",
    "600s",
    "--linger",
    "600s",
    "--receipts",
    "600s",
    "--login-seconds",
    "86400",
];

/// Where each server lives, and what it is told at each start.
pub(super) struct Place {
    /// Its state.
    pub(super) data: PathBuf,
    /// What all servers of its system know.
    pub(super) secret: String,
    /// Where the others' addresses lead.
    pub(super) routes: BTreeMap<Address, Address>,
}

/// A server that runs.
pub(super) struct Machine {
    process: Child,
    /// Where it listens.
    pub(super) port: u16,
    say: OwnedWriteHalf,
    hear: BufReader<OwnedReadHalf>,
}

impl Machine {
    /// Starts a server.
    pub(super) async fn start(
        place: &Place,
        file: &Path,
        mutant: Option<&str>,
        (server, starts): (usize, usize),
    ) -> io::Result<Self> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let steered = door.local_addr()?.to_string();
        let mut flags = vec!["--secret", &place.secret, "--steered", &steered];
        flags.extend(TIMELESS);
        let part = Part {
            file: file.to_owned(),
            mutant: mutant.map(str::to_owned),
            server,
            starts,
            routes: place.routes.clone(),
        };
        let told = async {
            let (stream, _) = door.accept().await?;
            stream.set_nodelay(true)?;
            let (hear, mut say) = stream.into_split();
            write(&mut say, &part).await?;
            Ok((BufReader::new(hear), say))
        };
        let both = async { tokio::try_join!(Local::serve(&place.data, flags), told) };
        let (local, (hear, say)) = timeout(PATIENCE, both).await.map_err(io::Error::from)??;
        let mut log = local.log;
        tokio::spawn(async move {
            let mut some = [0; 1024];
            while log.read(&mut some).await.is_ok_and(|read| read > 0) {}
        });
        Ok(Self {
            process: local.process,
            port: local.port,
            say,
            hear,
        })
    }

    /// Has it do something, and says what came of it.
    pub(super) async fn cue(&mut self, cue: &Cue) -> io::Result<Answer> {
        let asked = async {
            write(&mut self.say, cue).await?;
            let mut line = String::new();
            if self.hear.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(serde_json::from_str(&line)?)
        };
        timeout(PATIENCE, asked).await.map_err(io::Error::from)?
    }

    /// The same of something that may not be there yet; `false` if it doesn't come.
    pub(super) async fn cue_once_there(&mut self, cue: &Cue) -> io::Result<bool> {
        let until = Instant::now() + HESITATION;
        loop {
            match self.cue(cue).await? {
                Answer::NotThere if Instant::now() < until => sleep(PAUSE).await,
                Answer::NotThere => return Ok(false),
                Answer::Done | Answer::Seen(_) => return Ok(true),
                Answer::Failed(why) => return Err(io::Error::other(why)),
            }
        }
    }

    /// Ends it as kill -9 does, and waits until it is gone.
    pub(super) async fn kill(mut self) -> io::Result<()> {
        self.process.kill().await
    }
}

async fn write(say: &mut OwnedWriteHalf, what: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    say.write_all(&line).await
}

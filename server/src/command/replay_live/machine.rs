//! A server's process, and the connection over which it is steered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regrow_model::message::Address;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr};
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
    /// Where its log is kept, if it is.
    pub(super) log: Option<PathBuf>,
}

/// A server that runs.
pub(super) struct Machine {
    process: Child,
    /// Where it listens.
    pub(super) port: u16,
    /// How many lines it was handed.
    pub(super) lines: u64,
    /// How many of its links have ended, but for those that it has closed.
    pub(super) downs: u64,
    /// Whether it is known to have taken in all of that.
    pub(super) is_up_to_date: bool,
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
        let kept = place.log.as_ref().map(|file| {
            let mut options = File::options();
            options.create(true).append(true).open(file)
        });
        tokio::spawn(keep(local.log, kept.transpose()?));
        Ok(Self {
            process: local.process,
            port: local.port,
            lines: 0,
            downs: 0,
            is_up_to_date: true,
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
                Answer::Done | Answer::Seen { .. } => return Ok(true),
                Answer::Failed(why) => return Err(io::Error::other(why)),
            }
        }
    }

    /// So many lines were handed to it, and so many ends of links.
    pub(super) fn is_handed(&mut self, lines: u64, downs: u64) {
        self.lines += lines;
        self.downs += downs;
        self.is_up_to_date = false;
    }

    /// The links that it has.
    pub(super) async fn links(&mut self) -> io::Result<BTreeSet<u64>> {
        match self.cue(&Cue::Look).await? {
            Answer::Seen { links, .. } => Ok(links.into_iter().collect()),
            Answer::Done | Answer::NotThere => Ok(BTreeSet::new()),
            Answer::Failed(why) => Err(io::Error::other(why)),
        }
    }

    /// The link that it has beside these, which somebody has just opened.
    pub(super) async fn new_link(&mut self, before: &BTreeSet<u64>) -> io::Result<u64> {
        let until = Instant::now() + HESITATION;
        while Instant::now() < until {
            if let Some(new) = self.links().await?.difference(before).next() {
                return Ok(*new);
            }
            sleep(PAUSE).await;
        }
        Err(io::Error::other("a server doesn't accept a connection"))
    }

    /// Ends it as kill -9 does, and waits until it is gone.
    pub(super) async fn kill(mut self) -> io::Result<()> {
        self.process.kill().await
    }
}

/// Reads a process's log, which it couldn't go on without, and keeps it if somebody wants it.
async fn keep(mut log: ChildStderr, mut kept: Option<File>) {
    let mut some = [0; 1024];
    while let Ok(read @ 1..) = log.read(&mut some).await {
        if let Some(file) = &mut kept
            && file.write_all(&some[..read]).is_err()
        {
            // A full disk takes no log, and the process goes on.
            kept = None;
        }
    }
}

async fn write(say: &mut OwnedWriteHalf, what: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    say.write_all(&line).await
}

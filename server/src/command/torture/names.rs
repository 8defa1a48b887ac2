//! Two who want one name, on two servers, while something goes wrong. Afterwards one of them has it, everywhere; and whoever
//! was told that it has it, and not that it has lost it, is that one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a server that runs may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may be heard after a login, while others speak.
const QUIET: Duration = Duration::from_secs(1);
/// How often a login follows when it is sent on.
const REDIRECTS_MAX: usize = 16;
/// What each of the two proves with that it is the one.
const SECRETS: [&str; 2] = ["this one's", "that one's"];

/// A name that two have asked for.
pub(super) struct Contest {
    name: String,
    claimants: [Claimant; 2],
}

/// Somebody who asks for a name, and listens then.
struct Claimant {
    /// Whether it was told that the name is its own.
    has_it: Arc<AtomicBool>,
    /// Whether it ever was.
    had_it: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

/// What came of contests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Contests {
    /// How many there were.
    pub(super) names: u64,
    /// How many names both were granted, on two sides of a cut.
    pub(super) granted_twice: u64,
    /// What must not be, in words.
    pub(super) wrongs: Vec<String>,
}

impl Contest {
    /// Two ask at once, at these servers.
    pub(super) fn begin(name: String, servers: [&str; 2]) -> Self {
        let claimants = [0, 1]
            .map(|one: usize| Claimant::ask(name.clone(), SECRETS[one], servers[one].to_owned()));
        Self { name, claimants }
    }

    /// All is mended: looks who has it, at each of these servers.
    pub(super) async fn judge(self, servers: &[String], contests: &mut Contests) {
        contests.names += 1;
        let had = |one: usize| self.claimants[one].had_it.load(SeqCst);
        let has = |one: usize| self.claimants[one].has_it.load(SeqCst);
        contests.granted_twice += u64::from(had(0) && had(1));
        let mut owners = Vec::new();
        for server in servers {
            match owner(server, &self.name).await {
                Ok(owner) => owners.push(owner),
                Err(error) => contests.wrongs.push(format!(
                    "{server} doesn't say who has {}: {error}",
                    self.name
                )),
            }
        }
        let name = &self.name;
        let owner = owners.first().copied().flatten();
        if owners.iter().any(|other| *other != owner) {
            let text = format!("servers don't agree who has {name}: {owners:?}");
            contests.wrongs.push(text);
        } else if owner.is_none() && (had(0) || had(1)) {
            contests
                .wrongs
                .push(format!("{name} was granted, and nobody has it"));
        } else if owner.is_some_and(|owner| has(1 - owner)) {
            let text = format!("who believes to have {name} isn't let in");
            contests.wrongs.push(text);
        }
    }
}

impl Drop for Contest {
    fn drop(&mut self) {
        self.claimants.iter().for_each(|one| one.listening.abort());
    }
}

impl Claimant {
    fn ask(name: String, secret: &'static str, server: String) -> Self {
        let (has_it, had_it) = (Arc::default(), Arc::default());
        let (has, had) = (Arc::clone(&has_it), Arc::clone(&had_it));
        let listening = tokio::spawn(async move {
            // A server that dies tells nothing more: it is seen later who has the name.
            let _ = claim(&name, secret, &server, &has, &had).await;
            has.store(false, SeqCst);
        });
        Self {
            has_it,
            had_it,
            listening,
        }
    }
}

/// Asks for a name, and listens until the connection ends.
async fn claim(
    name: &str,
    secret: &str,
    server: &str,
    has: &AtomicBool,
    had: &AtomicBool,
) -> io::Result<()> {
    let mut lines = Lines::connect(server).await?;
    lines
        .say(&json!({"command": "REGISTER", "username": name, "secret": secret}))
        .await?;
    loop {
        let said = lines.hear().await?;
        match command(&said) {
            "REGISTER_SUCCESS" => {
                has.store(true, SeqCst);
                had.store(true, SeqCst);
            }
            "REGISTER_FAILED" => return Ok(()),
            // What others say, and what ends the connection.
            _ => {}
        }
    }
}

/// Which of the two a server lets in.
async fn owner(server: &str, name: &str) -> io::Result<Option<usize>> {
    let mut owner = None;
    for (one, secret) in SECRETS.iter().enumerate() {
        if log_in(server, name, secret).await? {
            if owner.is_some() {
                return Err(io::Error::other("it lets both in"));
            }
            owner = Some(one);
        }
    }
    Ok(owner)
}

/// Logs in, and out again, so that nothing is kept for the user. Whether it was let in.
async fn log_in(server: &str, name: &str, secret: &str) -> io::Result<bool> {
    let mut at = server.to_owned();
    for _ in 0..REDIRECTS_MAX {
        let visit = timeout(PATIENCE, visit(&at, name, secret)).await;
        match visit.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
            Visit::LetIn => return Ok(true),
            Visit::Refused => return Ok(false),
            Visit::SentOn(to) => at = to,
        }
    }
    Err(io::Error::other("sent on again and again"))
}

/// How a login ended.
enum Visit {
    LetIn,
    Refused,
    SentOn(String),
}

async fn visit(server: &str, name: &str, secret: &str) -> io::Result<Visit> {
    let mut lines = Lines::connect(server).await?;
    lines
        .say(&json!({"command": "LOGIN", "username": name, "secret": secret}))
        .await?;
    let answer = lines.hear().await?;
    match command(&answer) {
        "LOGIN_SUCCESS" => {}
        "LOGIN_FAILED" => return Ok(Visit::Refused),
        other => return Err(io::Error::other(format!("it says {other}"))),
    }
    // Who is sent on hears so before anything else. To say more before that is known could end in a reset, which takes with it
    // what has not been read.
    if let Ok(next) = timeout(QUIET, lines.hear()).await {
        let next = next?;
        if command(&next) == "REDIRECT" {
            let (host, port) = (&next["hostname"], &next["port"]);
            let host = host.as_str().unwrap_or_default();
            return Ok(Visit::SentOn(format!("{host}:{port}")));
        }
    }
    lines.say(&json!({"command": "LOGOUT"})).await?;
    while lines.hear().await.is_ok() {}
    Ok(Visit::LetIn)
}

fn command(said: &Value) -> &str {
    said["command"].as_str().unwrap_or_default()
}

/// A connection as a client of 2018 has it.
struct Lines(BufReader<TcpStream>);

impl Lines {
    async fn connect(server: &str) -> io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(server).await?)))
    }

    async fn say(&mut self, said: &Value) -> io::Result<()> {
        self.0.write_all(format!("{said}\n").as_bytes()).await
    }

    async fn hear(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(serde_json::from_str(&line)?),
        }
    }
}

//! Two who want one name, on two servers, while something goes wrong. Afterwards one of them has it, everywhere; and whoever
//! was told that it has it, and not that it has lost it, is that one.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How often it looks again.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a server that runs may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may be heard after a login, while others speak.
const QUIET: Duration = Duration::from_secs(1);
/// How often a login follows when it is sent on.
const REDIRECTS_MAX: usize = 16;
/// What each of the two proves with that it is the one.
const SECRETS: [&str; 2] = ["the first", "the second"];

/// A name that two have asked for.
pub(super) struct Contest {
    name: String,
    claimants: [Claimant; 2],
}

/// Somebody who asks for a name, and listens then.
struct Claimant {
    fate: Arc<Mutex<Fate>>,
    listening: JoinHandle<()>,
}

/// What a claimant was told.
#[derive(Clone, Copy, Default)]
struct Fate {
    /// It was told yes or no, or its connection has ended.
    is_over: bool,
    /// It was told that the name is its own.
    had_it: bool,
    /// And nothing else since, on a connection that lasts.
    has_it: bool,
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

    /// All is mended: looks who has it, at each of these servers, until that is as it must be, or for so long.
    pub(super) async fn judge(
        self,
        servers: &[String],
        patience: Duration,
        contests: &mut Contests,
    ) {
        contests.names += 1;
        let began = Instant::now();
        let wrong = loop {
            match self.wrong(servers).await {
                // What was granted just now may not be known everywhere.
                Some(_) if began.elapsed() < patience => sleep(GLANCE).await,
                wrong => break wrong,
            }
        };
        contests.wrongs.extend(wrong);
        let [one, other] = self.fates();
        contests.granted_twice += u64::from(one.had_it && other.had_it);
    }

    fn fates(&self) -> [Fate; 2] {
        let fate = |one: &Claimant| *one.fate.lock().unwrap_or_else(PoisonError::into_inner);
        [fate(&self.claimants[0]), fate(&self.claimants[1])]
    }

    /// What is not as it must be.
    async fn wrong(&self, servers: &[String]) -> Option<String> {
        let name = &self.name;
        let mut owners = Vec::new();
        for server in servers {
            match owner(server, name).await {
                Ok(owner) => owners.push(owner),
                Err(error) => return Some(format!("{server} doesn't say who has {name}: {error}")),
            }
        }
        let owner = owners.first().copied().flatten();
        let fates = self.fates();
        if owners.iter().any(|other| *other != owner) {
            let says = owners
                .iter()
                .map(|owner| owner.map_or("nobody", |one| SECRETS[one]));
            let says: Vec<&str> = says.collect();
            Some(format!(
                "servers don't agree who has {name}: {}",
                says.join(", ")
            ))
        } else if fates.iter().any(|fate| !fate.is_over) {
            Some(format!("who asked for {name} was never answered"))
        } else if owner.is_none() && fates.iter().any(|fate| fate.had_it) {
            Some(format!("{name} was granted, and nobody has it"))
        } else if owner.is_some_and(|owner| fates[1 - owner].has_it) {
            Some(format!("who believes to have {name} isn't let in"))
        } else {
            None
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
        let fate: Arc<Mutex<Fate>> = Arc::default();
        let told = Arc::clone(&fate);
        let listening = tokio::spawn(async move {
            let learns = |learns: fn(&mut Fate)| {
                learns(&mut told.lock().unwrap_or_else(PoisonError::into_inner));
            };
            // A server that dies tells nothing more: it is seen later who has the name.
            let _ = claim(&name, secret, &server, learns).await;
            learns(|fate| (fate.is_over, fate.has_it) = (true, false));
        });
        Self { fate, listening }
    }
}

/// Asks for a name, and listens until the connection ends.
async fn claim(
    name: &str,
    secret: &str,
    server: &str,
    learns: impl Fn(fn(&mut Fate)),
) -> io::Result<()> {
    let mut lines = Lines::connect(server).await?;
    lines
        .say(&json!({"command": "REGISTER", "username": name, "secret": secret}))
        .await?;
    loop {
        let said = lines.hear().await?;
        match command(&said) {
            "REGISTER_SUCCESS" => learns(|fate| {
                *fate = Fate {
                    is_over: true,
                    had_it: true,
                    has_it: true,
                };
            }),
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
    // Who is sent on mostly hears so at once. To say more before that is known could end in a reset, which takes with it what has
    // not been read.
    if let Ok(next) = timeout(QUIET, lines.hear()).await
        && let Some(to) = sent_on(&next?)
    {
        return Ok(Visit::SentOn(to));
    }
    lines.say(&json!({"command": "LOGOUT"})).await?;
    // A LOGOUT that crosses a REDIRECT isn't heard (docs/protocol.md): who is sent on after all logs out there.
    while let Ok(next) = lines.hear().await {
        if let Some(to) = sent_on(&next) {
            return Ok(Visit::SentOn(to));
        }
    }
    Ok(Visit::LetIn)
}

/// Where somebody is sent on to, if that is what is said.
fn sent_on(said: &Value) -> Option<String> {
    let (host, port) = (said["hostname"].as_str()?, &said["port"]);
    (command(said) == "REDIRECT").then(|| format!("{host}:{port}"))
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

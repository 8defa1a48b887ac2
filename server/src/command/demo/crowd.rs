//! The demo's clients: processes of this very program that speak throughout, and an account of what each has heard.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often everybody says something.
const PACE: Duration = Duration::from_millis(100);

/// Everybody who speaks, and speaks throughout: whatever the story waits for, they go on.
pub(super) struct Crowd {
    /// Them.
    pub(super) speakers: Vec<Client>,
    /// How many messages each of them has said.
    pub(super) said: u64,
    pace: Interval,
}

impl Crowd {
    /// Nobody yet.
    pub(super) fn new() -> Self {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            speakers: Vec::new(),
            said: 0,
            pace,
        }
    }

    /// Waits for something, while they speak.
    pub(super) async fn meanwhile<T>(&mut self, wait: impl Future<Output = T>) -> io::Result<T> {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return Ok(done),
                _ = self.pace.tick() => self.say().await?,
            }
        }
    }

    /// Everybody says so many messages, one after the other.
    pub(super) async fn chat(&mut self, messages: u64) -> io::Result<()> {
        for _ in 0..messages {
            self.pace.tick().await;
            self.say().await?;
        }
        Ok(())
    }

    async fn say(&mut self) -> io::Result<()> {
        if self.speakers.is_empty() {
            return Ok(());
        }
        self.said += 1;
        for speaker in &mut self.speakers {
            speaker.say(self.said).await?;
        }
        Ok(())
    }
}

/// A client process.
pub(super) struct Client {
    /// The user.
    pub(super) name: &'static str,
    input: ChildStdin,
    ear: Arc<Ear>,
    // Ends with the demo.
    _process: Child,
}

/// What a client has printed.
#[derive(Default)]
struct Ear {
    heard: Mutex<Heard>,
    changed: Notify,
}

/// What a client has heard and been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// By speaker, the numbers in the order in which they came.
    pub(super) numbers: BTreeMap<String, Vec<u64>>,
    /// What the client said about itself.
    pub(super) notices: Vec<String>,
}

impl Client {
    /// Starts a client that registers its name at the first of these servers.
    pub(super) fn start(name: &'static str, servers: &[String]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["client", "--json", "--user", name])
            .args(servers.iter().flat_map(|server| ["--server", server]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn()?;
        let input = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let stderr = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let ear = Arc::new(Ear::default());
        listen(stdout, Arc::clone(&ear), hear);
        listen(stderr, Arc::clone(&ear), |line, heard| {
            heard.notices.push(line)
        });
        Ok(Self {
            name,
            input,
            ear,
            _process: process,
        })
    }

    /// Says the message of this number.
    async fn say(&mut self, number: u64) -> io::Result<()> {
        let line = format!("{{\"from\":\"{}\",\"number\":{number}}}\n", self.name);
        self.input.write_all(line.as_bytes()).await
    }

    /// What it has heard by now.
    pub(super) fn heard(&self) -> Heard {
        self.ear.lock().clone()
    }

    /// Waits until it has heard something.
    pub(super) async fn until(&self, done: impl Fn(&Heard) -> bool) {
        loop {
            let changed = self.ear.changed.notified();
            if done(&self.ear.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits for a notice that contains this.
    pub(super) async fn until_told(&self, text: &str) {
        self.until(|heard| heard.notices.iter().any(|notice| notice.contains(text)))
            .await;
    }
}

impl Ear {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(
    from: impl AsyncRead + Unpin + Send + 'static,
    ear: Arc<Ear>,
    take: impl Fn(String, &mut Heard) + Send + 'static,
) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            take(line, &mut ear.lock());
            ear.changed.notify_waiters();
        }
    });
}

fn hear(line: String, heard: &mut Heard) {
    let said: Option<serde_json::Value> = serde_json::from_str(&line).ok();
    let field = |name| said.as_ref()?.get(name).cloned();
    let from = field("from").and_then(|from| Some(from.as_str()?.to_owned()));
    match (from, field("number").and_then(|number| number.as_u64())) {
        (Some(from), Some(number)) => heard.numbers.entry(from).or_default().push(number),
        (Some(_) | None, _) => heard.notices.push(line),
    }
}

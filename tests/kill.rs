//! A server that is killed again and again under load: nothing that it acknowledged is lost, and clients that resume
//! hear everything once, in order.

mod process;

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use process::Server;
use serde_json::{Value, json};
use tempfile::tempdir;

/// No round takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client waits for a line before it looks at what else there is to do.
const GLANCE: Duration = Duration::from_millis(2);
/// How much a speaker says before it waits for an acknowledgement.
const WINDOW: usize = 24;
/// Who is there. All of them hear everything; the last one says nothing.
const NAMES: [&str; 4] = ["aaron", "bertha", "carl", "mute"];

/// What a client and the test know of each other.
#[derive(Default)]
struct Shared {
    /// Up to which of its numbers the client has been told that a server has them.
    acknowledged: AtomicU64,
    /// Up to which number it has heard each speaker.
    heard: Mutex<BTreeMap<String, u64>>,
    /// It has been there: from now on it misses nothing.
    present: AtomicBool,
    /// It is to say something new, as fast as it is acknowledged.
    loud: AtomicBool,
    /// It is to leave.
    over: AtomicBool,
}

/// A client that resumes, as strict as one can be: it keeps what it said until it is acknowledged and no longer, so
/// that a server that lost anything after it would have a hole.
struct Client {
    name: &'static str,
    port: u16,
    shared: Arc<Shared>,
    registered: bool,
    cursor: Option<BTreeMap<String, u64>>,
    said: u64,
    unacknowledged: VecDeque<u64>,
    unsaid_got: u32,
}

impl Client {
    fn start(name: &'static str, port: u16) -> (Arc<Shared>, JoinHandle<()>) {
        let shared = Arc::new(Shared::default());
        let mut client = Self {
            name,
            port,
            shared: Arc::clone(&shared),
            registered: false,
            cursor: None,
            said: 0,
            unacknowledged: VecDeque::new(),
            unsaid_got: 0,
        };
        let thread = std::thread::spawn(move || {
            while !client.shared.over.load(Ordering::Relaxed) {
                if client.visit().is_none() {
                    // The server is down. There is nothing to wait for but its return.
                    std::thread::sleep(GLANCE);
                }
            }
        });
        (shared, thread)
    }

    /// One connection, from its beginning to its end.
    fn visit(&mut self) -> Option<()> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(GLANCE)).ok()?;
        let mut wire = Wire {
            reader: BufReader::new(stream),
            line: Vec::new(),
        };
        if !self.registered {
            wire.says(&json!({"command": "REGISTER", "username": self.name, "secret": "s1"}))?;
            let answer = wire.hears_something(&self.shared)?;
            assert_eq!(answer["command"], "REGISTER_SUCCESS", "{answer}");
            self.registered = true;
        }
        self.log_in(&mut wire)?;
        for k in self.unacknowledged.clone() {
            self.say(&mut wire, k)?;
        }
        while !self.shared.over.load(Ordering::Relaxed) {
            while self.shared.loud.load(Ordering::Relaxed) && self.unacknowledged.len() < WINDOW {
                self.said += 1;
                self.unacknowledged.push_back(self.said);
                self.say(&mut wire, self.said)?;
            }
            while let Some(message) = wire.hears()? {
                self.take(&mut wire, &message)?;
            }
        }
        Some(())
    }

    fn log_in(&mut self, wire: &mut Wire) -> Option<()> {
        let heard = self.shared.heard.lock().expect("no panic yet");
        let own = heard.get(self.name).copied().unwrap_or(0);
        drop(heard);
        let mut resume = json!({"client": "c1", "said": own});
        if let Some(cursor) = &self.cursor {
            resume["cursor"] = json!(cursor);
        }
        wire.says(
            &json!({"command": "LOGIN", "username": self.name, "secret": "s1", "resume": resume}),
        )?;
        let answer = loop {
            let message = wire.hears_something(&self.shared)?;
            // What the server has of it, it may say at once.
            if message["command"] != "ACTIVITY_ACK" {
                break message;
            }
            self.take(wire, &message)?;
        };
        assert_eq!(answer["command"], "LOGIN_SUCCESS", "{answer}");
        self.raise(&answer["cursor"]);
        self.shared.present.store(true, Ordering::Relaxed);
        Some(())
    }

    fn say(&self, wire: &mut Wire, k: u64) -> Option<()> {
        wire.says(&json!({
            "command": "ACTIVITY_MESSAGE", "username": self.name, "secret": "s1",
            "activity": {"n": k}, "k": k,
        }))
    }

    fn raise(&mut self, upto: &Value) {
        let cursor = self.cursor.get_or_insert_default();
        for (stream, upto) in upto.as_object().expect("a cursor") {
            let place = cursor.entry(stream.clone()).or_default();
            *place = (*place).max(upto.as_u64().expect("a number"));
        }
    }

    fn take(&mut self, wire: &mut Wire, message: &Value) -> Option<()> {
        match message["command"].as_str() {
            Some("ACTIVITY_BROADCAST") => {
                self.hear(message);
                self.unsaid_got += 1;
                if self.unsaid_got >= 20 {
                    self.unsaid_got = 0;
                    wire.says(&json!({"command": "ACTIVITY_GOT", "cursor": self.cursor}))?;
                }
            }
            Some("ACTIVITY_ACK") => {
                let k = message["k"].as_u64().expect("a number");
                while self
                    .unacknowledged
                    .pop_front_if(|said| *said <= k)
                    .is_some()
                {}
                self.shared.acknowledged.fetch_max(k, Ordering::Relaxed);
            }
            _ => panic!("{} is told: {message}", self.name),
        }
        Some(())
    }

    /// The rule of every client that resumes: what is behind its cursor or said again is nothing new. What is left
    /// must be the next of its speaker.
    fn hear(&mut self, message: &Value) {
        let from = &message["from"];
        let text = |name: &str| from[name].as_str().expect("text").to_owned();
        let number = |name: &str| from[name].as_u64().expect("a number");
        let cursor = self.cursor.get_or_insert_default();
        let place = cursor.entry(text("stream")).or_default();
        if number("number") <= *place {
            return;
        }
        *place = number("number");
        let speaker = message["activity"]["authenticated_user"].as_str();
        let speaker = speaker.expect("a speaker").to_owned();
        let k = number("k");
        assert_eq!(
            message["activity"]["n"], k,
            "what was said is what is heard"
        );
        let mut heard = self.shared.heard.lock().expect("no panic yet");
        let last = heard.entry(speaker.clone()).or_default();
        assert!(
            k <= *last + 1,
            "{} hears {speaker}'s {k} after {last}",
            self.name
        );
        *last = k.max(*last);
    }
}

/// Lines over TCP, as JSON.
struct Wire {
    reader: BufReader<TcpStream>,
    /// What has come of a line.
    line: Vec<u8>,
}

impl Wire {
    fn says(&mut self, message: &Value) -> Option<()> {
        let mut line = message.to_string();
        line.push('\n');
        self.reader.get_mut().write_all(line.as_bytes()).ok()
    }

    /// The next message, `Some(None)` if none has come for a while, `None` once the server is gone.
    fn hears(&mut self) -> Option<Option<Value>> {
        match self.reader.read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.ends_with(b"\n") => {
                let message = serde_json::from_slice(&self.line).expect("a message");
                self.line.clear();
                Some(Some(message))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Some(None)
            }
            Ok(_) | Err(_) => None,
        }
    }

    fn hears_something(&mut self, shared: &Shared) -> Option<Value> {
        while !shared.over.load(Ordering::Relaxed) {
            if let Some(message) = self.hears()? {
                return Some(message);
            }
        }
        None
    }
}

fn kills_lose_nothing(rounds: u64) {
    let data = tempdir().expect("a directory for the test");
    let mut server = Server::start(data.path(), &[]);
    let port = server.port;
    let clients: Vec<_> = NAMES.map(|name| Client::start(name, port)).into();
    until("everybody is there", &clients, || {
        let mut shared = clients.iter().map(|(shared, _)| shared);
        shared.all(|shared| shared.present.load(Ordering::Relaxed))
    });
    let loud = |loud: bool| {
        let speakers = &clients[..NAMES.len() - 1];
        speakers
            .iter()
            .for_each(|(shared, _)| shared.loud.store(loud, Ordering::Relaxed));
    };
    loud(true);
    for round in 0..rounds {
        // Each time at another moment: of a save, of a start, of somebody's return.
        let target = acknowledged(&clients) + 1 + round * 37 % 211;
        until("acknowledgements", &clients, || {
            acknowledged(&clients) >= target
        });
        server.kill();
        server = started(port, data.path());
    }
    loud(false);
    until("everybody hears everything", &clients, || {
        let count = |shared: &Shared| shared.acknowledged.load(Ordering::Relaxed);
        let said: Vec<_> = NAMES
            .iter()
            .zip(&clients)
            .map(|(name, (shared, _))| (*name, count(shared)))
            .collect();
        clients.iter().all(|(shared, _)| {
            let heard = shared.heard.lock().expect("no panic yet");
            said.iter()
                .all(|(name, said)| heard.get(*name).copied().unwrap_or(0) >= *said)
        })
    });
    println!(
        "{rounds} kills, {} messages acknowledged and heard",
        acknowledged(&clients)
    );
    for (shared, thread) in clients {
        shared.over.store(true, Ordering::Relaxed);
        thread.join().expect("nothing was wrong");
    }
}

fn started(port: u16, data: &Path) -> Server {
    Server::start_on(port, data, &[])
}

type Running = (Arc<Shared>, JoinHandle<()>);

fn acknowledged(clients: &[Running]) -> u64 {
    let each = clients
        .iter()
        .map(|(shared, _)| shared.acknowledged.load(Ordering::Relaxed));
    each.sum()
}

fn until(what: &str, clients: &[Running], mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        let alive = clients.iter().all(|(_, thread)| !thread.is_finished());
        assert!(alive, "a client has seen what must not be");
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(GLANCE);
    }
}

#[test]
fn a_server_that_is_killed_20_times_loses_nothing_that_it_acknowledged() {
    kills_lose_nothing(20);
}

/// `.ci/run` runs it on the release build.
#[test]
#[ignore = "takes a while"]
fn a_server_that_is_killed_100_times_loses_nothing_that_it_acknowledged() {
    kills_lose_nothing(100);
}

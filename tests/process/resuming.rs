//! A client that resumes, and checks all that it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::PATIENCE;
use super::network::Place;

/// How long a client waits for a line before it looks at what else there is to do.
const GLANCE: Duration = Duration::from_millis(2);
/// How much a speaker says before it waits for an acknowledgement.
const WINDOW: usize = 24;

/// What a client and the test know of each other.
#[derive(Default)]
struct Shared {
    /// Up to which of its numbers the client has been told that a server has them.
    acknowledged: AtomicU64,
    /// Up to which number it has heard each speaker.
    heard: Mutex<BTreeMap<String, u64>>,
    /// Since when it has heard nobody else, and for how long at most.
    silence: Mutex<Option<Silence>>,
    /// It has been there: from now on it misses nothing.
    present: AtomicBool,
    /// It is to say something new, as fast as it is acknowledged.
    loud: AtomicBool,
    /// It is to leave.
    over: AtomicBool,
}

/// The time that a client hears nothing in.
#[derive(Clone, Copy)]
struct Silence {
    since: Instant,
    longest: Duration,
}

/// A client that resumes, as strict as one can be: it keeps what it said until it is acknowledged and no longer, so
/// that a server that lost anything after it would have a hole. It checks what it hears, and panics at what must not be.
pub(crate) struct Resuming {
    /// Whose client it is.
    pub(crate) name: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Where a client's server is, and how eagerly it speaks.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    /// Its server.
    pub(crate) server: SocketAddr,
    /// From where it is reached, if that is not here.
    pub(crate) place: Option<Place>,
    /// How long it waits between two things that it says.
    pub(crate) pace: Duration,
}

impl Resuming {
    /// Starts a client that registers, logs in, and comes back whenever it has lost its server.
    pub(crate) fn start(name: &str, home: Home) -> Self {
        let shared = Arc::new(Shared::default());
        let mut client = Client {
            name: name.to_owned(),
            shared: Arc::clone(&shared),
            registered: false,
            cursor: None,
            said: 0,
            unacknowledged: VecDeque::new(),
            unsaid_got: 0,
            next: Instant::now(),
            home,
        };
        let thread = std::thread::spawn(move || {
            if let Some(place) = &client.home.place {
                place.enter();
            }
            while !client.shared.over.load(Ordering::Relaxed) {
                if client.visit().is_none() {
                    // The server is down. There is nothing to wait for but its return.
                    std::thread::sleep(GLANCE);
                }
            }
        });
        Self {
            name: name.to_owned(),
            shared,
            thread: Some(thread),
        }
    }

    /// Whether it has been there: from then on it misses nothing.
    pub(crate) fn is_present(&self) -> bool {
        self.shared.present.load(Ordering::Relaxed)
    }

    /// Lets it say something new again and again, as fast as it is acknowledged and its pace allows, or no more.
    pub(crate) fn speaks(&self, loud: bool) {
        self.shared.loud.store(loud, Ordering::Relaxed);
    }

    /// How much of what it said it has been told to be safe.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Up to which number it has heard somebody.
    pub(crate) fn heard(&self, speaker: &str) -> u64 {
        let heard = self.shared.heard.lock().expect("no panic yet");
        heard.get(speaker).copied().unwrap_or(0)
    }

    /// From now on it is measured how long it hears nobody else.
    pub(crate) fn listens(&self) {
        let since = Instant::now();
        let longest = Duration::ZERO;
        *self.shared.silence.lock().expect("no panic yet") = Some(Silence { since, longest });
    }

    /// For how long it has heard nobody else since then, at most; `None` if that isn't measured.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let silence = *self.shared.silence.lock().expect("no panic yet");
        silence.map(|silence| silence.longest.max(silence.since.elapsed()))
    }

    /// Whether nothing has been wrong so far.
    pub(crate) fn is_well(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Ends it. Whatever was wrong is said now.
    pub(crate) fn leave(mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it has not left");
        thread.join().expect("nothing was wrong");
    }
}

impl Drop for Resuming {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

/// What runs on the client's own thread.
struct Client {
    name: String,
    home: Home,
    shared: Arc<Shared>,
    registered: bool,
    cursor: Option<BTreeMap<String, u64>>,
    said: u64,
    unacknowledged: VecDeque<u64>,
    unsaid_got: u32,
    /// When it may say the next thing.
    next: Instant,
}

impl Client {
    /// One connection, from its beginning to its end.
    fn visit(&mut self) -> Option<()> {
        let stream = TcpStream::connect_timeout(&self.home.server, PATIENCE).ok()?;
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
            while self.shared.loud.load(Ordering::Relaxed)
                && self.unacknowledged.len() < WINDOW
                && self.next <= Instant::now()
            {
                self.next = Instant::now() + self.home.pace;
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
        let own = heard.get(&self.name).copied().unwrap_or(0);
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
        drop(heard);
        if speaker != self.name
            && let Some(silence) = &mut *self.shared.silence.lock().expect("no panic yet")
        {
            silence.longest = silence.longest.max(silence.since.elapsed());
            silence.since = Instant::now();
        }
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

//! Servers as processes of their own, each with a data directory that is gone with the test.

// Every test program has a copy of this, and none needs all of it.
#![allow(dead_code)]

pub(crate) mod claimant;
pub(crate) mod cluster;
pub(crate) mod laboratory;
pub(crate) mod network;
pub(crate) mod pages;
pub(crate) mod program;
pub(crate) mod recorded;
pub(crate) mod resuming;
pub(crate) mod talks;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What nobody must ever read.
pub(crate) const SECRET: &str = "the-secret-of-the-system";

/// Waits until something can be had.
pub(crate) fn soon<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(got) = get() {
            return got;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A `regrow` process and what it has written.
pub(crate) struct Server {
    process: Child,
    lines: Receiver<String>,
    /// Where it listens.
    pub(crate) port: u16,
    /// What it has written so far.
    pub(crate) log: Vec<String>,
}

impl Server {
    /// Starts a server on a free port and waits until it listens.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_on(0, data, arguments)
    }

    /// The same on a port of its own.
    pub(crate) fn start_on(port: u16, data: &Path, arguments: &[&str]) -> Self {
        let mut server = Self::launch(port, data, arguments);
        server.listens();
        server
    }

    /// Waits until it listens.
    pub(crate) fn listens(&mut self) {
        let line = self.until("listening on ");
        let port = line
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        self.port = port.expect("it says its port");
    }

    /// Starts a server and doesn't wait.
    pub(crate) fn launch(port: u16, data: &Path, arguments: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        Self::launch_by(command, port, data, arguments)
    }

    /// Says that what this test does to a disk is nothing that a recording can be compared with.
    pub(crate) fn unrecorded() {
        recorded::off();
    }

    /// The same through a command that takes the server's arguments and becomes the server.
    pub(crate) fn launch_by(
        mut command: Command,
        port: u16,
        data: &Path,
        arguments: &[&str],
    ) -> Self {
        let mut process = command
            .args(["serve", "-lp", &port.to_string(), "--data"])
            .arg(data)
            .args(arguments)
            .args(recorded::flags(data, port, arguments))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let (send, lines) = channel();
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(stdout.expect("its output is ours")),
            Box::new(stderr.expect("its log is ours")),
        ];
        for output in outputs {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = send.send(line);
                }
            });
        }
        recorded::started();
        Self {
            process,
            lines,
            port: 0,
            log: Vec::new(),
        }
    }

    /// Waits for a line that contains this.
    pub(crate) fn until(&mut self, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("never wrote {what:?}, but: {:#?}", self.log)
                }
            }
        }
    }

    /// The line that contains this, if it has been written by now.
    pub(crate) fn wrote(&mut self, what: &str) -> Option<String> {
        self.log.extend(self.lines.try_iter());
        self.log.iter().find(|line| line.contains(what)).cloned()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by its name, as `kill` does.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Waits for its end.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it should have ended by now");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it as a power cut would, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.ends();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        recorded::gone();
    }
}

/// A client as the original's users wrote them: lines over TCP.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects to a server.
    pub(crate) fn of(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        let client = Self(BufReader::new(stream));
        client.patience(PATIENCE);
        client
    }

    /// What one hears first that says this and nothing else.
    pub(crate) fn answer(server: &Server, line: &str) -> String {
        let mut client = Self::of(server);
        client.says(line);
        client.hears().expect("an answer")
    }

    /// Says a line.
    pub(crate) fn says(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").expect("the server is there");
    }

    /// The next line that the server says; `None` once it has closed.
    pub(crate) fn hears(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("an answer in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Whether the server says nothing for so long.
    pub(crate) fn hears_nothing_for(&mut self, time: Duration) -> bool {
        self.patience(time);
        let heard = self.0.fill_buf().is_ok();
        self.patience(PATIENCE);
        !heard
    }

    fn patience(&self, time: Duration) {
        let set = self.0.get_ref().set_read_timeout(Some(time));
        set.expect("a timeout can be set");
    }
}

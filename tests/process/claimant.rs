//! Two who want one name, one on each side of a cut.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::PATIENCE;
use super::network::{Network, Place, server};

/// The name.
const TWIN: &str = "twin";
/// What each proves with that it is the one.
pub(crate) const SECRETS: [&str; 2] = ["this side's", "that side's"];

/// Somebody who asks for a name that another one asks for as well.
pub(crate) struct Claimant {
    lines: BufReader<TcpStream>,
    /// Whether it was given the name.
    pub(crate) has_it: bool,
}

impl Claimant {
    /// Asks a host's own server for the name.
    pub(crate) fn asks(place: Place, host: usize, secret: &str) -> Self {
        let lines = connect(place, host).expect("it listens");
        let mut claimant = Self {
            lines,
            has_it: false,
        };
        let asked = json!({"command": "REGISTER", "username": TWIN, "secret": secret});
        writeln!(claimant.lines.get_mut(), "{asked}").expect("the server is there");
        let answer = claimant.hears().expect("an answer");
        claimant.has_it = answer["command"] == "REGISTER_SUCCESS";
        claimant
    }

    fn hears(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).ok()?;
        (read > 0).then(|| serde_json::from_str(&line).expect("JSON"))
    }

    /// Whether it had the name, and has been told by now that it has lost it.
    pub(crate) fn was_told(&mut self) -> bool {
        let patience = Some(Duration::from_millis(200));
        let set = self.lines.get_ref().set_read_timeout(patience);
        set.expect("a timeout can be set");
        while let Some(line) = self.hears() {
            if line["command"] == "REGISTER_FAILED" {
                return true;
            }
        }
        false
    }
}

fn connect(place: Place, host: usize) -> Option<BufReader<TcpStream>> {
    let connected = std::thread::spawn(move || {
        place.enter();
        TcpStream::connect(server(host)).ok()
    });
    let stream = connected.join().expect("connecting doesn't panic")?;
    let set = stream.set_read_timeout(Some(PATIENCE));
    set.expect("a timeout can be set");
    Some(BufReader::new(stream))
}

/// Whether a host's server lets in who has this secret for the name.
pub(crate) fn lets_in(network: &Network, host: usize, secret: &str) -> bool {
    let mut lines = connect(network.place(host), host).expect("it listens");
    let asked = json!({"command": "LOGIN", "username": TWIN, "secret": secret});
    writeln!(lines.get_mut(), "{asked}").expect("the server is there");
    let mut line = String::new();
    lines.read_line(&mut line).expect("an answer in time");
    let answer: Value = serde_json::from_str(&line).expect("JSON");
    // Whoever is sent on was let in first.
    matches!(
        answer["command"].as_str(),
        Some("LOGIN_SUCCESS" | "REDIRECT")
    )
}

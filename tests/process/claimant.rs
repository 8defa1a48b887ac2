//! Two who want one name, one on each side of a cut.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use serde_json::{Value, json};

use super::PATIENCE;
use super::network::{Network, Place, server};

/// The name.
const TWIN: &str = "twin";
/// What each proves with that it is the one.
pub(crate) const SECRETS: [&str; 2] = ["this side's", "that side's"];

/// Somebody who asks for a name that another one asks for as well, and listens from then on.
pub(crate) struct Claimant {
    /// Whether it was given the name.
    pub(crate) has_it: bool,
    /// A word when it is told that it has lost the name. Ends with its connection.
    told: Receiver<()>,
}

impl Claimant {
    /// Asks a host's own server for the name.
    pub(crate) fn asks(place: Place, host: usize, secret: &str) -> Self {
        let mut lines = connect(place, host).expect("it listens");
        let asked = json!({"command": "REGISTER", "username": TWIN, "secret": secret});
        writeln!(lines.get_mut(), "{asked}").expect("the server is there");
        let answer = hears(&mut lines).expect("an answer");
        let (tell, told) = channel();
        let set = lines.get_ref().set_read_timeout(None);
        set.expect("a timeout can be set");
        std::thread::spawn(move || {
            while let Some(line) = hears(&mut lines) {
                if line["command"] == "REGISTER_FAILED" && tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self {
            has_it: answer["command"] == "REGISTER_SUCCESS",
            told,
        }
    }

    /// Whether it has been told by now that it has lost the name.
    pub(crate) fn was_told(&self) -> bool {
        self.told.try_recv().is_ok()
    }

    /// Whether it learns that it has lost the name: it is told, or its connection ends and it isn't let in again.
    pub(crate) fn learns(&self) -> bool {
        let word = self.told.recv_timeout(PATIENCE);
        word != Err(RecvTimeoutError::Timeout)
    }
}

/// The next line, unless the connection has ended.
fn hears(lines: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut line = String::new();
    let read = lines.read_line(&mut line).ok()?;
    (read > 0).then(|| serde_json::from_str(&line).expect("JSON"))
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
    let answer = hears(&mut lines).expect("an answer in time");
    // Whoever is sent on was let in first.
    matches!(
        answer["command"].as_str(),
        Some("LOGIN_SUCCESS" | "REDIRECT")
    )
}

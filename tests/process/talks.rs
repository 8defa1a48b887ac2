//! Clients over whatever carries lines.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use super::laboratory::Laboratory;
use super::{Client, PATIENCE, Server};

/// What carries a client's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Carrier {
    /// Connects to a server; `None` if nothing can be agreed on with it.
    pub(crate) fn reach(self, server: &Server, laboratory: &Laboratory) -> Option<Box<dyn Talks>> {
        const URL: &str = "ws://localhost/";
        Some(match self {
            Self::Tcp => Box::new(Client::of(server)),
            Self::Tls => {
                let mut stream = laboratory.secure(server);
                stream.conn.complete_io(&mut stream.sock).ok()?;
                Box::new(Lines::new(stream))
            }
            Self::Ws => Box::new(client(URL, connect(server)).ok()?.0),
            Self::Wss => Box::new(client(URL, laboratory.secure(server)).ok()?.0),
        })
    }

    /// Connects to a server.
    pub(crate) fn connect(self, server: &Server, laboratory: &Laboratory) -> Box<dyn Talks> {
        self.reach(server, laboratory).expect("it is agreed on")
    }
}

/// A connection to a server.
pub(crate) fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// A client that says and hears lines over anything.
pub(crate) trait Talks {
    fn says(&mut self, line: &str);

    /// Says many lines at once.
    fn says_all(&mut self, lines: &[String]) {
        self.says(&lines.join("\n"));
    }

    /// The next line; none once the server has closed.
    fn hears(&mut self) -> Option<String>;

    fn asks(&mut self, line: &Value) -> Value {
        self.says(&line.to_string());
        self.hears_one()
    }

    fn hears_one(&mut self) -> Value {
        let line = self.hears().expect("an answer");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Talks for Client {
    fn says(&mut self, line: &str) {
        Client::says(self, line);
    }

    fn hears(&mut self) -> Option<String> {
        Client::hears(self)
    }
}

/// Lines over a stream.
pub(crate) struct Lines<S>(BufReader<S>);

impl<S: Read + Write> Lines<S> {
    /// Over this one.
    pub(crate) fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Talks for Lines<S> {
    fn says(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").expect("the server is there");
        self.0.get_mut().flush().expect("the server is there");
    }

    fn hears(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("an answer in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }
}

impl<S: Read + Write> Talks for WebSocket<S> {
    fn says(&mut self, line: &str) {
        self.send(Message::text(line)).expect("the server is there");
    }

    fn says_all(&mut self, lines: &[String]) {
        for line in lines {
            self.write(Message::text(line))
                .expect("the server is there");
        }
        self.flush().expect("the server is there");
    }

    fn hears(&mut self) -> Option<String> {
        loop {
            match self.read() {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) => return None,
                Ok(_) => {}
                // A read with a time limit is not taken up again by the system.
                Err(Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }
}

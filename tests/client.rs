//! `regrow client` as its user sees it, with us as its servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::{Value, json};

/// A server that does what the test says.
struct Server(TcpListener);

/// One connection to it.
struct Connection {
    lines: BufReader<TcpStream>,
}

impl Server {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn address(&self) -> String {
        self.0.local_addr().expect("it listens").to_string()
    }

    fn accept(&self) -> Connection {
        let stream = self.0.accept().expect("the client comes").0;
        let limit = std::time::Duration::from_secs(20);
        let limited = stream.set_read_timeout(Some(limit));
        limited.expect("a stream has a limit");
        Connection {
            lines: BufReader::new(stream),
        }
    }
}

impl Connection {
    /// The next thing that the client says and that is more than a receipt.
    fn hear(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line);
            read.expect("the client speaks");
            let heard: Value = serde_json::from_str(&line).expect("it speaks JSON");
            if heard["command"] != "ACTIVITY_GOT" {
                return heard;
            }
        }
    }

    fn say(&mut self, line: &Value) {
        writeln!(self.lines.get_mut(), "{line}").expect("the client is there");
    }

    /// Waits until the client has left, and does too.
    fn end(mut self) {
        let mut rest = String::new();
        self.lines
            .read_to_string(&mut rest)
            .expect("the client leaves");
    }

    /// LOGIN_SUCCESS with the extension.
    fn welcome(&mut self) {
        assert_eq!(self.hear()["command"], "LOGIN");
        self.say(&json!({
            "command": "LOGIN_SUCCESS", "info": "logged in as user aaron", "servers": [], "cursor": {}
        }));
    }

    /// ACTIVITY_BROADCAST of what was said, in the stream of server `s`.
    fn broadcast(&mut self, s: &str, number: u64, said: &Value) {
        let mut activity = said["activity"].clone();
        activity["authenticated_user"] = said["username"].clone();
        let from =
            json!({"stream": format!("{s}/1/1"), "number": number, "client": "x", "k": said["k"]});
        self.say(&json!({"command": "ACTIVITY_BROADCAST", "activity": activity, "from": from}));
    }
}

fn client(arguments: &[&str]) -> (Child, ChildStdin) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .arg("client")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    let input = child.stdin.take().expect("its input is ours");
    (child, input)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the client printed, and whether it thinks that all went well.
fn ended(child: Child) -> (String, String, bool) {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("it ends");
    (text(&stdout), text(&stderr), status.success())
}

#[test]
fn what_was_said_to_a_server_that_died_is_said_to_the_next_one_and_heard_once() {
    let (one, other) = (Server::new(), Server::new());
    let servers = ["--server", &one.address(), "--server", &other.address()];
    let (child, mut input) = client(&[&servers[..], &["-u", "aaron", "-s", "s1"]].concat());
    writeln!(input, "hello").expect("it reads");

    let mut connection = one.accept();
    connection.welcome();
    let said = connection.hear();
    assert_eq!(said["activity"], json!({"text": "hello"}));
    connection.broadcast("s1", 1, &said);
    drop((connection, one));

    let mut connection = other.accept();
    connection.welcome();
    assert_eq!(connection.hear(), said, "offered again, under its number");
    connection.broadcast("s2", 1, &said);
    connection.say(&json!({"command": "ACTIVITY_ACK", "k": 1, "stable": 0}));
    drop(input);
    connection.end();

    let (heard, notices, well) = ended(child);
    assert_eq!(heard, "aaron: hello\n", "{notices}");
    assert!(well, "{notices}");
}

#[test]
fn without_a_secret_one_is_invented_and_printed_and_the_name_registered() {
    let server = Server::new();
    let (child, input) = client(&["--server", &server.address(), "-u", "aaron"]);
    let mut connection = server.accept();
    let register = connection.hear();
    assert_eq!(register["command"], "REGISTER");
    connection.say(&json!({"command": "REGISTER_SUCCESS", "info": "register success for aaron"}));
    connection.welcome();
    drop(input);
    connection.end();
    let (_, notices, well) = ended(child);
    let secret = register["secret"].as_str().expect("a secret");
    assert!(notices.contains(&format!("-s {secret}")), "{notices}");
    assert!(well, "{notices}");
}

#[test]
fn a_client_that_is_refused_says_why_and_fails() {
    let server = Server::new();
    let (child, _input) = client(&["--server", &server.address(), "-u", "aaron", "-s", "s2"]);
    let mut connection = server.accept();
    assert_eq!(connection.hear()["command"], "LOGIN");
    let info = "attempt to login with wrong secret";
    connection.say(&json!({"command": "LOGIN_FAILED", "info": info}));
    let (_, notices, well) = ended(child);
    assert!(notices.contains(info), "{notices}");
    assert!(!well);
}

#[test]
fn a_legacy_client_speaks_the_original_protocol_and_ends_with_its_server() {
    let server = Server::new();
    let (host, port) = (
        "127.0.0.1",
        server.0.local_addr().expect("it listens").port(),
    );
    let (child, mut input) = client(&["-rh", host, "-rp", &port.to_string(), "--legacy"]);
    let mut connection = server.accept();
    let login = json!({"command": "LOGIN", "username": "anonymous"});
    assert_eq!(connection.hear(), login);
    connection.say(&json!({"command": "LOGIN_SUCCESS", "info": "logged in as user anonymous"}));
    connection.say(&json!({"command": "ACTIVITY_BROADCAST", "activity": {"n": 1}}));
    let mut child = child;
    let mut heard = BufReader::new(child.stdout.take().expect("its output is ours"));
    let mut line = String::new();
    heard.read_line(&mut line).expect("it prints");
    assert_eq!(line, "{\"n\":1}\n");
    writeln!(input, "hi").expect("it reads");
    assert_eq!(
        connection.hear(),
        json!({"command": "ACTIVITY_MESSAGE", "username": "anonymous", "activity": {"text": "hi"}})
    );
    drop((connection, server));
    let (_, notices, well) = ended(child);
    assert!(notices.contains("is gone"), "{notices}");
    assert!(!well);
}

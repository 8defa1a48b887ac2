//! What carries connections, as operators and clients see it: a tree over each kind of link, clients over each of theirs.

mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Instant;

use process::laboratory::Laboratory;
use process::talks::{Carrier, Lines, Talks, connect};
use process::{Client, PATIENCE, Server};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio_tungstenite::tungstenite::{Message, client};

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it listens").port()
}

fn say(number: u32) -> Value {
    json!({"command": "ACTIVITY_MESSAGE", "username": "anonymous", "activity": {"n": number}})
}

fn anonymous() -> Value {
    json!({"command": "LOGIN", "username": "anonymous"})
}

/// The next broadcast's number, and where it stands.
fn hears_number(client: &mut dyn Talks) -> (u64, Value) {
    loop {
        let heard = client.hears_one();
        if heard["command"] == "ACTIVITY_BROADCAST" {
            let number = heard["activity"]["n"].as_u64().expect("a number");
            return (number, heard["from"].clone());
        }
    }
}

/// A tree of three in a line over links of this kind, the middle one of which dies while people talk.
fn a_tree_lives_through_a_death(scheme: &str) {
    let laboratory = Laboratory::new();
    let directories = [directory(), directory(), directory()];
    let mut servers: Vec<Server> = Vec::new();
    for directory in &directories {
        let port = free_port();
        let advertised = format!("{scheme}://localhost:{port}");
        let parent = servers.last().map(|parent| parent.port);
        let join = parent.map(|port| format!("{scheme}://localhost:{port}"));
        // What is noticed by silence alone is noticed too late.
        let mut flags = vec!["--advertise", &advertised, "--silence", "15s"];
        flags.extend(join.iter().flat_map(|join| ["--join", join]));
        let mut server = Server::start_on(port, directory.path(), &laboratory.all(&flags));
        if join.is_some() {
            server.until("joined the tree");
        }
        servers.push(server);
    }
    let [root, middle, last] = &mut servers[..] else {
        panic!("three servers");
    };

    let mut aaron = Client::of(last);
    let register = json!({"command": "REGISTER", "username": "aaron", "secret": "s1"});
    assert_eq!(aaron.asks(&register)["command"], "REGISTER_SUCCESS");
    let mut login = json!({"command": "LOGIN", "username": "aaron", "secret": "s1", "resume": {"client": "c1"}});
    let welcome = aaron.asks(&login);
    assert_eq!(welcome["command"], "LOGIN_SUCCESS");
    let mut speaker = Client::of(root);
    assert_eq!(speaker.asks(&anonymous())["command"], "LOGIN_SUCCESS");
    speaker.says(&say(1).to_string());
    let (number, from) = hears_number(&mut aaron);
    assert_eq!(number, 1);

    middle.kill();
    let killed = Instant::now();
    last.until("parent_lost");
    assert!(killed.elapsed() < PATIENCE / 4, "{:?}", killed.elapsed());
    last.until("joined the tree");
    speaker.says(&say(2).to_string());
    assert_eq!(hears_number(&mut aaron).0, 2);

    // It comes back, and hears again what it doesn't say that it has heard.
    drop(aaron);
    speaker.says(&say(3).to_string());
    let mut cursor = welcome["cursor"].clone();
    cursor[from["stream"].as_str().expect("a stream")] = from["number"].clone();
    login["resume"]["cursor"] = cursor;
    let mut aaron = Client::of(last);
    assert_eq!(aaron.asks(&login)["command"], "LOGIN_SUCCESS");
    assert_eq!(hears_number(&mut aaron).0, 2);
    assert_eq!(hears_number(&mut aaron).0, 3);
}

#[test]
fn a_tree_over_tcp_lives_through_a_death() {
    a_tree_lives_through_a_death("tcp");
}

#[test]
fn a_tree_over_tls_lives_through_a_death() {
    a_tree_lives_through_a_death("tls");
}

#[test]
fn a_tree_over_quic_lives_through_a_death() {
    a_tree_lives_through_a_death("quic");
}

/// Registers, logs in, speaks and hears itself.
fn is_served(client: &mut dyn Talks, name: &str) {
    let register = json!({"command": "REGISTER", "username": name, "secret": "s1"});
    assert_eq!(client.asks(&register)["command"], "REGISTER_SUCCESS");
    let login = json!({"command": "LOGIN", "username": name, "secret": "s1"});
    assert_eq!(client.asks(&login)["command"], "LOGIN_SUCCESS");
    let text = "x".repeat(100_000);
    let said = json!({"command": "ACTIVITY_MESSAGE", "username": name, "secret": "s1", "activity": {"text": text}});
    let heard = client.asks(&said);
    assert_eq!(heard["activity"]["text"], text);
    assert_eq!(heard["activity"]["authenticated_user"], name);
    let nonsense = client.asks(&json!({"command": "NONSENSE"}));
    assert_eq!(nonsense["command"], "INVALID_MESSAGE");
    assert_eq!(client.hears(), None);
}

#[test]
fn one_port_serves_clients_over_tcp_tls_and_websocket_with_and_without_tls() {
    let laboratory = Laboratory::new();
    let data = directory();
    let server = laboratory.start(data.path(), &[]);
    for carrier in [Carrier::Tcp, Carrier::Tls, Carrier::Ws, Carrier::Wss] {
        let name = format!("{carrier:?}");
        is_served(&mut *carrier.connect(&server, &laboratory), &name);
    }
}

#[test]
fn a_ping_is_answered_and_a_close_too() {
    let data = directory();
    let server = Server::start(data.path(), &[]);
    let (mut client, _) = client("ws://localhost/", connect(&server)).expect("a WebSocket");
    let ping = Message::Ping("are you there?".into());
    client.send(ping).expect("the server is there");
    let pong = client.read().expect("an answer");
    assert_eq!(pong, Message::Pong("are you there?".into()));
    client.close(None).expect("the server is there");
    assert!(matches!(client.read(), Ok(Message::Close(_))));
}

#[test]
fn what_is_no_line_in_a_websocket_gets_its_reason_and_a_close() {
    let data = directory();
    let server = Server::start(data.path(), &[]);
    let long = Message::text("x".repeat((1 << 20) + 1));
    let binary = Message::binary(b"{}".to_vec());
    for (message, reason) in [(long, "longer than"), (binary, "binary")] {
        let (mut client, _) = client("ws://localhost/", connect(&server)).expect("a WebSocket");
        client.send(message).expect("the server is there");
        let answer = client.hears_one();
        assert_eq!(answer["command"], "INVALID_MESSAGE");
        let info = answer["info"].as_str().expect("a reason");
        assert!(info.contains(reason), "{info}");
        assert_eq!(client.hears(), None);
    }
}

#[test]
fn who_asks_for_a_page_is_told_what_this_is() {
    let data = directory();
    let server = Server::start(data.path(), &[]);
    let mut stream = connect(&server);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("the server is there");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[test]
fn a_server_that_requires_tls_tells_others_so() {
    let laboratory = Laboratory::new();
    let data = directory();
    let server = laboratory.start(data.path(), &["--require-tls"]);
    let answer = Client::of(&server).asks(&anonymous());
    assert_eq!(answer["command"], "INVALID_MESSAGE");
    let info = answer["info"].as_str().expect("a reason");
    assert!(info.contains("tls://"), "{info}");
    let mut tls = Lines::new(laboratory.secure(&server));
    assert_eq!(tls.asks(&anonymous())["command"], "LOGIN_SUCCESS");
}

#[test]
fn a_server_of_another_authority_is_not_linked_by_any_certified_link() {
    let (ours, theirs) = (Laboratory::new(), Laboratory::new());
    let (one, other) = (directory(), directory());
    let root = ours.start(one.path(), &[]);
    for scheme in ["tls", "quic"] {
        let join = format!("{scheme}://localhost:{}", root.port);
        let mut stranger = theirs.start(other.path(), &["--join", &join]);
        let refusal = stranger.until("certificate_refused");
        assert!(refusal.contains(&join), "{refusal}");
    }
}

#[test]
fn an_operator_reaches_a_server_over_each_kind_of_link() {
    let laboratory = Laboratory::new();
    let data = directory();
    let server = laboratory.start(data.path(), &["--require-tls"]);
    let forget = |scheme: &str, flags: &[&str]| {
        let address = format!("{scheme}://localhost:{}", server.port);
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        command.args(["forget", "nobody:1", "--server", &address]);
        let output = command.args(flags).output().expect("it can be started");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("it says UTF-8")
    };
    for scheme in ["tls", "quic"] {
        let answer = forget(scheme, &laboratory.all(&[]));
        assert!(answer.contains("knows no server nobody:1"), "{answer}");
        let answer = forget(scheme, &["--secret", "s1"]);
        assert!(answer.contains("--cert, --key and --ca"), "{answer}");
    }
    let answer = forget("tcp", &laboratory.all(&[]));
    assert!(!answer.contains("knows no server"), "{answer}");
}

#[test]
fn an_address_that_needs_certificates_is_refused_without_them() {
    let data = directory();
    let join = ["--join", "quic://localhost:1", "--secret", "s1"];
    let mut server = Server::launch(0, data.path(), &join);
    let error = server.until("regrow: ");
    assert!(error.contains("--cert, --key and --ca"), "{error}");
    assert!(!server.ends().success());
}

#[test]
fn a_certificate_is_replaced_while_the_server_runs() {
    let (old, new) = (Laboratory::new(), Laboratory::new());
    let data = directory();
    let mut server = old.start(data.path(), &[]);
    for file in ["ca.pem", "localhost.pem", "localhost.key"] {
        fs::copy(new.file(file), old.file(file)).expect("files can be copied");
    }
    server.signal("HUP");
    server.until("certificates_reloaded");
    let mut tls = Lines::new(new.secure(&server));
    assert_eq!(tls.asks(&anonymous())["command"], "LOGIN_SUCCESS");

    fs::write(old.file("localhost.pem"), "nothing").expect("files can be written");
    server.signal("HUP");
    let kept = server.until("certificates_kept");
    assert!(kept.contains("localhost.pem"), "{kept}");
    let mut tls = Lines::new(new.secure(&server));
    assert_eq!(tls.asks(&anonymous())["command"], "LOGIN_SUCCESS");
}

#[test]
fn servers_link_over_ipv6_too_where_there_is_any() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let laboratory = Laboratory::new();
    let directories = [directory(), directory(), directory(), directory()];
    let here = ["--listen", "::1", "--host", "::1"];
    let root = laboratory.start(directories[0].path(), &here);
    for (scheme, directory) in ["tcp", "tls", "quic"].iter().zip(&directories[1..]) {
        let join = format!("{scheme}://[::1]:{}", root.port);
        let flags = [&here[..], &["--join", &join]].concat();
        let mut child = laboratory.start(directory.path(), &flags);
        child.until("joined the tree");
    }
}

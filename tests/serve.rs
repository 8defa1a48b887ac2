//! `regrow serve` as its operator and its clients see it.

mod process;

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use process::{Client, Server};
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::{TempDir, tempdir};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

fn forget(name: &str, asked: &Server, secret: &str) -> Output {
    let server = address(asked);
    Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["forget", name, "--server", &server, "--secret", secret])
        .output()
        .expect("the binary can be started")
}

fn address(server: &Server) -> String {
    format!("localhost:{}", server.port)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it listens").port()
}

/// An output whose reader has gone.
fn nobody() -> PipeWriter {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer
}

fn register(name: &str) -> String {
    format!(r#"{{"command":"REGISTER","username":"{name}","secret":"s1"}}"#)
}

fn child(root: &Server, data: &Path) -> Server {
    let mut child = Server::start(data, &["--join", &address(root), "--secret", "s1"]);
    child.until("joined");
    child
}

#[test]
fn a_line_that_is_no_message_gets_its_reason_and_a_close() {
    let data = directory();
    let server = Server::start(data.path(), &[]);
    let mut client = Client::of(&server);
    client.says("hello?");
    let reason = client.hears().expect("a reason");
    assert!(reason.contains("INVALID_MESSAGE"), "{reason}");
    assert!(reason.contains("JSON parse error while parsing message"));
    assert_eq!(client.hears(), None);
}

#[test]
fn a_server_stops_cleanly_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let data = directory();
        let mut server = Server::start(data.path(), &[]);
        let mut client = Client::of(&server);
        // It is one of the server's once it has been answered.
        client.says(r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#);
        client.hears().expect("an answer");
        server.signal(signal);
        assert!(server.ends().success());
        assert_eq!(client.hears(), None);
    }
}

#[test]
fn a_server_whose_log_cannot_be_written_serves_on() {
    let data = directory();
    let mut command = Command::new("sh");
    let become_it = r#"RUST_LOG=trace exec "$0" "$@" 2>/dev/full"#;
    command.args(["-c", become_it, env!("CARGO_BIN_EXE_regrow")]);
    let mut server = Server::launch_by(command, 0, data.path(), &[]);
    server.listens();
    for name in ["aaron", "berta"] {
        let mut client = Client::of(&server);
        client.says(&register(name));
        let answer = client.hears().expect("an answer");
        assert!(answer.contains("REGISTER_SUCCESS"), "{answer}");
    }
    server.signal("TERM");
    assert!(server.ends().success());
}

#[test]
fn a_server_whose_output_nobody_reads_serves_on() {
    let data = directory();
    let port = free_port();
    let mut server = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["serve", "--port", &port.to_string(), "--data"])
        .arg(data.path())
        .stdout(nobody())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary can be started");
    let deadline = Instant::now() + PATIENCE;
    let stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => panic!("it never listens: {error}"),
        }
    };
    let mut client = BufReader::new(stream);
    writeln!(client.get_mut(), "{}", register("aaron")).expect("it is there");
    let mut answer = String::new();
    client.read_line(&mut answer).expect("an answer");
    assert!(answer.contains("REGISTER_SUCCESS"), "{answer}");
    server.kill().expect("it runs still");
    server.wait().expect("it is our child");
}

#[test]
fn a_server_that_is_told_to_stop_while_it_starts_stops_cleanly_once_it_has() {
    let (data, other) = (directory(), directory());
    let fifo = other.path().join("secret");
    mkfifoat(CWD, &fifo, Mode::RWXU).expect("a directory takes one");
    let secret = fifo.to_str().expect("UTF-8");
    let mut server = Server::launch(0, data.path(), &["--secret-file", secret]);
    let deadline = Instant::now() + PATIENCE;
    // It has read its state then, and waits for its secret.
    while !data.path().join("regrow.redb").exists() {
        assert!(Instant::now() < deadline, "it never opens its store");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.signal("HUP");
    server.signal("TERM");
    std::fs::write(&fifo, "s1").expect("the server reads it");
    server.until("stopping");
    assert!(server.ends().success());
}

#[test]
fn a_root_without_a_secret_invents_one_and_keeps_it() {
    let data = directory();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let mut server = Server::launch(0, data.path(), &[]);
        secrets.push(server.until("secret: "));
        server.until("listening");
        server.kill();
    }
    assert_eq!(secrets[0], secrets[1]);
    assert!(secrets[0].len() >= "secret: ".len() + 20);
}

#[test]
fn a_joiner_without_a_secret_is_told_to_give_it() {
    let data = directory();
    let mut server = Server::launch(0, data.path(), &["-rp", "1"]);
    assert!(server.until("regrow: ").contains("--secret"));
    assert!(!server.ends().success());
}

#[test]
fn two_processes_cannot_share_a_data_directory() {
    let data = directory();
    let _first = Server::start(data.path(), &[]);
    let mut second = Server::launch(0, data.path(), &[]);
    let error = second.until("regrow: ");
    assert!(error.contains("in use by another process"), "{error}");
    assert!(error.contains("--data"), "{error}");
    assert!(!second.ends().success());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (one, other) = (directory(), directory());
    let first = Server::start(one.path(), &[]);
    let mut second = Server::launch(first.port, other.path(), &[]);
    let error = second.until("regrow: ");
    assert!(error.contains(&first.port.to_string()), "{error}");
    assert!(!second.ends().success());
}

#[test]
fn a_child_joins_its_root_and_joins_it_again_after_a_crash() {
    let (one, other) = (directory(), directory());
    let mut root = Server::start(one.path(), &["-s", "s1"]);
    let port = root.port.to_string();
    let mut child = Server::start(
        other.path(),
        &["-rh", "localhost", "-rp", &port, "-s", "s1"],
    );
    child.until("joined");
    root.until("child_joined");

    root.kill();
    child.until("parent_lost");
    let mut root = Server::start_on(root.port, one.path(), &["-s", "s1"]);
    // Its rank is on its disk: it is still the elder, and the child comes back to it.
    child.until("joined");
    root.until("child_joined");
}

#[test]
fn a_name_that_was_given_away_is_still_given_away_after_a_crash() {
    let data = directory();
    let mut server = Server::start(data.path(), &[]);
    let mut aaron = Client::of(&server);
    aaron.says(r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#);
    let success = aaron.hears().expect("an answer");
    assert!(success.contains("REGISTER_SUCCESS"), "{success}");
    server.kill();

    let server = Server::start(data.path(), &[]);
    let mut thief = Client::of(&server);
    thief.says(r#"{"command":"REGISTER","username":"aaron","secret":"s2"}"#);
    let failure = thief.hears().expect("an answer");
    assert!(failure.contains("REGISTER_FAILED"), "{failure}");
    assert_eq!(thief.hears(), None);
}

#[test]
fn a_server_with_another_secret_is_refused_and_says_so() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["--secret", "s1"]);
    let join = format!("localhost:{}", root.port);
    let mut stranger = Server::start(other.path(), &["--join", &join, "--secret", "s2"]);
    stranger.until("secret_refused");
}

#[test]
fn a_stopped_parent_is_noticed_although_its_connection_stays() {
    let (one, other) = (directory(), directory());
    let mut root = Server::start(one.path(), &["-s", "s1"]);
    let join = format!("localhost:{}", root.port);
    let mut child = Server::start(other.path(), &["--join", &join, "-s", "s1"]);
    child.until("joined");
    root.signal("STOP");
    child.until("parent_lost");
    root.signal("CONT");
    root.until("child_gone");
    child.until("joined");
}

#[test]
fn a_server_that_is_given_up_stops_if_it_still_runs_and_may_come_back_as_a_new_one() {
    let (one, other) = (directory(), directory());
    let mut root = Server::start(one.path(), &["--secret", "s1"]);
    let mut given_up = child(&root, other.path());
    let name = address(&given_up);

    let answer = forget(&name, &root, "s1");
    assert!(answer.status.success(), "{answer:?}");
    let told = String::from_utf8_lossy(&answer.stdout);
    assert!(told.contains(&format!("{name} is given up")), "{told}");
    given_up.until("given this server up");
    assert!(!given_up.ends().success());

    let port = given_up.port;
    let arguments = ["--join", &address(&root), "--secret", "s1"];
    let mut again = Server::start_on(port, other.path(), &arguments);
    again.until("joined");
    root.until("child_joined");
}

#[test]
fn the_secret_to_give_a_server_up_may_stand_in_a_file() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["--secret", "s1"]);
    let child = child(&root, other.path());
    let file = one.path().join("system-secret");
    std::fs::write(&file, "s1\n").expect("it can be written");
    let given_up = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["forget", &address(&child), "--server", &address(&root)])
        .arg("--secret-file")
        .arg(&file)
        .output()
        .expect("the binary can be started");
    assert!(given_up.status.success(), "{given_up:?}");
}

#[test]
fn who_gives_a_server_up_waits_for_an_answer_but_not_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it listens").to_string();
    let asked = ["forget", "x:1", "--secret", "s1", "--server", &address];
    let forget = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(asked)
        .output();
    let forget = forget.expect("the binary can be started");
    assert_eq!(forget.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&forget.stderr);
    assert!(
        complaint.contains("has not answered within 10s"),
        "{complaint}"
    );
}

#[test]
fn a_secret_with_nothing_in_it_is_none() {
    let forget = ["forget", "x:1"];
    for arguments in [
        &["serve", "--secret", ""][..],
        &[&forget[..], &["--secret", ""]].concat(),
        &forget,
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        let refused = command.args(arguments).output();
        let refused = refused.expect("the binary can be started");
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8_lossy(&refused.stderr);
        assert!(complaint.contains("--secret"), "{complaint}");
    }
}

#[test]
fn only_who_knows_the_secret_gives_a_server_up_and_only_one_that_is_known() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["--secret", "s1"]);
    let child = child(&root, other.path());

    let refused = forget(&address(&child), &root, "s2");
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("--secret"), "{why}");

    let unknown = forget("localhost:1", &root, "s1");
    assert!(!unknown.status.success());
    let why = String::from_utf8_lossy(&unknown.stderr);
    assert!(why.contains("knows no server localhost:1"), "{why}");
}

#[test]
fn the_longest_message_passes_from_server_to_server_and_cuts_nobody_off() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["--secret", "s1"]);
    let child = child(&root, other.path());
    let anonymous = r#"{"command":"LOGIN","username":"anonymous"}"#;
    let (mut speaker, mut listener) = (Client::of(&root), Client::of(&child));
    for client in [&mut speaker, &mut listener] {
        client.says(anonymous);
        client.hears().expect("LOGIN_SUCCESS");
    }
    // A line of exactly 1 MiB; servers add to it who spoke and where.
    let frame = r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{"a":""}}"#;
    let text = "x".repeat((1 << 20) - frame.len());
    speaker.says(&frame.replace(r#""a":"""#, &format!(r#""a":"{text}""#)));
    speaker.says(&frame.replace(r#""a":"""#, r#""a":"after""#));
    let heard = listener.hears().expect("the long one");
    assert!(heard.len() > 1 << 20, "{} bytes", heard.len());
    assert!(listener.hears().expect("the next one").contains("after"));
}

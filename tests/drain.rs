//! A server that is told to stop, as its clients and its neighbours see it.

mod process;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use process::{Client, Server};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

fn child_with(root: &Server, data: &Path, flags: &[&str]) -> Server {
    let join = format!("localhost:{}", root.port);
    let mut arguments = vec!["--join", &join, "--secret", "s1"];
    arguments.extend(flags);
    let mut child = Server::start(data, &arguments);
    child.until("joined");
    child
}

fn child(root: &Server, data: &Path) -> Server {
    child_with(root, data, &[])
}

fn answer(client: &mut Client) -> Value {
    let line = client.hears().expect("the server says something");
    serde_json::from_str(&line).expect("it says JSON")
}

fn log_in(server: &Server, username: &str) -> Client {
    let mut client = Client::of(server);
    say_login(&mut client, username);
    client
}

fn say_login(client: &mut Client, username: &str) {
    let login = json!({"command": "LOGIN", "username": username, "secret": "s1"});
    client.says(&login.to_string());
    assert_eq!(answer(client)["command"], "LOGIN_SUCCESS");
}

fn register(server: &Server, username: &str) -> Client {
    let mut client = Client::of(server);
    let register = json!({"command": "REGISTER", "username": username, "secret": "s1"});
    client.says(&register.to_string());
    assert_eq!(answer(&mut client)["command"], "REGISTER_SUCCESS");
    // A REGISTER alone keeps nothing for whoever leaves.
    say_login(&mut client, username);
    client
}

fn say(client: &mut Client, number: u64) {
    let said =
        json!({"command": "ACTIVITY_MESSAGE", "username": "anonymous", "activity": {"n": number}});
    client.says(&said.to_string());
}

/// Somebody who says 1, 2, 3, … until told to stop, and how many that were.
fn chatter(server: &Server) -> (Arc<AtomicBool>, std::thread::JoinHandle<u64>) {
    let mut speaker = log_in(server, "anonymous");
    let enough = Arc::new(AtomicBool::new(false));
    let told = enough.clone();
    let thread = std::thread::spawn(move || {
        let mut said = 0;
        while !told.load(Ordering::Relaxed) {
            said += 1;
            say(&mut speaker, said);
            // Its own words, which it waits for: so it doesn't run ahead.
            answer(&mut speaker);
        }
        said
    });
    (enough, thread)
}

#[test]
fn who_is_on_a_server_that_is_stopped_is_sent_on_and_misses_nothing_and_hears_nothing_twice() {
    let (one, other) = (directory(), directory());
    let mut root = Server::start(one.path(), &["--secret", "s1"]);
    let mut leaving = child(&root, other.path());
    let mut aaron = register(&leaving, "aaron");
    let (enough, speaker) = chatter(&root);

    let mut heard = Vec::new();
    let redirect = loop {
        let line = answer(&mut aaron);
        match line["activity"]["n"].as_u64() {
            Some(number) => heard.push(number),
            None => break line,
        }
        if heard.len() == 100 {
            leaving.signal("TERM");
        }
    };
    assert_eq!(redirect["command"], "REDIRECT");
    assert_eq!(redirect["port"], root.port);
    assert_eq!(aaron.hears(), None);
    assert!(leaving.ends().success());
    assert!(leaving.wrote("drained").is_some(), "{:#?}", leaving.log);
    root.until("child_gone");

    let mut aaron = log_in(&root, "aaron");
    let more = heard.len() + 100;
    while heard.len() < more {
        heard.extend(answer(&mut aaron)["activity"]["n"].as_u64());
    }
    enough.store(true, Ordering::Relaxed);
    assert!(speaker.join().expect("the speaker is done") >= heard.len() as u64);
    let first = heard[0];
    let expected: Vec<u64> = (first..).take(heard.len()).collect();
    assert_eq!(heard, expected);
}

#[test]
fn the_children_of_a_root_that_is_stopped_find_each_other_at_once() {
    let data = [directory(), directory(), directory()];
    let mut root = Server::start(data[0].path(), &["--secret", "s1", "--profile", "report"]);
    let report = ["--profile", "report"];
    let mut elder = child_with(&root, data[1].path(), &report);
    let mut younger = child_with(&root, data[2].path(), &report);
    let mut listener = log_in(&younger, "anonymous");
    let mut speaker = log_in(&elder, "anonymous");

    root.signal("TERM");
    assert!(root.ends().success());
    // Whoever only loses its parent dials that twice first, six seconds each in this profile.
    elder.until("child_joined");
    younger.until("joined");
    assert!(younger.wrote("parent_lost").is_none());
    say(&mut speaker, 1);
    assert_eq!(answer(&mut listener)["activity"]["n"], 1);
}

#[test]
fn a_server_that_cannot_hand_over_ends_when_its_time_is_up() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["--secret", "s1"]);
    // So that it isn't the silence of its parent that ends the wait.
    let flags = ["--drain-seconds", "1", "--silence", "30s"];
    let mut leaving = child_with(&root, other.path(), &flags);
    root.signal("STOP");
    leaving.signal("TERM");
    leaving.until("drain_cut_short");
    assert!(leaving.ends().success());
    root.signal("CONT");
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let (one, other) = (directory(), directory());
    let flags = ["--secret", "s1", "--profile", "report"];
    let root = Server::start(one.path(), &flags);
    let long = ["--drain-seconds", "3600", "--profile", "report"];
    let mut leaving = child_with(&root, other.path(), &long);
    root.signal("STOP");
    leaving.signal("TERM");
    leaving.until("stopping");
    leaving.signal("TERM");
    leaving.until("stopped_at_once");
    assert!(leaving.ends().success());
    root.signal("CONT");
}

#[test]
fn what_was_said_just_before_a_server_alone_was_stopped_is_there_when_it_is_back() {
    for drain_seconds in ["10", "0"] {
        let data = directory();
        let flags = ["--drain-seconds", drain_seconds];
        let mut server = Server::start(data.path(), &flags);
        drop(register(&server, "aaron"));
        let mut speaker = log_in(&server, "anonymous");
        say(&mut speaker, 1);
        assert_eq!(answer(&mut speaker)["activity"]["n"], 1);
        server.signal("TERM");
        assert!(server.ends().success());

        let server = Server::start(data.path(), &flags);
        let mut aaron = log_in(&server, "aaron");
        assert_eq!(answer(&mut aaron)["activity"]["n"], 1);
    }
}

#[test]
fn a_server_without_neighbours_says_that_nobody_has_taken_over() {
    let data = directory();
    let mut server = Server::start(data.path(), &[]);
    let mut client = log_in(&server, "anonymous");
    server.signal("TERM");
    assert!(server.ends().success());
    assert!(server.wrote("left_alone").is_some(), "{:#?}", server.log);
    assert_eq!(client.hears(), None);
}

//! Each limit as a client meets it: it is told which, and nobody else notices.

mod process;

use std::time::{Duration, Instant};

use process::{Client, Server};
use tempfile::TempDir;

const LOGIN: &str = r#"{"command":"LOGIN","username":"anonymous"}"#;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory can be made")
}

/// What it says next is this.
fn hears(client: &mut Client, what: &str) -> String {
    let line = client.hears().expect("an answer");
    assert!(line.contains(what), "{line}");
    line
}

/// Why a connection is closed.
fn refusal(client: &mut Client) -> String {
    let line = hears(client, "INVALID_MESSAGE");
    assert_eq!(client.hears(), None, "it is closed after {line}");
    line
}

/// A client that is logged in.
fn guest(server: &Server) -> Client {
    let mut client = Client::of(server);
    client.says(LOGIN);
    hears(&mut client, "LOGIN_SUCCESS");
    client
}

#[test]
fn one_connection_too_many_is_told_so_and_the_others_stay() {
    let data = directory();
    let server = Server::start(data.path(), &["--max-connections", "2"]);
    let (mut one, other) = (guest(&server), guest(&server));
    let why = refusal(&mut Client::of(&server));
    assert!(why.contains("as many connections as it takes"), "{why}");
    one.says(LOGIN);
    hears(&mut one, "LOGIN_SUCCESS");

    // A place that is given up is free again.
    drop(other);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut next = Client::of(&server);
        next.says(LOGIN);
        if next
            .hears()
            .is_some_and(|line| line.contains("LOGIN_SUCCESS"))
        {
            break;
        }
        assert!(Instant::now() < deadline, "there is a place");
    }
}

#[test]
fn one_address_has_no_more_than_its_share_of_connections() {
    let data = directory();
    let server = Server::start(data.path(), &["--max-connections-per-address", "1"]);
    let _one = guest(&server);
    let why = refusal(&mut Client::of(&server));
    assert!(
        why.contains("too many connections from this address"),
        "{why}"
    );
}

#[test]
fn who_doesnt_log_in_is_sent_away_and_who_has_may_be_silent() {
    let data = directory();
    let server = Server::start(data.path(), &["--login-seconds", "1"]);
    let mut friend = guest(&server);
    let why = refusal(&mut Client::of(&server));
    assert!(why.contains("no login within 1 s"), "{why}");
    friend.says(LOGIN);
    hears(&mut friend, "LOGIN_SUCCESS");
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    let data = directory();
    let server = Server::start(data.path(), &["--max-line-bytes", "2048"]);
    let mut talker = guest(&server);
    let text = "x".repeat(3_000);
    talker.says(&format!(
        r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{{"x":"{text}"}}}}"#
    ));
    let why = refusal(&mut talker);
    assert!(why.contains("2048"), "{why}");
}

#[test]
fn who_speaks_too_fast_is_told_so_and_closed() {
    let data = directory();
    let server = Server::start(data.path(), &["--max-activities-per-second", "5"]);
    let mut hasty = guest(&server);
    let says = |number| {
        format!(
            r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{{"n":{number}}}}}"#
        )
    };
    hasty.says(&(0..20).map(says).collect::<Vec<_>>().join("\n"));
    for _ in 0..5 {
        hears(&mut hasty, "ACTIVITY_BROADCAST");
    }
    let why = refusal(&mut hasty);
    assert!(why.contains("too many activities per second"), "{why}");
}

#[test]
fn who_tries_too_many_secrets_is_told_so_and_who_knows_his_gets_in() {
    let data = directory();
    let server = Server::start(data.path(), &["--max-attempts-per-second", "2"]);
    let mut aaron = Client::of(&server);
    aaron.says(r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#);
    hears(&mut aaron, "REGISTER_SUCCESS");
    let deadline = Instant::now() + Duration::from_secs(20);
    for guess in 0.. {
        let mut thief = Client::of(&server);
        thief.says(&format!(
            r#"{{"command":"LOGIN","username":"aaron","secret":"guess {guess}"}}"#
        ));
        let answer = thief.hears().expect("it is answered");
        if answer.contains("too many attempts from this address") {
            break;
        }
        assert!(answer.contains("LOGIN_FAILED"), "{answer}");
        assert!(Instant::now() < deadline, "guessing has an end");
    }
    // What has been proven once costs nothing to prove again.
    let mut again = Client::of(&server);
    again.says(r#"{"command":"LOGIN","username":"aaron","secret":"s1"}"#);
    hears(&mut again, "LOGIN_SUCCESS");
}

//! Recordings of real servers, and what `regrow conform` says of them.

mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use process::{Client, PATIENCE, Server};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// What a user says, which is recorded, and what nobody is to find there.
const SAID: &str = "something that a user says";
const SECRET: &str = "a-users-own-secret";
const SYSTEM: &str = "the-systems-own-secret";

/// A directory for each server's state, and one for each server's recordings.
struct Directories(TempDir);

impl Directories {
    fn new() -> Self {
        Self(tempdir().expect("a directory for the test"))
    }

    fn data(&self, name: &str) -> PathBuf {
        self.0.path().join(name).join("data")
    }

    fn recording(&self, name: &str) -> PathBuf {
        self.0.path().join(name).join("recording")
    }

    /// Starts a server that is recorded.
    fn start(&self, name: &str, port: u16, flags: &[&str]) -> Server {
        let recording = self.recording(name);
        let recording = recording.to_str().expect("its name is text");
        let mut arguments = vec!["--record", recording, "--secret", SYSTEM];
        arguments.extend(flags);
        Server::start_on(port, &self.data(name), &arguments)
    }

    fn child(&self, name: &str, root: &Server) -> Server {
        let join = format!("localhost:{}", root.port);
        let mut child = self.start(name, 0, &["--join", &join]);
        child.until("joined");
        child
    }

    /// The one recording of a server that started once.
    fn file(&self, name: &str) -> PathBuf {
        self.recording(name).join("start-1.recording")
    }

    fn conform(&self, names: &[&str], flags: &[&str]) -> Conformed {
        let directories = names.iter().map(|name| self.recording(name));
        let output = Command::new(env!("CARGO_BIN_EXE_regrow"))
            .arg("conform")
            .args(directories)
            .args(flags)
            .output()
            .expect("the binary can be started");
        Conformed {
            code: output.status.code().expect("an exit code"),
            says: String::from_utf8(output.stdout).expect("text"),
            complains: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// The same as JSON, of recordings that conform.
    fn conforms(&self, names: &[&str], flags: &[&str]) -> Value {
        let flags = [flags, &["--json"]].concat();
        let conformed = self.conform(names, &flags);
        assert_eq!(conformed.code, 0, "{conformed:?}");
        serde_json::from_str(&conformed.says).expect("JSON")
    }
}

#[derive(Debug)]
struct Conformed {
    code: i32,
    says: String,
    complains: String,
}

fn answer(client: &mut Client) -> Value {
    let line = client.hears().expect("the server says something");
    serde_json::from_str(&line).expect("it says JSON")
}

fn register(server: &Server, username: &str) -> Client {
    let mut client = Client::of(server);
    for command in ["REGISTER", "LOGIN"] {
        let line = json!({"command": command, "username": username, "secret": SECRET});
        client.says(&line.to_string());
        let expected = format!("{command}_SUCCESS");
        assert_eq!(answer(&mut client)["command"], expected);
    }
    client
}

fn say(client: &mut Client, username: &str, number: u64) {
    let said = json!({
        "command": "ACTIVITY_MESSAGE", "username": username, "secret": SECRET,
        "activity": {"text": SAID, "n": number},
    });
    client.says(&said.to_string());
}

fn hears_until(client: &mut Client, number: u64) {
    while answer(client)["activity"]["n"] != number {}
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("it is there");
    entries
        .map(|entry| entry.expect("it is there").path())
        .collect()
}

#[test]
fn a_cluster_through_a_kill_and_a_drain_conforms_and_no_secret_is_recorded() {
    let all = Directories::new();
    let mut root = all.start("root", 0, &[]);
    let mut one = all.child("one", &root);
    let mut other = all.child("other", &root);

    let mut aaron = register(&root, "aaron");
    let mut ben = register(&one, "ben");
    let mut anonymous = Client::of(&other);
    anonymous.says(r#"{"command":"LOGIN","username":"anonymous"}"#);
    answer(&mut anonymous);
    for number in 1..=100 {
        say(&mut aaron, "aaron", number);
    }
    hears_until(&mut ben, 100);
    hears_until(&mut anonymous, 100);
    let mut wrong = Client::of(&one);
    wrong.says(r#"{"command":"LOGIN","username":"aaron","secret":"another"}"#);
    assert_eq!(answer(&mut wrong)["command"], "LOGIN_FAILED");
    Client::of(&other).says("no message");

    one.kill();
    let join = format!("localhost:{}", root.port);
    let mut one = all.start("one", one.port, &["--join", &join]);
    one.until("joined");
    let mut ben = Client::of(&one);
    let login = json!({"command": "LOGIN", "username": "ben", "secret": SECRET});
    ben.says(&login.to_string());
    say(&mut aaron, "aaron", 101);
    hears_until(&mut ben, 101);
    hears_until(&mut anonymous, 101);

    other.signal("TERM");
    assert!(other.ends().success());
    root.until("child_gone");
    root.signal("TERM");
    assert!(root.ends().success());
    one.signal("TERM");
    assert!(one.ends().success());

    let names = ["root", "one", "other"];
    let report = all.conforms(&names, &[]);
    let starts = report["servers"][1]["starts"]
        .as_array()
        .expect("its starts");
    assert_ne!(starts[0]["ending"], "stopped");
    assert_eq!(starts[1]["ending"], "stopped");
    assert!(report["links"].as_u64() >= Some(3), "{report}");
    assert!(report["lines"].as_u64() >= Some(200), "{report}");

    let drawn = all.0.path().join("last.txt");
    let flags = [
        "--steps",
        "5000",
        "--diagram",
        drawn.to_str().expect("text"),
    ];
    all.conforms(&names, &flags);
    let drawn = fs::read_to_string(drawn).expect("it is drawn");
    assert!(drawn.lines().count() > 200, "{drawn}");
    assert!(drawn.contains("ACTIVITY_BROADCAST"), "{drawn}");

    let kept = all.0.path().join("incident.json");
    let kept = kept.to_str().expect("text");
    all.conforms(&names, &["--steps", "300", "--save", kept]);
    let told = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["check", "--replay", kept])
        .output()
        .expect("the binary can be started");
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    for part in [
        "'s Floor timer fires",
        "it says ACTIVITY_BROADCAST to",
        "Every law that can be looked at holds now.",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }

    let hash = "\"a1:";
    for name in names {
        for file in files(&all.recording(name))
            .into_iter()
            .chain([PathBuf::from(kept)])
        {
            let recorded =
                String::from_utf8_lossy(&fs::read(&file).expect("it is there")).into_owned();
            for secret in [SECRET, SYSTEM, hash] {
                assert!(!recorded.contains(secret), "{secret} in {}", file.display());
            }
        }
    }
    let recorded = fs::read(all.file("root")).expect("it is there");
    assert!(
        String::from_utf8_lossy(&recorded).contains(SAID),
        "what is said is there"
    );
    let stored = fs::read(all.data("root").join("regrow.redb")).expect("it is there");
    assert!(
        String::from_utf8_lossy(&stored).contains(hash),
        "and so it could have been found"
    );
}

#[test]
fn what_is_recorded_while_a_server_runs_conforms_as_far_as_it_goes() {
    let all = Directories::new();
    let root = all.start("root", 0, &[]);
    let mut aaron = register(&root, "aaron");
    say(&mut aaron, "aaron", 1);
    hears_until(&mut aaron, 1);
    let conformed = all.conform(&["root"], &[]);
    assert_eq!(conformed.code, 0, "{conformed:?}");
    assert!(conformed.says.contains("runs still"), "{conformed:?}");

    // At rest nothing is kept any more of what was said.
    let deadline = Instant::now() + PATIENCE;
    while all.conform(&["root"], &["--settled"]).code != 0 {
        assert!(Instant::now() < deadline, "it never comes to rest");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server that was recorded, and is gone.
fn recorded(all: &Directories) {
    let mut root = all.start("root", 0, &[]);
    let mut aaron = register(&root, "aaron");
    for number in 1..=50 {
        say(&mut aaron, "aaron", number);
    }
    hears_until(&mut aaron, 50);
    root.kill();
}

#[test]
fn a_torn_end_is_left_out_and_said_to_be() {
    let all = Directories::new();
    recorded(&all);
    let file = all.file("root");
    let whole = fs::read(&file).expect("it is there");
    fs::write(&file, &whole[..whole.len() - 3]).expect("it can be written");
    let conformed = all.conform(&["root"], &[]);
    assert_eq!(conformed.code, 0, "{conformed:?}");
    assert!(
        conformed.says.contains("in the middle of a write"),
        "{conformed:?}"
    );
}

#[test]
fn what_was_altered_is_refused_with_its_place() {
    let all = Directories::new();
    recorded(&all);
    let file = all.file("root");
    let mut altered = fs::read(&file).expect("it is there");
    altered[100] ^= 1;
    fs::write(&file, &altered).expect("it can be written");
    let conformed = all.conform(&["root"], &[]);
    assert_eq!(conformed.code, 2, "{conformed:?}");
    assert!(
        conformed.complains.contains("damaged at byte"),
        "{conformed:?}"
    );
}

#[test]
fn what_another_version_has_recorded_is_refused() {
    let all = Directories::new();
    let name = all.recording("root");
    fs::create_dir_all(&name).expect("it can be made");
    for (text, expected) in [("something else\n", "no recording"), ("", "no recording")] {
        fs::write(all.file("root"), text).expect("it can be written");
        let conformed = all.conform(&["root"], &[]);
        assert_eq!(conformed.code, 2, "{conformed:?}");
        assert!(conformed.complains.contains(expected), "{conformed:?}");
    }
}

#[test]
fn a_directory_without_recordings_is_wrong_use() {
    let all = Directories::new();
    let conformed = all.conform(&["nobody"], &[]);
    assert_eq!(conformed.code, 2, "{conformed:?}");
    fs::create_dir_all(all.recording("nobody")).expect("it can be made");
    let conformed = all.conform(&["nobody"], &[]);
    assert_eq!(conformed.code, 2, "{conformed:?}");
    assert!(conformed.complains.contains("--record"), "{conformed:?}");
}

#[test]
fn a_recording_that_reaches_its_bound_ends_and_the_server_goes_on() {
    let all = Directories::new();
    let mut root = all.start("root", 0, &["--record-max-bytes", "1048576"]);
    let mut aaron = register(&root, "aaron");
    let said = json!({
        "command": "ACTIVITY_MESSAGE", "username": "aaron", "secret": SECRET,
        "activity": {"text": "x".repeat(100_000)},
    });
    for _ in 0..12 {
        aaron.says(&said.to_string());
        answer(&mut aaron);
    }
    root.until("recording_ended");
    say(&mut aaron, "aaron", 1);
    hears_until(&mut aaron, 1);
    root.signal("TERM");
    assert!(root.ends().success());
    let conformed = all.conform(&["root"], &[]);
    assert_eq!(conformed.code, 0, "{conformed:?}");
    assert!(conformed.says.contains("given up"), "{conformed:?}");
}

#[test]
fn a_server_does_not_record_where_another_has_recorded() {
    let all = Directories::new();
    recorded(&all);
    let recording = all.recording("root");
    let recording = recording.to_str().expect("its name is text");
    let flags = ["--record", recording, "--host", "another.example.org"];
    let mut other = Server::launch(0, &all.data("other"), &flags);
    other.until("holds recordings of localhost:");
    assert!(!other.ends().success());
}

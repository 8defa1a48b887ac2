//! `regrow data` as its operator sees it.

mod process;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use process::{Client, Server};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

fn data(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regrow"))
        .arg("data")
        .args(arguments)
        .arg(directory)
        .output()
        .expect("the binary can be started")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory in which a server has registered somebody and was killed.
fn used() -> TempDir {
    let dir = directory();
    let mut server = Server::start(dir.path(), &[]);
    let mut aaron = Client::of(&server);
    aaron.says(r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#);
    aaron.hears().expect("an answer");
    server.kill();
    dir
}

#[test]
fn verify_says_what_is_there() {
    let dir = used();
    let verified = data(&["verify"], dir.path());
    assert!(verified.status.success(), "{}", complained(&verified));
    let said = said(&verified);
    assert!(said.contains("is sound"), "{said}");
    let records = said.lines().find(|line| line.starts_with("records "));
    let rows = records.and_then(|line| line.split_whitespace().nth(1));
    assert_eq!(rows, Some("1"), "{said}");
}

#[test]
fn verify_says_it_to_programs_too() {
    let dir = used();
    let verified = data(&["verify", "--json"], dir.path());
    assert!(verified.status.success());
    let said: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(said["sound"], true);
    let tables = said["contents"]["tables"].as_array().expect("tables");
    let records = tables.iter().find(|table| table["name"] == "records");
    assert_eq!(records.expect("its table")["rows"], 1);
}

#[test]
fn verify_refuses_what_is_damaged_and_says_what_to_do() {
    let dir = used();
    let file = dir.path().join("regrow.redb");
    let content = fs::read(&file).expect("a store");
    fs::write(&file, &content[..content.len() / 2]).expect("room");
    let verified = data(&["verify"], dir.path());
    assert_eq!(verified.status.code(), Some(1));
    let complaint = complained(&verified);
    assert!(complaint.contains("is damaged"), "{complaint}");
    assert!(complaint.contains("Restore a copy"), "{complaint}");

    let verified = data(&["verify", "--json"], dir.path());
    assert_eq!(verified.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(said["sound"], false);
    assert!(said["error"].as_str().expect("why").contains("is damaged"));

    let mut server = Server::launch(0, dir.path(), &[]);
    let error = server.until("regrow: ");
    assert!(
        error.contains("is damaged"),
        "a server says so, too: {error}"
    );
    assert!(!server.ends().success());
}

#[test]
fn verify_needs_to_write_nothing() {
    let dir = used();
    let lock = dir.path().join("regrow.lock");
    fs::remove_file(&lock).expect("a server has made it");
    let allow = |path: &Path, mode| {
        let mode = Permissions::from_mode(mode);
        fs::set_permissions(path, mode).expect("it is ours");
    };
    allow(&dir.path().join("regrow.redb"), 0o444);
    allow(dir.path(), 0o555);
    let mut verify = Command::new(env!("CARGO_BIN_EXE_regrow"));
    verify.args(["data", "verify"]).arg(dir.path());
    if rustix::process::geteuid().is_root() {
        // Root may write everywhere.
        verify.uid(NOBODY);
    }
    let verified = verify.output().expect("the binary can be started");
    allow(dir.path(), 0o755);
    assert!(verified.status.success(), "{}", complained(&verified));
    assert!(said(&verified).contains("is sound"));
    assert!(!lock.exists());
}

#[test]
fn compact_says_the_sizes_and_keeps_everything() {
    let dir = used();
    let compacted = data(&["compact"], dir.path());
    assert!(compacted.status.success(), "{}", complained(&compacted));
    assert!(said(&compacted).contains(" bytes and now has "));
    let server = Server::start(dir.path(), &[]);
    let mut thief = Client::of(&server);
    thief.says(r#"{"command":"REGISTER","username":"aaron","secret":"s2"}"#);
    let failure = thief.hears().expect("an answer");
    assert!(failure.contains("REGISTER_FAILED"), "{failure}");
}

#[test]
fn a_directory_is_left_alone_while_a_server_has_it() {
    let dir = directory();
    let _server = Server::start(dir.path(), &[]);
    for what in ["verify", "compact"] {
        let refused = data(&[what], dir.path());
        assert_eq!(refused.status.code(), Some(1));
        let complaint = complained(&refused);
        assert!(
            complaint.contains("in use by another process"),
            "{complaint}"
        );
    }
}

#[test]
fn a_directory_without_a_store_is_named() {
    let dir = directory();
    let refused = data(&["verify"], dir.path());
    assert_eq!(refused.status.code(), Some(1));
    let complaint = complained(&refused);
    assert!(complaint.contains("there is no "), "{complaint}");
    assert!(complaint.contains("--data"), "{complaint}");
}

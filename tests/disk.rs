//! A server whose disk is full, and what each `--durability` loses when it is killed.

mod process;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use process::{Client, Server};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::{TempDir, tempdir};

/// How long nothing must come that may not come: longer than any acknowledgement takes.
const SILENCE: Duration = Duration::from_millis(600);

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

fn register(server: &Server, name: &str) -> Client {
    let mut client = Client::of(server);
    client.says(&registration(name));
    let success = client.hears().expect("an answer");
    assert!(success.contains("REGISTER_SUCCESS"), "{success}");
    client
}

fn registration(name: &str) -> String {
    format!(r#"{{"command":"REGISTER","username":"{name}","secret":"s1"}}"#)
}

fn login(name: &str) -> String {
    format!(r#"{{"command":"LOGIN","username":"{name}","secret":"s1","resume":{{"client":"c1"}}}}"#)
}

fn saying(name: &str, k: u64) -> String {
    format!(
        r#"{{"command":"ACTIVITY_MESSAGE","username":"{name}","secret":"s1","activity":{{"n":{k}}},"k":{k}}}"#
    )
}

/// Whether somebody is registered under this name.
fn knows(server: &Server, name: &str) -> bool {
    let mut client = Client::of(server);
    client.says(&login(name));
    let answer = client.hears().expect("an answer");
    answer.contains("LOGIN_SUCCESS")
}

fn until_acknowledged(client: &mut Client, k: u64) {
    let wanted = format!(r#""command":"ACTIVITY_ACK","k":{k},"#);
    while !client.hears().expect("it is still there").contains(&wanted) {}
}

/// What is acknowledged while a disk is full, and when it no longer is: the same on every kind of full disk.
fn a_full_disk_is_seen_and_survived(mut server: Server, full: impl FnOnce(), room: impl FnOnce()) {
    let mut aaron = register(&server, "aaron");
    aaron.says(&login("aaron"));
    let success = aaron.hears().expect("an answer");
    assert!(success.contains("LOGIN_SUCCESS"), "{success}");
    aaron.says(&saying("aaron", 1));
    until_acknowledged(&mut aaron, 1);

    full();
    let mut k = 1;
    // What is said makes the file grow, until it can't.
    let failed = loop {
        k += 1;
        aaron.says(&saying("aaron", k).replace(
            "{\"n\"",
            &format!("{{\"x\":\"{}\",\"n\"", "x".repeat(9_000)),
        ));
        if let Some(failed) = server.wrote("disk_failed") {
            break failed;
        }
        assert!(k < 2_000, "the disk must be full by now");
    };
    assert!(failed.contains("Check the disk's space"), "{failed}");

    let mut bertha = Client::of(&server);
    bertha.says(&registration("bertha"));
    assert!(
        bertha.hears_nothing_for(SILENCE),
        "nothing that isn't on disk"
    );

    room();
    server.until("disk_recovered");
    let success = bertha.hears().expect("an answer");
    assert!(success.contains("REGISTER_SUCCESS"), "{success}");
    until_acknowledged(&mut aaron, k);
}

/// A shell that limits how long a file may be and becomes the server: a write beyond fails with EFBIG.
fn limited(kib: u64) -> Command {
    let mut shell = Command::new("sh");
    let regrow = env!("CARGO_BIN_EXE_regrow");
    let script = format!(r#"trap "" XFSZ; ulimit -S -f {}; exec "$0" "$@""#, kib * 2);
    shell.args(["-c", &script, regrow]);
    shell
}

#[test]
fn when_files_may_not_grow_nothing_is_acknowledged_until_they_may() {
    let data = directory();
    let mut server = Server::launch_by(limited(512), 0, data.path(), &[]);
    server.listens();
    let id = Pid::from_raw(server.id() as i32);
    let more = || {
        let unlimited = Rlimit {
            current: None,
            maximum: None,
        };
        prlimit(id, Resource::Fsize, unlimited).expect("a process of our own");
    };
    a_full_disk_is_seen_and_survived(server, || {}, more);
}

/// Needs the right to make a file system of its own: `.ci/run` has it.
#[test]
#[ignore = "mounts a file system"]
fn when_the_disk_is_full_nothing_is_acknowledged_until_there_is_room() {
    let data = directory();
    let mut unshare = Command::new("unshare");
    let script = r#"mount -t tmpfs -o size=64m none "$0" && exec "$@""#;
    unshare
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(data.path())
        .arg(env!("CARGO_BIN_EXE_regrow"));
    let mut server = Server::launch_by(unshare, 0, data.path(), &[]);
    server.listens();
    let seen_by_it = format!("/proc/{}/root{}", server.id(), data.path().display());
    let filler = PathBuf::from(seen_by_it).join("filler");
    let fill = || {
        let mut file = File::create(&filler).expect("a file beside the store");
        let error = loop {
            if let Err(error) = file.write_all(&[1; 4096]) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    };
    let empty = || fs::remove_file(&filler).expect("it is there");
    a_full_disk_is_seen_and_survived(server, fill, empty);
}

#[test]
fn with_sync_a_kill_loses_nothing_that_was_acknowledged() {
    let data = directory();
    let mut server = Server::start(data.path(), &["--durability", "sync"]);
    drop(register(&server, "aaron"));
    server.kill();
    assert!(knows(&Server::start(data.path(), &[]), "aaron"));
}

#[test]
fn with_an_interval_a_kill_can_lose_what_is_younger_and_a_stop_loses_nothing() {
    let data = directory();
    let arguments = ["--durability", "interval=600s"];
    let mut server = Server::start(data.path(), &arguments);
    drop(register(&server, "aaron"));
    server.kill();
    let mut server = Server::start(data.path(), &arguments);
    assert!(!knows(&server, "aaron"), "it was younger than the interval");
    drop(register(&server, "aaron"));
    server.signal("TERM");
    assert!(server.ends().success());
    assert!(knows(&Server::start(data.path(), &arguments), "aaron"));
}

#[test]
fn with_an_interval_a_kill_loses_nothing_that_is_older() {
    let data = directory();
    let arguments = ["--durability", "interval=1s"];
    let mut server = Server::start(data.path(), &arguments);
    let file = data.path().join("regrow.redb");
    drop(register(&server, "aaron"));
    until_written_after(&file, SystemTime::now());
    server.kill();
    assert!(knows(&Server::start(data.path(), &arguments), "aaron"));
}

fn until_written_after(file: &Path, moment: SystemTime) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let written = fs::metadata(file).and_then(|file| file.modified());
        if written.expect("it is there") > moment {
            return;
        }
        assert!(Instant::now() < deadline, "it should have been written");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn with_memory_a_kill_loses_what_no_other_server_knows() {
    let (one, other) = (directory(), directory());
    let root = Server::start(one.path(), &["-s", "s1"]);
    let join = format!("localhost:{}", root.port);
    let arguments = ["--join", &join, "-s", "s1", "--durability", "memory"];
    let mut child = Server::start(other.path(), &arguments);
    child.until("joined");
    drop(register(&child, "aaron"));
    child.kill();
    assert!(!other.path().join("regrow.redb").exists());
    let mut child = Server::start_on(child.port, other.path(), &arguments);
    child.until("joined");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !knows(&child, "aaron") {
        assert!(
            Instant::now() < deadline,
            "the root knew it, and tells it to who joins"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn with_memory_alone_everything_is_gone_after_a_kill() {
    let data = directory();
    let arguments = ["--durability", "memory"];
    let mut server = Server::start(data.path(), &arguments);
    drop(register(&server, "aaron"));
    server.kill();
    assert!(!knows(&Server::start(data.path(), &arguments), "aaron"));
}

#[test]
fn a_secret_that_a_full_disk_did_not_take_is_invented_again() {
    let data = directory();
    let file = data.path().join("secret");
    File::create(&file).expect("room for a name");
    let mut server = Server::launch(0, data.path(), &[]);
    let said = server.until("secret: ");
    assert!(said.len() >= "secret: ".len() + 20, "{said}");
    let kept = fs::read_to_string(&file).expect("it is kept");
    assert_eq!(said, format!("secret: {kept}"));
}

#[test]
fn a_directory_that_keeps_something_is_not_used_with_memory() {
    let data = directory();
    let mut server = Server::start(data.path(), &[]);
    server.kill();
    let mut server = Server::launch(0, data.path(), &["--durability", "memory"]);
    let error = server.until("regrow: ");
    assert!(
        error.contains("--durability memory would forget it"),
        "{error}"
    );
    assert!(!server.ends().success());
}

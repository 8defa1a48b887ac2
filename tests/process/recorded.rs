//! Every server of a test is recorded, and when the last of them is gone, what they did is compared with the protocol.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::panicking;

use tempfile::{TempDir, tempdir};

thread_local! {
    /// A test has a thread of its own.
    static RECORDINGS: RefCell<Recordings> = RefCell::default();
}

#[derive(Default)]
struct Recordings {
    is_off: bool,
    servers: usize,
    /// Where recordings are; made when there is one.
    directory: Option<TempDir>,
    /// The data directories of servers, each of which has the recording of its number.
    data: Vec<PathBuf>,
}

impl Recordings {
    fn of(&mut self, data: &Path, port: u16) -> PathBuf {
        // On any free port it comes back under another name, as another server.
        let mut before = self.data.iter();
        let number = before.position(|other| other == data && port != 0);
        let number = number.unwrap_or_else(|| {
            self.data.push(data.to_owned());
            self.data.len() - 1
        });
        let directory = self
            .directory
            .get_or_insert_with(|| tempdir().expect("a directory for the test"));
        directory.path().join(number.to_string())
    }

    fn conform(&self) {
        let Some(directory) = &self.directory else {
            return;
        };
        let recorded = |number: usize| directory.path().join(number.to_string());
        // Who never came as far as to record anything did nothing.
        let recorded = (0..self.data.len())
            .map(recorded)
            .filter(|path| path.exists());
        let recorded: Vec<_> = recorded.collect();
        if recorded.is_empty() {
            return;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        let done = command.arg("conform").args(recorded).output();
        let done = done.expect("the binary can be started");
        assert!(
            done.status.success(),
            "{}{}",
            text(&done.stdout),
            text(&done.stderr)
        );
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a server is started with, to be recorded; nothing if the test does so itself, or doesn't want it.
pub(super) fn flags(data: &Path, port: u16, arguments: &[&str]) -> Vec<String> {
    RECORDINGS.with_borrow_mut(|recordings| {
        if recordings.is_off || arguments.contains(&"--record") {
            return Vec::new();
        }
        let recording = recordings.of(data, port).display().to_string();
        vec!["--record".to_owned(), recording]
    })
}

/// The servers of this test that follow are not recorded.
pub(super) fn off() {
    RECORDINGS.with_borrow_mut(|recordings| recordings.is_off = true);
}

/// There is one server more.
pub(super) fn started() {
    RECORDINGS.with_borrow_mut(|recordings| recordings.servers += 1);
}

/// There is one less; after the last one it is looked at what they did. Who starts then is another cluster.
pub(super) fn gone() {
    let done = RECORDINGS.with_borrow_mut(|recordings| {
        recordings.servers = recordings.servers.saturating_sub(1);
        let is_over = recordings.servers == 0 && !recordings.is_off;
        is_over.then(|| std::mem::take(recordings))
    });
    if let Some(done) = done
        && !panicking()
    {
        done.conform();
    }
}

//! A server of this very program, as a process of its own on this machine.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::config::setting;

/// A process that serves.
pub(super) struct Local {
    /// The process, which ends with this value.
    pub(super) process: Child,
    /// Where it listens.
    pub(super) port: u16,
    /// Where it shows its pages, if it does.
    pub(super) pages: Option<String>,
    /// Its log: somebody must read it, or the process waits once it has written much.
    pub(super) log: ChildStderr,
}

impl Local {
    /// Starts `regrow serve` on a free port of the loopback, with its state in `data`, and waits until it listens.
    ///
    /// # Errors
    /// When it can't be started, or ends before it listens.
    pub(super) async fn serve(
        data: &Path,
        more: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<Self> {
        let place = [
            "--port",
            "0",
            "--host",
            "127.0.0.1",
            "--listen",
            "127.0.0.1",
        ];
        let mut arguments: Vec<OsString> = vec!["serve".into()];
        arguments.extend(place.map(OsString::from));
        arguments.extend(["--data".into(), data.into()]);
        arguments.extend(
            more.into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        Self::start(arguments).await
    }

    /// Starts this program with these arguments, and waits until it says where it listens.
    ///
    /// # Errors
    /// When it can't be started, or ends before it listens.
    pub(super) async fn start(
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        for variable in setting::variables() {
            // What somebody has set for a server of his own is not meant for this one.
            command.env_remove(variable);
        }
        let mut process = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let log = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout).lines();
        let mut pages = None;
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix("http on ") {
                pages = Some(url.to_owned());
            }
            let address = line.strip_prefix("listening on ");
            let port = address.and_then(|address| address.rsplit_once(':'));
            if let Some(port) = port.and_then(|(_, port)| port.parse().ok()) {
                // What it says later nobody wants to know, but it must be able to say it.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self {
                    process,
                    port,
                    pages,
                    log,
                });
            }
        }
        Err(io::Error::other(last_words(log).await))
    }
}

/// What a process said last, that has ended before it listened.
async fn last_words(log: ChildStderr) -> String {
    let mut lines = BufReader::new(log).lines();
    let mut last = "it has ended before it listened".to_owned();
    while let Ok(Some(line)) = lines.next_line().await {
        last = line;
    }
    last
}

//! The `regrow` program, run to its end.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs it with these arguments in a directory.
pub(crate) fn regrow(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    let output = command.args(arguments).current_dir(directory).output();
    output.expect("the binary can be started")
}

/// A directory with nothing in it, to run it in.
pub(crate) fn nowhere() -> TempDir {
    tempfile::tempdir().expect("a directory for the test")
}

/// What it wrote for whoever asked.
pub(crate) fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

/// What it wrote beside that.
pub(crate) fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

/// Its exit code.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it has ended by itself")
}

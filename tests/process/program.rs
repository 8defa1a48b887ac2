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

/// The same with an environment, wherever the test runs.
pub(crate) fn regrow_in(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    command.args(arguments).envs(environment.iter().copied());
    command.output().expect("the binary can be started")
}

/// What it prints, if it succeeds.
pub(crate) fn prints(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = regrow_in(environment, arguments);
    assert!(output.status.success(), "{output:?}");
    out(&output).to_owned()
}

/// What it says, if it fails.
pub(crate) fn complains(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = regrow_in(environment, arguments);
    assert!(!output.status.success(), "{output:?}");
    err(&output).to_owned()
}

/// A file for it to read, and its name.
pub(crate) fn file(directory: &TempDir, name: &str, text: &str) -> String {
    let file = directory.path().join(name);
    std::fs::write(&file, text).expect("the file can be written");
    let file = file.to_str().expect("it has a name in UTF-8");
    file.to_owned()
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

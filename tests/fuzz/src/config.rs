//! The configuration file, and the environment over it.

use std::ffi::OsString;
use std::fs;

use regrow::command::config::{again, literal};
use regrow::command::serve::Serve;

use crate::store::directory;

/// What parts the file from the environment, which is one `NAME=value` a line.
const ENVIRONMENT: &str = "\n---\n";

/// A TOML file, and behind `---` variables of the environment. They are refused with words, or understood; and what is understood,
/// written down as a file, is understood alike.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (file, variables) = text.split_once(ENVIRONMENT).unwrap_or((&text, ""));
    let Some(serve) = read(file, variables) else {
        return;
    };
    let settings = serve.settings;
    let written: String = settings
        .iter()
        .map(|(name, value)| format!("{name} = {}\n", literal(value)))
        .collect();
    let again = read(&written, "");
    let again =
        again.unwrap_or_else(|| panic!("understood, but not as it is written down:\n{written}"));
    assert_eq!(again.settings, settings);
}

fn read(text: &str, variables: &str) -> Option<Serve> {
    let directory = directory();
    let file = directory.path().join("regrow.toml");
    fs::write(&file, text).expect("it can be written");
    let line = ["regrow", "serve", "--config"].map(OsString::from);
    let line = line.into_iter().chain([file.into()]).collect();
    let environment = |name: &str| {
        let mut variables = variables.lines().filter_map(|line| line.split_once('='));
        let value = variables.find(|(variable, _)| *variable == name)?.1;
        Some(OsString::from(value))
    };
    again(line, environment)
        .inspect_err(|error| assert!(!error.to_string().trim().is_empty(), "a refusal has words"))
        .ok()
}

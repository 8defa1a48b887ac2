//! A setting: one flag of `regrow serve`, which is also a key of the file and a variable of the environment.

use std::any::TypeId;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgAction};
use serde_json::Value;

/// What every variable begins with.
const PREFIX: &str = "REGROW_";

/// Flags that are no settings.
const NOT_SETTINGS: [&str; 3] = ["config", "help", "version"];

/// Every variable of this process's environment that a server would read.
pub(in crate::command) fn variables() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
}

/// Where a value comes from; the later ones are the stronger ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File {
        /// Which file.
        file: Arc<PathBuf>,
        /// Counted from 1.
        line: usize,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}, line {line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// On or off.
    Switch,
    /// A number.
    Number,
    /// A text.
    Text,
}

/// What is known of a setting, whatever its value.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// How the file spells it, and the command line after `--`.
    pub(super) name: String,
    /// What clap calls it.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Whether it can be given several times.
    pub(super) many: bool,
}

impl Key {
    /// The key of a flag, if it is one of a setting.
    pub(super) fn of(argument: &Arg) -> Option<Self> {
        let name = argument.get_long()?;
        if NOT_SETTINGS.contains(&name) {
            return None;
        }
        let kind = match argument.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => Kind::Switch,
            _ if is_number(argument) => Kind::Number,
            _ => Kind::Text,
        };
        Some(Self {
            name: name.to_owned(),
            id: argument.get_id().to_string(),
            kind,
            many: matches!(argument.get_action(), ArgAction::Append),
        })
    }

    /// Whether nobody must read its value.
    pub(super) fn is_secret(&self) -> bool {
        self.name.ends_with("secret")
    }

    /// What the environment calls it.
    pub(super) fn variable(&self) -> String {
        PREFIX.to_owned() + &self.name.replace('-', "_").to_uppercase()
    }
}

fn is_number(argument: &Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    let numbers = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<i64>(),
        TypeId::of::<f64>(),
    ];
    numbers.iter().any(|number| kind == *number)
}

/// A setting as it is now.
#[derive(Clone, Debug)]
pub struct Setting {
    pub(super) key: Key,
    /// Under which heading the help has it.
    pub(super) heading: Option<String>,
    /// Its values, as they are spelt on a command line; none when it isn't set.
    pub(super) values: Vec<String>,
    /// Where they come from.
    pub(super) origin: Origin,
}

impl Setting {
    /// Its value; `None` if it isn't set.
    pub(super) fn value(&self) -> Option<Value> {
        let value = |text: &String| match self.key.kind {
            Kind::Text => Value::from(text.as_str()),
            Kind::Switch => Value::from(text == "true"),
            Kind::Number => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        };
        if self.key.many && !self.values.is_empty() {
            return Some(self.values.iter().map(value).collect());
        }
        self.values.last().map(value)
    }
}

/// A text, a number, a switch or a list of these, as TOML. What JSON writes for them is TOML as well, but for one character that JSON takes
/// as it is.
pub fn literal(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

/// All settings by name, for everybody: secrets and what isn't set are left out.
pub fn public(settings: &[Setting]) -> serde_json::Map<String, Value> {
    let public = settings.iter().filter(|setting| !setting.key.is_secret());
    public
        .filter_map(|setting| Some((setting.key.name.clone(), setting.value()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_as_toml_and_back_whatever_is_in_it() {
        let every = ('\0'..'\u{a0}').chain(['\u{fffd}', '\u{1f600}']);
        let text = Value::from(every.collect::<String>());
        let file = format!("key = {}", literal(&text));
        let table = toml::de::DeTable::parse(&file).expect("it is understood");
        assert_eq!(table.get_ref()["key"].get_ref().as_str(), text.as_str());
    }
}

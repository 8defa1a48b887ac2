//! The layers of the configuration: what is built in, the file, the environment, the flags; the later is the stronger.
//!
//! There is one definition of each setting, its flag. The values of the weaker layers are put in front of the flags that the
//! user has given, as flags, unless those say something about the same thing: so every value is read and checked by the same
//! parser, and what needs or excludes each other may come from different layers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::file::Written;
use super::setting::{Key, Kind, Setting};
use super::{ConfigError, Origin, file};
use crate::command::names::near_misses;

/// The variable that names the file.
const FILE_VARIABLE: &str = "REGROW_CONFIG";

/// Settings that say one thing in several ways: where a stronger layer says any of a group, the weaker ones say nothing.
const GROUPS: [&[&str]; 2] = [
    &["secret", "secret-file"],
    &["join", "remote-host", "remote-port"],
];

/// What a layer says of one setting.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
}

/// What layers say, by the name of the setting.
pub(super) type Layer = BTreeMap<String, Given>;

/// How a command line was understood.
pub struct Understood {
    /// By clap.
    pub matches: ArgMatches,
    /// Every setting of the subcommand; none if it takes none.
    pub settings: Vec<Setting>,
}

/// Reads a command line, and behind it, where the subcommand has settings, the environment and the file.
///
/// # Errors
/// [`ConfigError`].
pub fn read(
    command: Command,
    mut arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Understood, ConfigError> {
    let Some(depth) = depth(&arguments) else {
        let matches = command.try_get_matches_from(arguments)?;
        return Ok(Understood {
            matches,
            settings: Vec::new(),
        });
    };
    let leaf = leaf(&command, &arguments[1..depth]);
    // What is wrong with the flags is said when all of it is read.
    let flags = command.clone().ignore_errors(true);
    // Only help, or the version, can have been asked for here.
    let flags = flags.try_get_matches_from(&arguments)?;
    let flags = innermost(&flags, depth - 1);

    let mut layers = Layer::new();
    let named = flags.get_one::<PathBuf>("config").cloned();
    let variable = environment(FILE_VARIABLE).filter(|file| !file.is_empty());
    if let Some(file) = named.or_else(|| variable.map(PathBuf::from)) {
        stack(&mut layers, of_file(&leaf, &file)?);
    }
    stack(&mut layers, of_environment(&leaf, environment)?);
    for key in keys(&leaf) {
        if flags.value_source(&key.id) == Some(ValueSource::CommandLine) {
            forget(&mut layers, &key.name);
        }
    }
    let more = layers
        .iter()
        .flat_map(|(name, given)| spelt(&leaf, name, given));
    let more: Vec<OsString> = more.collect();
    arguments.splice(depth..depth, more);
    let matches = command.try_get_matches_from(arguments)?;
    let settings = settings(&leaf, innermost(&matches, depth - 1), &layers);
    Ok(Understood { matches, settings })
}

/// What a file says, each value checked.
pub(super) fn of_file(leaf: &Command, file: &std::path::Path) -> Result<Layer, ConfigError> {
    let mut layer = Layer::new();
    for (name, written, origin) in file::read(file)? {
        let Some(key) = keys(leaf).find(|key| key.name == name) else {
            let names: Vec<String> = keys(leaf).map(|key| key.name).collect();
            let hint = near_misses(&name, names.iter().map(String::as_str));
            return Err(ConfigError::Unknown {
                origin,
                key: name,
                hint,
            });
        };
        let values = match (written, key.kind) {
            (Written::Switch(on), Kind::Switch) => vec![on.to_string()],
            (Written::One(value), Kind::Number | Kind::Text) => vec![value],
            (Written::Many(values), Kind::Number | Kind::Text) if key.many => values,
            (_, kind) => {
                let what = match kind {
                    Kind::Switch => "true or false",
                    Kind::Number | Kind::Text if key.many => "a text or a list of texts",
                    Kind::Number => "a number",
                    Kind::Text => "a text",
                };
                return Err(ConfigError::Shape {
                    origin,
                    key: name,
                    what,
                });
            }
        };
        let given = Given { values, origin };
        check(leaf, &key, &given)?;
        layer.insert(name, given);
    }
    Ok(layer)
}

/// What the environment says, each value checked. An empty variable says nothing.
fn of_environment(
    leaf: &Command,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Layer, ConfigError> {
    let mut layer = Layer::new();
    for key in keys(leaf) {
        let variable = key.variable();
        let Some(value) = environment(&variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let origin = Origin::Variable(variable);
        let Ok(value) = value.into_string() else {
            return Err(ConfigError::Shape {
                origin,
                key: key.name,
                what: "a text in UTF-8",
            });
        };
        let values = match key.kind {
            Kind::Switch => match value.to_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => vec!["true".to_owned()],
                "false" | "0" | "no" | "off" => vec!["false".to_owned()],
                _ => {
                    return Err(ConfigError::Shape {
                        origin,
                        key: key.name,
                        what: "true or false",
                    });
                }
            },
            Kind::Number | Kind::Text if key.many => {
                value.split(',').map(|one| one.trim().to_owned()).collect()
            }
            Kind::Number | Kind::Text => vec![value],
        };
        let given = Given { values, origin };
        check(leaf, &key, &given)?;
        layer.insert(key.name, given);
    }
    Ok(layer)
}

/// Whether the setting's own parser takes a value. What it says of settings that belong together is left for the end.
fn check(leaf: &Command, key: &Key, given: &Given) -> Result<(), ConfigError> {
    let line = std::iter::once(OsString::from("regrow")).chain(spelt(leaf, &key.name, given));
    let Err(error) = leaf
        .clone()
        .no_binary_name(false)
        .try_get_matches_from(line)
    else {
        return Ok(());
    };
    match error.kind() {
        ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict => Ok(()),
        _ => Err(ConfigError::Value {
            origin: given.origin.clone(),
            key: key.name.clone(),
            why: if key.is_secret() {
                "it can't be used".to_owned()
            } else {
                first_line(&error)
            },
        }),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.trim_start_matches("error: ");
    // Those that name all values that are possible do so in a second line.
    let lines: Vec<&str> = text.lines().map(str::trim).take(2).collect();
    lines.join(" ").trim().to_owned()
}

/// Lays a stronger layer over what there is.
fn stack(layers: &mut Layer, stronger: Layer) {
    for name in stronger.keys() {
        forget(layers, name);
    }
    layers.extend(stronger);
}

/// Something stronger says this: what is there says nothing about it.
fn forget(layers: &mut Layer, name: &str) {
    layers.remove(name);
    for group in GROUPS.iter().filter(|group| group.contains(&name)) {
        for other in *group {
            layers.remove(*other);
        }
    }
}

/// A value as flags.
pub(super) fn spelt(leaf: &Command, name: &str, given: &Given) -> Vec<OsString> {
    let is_switch = keys(leaf).any(|key| key.name == name && key.kind == Kind::Switch);
    let flag = |value: &String| match (is_switch, value.as_str()) {
        (true, "true") => Some(format!("--{name}").into()),
        (true, _) => None,
        (false, value) => Some(format!("--{name}={value}").into()),
    };
    given.values.iter().filter_map(flag).collect()
}

fn keys(leaf: &Command) -> impl Iterator<Item = Key> {
    leaf.get_arguments().filter_map(Key::of)
}

fn settings(leaf: &Command, matches: &ArgMatches, layers: &Layer) -> Vec<Setting> {
    let arguments = leaf.get_arguments();
    let settings = arguments.filter_map(|argument| {
        let key = Key::of(argument)?;
        let values: Vec<String> = match key.kind {
            Kind::Switch => vec![matches.get_flag(&key.id).to_string()],
            Kind::Number | Kind::Text => {
                let raw = matches.get_raw(&key.id).into_iter().flatten();
                raw.map(|value| value.to_string_lossy().into_owned())
                    .collect()
            }
        };
        let origin = match layers.get(&key.name) {
            Some(given) => given.origin.clone(),
            None => match matches.value_source(&key.id) {
                Some(ValueSource::CommandLine) => Origin::Flag,
                _ => Origin::Default,
            },
        };
        Some(Setting {
            heading: argument.get_help_heading().map(ToOwned::to_owned),
            key,
            values,
            origin,
        })
    });
    settings.collect()
}

/// Behind which argument the flags of a subcommand with settings begin; `None` for any other subcommand.
fn depth(arguments: &[OsString]) -> Option<usize> {
    let words: Vec<_> = arguments.iter().skip(1).take(2).collect();
    match words.as_slice() {
        [serve, ..] if *serve == "serve" => Some(2),
        [config, show] if *config == "config" && *show == "show" => Some(3),
        _ => None,
    }
}

fn leaf(command: &Command, path: &[OsString]) -> Command {
    let mut leaf = command;
    for name in path {
        if let Some(inner) = leaf.find_subcommand(name) {
            leaf = inner;
        }
    }
    leaf.clone()
}

pub(super) fn innermost(matches: &ArgMatches, depth: usize) -> &ArgMatches {
    let mut inner = matches;
    for _ in 0..depth {
        if let Some((_, matches)) = inner.subcommand() {
            inner = matches;
        }
    }
    inner
}

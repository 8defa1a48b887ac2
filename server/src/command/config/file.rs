//! The TOML file: keys and values as they stand there, with their lines. What they mean is for [`super::layers`].

use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::{ConfigError, Origin};

/// A value that somebody wrote down.
pub(super) enum Written {
    Switch(bool),
    /// A text or a number, as it is spelt.
    One(String),
    Many(Vec<String>),
}

/// Reads a file: every key, its value, and where that stands.
pub(super) fn read(file: &Path) -> Result<Vec<(String, Written, Origin)>, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::File {
        file: file.to_owned(),
        source,
    })?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Vec<(String, Written, Origin)>, ConfigError> {
    let file = Arc::new(file.to_owned());
    let at = |offset: usize| Origin::File {
        file: file.clone(),
        line: line_of(text, offset),
    };
    let table = DeTable::parse(text).map_err(|error| ConfigError::Toml {
        origin: at(error.span().map_or(0, |span| span.start)),
        // Only this: the error itself shows the line, and there may be a secret in it.
        what: error.message().to_owned(),
    })?;
    let keys = table.get_ref().iter();
    keys.map(|(key, value)| {
        let name = key.get_ref().to_string();
        let origin = at(key.span().start);
        match written(value.get_ref()) {
            Some(written) => Ok((name, written, origin)),
            None => Err(ConfigError::Shape {
                origin,
                key: name,
                what: "a text, a number, true or false, or a list of them; there are no tables",
            }),
        }
    })
    .collect()
}

fn written(value: &DeValue<'_>) -> Option<Written> {
    match value {
        DeValue::Boolean(on) => Some(Written::Switch(*on)),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| scalar(item.get_ref()));
            items.collect::<Option<_>>().map(Written::Many)
        }
        value => scalar(value).map(Written::One),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match parse(Path::new("regrow.toml"), text) {
            Ok(_) => panic!("it is understood: {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn keys_come_with_their_lines() {
        let keys = parse(
            Path::new("r.toml"),
            "# a\nport = 0x10\n\njoin = [\"a:1\", \"b:2\"]\n",
        );
        let keys: Vec<_> = keys
            .expect("it is TOML")
            .into_iter()
            .map(|(key, written, origin)| {
                let values = match written {
                    Written::Switch(on) => vec![on.to_string()],
                    Written::One(value) => vec![value],
                    Written::Many(values) => values,
                };
                (key, values, origin.to_string())
            })
            .collect();
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            keys,
            [
                (
                    "join".to_owned(),
                    texts(&["a:1", "b:2"]),
                    "r.toml, line 4".to_owned()
                ),
                (
                    "port".to_owned(),
                    texts(&["16"]),
                    "r.toml, line 2".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line_and_without_what_stands_there() {
        let error = error("port = 1\nsecret = \"s1\" \"s2\"\n");
        assert!(error.starts_with("regrow.toml, line 2: "), "{error}");
        assert!(!error.contains("s1") && !error.contains("s2"), "{error}");
    }

    #[test]
    fn a_table_is_refused() {
        let error = error("[limits]\nport = 1\n");
        assert!(error.starts_with("regrow.toml, line 1: limits "), "{error}");
    }
}

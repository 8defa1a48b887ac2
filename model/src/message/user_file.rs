//! The file of users: one JSON object, from names to what is known of them. Three shapes of it are read, each
//! user by itself, so a file may mix them:
//!
//! - as the report prints it: `{"aaron":{"my_secret":"s1","registertime":0}}`;
//! - as the report's program wrote it: `{"aaron":{"password":"s1","registertime":1795000000000}}`;
//! - as it is written here: `{"aaron":{"hash":"$argon2id$…","registertime":1795000000000}}`, with no plain secret.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::client::Secret;
use super::{SecretHash, Stamp, Username};

/// One user of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub username: Username,
    /// What proves it: plain from the report's files, to be hashed by whoever reads it. An empty one, which the
    /// report's own example has, keeps the name from others, but nobody can log in with it.
    pub secret: Secret,
    /// When it was registered.
    pub registertime: Stamp,
}

/// Why a file is not read. No text of a secret is ever in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserFileError {
    /// Repair the file: it is cut off, or no JSON.
    #[error("the user file is not JSON: line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Not a file of users.
    #[error("the user file is not an object from usernames to objects")]
    NotAnObject,
    /// Add what is missing: the secret under one of three names, once, and the time.
    #[error(
        "user {0}: needs one of password, hash and my_secret, a string, and registertime, in ms since 1970"
    )]
    Entry(Username),
    /// Which one is meant? Take one out.
    #[error("user {0} is there twice")]
    Twice(Username),
    /// Take it out: everybody may use that name.
    #[error("nobody can own the name anonymous")]
    Anonymous,
}

/// Reads all users, in the file's order.
///
/// # Errors
/// [`UserFileError`]: then no user is taken.
pub fn read(text: &str) -> Result<Vec<User>, UserFileError> {
    let Entries(entries) = serde_json::from_str(text).map_err(|error| {
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            UserFileError::NotAnObject
        } else {
            UserFileError::NotJson {
                line: error.line(),
                column: error.column(),
            }
        }
    })?;
    let mut seen = BTreeSet::new();
    let mut users = Vec::with_capacity(entries.len());
    for (username, entry) in entries {
        if username.is_anonymous() {
            return Err(UserFileError::Anonymous);
        }
        if !seen.insert(username.clone()) {
            return Err(UserFileError::Twice(username));
        }
        let Some((secret, registertime)) = read_entry(entry) else {
            return Err(UserFileError::Entry(username));
        };
        users.push(User {
            username,
            secret,
            registertime,
        });
    }
    Ok(users)
}

fn read_entry(entry: &RawValue) -> Option<(Secret, Stamp)> {
    let entry: ReadEntry = serde_json::from_str(entry.get()).ok()?;
    let secret = match (entry.password, entry.my_secret, entry.hash) {
        (Some(plain), None, None) | (None, Some(plain), None) => Secret::Plain(plain),
        (None, None, Some(hash)) => Secret::Hashed(hash),
        (_, _, _) => return None,
    };
    Some((secret, entry.registertime))
}

/// Writes users in the given order, one line in all.
pub fn write<'a>(users: impl IntoIterator<Item = (&'a Username, &'a SecretHash, Stamp)>) -> String {
    let mut file = String::from("{");
    for (nth, (username, hash, registertime)) in users.into_iter().enumerate() {
        if nth > 0 {
            file.push(',');
        }
        file.push_str(&json(username));
        file.push(':');
        file.push_str(&json(&WrittenEntry { hash, registertime }));
    }
    file.push('}');
    file
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    hash: &'a SecretHash,
    registertime: Stamp,
}

#[derive(Deserialize)]
struct ReadEntry {
    password: Option<SmolStr>,
    my_secret: Option<SmolStr>,
    hash: Option<SecretHash>,
    registertime: Stamp,
}

/// The outer object, its duplicates kept, its values not looked into.
struct Entries<'a>(Vec<(Username, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from usernames to objects")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<'de>, M::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(username: &str, secret: Secret, registertime: u64) -> User {
        User {
            username: Username::from(username),
            secret,
            registertime: Stamp(registertime),
        }
    }

    #[test]
    fn both_of_the_reports_shapes_and_our_own_are_told_apart() {
        let file = r#"{
            "my_user": {"my_secret": "", "registertime": 0},
            "aaron": {"password": "s1", "registertime": 1795000000000},
            "zoë": {"registertime": 7, "hash": "$argon2id$x", "later": [1]}
        }"#;
        let users = [
            user("my_user", Secret::Plain("".into()), 0),
            user("aaron", Secret::Plain("s1".into()), 1_795_000_000_000),
            user("zoë", Secret::Hashed(SecretHash::from("$argon2id$x")), 7),
        ];
        assert_eq!(read(file), Ok(users.to_vec()));
        assert_eq!(read("{}"), Ok(vec![]));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (name, hash) = (Username::from("a\"b"), SecretHash::from("$argon2id$x"));
        let file = write([(&name, &hash, Stamp(7))]);
        assert_eq!(file, r#"{"a\"b":{"hash":"$argon2id$x","registertime":7}}"#);
        assert_eq!(read(&file), Ok(vec![user("a\"b", Secret::Hashed(hash), 7)]));
        assert_eq!(write([]), "{}");
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused_as_a_whole_and_its_secrets_stay_untold() {
        let aaron = || Username::from("aaron");
        for (file, error) in [
            ("", UserFileError::NotJson { line: 1, column: 0 }),
            ("[]", UserFileError::NotAnObject),
            (r#"{"aaron":"s1"}"#, UserFileError::Entry(aaron())),
            (
                r#"{"aaron":{"password":"s1"}}"#,
                UserFileError::Entry(aaron()),
            ),
            (
                r#"{"aaron":{"registertime":1}}"#,
                UserFileError::Entry(aaron()),
            ),
            (
                r#"{"aaron":{"password":5,"registertime":1}}"#,
                UserFileError::Entry(aaron()),
            ),
            (
                r#"{"aaron":{"password":"s1","hash":"h","registertime":1}}"#,
                UserFileError::Entry(aaron()),
            ),
            (
                r#"{"aaron":{"password":"s1","registertime":1},"aaron":{"hash":"h","registertime":1}}"#,
                UserFileError::Twice(aaron()),
            ),
            (
                r#"{"anonymous":{"password":"s1","registertime":1}}"#,
                UserFileError::Anonymous,
            ),
        ] {
            assert!(!error.to_string().contains("s1"));
            assert_eq!(read(file), Err(error), "{file}");
        }
    }
}

//! What a user says: a JSON object that passes through byte-faithful, but for the one field that the
//! speaker's own server sets.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::Username;

/// The field that says who spoke.
const SIGNATURE: &str = "authenticated_user";

/// A JSON object, kept as it was written: big integers, `1.0`, nesting, the order of keys, escapes and
/// non-ASCII all stay. It is always one line: a line break between two tokens has become a blank, or what a
/// hostile sender writes could end a receiver's line in the middle.
///
/// Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Activity(Arc<str>);

/// A text is no [`Activity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an activity is a JSON object")]
pub struct ActivityError;

impl Activity {
    /// Reads one JSON object, with nothing after it.
    ///
    /// # Errors
    /// [`ActivityError`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, ActivityError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| ActivityError)?;
        Self::from_raw(raw)
    }

    /// Takes a value that a JSON parser has already been over.
    pub(super) fn from_raw(raw: &RawValue) -> Result<Self, ActivityError> {
        let text = raw.get();
        if !text.starts_with('{') {
            return Err(ActivityError);
        }
        // Inside a text JSON allows no bare line break, so any there is stands between two tokens.
        let breaks = |b: &u8| matches!(b, b'\n' | b'\r');
        Ok(Self(if text.as_bytes().iter().any(breaks) {
            text.replace(['\n', '\r'], " ").into()
        } else {
            text.into()
        }))
    }

    /// The object as JSON text, on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same with `authenticated_user` set to this user, whoever it claimed to be from before. Every
    /// duplicate of that key and every escaped spelling of it goes, or a sender could pose as another to
    /// readers that take the last one, or the first. Nothing else changes.
    #[must_use]
    pub fn sign(&self, user: &Username) -> Self {
        let text = self.as_str();
        let entries = self.signatures_and_end();
        let mut signed =
            String::with_capacity(text.len() + SIGNATURE.len() + user.as_str().len() + 8);
        let mut copied = 0;
        for (nth, entry) in entries.signatures.iter().enumerate() {
            if nth == 0 {
                signed.push_str(&text[copied..entry.key]);
                push_signature(&mut signed, user);
            } else {
                signed.push_str(&text[copied..entry.comma]);
            }
            copied = entry.end;
        }
        if entries.signatures.is_empty() {
            signed.push_str(&text[..entries.end]);
            if !entries.empty {
                signed.push(',');
            }
            push_signature(&mut signed, user);
            copied = entries.end;
        }
        signed.push_str(&text[copied..]);
        Self(signed.into())
    }

    /// Who spoke, as far as the object says: the last `authenticated_user` in it, if that is a text.
    pub fn authenticated_user(&self) -> Option<Username> {
        let last = self.signatures_and_end().signatures.pop()?;
        let value: Cow<'_, str> = serde_json::from_str(last.value).ok()?;
        Some(Username::from(value))
    }

    fn signatures_and_end(&self) -> Entries<'_> {
        let mut json = serde_json::Deserializer::from_str(&self.0);
        json.deserialize_map(EntriesVisitor(&self.0))
            .expect("an activity was checked when it was made")
    }
}

fn push_signature(out: &mut String, user: &Username) {
    let name = serde_json::to_string(user.as_str()).expect("a text is always JSON");
    out.extend(["\"", SIGNATURE, "\":", &name]);
}

/// Where in an object's text its signatures are, as byte positions.
struct Entries<'a> {
    signatures: Vec<Entry<'a>>,
    /// Whether the object has no entry at all.
    empty: bool,
    /// Behind the last entry; behind the `{` of an empty object.
    end: usize,
}

struct Entry<'a> {
    /// Behind the entry before, where this one's comma is.
    comma: usize,
    key: usize,
    value: &'a str,
    end: usize,
}

struct EntriesVisitor<'a>(&'a str);

impl<'a> Visitor<'a> for EntriesVisitor<'a> {
    type Value = Entries<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Entries<'a>, M::Error> {
        let mut entries = Entries {
            signatures: Vec::new(),
            empty: true,
            end: 1,
        };
        // What the parser hands out are slices of the text, so a slice's address is its position.
        let position = |part: &str| part.as_ptr() as usize - self.0.as_ptr() as usize;
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let (key, value) = (key.get(), value.get());
            let end = position(value) + value.len();
            if is_signature(key) {
                let (comma, key) = (entries.end, position(key));
                entries.signatures.push(Entry {
                    comma,
                    key,
                    value,
                    end,
                });
            }
            entries.empty = false;
            entries.end = end;
        }
        Ok(entries)
    }
}

/// Whether a key, in quotes as it stands in the text, reads as [`SIGNATURE`].
fn is_signature(key: &str) -> bool {
    if key.contains('\\') {
        // A key that is no text, for want of half a surrogate pair, is none of ours.
        serde_json::from_str::<String>(key).is_ok_and(|key| key == SIGNATURE)
    } else {
        key.get(1..key.len() - 1) == Some(SIGNATURE)
    }
}

impl FromStr for Activity {
    type Err = ActivityError;

    fn from_str(text: &str) -> Result<Self, ActivityError> {
        Self::parse(text)
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Activity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue =
            serde_json::from_str(&self.0).expect("an activity was checked when it was made");
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Activity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Self::from_raw(raw).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str) -> String {
        let signed = Activity::parse(text)
            .unwrap()
            .sign(&Username::from("aaron"));
        assert_eq!(signed.authenticated_user(), Some(Username::from("aaron")));
        assert_eq!(
            signed.sign(&Username::from("aaron")),
            signed,
            "signing again changes nothing"
        );
        assert_eq!(Activity::parse(signed.as_str()).as_ref(), Ok(&signed));
        signed.as_str().to_owned()
    }

    #[test]
    fn a_signature_is_appended_where_there_was_none() {
        assert_eq!(signed("{}"), r#"{"authenticated_user":"aaron"}"#);
        assert_eq!(signed("{ }"), r#"{"authenticated_user":"aaron" }"#);
        assert_eq!(
            signed(r#"{"object":"hi"}"#),
            r#"{"object":"hi","authenticated_user":"aaron"}"#
        );
        assert_eq!(
            signed(r#"{"a":1 }"#),
            r#"{"a":1,"authenticated_user":"aaron" }"#
        );
    }

    #[test]
    fn a_signature_that_was_there_is_overwritten_in_its_place() {
        assert_eq!(
            signed(r#"{"a":1, "authenticated_user" : "root" , "b":2}"#),
            r#"{"a":1, "authenticated_user":"aaron" , "b":2}"#
        );
        assert_eq!(
            signed(r#"{"authenticated_user":{"authenticated_user":[1]},"b":2}"#),
            r#"{"authenticated_user":"aaron","b":2}"#
        );
    }

    #[test]
    fn every_duplicate_and_every_escaped_spelling_of_it_goes() {
        assert_eq!(
            signed(concat!(
                r#"{"authenticated_user":"root","a":1,"\u0061uthenticated_user":"root", "b":2,"#,
                r#" "authenticated\u005Fuser":null, "authenticated_user":"root"}"#
            )),
            r#"{"authenticated_user":"aaron","a":1, "b":2}"#
        );
        assert_eq!(
            signed(r#"{"a":1,"authenticated_use\u0072":"root","authenticated_user":"root","b":2}"#),
            r#"{"a":1,"authenticated_user":"aaron","b":2}"#
        );
    }

    #[test]
    fn what_only_looks_like_a_signature_stays() {
        let body = concat!(
            r#"{"authenticated_use":1,"authenticated_users":2,"Authenticated_user":3,"\\u0061uthenticated_user":4,"#,
            r#""\ud800authenticated_user":5,"nested":{"authenticated_user":"root"},"#,
            r#""text":"\"authenticated_user\":\"root\"""#
        );
        assert_eq!(
            signed(&format!("{body}}}")),
            format!(r#"{body},"authenticated_user":"aaron"}}"#)
        );
    }

    #[test]
    fn a_name_with_quotes_in_it_stays_one_text() {
        let user = Username::from("a\",\"x\":\"☃\n");
        let signed = Activity::parse("{}").unwrap().sign(&user);
        assert_eq!(
            signed.as_str(),
            r#"{"authenticated_user":"a\",\"x\":\"☃\n"}"#
        );
        assert_eq!(signed.authenticated_user(), Some(user));
    }

    #[test]
    fn only_an_object_is_an_activity() {
        assert_eq!(
            Activity::parse(" {\"a\": 1}\n").unwrap().as_str(),
            "{\"a\": 1}"
        );
        for text in [
            "",
            "5",
            "[]",
            "null",
            "\"{}\"",
            "{} {}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":\"\n\"}",
        ] {
            assert_eq!(Activity::parse(text), Err(ActivityError), "{text}");
        }
    }
}

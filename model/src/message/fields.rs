//! One pass over a line: each field that we know, as a slice of the line. Of two fields with one name
//! the last counts, as in the parsers that the original's clients and servers are written with.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::info::{Field, Info};
use super::{Activity, Username};
use crate::message::client::Secret;

/// The longest username.
pub(super) const USERNAME_LIMIT_BYTES: usize = 1024;

/// The longest name of a client of ours.
pub(super) const CLIENT_LIMIT_BYTES: usize = 256;

/// The fields of one line that have a name we know.
#[derive(Default)]
pub(super) struct Fields<'a>([Option<&'a RawValue>; Field::COUNT]);

impl<'a> Fields<'a> {
    /// Reads the outermost object.
    ///
    /// # Errors
    /// [`Info::NotJson`] or [`Info::NotAnObject`].
    pub(super) fn parse(text: &'a str) -> Result<Self, Info> {
        serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data if serde_json::from_str::<IgnoredAny>(text).is_ok() => Info::NotAnObject,
            Category::Data | Category::Syntax | Category::Eof | Category::Io => Info::NotJson,
        })
    }

    /// Which message this is.
    pub(super) fn command(&self) -> Result<Cow<'a, str>, Info> {
        self.text(Field::Command)?.ok_or(Info::NoCommand)
    }

    /// The username, which every command that has one needs.
    pub(super) fn username(&self) -> Result<Username, Info> {
        let text = self.text(Field::Username)?.filter(|text| !text.is_empty());
        let text = text.ok_or(Info::Missing(Field::Username))?;
        within(Field::Username, &text, USERNAME_LIMIT_BYTES)?;
        Ok(Username::from(text))
    }

    /// The secret; an empty one is none.
    pub(super) fn secret(&self) -> Result<Option<Secret>, Info> {
        let text = self.text(Field::Secret)?.filter(|text| !text.is_empty());
        Ok(text.map(|text| Secret::Plain(SmolStr::new(text))))
    }

    /// The activity.
    pub(super) fn activity(&self) -> Result<Activity, Info> {
        let raw = self
            .raw(Field::Activity)
            .ok_or(Info::Missing(Field::Activity))?;
        Activity::from_raw(raw).map_err(|_| Info::WrongType(Field::Activity))
    }

    /// The reason that somebody else gives. Who leaves without a reason is not refused for that.
    pub(super) fn info(&self) -> Result<Info, Info> {
        let text = self.text(Field::Info)?.unwrap_or_default();
        Ok(Info::Text(SmolStr::new(text)))
    }

    /// A field that must be there.
    pub(super) fn required<T: DeserializeOwned>(&self, field: Field) -> Result<T, Info> {
        self.optional(field)?.ok_or(Info::Missing(field))
    }

    /// A field that may be absent or null.
    pub(super) fn optional<T: DeserializeOwned>(&self, field: Field) -> Result<Option<T>, Info> {
        let value = self.raw(field).map(|raw| serde_json::from_str(raw.get()));
        value.transpose().map_err(|_| Info::WrongType(field))
    }

    /// A text, borrowed unless it has escapes in it.
    fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, Info> {
        let Some(raw) = self.raw(field).map(RawValue::get) else {
            return Ok(None);
        };
        let inside = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inside {
            None => Err(Info::WrongType(field)),
            Some(inside) if !inside.contains('\\') => Ok(Some(Cow::Borrowed(inside))),
            Some(_) => match serde_json::from_str(raw) {
                Ok(text) => Ok(Some(Cow::Owned(text))),
                Err(_) => Err(Info::WrongType(field)),
            },
        }
    }

    /// A value as it stands in the line; null counts as absent.
    fn raw(&self, field: Field) -> Option<&'a RawValue> {
        self.0[field as usize].filter(|raw| raw.get() != "null")
    }
}

/// Whether a name is short enough.
pub(super) fn within(field: Field, text: &str, limit_bytes: usize) -> Result<(), Info> {
    if text.len() > limit_bytes {
        return Err(Info::TooLong { field, limit_bytes });
    }
    Ok(())
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
        let mut fields = Fields::default();
        while let Some(Key(key)) = map.next_key()? {
            match key {
                Some(field) => fields.0[field as usize] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// The name of a field, if it is one of ours.
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Key, E> {
        Ok(Key(Field::from_name(name)))
    }
}

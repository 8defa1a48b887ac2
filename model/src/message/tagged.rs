//! An enum as an object whose field `command` names the variant. serde's own tagged enums read every value
//! into a buffer first, which is slow and would not keep an activity as it was written; here an enum that
//! serde derives in its ordinary way is read straight from the text and written straight to it. So what
//! servers say to each other is one list of variants, with no second list to keep in step.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, EnumAccess, VariantAccess, Visitor};
use serde::ser::{Impossible, SerializeMap, SerializeStruct, SerializeStructVariant};
use serde::{Deserializer, Serialize, Serializer, forward_to_deserialize_any};

use super::info::Field;

type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

/// Why a text is none of the variants.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaggedError {
    /// No variant is called that.
    #[error("unknown command: it is none of {known:?}")]
    Unknown {
        /// What the variants are called.
        known: &'static [&'static str],
    },
    /// The variant's fields are not there, or not of their types.
    #[error(transparent)]
    Fields(#[from] serde_json::Error),
}

impl de::Error for TaggedError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Fields(serde_json::Error::custom(message))
    }
}

/// Reads the variant called `command` from the object `text`; fields that the variant doesn't have are ignored.
pub(super) fn decode<T: DeserializeOwned>(command: &str, text: &str) -> Result<T, TaggedError> {
    T::deserialize(Tagged { command, text })
}

struct Tagged<'a> {
    command: &'a str,
    text: &'a str,
}

impl<'de> Tagged<'de> {
    fn fields(&self) -> Json<'de> {
        serde_json::Deserializer::from_str(self.text)
    }
}

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = TaggedError;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TaggedError> {
        if variants.contains(&self.command) {
            visitor.visit_enum(self)
        } else {
            Err(TaggedError::Unknown { known: variants })
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, TaggedError> {
        Err(de::Error::custom("only an enum has a command"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Tagged<'de> {
    type Error = TaggedError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), TaggedError> {
        let command: StrDeserializer<'_, TaggedError> = StrDeserializer::new(self.command);
        Ok((seed.deserialize(command)?, self))
    }
}

impl<'de> VariantAccess<'de> for Tagged<'de> {
    type Error = TaggedError;

    fn unit_variant(self) -> Result<(), TaggedError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, TaggedError> {
        Ok(seed.deserialize(&mut self.fields())?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, TaggedError> {
        Err(de::Error::custom("a command's fields have names"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TaggedError> {
        Ok(self.fields().deserialize_map(visitor)?)
    }
}

/// Writes `{"command":…,"v":…, then the variant's own fields}`.
pub(super) fn encode<T: Serialize>(
    message: &T,
    version: u32,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    message.serialize(Tagger {
        json: &mut serde_json::Serializer::new(out),
        version,
        command: None,
    })
}

type Out<'a, 'b> = &'a mut serde_json::Serializer<&'b mut Vec<u8>>;
type OutMap<'a, 'b> = <Out<'a, 'b> as Serializer>::SerializeMap;
type Refused = Impossible<(), serde_json::Error>;

struct Tagger<'a, 'b> {
    json: Out<'a, 'b>,
    version: u32,
    /// The variant, once it is known.
    command: Option<&'static str>,
}

impl<'a, 'b> Tagger<'a, 'b> {
    fn begin(self) -> serde_json::Result<TaggedFields<'a, 'b>> {
        let command = self.command.ok_or_else(refused)?;
        let mut map = self.json.serialize_map(None)?;
        map.serialize_entry(Field::Command.name(), command)?;
        map.serialize_entry(Field::Version.name(), &self.version)?;
        Ok(TaggedFields(map))
    }
}

fn refused() -> serde_json::Error {
    serde::ser::Error::custom("a message is an enum of objects")
}

/// The object, begun.
struct TaggedFields<'a, 'b>(OutMap<'a, 'b>);

impl SerializeStruct for TaggedFields<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        self.0.serialize_entry(key, value)
    }

    fn end(self) -> serde_json::Result<()> {
        SerializeMap::end(self.0)
    }
}

impl SerializeStructVariant for TaggedFields<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        self.0.serialize_entry(key, value)
    }

    fn end(self) -> serde_json::Result<()> {
        SerializeMap::end(self.0)
    }
}

/// What no message is: each of these serde functions refuses.
macro_rules! refuse {
    ($($name:ident($($argument:ty),*) -> $output:ty;)*) => {
        $(fn $name(self, $(_: $argument),*) -> serde_json::Result<$output> { Err(refused()) })*
    };
}

impl<'a, 'b> Serializer for Tagger<'a, 'b> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Refused;
    type SerializeTuple = Refused;
    type SerializeTupleStruct = Refused;
    type SerializeTupleVariant = Refused;
    type SerializeMap = Refused;
    type SerializeStruct = TaggedFields<'a, 'b>;
    type SerializeStructVariant = TaggedFields<'a, 'b>;

    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        _: u32,
        command: &'static str,
    ) -> serde_json::Result<()> {
        self.command = Some(command);
        SerializeStruct::end(self.begin()?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        command: &'static str,
        value: &T,
    ) -> serde_json::Result<()> {
        self.command = Some(command);
        value.serialize(self)
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        command: &'static str,
        _: usize,
    ) -> serde_json::Result<TaggedFields<'a, 'b>> {
        self.command = Some(command);
        self.begin()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> serde_json::Result<TaggedFields<'a, 'b>> {
        self.begin()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> serde_json::Result<()> {
        Err(refused())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> serde_json::Result<()> {
        Err(refused())
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Refused;
        serialize_tuple(usize) -> Refused;
        serialize_tuple_struct(&'static str, usize) -> Refused;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Refused;
        serialize_map(Option<usize>) -> Refused;
    }
}

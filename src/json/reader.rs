//! serde's side of [`Json`]: what the types that are read ask for, and what they are given.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::refusal::{Refusal, got, one_of};
use super::tree::Json;

/// An object with more keys than this is not described by them.
const MOST_KEYS_NAMED: usize = 6;

impl Json {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => Unexpected::Unsigned(value),
                (None, Some(value)) => Unexpected::Signed(value),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Self::Text(text) | Self::Parameter(text) => Unexpected::Str(text),
            Self::List(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }

    fn refused(&self, expected: String) -> Refusal {
        Refusal::Is { got: got(self.unexpected()), expected }
    }

    /// A whole number in place of a parameter that is one.
    fn counted(self) -> Self {
        match self {
            Self::Parameter(text) => match text.parse::<i64>() {
                Ok(number) => Self::Number(number.into()),
                Err(_) => Self::Parameter(text),
            },
            other => other,
        }
    }
}

impl IntoDeserializer<'_, Refusal> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn entries<'de, V: Visitor<'de>>(list: Vec<Json>, visitor: V) -> Result<V::Value, Refusal> {
    let length = list.len();
    let mut entries = SeqDeserializer::new(list.into_iter());
    let value = visitor.visit_seq(&mut entries)?;
    match entries.end() {
        Ok(()) => Ok(value),
        Err(_) => {
            Err(Refusal::Is { got: format!("a list of {length}"), expected: "fewer entries".to_owned() })
        }
    }
}

fn members<'de, V: Visitor<'de>>(object: Vec<(String, Json)>, visitor: V) -> Result<V::Value, Refusal> {
    visitor.visit_map(MapDeserializer::new(object.into_iter()))
}

fn object_with(keys: &[&str]) -> String {
    match keys {
        [] => "an object".to_owned(),
        keys if keys.len() > MOST_KEYS_NAMED => "an object".to_owned(),
        [key] => format!("an object with the key {key}"),
        keys => format!("an object with the keys {}", keys.join(", ")),
    }
}

/// Numbers in the query of an address are texts there.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.counted().deserialize_any(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Json {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Self::Text(text) | Self::Parameter(text) => visitor.visit_string(text),
            Self::List(list) => entries(list, visitor),
            Self::Object(object) => members(object, visitor),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self {
            Self::Object(object) => members(object, visitor),
            other => Err(other.refused(object_with(keys))),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::List(list) if list.len() == length => entries(list, visitor),
            Self::List(list) => Err(Refusal::invalid_length(list.len(), &visitor)),
            other => Err(other.refused(format!("a list of {length}"))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self {
            Self::Text(name) | Self::Parameter(name) => visitor.visit_enum(name.into_deserializer()),
            Self::Object(object) if object.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(object.into_iter())))
            }
            Self::Object(object) => {
                let keys: Vec<&str> = object.iter().map(|(key, _)| key.as_str()).collect();
                let got = match keys.as_slice() {
                    [] => "an empty object".to_owned(),
                    keys => object_with(keys),
                };
                Err(Refusal::Is { got, expected: format!("exactly one key, {}", one_of(names)) })
            }
            other => Err(other.refused(one_of(names))),
        }
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple_struct map identifier
        ignored_any
    }
}

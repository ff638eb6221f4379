//! The words of a refusal. serde's own name Rust's types (`u32`, `struct Recurrence`, `a sequence`), which say nothing
//! to whoever wrote the JSON.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// As much of a text is repeated in a refusal.
const MOST_REPEATED: usize = 60;

/// Why a value is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Something else stands there than was expected.
    Is {
        /// What stands there.
        got: String,
        /// What was expected.
        expected: String,
    },
    /// An object has a key that it may not have.
    UnknownKey {
        /// The key.
        key: String,
        /// Those that it may have.
        expected: String,
    },
    /// An object lacks a key, or has it twice.
    Key {
        /// The key.
        key: &'static str,
        /// What is said of it.
        said: &'static str,
    },
    /// A sentence says it.
    Says(String),
}

impl Refusal {
    /// The whole sentence, for what stands at this path.
    pub(super) fn at(&self, path: &str) -> String {
        let of_key = |object: &str, key: &str| match object {
            "." | "" => key.to_owned(),
            object => format!("{object}.{key}"),
        };
        match (self, path) {
            (Self::Is { got, expected }, "." | "") => format!("the JSON is {got}, expected {expected}"),
            (Self::Is { got, expected }, path) => format!("{path} is {got}, expected {expected}"),
            (Self::UnknownKey { key, expected }, path) => {
                // The path leads to the object, or as a rule to the key.
                let object = path.strip_suffix(key.as_str()).unwrap_or(path).trim_end_matches('.');
                format!("{} is unknown, expected {expected}", of_key(object, key))
            }
            (Self::Key { key, said }, object) => format!("{} {said}", of_key(object, key)),
            (Self::Says(sentence), "." | "") => sentence.clone(),
            (Self::Says(sentence), path) => format!("{path}: {sentence}"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at(""))
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        // The crate of the ids says it in a parser's words, and leaves no other place to say it in ours.
        if message.starts_with("UUID parsing failed") {
            return Self::Says(EXPECTED_ID.to_owned());
        }
        Self::Says(message)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Is { got: got(unexpected), expected: plain(&expected.to_string(), unexpected) }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = plain(&expected.to_string(), Unexpected::Seq);
        Self::Is { got: format!("a list of {length}"), expected }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Is { got: got(Unexpected::Str(variant)), expected: one_of(expected) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Key { key: field, said: "is missing" }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Key { key: field, said: "is there twice, expected it once" }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownKey { key: field.to_owned(), expected: one_of(expected) }
    }
}

const EXPECTED_ID: &str = "expected an id such as 01981c2e-7f3a-7b5c-9d1e-2a3b4c5d6e7f";

/// Names to choose from.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [name] => (*name).to_owned(),
        names => format!("one of {}", names.join(", ")),
    }
}

/// What stands there.
pub(super) fn got(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Char(value) => format!("{value:?}"),
        Unexpected::Str(text) if text.chars().count() > MOST_REPEATED => {
            format!("{:?}…", text.chars().take(MOST_REPEATED).collect::<String>())
        }
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::NewtypeStruct => "an object".to_owned(),
        Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant => "a name alone".to_owned(),
        Unexpected::Bytes(_) | Unexpected::Other(_) => "something else".to_owned(),
    }
}

/// What was expected, in words that are not a parser's. Types that describe themselves are left alone.
fn plain(expected: &str, unexpected: Unexpected<'_>) -> String {
    let words = match expected {
        "a string" | "string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => match unexpected {
            Unexpected::Unsigned(_) => "a smaller number",
            _ => "a whole number that is not below 0",
        },
        "a formatted UUID string" => "an id",
        "unit" | "unit struct" => "null",
        "unit variant" => "the name alone",
        "newtype variant" | "tuple variant" | "struct variant" => {
            "an object in which that name is the key of what belongs to it"
        }
        other if other.starts_with("struct ") => "an object",
        other => match other.strip_prefix("a tuple of size ") {
            Some(size) => return format!("a list of {size}"),
            None => other,
        },
    };
    words.to_owned()
}

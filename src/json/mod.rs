//! JSON from outside, read into types by serde, and refused in words: which key is wrong, what stands there, and what
//! was expected. It owns the words of every such refusal and no type that is read; a type says what it expects itself
//! where that is more than a text, a number or a list.

mod reader;
mod refusal;
#[cfg(test)]
mod tests;
mod tree;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use self::refusal::Refusal;
pub(crate) use self::tree::Json;

/// A text that is no JSON, or JSON of another shape than was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadJson(String);

/// Reads a text into a type.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    shape(parse(text)?)
}

/// Reads a text, whatever JSON it holds.
pub(crate) fn parse(text: &[u8]) -> Result<Json, BadJson> {
    if text.trim_ascii().is_empty() {
        return Err(BadJson("the text is empty, expected JSON".to_owned()));
    }
    if std::str::from_utf8(text).is_err() {
        return Err(BadJson("the text is not written in UTF-8, expected JSON".to_owned()));
    }
    serde_json::from_slice(text).map_err(|error| BadJson(no_json(&error)))
}

/// Reads JSON into a type, or says with its path which key cannot be read.
pub(crate) fn shape<T: DeserializeOwned>(json: Json) -> Result<T, BadJson> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let refusal: Refusal = error.into_inner();
        BadJson(refusal.at(&path))
    })
}

fn no_json(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("the text ends at {place}, in the middle of its JSON"),
        Category::Io | Category::Syntax | Category::Data => {
            format!("the text is no JSON from {place} on")
        }
    }
}

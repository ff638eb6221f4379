//! What one called number does on one call.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

/// How a call turns out at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A person answers.
    Answer,
    /// An answering machine answers.
    Machine,
    /// It rings until the timeout.
    NoAnswer,
    /// The line is busy.
    Busy,
    /// The call cannot be completed as dialed.
    Failed,
}

/// Who answered, before machine detection puts it in the words of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// An answering machine.
    Machine,
    /// A fax.
    Fax,
    /// Detection cannot tell.
    Unknown,
}

/// What a number does on one call; what is absent is drawn. In JSON also just the outcome: `"busy"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behavior {
    /// How the call turns out.
    pub does: Outcome,
    /// How long it rings before it is answered.
    pub ring_seconds: Option<f64>,
    /// How long the person stays.
    pub talk_seconds: Option<f64>,
    /// How long machine detection takes.
    pub verdict_seconds: Option<f64>,
    /// What machine detection finds.
    pub answered_by: Option<AnsweredBy>,
    /// What is pressed, one entry for each `<Gather>`.
    pub digits: Vec<String>,
}

impl Behavior {
    /// What happens, and everything else drawn.
    pub fn of(does: Outcome) -> Self {
        Self {
            does,
            ring_seconds: None,
            talk_seconds: None,
            verdict_seconds: None,
            answered_by: None,
            digits: Vec::new(),
        }
    }

    /// A person answers.
    pub fn answer() -> Self {
        Self::of(Outcome::Answer)
    }

    /// An answering machine answers.
    pub fn machine() -> Self {
        Self::of(Outcome::Machine)
    }

    /// Nobody answers.
    pub fn no_answer() -> Self {
        Self::of(Outcome::NoAnswer)
    }

    /// The line is busy.
    pub fn busy() -> Self {
        Self::of(Outcome::Busy)
    }

    /// The call cannot be completed.
    pub fn failed() -> Self {
        Self::of(Outcome::Failed)
    }

    /// After ringing this long.
    pub fn ringing(self, seconds: f64) -> Self {
        Self { ring_seconds: Some(seconds), ..self }
    }

    /// Hanging up after this long.
    pub fn talking(self, seconds: f64) -> Self {
        Self { talk_seconds: Some(seconds), ..self }
    }

    /// Pressing these keys at the next `<Gather>` that has none yet.
    pub fn pressing(mut self, digits: &str) -> Self {
        self.digits.push(digits.to_owned());
        self
    }
}

impl<'de> Deserialize<'de> for Behavior {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BehaviorVisitor)
    }
}

struct BehaviorVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFull {
    does: Outcome,
    ring_seconds: Option<f64>,
    talk_seconds: Option<f64>,
    verdict_seconds: Option<f64>,
    answered_by: Option<AnsweredBy>,
    #[serde(default)]
    digits: Vec<String>,
}

impl<'de> Visitor<'de> for BehaviorVisitor {
    type Value = Behavior;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an outcome such as \"busy\", or an object such as {\"does\": \"answer\", \"talk_seconds\": 20}",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Behavior, E> {
        Outcome::deserialize(de::value::StrDeserializer::new(text)).map(Behavior::of)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Behavior, A::Error> {
        let full = InFull::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Behavior {
            does: full.does,
            ring_seconds: full.ring_seconds,
            talk_seconds: full.talk_seconds,
            verdict_seconds: full.verdict_seconds,
            answered_by: full.answered_by,
            digits: full.digits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_behavior_is_a_word_or_an_object() {
        let read: Vec<Behavior> =
            serde_json::from_str(r#"["no-answer", {"does": "answer", "talk_seconds": 20, "digits": ["9"]}]"#)
                .unwrap();
        assert_eq!(read, [Behavior::no_answer(), Behavior::answer().talking(20.0).pressing("9")]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let behavior = Behavior::machine().ringing(1.5);
        let json = serde_json::to_string(&behavior).unwrap();
        assert_eq!(serde_json::from_str::<Behavior>(&json).unwrap(), behavior);
    }
}

//! A retry policy as JSON: the simple form or the one by outcome, told apart by its keys.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::domain::outcome::Outcome;

use super::RetryPolicy;
use super::by_outcome::{DEFAULT_MAX_ATTEMPTS, PolicyByOutcome, Rule, WITH_RULES};
use super::simple::SimplePolicy;

/// Every key that a policy may have: the simple form's, then those of the form by outcome.
const KEYS: &[&str] = &[
    "max_retries",
    "backoff_hours",
    "retryable_outcomes",
    "max_attempts",
    Outcome::NoAnswer.as_str(),
    Outcome::Busy.as_str(),
    Outcome::Machine.as_str(),
    Outcome::Failed.as_str(),
    Outcome::Canceled.as_str(),
];

impl<'de> Deserialize<'de> for RetryPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Either)
    }
}

/// What was read so far, of whichever form.
#[derive(Default)]
struct Read {
    max_retries: Option<u32>,
    backoff_hours: Option<Vec<f64>>,
    retryable_outcomes: Option<Vec<Outcome>>,
    max_attempts: Option<u32>,
    rules: BTreeMap<Outcome, Rule>,
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = RetryPolicy;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "an object with max_retries, backoff_hours and retryable_outcomes, or with a rule by outcome",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RetryPolicy, A::Error> {
        let mut read = Read::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "max_retries" => fill(&mut read.max_retries, "max_retries", &mut map)?,
                "backoff_hours" => fill(&mut read.backoff_hours, "backoff_hours", &mut map)?,
                "retryable_outcomes" => fill(&mut read.retryable_outcomes, "retryable_outcomes", &mut map)?,
                "max_attempts" => fill(&mut read.max_attempts, "max_attempts", &mut map)?,
                key => {
                    let outcome = outcome_with_rule(key)?;
                    if read.rules.contains_key(&outcome) {
                        return Err(A::Error::duplicate_field(outcome.as_str()));
                    }
                    read.rules.insert(outcome, map.next_value()?);
                }
            }
        }
        read.into_policy()
    }
}

fn fill<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    key: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(key));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn outcome_with_rule<E: Error>(key: &str) -> Result<Outcome, E> {
    match Outcome::parse(key) {
        Ok(outcome) if WITH_RULES.contains(&outcome) => Ok(outcome),
        Ok(outcome) => {
            let allowed: Vec<_> = WITH_RULES.iter().map(|outcome| outcome.as_str()).collect();
            let allowed = allowed.join(", ");
            Err(E::custom(format!("there can be no rule for `{outcome}`, expected one for {allowed}")))
        }
        Err(_) => Err(E::unknown_field(key, KEYS)),
    }
}

impl Read {
    fn into_policy<E: Error>(self) -> Result<RetryPolicy, E> {
        let Self { max_retries, backoff_hours, retryable_outcomes, max_attempts, rules } = self;
        let is_simple = max_retries.is_some() || backoff_hours.is_some() || retryable_outcomes.is_some();
        match (is_simple, max_attempts, rules.is_empty()) {
            (_, None, true) => {
                let default = SimplePolicy::default();
                Ok(RetryPolicy::Simple(SimplePolicy {
                    max_retries: max_retries.unwrap_or(default.max_retries),
                    backoff_hours: backoff_hours.unwrap_or(default.backoff_hours),
                    retryable_outcomes: retryable_outcomes.unwrap_or(default.retryable_outcomes),
                }))
            }
            (true, _, _) => Err(E::custom(
                "the two forms are mixed, expected either max_retries, backoff_hours and retryable_outcomes, \
                 or max_attempts and a rule by outcome",
            )),
            (false, Some(_), true) => Err(E::custom(
                "max_attempts stands alone, expected a rule by outcome beside it, or max_retries instead",
            )),
            (false, max_attempts, false) => Ok(RetryPolicy::ByOutcome(PolicyByOutcome {
                max_attempts: max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
                rules,
            })),
        }
    }
}

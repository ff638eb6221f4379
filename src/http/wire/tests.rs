//! Holds the descriptions of the domain's types to what the domain reads and writes.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain;
use crate::domain::settings::Settings;
use crate::http::description;

fn schema(name: &str) -> &'static Value {
    let schema = &description()["components"]["schemas"][name];
    assert!(schema.is_object(), "there is no schema {name}");
    schema
}

/// The keys that a schema names; of a choice, those of all that can be chosen.
fn described(schema: &Value) -> BTreeSet<String> {
    let own = schema["properties"].as_object().into_iter().flat_map(|members| members.keys().cloned());
    let chosen = schema["oneOf"].as_array().into_iter().flatten().flat_map(described);
    let named = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    own.chain(chosen).chain(named).collect()
}

/// The keys that a type expects, as it says when it gets another one.
fn expected<T: DeserializeOwned>() -> BTreeSet<String> {
    let refused =
        serde_json::from_value::<T>(json!({"no-such-key": 1})).err().expect("a refusal").to_string();
    let (_, expected) = refused.split_once("expected").expect("what was expected");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn each_schema_has_the_keys_that_the_domain_reads() {
    fn check<T: DeserializeOwned>(name: &str) {
        assert_eq!(described(schema(name)), expected::<T>(), "{name}");
    }
    check::<domain::agent::Agent>("Agent");
    check::<domain::script::Script>("Script");
    check::<domain::script::Say>("Voiced");
    check::<domain::script::Agent>("Connect");
    check::<domain::script::ConversationRelay>("ConversationRelay");
    check::<domain::script::Stream>("Stream");
    check::<domain::pacing::Pacing>("Pacing");
    check::<domain::hours::BusinessHours>("BusinessHours");
    check::<domain::unmapped::OnUnmapped>("OnUnmapped");
    check::<domain::unmapped::SafeWindow>("SafeWindow");
    check::<domain::caps::Caps>("Caps");
    check::<domain::retry::RetryPolicy>("RetryPolicy");
    check::<domain::retry::Rule>("RetryRule");
    check::<domain::answering_machine::AnsweringMachine>("AnsweringMachine");
    check::<domain::suppression::OnSuppression>("OnSuppression");
    check::<domain::recurrence::Recurrence>("Recurrence");
    check::<domain::before_call::BeforeCall>("BeforeCall");
}

#[test]
fn the_settings_have_the_keys_that_the_domain_writes() {
    let full: Settings = serde_json::from_value(json!({
        "from": "+12025550100", "default_region": "US", "countries": ["US"], "timezone": "America/New_York",
        "pacing": {}, "business_hours": {}, "rules": [], "unmapped": "block", "caps": {}, "max_calls_per_day": 1,
        "max_spend": "1", "retry_policy": {}, "ring_seconds": 30, "max_call_seconds": 60, "answering_machine": {},
        "suppression": {}, "opt_out_digit": "9", "schedule": {"cron": "0 9 * * *"},
        "before_call": {"hook": "01890000-0000-7000-8000-000000000000"},
    }))
    .unwrap();
    let written = serde_json::to_value(&full).unwrap();
    assert_eq!(described(schema("Settings")), written.as_object().unwrap().keys().cloned().collect());
}

#[test]
fn examples_are_read_by_the_domain() {
    fn check<T: DeserializeOwned>(name: &str) {
        let example = crate::http::openapi::example_of(name);
        let read = serde_json::from_value::<T>(example.clone());
        assert!(read.is_ok(), "{name}: {}: {example}", read.err().unwrap());
    }
    check::<domain::agent::Agent>("Agent");
    check::<domain::script::Say>("Voiced");
    check::<domain::script::Agent>("Connect");
    check::<domain::script::Stream>("Stream");
    check::<domain::pacing::Pacing>("Pacing");
    check::<domain::hours::BusinessHours>("BusinessHours");
    check::<domain::unmapped::SafeWindow>("SafeWindow");
    check::<domain::caps::Caps>("Caps");
    check::<domain::retry::RetryPolicy>("RetryPolicy");
    check::<domain::retry::Rule>("RetryRule");
    check::<domain::recurrence::Recurrence>("Recurrence");
    check::<Settings>("Settings");
}

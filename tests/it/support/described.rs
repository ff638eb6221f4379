//! Holds every answer that a scene gets to the API's description: its status, its kind, and each member of its body. An
//! answer that has more than is described fails as well.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use outdial::http::description;
use serde_json::{Value, json};

/// Fails where an answer is not as it is described. What stands outside of the API may be answered in any way.
pub fn assert_described(method: &reqwest::Method, path: &str, status: u16, kind: Option<&str>, body: &Value) {
    let Some((template, item)) = item(path) else {
        assert!(
            !path.starts_with("/api/") || status == 404,
            "{method} {path}: {status}, and is not described"
        );
        return;
    };
    let asked = format!("{method} {template}");
    let Some(operation) = item.get(method.as_str().to_ascii_lowercase()) else {
        assert_eq!(status, 405, "{asked} is not described");
        return;
    };
    let answer = &operation["responses"][status.to_string()];
    let answer = answer["$ref"].as_str().map_or(answer, resolve);
    assert!(answer.is_object(), "{asked}: {status} is not described: {body}");
    let Some(contents) = answer["content"].as_object() else {
        assert_eq!(*body, json!(""), "{asked}: {status} is described as empty");
        return;
    };
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    let content =
        contents.get(kind).unwrap_or_else(|| panic!("{asked}: {status} as {kind:?} is not described"));
    if kind.ends_with("json") {
        assert_one_shape_of_instants(body);
        let wrong = wrong_with(&content["schema"], body);
        assert!(
            wrong.is_empty(),
            "{asked}: {status} is not as it is described: {}\n{body}",
            wrong.join("; ")
        );
    }
}

/// Fails where an instant is written in another way than all are. What the list's own columns hold is theirs.
pub fn assert_one_shape_of_instants(body: &Value) {
    match body {
        Value::String(text) => {
            let rewritten = outdial::domain::instant::rewritten(text);
            assert!(rewritten.is_none_or(|expected| expected == *text), "{text} is written in another way");
        }
        Value::Array(all) => all.iter().for_each(assert_one_shape_of_instants),
        Value::Object(members) => {
            let ours = members.iter().filter(|(key, _)| *key != "metadata");
            ours.for_each(|(_, member)| assert_one_shape_of_instants(member));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is wrong with a value by a schema of the description.
pub fn wrong_with(schema: &Value, value: &Value) -> Vec<String> {
    let errors = validator(schema);
    errors
        .iter_errors(value)
        .map(|error| format!("{error} at {:?}", error.instance_path().as_str()))
        .collect()
}

/// The path of the description that a path is one of. One without parts that vary goes first.
fn item(path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = description()["paths"].as_object().expect("paths");
    let fits = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        parts.clone().count() == given.clone().count()
            && parts.zip(given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let fitting = paths.iter().filter(|(template, _)| fits(template));
    fitting
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(template, item)| (template.as_str(), item))
}

fn resolve(reference: &str) -> &'static Value {
    description().pointer(reference.trim_start_matches('#')).expect("what a reference leads to")
}

/// What holds a body to a schema.
fn validator(schema: &Value) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().expect("the validators");
    let make = || {
        let whole = json!({ "allOf": [strict(schema)], "components": *STRICT_COMPONENTS });
        let validator = jsonschema::options().should_validate_formats(true).build(&whole);
        Arc::new(validator.expect("schemas that can be used"))
    };
    made.entry(schema.to_string()).or_insert_with(make).clone()
}

static STRICT_COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let schemas = description()["components"]["schemas"].as_object().expect("schemas");
    let parts = schemas.iter().map(|(name, schema)| (name.clone(), strict_below(schema)));
    json!({ "schemas": parts.collect::<serde_json::Map<_, _>>() })
});

/// A schema that allows no members but those that it names, whereas the served one leaves room for further ones. Where a
/// schema is put together of several, it is their sum that allows no others.
fn strict(schema: &Value) -> Value {
    let mut strict = strict_below(schema);
    if ["$ref", "allOf", "properties"].iter().any(|key| schema.get(*key).is_some()) {
        strict["unevaluatedProperties"] = json!(false);
    }
    strict
}

fn strict_below(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let below = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(members)) => {
                members.iter().map(|(name, member)| (name.clone(), strict(member))).collect()
            }
            ("items" | "additionalProperties", Value::Object(_)) => strict(value),
            ("oneOf" | "anyOf" | "prefixItems", Value::Array(choices)) => {
                choices.iter().map(strict).collect()
            }
            ("allOf", Value::Array(parts)) => parts.iter().map(strict_below).collect(),
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(members.iter().map(below).collect())
}

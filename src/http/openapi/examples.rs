//! Examples of bodies and answers, put together from those of their fields, so that they are never older than the schema.

use serde_json::{Map, Value, json};

/// What a text is like where its field has no example of its own, by what the field is called.
const BY_NAME: &[(&str, &str)] = &[
    ("phone", "+12025550101"),
    ("to", "+12025550101"),
    ("from", "+12025550100"),
    ("name", "Ada Ames"),
    ("column", "phone"),
    ("message", "a sentence for whoever reads it"),
    ("note", "she asked for a call in the evening"),
    ("timezone", "America/New_York"),
    ("zone", "America/New_York"),
    ("region", "US"),
    ("currency", "USD"),
    ("file_name", "list.csv"),
];

/// Gives each JSON that is sent or answered an example.
pub(super) fn add(description: &mut Value) {
    let whole = description.clone();
    let Some(Value::Object(paths)) = description.get_mut("paths") else { return };
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations {
        add_to(&whole, operation.pointer_mut("/requestBody/content"));
        let Some(Value::Object(answers)) = operation.get_mut("responses") else { continue };
        for answer in answers.values_mut() {
            add_to(&whole, answer.get_mut("content"));
        }
    }
}

fn add_to(whole: &Value, contents: Option<&mut Value>) {
    let Some(Value::Object(contents)) = contents else { return };
    for (_, content) in contents.iter_mut().filter(|(kind, _)| *kind == "application/json") {
        let has_one = content.get("example").is_some() || content.get("examples").is_some();
        if let (false, Some(schema)) = (has_one, content.get("schema").cloned()) {
            content["example"] = of(whole, &schema, "");
        }
    }
}

/// An example of what a schema describes, for a field of this name.
pub(super) fn of(whole: &Value, schema: &Value, name: &str) -> Value {
    if let Some(example) = own(schema) {
        return example.clone();
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let at = reference.trim_start_matches('#');
        return whole.pointer(at).map_or(Value::Null, |schema| of(whole, schema, name));
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| of(whole, choice, name));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let members = parts.iter().filter_map(|part| of(whole, part, name).as_object().cloned()).flatten();
        return Value::Object(members.chain(members_of(whole, schema)).collect());
    }
    match kind(schema) {
        "object" => Value::Object(members_of(whole, schema)),
        "array" => match schema["prefixItems"].as_array() {
            Some(entries) => entries.iter().map(|entry| of(whole, entry, name)).collect(),
            None => json!([of(whole, &schema["items"], name)]),
        },
        "string" => text(schema, name),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "number" => json!(0.5),
        "boolean" => json!(true),
        _ => Value::Null,
    }
}

/// The example that a schema has itself.
fn own(schema: &Value) -> Option<&Value> {
    let first = |key: &str| schema.get(key).and_then(|all| all.get(0));
    let mut one = ["example", "default", "const"].iter().filter_map(|key| schema.get(*key));
    // That nothing is said unless it is said shows nobody what to say.
    one.find(|example| !example.is_null()).or_else(|| first("examples")).or_else(|| first("enum"))
}

fn members_of(whole: &Value, schema: &Value) -> Map<String, Value> {
    let members = schema["properties"].as_object().into_iter().flatten();
    members.map(|(name, member)| (name.clone(), of(whole, member, name))).collect()
}

/// What kind of value it is, where it is not null.
fn kind(schema: &Value) -> &str {
    let kinds = schema["type"].as_array();
    let kind = kinds
        .map_or(&schema["type"], |kinds| kinds.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null));
    kind.as_str().unwrap_or_default()
}

fn text(schema: &Value, name: &str) -> Value {
    let by_name = || BY_NAME.iter().find(|(field, _)| *field == name).map_or("text", |(_, text)| text);
    let text = match schema["format"].as_str() {
        Some("uuid") => "019cae5b-7c00-7000-8000-000000000001",
        Some("date-time") => "2026-03-02T15:00:00Z",
        Some("date") => "2026-03-02",
        Some("uri") => "https://example.com/script",
        _ => by_name(),
    };
    json!(text)
}

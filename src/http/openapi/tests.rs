//! Holds the description to the routes, and to what makes it one that programs can be made of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::common::varying_parts;
use super::{description, what_it_does};
use crate::http::{Route, table};

/// Every operation of the description: its method, its path, and itself.
fn operations() -> Vec<(String, &'static str, &'static Value)> {
    let paths = description()["paths"].as_object().expect("paths");
    let of = |(path, item): (&'static String, &'static Value)| {
        let methods = item.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn every_route_is_described_and_every_description_has_its_route() {
    let routes: BTreeMap<(String, String), Route> =
        table().into_iter().map(|route| ((route.method.to_string(), route.path.clone()), route)).collect();
    assert!(routes.len() > 30, "only {} routes", routes.len());
    let described: BTreeMap<(String, String), &Value> = operations()
        .into_iter()
        .map(|(method, path, operation)| ((method, path.to_owned()), operation))
        .collect();
    for (method, path) in routes.keys() {
        assert!(
            described.contains_key(&(method.clone(), path.clone())),
            "{method} {path} is not described: give its handler #[utoipa::path] and its route \
             .described(describe![…]), as src/http/openapi.rs says"
        );
    }
    for ((method, path), operation) in &described {
        let route = routes.get(&(method.clone(), path.clone()));
        let route = route.unwrap_or_else(|| panic!("{method} {path} is described, and is no route"));
        let permission = route.permission.map(|permission| permission.as_str());
        assert_eq!(operation["x-permission"].as_str(), permission, "{method} {path}");
        assert_eq!(operation["security"].is_array(), permission.is_some(), "{method} {path}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let of_path = parameters.filter(|parameter| parameter["in"] == "path");
        let of_path: Vec<&str> = of_path.filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(of_path, varying_parts(path), "{method} {path}");
    }
}

#[test]
fn every_operation_can_be_made_a_function_of() {
    let mut names = BTreeSet::new();
    let tags: BTreeSet<&str> =
        description()["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().expect("a name");
        assert!(names.insert(name), "two operations are called {name}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{name} has no summary");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{name} has the tag {tag:?}, which is none of {tags:?}");
        let answers = operation["responses"].as_object().expect("answers");
        let success = answers.iter().find(|(status, _)| status.starts_with('2'));
        let (status, answer) = success.unwrap_or_else(|| panic!("{method} {path} never succeeds"));
        let has_content = answer["content"].is_object();
        assert_eq!(has_content, status != "204", "{name}: {status} has content exactly if it is not 204");
        let bodies = [&operation["requestBody"]].into_iter().chain(answers.values());
        for (kind, content) in bodies.filter_map(|body| body["content"].as_object()).flatten() {
            assert!(content["schema"].is_object(), "{name}: {kind} has no schema");
            if kind == "application/json" {
                assert!(!content["example"].is_null(), "{name}: {kind} has no example");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn look(value: &Value, found: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let place = reference.strip_prefix('#').and_then(|place| description().pointer(place));
                    assert!(place.is_some(), "{reference} leads nowhere");
                    *found += 1;
                }
                members.values().for_each(|member| look(member, found));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| look(entry, found)),
            _ => {}
        }
    }
    let mut found = 0;
    look(description(), &mut found);
    assert!(found > 200, "only {found} references");
}

#[test]
fn no_two_schemas_share_a_name() {
    let mut all = BTreeMap::new();
    for describe in table().into_iter().filter_map(|route| route.description) {
        let schemas = describe().components.unwrap_or_default().schemas;
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).unwrap();
            let other = all.insert(name.clone(), schema.clone());
            assert!(
                other.is_none_or(|other| other == schema),
                "two types are called {name} in the description"
            );
        }
    }
}

#[test]
fn what_is_on_record_is_told_in_the_words_of_the_description() {
    for (action, told) in [
        ("POST /api/v1/campaigns/{id}/pause", Some("Pauses a campaign")),
        ("outdial campaign pause: POST /api/v1/campaigns/{id}/pause", Some("Pauses a campaign")),
        ("POST /api/v1/nowhere", None),
        ("outdial keys create", None),
    ] {
        assert_eq!(what_it_does(action), told, "{action}");
    }
}

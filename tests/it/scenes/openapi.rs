//! The API's description, as it is served.

use outdial::http::description;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::described::{assert_described, wrong_with};
use crate::support::scene::Scene;

#[actix_web::test]
async fn the_description_is_served_to_everybody() {
    let scene = Scene::start().await;
    let answer = scene.stranger().get(scene.url("/api/openapi.json")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let served: Value = answer.json().await.unwrap();
    assert_eq!(&served, description());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
    scene.end().await;
}

#[actix_web::test]
async fn the_page_shows_it_and_loads_nothing_from_elsewhere() {
    let scene = Scene::start().await;
    let get = async |path: &str| scene.stranger().get(scene.url(path)).send().await.unwrap();
    let page = get("/api/docs").await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(!page.contains("://") && !page.contains("<script>") && !page.contains("style="), "{page}");
    let named = page.split(['"']).filter(|text| text.starts_with("/api/docs/"));
    let named: Vec<&str> = named.collect();
    assert_eq!(named.len(), 3, "{named:?}");
    for path in named {
        let part = get(path).await;
        assert_eq!(part.status(), StatusCode::OK, "{path}");
        let is_packed = part.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip");
        let body = part.bytes().await.unwrap();
        assert_eq!(is_packed, body.starts_with(&[0x1f, 0x8b]), "{path}");
    }
    scene.end().await;
}

/// What is vendored is the schema that the OpenAPI Initiative publishes for 3.1, without what it says of schemas: these
/// are held to JSON Schema's own.
#[test]
fn the_description_is_one_of_openapi_3_1() {
    let schema: Value = serde_json::from_str(include_str!("../../openapi/schema-3.1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(description())
        .map(|error| format!("{error} at {}", error.instance_path().as_str()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut broken = description().clone();
    broken["paths"]["/api/v1/me"]["get"]["responses"]["200"]["content"] = json!("JSON");
    assert!(!validator.is_valid(&broken), "it sees nothing");
    for (name, schema) in description()["components"]["schemas"].as_object().unwrap() {
        let valid = jsonschema::meta::validate(schema);
        assert!(valid.is_ok(), "{name}: {}", valid.err().unwrap());
    }
}

#[test]
fn every_example_is_what_it_is_an_example_of() {
    let mut checked = 0;
    for item in description()["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let answers = operation["responses"].as_object().unwrap().values();
            for content in
                answers.chain([&operation["requestBody"]]).map(|body| &body["content"]["application/json"])
            {
                if content.is_object() {
                    let wrong = wrong_with(&content["schema"], &content["example"]);
                    let name = &operation["operationId"];
                    assert!(wrong.is_empty(), "{name}: {}\n{}", wrong.join("; "), content["example"]);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 30, "only {checked} examples");
}

/// What holds all the other scenes' answers to the description sees what is wrong with one.
#[test]
fn an_answer_that_is_not_as_it_is_described_fails_its_scene() {
    let path = "/api/v1/agents/019cae5b-7c00-7000-8000-000000000001";
    let agent = json!({
        "id": "019cae5b-7c00-7000-8000-000000000001", "name": "Ada", "prompt_text": null,
        "script": {"say": "Hello"}, "created_at": "2026-03-02T15:00:00Z", "updated_at": "2026-03-02T15:00:00Z",
    });
    let changed = |key: &str, value: Value| {
        let mut changed = agent.clone();
        changed[key] = value;
        changed
    };
    let mut lacking = agent.clone();
    lacking.as_object_mut().unwrap().remove("prompt_text");
    let json = Some("application/json");
    let fails = |method: Method, status: u16, kind: Option<&'static str>, body: Value| {
        std::panic::catch_unwind(|| assert_described(&method, path, status, kind, &body)).is_err()
    };
    assert!(!fails(Method::GET, 200, json, agent.clone()));
    assert!(fails(Method::GET, 200, json, lacking), "a member is missing");
    assert!(fails(Method::GET, 200, json, changed("colour", json!("red"))), "a member is not described");
    assert!(fails(Method::GET, 200, json, changed("id", json!("7"))), "an id is none");
    assert!(fails(Method::GET, 200, json, changed("script", json!({"shout": "Hi"}))), "a script is none");
    assert!(fails(Method::GET, 200, Some("text/html"), agent.clone()), "it is of another kind");
    assert!(fails(Method::GET, 418, json, agent.clone()), "the status is not described");
    assert!(fails(Method::PATCH, 200, json, agent.clone()), "the method is not described");
    assert!(fails(Method::DELETE, 204, json, agent), "it is not empty");
    let problem = |kind: &str| json!({"type": kind, "title": "t", "status": 404, "detail": "d", "from": "further members are allowed"});
    let kind = Some("application/problem+json");
    assert!(!fails(Method::GET, 404, kind, problem("urn:outdial:not-found")));
    assert!(fails(Method::GET, 404, kind, problem("urn:outdial:lost")), "the type is not listed");
}

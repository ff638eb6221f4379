//! The API's description, as it is served.

use outdial::http::description;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::described::assert_described;
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

//! The API: what it takes, what it shows, and how it refuses.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::scene::{Scene, settings};

const LIST: &str = "name,phone,First Name,plan\nAda Ames,202-555-0101,Ada,gold\nBob Bell,202-555-0102,Bob,\n";

#[actix_web::test]
async fn nobody_gets_in_without_a_key() {
    let scene = Scene::start().await;
    for (header, value) in [
        ("x-nothing", "at all"),
        ("authorization", "Bearer not-the-key"),
        ("authorization", "Basic dGhlLXNjZW5lLXMtYXBpLXRva2Vu"),
        ("authorization", "Bearer "),
    ] {
        let answer =
            scene.stranger().get(scene.url("/api/v1/campaigns")).header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "urn:outdial:unauthorized");
    }
    let hashes: Vec<Vec<u8>> = scene
        .psql()
        .await
        .query("SELECT hash FROM api_keys", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(hashes.len(), 1);
    assert_eq!(hashes[0].len(), 32);
    scene.end().await;
}

#[actix_web::test]
async fn an_upload_says_what_became_of_every_row() {
    let scene = Scene::start().await;
    let list = "name,phone,plan\n\
                Ada,202-555-0101,gold\n\
                Bob,(202) 555 0101,silver\n\
                Cay,12345,gold\n\
                ,,\n\
                Dee,+1 202 555 0104,\n";
    let (status, answer) = scene.upload_file(&settings(json!({})), list).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let counts =
        ["rows", "imported", "duplicates", "rejected", "blank"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 1, 1, 1]);
    let refused = &answer["refused"][0];
    assert_eq!((&refused["row"], &refused["column"]), (&json!(4), &json!("phone")));
    assert!(refused["message"].as_str().unwrap().len() > 10, "{refused}");
    assert!(!refused.to_string().contains("12345"), "the value is masked: {refused}");
    let campaign = format!("/api/v1/campaigns/{}", answer["id"].as_str().unwrap());
    let (_, contacts) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let first = &contacts["contacts"][0];
    assert_eq!((&first["name"], &first["phone"]), (&json!("Ada"), &json!("+12025550101")));
    assert_eq!(first["metadata"], json!({"plan": "gold"}));
    scene.end().await;
}

#[actix_web::test]
async fn a_bad_upload_is_refused_with_what_was_expected_and_nothing_is_kept() {
    let scene = Scene::start().await;
    let agent = |script: Value| json!({"agent": {"name": "Ada", "script": script}});
    let cases = [
        (settings(json!({"colour": "red"})), LIST, "bad-settings", "unknown field `colour`"),
        (
            settings(json!({"retry_policy": {"max_retry": 1}})),
            LIST,
            "bad-settings",
            "unknown field `max_retry`",
        ),
        (settings(json!({"timezone": "Mars/Olympus"})), LIST, "bad-settings", "unknown time zone"),
        (
            settings(json!({"agent": null, "agent_id": Uuid::nil()})),
            LIST,
            "unknown-agent",
            "there is no agent",
        ),
        (
            settings(json!({"starts_at": "9999-01-01T00:00:00Z"})),
            LIST,
            "bad-settings",
            "starts_at is 9999-01-01 00:00:00 UTC, expected an instant within a year",
        ),
        (
            settings(json!({"retry_policy": {"backoff_hours": []}})),
            LIST,
            "bad-settings",
            "backoff_hours is empty, expected hours before one retry at least",
        ),
        (settings(agent(json!({"say": "Hi {{age}}"}))), LIST, "bad-script", "{{age}}"),
        (settings(agent(json!({"say": "Hi {{name.first}}"}))), LIST, "bad-settings", "name.first"),
        (settings(agent(json!({"shout": "Hi"}))), LIST, "bad-settings", "shout"),
        (settings(agent(json!({"say": "Hi {{name}}"}))), "", "empty-file", ""),
        (settings(json!({})), "name,phone\nAda,12\n", "nobody-to-call", "no number"),
        (
            settings(agent(json!({"say": "Hi {{a_b}}"}))),
            "name,phone,A b,a_b\nAda,202-555-0101,1,2\n",
            "bad-script",
            "{{a_b}}",
        ),
    ];
    for (settings, list, kind, expected) in cases {
        let (status, problem) = scene.upload_file(&settings, list).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["type"], format!("urn:outdial:{kind}"), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    let kept: i64 = scene.psql().await.query_one("SELECT count(*) FROM campaigns", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
    let (status, answer) =
        scene.upload_file(&settings(agent(json!({"say": "Hi {{first_name}}"}))), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    scene.end().await;
}

#[actix_web::test]
async fn whatever_cannot_be_read_is_refused_in_the_same_words() {
    let scene = Scene::start().await;
    let agent = json!({"name": "a\u{0}b", "script": {"say": "Hello"}});
    let settings = settings(json!({"name": "a\u{0}b"}));
    let large = json!({"name": "x".repeat(300_000), "script": {"say": "Hello"}});
    let refusals = [
        (scene.ask(Method::GET, "/api/v1/campaigns/not-an-id").await, 404, "not-found"),
        (scene.ask(Method::GET, "/api/v1/campaigns?limit=many").await, 422, "bad-query"),
        (scene.ask(Method::GET, "/api/v1/campaigns?colour=red").await, 422, "bad-query"),
        (scene.ask(Method::PATCH, "/api/v1/campaigns").await, 405, "method-not-allowed"),
        (scene.ask(Method::GET, "/api/v2").await, 404, "not-found"),
        (scene.ask(Method::POST, "/api/v1/campaigns").await, 400, "malformed-request"),
        (scene.send(Method::POST, "/api/v1/campaigns", &json!({})).await, 422, "bad-settings"),
        (scene.send(Method::POST, "/api/v1/agents", &agent).await, 422, "bad-agent"),
        (scene.send(Method::POST, "/api/v1/agents", &large).await, 413, "too-large"),
        (scene.upload_file(&settings, LIST).await, 422, "bad-settings"),
    ];
    for ((status, problem), expected, kind) in refusals {
        assert_eq!(
            (status.as_u16(), &problem["type"]),
            (expected, &json!(format!("urn:outdial:{kind}"))),
            "{problem}"
        );
    }
    scene.end().await;
}

#[actix_web::test]
async fn an_illegal_move_says_from_which_state_to_which() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let (status, problem) = scene.ask(Method::POST, &format!("{campaign}/pause")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "urn:outdial:illegal-move");
    assert_eq!((&problem["from"], &problem["to"]), (&json!("draft"), &json!("paused")));
    assert_eq!(problem["detail"], "cannot pause a draft campaign, only one that is pending or running");
    let (status, _) = scene.ask(Method::POST, &format!("/api/v1/campaigns/{}/start", Uuid::now_v7())).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn campaigns_are_listed_by_state_in_pages_and_deleted_when_they_rest() {
    let scene = Scene::start().await;
    let mut drafts = Vec::new();
    for _ in 0..3 {
        drafts.push(scene.upload(json!({}), &["+12025550101"]).await);
    }
    let (_, first) = scene.ask(Method::GET, "/api/v1/campaigns?state=draft&limit=2").await;
    assert_eq!(first["campaigns"].as_array().unwrap().len(), 2);
    let before = first["next"]["before"].as_str().unwrap();
    let (_, second) =
        scene.ask(Method::GET, &format!("/api/v1/campaigns?state=draft&limit=2&before={before}")).await;
    assert_eq!(second["campaigns"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
    let (status, problem) = scene.ask(Method::GET, "/api/v1/campaigns?state=asleep").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("draft, pending, running"), "{problem}");
    let (status, _) = scene.ask(Method::DELETE, &drafts[1]).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = scene.ask(Method::GET, &drafts[1]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let at_work = scene.call(json!({"starts_at": "2026-03-03T15:00:00Z"}), &["+12025550101"]).await;
    let (status, problem) = scene.ask(Method::DELETE, &at_work).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:campaign-at-work")));
    scene.command(&at_work, "cancel").await;
    let (status, _) = scene.ask(Method::DELETE, &at_work).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    scene.end().await;
}

#[actix_web::test]
async fn agents_are_made_changed_used_and_removed() {
    let scene = Scene::start().await;
    let ada = json!({"name": "Ada", "prompt_text": "Be kind", "script": {"say": "Hello {{name}}"}});
    let (status, made) = scene.send(Method::POST, "/api/v1/agents", &ada).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/api/v1/agents/{}", made["id"].as_str().unwrap());
    let mut settings = settings(json!({"agent_id": made["id"]}));
    settings.as_object_mut().unwrap().remove("agent");
    let (status, uploaded) = scene.upload_file(&settings, LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{uploaded}");
    let bea = json!({"name": "Bea", "script": {"say": "Good day"}});
    let (status, changed) = scene.send(Method::PUT, &path, &bea).await;
    assert_eq!((status, &changed["name"]), (StatusCode::OK, &json!("Bea")));
    let campaign = scene.look(&format!("/api/v1/campaigns/{}", uploaded["id"].as_str().unwrap())).await;
    assert_eq!(campaign["agent"]["name"], "Ada", "a campaign keeps a snapshot");
    let (_, listed) = scene.ask(Method::GET, "/api/v1/agents").await;
    assert_eq!(listed["agents"].as_array().unwrap().len(), 1);
    let (status, problem) =
        scene.send(Method::POST, "/api/v1/agents", &json!({"name": "x", "script": {}})).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-agent"))
    );
    assert_eq!(scene.ask(Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.ask(Method::GET, &path).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

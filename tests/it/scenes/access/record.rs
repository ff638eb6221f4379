//! What each request is called.

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::scene::{API_TOKEN, Scene, Setting};

#[actix_web::test]
async fn every_answer_says_what_its_request_is_called_and_every_problem_too() {
    let scene = Scene::start().await;
    let ask = async |path: &str, brought: Option<&str>| {
        let mut request = scene.stranger().get(scene.url(path)).bearer_auth(API_TOKEN);
        if let Some(id) = brought {
            request = request.header("X-Request-Id", id);
        }
        let answer = request.send().await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        (id, answer.json::<Value>().await.unwrap_or_default())
    };
    let nothing = format!("/api/v1/campaigns/{}", Uuid::now_v7());
    for (path, is_problem) in [
        ("/api/v1/me", false),
        ("/health/live", false),
        (nothing.as_str(), true),
        ("/api/v1/campaigns/no-id", true),
        ("/api/v1/campaigns?limit=0", true),
        ("/api/v1/campaigns/%00", true),
        ("/nowhere", true),
        ("/webhooks/twilio/status/a/b", true),
    ] {
        let (id, answer) = ask(path, Some("deploy-17.b")).await;
        assert_eq!(id, "deploy-17.b", "{path}");
        assert_eq!(answer["request_id"] == "deploy-17.b", is_problem, "{path}: {answer}");
        let (id, answer) = ask(path, Some("+12025550123")).await;
        assert!(id.parse::<Uuid>().is_ok(), "{path}: {id}");
        assert_eq!(answer["request_id"] == id, is_problem, "{path}: {answer}");
        assert_ne!(ask(path, None).await.0, id, "{path}");
    }
    let nobody = scene.stranger().get(scene.url("/api/v1/me")).send().await.unwrap();
    let id = nobody.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(nobody.json::<Value>().await.unwrap()["request_id"], id);
    scene.end().await;
}

#[actix_web::test]
async fn what_is_logged_of_a_request_says_which() {
    let scene = Scene::without_program(&Setting::default()).await;
    let variables = Variables::of(&scene).with("OUTDIAL_LOG", "info");
    let mut server = Process::run("serve", &variables);
    server.is_ready(&scene).await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let start = scene.stranger().post(scene.url(&format!("{campaign}/start"))).bearer_auth(API_TOKEN);
    let started = start.header("X-Request-Id", "the-morning-shift").send().await.unwrap();
    assert_eq!(started.status(), StatusCode::OK);
    let line = eventually("the command is logged", || async {
        let said = server.said();
        said.lines().find(|line| line.contains("commanded")).map(str::to_owned)
    })
    .await;
    assert!(line.contains("the-morning-shift"), "{line}");
    let uploaded = server.said().lines().find(|line| line.contains("uploaded")).map(str::to_owned).unwrap();
    assert!(uploaded.contains("request") && !uploaded.contains("the-morning-shift"), "{uploaded}");
    server.stop().await;
    scene.end().await;
}

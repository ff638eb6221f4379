//! What is on record: what each request is called, and who did what.

use outdial::domain::access::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::scene::{API_TOKEN, Scene, Setting};

/// The audit trail as an admin sees it, the newest first.
async fn trail(scene: &Scene, query: &str) -> Vec<Value> {
    let (status, answer) = scene.ask(Method::GET, &format!("/api/v1/audit?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["audit"].as_array().unwrap().clone()
}

fn id_of(campaign: &str) -> &str {
    campaign.rsplit('/').next().unwrap()
}

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

#[actix_web::test]
async fn who_changes_something_or_tries_to_is_on_record_with_what_came_of_it_and_who_only_looks_is_not() {
    let scene = Scene::start().await;
    let viewer = super::key(&scene, Role::Viewer).await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let start = scene.url(&format!("{campaign}/start"));
    let tried = scene.stranger().post(&start).bearer_auth(&viewer).header("X-Request-Id", "a-try");
    assert_eq!(tried.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    scene.command(&campaign, "start").await;
    scene.look(&campaign).await;
    let (status, _) = scene.ask(Method::DELETE, &campaign).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let all = trail(&scene, &format!("campaign={}", id_of(&campaign))).await;
    let told: Vec<(&Value, &Value, &Value)> =
        all.iter().map(|entry| (&entry["action"], &entry["key"]["name"], &entry["status"])).collect();
    let (environment, start) = (json!("from the environment"), json!("POST /api/v1/campaigns/{id}/start"));
    assert_eq!(
        told,
        [
            (&json!("DELETE /api/v1/campaigns/{id}"), &environment, &json!(409)),
            (&start, &environment, &json!(200)),
            (&start, &json!("a viewer"), &json!(403)),
            (&json!("POST /api/v1/campaigns"), &environment, &json!(201)),
        ]
    );
    assert_eq!(
        (&all[2]["request_id"], &all[2]["permission"], &all[2]["campaign"]),
        (&json!("a-try"), &json!("campaigns:start"), &json!(id_of(&campaign)))
    );
    assert!(viewer.starts_with(all[2]["key"]["prefix"].as_str().unwrap()), "{}", all[2]);
    assert_eq!((&all[3]["made"], &all[3]["source"]), (&json!(id_of(&campaign)), &json!("api")));
    assert!(all.iter().all(|entry| entry["finished_at"].is_string()), "{all:?}");
    // A number that stands in a path is nowhere.
    scene.suppress("+12025550142").await;
    let (status, _) = scene.ask(Method::DELETE, "/api/v1/suppressions/+12025550142").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let newest = trail(&scene, "limit=1").await.remove(0);
    assert_eq!(newest["action"], "DELETE /api/v1/suppressions/{phone}");
    assert!(!newest.to_string().contains("2025550142"), "{newest}");
    let of_viewer = trail(&scene, &format!("key={}", all[2]["key"]["id"].as_str().unwrap())).await;
    assert_eq!(of_viewer, [all[2].clone()]);
    let admin = super::other_team(&scene).await;
    let theirs = scene.stranger().get(scene.url("/api/v1/audit")).bearer_auth(admin).send().await.unwrap();
    assert_eq!(theirs.json::<Value>().await.unwrap(), json!({"audit": [], "next": null}));
    scene.end().await;
}

#[actix_web::test]
async fn what_is_done_is_on_record_before_it_is_done_and_what_cannot_be_is_not_done() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let mut psql = scene.psql().await;
    let holding = psql.transaction().await.unwrap();
    holding.execute("SELECT FROM campaigns FOR UPDATE", &[]).await.unwrap();
    let command = scene.command(&campaign, "start");
    let watch = async {
        let begun = eventually("the start is on record", || async {
            trail(&scene, "limit=1").await.pop().filter(|newest| newest["campaign"] == id_of(&campaign))
        })
        .await;
        assert_eq!((&begun["status"], &begun["finished_at"]), (&Value::Null, &Value::Null), "{begun}");
        holding.commit().await.unwrap();
    };
    tokio::join!(command, watch);
    assert_eq!(trail(&scene, "limit=1").await[0]["status"], 200);
    psql.batch_execute("ALTER TABLE audit RENAME TO hidden").await.unwrap();
    let (status, refused) = scene.ask(Method::POST, &format!("{campaign}/cancel")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{refused}");
    assert!(
        refused["detail"].as_str().unwrap().starts_with("the audit trail cannot be written"),
        "{refused}"
    );
    assert_ne!(scene.look(&campaign).await["state"], "canceled");
    psql.batch_execute("ALTER TABLE hidden RENAME TO audit").await.unwrap();
    scene.command(&campaign, "cancel").await;
    scene.end().await;
}

#[actix_web::test]
async fn what_is_done_about_keys_at_the_command_line_is_on_record_too() {
    let scene = Scene::start().await;
    let variables = Variables::of(&scene);
    let keys = async |arguments: &[&str]| {
        let mut command = Process::run_with("keys", arguments, &variables);
        command.end().await;
        command.said()
    };
    let secret = keys(&["create", "the night shift", "--role", "operator"]).await;
    keys(&["revoke", &secret[..11]]).await;
    keys(&["list"]).await;
    let all = trail(&scene, "").await;
    assert_eq!(all.len(), 2, "{all:?}");
    let made = &all[1];
    assert_eq!(
        (&made["action"], &made["source"], &made["key"], &made["status"], &made["detail"]["role"]),
        (
            &json!("outdial keys create"),
            &json!("command-line"),
            &Value::Null,
            &json!(201),
            &json!("operator")
        )
    );
    assert_eq!((&all[0]["action"], &all[0]["status"]), (&json!("outdial keys revoke"), &json!(204)));
    assert_eq!(all[0]["ids"]["id"], made["made"]);
    assert!(!all.iter().any(|entry| entry.to_string().contains(secret.trim())));
    scene.end().await;
}

//! What the provider posts, and what others post in its name.

use outdial::simulator::{Outcome, Scenario};
use outdial::twilio::signature::sign;
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::support::scene::{AUTH_TOKEN, Scene, Setting};

/// A status callback that says that the call is over.
fn form(sid: &str) -> Vec<(String, String)> {
    [("CallSid", sid), ("CallStatus", "completed"), ("SequenceNumber", "3"), ("CallDuration", "12")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn post(scene: &Scene, path: &str, form: &[(String, String)], signature: Option<&str>) -> StatusCode {
    scene.post_form(path, form, signature).await.status()
}

/// A scene in which a call is open and nothing more will be heard of it, and the path of its attempt.
async fn with_an_open_call() -> (Scene, String, String) {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until(&campaign, "a call is open", |campaign| campaign["counts"]["calling"] == 1).await;
    let attempt = crate::support::eventually("the attempt has its call", || async {
        let attempts = scene.attempts(&campaign).await;
        attempts.first().filter(|attempt| attempt["sid"].is_string()).cloned()
    })
    .await;
    let id = campaign.rsplit('/').next().unwrap();
    let path = format!("/webhooks/twilio/status/{id}/{}", attempt["id"].as_str().unwrap());
    (scene, path, attempt["sid"].as_str().unwrap().to_owned())
}

#[actix_web::test]
async fn a_forged_or_unsigned_callback_is_refused_and_nothing_is_written() {
    let (scene, path, sid) = with_an_open_call().await;
    let form = form(&sid);
    let url = scene.url(&path);
    let good = sign(AUTH_TOKEN, &url, &form);
    let mut tampered = form.clone();
    tampered[3].1 = "9999".to_owned();
    for (form, signature) in [
        (&form, None),
        (&form, Some("")),
        (&form, Some("bm90IGEgc2lnbmF0dXJl")),
        (&form, Some(sign("another token", &url, &form).as_str())),
        (&tampered, Some(good.as_str())),
    ] {
        assert_eq!(post(&scene, &path, form, signature).await, StatusCode::FORBIDDEN);
    }
    let elsewhere = format!("{path}?x=1");
    assert_eq!(post(&scene, &elsewhere, &form, Some(&good)).await, StatusCode::FORBIDDEN);
    let status: Option<String> =
        scene.psql().await.query_one("SELECT status FROM attempts", &[]).await.unwrap().get(0);
    assert_ne!(status.as_deref(), Some("completed"));
    assert_eq!(post(&scene, &path, &form, Some(&good)).await, StatusCode::NO_CONTENT);
    scene.end().await;
}

#[actix_web::test]
async fn a_callback_that_is_answered_with_2xx_is_durable_and_may_come_again_and_again() {
    let (scene, path, sid) = with_an_open_call().await;
    let form = form(&sid);
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &form);
    for _ in 0..20 {
        assert_eq!(post(&scene, &path, &form, Some(&signature)).await, StatusCode::NO_CONTENT);
        let row =
            scene.psql().await.query_one("SELECT status, duration_seconds FROM attempts", &[]).await.unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, i32>(1)), ("completed", 12));
    }
    let campaign = format!("/api/v1/campaigns/{}", path.split('/').nth(4).unwrap());
    let done = scene.until_completed(&campaign).await;
    assert_eq!((&done["counts"]["attempts"], &done["counts"]["completed"]), (&json!(1), &json!(1)));
    scene.end().await;
}

#[actix_web::test]
async fn a_callback_for_an_attempt_that_is_not_there_is_told_so() {
    let (scene, path, sid) = with_an_open_call().await;
    let campaign = path.split('/').nth(4).unwrap();
    for stranger in [
        format!("/webhooks/twilio/status/{campaign}/{}", Uuid::now_v7()),
        format!("/webhooks/twilio/status/{}/{}", Uuid::now_v7(), path.rsplit('/').next().unwrap()),
        format!("/webhooks/twilio/status/{campaign}/not-an-id"),
        format!("/webhooks/twilio/answer/{campaign}/{}", Uuid::now_v7()),
    ] {
        let form = form(&sid);
        let signature = sign(AUTH_TOKEN, &scene.url(&stranger), &form);
        assert_eq!(
            post(&scene, &stranger, &form, Some(&signature)).await,
            StatusCode::NOT_FOUND,
            "{stranger}"
        );
    }
    // Another call may not speak for this attempt.
    let other = form("CA000000000000000000000000000000ff");
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &other);
    assert_eq!(post(&scene, &path, &other, Some(&signature)).await, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn while_the_database_is_away_a_callback_is_sent_back_and_the_called_person_hears_no_error() {
    let (scene, path, sid) = with_an_open_call().await;
    let form = form(&sid);
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &form);
    let psql = scene.psql().await;
    // Whoever locks the table makes the database as good as gone.
    psql.batch_execute("BEGIN; LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    assert_eq!(post(&scene, &path, &form, Some(&signature)).await, StatusCode::SERVICE_UNAVAILABLE);
    let answer = path.replace("/status/", "/answer/");
    let signature_of_answer = sign(AUTH_TOKEN, &scene.url(&answer), &form);
    let spoken = scene.post_form(&answer, &form, Some(&signature_of_answer)).await;
    assert_eq!(spoken.status(), StatusCode::OK);
    assert!(spoken.text().await.unwrap().contains("<Hangup/>"));
    psql.batch_execute("ROLLBACK").await.unwrap();
    crate::support::eventually("it is stored when it comes again", || async {
        (post(&scene, &path, &form, Some(&signature)).await == StatusCode::NO_CONTENT).then_some(())
    })
    .await;
    scene.end().await;
}

#[actix_web::test]
async fn the_answer_webhook_speaks_the_campaign_s_script_to_the_contact() {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    let script = json!({"name": "Ada", "script": {"say": "Hello {{name}} & welcome"}});
    let campaign = scene.call(json!({ "agent": script }), &["+12025550101"]).await;
    let attempt = scene.until_placed(&campaign).await;
    let id = campaign.rsplit('/').next().unwrap();
    let path = format!("/webhooks/twilio/answer/{id}/{}", attempt["id"].as_str().unwrap());
    let form = form("CA000000000000000000000000000000ff");
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &form);
    let spoken = scene.post_form(&path, &form, Some(&signature)).await.text().await.unwrap();
    assert!(spoken.contains("Hello Person 1 &amp; welcome"), "{spoken}");
    // What the request carried inline says the same.
    let ledger = scene.simulator.ledger();
    let inline = ledger.creates()[0].parameter("Twiml").expect("inline TwiML");
    assert!(inline.contains("Hello Person 1 &amp; welcome"), "{inline}");
    scene.end().await;
}

#[actix_web::test]
async fn a_webhook_that_is_too_large_is_refused_in_the_words_of_all_problems() {
    let scene = Scene::start().await;
    let form = [("CallSid".to_owned(), "x".repeat(300_000))];
    let answer = scene.post_form("/webhooks/twilio/status/a/b", &form, Some("unread")).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    scene.end().await;
}

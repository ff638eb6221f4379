//! Starting: with the right account, the wrong one, another one, or none.

use outdial::app::{App, BuildError};
use outdial::config::{Provider, Secret, TwilioAccount};
use outdial::simulator::{Outcome, Scenario};
use outdial::twilio::signature::sign;
use serde_json::json;

use crate::support::scene::{Scene, Setting, for_a_while};

fn account(scene: &mut Scene) -> &mut TwilioAccount {
    match &mut scene.config.provider {
        Provider::Twilio(account) => account,
        Provider::Simulator => panic!("a scene names its account"),
    }
}

fn setting() -> Setting {
    Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }
}

#[actix_web::test]
async fn wrong_credentials_are_found_at_the_start() {
    let mut scene = Scene::without_program(&setting()).await;
    account(&mut scene).auth_token = Secret::new("not-the-token".to_owned());
    let refused = App::build(scene.config.clone()).await.err().expect("a refusal");
    assert!(matches!(refused, BuildError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("TWILIO_AUTH_TOKEN"), "{refused}");
    scene.end().await;
}

#[actix_web::test]
async fn zone_data_that_cannot_be_read_is_found_at_the_start() {
    let mut scene = Scene::without_program(&setting()).await;
    scene.config.zoneinfo = Some("/nowhere/zoneinfo".into());
    let refused = App::build(scene.config.clone()).await.err().expect("a refusal");
    assert!(matches!(refused, BuildError::Zones(_)), "{refused}");
    assert!(refused.to_string().contains("OUTDIAL_ZONEINFO"), "{refused}");
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_that_was_started_with_another_account_is_paused_with_that_reason() {
    let mut scene = Scene::with(setting()).await;
    let campaign = scene.call(json!({"starts_at": "2026-03-02T20:00:00Z"}), &["+12025550101"]).await;
    scene.stop_program().await;
    let elsewhere =
        "UPDATE campaigns SET account_sid = 'ACffffffffffffffffffffffffffffffff', starts_at = NULL";
    scene.psql().await.execute(elsewhere, &[]).await.unwrap();
    scene.start_program().await;
    let paused = scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    assert_eq!(paused["state_reason"], "other-account");
    for_a_while().await;
    assert!(scene.simulator.ledger().creates().is_empty(), "somebody was called through another account");
    scene.end().await;
}

#[actix_web::test]
async fn while_tokens_are_rotated_webhooks_of_both_are_good() {
    let mut scene = Scene::without_program(&setting()).await;
    account(&mut scene).secondary_auth_token = Some(Secret::new("the-next-token".to_owned()));
    scene.start_program().await;
    let path = format!("/webhooks/twilio/status/{0}/{0}", uuid::Uuid::now_v7());
    let sid = "CA000000000000000000000000000000ff".to_owned();
    let form = [
        ("CallSid".to_owned(), sid),
        ("CallStatus".to_owned(), "ringing".to_owned()),
        ("SequenceNumber".to_owned(), "1".to_owned()),
    ];
    for (token, status) in
        [(crate::support::scene::AUTH_TOKEN, 404), ("the-next-token", 404), ("the-token-before", 403)]
    {
        let signature = sign(token, &scene.url(&path), &form);
        let answer = scene.post_form(&path, &form, Some(&signature)).await;
        assert_eq!(answer.status(), status, "signed with {token}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn without_any_account_the_program_s_own_simulator_is_dialed_and_said_to_be() {
    let mut scene = Scene::without_program(&setting()).await;
    scene.config.provider = Provider::Simulator;
    scene.start_program().await;
    let campaign =
        scene.call(json!({"retry_policy": {"max_retries": 0}}), &["+12025550101", "+12025550102"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["simulated"], true);
    assert_eq!(done["counts"]["attempts"], 2);
    assert!(scene.simulator.ledger().requests.is_empty(), "another simulator was dialed");
    scene.end().await;
}

//! People who ask to be called at another time, and retries by outcome.

use chrono::{DateTime, TimeDelta, Utc};
use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{Scene, Setting, settings};

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

impl Scene {
    async fn first_contact(&self, campaign: &str) -> String {
        let (_, answer) = self.ask(Method::GET, &format!("{campaign}/contacts")).await;
        format!("{campaign}/contacts/{}", answer["contacts"][0]["id"].as_str().expect("an id"))
    }

    async fn ask_for_callback(&self, contact: &str, body: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, &format!("{contact}/callback"), body).await
    }
}

#[actix_web::test]
async fn somebody_who_asks_for_a_callback_in_the_call_is_called_again_then_and_not_before() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(240.0), Behavior::answer()]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_placed(&campaign).await;
    let contact = scene.first_contact(&campaign).await;
    let at = scene.clock.now() + TimeDelta::minutes(10);
    let wish = json!({"at": at, "note": "after the meeting"});
    let (status, promised) = scene.ask_for_callback(&contact, &wish).await;
    assert_eq!((status, &promised["state"]), (StatusCode::OK, &json!("calling")), "{promised}");
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    assert_eq!((&done["counts"]["completed"], &done["counts"]["retries"]), (&json!(1), &json!(1)));
    let called_back = instant(&scene.attempts(&campaign).await[1]["intended_at"]);
    assert!(called_back >= at, "called back at {called_back} instead of {at}");
    assert!(called_back < at + TimeDelta::minutes(2), "called back at {called_back} instead of {at}");
    // The same wish again, by somebody whose answer was lost: nobody's telephone rings for it.
    let (status, again) = scene.ask_for_callback(&contact, &wish).await;
    assert_eq!((status, &again["state"]), (StatusCode::OK, &json!("completed")), "{again}");
    assert_eq!(scene.look(&campaign).await["state"], "completed");
    scene.end().await;
}

#[actix_web::test]
async fn a_callback_brings_a_completed_campaign_to_life_and_goes_before_the_backoff() {
    let scene = Scene::with(Setting { speed: 600, ..Setting::default() }).await;
    scene
        .simulator
        .fix("+12025550101", [Behavior::no_answer(), Behavior::busy(), Behavior::answer()])
        .unwrap();
    // Once not answered it is given up; once busy it is tried again after a day, which nobody here waits for.
    let policy = json!({"max_attempts": 5, "busy": {"after": ["1d"]}});
    let campaign = scene.call(json!({ "retry_policy": policy }), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    let contact = scene.first_contact(&campaign).await;
    for outcomes in [1, 2] {
        assert_eq!(scene.outcomes(&campaign).await.len(), outcomes);
        let at = scene.clock.now() + TimeDelta::minutes(15);
        let (status, promised) = scene.ask_for_callback(&contact, &json!({ "at": at })).await;
        assert_eq!((status, &promised["state"]), (StatusCode::OK, &json!("pending")), "{promised}");
        assert_eq!(instant(&promised["due_at"]).timestamp_millis(), at.timestamp_millis());
        let settled = |campaign: &Value| {
            campaign["counts"]["attempts"] == outcomes + 1 && campaign["counts"]["calling"] == 0
        };
        scene.until(&campaign, "the callback is made and settled", settled).await;
        let called_back = instant(&scene.attempts(&campaign).await[outcomes]["intended_at"]);
        assert!((at..at + TimeDelta::hours(1)).contains(&called_back), "{called_back} instead of {at}");
    }
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["no-answer", "busy", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_callback_that_cannot_be_promised_says_why() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let contact = scene.first_contact(&campaign).await;
    let now = scene.clock.now();
    let table = [
        (json!({}), "at is missing"),
        (json!({"at": "tomorrow"}), "at: \"tomorrow\" is no instant, expected one such as"),
        (json!({"at": "2026-03-03T09:00:00"}), "at: the offset is missing"),
        (json!({"at": now, "when": 1}), "when is unknown, expected one of at, note"),
        (json!({"at": now - TimeDelta::hours(1)}), "expected an instant that is still to come"),
        (json!({"at": now + TimeDelta::days(400)}), "expected an instant within a year"),
        (json!({"at": now, "note": "x".repeat(1001)}), "note has 1001 characters, expected at most 1000"),
    ];
    for (wish, expected) in table {
        let (status, problem) = scene.ask_for_callback(&contact, &wish).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    // It is promised for a time at which the person's hours are over, and the answer says when it will be.
    let at_night = (now + TimeDelta::days(1)).date_naive().and_hms_opt(5, 0, 0).unwrap().and_utc();
    let (status, promised) = scene.ask_for_callback(&contact, &json!({ "at": at_night })).await;
    assert_eq!(status, StatusCode::OK, "{promised}");
    assert!(instant(&promised["next_call"]["at"]) > at_night, "{promised}");
    assert_eq!(promised["next_call"]["because"], "called-party-hours", "{promised}");
    let (_, shown) = scene.ask(Method::GET, &contact).await;
    assert_eq!(promised["next_call"]["at"], shown["next_call"]["at"]);
    let nobody = format!("{campaign}/contacts/{}", uuid::Uuid::nil());
    let soon = json!({"at": now + TimeDelta::hours(1)});
    assert_eq!(scene.ask_for_callback(&nobody, &soon).await.0, StatusCode::NOT_FOUND);
    scene.command(&campaign, "start").await;
    scene.command(&campaign, "cancel").await;
    let (status, problem) = scene.ask_for_callback(&contact, &soon).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:campaign-over")));
    scene.end().await;
}

#[actix_web::test]
async fn each_outcome_is_tried_again_by_its_own_rule() {
    let scene = Scene::with(Setting { speed: 600, ..Setting::default() }).await;
    scene
        .simulator
        .fix("+12025550101", [Behavior::busy(), Behavior::no_answer(), Behavior::busy(), Behavior::answer()])
        .unwrap();
    let policy =
        json!({"max_attempts": 4, "no-answer": {"after": ["40m"]}, "busy": {"after": ["5m", "15m"]}});
    let (status, refused) = scene
        .upload_file(&settings(json!({"retry_policy": {"buzy": {"after": ["5m"]}}})), "phone\n+12025550101\n")
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["detail"].as_str().unwrap().contains("retry_policy.buzy is unknown"), "{refused}");
    let campaign = scene.call(json!({ "retry_policy": policy }), &["+12025550101"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["busy", "no-answer", "busy", "answered"]);
    assert_eq!(done["settings"]["retry_policy"]["busy"]["after"], json!(["5m", "15m"]));
    let attempts = scene.attempts(&campaign).await;
    for (pair, minutes) in attempts.windows(2).zip([5, 40, 15]) {
        let waited = instant(&pair[1]["intended_at"]) - instant(&pair[0]["ended_at"]);
        assert!(waited >= TimeDelta::minutes(minutes), "{waited} instead of {minutes} minutes");
    }
    scene.end().await;
}

#[actix_web::test]
async fn somebody_who_was_not_there_in_the_morning_is_called_again_in_the_afternoon() {
    // 11:40 in New York.
    let begins_at = "2026-03-02T16:40:00Z";
    let scene = Scene::with(Setting { begins_at, speed: 600, ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::no_answer(), Behavior::answer()]).unwrap();
    let policy = json!({"no-answer": {"after": ["2m"], "other_part_of_day": true}});
    let campaign = scene.call(json!({ "retry_policy": policy }), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["no-answer", "answered"]);
    let noon: DateTime<Utc> = "2026-03-02T17:00:00Z".parse().unwrap();
    let again = instant(&scene.attempts(&campaign).await[1]["intended_at"]);
    assert!((noon..noon + TimeDelta::hours(1)).contains(&again), "called again at {again}");
    scene.end().await;
}

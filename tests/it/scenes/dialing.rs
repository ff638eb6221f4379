//! Campaigns as they should go.

use outdial::simulator::{Behavior, Outcome, Scenario};
use serde_json::json;

use crate::support::scene::{Scene, Setting, for_a_while, settings};

#[actix_web::test]
async fn the_demo_s_list_is_called_until_everybody_is_final() {
    let scene = Scene::with(Setting { speed: 600, ..Setting::default() }).await;
    let list = include_bytes!("../../../fixtures/contacts.csv");
    let (status, uploaded) = scene.upload_file(&settings(json!({})), list.as_slice()).await;
    assert_eq!(status, 201, "{uploaded}");
    let count = |name: &str| uploaded[name].as_u64().unwrap();
    assert_eq!((count("rows"), count("rejected"), count("duplicates"), count("blank")), (60, 3, 2, 0));
    assert_eq!(count("imported"), 55);
    assert_eq!(uploaded["refused"].as_array().unwrap().len(), 3);
    let campaign = format!("/api/v1/campaigns/{}", uploaded["id"].as_str().unwrap());
    scene.command(&campaign, "start").await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["contacts"], 55);
    assert_eq!(done["counts"]["pending"], 0);
    assert!(done["counts"]["retries"].as_u64().unwrap() > 0, "{done}");
    assert!(done["average_duration_seconds"].as_f64().unwrap() >= 1.0, "{done}");
    scene.end().await;
}

#[actix_web::test]
async fn somebody_whose_line_was_busy_is_called_again_after_the_backoff_and_answers() {
    let scene = Scene::start().await;
    scene.simulator.fix("+12025550101", [Behavior::busy(), Behavior::answer()]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["busy", "answered"]);
    assert_eq!(done["counts"]["completed"], 1);
    let attempts = scene.attempts(&campaign).await;
    let instant =
        |value: &serde_json::Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let waited = instant(&attempts[1]["intended_at"]) - instant(&attempts[0]["ended_at"]);
    assert!(waited >= chrono::TimeDelta::minutes(3), "called again after {waited}");
    scene.end().await;
}

#[actix_web::test]
async fn somebody_who_never_answers_is_given_up_after_the_last_retry() {
    let scene = Scene::with(Setting { speed: 600, ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::no_answer()]).unwrap();
    let retries = json!({"max_retries": 2, "backoff_hours": [0.05]});
    let campaign = scene.call(json!({ "retry_policy": retries }), &["+12025550101"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["no-answer", "no-answer", "no-answer"]);
    assert_eq!((&done["counts"]["failed"], &done["counts"]["retries"]), (&json!(1), &json!(2)));
    scene.end().await;
}

#[actix_web::test]
async fn a_paused_campaign_lets_its_call_end_and_starts_no_other() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(40.0)]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_placed(&campaign).await;
    scene.command(&campaign, "pause").await;
    let paused =
        scene.until(&campaign, "its call is settled", |campaign| campaign["counts"]["calling"] == 0).await;
    assert_eq!((&paused["state"], &paused["counts"]["completed"]), (&json!("paused"), &json!(1)));
    assert_eq!(paused["waiting"]["because"], "paused");
    for_a_while().await;
    assert_eq!(scene.simulator.ledger().creates().len(), 1);
    scene.command(&campaign, "resume").await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_begins_when_its_start_has_come_and_not_before() {
    let scene = Scene::start().await;
    let starts_at = scene.clock.now() + chrono::TimeDelta::seconds(60);
    let campaign = scene.call(json!({ "starts_at": starts_at }), &["+12025550101"]).await;
    let waits = scene.look(&campaign).await;
    assert_eq!((&waits["state"], &waits["waiting"]["because"]), (&json!("pending"), &json!("not-started")));
    let begun = scene.until(&campaign, "it runs", |campaign| campaign["state"] != "pending").await;
    let started_at: chrono::DateTime<chrono::Utc> = begun["started_at"].as_str().unwrap().parse().unwrap();
    assert!(started_at >= starts_at, "{started_at} is before {starts_at}");
    scene.until_completed(&campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn calls_a_second_hold_across_campaigns_and_a_small_one_is_not_starved() {
    let scenario = Scenario::instant(Outcome::Answer);
    let setting = Setting { cps: 10.0, scenario, ..Setting::default() };
    let scene = Scene::with(setting).await;
    let phones: Vec<String> = (0..60).map(|n| format!("+1202555{:04}", 100 + n)).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let unhurried = json!({"pacing": {"delay_seconds": 0}});
    // One with many numbers, and two with few: each wants every place there is.
    let big = scene.call(unhurried.clone(), &phones[..40]).await;
    let small = scene.call(unhurried.clone(), &phones[40..45]).await;
    scene.until_completed(&small).await;
    let left = scene.look(&big).await["counts"]["pending"].as_u64().unwrap();
    assert!(left > 15, "the small campaign waited for the big one, of which {left} were left");
    scene.until_completed(&big).await;
    scene.end().await;
}

/// The first request is late for its place, and the next place is far off: nobody else is claimed for it meanwhile.
#[actix_web::test]
async fn a_place_that_is_far_off_is_waited_for_and_costs_no_attempts() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    let far_off = "
        CREATE SEQUENCE claims;
        CREATE FUNCTION put_the_next_place_far_off() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('claims') = 1 THEN
                UPDATE accounts SET next_place_at = clock_timestamp() + interval '4 s';
                PERFORM pg_sleep(0.3);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER far_off BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION put_the_next_place_far_off()";
    scene.psql().await.batch_execute(far_off).await.unwrap();
    let phones: Vec<String> = (0..20).map(|n| format!("+1202555{:04}", 100 + n)).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let campaign = scene.call(json!({"pacing": {"delay_seconds": 0}}), &phones).await;
    scene.until_completed(&campaign).await;
    let taken_back =
        scene.outcomes(&campaign).await.iter().filter(|outcome| *outcome == "not-placed").count();
    assert!((1..=3).contains(&taken_back), "{taken_back} were taken back");
    scene.end().await;
}

//! A campaign that repeats itself: the same list, again and again.

use chrono::{DateTime, TimeDelta, Utc};
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{Scene, Setting, settings};

const LIST: &[&str] = &["+12025550101", "+12025550102"];

/// It is ten o'clock, and the list is called every five minutes.
async fn scene() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

fn schedule() -> Value {
    json!({"schedule": {"cron": "*/5 * * * *"}})
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

/// The runs of a campaign, the first first.
async fn runs(scene: &Scene, campaign: &str) -> Vec<Value> {
    let id = campaign.rsplit('/').next().expect("an id");
    let (status, answer) = scene.ask(Method::GET, &format!("/api/v1/campaigns?repeats_of={id}")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let mut runs = answer["campaigns"].as_array().expect("campaigns").clone();
    runs.reverse();
    runs
}

async fn until_completed_runs(scene: &Scene, campaign: &str, count: usize) -> Vec<Value> {
    eventually("the runs are completed", || async {
        let runs = runs(scene, campaign).await;
        let completed = runs.iter().filter(|run| run["state"] == "completed").count();
        (completed >= count).then_some(runs)
    })
    .await
}

#[actix_web::test]
async fn every_firing_calls_the_list_again_and_the_campaign_itself_calls_nobody() {
    let scene = scene().await;
    // Long enough apart for a run to end on a machine that is busy.
    let campaign = scene.call(json!({"schedule": {"cron": "*/10 * * * *"}}), LIST).await;
    let waiting = scene.look(&campaign).await;
    assert_eq!(
        (&waiting["state"], &waiting["next_run_at"]),
        (&json!("pending"), &json!("2026-03-02T15:10:00Z"))
    );
    assert_eq!(waiting["waiting"]["because"], "next-run");
    assert_eq!(waiting.get("last_skipped"), Some(&Value::Null));
    assert_eq!(waiting["waiting"]["until"], waiting["next_run_at"]);

    let runs = until_completed_runs(&scene, &campaign, 2).await;
    for (run, firing_at) in runs.iter().zip(["2026-03-02T15:10:00Z", "2026-03-02T15:20:00Z"]) {
        assert_eq!((&run["repeats_of"], &run["firing_at"]), (&waiting["id"], &json!(firing_at)));
        assert_eq!((&run["settings"]["schedule"], &run["next_run_at"]), (&Value::Null, &Value::Null));
        assert_eq!(run["counts"]["completed"], 2);
        // Nothing waited for a renewal, let alone a tick.
        let late = instant(&run["started_at"]) - instant(&run["firing_at"]);
        assert!(late < TimeDelta::minutes(4), "begun {late} after the firing");
    }
    scene.command(&campaign, "cancel").await;
    let canceled = scene.look(&campaign).await;
    assert_eq!((&canceled["counts"]["pending"], &canceled["counts"]["attempts"]), (&json!(2), &json!(0)));
    assert_eq!(canceled["next_run_at"], Value::Null);
    scene.end().await;
}

#[actix_web::test]
async fn of_the_firings_that_a_stopped_program_missed_the_last_one_is_made_up_for() {
    let mut scene = scene().await;
    let campaign = scene.call(schedule(), LIST).await;
    scene.stop_program().await;
    scene.clock.sleep_until("2026-03-02T15:11:00Z".parse().unwrap()).await;
    scene.start_program().await;
    let runs = until_completed_runs(&scene, &campaign, 1).await;
    let first = instant(&runs[0]["firing_at"]);
    assert!(first >= instant(&json!("2026-03-02T15:10:00Z")), "the firing of {first} was made up for");
    assert!(instant(&runs[0]["started_at"]) >= first);
    scene.command(&campaign, "cancel").await;
    scene.end().await;
}

#[actix_web::test]
async fn a_schedule_that_cannot_be_meant_is_refused_by_its_path() {
    let scene = scene().await;
    for (schedule, expected) in [
        (json!({"cron": "* * * * *"}), "schedule.cron: \"* * * * *\" fires more often than every 5 minutes"),
        (json!({"cron": "0 9 30 2 *"}), "schedule.cron: \"0 9 30 2 *\" never fires"),
        (json!({"every": "day"}), "schedule.every is unknown, expected cron"),
    ] {
        let (status, answer) =
            scene.upload_file(&settings(json!({"schedule": schedule})), "phone\n+12025550101\n").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(expected), "{answer}");
    }
    scene.end().await;
}

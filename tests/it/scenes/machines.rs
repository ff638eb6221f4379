//! Answering machines: what they hear, and what becomes of the contact whose machine took the call.

use chrono::{DateTime, TimeDelta, Utc};
use outdial::simulator::{Behavior, Fault, FaultKind, Outcome, Scenario};
use outdial::twilio::signature::sign;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::scene::{AUTH_TOKEN, Scene, Setting, for_a_while, settings};

const ANN: &str = "+12025550101";

/// A scene in which a machine takes every call and waits for its end.
async fn machines() -> Scene {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Machine), ..Setting::default() }).await;
    scene.simulator.fix(ANN, [Behavior::machine().talking(100.0)]).unwrap();
    scene
}

/// Detection by the first words, and a script that takes longer than the verdict.
fn fast(on_machine: &str) -> Value {
    let script = json!({"say": format!("Hello {{{{name}}}}, {}", "this is about tomorrow. ".repeat(20))});
    json!({
        "answering_machine": {"detect": "fast", "on_machine": on_machine},
        "agent": {"name": "Ada", "script": script},
    })
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

/// What somebody hears who took the open call of a campaign, by a request signed as the provider signs it.
async fn heard(scene: &Scene, campaign: &str, answered_by: Option<&str>) -> String {
    let attempt = scene.until_placed(campaign).await;
    let (id, sid) = (campaign.rsplit('/').next().unwrap(), attempt["sid"].as_str().unwrap());
    let path = format!("/webhooks/twilio/answer/{id}/{}", attempt["id"].as_str().unwrap());
    let mut form = vec![("CallSid".to_owned(), sid.to_owned())];
    form.extend(answered_by.map(|answered_by| ("AnsweredBy".to_owned(), answered_by.to_owned())));
    let answer = scene.post_form(&path, &form, Some(&sign(AUTH_TOKEN, &scene.url(&path), &form))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

#[actix_web::test]
async fn a_machine_is_hung_up_on_as_soon_as_it_is_recognised() {
    let scene = machines().await;
    let campaign = scene.call(fast("hangup"), &[ANN]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["machine"]);
    assert_eq!(done["counts"]["failed"], 1);
    let attempt = &scene.attempts(&campaign).await[0];
    assert_eq!(attempt["answered_by"], "machine_start");
    assert!(attempt["duration_seconds"].as_i64().unwrap() < 30, "it was not hung up on: {attempt}");
    let ledger = scene.simulator.ledger();
    let create = ledger.creates()[0];
    assert_eq!(create.parameter("MachineDetection"), Some("Enable"));
    assert_eq!((create.parameter("Twiml"), create.parameter("AsyncAmd")), (None, None));
    let fallback = create.parameter("FallbackUrl").expect("a goodbye for when the script cannot be fetched");
    assert!(fallback.contains("/webhooks/twilio/sorry/"), "{fallback}");
    scene.end().await;
}

#[actix_web::test]
async fn a_person_hears_the_script_and_a_machine_the_message() {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    let changes = json!({"answering_machine": {
        "detect": "message_end", "on_machine": "leave_message", "message": "Please call back, {{name}}",
    }});
    let campaign = scene.call(changes, &[ANN]).await;
    for person in [None, Some("human"), Some("unknown")] {
        let said = heard(&scene, &campaign, person).await;
        assert!(said.contains("<Say>Hello Person 1</Say>"), "{person:?} heard {said}");
    }
    for machine in ["machine_end_beep", "machine_end_silence", "machine_end_other"] {
        let said = heard(&scene, &campaign, Some(machine)).await;
        assert!(said.contains("<Say>Please call back, Person 1</Say>"), "{machine} heard {said}");
    }
    let said = heard(&scene, &campaign, Some("fax")).await;
    assert!(said.ends_with("<Response><Hangup/></Response>"), "a fax heard {said}");
    scene.end().await;
}

#[actix_web::test]
async fn whoever_takes_the_call_is_spoken_to_also_while_the_database_is_away() {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    let campaign = scene.call(fast("hangup"), &[ANN]).await;
    scene.until_placed(&campaign).await;
    let psql = scene.psql().await;
    let lock = "BEGIN; LOCK TABLE attempts, campaigns, contacts IN ACCESS EXCLUSIVE MODE";
    let attempt = scene.attempts(&campaign).await.remove(0);
    psql.batch_execute(lock).await.unwrap();
    let id = campaign.rsplit('/').next().unwrap();
    let path = format!("/webhooks/twilio/answer/{id}/{}", attempt["id"].as_str().unwrap());
    let form = vec![("CallSid".to_owned(), attempt["sid"].as_str().unwrap().to_owned())];
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &form);
    let said = scene.post_form(&path, &form, Some(&signature)).await.text().await.unwrap();
    assert!(said.contains("<Say>Hello Person 1, "), "{said}");
    psql.batch_execute("ROLLBACK").await.unwrap();
    scene.end().await;
}

#[actix_web::test]
async fn a_verdict_beside_the_call_makes_it_a_machine_s() {
    let scene = machines().await;
    let mut changes = fast("continue");
    changes["retry_policy"] =
        json!({"max_retries": 1, "backoff_hours": [0.05], "retryable_outcomes": ["machine"]});
    let campaign = scene.call(changes, &[ANN]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["machine", "machine"]);
    let ledger = scene.simulator.ledger();
    let create = ledger.creates()[0];
    assert!(create.parameter("Twiml").is_some_and(|twiml| twiml.contains("Hello Person 1")));
    assert_eq!(create.parameter("AsyncAmd"), Some("true"));
    scene.end().await;
}

#[actix_web::test]
async fn a_verdict_that_comes_after_the_end_is_waited_for() {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 1, ..Setting::default() }).await;
    let campaign = scene.call(fast("continue"), &[ANN]).await;
    let attempt = scene.until_placed(&campaign).await;
    let (id, sid) = (attempt["id"].as_str().unwrap(), attempt["sid"].as_str().unwrap());
    assert_eq!(scene.call_back(&campaign, id, sid, "completed", 3).await, 204);
    for_a_while().await;
    assert_eq!(scene.outcomes(&campaign).await, ["open"]);
    let path = format!("/webhooks/twilio/machine/{}/{id}", campaign.rsplit('/').next().unwrap());
    let form = [("CallSid", sid), ("AnsweredBy", "machine_start"), ("MachineDetectionDuration", "4000")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let unsigned = scene.post_form(&path, &form, None).await;
    assert_eq!(unsigned.status(), StatusCode::FORBIDDEN);
    let signature = sign(AUTH_TOKEN, &scene.url(&path), &form);
    let stored = scene.post_form(&path, &form, Some(&signature)).await;
    assert_eq!(stored.status(), StatusCode::NO_CONTENT);
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["machine"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_lost_verdict_is_found_in_the_provider_s_own_record_where_it_is_asked() {
    let scene = machines().await;
    scene.simulator.fault(Fault::always(FaultKind::Lost)).unwrap();
    let campaign = scene.call(fast("continue"), &[ANN]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["machine"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_that_ends_without_a_verdict_was_answered() {
    let scene = Scene::start().await;
    scene.simulator.fix(ANN, [Behavior::answer().talking(1.0)]).unwrap();
    let campaign = scene.call(fast("continue"), &[ANN]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    let attempt = &scene.attempts(&campaign).await[0];
    let waited = instant(&attempt["settled_at"]) - instant(&attempt["ended_at"]);
    assert!(waited >= TimeDelta::seconds(10), "settled after {waited}");
    scene.end().await;
}

#[actix_web::test]
async fn where_an_extension_is_dialed_nobody_listens_for_machines() {
    let scene = Scene::start().await;
    let list = format!("name,phone\nPerson 1,{ANN} ext. 12\n");
    let (status, answer) = scene.upload_file(&settings(fast("continue")), list).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let campaign = format!("/api/v1/campaigns/{}", answer["id"].as_str().unwrap());
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    let ledger = scene.simulator.ledger();
    let create = ledger.creates()[0];
    assert_eq!((create.parameter("SendDigits"), create.parameter("MachineDetection")), (Some("w12"), None));
    let attempt = &scene.attempts(&campaign).await[0];
    let waited = instant(&attempt["settled_at"]) - instant(&attempt["ended_at"]);
    assert!(waited < TimeDelta::seconds(10), "a verdict was waited for that nobody had asked for: {waited}");
    scene.end().await;
}

#[actix_web::test]
async fn a_message_that_names_a_column_the_list_does_not_have_is_refused() {
    let scene = Scene::start().await;
    let changes = json!({"answering_machine": {
        "detect": "message_end", "on_machine": "leave_message", "message": "About your {{car}}",
    }});
    let (status, answer) = scene.upload_file(&settings(changes), format!("phone\n{ANN}\n")).await;
    assert_eq!(
        (status, &answer["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-script"))
    );
    assert!(answer["detail"].as_str().unwrap().contains("{{car}}"), "{answer}");
    scene.end().await;
}

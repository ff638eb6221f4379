//! Campaigns when something breaks.

use outdial::simulator::{Behavior, Event, Fault, FaultKind, Outcome, Scenario};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{Scene, Setting};

async fn scene() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

#[actix_web::test]
async fn a_callback_that_comes_before_the_answer_to_the_request_finds_its_attempt() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::CallbacksBeforeAnswer)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_whose_callbacks_are_all_lost_is_asked_about() {
    let scene = scene().await;
    scene.simulator.fault(Fault::always(FaultKind::Lost)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    assert!(scene.simulator.ledger().requests.iter().any(|request| request.method == "GET"));
    scene.end().await;
}

#[actix_web::test]
async fn only_the_last_callback_lost_is_enough_to_ask() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::Lost).on(Event::Completed)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_whose_answer_was_lost_is_found_again_and_never_placed_twice() {
    let scene = scene().await;
    for kind in [FaultKind::Dropped { placed: true }, FaultKind::ServerError { placed: true }] {
        scene.simulator.fault(Fault::once(kind)).unwrap();
    }
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    assert_eq!(scene.simulator.ledger().creates().len(), 2);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_whose_answer_and_callbacks_were_lost_is_adopted_from_the_list() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::Dropped { placed: true })).unwrap();
    scene.simulator.fault(Fault::always(FaultKind::Lost)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    assert_eq!(scene.simulator.ledger().creates().len(), 1);
    scene.end().await;
}

#[actix_web::test]
async fn a_request_that_left_no_trace_ends_as_unknown_and_is_retried_after_the_backoff() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::ServerError { placed: false })).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["unknown", "answered"]);
    assert_eq!(done["counts"]["attempts"], 2);
    scene.end().await;
}

#[actix_web::test]
async fn callbacks_that_are_doubled_and_out_of_order_change_nothing() {
    let scene = scene().await;
    scene.simulator.fault(Fault::always(FaultKind::Doubled).on(Event::Completed)).unwrap();
    scene.simulator.fault(Fault::always(FaultKind::Reordered).on(Event::Answered)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102", "+12025550103"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered", "answered"]);
    assert_eq!(done["counts"]["completed"], 3);
    scene.end().await;
}

#[actix_web::test]
async fn a_refused_account_pauses_the_campaign_with_the_reason_and_burns_no_attempt() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::Unauthorized)).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    let paused = scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    assert_eq!(paused["state_reason"], "account-refused");
    assert!(paused["state_detail"].as_str().unwrap().contains("20003"), "{paused}");
    assert_eq!((&paused["counts"]["attempts"], &paused["counts"]["pending"]), (&json!(0), &json!(1)));
    scene.command(&campaign, "resume").await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["not-placed", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_number_that_the_provider_refuses_ends_its_contact_and_nobody_else_s() {
    let scene = scene().await;
    let message = "The phone number you are attempting to call is not valid.".to_owned();
    let refusal = FaultKind::Refused { http: 400, code: 21217, message };
    scene.simulator.fault(Fault::always(refusal).to("+12025550101")).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["invalid-number", "answered"]);
    assert_eq!((&done["counts"]["failed"], &done["counts"]["completed"]), (&json!(1), &json!(1)));
    assert_eq!(scene.attempts(&campaign).await[0]["error_code"], 21217);
    scene.end().await;
}

#[actix_web::test]
async fn a_provider_that_asks_for_patience_gets_it_and_no_attempt_is_burned() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::TooManyRequests { retry_after: Some(1) })).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["not-placed", "answered"]);
    assert_eq!(done["counts"]["attempts"], 1);
    let taken_back = &scene.attempts(&campaign).await[0];
    assert_eq!(taken_back["error_message"], "the provider asks for patience", "{taken_back}");
    let ledger = scene.simulator.ledger();
    let arrivals: Vec<f64> = ledger.creates().iter().map(|create| create.real_ms).collect();
    assert!(
        arrivals[1] - arrivals[0] >= 1000.0,
        "asked for a second, waited {} ms",
        arrivals[1] - arrivals[0]
    );
    scene.end().await;
}

#[actix_web::test]
async fn a_call_that_is_settled_as_unknown_and_proves_alive_is_corrected() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::ServerError { placed: false })).unwrap();
    let slow = json!({"retry_policy": {"backoff_hours": [24.0]}});
    let campaign = scene.call(slow, &["+12025550101"]).await;
    let unknown = |campaign: &Value| campaign["counts"]["outcomes"]["unknown"] == 1;
    scene.until(&campaign, "it is given up as unknown", unknown).await;
    let attempt = scene.attempts(&campaign).await[0]["id"].as_str().unwrap().to_owned();
    let sid = "CA000000000000000000000000000000ff";
    assert_eq!(scene.call_back(&campaign, &attempt, sid, "ringing", 1).await, 204);
    let alive =
        scene.until(&campaign, "it is open again", |campaign| campaign["counts"]["calling"] == 1).await;
    assert_eq!((&alive["counts"]["attempts"], &alive["counts"]["pending"]), (&json!(0), &json!(0)));
    assert_eq!(scene.call_back(&campaign, &attempt, sid, "completed", 3).await, 204);
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    assert_eq!((&done["counts"]["completed"], &done["counts"]["attempts"]), (&json!(1), &json!(1)));
    scene.end().await;
}

#[actix_web::test]
async fn an_unknown_that_proves_alive_after_its_campaign_was_completed_is_corrected_all_the_same() {
    let scene = scene().await;
    scene.simulator.fault(Fault::once(FaultKind::ServerError { placed: false })).unwrap();
    let campaign = scene.call(json!({"retry_policy": {"max_retries": 0}}), &["+12025550101"]).await;
    let given_up = scene.until_completed(&campaign).await;
    assert_eq!(given_up["counts"]["failed"], 1);
    let attempt = scene.attempts(&campaign).await[0]["id"].as_str().unwrap().to_owned();
    let sid = "CA000000000000000000000000000000ff";
    assert_eq!(scene.call_back(&campaign, &attempt, sid, "completed", 3).await, 204);
    let reached = |campaign: &Value| campaign["counts"]["completed"] == 1 && campaign["state"] == "completed";
    let corrected = scene.until(&campaign, "the contact counts as reached", reached).await;
    assert_eq!((&corrected["counts"]["failed"], &corrected["counts"]["attempts"]), (&json!(0), &json!(1)));
    assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_that_the_provider_has_forgotten_is_given_up_once_and_stops_nobody() {
    let scene = scene().await;
    for event in [Event::Answered, Event::Completed] {
        scene.simulator.fault(Fault::always(FaultKind::Lost).on(event).to("+12025550101")).unwrap();
    }
    scene.simulator.fault(Fault::always(FaultKind::ReadError { http: 404 })).unwrap();
    let once = json!({"retry_policy": {"max_retries": 0}});
    let campaign = scene.call(once, &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["unknown", "answered"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_person_who_opts_out_while_waiting_for_a_retry_is_not_called_again() {
    let scene = scene().await;
    scene.simulator.fix("+12025550101", [Behavior::busy()]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until(&campaign, "the first call is over", |campaign| campaign["counts"]["attempts"] == 1).await;
    scene.suppress("+12025550101").await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["suppressed"], 1);
    assert_eq!(scene.simulator.ledger().creates().len(), 1);
    scene.end().await;
}

#[actix_web::test]
async fn an_emergency_number_is_never_dialed_whatever_way_it_came() {
    let scene = scene().await;
    let campaign = scene.upload(json!({}), &["+12025550101", "+12025550102"]).await;
    let by_hand = "UPDATE contacts SET phone = '+1911' WHERE position = 1";
    scene.psql().await.execute(by_hand, &[]).await.unwrap();
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["invalid-number", "answered"]);
    assert_eq!(scene.simulator.ledger().creates().len(), 1);
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_whose_calls_all_fail_pauses_says_so_and_goes_on_when_they_work_again() {
    let scene = scene().await;
    let message = "The number cannot be reached.".to_owned();
    scene.simulator.fault(Fault::always(FaultKind::Refused { http: 400, code: 21214, message })).unwrap();
    let phones: Vec<String> = (101..=113).map(|line| format!("+12025550{line}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let once = json!({"retry_policy": {"max_retries": 0}, "pacing": {"delay_seconds": 0}});
    let campaign = scene.call(once, &phones).await;
    let pauses = |campaign: &Value| campaign["waiting"]["because"] == "calls-fail";
    let seen = scene.until(&campaign, "it pauses because its calls fail", pauses).await;
    assert_eq!(seen["waiting"]["rule"], "10 of the last 10 calls failed");
    assert!(seen["waiting"]["until"].is_string(), "{seen}");
    scene.simulator.clear_faults();
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["completed"], 3 - (done["counts"]["failed"].as_u64().unwrap() - 10));
    let mut calls =
        scene.simulator.ledger().creates().iter().map(|create| create.real_ms).collect::<Vec<_>>();
    let after_the_tenth = calls.split_off(10);
    let pause = after_the_tenth[0] - calls[9];
    assert!(pause >= 60_000.0 / 100.0 - 20.0, "a minute at a hundredfold speed, paused for {pause} ms");
    scene.end().await;
}

/// Twelve campaigns meet a provider that fails: together at first, then one at a time, ever less often, and all again when
/// it works.
#[actix_web::test]
async fn a_provider_that_fails_is_tried_by_one_call_at_a_time_until_it_works() {
    let scene = scene().await;
    scene.simulator.fault(Fault::always(FaultKind::ServerError { placed: false })).unwrap();
    let mut campaigns = Vec::new();
    for line in 101..=112 {
        campaigns.push(scene.call(json!({}), &[&format!("+12025550{line}")]).await);
    }
    let first = scene.simulator.ledger().creates()[0].real_ms;
    let probes = || -> Vec<f64> {
        let calls = scene.simulator.ledger().creates().iter().map(|call| call.real_ms).collect::<Vec<_>>();
        calls.into_iter().filter(|at| *at > first + 900.0).collect()
    };
    eventually("it has been tried three times", || async { (probes().len() >= 3).then_some(()) }).await;
    scene.simulator.clear_faults();
    let probes = probes();
    for pair in probes.windows(2) {
        assert!(pair[1] - pair[0] > 900.0, "tried at {probes:?} ms");
    }
    for campaign in &campaigns {
        scene.until_completed(campaign).await;
    }
    scene.end().await;
}

//! What calls may cost.

use reqwest::Method;
use serde_json::json;

use outdial::actors::AskPrices;
use outdial::simulator::{Fault, FaultKind, Outcome, Scenario};

use crate::support::eventually;
use crate::support::scene::{Scene, Setting};

/// A call costs 1.4 cents here, which is told some minutes after its end: within the pause after the first call, and after
/// the second while it is waited for.
#[actix_web::test]
async fn a_campaign_spends_no_more_than_it_may_waits_for_the_prices_and_pauses_while_others_go_on() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { speed: 200, scenario, ..Setting::default() }).await;
    let phones = ["+12025550101", "+12025550102", "+12025550103"];
    let thrifty = json!({"max_spend": 0.02, "pacing": {"delay_seconds": 600}});
    let campaign = scene.call(thrifty, &phones).await;
    let other = scene.call(json!({}), &["+12025550111", "+12025550112", "+12025550113"]).await;

    // How it stands is read before what it waits for, and its call may end between the two.
    let is_waiting = |campaign: &serde_json::Value| {
        campaign["waiting"]["because"] == "spend-cap" && campaign["unpriced"] == 1
    };
    let waiting = scene.until(&campaign, "it waits for prices", is_waiting).await;
    let rule = "max_spend: 0.014 of 0.02, without the price of 1 call";
    assert_eq!((&waiting["state"], &waiting["waiting"]["rule"]), (&json!("running"), &json!(rule)));
    assert_eq!((&waiting["spent"], &waiting["unpriced"]), (&json!("0.014"), &json!(1)));

    let is_paused = |campaign: &serde_json::Value| campaign["state"] == "paused";
    let paused = scene.until(&campaign, "it pauses", is_paused).await;
    let detail = "its calls have cost 0.028, and its max_spend of 0.02 allows no more of them";
    assert_eq!((&paused["state_reason"], &paused["state_detail"]), (&json!("spend-cap"), &json!(detail)));
    assert_eq!((&paused["spent"], &paused["unpriced"]), (&json!("0.028"), &json!(0)));
    assert_eq!((&paused["currency"], &paused["settings"]["max_spend"]), (&json!("USD"), &json!("0.02")));
    let attempts = scene.attempts(&campaign).await;
    let prices: Vec<_> = attempts.iter().map(|attempt| attempt["price"].as_str()).collect();
    assert_eq!(prices, [Some("0.014"), Some("0.014")]);

    let done = scene.until_completed(&other).await;
    assert_eq!((&done["counts"]["completed"], &done["spent"]), (&json!(3), &json!(null)));

    scene.command(&campaign, "resume").await;
    let again = scene.until(&campaign, "it pauses again", is_paused).await;
    assert_eq!(again["state_reason"], "spend-cap");
    let called = phones.map(|phone| scene.simulator.ledger().creates_to(phone).len());
    assert_eq!(called, [1, 1, 0]);
    let (_, left) = scene.ask(Method::GET, &format!("{campaign}/contacts?state=pending")).await;
    let left = left["contacts"][0]["id"].as_str().unwrap();
    let (_, contact) = scene.ask(Method::GET, &format!("{campaign}/contacts/{left}")).await;
    assert_eq!(contact["next_call"]["because"], "spend-cap");
    scene.end().await;
}

/// Questions are asked in the pauses between the calls, and again a minute after each that had no answer.
#[actix_web::test]
async fn a_provider_that_tells_no_prices_keeps_nobody_from_being_called() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { speed: 200, scenario, ..Setting::default() }).await;
    scene.simulator.fault(Fault::always(FaultKind::ReadError { http: 503 })).unwrap();
    let phones = ["+12025550101", "+12025550102", "+12025550103"];
    let thrifty = json!({"max_spend": "0.01", "pacing": {"delay_seconds": 300}});
    let campaign = scene.call(thrifty, &phones).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!((&done["spent"], &done["unpriced"]), (&json!("0.00"), &json!(3)));
    let ledger = scene.simulator.ledger();
    let asked = ledger.requests.iter().filter(|request| request.method == "GET").count();
    assert!(asked >= 3, "{asked} questions");
    let called_at = phones.map(|phone| ledger.creates_to(phone)[0].at);
    for calls in called_at.windows(2) {
        assert!((250..1_200).contains(&(calls[1] - calls[0]).num_seconds()), "{called_at:?}");
    }
    scene.end().await;
}

/// Nothing waits for these prices: they are for the figures, and many come with one answer.
#[actix_web::test]
async fn what_calls_without_a_cap_have_cost_is_learned_of_one_list() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { speed: 200, scenario, ..Setting::default() }).await;
    assert_eq!(scene.supervisor().send(AskPrices).await.unwrap(), 0);
    let lists = || scene.simulator.ledger().requests.iter().filter(|request| request.method == "GET").count();
    let asked_before = lists();
    let phones = ["+12025550101", "+12025550102", "+12025550103"];
    let campaign = scene.call(json!({}), &phones).await;
    scene.until_completed(&campaign).await;
    let path = format!("{campaign}/metrics");
    let (_, figures) = scene.ask(Method::GET, &path).await;
    assert_eq!((&figures["cost"], &figures["unpriced"]), (&json!([]), &json!(3)));
    assert_eq!(lists(), asked_before, "where nobody was called nobody asks, and no call is asked for");
    eventually("the prices are told", || async {
        scene.supervisor().send(AskPrices).await.unwrap();
        let (_, figures) = scene.ask(Method::GET, &path).await;
        (figures["unpriced"] == 0).then_some(())
    })
    .await;
    let (_, figures) = scene.ask(Method::GET, &path).await;
    assert_eq!(figures["cost"], json!([{"currency": "USD", "amount": "0.042", "calls": 3}]));
    let asked_before = lists();
    assert_eq!(scene.supervisor().send(AskPrices).await.unwrap(), 0);
    assert_eq!(lists(), asked_before + 1);
    scene.end().await;
}

//! When people are called: the campaign's hours, and their own.

use chrono::{DateTime, TimeDelta, Utc};
use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{PLENTY, Scene, Setting, for_a_while};

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

#[actix_web::test]
async fn outside_its_hours_a_campaign_calls_nobody_and_says_until_when() {
    // Monday, 19:00 in New York.
    let setting = Setting { begins_at: "2026-03-03T00:00:00Z", speed: 1, ..Setting::default() };
    let scene = Scene::with(setting).await;
    let campaign = scene.call(json!({"business_hours": {}}), &["+12025550101"]).await;
    let closed = scene.until(&campaign, "it runs", |campaign| campaign["state"] == "running").await;
    assert_eq!(closed["waiting"]["because"], "outside-hours");
    assert_eq!(closed["waiting"]["until"], "2026-03-03T14:00:00Z");
    assert_eq!(closed["waiting"]["rule"], "business_hours in America/New_York: it is outside the hours");
    for_a_while().await;
    assert!(scene.simulator.ledger().creates().is_empty());
    scene.end().await;
}

/// Monday, 10:00 in New York: five in the morning in Honolulu, seven in Los Angeles.
#[actix_web::test]
async fn people_are_called_when_it_is_the_time_where_they_are_and_those_first_where_it_is() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { speed: 2_000, scenario, ..Setting::default() }).await;
    let (honolulu, los_angeles, new_york) = ("+18085550101", "+13105550101", "+12025550101");
    let campaign = scene.call(json!({}), &[honolulu, los_angeles, new_york]).await;
    scene.until_completed(&campaign).await;
    let called = scene.attempts(&campaign).await;
    let called: Vec<_> = called.iter().map(|attempt| attempt["to"].as_str().unwrap()).collect();
    assert_eq!(called, [new_york, los_angeles, honolulu]);
    for (phone, opens_at) in [(los_angeles, "2026-03-02T16:00:00Z"), (honolulu, "2026-03-02T18:00:00Z")] {
        let opens_at: DateTime<Utc> = opens_at.parse().unwrap();
        let ledger = scene.simulator.ledger();
        let called_at = ledger.creates_to(phone)[0].at;
        // An hour of this clock is less than two seconds. The node takes its time from the database, whose answer may be
        // old by some hundredths of one.
        let earliest = opens_at - TimeDelta::minutes(2);
        assert!((earliest..opens_at + TimeDelta::hours(1)).contains(&called_at), "{phone}: {called_at}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn who_waits_for_the_called_people_s_morning_says_whose_rule_it_is() {
    let scene = Scene::with(Setting { speed: 1, ..Setting::default() }).await;
    let campaign = scene.call(json!({"rules": ["us-states"]}), &["+18085550101", "+12135550101"]).await;
    let closed = scene.until(&campaign, "it runs", |campaign| campaign["state"] == "running").await;
    assert_eq!(closed["waiting"]["because"], "called-party-hours");
    // In California recorded messages may be heard from nine on, an hour later than elsewhere.
    assert_eq!(closed["waiting"]["until"], "2026-03-02T17:00:00Z");
    assert_eq!(closed["waiting"]["rule"], "us-states/CA in America/Los_Angeles: it is outside the hours");
    for_a_while().await;
    assert!(scene.simulator.ledger().creates().is_empty());
    scene.end().await;
}

#[actix_web::test]
async fn whom_the_hours_never_let_be_called_is_said_at_the_upload_at_the_start_and_to_who_asks_for_a_callback()
 {
    let scene = Scene::with(Setting { speed: 1, ..Setting::default() }).await;
    let apart = "business_hours in America/New_York and default in America/New_York are never open together within a year";
    // From ten in the evening on nobody is called in New York, but in Los Angeles.
    let evening = json!({"business_hours": {"windows": {"mon": [["22:00", "06:00"]]}}});
    let (new_york, los_angeles) = ("+12125550101", "+13105550101");
    let campaign = scene.upload(evening.clone(), &[new_york, los_angeles]).await;
    let (_, draft) = scene.ask(Method::GET, &campaign).await;
    assert_eq!((&draft["never_called"], &draft["waiting"]["because"]), (&json!(apart), &json!("draft")));
    scene.command(&campaign, "start").await;
    let is_closed = |campaign: &Value| campaign["waiting"]["because"] == "outside-hours";
    let closed = scene.until(&campaign, "it waits for those who may be called", is_closed).await;
    assert_eq!(
        (&closed["never_called"], &closed["waiting"]["until"]),
        (&json!(apart), &json!("2026-03-03T03:00:00Z"))
    );
    let (_, forecast) = scene.ask(Method::GET, &format!("{campaign}/forecast")).await;
    assert_eq!(
        (&forecast["contacts"]["never"], &forecast["contacts"]["outside_hours"]),
        (&json!(1), &json!(1))
    );
    let never = &forecast["groups"][1];
    assert_eq!((&never["message"], &never["because"]), (&json!(apart), &json!("no-common-hours")));
    let (_, listed) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    for (contact, expected) in
        listed["contacts"].as_array().unwrap().iter().zip([StatusCode::CONFLICT, StatusCode::OK])
    {
        let path = format!("{campaign}/contacts/{}/callback", contact["id"].as_str().unwrap());
        let (status, answer) = scene.send(Method::POST, &path, &json!({"at": "2026-03-04T15:00:00Z"})).await;
        assert_eq!(status, expected, "{answer}");
        if status == StatusCode::CONFLICT {
            assert!(answer["detail"].as_str().unwrap().ends_with(apart), "{answer}");
        }
    }
    // Where nobody is left who can be called, nothing but a change ends the wait.
    let alone = scene.call(evening, &[new_york]).await;
    let is_never = |campaign: &Value| campaign["waiting"]["because"] == "no-common-hours";
    let waiting = &scene.until(&alone, "it waits for nothing", is_never).await["waiting"];
    assert_eq!((&waiting["until"], &waiting["rule"]), (&Value::Null, &json!(apart)));
    scene.end().await;
}

/// As on a server that is started again with zone data that is older than what the list was uploaded under.
#[actix_web::test]
async fn a_campaign_is_paused_for_a_zone_that_the_data_in_use_does_not_know_and_others_go_on() {
    let scenario = Scenario::instant(Outcome::Answer);
    let mut scene = Scene::with(Setting { speed: 1, scenario, ..Setting::default() }).await;
    // Seven in the morning in Los Angeles.
    let campaign = scene.call(json!({}), &["+13235550101"]).await;
    let draft = scene.upload(json!({}), &["+13235550102"]).await;
    scene.until(&campaign, "it runs", |campaign| campaign["state"] == "running").await;
    let (known, missing) = ("America/Los_Angeles", "America/Coyhaique_2031");
    let renamed = "UPDATE areas SET zones = $2 WHERE zones = $1";
    let psql = scene.psql().await;
    scene.stop_program().await;
    psql.execute(renamed, &[&known, &missing]).await.unwrap();
    scene.start_program().await;
    let paused = scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    assert_eq!(paused["state_reason"], "zone-missing");
    let detail = paused["state_detail"].as_str().unwrap();
    assert!(detail.contains(missing) && detail.contains("OUTDIAL_ZONEINFO"), "{detail}");
    for (method, path) in [
        (Method::POST, format!("{draft}/start")),
        (Method::POST, format!("{campaign}/resume")),
        (Method::GET, format!("{campaign}/forecast")),
    ] {
        let (status, refused) = scene.ask(method, &path).await;
        assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:zone-missing")));
        assert!(refused["detail"].as_str().unwrap().contains(missing), "{refused}");
    }
    let other = scene.call(json!({}), &["+12125550102"]).await;
    scene.until_completed(&other).await;
    // The data has come: it is the morning of Los Angeles again that is waited for.
    scene.stop_program().await;
    psql.execute(renamed, &[&missing, &known]).await.unwrap();
    scene.start_program().await;
    scene.command(&campaign, "resume").await;
    let resumed = scene.until(&campaign, "it runs", |campaign| campaign["state"] == "running").await;
    assert_eq!(resumed["waiting"]["because"], "called-party-hours");
    assert_eq!(scene.simulator.ledger().creates().len(), 1);
    scene.end().await;
}

#[actix_web::test]
async fn whose_zone_the_data_in_use_does_not_know_is_not_called_and_holds_nobody_up() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    let (chicago, new_york) = ("+13125550101", "+12025550101");
    let campaign = scene.upload(json!({}), &[chicago, new_york]).await;
    let missing = "UPDATE areas SET zones = 'America/Coyhaique_2031' WHERE zones = 'America/Chicago'";
    scene.psql().await.execute(missing, &[]).await.unwrap();
    scene.command(&campaign, "start").await;
    let paused = scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    assert_eq!(paused["state_reason"], "zone-missing");
    assert_eq!((&paused["counts"]["completed"], &paused["counts"]["pending"]), (&json!(1), &json!(1)));
    let (_, listed) = scene.ask(Method::GET, &format!("{campaign}/contacts?state=pending")).await;
    let contact = &listed["contacts"][0];
    assert_eq!(contact["area"]["missing_zone"], "America/Coyhaique_2031");
    let path = format!("{campaign}/contacts/{}", contact["id"].as_str().unwrap());
    let (status, left) = scene.ask(Method::GET, &path).await;
    assert_eq!((status, &left["next_call"]["because"]), (StatusCode::OK, &json!("zone-missing")));
    let at = json!({"at": "2026-03-04T15:00:00Z"});
    let (status, refused) = scene.send(Method::POST, &format!("{path}/callback"), &at).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:zone-missing")));
    let never = paused["never_called"].as_str().unwrap();
    assert!(never.starts_with("1 contact is in America/Coyhaique_2031, which the time zones"), "{never}");
    assert_eq!(scene.simulator.ledger().creates_to(chicago).len(), 0);
    // Others may be added all the same, and are called once it is resumed.
    let (added, more) = ("+13235550103", "name,phone\nPerson 3,+13235550103\n");
    let (status, answer) = scene.send_list(&format!("{campaign}/contacts"), &json!({}), more).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    scene.command(&campaign, "resume").await;
    let waits = |campaign: &Value| {
        campaign["waiting"]["because"] == "called-party-hours" && campaign["state"] == "running"
    };
    scene.until(&campaign, "it waits for the morning", waits).await;
    assert_eq!(scene.simulator.ledger().creates_to(added).len(), 0);
    scene.end().await;
}

#[actix_web::test]
async fn who_may_be_anywhere_is_not_called_unless_the_campaign_says_how() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    let (toll_free, new_york) = ("+18005550101", "+12025550101");
    let blocked = scene.call(json!({}), &[toll_free, new_york]).await;
    let done = scene.until_completed(&blocked).await;
    assert_eq!((&done["counts"]["completed"], &done["counts"]["failed"]), (&json!(1), &json!(1)));
    let (_, contacts) = scene.ask(Method::GET, &format!("{blocked}/contacts?outcome=blocked")).await;
    assert_eq!(contacts["contacts"][0]["phone"], toll_free);
    assert_eq!(scene.simulator.ledger().creates_to(toll_free).len(), 0);
    let assumed = scene.call(json!({"unmapped": "campaign-zone"}), &[toll_free]).await;
    scene.until_completed(&assumed).await;
    assert_eq!(scene.simulator.ledger().creates_to(toll_free).len(), 1);
    scene.end().await;
}

#[actix_web::test]
async fn a_list_s_own_zone_and_priority_come_before_the_number_and_the_order() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { speed: 2_000, scenario, ..Setting::default() }).await;
    let list = "phone,timezone,priority\n\
                +12025550101,,0\n\
                +12025550102,Pacific/Honolulu,9\n\
                +18085550103,America/New_York,0\n\
                +12025550104,,5\n";
    let (status, uploaded) = scene.upload_file(&crate::support::scene::settings(json!({})), list).await;
    assert_eq!(status, 201, "{uploaded}");
    let campaign = format!("/api/v1/campaigns/{}", uploaded["id"].as_str().unwrap());
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    let called = scene.attempts(&campaign).await;
    let called: Vec<_> = called.iter().map(|attempt| attempt["to"].as_str().unwrap()).collect();
    assert_eq!(called, ["+12025550104", "+12025550101", "+18085550103", "+12025550102"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_number_is_left_alone_for_as_long_as_the_caps_say() {
    let scenario = Scenario::instant(Outcome::Busy);
    let scene = Scene::with(Setting { speed: 2_000, scenario, ..Setting::default() }).await;
    let phone = "+12025550101";
    let caps =
        json!({"caps": {"minimum_gap": "2h"}, "retry_policy": {"max_retries": 1, "backoff_hours": [0.05]}});
    let one = scene.call(caps.clone(), &[phone]).await;
    let other = scene.call(caps, &[phone]).await;
    scene.until_completed(&one).await;
    scene.until_completed(&other).await;
    let ledger = scene.simulator.ledger();
    let called: Vec<DateTime<Utc>> = ledger.creates_to(phone).iter().map(|create| create.at).collect();
    assert_eq!(called.len(), 4);
    for pair in called.windows(2) {
        assert!(pair[1] - pair[0] >= chrono::TimeDelta::hours(2), "{called:?}");
    }
    scene.end().await;
}

/// An hour before midnight in Kathmandu, where the campaign is, and noon in New York, where those are whom it calls.
#[actix_web::test]
async fn a_campaign_makes_its_calls_of_a_day_and_goes_on_when_the_next_begins() {
    let setting = Setting {
        begins_at: "2026-03-02T17:15:00Z",
        speed: 400,
        scenario: Scenario::instant(Outcome::Answer),
        ..Setting::default()
    };
    let scene = Scene::with(setting).await;
    let midnight = "2026-03-02T18:15:00Z";
    let twice_a_day = json!({"max_calls_per_day": 2, "timezone": "Asia/Kathmandu"});
    let phones = ["+12025550101", "+12025550102", "+12025550103"];
    let campaign = scene.call(twice_a_day, &phones).await;
    let is_full = |campaign: &Value| campaign["waiting"]["because"] == "daily-cap";
    let full = scene.until(&campaign, "it has made its calls of the day", is_full).await;
    assert_eq!(full["waiting"]["until"], midnight);
    assert_eq!(full["waiting"]["rule"], "max_calls_per_day: 2 calls on 2026-03-02 in Asia/Kathmandu");
    assert_eq!(full["call_day"], json!({"date": "2026-03-02", "calls": 2}));
    let (_, left) = scene.ask(Method::GET, &format!("{campaign}/contacts?state=pending")).await;
    let left = left["contacts"][0]["id"].as_str().unwrap();
    let (_, contact) = scene.ask(Method::GET, &format!("{campaign}/contacts/{left}")).await;
    assert_eq!(
        (&contact["next_call"]["because"], &contact["next_call"]["at"]),
        (&json!("daily-cap"), &json!(midnight))
    );
    scene.until_completed(&campaign).await;
    let ledger = scene.simulator.ledger();
    let before_midnight = phones.map(|phone| ledger.creates_to(phone)[0].at < instant(&json!(midnight)));
    assert_eq!(before_midnight, [true, true, false]);
    assert_eq!(scene.look(&campaign).await["call_day"], json!({"date": "2026-03-03", "calls": 1}));
    scene.end().await;
}

/// The account is granted fewer calls a second than the program was told, so that calls pile up in the provider's queue.
#[actix_web::test]
async fn a_call_that_the_provider_still_keeps_when_the_hours_end_never_rings() {
    let setting =
        Setting { speed: 20, cps: 1.0, scenario: Scenario::always(Outcome::Busy), ..Setting::default() };
    let mut scene = Scene::without_program(&setting).await;
    scene.config.cps = PLENTY;
    scene.start_program().await;
    let phones: Vec<String> = (0..10).map(|n| format!("+12025550{:03}", 101 + n)).collect();
    for phone in &phones {
        scene.simulator.fix(phone, [Behavior::busy(), Behavior::busy()]).unwrap();
    }
    let mut campaigns = Vec::new();
    for phone in &phones {
        campaigns.push(scene.upload(json!({}), &[phone]).await);
    }
    // The end comes soon, whenever everybody was there.
    let closes_at = scene.clock.now() + chrono::TimeDelta::seconds(150);
    let minute = closes_at.with_timezone(&chrono::FixedOffset::west_opt(5 * 3600).unwrap()).format("%H:%M");
    let closes_at = instant(&json!(closes_at.format("%Y-%m-%dT%H:%M:00Z").to_string()));
    let hours = json!({"days": [1], "start_time": "09:00", "end_time": minute.to_string()});
    for campaign in &campaigns {
        let (status, _) = scene.send(Method::PATCH, campaign, &json!({"business_hours": hours})).await;
        assert_eq!(status, StatusCode::OK);
        scene.command(campaign, "start").await;
    }
    let mut taken_back = 0;
    for campaign in &campaigns {
        // One that begins to ring as it is taken back was called, and is not called again.
        let is_over = |campaign: &Value| {
            campaign["state"] == "completed" || campaign["waiting"]["because"] == "outside-hours"
        };
        scene.until(campaign, "its call is settled", is_over).await;
        for attempt in scene.attempts(campaign).await {
            taken_back += u32::from(attempt["outcome"] == "not-placed");
        }
    }
    assert!(taken_back > 0, "every call left the queue in time, so this proves nothing");
    for call in scene.simulator.ledger().creates() {
        assert!(call.at < closes_at, "a request left after the hours: {}", call.at);
    }
    // What takes a call back is on its way for some real milliseconds, of which each is twenty here.
    let taken_back_by = closes_at + TimeDelta::seconds(1);
    for call in scene.simulator.calls() {
        assert!(call.dialed_at.is_none_or(|at| at < taken_back_by), "it rang at {:?}", call.dialed_at);
    }
    // More left than the account is granted, which this scene is about: its end is not held to that.
    scene.stop_program().await;
    scene.simulator.stop().await;
}

//! Who asks before a campaign is started what becomes of it, and while it runs why somebody is not called.

use chrono::{DateTime, TimeDelta, Utc};
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{Scene, Setting};

/// Two in New York, one in Los Angeles, where it is seven in the morning, and a number that is nowhere.
const PHONES: [&str; 4] = ["+12125550101", "+12125550102", "+13235550101", "+18005550101"];

impl Scene {
    async fn forecast(&self, campaign: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, &format!("{campaign}/forecast")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// A contact with everything that is known of it.
    async fn contact_with(&self, campaign: &str, phone: &str) -> Value {
        let (_, listed) = self.ask(Method::GET, &format!("{campaign}/contacts")).await;
        let contacts = listed["contacts"].as_array().expect("contacts");
        let contact = contacts.iter().find(|contact| contact["phone"] == phone).expect("the contact");
        let path = format!("{campaign}/contacts/{}", contact["id"].as_str().expect("an id"));
        let (status, found) = self.ask(Method::GET, &path).await;
        assert_eq!(status, StatusCode::OK, "{found}");
        for (key, value) in contact.as_object().expect("an object") {
            assert_eq!(&found[key], value, "{key} as in the list");
        }
        found
    }
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("an instant")
}

fn counts(forecast: &Value) -> Vec<(&str, u64)> {
    let counts = forecast["contacts"].as_object().expect("counts");
    let counts = counts.iter().map(|(name, count)| (name.as_str(), count.as_u64().expect("a count")));
    let mut counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    counts.sort_unstable();
    counts
}

#[actix_web::test]
async fn a_draft_says_who_may_be_called_when_and_how_long_it_takes() {
    let scene = Scene::with(Setting { speed: 1, ..Setting::default() }).await;
    let campaign = scene.upload(json!({}), &PHONES).await;
    scene.suppress(PHONES[1]).await;
    let forecast = scene.forecast(&campaign).await;
    let expected =
        [("callable_now", 1), ("outside_hours", 1), ("suppressed", 1), ("total", 4), ("unmapped", 1)];
    assert_eq!(counts(&forecast), expected);
    let [now, later, never] = &forecast["groups"].as_array().expect("groups")[..] else {
        panic!("{forecast}")
    };
    assert_eq!((&now["zones"], &now["open"]), (&json!(["America/New_York"]), &json!(true)));
    assert_eq!(instant(&now["until"]), "2026-03-03T02:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!((&later["zones"], &later["open"]), (&json!(["America/Los_Angeles"]), &json!(false)));
    assert_eq!(instant(&later["until"]), "2026-03-02T16:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!((&later["rule"], &later["zone"]), (&json!("default"), &json!("America/Los_Angeles")));
    assert_eq!(
        (&never["zones"], &never["until"], &never["because"]),
        (&Value::Null, &Value::Null, &json!("unmapped"))
    );
    assert_eq!(
        (&forecast["without_zone"]["contacts"], &forecast["without_zone"]["setting"]),
        (&json!(1), &json!("block"))
    );
    let estimate = &forecast["estimate"];
    assert_eq!((&estimate["basis"]["from"], &estimate["basis"]["calls"]), (&json!("assumed"), &json!(0)));
    assert!(estimate["message"].as_str().unwrap().contains("nobody has been called yet"), "{estimate}");
    let ends = (instant(&estimate["ends_at"]["earliest"]), instant(&estimate["ends_at"]["latest"]));
    assert!(instant(&later["until"]) < ends.0 && ends.0 <= ends.1, "{estimate}");
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_that_is_to_begin_later_is_estimated_from_then_on() {
    let scene = Scene::start().await;
    let starts_at = scene.clock.now() + TimeDelta::days(2);
    let campaign = scene.upload(json!({"starts_at": starts_at}), &PHONES[..1]).await;
    let forecast = scene.forecast(&campaign).await;
    // Nobody may be called now, whatever the hours say.
    assert_eq!(counts(&forecast), [("not_started", 1), ("total", 1)]);
    let group = &forecast["groups"][0];
    assert_eq!((&group["open"], &group["because"]), (&json!(false), &json!("not-started")));
    assert_eq!(instant(&group["until"]).timestamp_millis(), starts_at.timestamp_millis());
    let estimate = &forecast["estimate"];
    assert_eq!(instant(&estimate["begins_at"]).timestamp_millis(), starts_at.timestamp_millis());
    assert!(instant(&estimate["ends_at"]["earliest"]) >= starts_at, "{estimate}");
    let next = &scene.contact_with(&campaign, PHONES[0]).await["next_call"];
    assert_eq!(instant(&next["at"]).timestamp_millis(), starts_at.timestamp_millis());
    assert_eq!(next["because"], "not-started");
    let nobody_s = format!("/api/v1/campaigns/{}", uuid::Uuid::nil());
    for path in [format!("{nobody_s}/forecast"), format!("{campaign}/contacts/{}", uuid::Uuid::nil())] {
        assert_eq!(scene.ask(Method::GET, &path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_with_a_schedule_is_foreseen_from_its_first_firing_on() {
    // Monday, ten in New York: the next nine o'clock is tomorrow's.
    let scene = Scene::with(Setting { speed: 1, ..Setting::default() }).await;
    let schedule = json!({"schedule": {"cron": "0 9 * * MON-FRI"}});
    let campaign = scene.upload(schedule, &PHONES[..1]).await;
    let firing_at: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
    let foreseen = async |of: &str| {
        let estimate = scene.forecast(&campaign).await["estimate"].take();
        assert_eq!(instant(&estimate["begins_at"]), firing_at, "{of}");
        assert!(instant(&estimate["ends_at"]["earliest"]) > firing_at, "{of}: {estimate}");
        let next = scene.contact_with(&campaign, PHONES[0]).await["next_call"].take();
        assert_eq!((instant(&next["at"]), &next["because"]), (firing_at, &json!("not-started")), "{of}");
    };
    foreseen("a draft").await;
    scene.command(&campaign, "start").await;
    foreseen("one that waits for its firing").await;
    scene.command(&campaign, "pause").await;
    foreseen("one that waits to be resumed").await;
    scene.end().await;
}

#[actix_web::test]
async fn whom_a_cap_holds_back_is_foreseen_with_the_cap_before_and_after_a_claim_has_put_it_off() {
    let scene =
        Scene::with(Setting { scenario: Scenario::instant(Outcome::Answer), speed: 1, ..Setting::default() })
            .await;
    let first = scene.call(json!({}), &PHONES[..1]).await;
    scene.until_completed(&first).await;
    let called_at = instant(&scene.attempts(&first).await[0]["placed_at"]);
    let campaign = scene.upload(json!({"caps": {"per_day": 1}}), &PHONES[..1]).await;
    let is_foreseen = async |of: &str| {
        let forecast = scene.forecast(&campaign).await;
        assert_eq!(counts(&forecast), [("capped", 1), ("total", 1)], "{of}");
        let [capped] = &forecast["capped"].as_array().expect("caps")[..] else { panic!("{of}: {forecast}") };
        assert_eq!((&capped["contacts"], &capped["rule"]), (&json!(1), &json!("caps")), "{of}");
        let message = "their numbers were called often enough: caps: at most 1 call within 24 hours";
        assert_eq!(capped["message"], message, "{of}");
        for at in [&capped["first_at"], &capped["last_at"], &forecast["next_uncapped_at"]] {
            assert_eq!(instant(at), called_at + TimeDelta::hours(24), "{of}");
        }
        assert_eq!(forecast["next_due_at"], Value::Null, "{of}");
        let ends_at = instant(&forecast["estimate"]["ends_at"]["earliest"]);
        assert!(ends_at >= called_at + TimeDelta::hours(24), "{of}: {ends_at}");
    };
    is_foreseen("a draft").await;
    scene.command(&campaign, "start").await;
    // The caps were used up by the other campaign.
    let put_off = |campaign: &Value| campaign["waiting"]["because"] == "capped";
    let waiting = &scene.until(&campaign, "the claim has put it off", put_off).await["waiting"];
    assert_eq!(waiting["rule"], "caps: at most 1 call within 24 hours");
    assert_eq!(instant(&waiting["until"]), called_at + TimeDelta::hours(24));
    is_foreseen("one that runs").await;
    scene.end().await;
}

#[actix_web::test]
async fn a_contact_says_when_it_is_called_next_and_by_which_rule_not_before() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Busy), speed: 20, ..Setting::default() })
            .await;
    // Nobody here waits for the retry.
    let policy = json!({"max_attempts": 2, "busy": {"after": ["15h"]}});
    let campaign = scene.call(json!({ "retry_policy": policy }), &PHONES).await;
    let was_busy = |campaign: &Value| {
        let counts = &campaign["counts"];
        counts["attempts"] == 2 && counts["calling"] == 0 && counts["failed"] == 1
    };
    scene.until(&campaign, "both in New York were busy, and who is nowhere has failed", was_busy).await;
    let busy = scene.contact_with(&campaign, PHONES[0]).await;
    assert_eq!(
        busy["area"],
        json!({"zones": ["America/New_York"], "told_by": "area-code", "places": ["US-NY"]})
    );
    let next = &busy["next_call"];
    // Fifteen hours after ten it is one at night; chance adds up to a tenth.
    assert_eq!(instant(&next["at"]), "2026-03-03T13:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert!(instant(&busy["due_at"]) < instant(&next["at"]));
    assert_eq!((&next["because"], &next["rule"]), (&json!("called-party-hours"), &json!("default")));
    let message = next["message"].as_str().expect("a message");
    assert!(message.starts_with("due Tue 3 Mar 2026 0"), "{message}");
    assert!(message.contains("closed until Tue 3 Mar 2026 08:00 (America/New_York)"), "{message}");
    let history = busy["history"].as_array().expect("a history");
    assert_eq!(
        (history.len(), &history[0]["outcome"], &busy["suppression"]),
        (1, &json!("busy"), &Value::Null)
    );
    assert_eq!((&busy["hours"][0]["rule"], &busy["hours"][0]["open"]), (&json!("default"), &json!(true)));
    assert_eq!(busy["hours"][0]["windows_today"], json!([["08:00", "21:00"]]), "{}", busy["hours"]);
    assert_eq!(busy["hours"][0]["opens_at"], json!(null), "{}", busy["hours"]);
    assert!(busy["hours"][0]["open_until"].is_string(), "{}", busy["hours"]);
    let nowhere = scene.contact_with(&campaign, PHONES[3]).await;
    assert_eq!((&nowhere["last_outcome"], &nowhere["attempts_made"]), (&json!("blocked"), &json!(0)));
    let message = nowhere["next_call"]["message"].as_str().expect("a message");
    assert!(message.contains("nothing tells the person's time zone (toll-free)"), "{message}");
    let asleep = &scene.contact_with(&campaign, PHONES[2]).await["next_call"];
    assert_eq!(
        (&asleep["because"], &asleep["zone"]),
        (&json!("called-party-hours"), &json!("America/Los_Angeles"))
    );
    // A callback goes before the backoff, and a suppression before everything.
    let at = scene.clock.now() + TimeDelta::hours(4);
    let path = format!("{campaign}/contacts/{}/callback", busy["id"].as_str().unwrap());
    let (status, _) = scene.send(Method::POST, &path, &json!({"at": at, "note": "after lunch"})).await;
    assert_eq!(status, StatusCode::OK);
    let asked = scene.contact_with(&campaign, PHONES[0]).await;
    assert_eq!((&asked["callback_note"], &asked["callback_waits"]), (&json!("after lunch"), &json!(true)));
    assert_eq!(instant(&asked["callback_at"]).timestamp_millis(), at.timestamp_millis());
    assert_eq!(asked["next_call"]["because"], "not-due");
    assert!(
        asked["next_call"]["message"].as_str().unwrap().starts_with("a callback was asked for"),
        "{asked}"
    );
    scene.suppress(PHONES[0]).await;
    let listed = scene.contact_with(&campaign, PHONES[0]).await;
    assert_eq!(
        (&listed["next_call"]["at"], &listed["next_call"]["because"]),
        (&Value::Null, &json!("suppressed"))
    );
    assert_eq!(
        (&listed["suppression"]["reason"], &listed["suppression"]["in_force"]),
        (&json!("asked"), &json!(true))
    );
    let forecast = scene.forecast(&campaign).await;
    let expected = [("due_later", 1), ("failed", 1), ("outside_hours", 1), ("suppressed", 1), ("total", 4)];
    assert_eq!(counts(&forecast), expected);
    scene.command(&campaign, "cancel").await;
    let canceled = scene.forecast(&campaign).await;
    assert_eq!((&canceled["state"], &canceled["estimate"]), (&json!("canceled"), &Value::Null));
    scene.end().await;
}

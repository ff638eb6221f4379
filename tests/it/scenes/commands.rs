//! What people tell a campaign beside start, pause and cancel: other settings, a copy of it, once more, and not all at
//! once.

use outdial::simulator::Behavior;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{API_TOKEN, Scene};

const PHONES: [&str; 4] = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];

impl Scene {
    async fn edit(&self, campaign: &str, changes: Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, campaign, &changes).await
    }

    /// A POST that must succeed.
    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, &body).await;
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    async fn until_paused(&self, campaign: &str) -> Value {
        self.until(campaign, "the campaign is paused", |campaign| campaign["state"] == "paused").await
    }
}

#[actix_web::test]
async fn a_draft_takes_all_settings_and_refuses_what_a_new_campaign_would() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({"max_calls_per_day": 5}), &PHONES).await;
    let changes = json!({
        "name": "another", "from": "(202) 555-0199", "pacing": {"delay_seconds": 2}, "max_calls_per_day": null,
        "agent": {"name": "Bob", "script": {"say": "Hi {{name}}"}}, "ring_seconds": 20,
    });
    let (status, edited) = scene.edit(&campaign, changes).await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    assert_eq!((&edited["name"], &edited["settings"]["from"]), (&json!("another"), &json!("+12025550199")));
    assert_eq!(
        (&edited["settings"]["max_calls_per_day"], &edited["settings_version"]),
        (&Value::Null, &json!(2))
    );
    assert_eq!(edited["agent"]["name"], "Bob");
    let refused = [
        (json!({"agent": {"name": "Bob", "script": {"say": "Hi {{age}}"}}}), "bad-script", "{{age}}"),
        (json!({"rules": ["atlantis"]}), "bad-settings", "rules: "),
        (
            json!({"default_region": "GB"}),
            "bad-settings",
            "default_region is fixed since the campaign was made",
        ),
        (json!({"colour": "red"}), "bad-settings", "colour is unknown"),
        (json!({"opt_out_digit": "99"}), "bad-settings", "opt_out_digit"),
        (json!({"starts_at": "9999-01-01T00:00:00Z"}), "bad-settings", "expected an instant within a year"),
        (json!({"agent_id": uuid::Uuid::nil()}), "unknown-agent", "there is no agent"),
        (
            json!({"unmapped": {"safe-window": {"timezone": "America/New_York", "window": ["02:00", "03:00"]}}}),
            "bad-settings",
            "unmapped.safe-window is never open",
        ),
    ];
    for (changes, kind, expected) in refused {
        let (status, problem) = scene.edit(&campaign, changes).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["type"], format!("urn:outdial:{kind}"), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    // Two editors: the second one is told.
    let (status, problem) = scene.edit(&campaign, json!({"settings_version": 1, "ring_seconds": 25})).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:edited-meanwhile")));
    assert_eq!(problem["settings_version"], 2);
    assert_eq!(
        scene.edit(&campaign, json!({"settings_version": 2, "ring_seconds": 25})).await.0,
        StatusCode::OK
    );
    let (_, versions) = scene.ask(Method::GET, &format!("{campaign}/versions?limit=2")).await;
    let numbers: Vec<&Value> =
        versions["versions"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!((numbers, &versions["next"]), (vec![&json!(3), &json!(2)], &json!({"before": 2})));
    assert!(versions["versions"][0]["key"].is_string(), "{versions}");
    let (_, first) = scene.ask(Method::GET, &format!("{campaign}/versions?before=2")).await;
    assert_eq!(first["versions"][0]["settings"]["max_calls_per_day"], 5);
    let nobody_s = format!("/api/v1/campaigns/{}", uuid::Uuid::nil());
    assert_eq!(scene.edit(&nobody_s, json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(scene.ask(Method::GET, &format!("{nobody_s}/versions")).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn a_running_campaign_takes_another_pace_at_once_and_each_attempt_says_what_it_ran_under() {
    let scene = Scene::start().await;
    let campaign = scene.call(json!({"pacing": {"delay_seconds": 3600}}), &PHONES[..2]).await;
    scene.until(&campaign, "the pause", |campaign| campaign["waiting"]["because"] == "pacing").await;
    let (status, problem) = scene.edit(&campaign, json!({"from": "+12025550199", "pacing": {}})).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:campaign-at-work")));
    assert_eq!(problem["settings"], json!(["from"]));
    // It waits for an hour, and nothing but the edit wakes it.
    assert_eq!(scene.edit(&campaign, json!({"pacing": {"delay_seconds": 0}})).await.0, StatusCode::OK);
    scene.until_completed(&campaign).await;
    let versions: Vec<Value> = scene
        .attempts(&campaign)
        .await
        .into_iter()
        .map(|attempt| attempt["settings_version"].clone())
        .collect();
    assert_eq!(versions, [1, 2]);
    scene.end().await;
}

#[actix_web::test]
async fn everyone_who_did_not_answer_is_called_again_in_a_campaign_of_their_own() {
    let scene = Scene::start().await;
    scene.simulator.fix(PHONES[1], [Behavior::no_answer(), Behavior::answer()]).unwrap();
    scene.simulator.fix(PHONES[3], [Behavior::no_answer(), Behavior::no_answer()]).unwrap();
    let campaign = scene.call(json!({"retry_policy": {"max_retries": 0}}), &PHONES).await;
    scene.until_completed(&campaign).await;
    let path = format!("{campaign}/duplicate");
    let (status, made) = scene
        .send(
            Method::POST,
            &path,
            &json!({
                "contacts": {"outcomes": ["no-answer"]}, "settings": {"pacing": {"delay_seconds": 0}},
            }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["contacts"], &made["name"]), (&json!(2), &json!("a scene (copy)")));
    let again = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
    assert_eq!(scene.look(&again).await["settings"]["pacing"]["delay_seconds"], 0);
    scene.command(&again, "start").await;
    scene.until_completed(&again).await;
    assert_eq!(scene.outcomes(&again).await, ["answered", "no-answer"]);
    // The same request again makes nothing again.
    let ask_again = || async {
        let request = scene.stranger().post(scene.url(&path)).bearer_auth(API_TOKEN);
        let answer = request.header("Idempotency-Key", "once").json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["id"].clone()
    };
    assert_eq!(ask_again().await, ask_again().await);
    let (status, problem) =
        scene.send(Method::POST, &path, &json!({"contacts": {"outcomes": ["busy"]}})).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:nobody-to-call"))
    );
    for (wish, expected) in [
        (json!({"contacts": {"outcomes": []}}), "contacts.outcomes is empty"),
        (json!({"contacts": {"outcomes": ["lost"]}}), "unknown outcome"),
        (json!({"name": "one", "settings": {"name": "two"}}), "settings.name is given"),
        (json!({"settings": {"colour": "red"}}), "settings.colour is unknown"),
        (json!({"name": null}), "name is null"),
    ] {
        let (status, problem) = scene.send(Method::POST, &path, &wish).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    // Without a word it is the whole list.
    assert_eq!(scene.ask(Method::POST, &path).await.1["contacts"], 4);
    scene.end().await;
}

#[actix_web::test]
async fn those_who_were_given_up_are_called_again_where_they_are() {
    let scene = Scene::start().await;
    // Busy as often as the policy allows, and once more: it begins anew.
    let busy = [Behavior::busy(), Behavior::busy(), Behavior::busy(), Behavior::answer()];
    scene.simulator.fix(PHONES[0], busy).unwrap();
    let policy = json!({"max_retries": 1, "backoff_hours": [0.001]});
    let campaign = scene.call(json!({ "retry_policy": policy }), &PHONES[..2]).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["failed"], 1);
    let path = format!("{campaign}/retry");
    let again = json!({"outcomes": ["busy", "no-answer"]});
    assert_eq!(scene.post(&path, again.clone()).await, json!({"contacts": 1, "state": "running"}));
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["outcomes"], json!({"busy": 3, "answered": 2}));
    assert_eq!((&done["counts"]["completed"], &done["counts"]["attempts"]), (&json!(2), &json!(5)));
    assert_eq!(scene.post(&path, again).await, json!({"contacts": 0, "state": "completed"}));
    for (wish, expected) in [
        (json!({}), "outcomes is empty"),
        (json!({"outcomes": ["answered"]}), "outcomes holds answered, expected"),
        (json!({"outcomes": ["lost"]}), "unknown outcome"),
    ] {
        let (status, problem) = scene.send(Method::POST, &path, &wish).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    let canceled = scene.upload(json!({}), &PHONES).await;
    scene.command(&canceled, "start").await;
    scene.command(&canceled, "cancel").await;
    let (status, problem) =
        scene.send(Method::POST, &format!("{canceled}/retry"), &json!({"outcomes": ["busy"]})).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:campaign-over")));
    scene.end().await;
}

#[actix_web::test]
async fn a_list_is_tried_out_with_a_few_and_then_called_to_its_end() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &PHONES).await;
    for limit in [json!(0), json!("two"), json!(-1)] {
        let (status, problem) =
            scene.send(Method::POST, &format!("{campaign}/start"), &json!({ "limit": limit })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }
    scene.post(&format!("{campaign}/start"), json!({"limit": 2})).await;
    let paused = scene.until_paused(&campaign).await;
    assert_eq!((&paused["state_reason"], &paused["limit_left"]), (&json!("limit-reached"), &json!(0)));
    assert_eq!(paused["counts"]["attempts"], 2);
    scene.post(&format!("{campaign}/resume"), json!({"limit": 1})).await;
    let paused = scene.until(&campaign, "one more", |campaign| {
        campaign["state"] == "paused" && campaign["counts"]["attempts"] == 3
    });
    assert_eq!(paused.await["state_reason"], "limit-reached");
    scene.command(&campaign, "resume").await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(done["counts"]["completed"], 4);
    scene.end().await;
}

#[actix_web::test]
async fn a_rehearsal_tells_who_would_be_called_when_and_with_what_and_calls_nobody() {
    let scene = Scene::start().await;
    // A Monday, ten o'clock in New York: in California it is seven, and nobody is called yet.
    let phones = ["+12125550101", "+14155550102", "+12125550103", "+12125550104"];
    let campaign = scene.upload(json!({}), &phones).await;
    scene.suppress(phones[2]).await;
    let (start, psql) = (format!("{campaign}/start"), scene.psql().await);
    let kept = async || {
        let sql = "SELECT jsonb_build_array((SELECT jsonb_agg(campaigns) FROM campaigns), (SELECT count(*) FROM events),
                          (SELECT jsonb_agg(contacts ORDER BY position) FROM contacts), (SELECT count(*) FROM attempts))";
        psql.query_one(sql, &[]).await.unwrap().get::<_, Value>(0)
    };
    let before = kept().await;
    let play = scene.post(&start, json!({"dry_run": true})).await;
    assert_eq!(kept().await, before);
    assert!(scene.simulator.ledger().creates().is_empty());
    assert_eq!((&play["dry_run"], &play["contacts"]), (&json!(true), &json!(4)));
    let (_, trail) = scene.ask(Method::GET, "/api/v1/audit?limit=1").await;
    assert_eq!(trail["audit"][0]["detail"], json!({"dry_run": true}), "nobody takes it for a start: {trail}");
    let calls = play["calls"].as_array().unwrap();
    let first = |phone: &str| calls.iter().find(|call| call["phone"] == phone).unwrap().clone();
    assert_eq!(calls[0]["phone"], phones[0]);
    assert!(calls[0]["local_time"].as_str().unwrap().starts_with("2026-03-02T10:"), "{play}");
    let in_california = first(phones[1]);
    assert_eq!(
        (&in_california["zone"], &in_california["local_time"]),
        (&json!("America/Los_Angeles"), &json!("2026-03-02T08:00:00"))
    );
    assert!(calls.iter().all(|call| call["phone"] != phones[2]), "{play}");
    assert_eq!(
        (&play["refused"][0]["phone"], &play["refused"][0]["because"]),
        (&json!(phones[2]), &json!("suppressed"))
    );
    let answered = calls.iter().find(|call| call["outcome"] == "answered").expect("somebody answers");
    let name = answered["name"].as_str().unwrap();
    assert_eq!(
        (&answered["heard"], &answered["state"]),
        (&json!(format!("Hello {name}")), &json!("completed"))
    );
    let finals = play["completed"].as_u64().unwrap() + play["failed"].as_u64().unwrap();
    assert_eq!((finals, &play["waiting"]), (3, &json!(0)));
    assert_eq!(play["ends_at"].as_str().is_some(), !calls.is_empty());
    let one = scene.post(&start, json!({"dry_run": true, "limit": 1})).await;
    assert_eq!((&one["contacts"], &one["calls"][0]["phone"]), (&json!(1), &json!(phones[0])));
    assert_eq!(one["calls"][0]["outcome"], calls[0]["outcome"], "the same people do the same");
    let (status, problem) = scene.send(Method::POST, &start, &json!({"dry_run": true, "limit": 500})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let nobody_s = format!("/api/v1/campaigns/{}/start", uuid::Uuid::nil());
    assert_eq!(scene.send(Method::POST, &nobody_s, &json!({"dry_run": true})).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

//! Opting out during a call: by a key, or by telling an agent.

use outdial::simulator::{Behavior, Outcome, Scenario};
use outdial::twilio::signature::sign;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{AUTH_TOKEN, Scene, Setting, settings};

const ANN: &str = "+12025550101";
const HANGUP: &str = "<Response><Hangup/></Response>";

/// A scene in which Ann takes the call, listens to the end, and presses what she presses.
async fn ann_presses(keys: &[&str]) -> Scene {
    let scenario = Scenario::always(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, speed: 20, ..Setting::default() }).await;
    let ann =
        keys.iter().fold(Behavior::answer().ringing(8.0).talking(600.0), |ann, keys| ann.pressing(keys));
    scene.simulator.fix(ANN, [ann]).unwrap();
    scene
}

fn listening_for(key: &str) -> Value {
    let script = json!({"say": format!("Hello {{{{name}}}}, {}", "this is about tomorrow. ".repeat(20))});
    json!({"opt_out_digit": key, "agent": {"name": "Ada", "script": script}})
}

async fn suppression(scene: &Scene) -> Option<Value> {
    let (status, found) = scene.ask(Method::GET, &format!("/api/v1/suppressions/{ANN}")).await;
    (status == StatusCode::OK).then_some(found)
}

/// The path of a webhook of a campaign's open call, and the call's id.
async fn webhook(scene: &Scene, campaign: &str, kind: &str) -> (String, String) {
    let attempt = scene.until_placed(campaign).await;
    let (id, sid) = (campaign.rsplit('/').next().unwrap(), attempt["sid"].as_str().unwrap());
    (format!("/webhooks/twilio/{kind}/{id}/{}", attempt["id"].as_str().unwrap()), sid.to_owned())
}

/// What is heard after a key, by a request signed as the provider signs it.
async fn press(scene: &Scene, campaign: &str, key: &str) -> (StatusCode, String) {
    let (path, sid) = webhook(scene, campaign, "keys").await;
    let form =
        [("CallSid", sid.as_str()), ("Digits", key)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = scene.post_form(&path, &form, Some(&sign(AUTH_TOKEN, &scene.url(&path), &form))).await;
    (answer.status(), answer.text().await.unwrap())
}

#[actix_web::test]
async fn whoever_presses_the_key_is_suppressed_and_hung_up_on() {
    for key in ["9", "#"] {
        let scene = ann_presses(&[key]).await;
        let campaign = scene.call(listening_for(key), &[ANN]).await;
        scene.until_completed(&campaign).await;
        assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
        let attempt = &scene.attempts(&campaign).await[0];
        assert!(attempt["duration_seconds"].as_i64().unwrap() < 20, "the script went on: {attempt}");
        let suppression = suppression(&scene).await.expect("a suppression");
        assert_eq!(suppression["source"], "opt-out-key");
        assert_eq!(suppression["reason"], format!("pressed {key} during a call"));
        assert!(suppression["note"].as_str().unwrap().contains(attempt["id"].as_str().unwrap()));
        let again = scene.call(json!({}), &[ANN]).await;
        assert_eq!(scene.until_completed(&again).await["counts"]["suppressed"], 1);
        assert_eq!(scene.simulator.ledger().creates().len(), 1);
        scene.end().await;
    }
}

#[actix_web::test]
async fn another_key_lets_the_script_begin_anew_and_suppresses_nobody() {
    let scene = ann_presses(&["5", "*"]).await;
    let campaign = scene.call(listening_for("9"), &[ANN]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(suppression(&scene).await, None);
    let ledger = scene.simulator.ledger();
    let posted: Vec<_> = ledger.callbacks.iter().filter(|callback| callback.url.contains("/keys/")).collect();
    assert_eq!(posted.len(), 2, "what follows a key listens for keys, too");
    let attempt = &scene.attempts(&campaign).await[0];
    assert!(attempt["duration_seconds"].as_i64().unwrap() > 20, "the script was not heard: {attempt}");
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_that_listens_for_no_key_says_what_it_always_said() {
    let scene = ann_presses(&["9"]).await;
    let campaign = scene.call(json!({}), &[ANN]).await;
    scene.until_completed(&campaign).await;
    let ledger = scene.simulator.ledger();
    let create = ledger.creates()[0];
    assert!(!create.parameter("Twiml").unwrap().contains("Gather"));
    assert_eq!(create.parameter("FallbackUrl"), None);
    scene.end().await;
}

#[actix_web::test]
async fn a_key_may_be_posted_twice_and_only_by_the_provider() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), speed: 1, ..Setting::default() })
            .await;
    let campaign = scene.call(listening_for("9"), &[ANN]).await;
    let (path, sid) = webhook(&scene, &campaign, "keys").await;
    let form = [("CallSid".to_owned(), sid), ("Digits".to_owned(), "9".to_owned())];
    assert_eq!(scene.post_form(&path, &form, None).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(suppression(&scene).await, None);
    for _ in 0..2 {
        let (status, heard) = press(&scene, &campaign, "9").await;
        assert!(status == StatusCode::OK && heard.ends_with(HANGUP), "{status}: {heard}");
    }
    let (_, heard) = press(&scene, &campaign, "").await;
    assert!(heard.contains("Hello Person 1"), "{heard}");
    let nobody = format!("/webhooks/twilio/keys/{0}/{0}", uuid::Uuid::now_v7());
    let signature = sign(AUTH_TOKEN, &scene.url(&nobody), &form);
    assert_eq!(scene.post_form(&nobody, &form, Some(&signature)).await.status(), StatusCode::NOT_FOUND);
    scene.end().await;
}

/// The provider comes again after a 503, and when it has come often enough it fetches the call's fallback. What was
/// pressed is stored as soon as it can be, whether it came again or not.
#[actix_web::test]
async fn an_opt_out_that_cannot_be_stored_yet_is_not_answered_and_not_forgotten() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), speed: 1, ..Setting::default() })
            .await;
    let campaign = scene.call(listening_for("9"), &[ANN]).await;
    scene.until_placed(&campaign).await;
    let psql = scene.psql().await;
    let (path, sid) = webhook(&scene, &campaign, "sorry").await;
    psql.batch_execute("BEGIN; LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let (status, answer) = press(&scene, &campaign, "9").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let form = [("CallSid".to_owned(), sid)];
    let sorry = scene.post_form(&path, &form, Some(&sign(AUTH_TOKEN, &scene.url(&path), &form))).await;
    assert_eq!(sorry.status(), StatusCode::OK);
    assert!(sorry.text().await.unwrap().contains("Goodbye"));
    psql.batch_execute("ROLLBACK").await.unwrap();
    eventually("it is stored all the same", || suppression(&scene)).await;
    let ledger = scene.simulator.ledger();
    let fallback = ledger.creates()[0].parameter("FallbackUrl").expect("a fallback");
    assert!(fallback.contains("/webhooks/twilio/sorry/"), "{fallback}");
    scene.end().await;
}

/// The provider's fifteen seconds are real ones, and so is this scene's length.
#[actix_web::test]
async fn whoever_presses_the_key_while_nothing_can_be_stored_hears_no_error() {
    let scene = ann_presses(&["9"]).await;
    let campaign = scene.upload(listening_for("9"), &[ANN]).await;
    let psql = scene.psql().await;
    scene.command(&campaign, "start").await;
    scene.until_placed(&campaign).await;
    psql.batch_execute("BEGIN; LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let fetched = |part: &str| {
        let callbacks = scene.simulator.ledger().callbacks;
        callbacks.into_iter().find(|callback| callback.url.contains(part))
    };
    let sorry = eventually("the fallback is fetched", || async { fetched("/sorry/") }).await;
    assert_eq!(sorry.answer, Some(200));
    let key = fetched("/keys/").expect("the key was posted");
    assert_eq!((key.tries, key.answer), (6, Some(503)));
    psql.batch_execute("ROLLBACK").await.unwrap();
    scene.until_completed(&campaign).await;
    let notices = &scene.simulator.calls()[0].notices;
    assert_eq!(notices.len(), 1, "the fallback was not good enough: {notices:?}");
    let suppression = eventually("it is stored all the same", || suppression(&scene)).await;
    assert_eq!(suppression["source"], "opt-out-key");
    scene.end().await;
}

#[actix_web::test]
async fn a_key_is_refused_where_others_listen() {
    let scene = Scene::start().await;
    for script in [
        json!({"url": "https://flows.example/twiml"}),
        json!({"connect": {"stream": {"url": "wss://agent.example/ws"}}}),
    ] {
        let changes = json!({"opt_out_digit": "9", "agent": {"name": "Ada", "script": script}});
        let (status, problem) = scene.upload_file(&settings(changes), format!("phone\n{ANN}\n")).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-script"))
        );
        assert!(
            problem["detail"].as_str().unwrap().contains("expected a script with say or play"),
            "{problem}"
        );
    }
    scene.end().await;
}

#[actix_web::test]
async fn whoever_tells_an_agent_is_suppressed_and_his_call_ended_if_the_agent_wants() {
    let scene = ann_presses(&[]).await;
    let long = json!({"agent": {"name": "Ada", "script": {"say": "On and on. ".repeat(100)}}});
    for ends_call in [true, false] {
        scene.ask(Method::DELETE, &format!("/api/v1/suppressions/{ANN}")).await;
        let campaign = scene.call(long.clone(), &[ANN]).await;
        let talking = eventually("she talks", || async {
            scene.attempts(&campaign).await.into_iter().find(|attempt| attempt["status"] == "in-progress")
        })
        .await;
        let path = format!("{campaign}/attempts/{}/opt-out", talking["id"].as_str().unwrap());
        let body = json!({"note": "said so twice", "end_call": ends_call});
        let (status, told) = scene.send(Method::POST, &path, &body).await;
        assert_eq!((status, &told["ends_call"]), (StatusCode::OK, &json!(ends_call)), "{told}");
        assert_eq!((&told["source"], &told["note"]), (&json!("agent"), &json!("said so twice")));
        scene.until_completed(&campaign).await;
        assert_eq!(scene.outcomes(&campaign).await, ["answered"]);
        let seconds = scene.attempts(&campaign).await[0]["duration_seconds"].as_i64().unwrap();
        assert_eq!(seconds < 60, ends_call, "the call lasted {seconds} seconds");
        let (status, told) = scene.ask(Method::POST, &path).await;
        assert_eq!((status, &told["ends_call"]), (StatusCode::OK, &json!(false)), "it is over: {told}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn an_agent_who_names_no_attempt_or_writes_too_much_is_told_so() {
    let scene = ann_presses(&[]).await;
    let campaign = scene.call(json!({}), &[ANN]).await;
    let attempt = scene.until_placed(&campaign).await;
    let other = scene.upload(json!({}), &["+12025550109"]).await;
    let path = |campaign: &str| format!("{campaign}/attempts/{}/opt-out", attempt["id"].as_str().unwrap());
    let (status, _) = scene.ask(Method::POST, &path(&other)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for body in [json!({"note": "x".repeat(2001)}), json!({"colour": "red"})] {
        let (status, problem) = scene.send(Method::POST, &path(&campaign), &body).await;
        let refused = (status, &problem["type"]);
        assert_eq!(refused, (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-opt-out")));
    }
    assert_eq!(suppression(&scene).await, None);
    scene.end().await;
}

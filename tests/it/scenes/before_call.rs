//! Servers that are asked before each call, whatever they say, and where they say nothing.

use chrono::{DateTime, Utc};
use outdial::db::campaigns::{Command, Moved, command};
use outdial::db::keys::ensure_team;
use outdial::db::{Database, Tls};
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::receiver::{Received, Receiver, Reply};
use crate::support::scene::{Scene, Setting};

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";
const CID: &str = "+12025550103";
const DEE: &str = "+12025550104";

fn say(answer: Value) -> Reply {
    Reply::Say(answer.to_string())
}

fn agree() -> Reply {
    say(json!({"decision": "call"}))
}

async fn fast() -> Scene {
    let scenario = Scenario::instant(Outcome::Answer);
    Scene::with(Setting { speed: 200, scenario, ..Setting::default() }).await
}

/// Makes a hook that is told of nothing, and returns its id.
async fn hook(scene: &Scene, url: &str) -> String {
    let form = json!({"url": url, "kinds": []});
    let (status, made) = scene.send(Method::POST, "/api/v1/hooks", &form).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn asked_about(received: &Received) -> String {
    received.json()["contact"]["phone"].as_str().expect("a number").to_owned()
}

/// Whom the provider was asked to call, in order.
fn called(scene: &Scene) -> Vec<String> {
    scene.simulator.calls().into_iter().map(|call| call.to).collect()
}

async fn contact(scene: &Scene, campaign: &str, phone: &str) -> Value {
    let (_, found) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let all = found["contacts"].as_array().expect("contacts");
    let id = all.iter().find(|contact| contact["phone"] == phone).expect("the contact")["id"].clone();
    let (status, contact) =
        scene.ask(Method::GET, &format!("{campaign}/contacts/{}", id.as_str().unwrap())).await;
    assert_eq!(status, StatusCode::OK, "{contact}");
    contact
}

#[actix_web::test]
async fn who_is_next_is_called_vetoed_or_postponed_as_the_server_says() {
    let scene = fast().await;
    let server = Receiver::start(|received| match asked_about(received).as_str() {
        BOB => say(json!({"decision": "veto", "reason": "has paid meanwhile"})),
        CID if received.json()["at"].as_str() < Some("2026-03-02T15:30:00") => {
            say(json!({"decision": "postpone", "for_seconds": 3600, "reason": "in a meeting"}))
        }
        _ => agree(),
    })
    .await;
    let hook = hook(&scene, server.url()).await;
    let campaign = scene.call(json!({"before_call": {"hook": hook}}), &[ANN, BOB, CID, DEE]).await;
    let is_put_off = |campaign: &Value| campaign["waiting"]["because"] == "nobody-due";
    scene.until(&campaign, "only the postponed one is left", is_put_off).await;
    let postponed = contact(&scene, &campaign, CID).await;
    let said = "postponed by the server that is asked before each call: in a meeting";
    assert_eq!((&postponed["state"], &postponed["before_call"]), (&json!("pending"), &json!(said)));
    let message = postponed["next_call"]["message"].as_str().unwrap();
    assert!(message.contains(said), "{message}");
    let vetoed = contact(&scene, &campaign, BOB).await;
    let said = "vetoed by the server that is asked before each call: has paid meanwhile";
    assert_eq!((&vetoed["state"], &vetoed["last_outcome"]), (&json!("failed"), &json!("blocked")));
    assert_eq!((&vetoed["before_call"], &vetoed["attempts"]), (&json!(said), &json!(0)));
    let message = vetoed["next_call"]["message"].as_str().unwrap();
    assert!(message.ends_with(said), "{message}");

    let done = scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [ANN, DEE, CID]);
    assert_eq!((&done["counts"]["completed"], &done["counts"]["failed"]), (&json!(3), &json!(1)));
    // Each was asked about once for each decision, in the order of the list, and whole.
    let received: Vec<Received> = server.received().into_iter().map(|(received, _)| received).collect();
    let asked: Vec<String> = received.iter().map(asked_about).collect();
    assert_eq!(asked, [ANN, BOB, CID, DEE, CID]);
    let question = received[0].json();
    assert_eq!(
        (&question["kind"], &question["contact"]["name"]),
        (&json!("before_call"), &json!("Person 1"))
    );
    assert!(received[0].id.starts_with("ask_") && received[0].signature.starts_with("v1,"), "{received:?}");
    let at = |attempt: &Value| attempt["intended_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let attempts = scene.attempts(&campaign).await;
    assert!(at(&attempts[2]) - at(&attempts[0]) >= chrono::TimeDelta::hours(1), "{attempts:?}");
    // Once it was called, nothing keeps it from being.
    assert_eq!(contact(&scene, &campaign, CID).await["before_call"], Value::Null);
    scene.end().await;
}

#[actix_web::test]
async fn without_an_answer_nobody_is_called_and_it_is_said_why() {
    let scene = fast().await;
    let server = Receiver::start(|_| Reply::FAIL).await;
    let hook = hook(&scene, server.url()).await;
    let campaign = scene.call(json!({"before_call": {"hook": hook, "timeout_seconds": 1}}), &[ANN]).await;
    let waits = |why: &'static str| {
        move |campaign: &Value| {
            let waiting = &campaign["waiting"];
            waiting["because"] == "before-call"
                && waiting["rule"].as_str().is_some_and(|rule| rule.contains(why))
        }
    };
    let closed = scene.until(&campaign, "it waits for an answer", waits("it answered 500")).await;
    assert!(closed["waiting"]["until"].is_string(), "{closed}");
    let (_, shown) = scene.ask(Method::GET, &format!("/api/v1/hooks/{hook}")).await;
    assert!(shown["silent_until"].is_string(), "{shown}");
    // Whatever is no word is no consent.
    for (reply, why) in [
        (Reply::TAKE, "its answer is no JSON"),
        (say(json!({"decision": "\u{0}"})), "its answer is none that is known"),
        (Reply::Say("OK".to_owned()), "its answer is no JSON"),
        (Reply::Say(" ".repeat(20_000)), "its answer is longer than"),
        (Reply::Status(307, "Location: http://127.0.0.1:9/"), "it answered 307"),
        (Reply::Close, "the connection broke"),
        (Reply::Hang, "no answer within 1 seconds"),
    ] {
        server.will(move |_| reply.clone());
        scene.until(&campaign, why, waits(why)).await;
    }
    // A hook that is stopped is not asked, and nobody is called either.
    let path = format!("/api/v1/hooks/{hook}");
    let (_, stopped) = scene.send(Method::PATCH, &path, &json!({"enabled": false})).await;
    assert_eq!(stopped["enabled"], false);
    let off = scene.until(&campaign, "its hook is stopped", waits("its hook is stopped")).await;
    assert_eq!(off["waiting"]["until"], Value::Null);
    let (status, problem) = scene.ask(Method::DELETE, &path).await;
    let refused = (status, &problem["type"]);
    assert_eq!(refused, (StatusCode::CONFLICT, &json!("urn:outdial:hook-in-use")), "{problem}");
    assert_eq!(called(&scene), [] as [&str; 0]);

    server.will(|_| agree());
    let (_, enabled) = scene.send(Method::PATCH, &path, &json!({"enabled": true})).await;
    assert_eq!((&enabled["enabled"], &enabled["silent_until"]), (&json!(true), &Value::Null));
    scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [ANN]);
    let (status, _) = scene.ask(Method::DELETE, &path).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    scene.end().await;
}

#[actix_web::test]
async fn a_silent_server_stops_nobody_where_that_was_wished() {
    let scene = fast().await;
    let server = Receiver::start(|_| Reply::FAIL).await;
    let hook = hook(&scene, server.url()).await;
    let before_call = json!({"before_call": {"hook": hook, "if_silent": "call"}});
    let campaign = scene.call(before_call, &[ANN, BOB, CID]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [ANN, BOB, CID]);
    scene.end().await;
}

/// Does something while a receiver has not answered yet, on a thread and with a runtime of its own: the receiver's waits for it.
fn meanwhile<F: Future<Output = ()>>(done: impl FnOnce() -> F + Send + 'static) {
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(done())).join().unwrap();
}

fn id_of(campaign: &str) -> Uuid {
    campaign.rsplit('/').next().unwrap().parse().unwrap()
}

/// Makes somebody due before all others.
async fn hasten(database: tokio_postgres::Config, phone: &'static str) {
    let (psql, connection) = database.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let sql = "UPDATE contacts SET timed = true, due_at = now() - interval '10 years' WHERE phone = $1";
    psql.execute(sql, &[&phone]).await.unwrap();
    psql.batch_execute("UPDATE areas SET due_cursor = DEFAULT").await.unwrap();
}

/// Pauses a campaign, as a person does.
async fn pause(database: tokio_postgres::Config, campaign: Uuid, now: DateTime<Utc>) {
    let database = Database::new(database, Tls::Off).unwrap();
    let team = ensure_team(&database).await.unwrap();
    let paused = command(&database, team, campaign, Command::Pause, (None, None), now).await.unwrap();
    assert_eq!(paused, Moved::Done);
}

/// Gives the only campaign's settings another version, as every edit does.
async fn edit(database: tokio_postgres::Config) {
    let (psql, connection) = database.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    psql.batch_execute("UPDATE campaigns SET settings_version = settings_version + 1").await.unwrap();
}

/// Between the question and the claim somebody comes before the one who was asked about.
#[actix_web::test]
async fn nobody_is_called_by_a_word_that_was_meant_for_another() {
    let scene = fast().await;
    let database = scene.database.clone();
    let mut is_first = true;
    let server = Receiver::start(move |_| {
        if std::mem::take(&mut is_first) {
            let database = database.clone();
            meanwhile(|| hasten(database, BOB));
        }
        agree()
    })
    .await;
    let hook = hook(&scene, server.url()).await;
    let campaign = scene.call(json!({"before_call": {"hook": hook}}), &[ANN, BOB]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [BOB, ANN]);
    let asked: Vec<String> = server.received().iter().map(|(received, _)| asked_about(received)).collect();
    assert_eq!(asked, [ANN, BOB, ANN], "each was asked about just before the call");
    scene.end().await;
}

#[actix_web::test]
async fn nobody_is_called_or_vetoed_by_a_word_that_comes_after_a_pause() {
    let scene = fast().await;
    let server = Receiver::start(|_| agree()).await;
    let hook = hook(&scene, server.url()).await;
    let campaign = scene.upload(json!({"before_call": {"hook": hook}}), &[ANN, BOB]).await;
    let is_paused = |campaign: &Value| campaign["state"] == "paused";
    for (answer, asked) in [(agree(), 1), (say(json!({"decision": "veto"})), 2)] {
        let (database, clock, id) = (scene.database.clone(), scene.clock.clone(), id_of(&campaign));
        let mut is_first = true;
        server.will(move |_| {
            if std::mem::take(&mut is_first) {
                let (database, now) = (database.clone(), clock.now());
                meanwhile(move || pause(database, id, now));
            }
            answer.clone()
        });
        scene.command(&campaign, if asked == 1 { "start" } else { "resume" }).await;
        scene.until(&campaign, "it is paused", is_paused).await;
        eventually("the word has come", || async { (server.received().len() >= asked).then_some(()) }).await;
    }
    server.will(|_| agree());
    scene.command(&campaign, "resume").await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [ANN, BOB]);
    assert_eq!(done["counts"]["failed"], 0, "{done}");
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"], "nobody was claimed meanwhile");
    scene.end().await;
}

#[actix_web::test]
async fn a_word_is_good_only_for_the_settings_under_which_it_was_given() {
    let scene = fast().await;
    let server = Receiver::start(|_| agree()).await;
    let hook = hook(&scene, server.url()).await;
    let campaign = scene.upload(json!({"before_call": {"hook": hook}}), &[ANN, BOB]).await;
    let database = scene.database.clone();
    let mut asked = 0;
    server.will(move |_| {
        asked += 1;
        if asked % 2 == 1 {
            let database = database.clone();
            meanwhile(|| edit(database));
        }
        if asked == 1 { say(json!({"decision": "veto"})) } else { agree() }
    });
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    assert_eq!(called(&scene), [ANN, BOB]);
    let asked: Vec<String> = server.received().iter().map(|(received, _)| asked_about(received)).collect();
    assert_eq!(asked, [ANN, ANN, BOB, BOB], "each was asked about anew after the edit");
    scene.end().await;
}

#[actix_web::test]
async fn who_is_asked_has_to_be_there() {
    let scene = Scene::start().await;
    let refused = |before_call: Value| {
        let scene = &scene;
        async move {
            let settings = crate::support::scene::settings(json!({ "before_call": before_call }));
            let (status, problem) = scene.upload_file(&settings, format!("phone\n{ANN}\n")).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
            problem["detail"].as_str().unwrap().to_owned()
        }
    };
    let stranger = "01890000-0000-7000-8000-000000000000";
    for (before_call, expected) in [
        (json!({"hook": stranger}), "before_call.hook: the team has no such hook"),
        (json!({"hook": "our CRM"}), "before_call.hook"),
        (json!({}), "before_call.hook is missing"),
        (json!({"hook": stranger, "timeout_seconds": 60}), "timeout_seconds is 60, expected seconds from 1"),
        (json!({"hook": stranger, "if_silent": "hope"}), "expected one of wait, call"),
    ] {
        let detail = refused(before_call).await;
        assert!(detail.contains(expected), "{detail}");
    }
    let campaign = scene.upload(json!({}), &[ANN]).await;
    let change = json!({"before_call": {"hook": stranger}});
    let (status, problem) = scene.send(Method::PATCH, &campaign, &change).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    scene.end().await;
}

//! Requests that come again with the same `Idempotency-Key`: what they make is made once.

use std::collections::BTreeSet;

use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Scene, settings};

const LIST: &str = "name,phone\nAda,+12025550101\nBob,+12025550102\nEve,12\n";

/// An answer: its status, whether it was given before, and its body.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: StatusCode,
    is_replayed: bool,
    body: Value,
}

async fn send(request: RequestBuilder, name: &str) -> Answer {
    let answer = request.header("Idempotency-Key", name).send().await.unwrap();
    let (status, is_replayed) = (answer.status(), answer.headers().contains_key("idempotent-replayed"));
    if status == StatusCode::CONFLICT && !is_replayed {
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
    }
    Answer { status, is_replayed, body: answer.json().await.unwrap_or_default() }
}

/// A list with settings, in parts: the boundary between them is another one each time.
fn upload(scene: &Scene, path: &str, settings: Option<&Value>, list: &str) -> RequestBuilder {
    let file = Part::text(list.to_owned()).file_name("list.csv");
    let parts = settings.map_or(Form::new(), |settings| Form::new().text("settings", settings.to_string()));
    scene.stranger().post(scene.url(path)).bearer_auth(API_TOKEN).multipart(parts.part("file", file))
}

fn campaign(scene: &Scene, name: &str) -> RequestBuilder {
    upload(scene, "/api/v1/campaigns", Some(&settings(json!({"name": name}))), LIST)
}

fn agent(scene: &Scene, name: &str) -> RequestBuilder {
    let agent = json!({"name": name, "script": {"say": "Hello"}});
    scene.stranger().post(scene.url("/api/v1/agents")).bearer_auth(API_TOKEN).json(&agent)
}

async fn count(scene: &Scene, table: &str) -> i64 {
    scene.psql().await.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

/// Makes it as if the process had died before the answer to this request was kept.
async fn die_before_the_answer(scene: &Scene, name: &str) {
    const SQL: &str = "
        UPDATE idempotency_keys SET status = NULL, body = NULL, node = gen_random_uuid() WHERE name = $1";
    assert_eq!(scene.psql().await.execute(SQL, &[&name]).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_campaign_is_made_once_however_often_and_at_whatever_time_its_request_comes() {
    let scene = Scene::start().await;
    let all = futures_util::future::join_all((0..4).map(|_| send(campaign(&scene, "recall"), "k"))).await;
    let made = all.iter().find(|answer| answer.status == StatusCode::CREATED).expect("one is made").clone();
    for other in &all {
        let is_waiting = other.body["type"] == "urn:outdial:request-under-way";
        assert!(other.body == made.body || is_waiting && other.status == StatusCode::CONFLICT, "{other:?}");
    }
    assert_eq!(count(&scene, "campaigns").await, 1);
    let again = send(campaign(&scene, "recall"), "k").await;
    assert_eq!(again, Answer { is_replayed: true, ..made.clone() });
    // In quotation marks, as the draft has it, it is the same name.
    assert_eq!(send(campaign(&scene, "recall"), "\"k\"").await, again);
    for another in [
        campaign(&scene, "renewal"),
        upload(
            &scene,
            "/api/v1/campaigns",
            Some(&settings(json!({"name": "recall"}))),
            "phone\n+12025550109\n",
        ),
        agent(&scene, "Ada"),
    ] {
        let refused = send(another, "k").await;
        assert_eq!(
            (refused.status, &refused.body["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:idempotency-key-reused"))
        );
    }
    // Another team's requests are its own, whatever they are called.
    let (theirs, form) =
        (super::other_team(&scene).await, json!({"name": "Ada", "script": {"say": "Hello"}}));
    let theirs = scene.stranger().post(scene.url("/api/v1/agents")).bearer_auth(theirs).json(&form);
    assert_eq!(send(theirs, "k").await.status, StatusCode::CREATED);
    assert_eq!(count(&scene, "campaigns").await, 1);
    let (_, trail) = scene.ask(reqwest::Method::GET, "/api/v1/audit").await;
    let replays =
        trail["audit"].as_array().unwrap().iter().filter(|entry| entry["detail"]["replayed"] == true);
    assert!(replays.count() >= 2, "{trail}");
    scene.end().await;
}

#[actix_web::test]
async fn a_request_whose_answer_was_lost_in_a_crash_finds_what_it_has_made_or_makes_it_then() {
    let scene = Scene::start().await;
    let made = send(campaign(&scene, "recall"), "a-campaign").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let path = format!("/api/v1/campaigns/{}/contacts", made.body["id"].as_str().unwrap());
    let more = || upload(&scene, &path, None, "phone\n+12025550103\n+12025550101\n1\n");
    let look = || upload(&scene, "/api/v1/imports", None, LIST);
    let kept = send(upload(&scene, "/api/v1/imports", None, LIST), "kept").await;
    let kept = format!("/api/v1/imports/{}/again", kept.body["id"].as_str().unwrap());
    let otherwise = || {
        let said = json!({"default_region": "CA"});
        scene.stranger().post(scene.url(&kept)).bearer_auth(API_TOKEN).json(&said)
    };
    let all = [
        ("a-campaign", made),
        ("more", send(more(), "more").await),
        ("a-list", send(look(), "a-list").await),
        ("read-again", send(otherwise(), "read-again").await),
        ("an-agent", send(agent(&scene, "Ada"), "an-agent").await),
    ];
    let before =
        [count(&scene, "contacts").await, count(&scene, "imports").await, count(&scene, "agents").await];
    for (name, made) in &all {
        assert_eq!((made.status, made.is_replayed), (StatusCode::CREATED, false), "{name}: {}", made.body);
        die_before_the_answer(&scene, name).await;
        let request = match *name {
            "a-campaign" => campaign(&scene, "recall"),
            "more" => more(),
            "a-list" => look(),
            "read-again" => otherwise(),
            _ => agent(&scene, "Ada"),
        };
        let found = send(request, name).await;
        assert_eq!((found.status, found.is_replayed), (StatusCode::CREATED, true), "{name}: {}", found.body);
        let members = |answer: &Answer| -> BTreeSet<String> {
            answer.body.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(members(&found), members(made), "{name}");
        for member in ["id", "import_id", "imported", "rejected", "first"] {
            assert_eq!(found.body[member], made.body[member], "{name}: {member}");
        }
        let rows = |answer: &Answer| answer.body["refused"].as_array().map(Vec::len);
        assert_eq!(rows(&found), rows(made), "{name}");
    }
    let after =
        [count(&scene, "contacts").await, count(&scene, "imports").await, count(&scene, "agents").await];
    assert_eq!(before, after);
    // The other crash: nothing was made yet. It is made under the id that it was to have.
    let id = Uuid::now_v7();
    scene
        .psql()
        .await
        .execute("UPDATE idempotency_keys SET made_id = $1 WHERE name = 'an-agent'", &[&id])
        .await
        .unwrap();
    die_before_the_answer(&scene, "an-agent").await;
    let made = send(agent(&scene, "Ada"), "an-agent").await;
    assert_eq!((made.status, made.is_replayed), (StatusCode::CREATED, false), "{}", made.body);
    assert_eq!(made.body["id"], id.to_string());
    scene.end().await;
}

#[actix_web::test]
async fn while_a_request_is_under_way_it_is_not_carried_out_again_and_it_ends_also_if_nobody_waits() {
    let scene = Scene::start().await;
    let mut psql = scene.psql().await;
    let holding = psql.transaction().await.unwrap();
    holding.batch_execute("LOCK TABLE agents IN SHARE MODE").await.unwrap();
    let begun = eventually("the request is under way", || async {
        (count(&scene, "idempotency_keys").await > 0).then_some(())
    });
    tokio::select! {
        answer = send(agent(&scene, "Ada"), "k") => panic!("nothing holds it up: {answer:?}"),
        () = begun => {}
    }
    // Whoever asked has hung up.
    let request = agent(&scene, "Ada").header("Idempotency-Key", "k").send().await.unwrap();
    assert_eq!(
        (request.status(), &request.headers()["retry-after"]),
        (StatusCode::CONFLICT, &"1".parse().unwrap())
    );
    assert_eq!(request.json::<Value>().await.unwrap()["type"], "urn:outdial:request-under-way");
    holding.commit().await.unwrap();
    let answered = eventually("it was carried out", || async {
        let answer = send(agent(&scene, "Ada"), "k").await;
        (answer.status == StatusCode::CREATED).then_some(answer)
    })
    .await;
    assert!(answered.is_replayed, "{answered:?}");
    assert_eq!(count(&scene, "agents").await, 1);
    scene.end().await;
}

#[actix_web::test]
async fn a_refused_request_may_be_put_right_and_one_that_failed_stays_what_it_was() {
    const BREAK: &str = "
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION fail()";
    let scene = Scene::start().await;
    let late = settings(json!({"name": "late", "from": "nobody"}));
    let refused = send(upload(&scene, "/api/v1/campaigns", Some(&late), LIST), "k").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    let nobody = settings(json!({"name": "nobody"}));
    let refused = send(upload(&scene, "/api/v1/campaigns", Some(&nobody), "phone\n12\n"), "k").await;
    assert_eq!(refused.body["type"], "urn:outdial:nobody-to-call", "{}", refused.body);
    assert_eq!(send(campaign(&scene, "late"), "k").await.status, StatusCode::CREATED);
    let psql = scene.psql().await;
    psql.batch_execute(BREAK).await.unwrap();
    assert_eq!(send(agent(&scene, "Ada"), "a").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let other = send(agent(&scene, "Bob"), "a").await;
    assert_eq!(other.body["type"], "urn:outdial:idempotency-key-reused", "{}", other.body);
    psql.batch_execute("DROP TRIGGER fail ON agents").await.unwrap();
    let made = send(agent(&scene, "Ada"), "a").await;
    assert_eq!((made.status, made.is_replayed), (StatusCode::CREATED, false), "{}", made.body);
    assert_eq!(send(agent(&scene, "Ada"), "a").await, Answer { is_replayed: true, ..made });
    for bad in ["", "a b", &"x".repeat(256)] {
        let refused = send(agent(&scene, "Ada"), bad).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad:?}: {}", refused.body);
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_key_is_made_once_and_its_secret_is_kept_nowhere() {
    let scene = Scene::start().await;
    let form = json!({"name": "the night shift", "role": "viewer"});
    let key = || scene.stranger().post(scene.url("/api/v1/keys")).bearer_auth(API_TOKEN).json(&form);
    let made = send(key(), "k").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    for _ in 0..2 {
        let again = send(key(), "k").await;
        assert_eq!(
            (again.status, &again.body["type"], &again.body["id"]),
            (StatusCode::CONFLICT, &json!("urn:outdial:shown-once"), &made.body["id"])
        );
        die_before_the_answer(&scene, "k").await;
    }
    assert_eq!(count(&scene, "api_keys").await, 2, "this one, and the environment's");
    assert_eq!(count(&scene, "idempotency_keys WHERE body IS NOT NULL").await, 0);
    scene.end().await;
}

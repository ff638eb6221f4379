//! What happens, told as it happens.

use std::time::Duration;

use outdial::domain::access::Role;
use outdial::simulator::{Outcome, Scenario};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::access::{key, other_team};
use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Scene, Setting};
use crate::support::stream::{Sent, Stream};

const EVENTS: &str = "/api/v1/events";

impl Scene {
    /// Follows what is told under a path, from an event on, or from now on.
    async fn follow(&self, key: &str, path: &str, last_event_id: Option<i64>) -> Stream {
        let mut request =
            self.stranger().get(self.url(path)).bearer_auth(key).header("Accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let mut stream = Stream::of(response);
        stream.last_event_id = last_event_id;
        stream
    }

    /// The last position that was given.
    async fn present(&self) -> i64 {
        self.psql().await.query_one("SELECT last_position FROM relay", &[]).await.unwrap().get(0)
    }

    /// All that was told by now, a page at a time.
    async fn all_events(&self, path: &str) -> Vec<Value> {
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let (status, page) = self.ask(Method::GET, &format!("{path}?after={after}&limit=7")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let some = page["events"].as_array().unwrap();
            if some.is_empty() {
                return events;
            }
            after = page["next"]["after"].as_i64().unwrap();
            events.extend(some.iter().cloned());
        }
    }
}

fn everybody_answers() -> Setting {
    Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }
}

async fn next_of(stream: &mut Stream) -> Sent {
    timeout(Duration::from_secs(20), stream.next()).await.expect("an event in time").expect("a stream")
}

#[actix_web::test]
async fn whoever_follows_hears_a_campaign_s_life_as_it_happens_and_in_its_order() {
    let scene = Scene::with(everybody_answers()).await;
    let mut team = scene.follow(API_TOKEN, EVENTS, None).await;
    let mut calls = scene.follow(API_TOKEN, &format!("{EVENTS}?kinds=attempt.answered"), None).await;
    let campaign = scene.upload(json!({}), &["+12025550101", "+12025550102"]).await;
    let mut one = scene.follow(API_TOKEN, &format!("{campaign}/events"), Some(0)).await;
    scene.command(&campaign, "start").await;
    let (mut heard, mut progress) = (Vec::<Sent>::new(), Vec::<Value>::new());
    while progress.last().is_none_or(|last| last["completed"] != 2) {
        let sent = next_of(&mut one).await;
        match sent.kind.as_str() {
            "campaign.progress" => progress.push(sent.data),
            // Between two calls, if the second is waited for.
            "campaign.waiting" => {}
            _ => heard.push(sent),
        }
    }
    let call = ["attempt.started", "attempt.answered", "attempt.ended", "contact.completed"];
    let expected: Vec<&str> = ["campaign.created", "campaign.started", "campaign.running"]
        .into_iter()
        .chain(call)
        .chain(call)
        .chain(["campaign.completed"])
        .collect();
    assert_eq!(heard.iter().map(|sent| sent.kind.as_str()).collect::<Vec<_>>(), expected);
    let ended = &heard[5].data;
    assert_eq!(
        (&ended["data"]["outcome"], &ended["contact"]["phone"]),
        (&json!("answered"), &json!("+12025550101"))
    );
    assert_eq!(heard[1].data["by"]["name"], "from the environment");
    assert!(progress.iter().all(|progress| progress["contacts"] == 2), "{progress:?}");
    // The whole team's stream said the same, and the one of some kinds nothing else.
    for expected in heard.iter().filter(|sent| sent.kind != "campaign.waiting") {
        let sent = loop {
            let sent = next_of(&mut team).await;
            if !["campaign.progress", "campaign.waiting"].contains(&sent.kind.as_str()) {
                break sent;
            }
        };
        assert_eq!((sent.id, &sent.data), (expected.id, &expected.data));
    }
    for _ in 0..2 {
        assert_eq!(next_of(&mut calls).await.kind, "attempt.answered");
    }
    // It is all there to be read a page at a time, too.
    let pages = scene.all_events(&format!("{campaign}/events")).await;
    let ids = |of: &[Value]| of.iter().map(|event| event["id"].as_i64().unwrap()).collect::<Vec<_>>();
    let told: Vec<Value> = pages.into_iter().filter(|event| event["kind"] != "campaign.waiting").collect();
    assert_eq!(ids(&told), heard.iter().map(|sent| sent.id.unwrap()).collect::<Vec<_>>());
    scene.end().await;
}

/// A client that loses its connection again and again, wherever it is, also because the server is restarted.
#[actix_web::test]
async fn a_client_that_comes_again_a_hundred_times_is_told_each_event_once_and_in_order() {
    let mut scene = Scene::with(everybody_answers()).await;
    let phones: Vec<String> = (0..60).map(|n| format!("+1202555{:04}", 100 + n)).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let changes = json!({"pacing": {"delay_seconds": 0}});
    let campaigns =
        [scene.call(changes.clone(), &phones[..30]).await, scene.call(changes.clone(), &phones[30..]).await];
    let mut chance = StdRng::seed_from_u64(20);
    let (mut heard, mut last, mut visits) = (Vec::<Sent>::new(), 0, 0);
    let is_over = |heard: &[Sent]| heard.iter().filter(|sent| sent.kind == "campaign.completed").count() == 2;
    while visits < 100 || !is_over(&heard) {
        if visits == 40 {
            scene.stop_program().await;
            scene.start_program().await;
        }
        visits += 1;
        let mut stream = scene.follow(API_TOKEN, EVENTS, Some(last)).await;
        let patience = Duration::from_millis(chance.random_range(5..400));
        for _ in 0..chance.random_range(0..20) {
            match timeout(patience, stream.next()).await {
                Ok(Some(sent)) if sent.id.is_some() => heard.push(sent),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        last = stream.last_event_id.unwrap();
    }
    assert!(heard.windows(2).all(|pair| pair[0].id < pair[1].id), "each once and in order");
    let expected = scene.all_events(EVENTS).await;
    let ids: Vec<i64> = expected.iter().map(|event| event["id"].as_i64().unwrap()).collect();
    assert_eq!(heard.iter().map(|sent| sent.id.unwrap()).collect::<Vec<_>>(), ids[..heard.len()]);
    assert!(heard.len() > 60 * 4, "{} events", heard.len());
    for campaign in campaigns {
        scene.until_completed(&campaign).await;
    }
    scene.end().await;
}

#[actix_web::test]
async fn what_happens_on_one_server_is_told_on_the_others() {
    let one = Scene::start().await;
    let other = Scene::at(one.database.clone(), Setting::default()).await;
    let mut stream = one.follow(API_TOKEN, EVENTS, None).await;
    let campaign = other.upload(json!({}), &["+12025550101"]).await;
    let sent = next_of(&mut stream).await;
    assert_eq!(sent.kind, "campaign.created");
    assert!(campaign.ends_with(sent.data["campaign"]["id"].as_str().unwrap()));
    other.end().await;
    one.end().await;
}

#[actix_web::test]
async fn nothing_is_told_to_another_team_nor_any_more_to_whoever_has_lost_the_key() {
    const BACKLOG: &str = "
        WITH given AS (UPDATE relay SET last_position = last_position + 6000 RETURNING last_position - 6000 AS before)
        INSERT INTO events (team_id, campaign_id, kind, at, data, position)
        SELECT team_id, id, 'campaign.edited', now(), jsonb_build_object('padding', repeat('x', 4000)), before + n
        FROM campaigns, given, generate_series(1, 6000) n";
    let scene = Scene::with(everybody_answers()).await;
    let viewer = key(&scene, Role::Viewer).await;
    let stranger = other_team(&scene).await;
    scene.upload(json!({}), &["+12025550199"]).await;
    scene.psql().await.batch_execute(BACKLOG).await.unwrap();
    // More than the network takes in, so he is still in the middle of it when his key is revoked.
    let mut far_behind = scene.follow(&viewer, EVENTS, Some(0)).await;
    let present = scene.present().await;
    let mut of_viewer = scene.follow(&viewer, EVENTS, None).await;
    let mut of_stranger = scene.follow(&stranger, EVENTS, Some(0)).await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    assert_eq!(next_of(&mut of_viewer).await.kind, "campaign.created");
    let (status, _) = {
        let request = scene.stranger().get(scene.url(&format!("{campaign}/events"))).bearer_auth(&stranger);
        (request.send().await.unwrap().status(), ())
    };
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, keys) = scene.ask(Method::GET, "/api/v1/keys").await;
    let keys = keys["keys"].as_array().unwrap();
    let id = keys.iter().find(|key| key["role"] == "viewer").unwrap()["id"].as_str().unwrap();
    let (status, _) = scene.ask(Method::DELETE, &format!("/api/v1/keys/{id}")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let until_cut_off = async { while of_viewer.next().await.is_some() {} };
    timeout(Duration::from_secs(25), until_cut_off).await.expect("the stream ends with the key");
    let mut heard = 0;
    let until_cut_off = async {
        while let Some(sent) = far_behind.next().await {
            heard = sent.id.unwrap_or(heard);
        }
    };
    timeout(Duration::from_secs(25), until_cut_off).await.expect("the backlog ends with the key");
    assert!((1..present).contains(&heard), "{heard} of {present}");
    scene.until_completed(&campaign).await;
    // The heartbeat came meanwhile, and nothing else.
    assert!(timeout(Duration::from_millis(100), of_stranger.next()).await.is_err());
    scene.end().await;
}

#[actix_web::test]
async fn a_key_has_only_so_many_streams_and_downloads_open_and_no_other_key_misses_them() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.streams_of_a_key = 2;
    scene.start_program().await;
    let other = key(&scene, Role::Viewer).await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let ask = |path: &str| {
        let request = scene.stranger().get(scene.url(path)).bearer_auth(API_TOKEN);
        request.header("Accept", "text/event-stream").send()
    };
    for _ in 0..3 {
        let list = ask(&format!("{campaign}/contacts.csv")).await.unwrap();
        assert_eq!(list.status(), StatusCode::OK);
        assert!(list.text().await.unwrap().contains("+12025550101"), "a list that has been sent is over");
    }
    let one = scene.follow(API_TOKEN, EVENTS, None).await;
    let _two = scene.follow(API_TOKEN, &format!("{campaign}/events"), None).await;
    for path in [
        EVENTS,
        &format!("{campaign}/events"),
        &format!("{campaign}/contacts.csv"),
        &format!("{campaign}/attempts.xlsx"),
        "/api/v1/suppressions.csv",
    ] {
        let refused = ask(path).await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(refused.headers()["retry-after"], "10");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["type"], "urn:outdial:too-many-streams", "{problem}");
    }
    assert_eq!(scene.ask(Method::GET, EVENTS).await.0, StatusCode::OK, "a page is no stream");
    scene.follow(&other, EVENTS, None).await;
    drop(one);
    eventually("whoever has gone makes room", || async {
        // What happens is told to him, and so it shows that he has gone.
        scene.upload(json!({}), &["+12025550101"]).await;
        (ask(EVENTS).await.unwrap().status() == StatusCode::OK).then_some(())
    })
    .await;
    scene.end().await;
}

#[actix_web::test]
async fn what_cannot_be_followed_is_refused_in_words() {
    let scene = Scene::start().await;
    let present = eventually("events have positions", || async {
        scene.upload(json!({}), &["+12025550101"]).await;
        scene.all_events(EVENTS).await.last().map(|event| event["id"].as_i64().unwrap())
    })
    .await;
    let ask = |last: &str, query: &str| {
        let request = scene.stranger().get(scene.url(&format!("{EVENTS}{query}"))).bearer_auth(API_TOKEN);
        request.header("Accept", "text/event-stream").header("Last-Event-ID", last.to_owned()).send()
    };
    for (last, query, expected) in [
        ("yesterday", "", "the number that an event came with"),
        ("-1", "", "expected one from 0"),
        (&(present + 1000).to_string(), "", "expected one from 0"),
        ("0", "?limit=5", "no limit with a stream"),
        ("0", "?kinds=attempt.began", "attempt.started"),
    ] {
        let answer = ask(last, query).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{last} {query}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    scene.end().await;
}

//! Events that are told to others by POSTs, whatever the others do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use outdial::clock::{Clock, Stopwatch};
use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::eventually;
use crate::support::process::{Process, Variables};
use crate::support::receiver::{Received, Receiver, Reply};
use crate::support::scene::{Scene, Setting};

/// A second of the scene's is a moment, and a day a few seconds.
const DAYS: u32 = 40_000;

fn fast(speed: u32) -> Setting {
    Setting { speed, scenario: Scenario::instant(Outcome::Answer), ..Setting::default() }
}

/// Makes a hook; `more` goes beside its URL. Returns its path and its secret.
async fn hook(scene: &Scene, url: &str, more: Value) -> (String, String) {
    let mut form = json!({ "url": url });
    form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, made) = scene.send(Method::POST, "/api/v1/hooks", &form).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/api/v1/hooks/{}", made["id"].as_str().unwrap());
    (path, made["secret"].as_str().unwrap().to_owned())
}

/// What the specification wants whoever verifies to do, done by hand.
fn is_signed_with(received: &Received, secret: &str) -> bool {
    let key = BASE64.decode(secret.strip_prefix("whsec_").expect("the prefix")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{}.{}.{}", received.id, received.timestamp, received.body).as_bytes());
    let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    received.signature.split(' ').any(|signature| signature == expected)
}

/// All events that have happened, as they are read from the API.
async fn events(scene: &Scene) -> Vec<Value> {
    let psql = scene.psql().await;
    eventually("all have their positions", || async {
        let without = "SELECT count(*) FROM events WHERE position IS NULL";
        (psql.query_one(without, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let (status, page) = scene.ask(Method::GET, "/api/v1/events?after=0&limit=1000").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["events"].as_array().expect("events").clone()
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| format!("evt_{}", event["id"])).collect()
}

/// Waits until a receiver has taken all events, and returns them.
async fn until_all_taken(scene: &Scene, receiver: &Receiver) -> Vec<Value> {
    eventually("all events are taken", || async {
        let events = events(scene).await;
        let taken: Vec<String> = receiver.taken().into_iter().map(|taken| taken.id).collect();
        (ids(&events).last() == taken.last()).then_some(events)
    })
    .await
}

#[actix_web::test]
async fn every_event_arrives_once_in_order_and_signed_whatever_the_receiver_does_in_between() {
    let scene = Scene::with(fast(1000)).await;
    // Each event's first tries fail, in every way in which they can at once.
    let elsewhere = Receiver::start(|_| Reply::TAKE).await;
    let location: &'static str = Box::leak(format!("Location: {}", elsewhere.url()).into_boxed_str());
    let receiver = Receiver::start(move |received| match received.before {
        0 => Reply::FAIL,
        1 => Reply::Close,
        2 => Reply::Status(307, location),
        3 => Reply::Status(429, "Retry-After: 6"),
        _ => Reply::TAKE,
    })
    .await;
    let (path, secret) = hook(&scene, receiver.url(), json!({})).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    let events = until_all_taken(&scene, &receiver).await;
    assert!(events.len() > 8, "{events:?}");
    let taken: Vec<Value> = receiver.taken().iter().map(Received::json).collect();
    assert_eq!(taken, events);
    // Nobody is overtaken, and each comes under one name.
    let in_order: Vec<String> = ids(&events).into_iter().flat_map(|id| vec![id; 5]).collect();
    assert_eq!(receiver.ids(), in_order);
    assert!(elsewhere.received().is_empty(), "a redirect was followed");
    let real = Clock::of_this_machine(None).now().timestamp();
    for (received, _) in receiver.received() {
        assert!(is_signed_with(&received, &secret), "{received:?}");
        assert!((real - received.timestamp).abs() < 60, "receivers live in real time: {received:?}");
    }
    let shown = scene.look(&path).await;
    assert_eq!((&shown["dead"], &shown["failing_since"]), (&json!(0), &Value::Null), "{shown}");
    assert!(shown.get("secret").is_none() && !shown.to_string().contains(&secret));
    let (_, log) = scene.ask(Method::GET, &format!("{path}/deliveries?state=delivered&limit=3")).await;
    let last = &log["deliveries"][0];
    assert_eq!((&last["tries"], &last["status"], &last["error"]), (&json!(5), &json!(204), &Value::Null));
    assert_eq!(log["next"], json!({"before": log["deliveries"][2]["event"]}));
    scene.end().await;
}

#[actix_web::test]
async fn a_receiver_that_hangs_delays_no_other_and_no_stop() {
    let scene = Scene::with(fast(1000)).await;
    let hangs = Receiver::start(|_| Reply::Hang).await;
    let prompt = Receiver::start(|_| Reply::TAKE).await;
    // More than there are connections to the database.
    for _ in 0..20 {
        hook(&scene, hangs.url(), json!({})).await;
    }
    hook(&scene, prompt.url(), json!({})).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    until_all_taken(&scene, &prompt).await;
    eventually("all the others hang", || async { (hangs.received().len() == 20).then_some(()) }).await;
    let stopping = Stopwatch::start();
    scene.end().await;
    assert!(stopping.elapsed().as_secs() < 10, "{:?}", stopping.elapsed());
}

/// A receiver that fails as long as it is ill.
async fn patient() -> (Receiver, Arc<AtomicBool>) {
    let is_ill = Arc::new(AtomicBool::new(true));
    let health = is_ill.clone();
    let answer = move |_: &Received| match health.load(Ordering::Relaxed) {
        true => Reply::FAIL,
        false => Reply::TAKE,
    };
    (Receiver::start(answer).await, is_ill)
}

async fn dead(scene: &Scene, hook: &str) -> Vec<Value> {
    let (_, log) = scene.ask(Method::GET, &format!("{hook}/deliveries?state=dead")).await;
    log["deliveries"].as_array().expect("deliveries").clone()
}

#[actix_web::test]
async fn an_event_that_nobody_takes_for_a_day_is_given_up_and_sent_again_when_somebody_asks() {
    let scene = Scene::with(fast(DAYS)).await;
    let (receiver, is_ill) = patient().await;
    let (path, _) = hook(&scene, receiver.url(), json!({"kinds": ["campaign.created"]})).await;
    scene.upload(json!({}), &["+12025550101"]).await;
    let given_up =
        eventually("it is given up", || async { dead(&scene, &path).await.into_iter().next() }).await;
    let tries = given_up["tries"].as_u64().unwrap();
    assert!((3..=19).contains(&tries), "{given_up}");
    assert_eq!((&given_up["status"], given_up["error"].is_string()), (&json!(500), true), "{given_up}");
    // The next one has its turn.
    is_ill.store(false, Ordering::Relaxed);
    scene.upload(json!({}), &["+12025550102"]).await;
    eventually("the next one arrives", || async { (receiver.taken().len() == 1).then_some(()) }).await;
    let event = given_up["event"].as_i64().unwrap();
    let again = format!("{path}/deliveries/{event}/redeliver");
    // As long as it is ill, asking again makes it no better, and it is tried once.
    is_ill.store(true, Ordering::Relaxed);
    assert_eq!(scene.ask(Method::POST, &again).await.0, StatusCode::ACCEPTED);
    eventually("it is given up again", || async {
        let dead = dead(&scene, &path).await;
        (dead.first()?["tries"].as_u64() == Some(tries + 1)).then_some(())
    })
    .await;
    is_ill.store(false, Ordering::Relaxed);
    let (status, asked) = scene.ask(Method::POST, &format!("{path}/redeliver")).await;
    assert_eq!((status, asked), (StatusCode::ACCEPTED, json!({"events": 1})));
    eventually("it arrives", || async { (receiver.taken().len() == 2).then_some(()) }).await;
    assert_eq!(receiver.taken()[1].id, format!("evt_{event}"));
    eventually("nothing is dead", || async { dead(&scene, &path).await.is_empty().then_some(()) }).await;
    // What was delivered can be asked for as well; what has not happened cannot.
    assert_eq!(scene.ask(Method::POST, &again).await.0, StatusCode::ACCEPTED);
    eventually("it arrives once more", || async { (receiver.taken().len() == 3).then_some(()) }).await;
    let never = format!("{path}/deliveries/999999/redeliver");
    assert_eq!(scene.ask(Method::POST, &never).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn a_receiver_that_is_gone_gets_nothing_more_until_somebody_enables_it_again() {
    let scene = Scene::with(fast(1000)).await;
    let receiver = Receiver::start(|_| Reply::Status(410, "")).await;
    let (path, _) = hook(&scene, receiver.url(), json!({"kinds": ["campaign.created"]})).await;
    for phone in ["+12025550101", "+12025550102"] {
        scene.upload(json!({}), &[phone]).await;
    }
    let stopped = scene.until(&path, "it is stopped", |hook| hook["enabled"] == false).await;
    assert_eq!(stopped["stopped_because"], "gone");
    assert_eq!(receiver.received().len(), 1);
    // A hook that is stopped can be tested.
    receiver.will(|_| Reply::TAKE);
    let (_, tested) = scene.ask(Method::POST, &format!("{path}/test")).await;
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(204)), "{tested}");
    assert_eq!(receiver.taken()[0].json()["kind"], "hook.test");
    let (status, shown) = scene.send(Method::PATCH, &path, &json!({"enabled": true})).await;
    assert_eq!((status, &shown["enabled"]), (StatusCode::OK, &json!(true)), "{shown}");
    eventually("both arrive", || async { (receiver.taken().len() == 3).then_some(()) }).await;
    let ids: Vec<String> = receiver.ids().into_iter().filter(|id| id.starts_with("evt_")).collect();
    assert_eq!((ids.len(), &ids[0]), (3, &ids[1]), "the first one first: {ids:?}");
    scene.end().await;
}

#[actix_web::test]
async fn a_program_that_is_stopped_and_started_again_sends_each_event_once() {
    let mut scene = Scene::with(fast(100)).await;
    let receiver = Receiver::start(|_| Reply::TAKE).await;
    hook(&scene, receiver.url(), json!({})).await;
    for phone in ["+12025550101", "+12025550102", "+12025550103"] {
        scene.call(json!({}), &[phone]).await;
        scene.stop_program().await;
        scene.start_program().await;
    }
    for campaign in scene.look("/api/v1/campaigns").await["campaigns"].as_array().unwrap() {
        scene.until_completed(&format!("/api/v1/campaigns/{}", campaign["id"].as_str().unwrap())).await;
    }
    let events = until_all_taken(&scene, &receiver).await;
    assert_eq!(receiver.ids(), ids(&events));
    scene.end().await;
}

/// A program that is killed while it sends: another takes its hook when its lease has run out, sends that event again under
/// the same name, and goes on with the next.
#[actix_web::test]
async fn when_a_program_is_killed_another_goes_on_with_the_same_event() {
    const TAKEN_BEFORE: usize = 3;
    let scene = Scene::without_program(&fast(100)).await;
    let variables = Variables::of(&scene).with("OUTDIAL_HOOKS_TO_PRIVATE", "yes");
    let mut first = Process::run("serve", &variables);
    first.is_ready(&scene).await;
    let mut taken = 0;
    let receiver = Receiver::start(move |_| {
        taken += 1;
        if taken > TAKEN_BEFORE { Reply::Hang } else { Reply::TAKE }
    })
    .await;
    hook(&scene, receiver.url(), json!({"kinds": ["campaign.created"]})).await;
    for number in 1..=6 {
        scene.upload(json!({}), &[&format!("+1202555010{number}")]).await;
    }
    eventually("one hangs", || async { (receiver.received().len() > TAKEN_BEFORE).then_some(()) }).await;
    first.kill();
    receiver.will(|_| Reply::TAKE);
    let second = Process::run("serve", &variables);
    second.is_ready(&scene).await;
    // As if the dead one's lease had run out.
    let by_hand = "UPDATE nodes SET alive_until = clock_timestamp()
                   WHERE id = (SELECT node FROM hooks) AND id <> (SELECT id FROM nodes ORDER BY started_at DESC LIMIT 1)";
    scene.psql().await.execute(by_hand, &[]).await.unwrap();
    eventually("all are taken", || async { (receiver.taken().len() == 6).then_some(()) }).await;
    let mut expected = ids(&events(&scene).await);
    let hung = expected[TAKEN_BEFORE].clone();
    expected.insert(TAKEN_BEFORE, hung);
    assert_eq!(receiver.ids(), expected);
    drop(second);
    scene.end().await;
}

#[actix_web::test]
async fn two_secrets_are_good_for_a_day_after_a_rotation() {
    let scene = Scene::with(fast(DAYS)).await;
    let receiver = Receiver::start(|_| Reply::TAKE).await;
    let (path, former) = hook(&scene, receiver.url(), json!({"kinds": ["schedule.fired"]})).await;
    let test = async || {
        let (_, tested) = scene.ask(Method::POST, &format!("{path}/test")).await;
        assert_eq!(tested["delivered"], true, "{tested}");
        receiver.taken().pop().unwrap()
    };
    let (status, rotated) = scene.ask(Method::POST, &format!("{path}/rotate-secret")).await;
    assert_eq!(status, StatusCode::OK, "{rotated}");
    let fresh = rotated["secret"].as_str().unwrap();
    assert_ne!(fresh, former);
    let both = test().await;
    assert!(is_signed_with(&both, fresh) && is_signed_with(&both, &former), "{both:?}");
    let alone = eventually("the former one is good no more", || async {
        Some(test().await).filter(|tested| !tested.signature.contains(' '))
    })
    .await;
    assert!(is_signed_with(&alone, fresh) && !is_signed_with(&alone, &former), "{alone:?}");
    scene.end().await;
}

#[actix_web::test]
async fn a_hook_begins_where_it_is_told_to_and_tells_of_what_it_is_told_to() {
    let scene = Scene::with(fast(100)).await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    let all = Receiver::start(|_| Reply::TAKE).await;
    hook(&scene, all.url(), json!({"after": 0})).await;
    let events = until_all_taken(&scene, &all).await;
    assert_eq!(all.ids(), ids(&events));
    let some = Receiver::start(|_| Reply::TAKE).await;
    let kinds = json!({"kinds": ["contact.completed", "campaign.canceled"], "name": " ours "});
    let (path, _) = hook(&scene, some.url(), kinds).await;
    let later = scene.call(json!({"starts_at": "2026-03-03T15:00:00Z"}), &["+12025550102"]).await;
    scene.command(&later, "cancel").await;
    eventually("it is told", || async { (some.taken().len() == 1).then_some(()) }).await;
    assert_eq!(some.taken()[0].json()["kind"], "campaign.canceled", "what was before is not told");
    let (_, changed) = scene.send(Method::PATCH, &path, &json!({"name": null, "kinds": null})).await;
    assert_eq!((&changed["name"], &changed["kinds"]), (&Value::Null, &Value::Null), "{changed}");
    let (_, stopped) = scene.send(Method::PATCH, &path, &json!({"enabled": false})).await;
    assert_eq!(stopped["stopped_because"], "by-hand");
    assert_eq!(scene.ask(Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.ask(Method::GET, &path).await.0, StatusCode::NOT_FOUND);
    for (bad, expected) in [
        (json!({"url": all.url(), "kinds": ["campaign.sings"]}), "unknown kind of event"),
        (json!({"url": all.url(), "name": " "}), "name has 0 characters, expected 1 to 200"),
        (json!({"url": all.url(), "after": -1}), "expected the number of an event"),
        (json!({"url": all.url(), "after": 999_999}), "the last event"),
        (json!({"url": "http://receiver.example/"}), "expected https:"),
        (json!({"url": "nonsense"}), "expected one such as"),
    ] {
        let (status, refused) = scene.send(Method::POST, "/api/v1/hooks", &bad).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(expected), "{bad}: {refused}");
    }
    scene.end().await;
}

/// Unless the server is told that receivers may be beside it.
#[actix_web::test]
async fn no_hook_leads_into_the_server_s_own_network() {
    let mut scene = Scene::without_program(&fast(100)).await;
    scene.config.hooks_to_private = false;
    scene.start_program().await;
    let (path, _) = hook(&scene, "https://receiver.example/", json!({"kinds": ["schedule.fired"]})).await;
    for url in [
        "http://127.0.0.1:8080/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://db/",
        "https://metadata.google.internal/",
    ] {
        let create = scene.send(Method::POST, "/api/v1/hooks", &json!({ "url": url })).await;
        let change = scene.send(Method::PATCH, &path, &json!({ "url": url })).await;
        for (status, refused) in [create, change] {
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {refused}");
            assert!(refused["detail"].as_str().unwrap().contains("reached from everywhere"), "{refused}");
        }
    }
    scene.end().await;
}

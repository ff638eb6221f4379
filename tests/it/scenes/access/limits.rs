//! How often somebody may ask.

use std::num::NonZeroU32;

use outdial::config::RequestLimit;
use outdial::domain::access::Role;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{API_TOKEN, Scene, Setting};

/// Somebody with this key asks who he is.
async fn ask(scene: &Scene, key: &str) -> Response {
    scene.stranger().get(scene.url("/api/v1/me")).bearer_auth(key).send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).unwrap_or_else(|| panic!("{name} in {answer:?}")).to_str().unwrap()
}

#[actix_web::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_again_and_nobody_else_is() {
    const BURST: u32 = 20;
    let mut scene = Scene::without_program(&Setting::default()).await;
    let (per_second, burst) = (NonZeroU32::new(1).unwrap(), NonZeroU32::new(BURST).unwrap());
    scene.config.requests = Some(RequestLimit { per_second, burst });
    scene.start_program().await;
    let other = super::key(&scene, Role::Viewer).await;
    let first = ask(&scene, API_TOKEN).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "ratelimit-policy"), "\"key\";q=20;w=20");
    let left: u32 = header(&first, "ratelimit").split(['=', ';']).nth(2).unwrap().parse().unwrap();
    assert!((BURST - 5..BURST).contains(&left), "{left}");
    let mut passed = 1;
    let refused = loop {
        let answer = ask(&scene, API_TOKEN).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        passed += 1;
        assert!(passed < 500, "never refused");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "1");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["type"], &problem["retry_after_seconds"]),
        (&json!("urn:outdial:too-many-requests"), &json!(1))
    );
    assert_eq!(ask(&scene, &other).await.status(), StatusCode::OK, "another key's limit is its own");
    // Whatever else comes meanwhile: the key stays as it is, and these need none, or look after the server.
    for _ in 0..BURST * 2 {
        let live = scene.stranger().get(scene.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), StatusCode::OK);
        let health = scene.stranger().get(scene.url("/health/supervisor")).bearer_auth(API_TOKEN);
        assert_eq!(health.send().await.unwrap().status(), StatusCode::OK);
        let forged = scene.post_form("/webhooks/twilio/sorry/a/b", &[], None).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    }
    scene.end().await;
}

#[actix_web::test]
async fn whoever_guesses_keys_is_held_up_and_a_key_that_was_good_before_is_not() {
    let scene = Scene::start().await;
    let (used, unused) = (super::key(&scene, Role::Viewer).await, super::key(&scene, Role::Viewer).await);
    assert_eq!(ask(&scene, &used).await.status(), StatusCode::OK);
    let mut guesses = 0;
    let refused = loop {
        let answer = ask(&scene, &format!("od_a-guess-{guesses}")).await;
        if answer.status() != StatusCode::UNAUTHORIZED {
            break answer;
        }
        guesses += 1;
        assert!(guesses < 5000, "never held up");
    };
    assert!(guesses > 100, "only {guesses} guesses");
    assert_eq!((refused.status(), header(&refused, "retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    // Behind a proxy all come from one address.
    for _ in 0..10 {
        assert_eq!(ask(&scene, &used).await.status(), StatusCode::OK);
    }
    let nobody = scene.stranger().get(scene.url("/api/v1/me")).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "who has no key guesses none");
    // A second lets one through, whosever it is: the others are not even looked up.
    let refused = [ask(&scene, &unused).await, ask(&scene, &unused).await, ask(&scene, "od_guess").await];
    assert!(refused.iter().any(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS), "{refused:?}");
    scene.end().await;
}

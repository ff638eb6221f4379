//! Signing in and out, and what somebody may not do.

use outdial::domain::access::Role;
use reqwest::Method;
use serde_json::json;

use super::page::Page;
use crate::support::scene::{API_TOKEN, Scene};

#[actix_web::test]
async fn somebody_is_led_to_sign_in_back_to_where_they_wanted_and_out_again() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.open("/calls").await;
    assert_eq!(page.path().await, "/sign-in");
    page.keeps_nobody_out().await;
    page.fill("API key", API_TOKEN).await;
    page.press("Sign in").await;
    page.sees("No calls yet").await;
    assert_eq!(page.path().await, "/calls");
    page.press("Sign out").await;
    page.is_at("/sign-in").await;
    page.open("/").await;
    assert_eq!(page.path().await, "/sign-in", "whoever has left is still let in");
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_wrong_key_is_refused_with_a_word_and_the_right_one_is_taken_after_it() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.expects("/sign-in 401");
    page.tolerates("status of 401");
    page.open("/sign-in").await;
    page.fill("API key", "od_nobody-s-key").await;
    page.press("Sign in").await;
    page.sees("This is no API key that is good here.").await;
    page.keeps_nobody_out().await;
    page.fill("API key", API_TOKEN).await;
    page.press("Sign in").await;
    page.sees("No campaign yet").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_viewer_is_offered_nothing_that_is_not_theirs_and_refused_what_they_forge() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({"name": "Reminders"}), &["+12025550101"]).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    assert!(page.within("Reminders").offers("Start").await, "an admin is offered nothing, either");
    page.press("Sign out").await;
    page.is_at("/sign-in").await;
    page.sign_in(&scene.key(Role::Viewer).await).await;
    page.sees("Reminders").await;
    for command in ["Start", "Pause", "Resume", "Cancel"] {
        assert!(!page.offers(command).await, "a viewer is offered {command}");
    }
    page.expects("start 403");
    page.tolerates("status of 403");
    let forge = "const [path] = arguments;
        const token = document.querySelector('meta[name=csrf-token]').content;
        return fetch(path, { method: 'POST', headers: { 'X-CSRF-Token': token } }).then(answer => answer.status);";
    let status = page.script(forge, vec![json!(format!("{campaign}/start"))]).await;
    assert_eq!(status.unwrap(), json!(403));
    assert_eq!(scene.look(&campaign).await["state"], "draft");
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn somebody_whose_key_is_revoked_is_led_out_as_soon_as_they_do_anything() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({"name": "Reminders"}), &["+12025550101"]).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(&scene.key(Role::Operator).await).await;
    page.within("Reminders").sees("Draft").await;
    let (_, keys) = scene.ask(Method::GET, "/api/v1/keys").await;
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["role"] == "operator").unwrap();
    let (status, answer) =
        scene.ask(Method::DELETE, &format!("/api/v1/keys/{}", key["id"].as_str().unwrap())).await;
    assert!(status.is_success(), "{answer}");
    page.expects("start 401");
    page.tolerates("401");
    page.within("Reminders").press("Start").await;
    page.within("1 contact will be called").press("Yes").await;
    page.is_at("/sign-in").await;
    assert_eq!(scene.look(&campaign).await["state"], "draft");
    page.end().await;
    scene.end().await;
}

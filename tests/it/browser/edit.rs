//! A campaign that is paused is changed, and nobody's changes are lost.

use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::page::Page;
use crate::support::scene::{API_TOKEN, FROM, Scene, Setting};

const THREE: [&str; 3] = ["+12025550101", "+12025550102", "+12025550103"];

#[actix_web::test]
async fn a_paused_campaign_is_changed_unless_another_changed_it_meanwhile_and_goes_on_so() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    // Time enough to pause it after its first call.
    let slow = json!({"name": "Reminders", "pacing": {"delay_seconds": 3600}, "from": "+12025550199"});
    let campaign = scene.call(slow, &THREE).await;
    scene.until(&campaign, "one is called", |campaign| campaign["counts"]["completed"] == 1).await;
    scene.command(&campaign, "pause").await;
    let shown = campaign.trim_start_matches("/api/v1").to_owned();
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open(&shown).await;
    page.press("Settings").await;
    page.is_at(&format!("{shown}/edit")).await;
    page.holds("Name", "Reminders").await;
    page.holds("Pause between two calls", "3600").await;
    // Who speaks already is heard before anything is changed.
    page.sees("What Person 1 hears").await;
    page.keeps_nobody_out().await;
    page.fill("Name", "Reminders of spring").await;
    page.fill("Pause between two calls", "5").await;

    let other = json!({"max_calls_per_day": 50});
    let (status, edited) = scene.send(Method::PATCH, &campaign, &other).await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    page.expects("409");
    page.press("Save").await;
    page.sees("settings are at version").await;
    page.holds("Name", "Reminders of spring").await;
    page.keeps_nobody_out().await;

    // What was typed belongs to the settings that it was typed over.
    page.open(&format!("{shown}/edit")).await;
    page.holds("Calls of the campaign in a day", "50").await;
    page.fill("Name", "Reminders of spring").await;
    page.fill("Pause between two calls", "5").await;
    page.press("A script of its own").await;
    page.fill("Text", "Hello again, {{name}}").await;
    page.sees("Hello again, Person 1").await;
    page.script("document.querySelector('.further').open = true", vec![]).await.unwrap();
    page.press(&format!("The server’s, {}", outdial::domain::phone::in_groups(FROM))).await;
    page.press("Save").await;
    page.is_at(&shown).await;
    page.stays_the_same().await;
    page.sees("Reminders of spring").await;
    let now = scene.look(&campaign).await;
    assert_eq!(now["settings"]["pacing"]["delay_seconds"], 5, "{now}");
    assert_eq!(now["settings"]["max_calls_per_day"], 50, "what another changed is lost: {now}");
    assert_eq!(now["settings"]["from"], FROM, "{now}");
    page.press("Resume").await;
    page.sees("3 of 3 done").await;
    page.sees("Completed").await;
    page.has_stayed_the_same().await;
    page.end().await;
    scene.end().await;
}

//! The first page: campaigns as they stand, which move by themselves and are led from there.

use outdial::simulator::{Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::json;
use thirtyfour::Key;

use super::page::Page;
use crate::support::scene::{API_TOKEN, Scene, Setting, settings};

const SIX: [&str; 6] =
    ["+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105", "+12025550106"];

async fn everybody_answers() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

#[actix_web::test]
async fn a_campaign_is_started_paused_and_resumed_and_moves_by_itself_to_its_end() {
    let scene = everybody_answers().await;
    // Time enough for everything that is looked at between two calls.
    let settings = json!({"name": "Reminders", "pacing": {"delay_seconds": 3600}});
    let campaign = scene.upload(settings, &SIX).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.stays_the_same().await;
    let card = page.within("Reminders");
    card.sees("Draft").await;
    card.press("Start").await;
    page.within("6 contacts will be called").press("Yes").await;
    card.sees("Running").await;
    card.sees("1 of 6 done").await;
    assert_eq!(card.progress().await, 1.0);
    card.press("Pause").await;
    card.sees("Paused").await;
    assert_eq!(scene.look(&campaign).await["state"], "paused");
    let (status, edited) =
        scene.send(Method::PATCH, &campaign, &json!({"pacing": {"delay_seconds": 1}})).await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    card.press("Resume").await;
    card.sees("6 of 6 done").await;
    card.sees("Completed").await;
    page.has_stayed_the_same().await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_keyboard_is_enough() {
    let scene = everybody_answers().await;
    let opens_at_noon =
        json!({"name": "Reminders", "business_hours": {"start_time": "12:00", "end_time": "17:00"}});
    scene.call(opens_at_noon, &SIX[..1]).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.open("/sign-in").await;
    page.types(API_TOKEN).await;
    page.types(Key::Enter).await;
    page.sees("Reminders").await;
    page.tabs_to("Skip to the content").await;
    page.types(Key::Enter).await;
    page.tabs_to("Pause").await;
    page.types(Key::Enter).await;
    page.within("Reminders").sees("Paused").await;
    page.tabs_to("Cancel").await;
    page.types(Key::Enter).await;
    page.sees("Cancel “Reminders” for good?").await;
    page.types(Key::Escape).await;
    page.sees_no_more("Cancel “Reminders” for good?").await;
    page.within("Reminders").sees("Paused").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn another_tab_follows() {
    let scene = everybody_answers().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    let first = page.tab().await;
    page.stays_the_same().await;
    let second = page.open_tab("/").await;
    page.stays_the_same().await;
    page.sees("No campaign yet").await;
    scene.call(json!({"name": "Reminders"}), &SIX[..1]).await;
    for tab in [&second, &first] {
        page.look_at(tab).await;
        page.within("Reminders").sees("Completed").await;
        page.has_stayed_the_same().await;
    }
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_page_that_is_open_outlives_a_restart_of_the_server() {
    let mut scene = everybody_answers().await;
    let campaign = scene.upload(json!({"name": "Reminders"}), &SIX[..1]).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.tolerates("net::ERR_");
    // Until it can work again, which is soon after it listens.
    page.tolerates("503");
    page.sign_in(API_TOKEN).await;
    page.stays_the_same().await;
    page.within("Reminders").sees("Draft").await;
    scene.stop_program().await;
    page.sees("Reconnecting").await;
    scene.start_program().await;
    page.sees_no_more("Reconnecting").await;
    scene.command(&campaign, "start").await;
    page.within("Reminders").sees("Completed").await;
    page.has_stayed_the_same().await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn markup_in_a_name_is_shown_as_what_it_is() {
    let scene = everybody_answers().await;
    let name = "<img src=x onerror=alert(1)> & \"Ada's\" <b>list</b>";
    let list = format!("name,phone\n\"{}\",+12025550101\n", name.replace('"', "\"\""));
    let (status, uploaded) = scene.upload_file(&settings(json!({ "name": name })), list).await;
    assert_eq!(status, 201, "{uploaded}");
    let campaign = format!("/api/v1/campaigns/{}", uploaded["id"].as_str().unwrap());
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.sees(name).await;
    page.fill("State", "Running").await;
    page.sees("No campaign is like that.").await;
    page.fill("State", "Completed").await;
    page.fill("Search", "<b>").await;
    page.sees(name).await;
    page.press("Recent calls").await;
    page.sees(&format!("{name} {name}")).await;
    page.end().await;
    scene.end().await;
}

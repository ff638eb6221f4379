//! A campaign's own pages: it is led from there, and its people are found and looked at.

use outdial::simulator::{Behavior, Outcome, Scenario};
use serde_json::json;

use super::page::Page;
use crate::support::scene::{API_TOKEN, Scene, Setting, settings};

/// A column and what stands in it: markup, which is a text like any other.
const COLUMN: &str = "<i>plan</i>";
const PLAN: &str = "<script>document.title = 'mine'</script>";

/// A draft with six people, of whom the third is always on the phone, and its page.
async fn six_people(scene: &Scene) -> String {
    let rows = (1..=6).map(|number| format!("Person {number},+120255501{number:02},{PLAN}\n"));
    let list = format!("name,phone,{COLUMN}\n{}", rows.collect::<String>());
    scene.simulator.fix("+12025550103", [Behavior::busy()]).unwrap();
    let once = json!({"name": "Reminders", "retry_policy": {"max_retries": 0}});
    let (status, uploaded) = scene.upload_file(&settings(once), list).await;
    assert_eq!(status, 201, "{uploaded}");
    format!("/campaigns/{}", uploaded["id"].as_str().unwrap())
}

async fn everybody_answers() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

#[actix_web::test]
async fn a_campaign_is_tried_with_two_people_led_to_its_end_and_its_copy_deleted() {
    let scene = everybody_answers().await;
    let campaign = six_people(&scene).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open(&campaign).await;
    page.stays_the_same().await;
    page.sees("Draft").await;
    page.press("Start…").await;
    page.fill("Only so many contacts at first", "2").await;
    page.keeps_nobody_out().await;
    page.press("Start").await;
    page.sees("Paused").await;
    page.sees("2 of 6 done").await;
    page.press("Resume").await;
    page.sees("Completed").await;
    page.sees("6 of 6 done").await;
    page.sees("Outcomes over time").await;
    page.has_stayed_the_same().await;
    page.press("Duplicate…").await;
    page.fill("Name", "Once more").await;
    page.press("Duplicate").await;
    page.sees("Once more").await;
    page.sees("Draft").await;
    page.press("Delete").await;
    page.sees("It cannot be brought back").await;
    page.press("Yes").await;
    page.is_at("/").await;
    page.sees("Reminders").await;
    page.sees_no_more("Once more").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn somebody_is_found_looked_at_and_not_called_any_more() {
    let scene = everybody_answers().await;
    let campaign = six_people(&scene).await;
    scene.command(&format!("/api/v1{campaign}"), "start").await;
    scene.until_completed(&format!("/api/v1{campaign}")).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open(&campaign).await;
    page.press("Contacts").await;
    page.sees("Person 5").await;
    page.fill("Last outcome", "Busy").await;
    page.sees_no_more("Person 5").await;
    page.sees("Person 3").await;
    page.fill("Last outcome", "All").await;
    page.fill("Search", "Person 5").await;
    page.sees_no_more("Person 3").await;
    page.press("Person 5").await;
    page.sees("Call 1").await;
    page.sees(&format!("{COLUMN} {PLAN}")).await;
    page.press("Do not call…").await;
    page.fill("Why", "asked for it").await;
    page.keeps_nobody_out().await;
    page.press("Do not call").await;
    page.sees("Must not be called: asked for it").await;
    page.end().await;
    scene.end().await;
}

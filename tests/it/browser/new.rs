//! A campaign is made: its list is given, looked at and read otherwise, its script written, and it is led to its end.

use std::io::Write;
use std::path::Path;

use outdial::simulator::{Outcome, Scenario};
use reqwest::Method;
use tempfile::NamedTempFile;

use super::page::Page;
use crate::support::scene::{API_TOKEN, Scene, Setting};

/// People who are called at work, unless it is said that their other numbers are meant.
const LIST: &str = "Phone,Customer,At home,Plan\n\
    +12025550101,Ada Ames,+12025550111,gold\n\
    +12025550102,Ben Burns,+12025550112,silver\n\
    +12025550103,Cleo Cole,+12025550113,<b>tin</b>\n";

async fn everybody_answers() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

/// A file to pick.
fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".csv").expect("a file");
    file.write_all(text.as_bytes()).expect("a file that can be written");
    file
}

#[actix_web::test]
async fn a_list_becomes_a_campaign_that_is_looked_at_started_and_led_to_its_end() {
    let scene = everybody_answers().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.within("No campaign yet").press("New campaign").await;
    page.is_at("/campaigns/new").await;
    page.stays_the_same().await;
    page.fill("Name", "Glasses are ready").await;
    page.fill("Name of the agent", "Ada").await;
    page.fill("Text", "Hello {{name}}, your ").await;

    page.expects("/api/v1/imports 422");
    page.tolerates("status of 422");
    page.upload(Path::new("fixtures/no_phone_column.csv")).await;
    page.sees("Expected a column of phone numbers").await;
    page.keeps_nobody_out().await;
    page.holds("Name", "Glasses are ready").await;
    page.holds("Text", "Hello {{name}}, your ").await;

    let list = file(LIST);
    page.upload(list.path()).await;
    page.sees("+1 202-555-0101").await;
    page.sees_no_more("Expected a column of phone numbers").await;
    page.sees("<b>tin</b>").await;
    page.press("How it was read: phone from “Phone”, name from “Customer”").await;
    page.fill("Numbers", "At home").await;
    // What was chosen and not looked at makes no campaign.
    page.press("Make a draft, and see the forecast").await;
    page.sees("The list is not read yet as you chose").await;
    page.is_at("/campaigns/new").await;
    // The server keeps the file: it is not sent again.
    drop(list);
    page.press("Read it so").await;
    page.sees("+1 202-555-0111").await;
    page.sees_no_more("+1 202-555-0101").await;
    page.holds("Name", "Glasses are ready").await;

    page.press("Insert plan").await;
    page.sees("What Ada Ames hears").await;
    page.sees("Hello Ada Ames, your gold").await;
    page.press("Another row").await;
    page.sees("Hello Ben Burns, your silver").await;
    page.press("Around the clock, within the called person’s hours").await;
    page.keeps_nobody_out().await;
    page.has_stayed_the_same().await;

    page.press("Make a draft, and see the forecast").await;
    let id = page.is_between("/campaigns/", "/review").await;
    page.sees("at the latest").await;
    page.sees("America/New_York").await;
    page.keeps_nobody_out().await;
    page.press("Start on the simulator").await;
    page.is_at(&format!("/campaigns/{id}")).await;
    page.stays_the_same().await;
    page.sees("Glasses are ready").await;
    page.sees("Completed").await;
    page.sees("3 of 3 done").await;
    page.has_stayed_the_same().await;
    let called: Vec<String> = scene.simulator.ledger().open_by_to.into_keys().collect();
    assert_eq!(called, ["+12025550111", "+12025550112", "+12025550113"]);
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn what_was_typed_outlives_a_refusal_and_a_reload_and_is_then_made_and_started_at_once() {
    let scene = everybody_answers().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/campaigns/new").await;
    page.within("or drop it here").drops("spring_reminders.csv", LIST).await;
    page.sees("+1 202-555-0103").await;
    page.holds("Name", "spring reminders").await;
    page.fill("Name of the agent", "Ada").await;
    page.fill("Text", "Hello {{nmae}}").await;
    page.sees("it has no {{nmae}}").await;
    page.press("Around the clock, within the called person’s hours").await;

    page.expects("/api/v1/campaigns 422");
    page.tolerates("status of 422");
    page.press("Make and start").await;
    page.until("it is said by the sample, and by the refusal", async || {
        let read = page.reads().await;
        if read.matches("it has no {{nmae}}").count() == 2 { Ok(()) } else { Err(read) }
    })
    .await;
    page.keeps_nobody_out().await;

    page.open("/campaigns/new").await;
    page.holds("Name", "spring reminders").await;
    page.holds("Text", "Hello {{nmae}}").await;
    page.sees("+1 202-555-0103").await;
    page.fill("Text", "Hello {{name}}").await;
    page.sees("Hello Ada Ames").await;
    page.press("Make and start").await;
    let id = page.is_between("/campaigns/", "").await;
    page.sees("Completed").await;
    let made = scene.look(&format!("/api/v1/campaigns/{id}")).await;
    assert_eq!(made["name"], "spring reminders");
    assert_eq!(made["counts"]["completed"], 3);
    page.open("/campaigns/new").await;
    page.holds("Name", "").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn an_upload_that_does_not_arrive_loses_nothing_and_is_tried_again() {
    let scene = everybody_answers().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/campaigns/new").await;
    page.fill("Name of the agent", "Ada").await;
    page.fill("Text", "Hello {{name}}").await;
    let list = file(LIST);
    page.expects("/api/v1/imports");
    page.tolerates("ERR_INTERNET_DISCONNECTED");
    page.loses_its_connection(true).await;
    page.upload(list.path()).await;
    page.sees("The server cannot be reached.").await;
    page.loses_its_connection(false).await;
    page.holds("Text", "Hello {{name}}").await;
    page.keeps_nobody_out().await;
    page.press("Try again").await;
    page.sees("+1 202-555-0101").await;
    page.sees("What Ada Ames hears").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_workbook_is_taken_by_the_sheet_that_is_named() {
    let scene = everybody_answers().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/campaigns/new").await;
    page.upload(Path::new("fixtures/several_sheets.xlsx")).await;
    page.sees("+1 202-555-0103").await;
    page.press("How it was read: phone from “Phone”, name from “Name”").await;
    page.fill("Sheet", "Customers").await;
    page.expects("/again 422");
    page.tolerates("status of 422");
    page.press("Read it so").await;
    page.sees("Expected a sheet named \"Customers\"").await;
    page.fill("Sheet", "Old").await;
    page.press("Read it so").await;
    page.sees("+1 202-555-0109").await;
    page.sees_no_more("+1 202-555-0103").await;
    page.fill("Name of the agent", "Ada").await;
    page.fill("Text", "Hello").await;
    page.press("Around the clock, within the called person’s hours").await;

    // Where clocks are changed it is said which time is meant.
    page.fill("Time zone", "America/New_York").await;
    page.fill("Begin at the earliest", "2026-03-08T02:30").await;
    page.sees("never show this time: 03:30 is meant").await;
    page.fill("Begin at the earliest", "2026-11-01T01:30").await;
    page.sees("show this time twice: the first is meant").await;
    page.keeps_nobody_out().await;
    page.press("Make a draft, and see the forecast").await;
    let id = page.is_between("/campaigns/", "/review").await;
    let made = scene.look(&format!("/api/v1/campaigns/{id}")).await;
    assert_eq!(made["starts_at"], "2026-11-01T05:30:00Z");
    let (_, contacts) = scene.ask(Method::GET, &format!("/api/v1/campaigns/{id}/contacts")).await;
    assert_eq!(contacts["contacts"][0]["phone"], "+12025550109", "{contacts}");
    page.end().await;
    scene.end().await;
}

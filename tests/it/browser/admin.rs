//! What is there beside campaigns: who must not be called, who may come in, who speaks, who is told, and what does the work.

use std::io::Write;

use outdial::domain::access::Role;
use reqwest::StatusCode;
use tempfile::NamedTempFile;
use thirtyfour::Key;

use super::page::Page;
use crate::support::receiver::{Receiver, Reply};
use crate::support::scene::{API_TOKEN, Scene};

#[actix_web::test]
async fn numbers_are_put_on_the_suppression_list_found_there_and_taken_off() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/suppressions").await;
    page.sees("Nobody is on the list").await;
    page.press("Add a number…").await;
    page.fill("Number", "202-555-0101").await;
    page.fill("Why", "asked for <b>it</b>").await;
    page.keeps_nobody_out().await;
    page.press("Add").await;
    page.sees("+1 202-555-0101").await;
    page.sees("asked for <b>it</b>").await;

    let mut list = NamedTempFile::with_suffix(".csv").unwrap();
    list.write_all(b"phone,reason\n+12025550102,moved\n+12025550101,again\n12,none\n").unwrap();
    page.press("Import a file…").await;
    page.upload(list.path()).await;
    page.press("Import").await;
    page.sees("New on the list: 1").await;
    page.keeps_nobody_out().await;
    page.press("Good").await;
    page.sees("+1 202-555-0102").await;

    page.fill("Search a number", "(202) 555-0102").await;
    page.press("Search").await;
    page.sees_no_more("+1 202-555-0101").await;
    page.press("Take off +1 202-555-0102").await;
    page.sees("Campaigns may call this number again").await;
    page.press("Yes").await;
    page.sees("+1 202-555-0102 is not on the list").await;
    page.press("Show all").await;
    page.sees("+1 202-555-0101").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_key_is_made_shown_once_and_revoked() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/keys").await;
    page.sees("Yours").await;
    page.press("Make a key…").await;
    page.fill("Name", "the night shift").await;
    page.keeps_nobody_out().await;
    page.press("Make it").await;
    page.sees("it is shown this once").await;
    let key = page.script("return document.querySelector('input[readonly]').value", vec![]).await.unwrap();
    let key = key.as_str().unwrap();
    let is_let_in = async || {
        let asked = scene.stranger().get(scene.url("/api/v1/me")).bearer_auth(key).send().await;
        asked.unwrap().status()
    };
    assert_eq!(is_let_in().await, StatusCode::OK);
    page.keeps_nobody_out().await;
    // It is shown this once: a slip of a finger does not take it away.
    page.types(Key::Escape).await;
    page.types(Key::Escape).await;
    page.press("I have it").await;
    page.sees_no_more("it is shown this once").await;
    let is_left =
        "return [...document.querySelectorAll('input')].some(field => field.value.startsWith('od_'))";
    assert_eq!(page.script(is_left, vec![]).await.unwrap(), false, "the key is still in the page");
    page.press("Revoke the night shift").await;
    page.press("Yes").await;
    page.sees("1 that is good no longer").await;
    assert_eq!(is_let_in().await, StatusCode::UNAUTHORIZED);
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn an_agent_is_made_changed_and_deleted() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/agents").await;
    page.within("No agent yet").press("New agent").await;
    page.is_at("/agents/new").await;
    page.fill("Name", "Ada").await;
    page.expects("/api/v1/agents 422");
    page.tolerates("status of 422");
    page.press("Make the agent").await;
    page.keeps_nobody_out().await;
    page.fill("Text", "Hello {{name}}").await;
    page.press("Make the agent").await;
    page.is_at("/agents").await;
    page.sees("Hello {{name}}").await;
    page.press("Change Ada").await;
    page.holds("Text", "Hello {{name}}").await;
    page.fill("Text", "Good morning, {{name}}").await;
    page.press("Save").await;
    page.is_at("/agents").await;
    page.sees("Good morning, {{name}}").await;
    page.keeps_nobody_out().await;
    page.press("Delete Ada").await;
    page.press("Yes").await;
    page.sees("No agent yet").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn a_hook_is_made_tried_stopped_and_deleted() {
    let scene = Scene::start().await;
    let receiver = Receiver::start(|_| Reply::TAKE).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/hooks").await;
    page.sees("No hook yet").await;
    page.press("Make a hook…").await;
    page.fill("Where it leads", receiver.url()).await;
    page.fill("Name", "our CRM").await;
    page.keeps_nobody_out().await;
    page.press("Make it").await;
    page.sees("it is shown this once").await;
    page.press("I have it").await;
    page.press("our CRM").await;
    page.press("Test").await;
    page.sees("The test was taken").await;
    page.keeps_nobody_out().await;
    page.press("Good").await;
    page.press("Stop").await;
    page.sees("Start again").await;
    page.keeps_nobody_out().await;
    page.press("Delete").await;
    page.press("Yes").await;
    page.is_at("/hooks").await;
    page.sees("No hook yet").await;
    page.end().await;
    scene.end().await;
}

#[actix_web::test]
async fn what_does_the_work_and_who_did_what_can_be_seen() {
    let scene = Scene::start().await;
    scene.key(Role::Viewer).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.open("/nodes").await;
    page.sees("made this page").await;
    page.keeps_nobody_out().await;
    page.press("Who did what").await;
    page.is_at("/audit").await;
    page.sees("POST /keys").await;
    page.end().await;
    scene.end().await;
}

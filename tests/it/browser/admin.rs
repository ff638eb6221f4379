//! What is there beside campaigns: who speaks, who is told, and what does the work.

use outdial::domain::access::Role;

use super::page::Page;
use crate::support::receiver::{Receiver, Reply};
use crate::support::scene::{API_TOKEN, Scene};

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

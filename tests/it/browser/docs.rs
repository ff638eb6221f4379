//! The page that shows the API.

use super::page::{Page, Theme};
use crate::support::scene::{API_TOKEN, Scene};

#[actix_web::test]
async fn whoever_is_signed_in_can_try_a_request_on_the_api_s_page() {
    let scene = Scene::start().await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    page.sign_in(API_TOKEN).await;
    page.excuses_barriers("the page is made by Swagger UI");
    page.at(1280, Theme::Light).await;
    page.open("/api/docs").await;
    page.sees("/api/v1/campaigns/{id}/pause").await;
    page.keep_picture("docs-light-1280").await;
    page.fill("Filter by tag or path", "keys").await;
    page.sees_no_more("/api/v1/campaigns/{id}/pause").await;
    page.press("get /api/v1/me").await;
    page.press("Execute").await;
    page.sees("\"role\": \"admin\"").await;
    page.end().await;
    scene.end().await;
}

//! Every page, as somebody sees it in light and in the dark, on a phone, a tablet and a desk: the pictures are kept in the
//! build's directory to be looked at. And what holds for each of them: it can be read by everybody, scrolls to no side, weighs
//! little, and is soon there.

use std::fmt::Write;

use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::page::{Page, Theme, pictures};
use crate::support::scene::{API_TOKEN, Scene, Setting};

/// The widths of a phone, a tablet, and a window on a desk, in CSS pixels.
const WIDTHS: [u32; 3] = [360, 768, 1280];

/// As much as may be received for a page by somebody who comes for the first time, in bytes.
const MOST: u64 = 100_000;

/// A page that there is.
struct Listed {
    /// What its pictures are called.
    name: &'static str,
    path: String,
    /// What can be read on it once it is all there.
    reads: &'static str,
}

fn listed(name: &'static str, path: impl Into<String>, reads: &'static str) -> Listed {
    Listed { name, path: path.into(), reads }
}

#[actix_web::test]
async fn every_page_can_be_read_by_everybody_in_both_themes_and_three_widths() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    let Some(page) = Page::of(&scene).await else { return scene.end().await };
    let mut report = String::new();
    look(&page, &listed("sign-in", "/sign-in", "API key"), &mut report).await;
    page.sign_in(API_TOKEN).await;
    look(&page, &listed("home-empty", "/", "No campaign yet"), &mut report).await;
    let (campaign, draft) = work(&scene).await;
    let hook = administer(&scene).await;
    let pages = [
        listed("home", "/", "Open house"),
        listed("calls", "/calls", "Answered"),
        listed("new-campaign", "/campaigns/new", "New campaign"),
        listed("campaign", &campaign, "Outcomes over time"),
        listed("contacts", format!("{campaign}/contacts"), "Person 5"),
        listed(
            "contact",
            format!("{campaign}/contacts/{}", first_contact(&scene, &campaign).await),
            "Call 1",
        ),
        listed("rehearsal", format!("{campaign}/rehearsal"), "Nobody was called."),
        listed("settings", format!("{campaign}/edit"), "These are the settings of version"),
        listed("review", format!("{draft}/review"), "at the latest"),
        listed("agents", "/agents", "Good morning"),
        listed("new-agent", "/agents/new", "New agent"),
        listed("suppressions", "/suppressions", "+1 202-555-0190"),
        listed("keys", "/keys", "Yours"),
        listed("hooks", "/hooks", "our CRM"),
        listed("hook", hook, "Deliveries that did not succeed at once"),
        listed("nodes", "/nodes", "made this page"),
        listed("audit", "/audit", "POST /hooks"),
    ];
    for listed in pages {
        look(&page, &listed, &mut report).await;
    }
    std::fs::write(pictures().join("pages.txt"), report).unwrap();
    page.end().await;
    scene.end().await;
}

/// Makes campaigns of many kinds: one that is done, one that is at work as soon as its hours come, one that was paused in the
/// middle, and a draft. The pages of the last two are returned.
async fn work(scene: &Scene) -> (String, String) {
    let phones: Vec<String> = (1..40).map(|number| format!("+120255501{number:02}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    scene.simulator.fix(phones[3], [Behavior::busy()]).unwrap();
    let done = scene.call(json!({"name": "Thank you"}), &phones[..3]).await;
    scene.until_completed(&done).await;
    let once = json!({"name": "Appointments of the week after next", "retry_policy": {"max_retries": 0}});
    let paused = scene.call(once, &phones[3..8]).await;
    scene.until(&paused, "somebody is reached", |campaign| campaign["counts"]["completed"] != 0).await;
    scene.command(&paused, "pause").await;
    let opens_at_noon = json!({"start_time": "12:00", "end_time": "17:00"});
    let waiting =
        json!({"name": "Spring reminders", "business_hours": opens_at_noon, "caps": {"per_day": 3}});
    scene.call(waiting, &phones[8..20]).await;
    let draft = scene.upload(json!({"name": "Open house"}), &phones[20..]).await;
    let page = |campaign: &str| campaign.trim_start_matches("/api/v1").to_owned();
    (page(&paused), page(&draft))
}

/// Makes an agent, a number that must not be called, and a hook, whose page is returned.
async fn administer(scene: &Scene) -> String {
    let make = async |path: &str, what: Value| {
        let (status, made) = scene.send(Method::POST, path, &what).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made
    };
    make("/api/v1/agents", json!({"name": "Ada", "script": {"say": "Good morning, {{name}}"}})).await;
    make("/api/v1/suppressions", json!({"phone": "+12025550190", "reason": "asked for it"})).await;
    let hook = json!({"url": "https://receiver.example/", "name": "our CRM", "kinds": ["campaign.paused"]});
    format!("/hooks/{}", make("/api/v1/hooks", hook).await["id"].as_str().unwrap())
}

/// The id of the first person of a campaign of this page.
async fn first_contact(scene: &Scene, campaign: &str) -> String {
    let (_, contacts) = scene.ask(Method::GET, &format!("/api/v1{campaign}/contacts?limit=1")).await;
    contacts["contacts"][0]["id"].as_str().unwrap().to_owned()
}

/// Looks at a page from all sides.
async fn look(page: &Page, listed: &Listed, report: &mut String) {
    let name = listed.name;
    page.forget_what_was_received().await;
    for theme in [Theme::Light, Theme::Dark] {
        for width in WIDTHS {
            page.at(width, theme).await;
            page.open(&listed.path).await;
            page.sees(listed.reads).await;
            let measured = page.measure().await;
            page.keep_picture(&format!("{name}-{theme}-{width}")).await;
            assert!(measured.width <= width, "{name} is {} wide on {width}", measured.width);
            if (theme, width) == (Theme::Light, WIDTHS[0]) {
                let (bytes, paint) = (measured.bytes, measured.first_paint);
                writeln!(report, "{name:20} {bytes:>8} bytes, first paint after {paint:.0} ms").unwrap();
                assert!(bytes <= MOST, "{name} weighs {bytes} bytes");
            }
        }
        page.keeps_nobody_out().await;
    }
}

//! Contacts in another order than the list's.

use outdial::domain::access::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::key;
use super::dashboard::Browser;
use crate::support::scene::{Scene, settings};

const LIST: &str = "name,phone\nCleo,+12025550103\nAda,+12025550104\nBen,+12025550101\n,+12025550102\n";

async fn campaign(scene: &Scene) -> String {
    let (status, made) = scene.upload_file(&settings(json!({})), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap())
}

/// The last digits of those on all pages, one page after the other.
async fn all(scene: &Scene, campaign: &str, query: &str) -> String {
    let mut found = String::new();
    let mut next = format!("{campaign}/contacts?limit=1&{query}");
    loop {
        let (status, page) = scene.ask(Method::GET, &next).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for contact in page["contacts"].as_array().unwrap() {
            found.push(contact["phone"].as_str().unwrap().chars().last().unwrap());
        }
        let Some(parameters) = page["next"].as_object() else { return found };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parameters = parameters.iter().map(|(name, value)| (name, text(value)));
        let parameters = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        next = format!("{campaign}/contacts?limit=1&{query}&{parameters}");
    }
}

#[actix_web::test]
async fn contacts_come_in_the_order_that_is_asked_for_page_by_page() {
    let scene = Scene::start().await;
    let campaign = campaign(&scene).await;
    for (query, expected) in [
        ("sort=position", "3412"),
        ("sort=-position", "2143"),
        ("sort=-position&search=a", "4"),
        ("sort=-position&state=pending", "2143"),
        ("sort=phone", "1234"),
        ("sort=-phone&state=pending", "4321"),
        ("sort=name", "4132"),
        ("sort=-name", "3142"),
        ("sort=name&search=e", "13"),
        ("sort=due", "3412"),
        ("sort=-attempts", "2143"),
    ] {
        assert_eq!(all(&scene, &campaign, query).await, expected, "{query}");
    }
    for (query, kind) in [
        ("sort=colour", "bad-filter"),
        ("sort=name&after=1&past=a&limit=0", "bad-limit"),
        ("sort=attempts&after=1", "bad-filter"),
        ("sort=due&after=1&past=soon", "bad-filter"),
        ("sort=phone&after=1&past=%2B12025550101", "bad-filter"),
    ] {
        let (status, refused) = scene.ask(Method::GET, &format!("{campaign}/contacts?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {refused}");
        assert_eq!(refused["type"], format!("urn:outdial:{kind}"), "{query}: {refused}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_that_is_too_large_is_sorted_only_by_what_stands_in_an_index() {
    let scene = Scene::start().await;
    let campaign = campaign(&scene).await;
    let psql = scene.psql().await;
    psql.execute("UPDATE campaigns SET pending = 25001", &[]).await.unwrap();
    for (query, is_done) in [
        ("sort=-position", true),
        ("sort=phone", true),
        ("sort=name", false),
        ("sort=-due&state=pending", false),
        ("sort=phone&search=a", false),
    ] {
        let (status, said) = scene.ask(Method::GET, &format!("{campaign}/contacts?{query}")).await;
        assert_eq!(status == StatusCode::OK, is_done, "{query}: {said}");
        if !is_done {
            assert_eq!(said["type"], "urn:outdial:too-many-to-sort", "{query}: {said}");
            assert_eq!((&said["contacts"], &said["most"]), (&json!(25_001), &json!(25_000)));
        }
    }
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let path = format!("{}/contacts", campaign.trim_start_matches("/api/v1"));
    let page = viewer.open(&path).await;
    assert!(page.has("?sort=phone\"") && !page.has("?sort=name\""), "{}", page.text);
    assert!(page.has("up to 25,000 contacts"), "{}", page.text);
    // What is filtered in an order that goes without is shown in that of the list.
    let filtered = viewer.open(&format!("{path}?sort=phone&state=pending")).await;
    assert!(
        filtered.status == StatusCode::OK && filtered.has("In the order of the list."),
        "{}",
        filtered.text
    );
    psql.execute("UPDATE campaigns SET pending = 4", &[]).await.unwrap();
    scene.end().await;
}

#[actix_web::test]
async fn a_column_s_head_says_how_it_is_sorted_and_turns_it_round() {
    let scene = Scene::start().await;
    let campaign = campaign(&scene).await;
    let path = format!("{}/contacts", campaign.trim_start_matches("/api/v1"));
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let names = |text: &str| -> Vec<usize> {
        ["Ada</a>", "Ben</a>", "Cleo</a>"].map(|name| text.find(name).expect(name)).to_vec()
    };
    let first = viewer.open(&path).await;
    assert!(first.has("?sort=name\">Name</a>") && !first.has("aria-sort"), "{}", first.text);
    let by_name = viewer.open(&format!("{path}?sort=name&state=pending")).await;
    assert!(names(&by_name.text).is_sorted(), "{}", by_name.text);
    assert!(by_name.has("aria-sort=\"ascending\"><a href="), "{}", by_name.text);
    assert!(by_name.has("?state=pending&#38;sort=-name\">Name</a>"), "{}", by_name.text);
    assert!(
        by_name.has("name=\"sort\" value=\"name\""),
        "what is filtered then stays sorted: {}",
        by_name.text
    );
    let from_the_end = viewer.open(&format!("{path}?sort=-name")).await;
    assert!(names(&from_the_end.text).iter().rev().is_sorted(), "{}", from_the_end.text);
    assert!(from_the_end.has("aria-sort=\"descending\""), "{}", from_the_end.text);
    scene.end().await;
}

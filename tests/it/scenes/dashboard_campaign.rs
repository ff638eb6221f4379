//! A campaign's pages: how it stands, what its calls came to, whom it calls, and what may be done.

use outdial::domain::access::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::key;
use super::dashboard::Browser;
use crate::support::eventually;
use crate::support::scene::{API_TOKEN, Scene, Setting, settings};

const MARKUP: &str = "<script>alert(1)</script>\"'&";

/// The page of what is at an address of the API.
fn page(api: &str) -> &str {
    api.trim_start_matches("/api/v1")
}

async fn contacts(scene: &Scene, campaign: &str) -> Vec<Value> {
    let (_, found) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    found["contacts"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_campaign_s_page_tells_how_it_stands_what_came_of_it_and_what_may_be_done_now() {
    let scene = Scene::start().await;
    let list = format!("name,phone,{}\n{0},+12025550101,{0}\n", MARKUP.replace('"', ""));
    let made = scene.upload_file(&settings(json!({"name": MARKUP})), list).await;
    let campaign = format!("/api/v1/campaigns/{}", made.1["id"].as_str().unwrap());
    let path = page(&campaign).to_owned();
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let draft = browser.open(&path).await;
    for there in [
        "do-start",
        "do-duplicate",
        "do-delete",
        "It has not been started",
        "How it calls",
        "1 contact will be",
    ] {
        assert!(draft.has(there), "{there}: {}", draft.text);
    }
    assert!(!draft.has("do-pause") && !draft.has("do-cancel") && !draft.has("<script>"));
    let nothing = browser.open(&format!("{path}/figures")).await;
    assert!(nothing.has("As soon as calls have ended"), "{}", nothing.text);
    let rehearsal = browser.open(&format!("{path}/rehearsal?limit=1")).await;
    assert!(rehearsal.has("Nobody was called") && rehearsal.has("+1 202-555-0101"), "{}", rehearsal.text);
    assert_eq!(
        browser.open(&format!("{path}/rehearsal?limit=0")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );

    let edit = browser.open(&format!("{path}/edit")).await;
    for there in [
        "data-api=\"PATCH\"",
        "name=\"settings_version\" data-as=\"number\" value=\"1\"",
        "ring_seconds",
        "data-open=\"agent,",
    ] {
        assert!(edit.has(there), "{there}: {}", edit.text);
    }
    assert!(!edit.has("It is at work") && !edit.has("<script>"));

    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    let over = browser.open(&format!("{path}/overview")).await;
    assert!(over.has(">Completed</span>") && over.has("do-delete") && !over.has("do-start"), "{}", over.text);
    assert!(over.has("100\u{a0}%") && over.has("1 of 1 done"), "{}", over.text);
    let figures = browser.open(&format!("{path}/figures")).await;
    for there in
        ["Outcomes over time", "When people answer", "1st", "1 calls, 1 answered", "How long it rings"]
    {
        assert!(figures.has(there), "{there}: {}", figures.text);
    }
    eventually("what happened is told", || async {
        let timeline = browser.open(&format!("{path}/timeline")).await;
        let all =
            ["Completed: nobody is left", "Began to call", "Started", "Made", "by “from the environment”"];
        all.iter().all(|text| timeline.has(text)).then_some(())
    })
    .await;

    let contact = contacts(&scene, &campaign).await.remove(0);
    let contact = format!("{path}/contacts/{}", contact["id"].as_str().unwrap());
    let shown = browser.open(&contact).await;
    for there in
        ["+1 202-555-0101", "Call 1", ">Answered</span>", "do-callback", "do-suppress", "From the list"]
    {
        assert!(shown.has(there), "{there}: {}", shown.text);
    }
    for page in [&contact, &format!("{path}/contacts"), &path] {
        let page = browser.open(page).await;
        assert!(page.has("alert(1)") && !page.has("<script>"), "{}", page.text);
    }
    for strange in [format!("{path}/contacts/{}", Uuid::now_v7()), format!("/campaigns/{}", Uuid::now_v7())] {
        assert_eq!(browser.open(&strange).await.status, StatusCode::NOT_FOUND, "{strange}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn contacts_are_filtered_looked_for_and_turned_over_page_by_page() {
    let scene = Scene::start().await;
    let phones: Vec<String> = (0..60).map(|n| format!("+120255501{n:02}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let campaign = scene.upload(json!({}), &phones).await;
    let path = format!("{}/contacts", page(&campaign));
    let psql = scene.psql().await;
    let id: Uuid = campaign.rsplit('/').next().unwrap().parse().unwrap();
    let fail = "UPDATE contacts SET state = 'failed', due_at = NULL, last_outcome = 'busy', name = 'Ada'
                WHERE campaign_id = $1 AND position IN (2, 55)";
    psql.execute(fail, &[&id]).await.unwrap();
    psql.execute("UPDATE campaigns SET failed = 2, pending = 58 WHERE id = $1", &[&id]).await.unwrap();
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let rows = |text: &str| text.matches("<tr id=\"contact-").count();
    let first = browser.open(&path).await;
    assert_eq!(rows(&first.text), 50);
    assert!(first.has("rel=\"next\"") && first.has("after=50") && first.has("Failed (2)"), "{}", first.text);
    let second = browser.open(&format!("{path}?state=&outcome=&search=&after=50")).await;
    assert_eq!(rows(&second.text), 10);
    assert!(!second.has("rel=\"next\"") && second.has(">First</a>"));
    for (query, found) in [
        ("state=failed", 2),
        ("state=completed", 0),
        ("outcome=busy", 2),
        ("state=pending&outcome=busy", 0),
        ("search=ada", 2),
        ("search=0107", 1),
        ("search=(202)+555-0108", 1),
        ("search=nobody", 0),
    ] {
        let page = browser.open(&format!("{path}?{query}")).await;
        assert_eq!((page.status, rows(&page.text)), (StatusCode::OK, found), "{query}");
        assert_eq!(page.has("Nobody is like that"), found == 0, "{query}");
    }
    for query in ["state=sleeping", "outcome=joy", "colour=red"] {
        let page = browser.open(&format!("{path}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    // A part of the rows goes on where another ended, and knows how many stand above.
    let more =
        browser.open(&format!("{}/more-contacts?state=pending&after=3&found=48", page(&campaign))).await;
    assert!(rows(&more.text) == 2 && !more.has("<html"), "{}", more.text);
    psql.execute("DELETE FROM campaigns WHERE id = $1", &[&id]).await.unwrap();
    scene.end().await;
}

#[actix_web::test]
async fn what_is_unfolded_of_what_happened_stays_so() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let edit = async |number: u32| {
        let name = json!({"name": format!("the {number}th")});
        assert_eq!(scene.send(Method::PATCH, &campaign, &name).await.0, StatusCode::OK);
    };
    for number in 1..30 {
        edit(number).await;
    }
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let path = format!("{}/timeline", page(&campaign));
    let entries = |text: &str| text.matches("<li class=").count();
    let newest = eventually("all is told", || async {
        let newest = browser.open(&path).await;
        (entries(&newest.text) == 12).then_some(newest)
    })
    .await;
    let value = |text: &str, before: &str| {
        text.split_once(before).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
    };
    assert_eq!(value(&newest.text, "name=\"down_to\" value=\""), Some(String::new()), "nothing is unfolded");
    let earlier = |text: &str| value(text, "hx-get=\"");
    let more = browser.open(&earlier(&newest.text).expect("there is more")).await;
    assert_eq!(entries(&more.text), 24, "{}", more.text);
    let down_to = value(&more.text, "name=\"down_to\" value=\"").expect("as far as it is unfolded");
    edit(30).await;
    eventually("it stays unfolded, with what is new", || async {
        let anew = browser.open(&format!("{path}?down_to={down_to}")).await;
        (entries(&anew.text) == 25).then_some(())
    })
    .await;
    let all = browser.open(&earlier(&more.text).expect("there is more")).await;
    // Made, and changed thirty times.
    assert_eq!((entries(&all.text), earlier(&all.text)), (31, None), "{}", all.text);
    assert!(all.has("Made"), "{}", all.text);
    scene.end().await;
}

#[actix_web::test]
async fn a_viewer_sees_what_happens_and_no_numbers_and_can_do_nothing() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.mask_for_viewers = true;
    scene.start_program().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let path = page(&campaign).to_owned();
    let contact = contacts(&scene, &campaign).await.remove(0);
    let contact = format!("{path}/contacts/{}", contact["id"].as_str().unwrap());
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    for address in [&path, &format!("{path}/contacts"), &contact] {
        let page = viewer.open(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        for hidden in
            ["data-opens", "<dialog id=", "hx-delete", "hx-post=\"/api", "5550101", "555-0101", ".csv"]
        {
            assert!(!page.has(hidden), "{address}: {hidden}: {}", page.text);
        }
    }
    assert!(viewer.open(&contact).await.has("+1•••01"));
    assert_eq!(viewer.open(&format!("{path}/rehearsal")).await.status, StatusCode::FORBIDDEN);
    let operator = Browser::signed_in(&scene, &key(&scene, Role::Operator).await).await;
    let own = operator.open(&path).await;
    assert!(own.has("do-start") && own.has("<dialog id=\"start\"") && !own.has("hx-delete"), "{}", own.text);
    scene.end().await;
}

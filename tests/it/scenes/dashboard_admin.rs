//! The pages beside the campaigns', as a browser asks for them: agents, the suppression list, keys, hooks, nodes, and who did what.

use outdial::domain::access::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::access::key;
use super::dashboard::Browser;
use crate::support::scene::{API_TOKEN, Scene, Setting};

const PLACES: [&str; 8] =
    ["/agents", "/agents/new", "/suppressions", "/hooks", "/keys", "/nodes", "/nodes/health", "/audit"];

#[actix_web::test]
async fn what_a_role_may_not_do_is_neither_in_the_navigation_nor_on_the_page() {
    let scene = Scene::start().await;
    let agent = json!({"name": "<b>Ada</b>", "script": {"say": "Hello <i>{{name}}</i>"}});
    let (status, agent) = scene.send(Method::POST, "/api/v1/agents", &agent).await;
    assert_eq!(status, StatusCode::CREATED, "{agent}");
    let suppressed = json!({"phone": "+12025550101", "reason": "<u>asked</u>"});
    assert_eq!(scene.send(Method::POST, "/api/v1/suppressions", &suppressed).await.0, StatusCode::CREATED);
    for (role, seen, on_agents, on_numbers) in [
        (Role::Viewer, 4, false, false),
        (Role::Operator, 5, true, true),
        (Role::Admin, PLACES.len(), true, true),
    ] {
        let browser = Browser::signed_in(&scene, &key(&scene, role).await).await;
        let mut open = 0;
        for place in PLACES {
            let page = browser.open(place).await;
            assert!(page.status == StatusCode::OK || page.status == StatusCode::FORBIDDEN, "{role} {place}");
            open += usize::from(page.status == StatusCode::OK);
        }
        assert_eq!(open, seen, "{role}");
        let agents = browser.open("/agents").await;
        assert!(agents.has("&#60;b&#62;Ada") && agents.has("Hello &#60;i&#62;"), "{}", agents.text);
        assert_eq!(agents.has("hx-delete=\"/api/v1/agents/"), on_agents, "{role}");
        assert_eq!(agents.has("href=\"/keys\""), role == Role::Admin, "{role}");
        let numbers = browser.open("/suppressions").await;
        assert!(numbers.has("&#60;u&#62;asked") && numbers.has("href=\"/api/v1/suppressions.csv\""));
        assert_eq!(numbers.has("hx-delete=\"/api/v1/suppressions/+12025550101\""), on_numbers, "{role}");
        assert_eq!(numbers.has("action=\"/api/v1/suppressions/import\""), on_numbers, "{role}");
        let health = browser.open("/nodes/health").await;
        assert!(
            health.has("the simulator: nobody is really called") && health.has(">Alive<"),
            "{}",
            health.text
        );
        let nodes = browser.open("/nodes").await;
        assert_eq!(nodes.has("href=\"/audit\""), role == Role::Admin, "{role}");
    }
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let form = browser.open(&format!("/agents/{}", agent["id"].as_str().unwrap())).await;
    assert!(
        form.has("data-api=\"PUT\"") && form.has("value=\"&#60;b&#62;Ada&#60;/b&#62;\""),
        "{}",
        form.text
    );
    assert!(form.has("Hello &#60;i&#62;{{name}}&#60;/i&#62;</textarea>"), "{}", form.text);
    let other = uuid::Uuid::now_v7();
    for path in [format!("/agents/{other}"), format!("/hooks/{other}")] {
        assert_eq!(browser.open(&path).await.status, StatusCode::NOT_FOUND);
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_number_is_found_on_the_suppression_list_in_any_writing() {
    let scene = Scene::start().await;
    let many: Vec<_> = (100..=151).map(|last| json!({"phone": format!("+12025550{last}")})).collect();
    let (status, added) = scene.send(Method::POST, "/api/v1/suppressions", &json!(many)).await;
    assert_eq!((status, &added["numbers"]["new"]), (StatusCode::OK, &json!(52)), "{added}");
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let first = browser.open("/suppressions").await;
    assert!(first.has("+12025550149") && !first.has("/api/v1/suppressions/+12025550150"));
    assert!(first.has("href=\"/suppressions?after=%2B12025550149\""), "{}", first.text);
    let next = browser.open("/suppressions?after=%2B12025550149").await;
    assert!(next.has("/api/v1/suppressions/+12025550151\"") && !next.has("rel=\"next\""), "{}", next.text);
    for (typed, told) in [
        ("%28202%29+555-0150", "hx-delete=\"/api/v1/suppressions/+12025550150\""),
        ("202+555+0199", "is not on the list"),
        ("12", "role=\"alert\">"),
        ("%3Cb%3E", "value=\"&#60;b&#62;\""),
    ] {
        let found = browser.open(&format!("/suppressions?number={typed}&region=US")).await;
        assert!(found.status == StatusCode::OK && found.has(told), "{typed}: {}", found.text);
        assert!(!found.has("/api/v1/suppressions/+12025550101\""), "only that one: {typed}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn whoever_sees_no_whole_numbers_turns_the_pages_of_the_list_without_them() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.mask_for_viewers = true;
    scene.start_program().await;
    let many = "INSERT INTO suppressions (team_id, phone, reason, source, created_at)
                SELECT id, '+1202555' || lpad(n::text, 4, '0'), 'asked', 'api', now() FROM teams, generate_series(0, 5100) n";
    scene.psql().await.execute(many, &[]).await.unwrap();
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let first = viewer.open("/suppressions").await;
    assert!(first.has("href=\"/suppressions?from=50\"") && !first.has("First</a>"), "{}", first.text);
    let next = viewer.open("/suppressions?from=50").await;
    assert!(next.has("hx-get=\"/suppressions?from=50\"") && next.has("First</a>"), "{}", next.text);
    let last = viewer.open("/suppressions?from=5000").await;
    assert!(!last.has("Next</a>") && last.has("There are more."), "{}", last.text);
    for page in [first, next, last] {
        assert_eq!(page.text.matches("+1•••").count(), 50);
        assert!(!page.has("202555") && !page.has("202-555-0"), "{}", page.text);
    }
    let whole = viewer.open("/suppressions?after=%2B12025550100").await;
    assert!(
        whole.has("href=\"/suppressions?from=50\""),
        "it says nothing of what stands where: {}",
        whole.text
    );
    scene.end().await;
}

#[actix_web::test]
async fn keys_and_hooks_are_shown_as_they_are_and_what_was_done_is_on_record() {
    let scene = Scene::start().await;
    let made = json!({"name": "the <b>night</b> shift", "role": "operator"});
    let (_, made) = scene.send(Method::POST, "/api/v1/keys", &made).await;
    let id = made["id"].as_str().expect("an id");
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let keys = browser.open("/keys").await;
    assert!(keys.has("the &#60;b&#62;night") && keys.has(&format!("hx-delete=\"/api/v1/keys/{id}\"")));
    assert!(!keys.has(made["key"].as_str().unwrap()), "the secret is shown once");
    assert_eq!(keys.text.matches(">Yours<").count(), 1, "{}", keys.text);
    assert_eq!(scene.ask(Method::DELETE, &format!("/api/v1/keys/{id}")).await.0, StatusCode::NO_CONTENT);
    let keys = browser.open("/keys").await;
    assert!(keys.has("1 that is good no longer") && !keys.has(&format!("hx-delete=\"/api/v1/keys/{id}\"")));

    let hook =
        json!({"url": "https://receiver.example/", "name": "our <b>CRM</b>", "kinds": ["campaign.started"]});
    let (status, hook) = scene.send(Method::POST, "/api/v1/hooks", &hook).await;
    assert_eq!(status, StatusCode::CREATED, "{hook}");
    let path = format!("/hooks/{}", hook["id"].as_str().unwrap());
    let hooks = browser.open("/hooks").await;
    assert!(
        hooks.has(&format!("href=\"{path}\"")) && hooks.has("our &#60;b&#62;CRM") && hooks.has(">Works<")
    );
    let page = browser.open(&path).await;
    assert!(page.has("value=\"campaign.started\" checked") && page.has(">Stop</button>"), "{}", page.text);
    assert!(!page.has(hook["secret"].as_str().unwrap()), "the secret is shown once");
    let stop = json!({"enabled": false, "kinds": null});
    assert_eq!(scene.send(Method::PATCH, &format!("/api/v1{path}"), &stop).await.0, StatusCode::OK);
    let page = browser.open(&format!("{path}?state=dead")).await;
    assert!(page.has(">Stopped<") && page.has(">Start again</button>") && page.has("everything"));
    assert_eq!(browser.open(&format!("{path}?state=lost")).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let audit = browser.open("/audit").await;
    for text in [
        "Changes a hook <code class=\"request\">PATCH /hooks/{id}</code>",
        "Revokes an API key <code",
        "from the environment",
    ] {
        assert!(audit.has(text), "{text}: {}", audit.text);
    }
    let campaign = scene.upload(json!({"name": "Spring <b>"}), &["+12025550101"]).await;
    scene.send(Method::POST, &format!("{campaign}/start"), &json!({"dry_run": true})).await;
    let audit = browser.open("/audit").await;
    assert_eq!(audit.text.matches(">Spring &#60;b&#62;</a>").count(), 2, "{}", audit.text);
    assert!(audit.has("Makes a campaign of a list") && audit.has("Rehearses a campaign"), "{}", audit.text);
    assert_eq!(scene.ask(Method::DELETE, &campaign).await.0, StatusCode::NO_CONTENT);
    let audit = browser.open("/audit").await;
    assert!(!audit.has("Spring") && audit.has(">a deleted campaign</a>"), "{}", audit.text);
    let campaign = campaign.rsplit('/').next().unwrap();
    let of_campaign = browser.open(&format!("/audit?campaign={campaign}")).await;
    assert!(
        of_campaign.has("Deletes a campaign") && of_campaign.has("Makes a campaign"),
        "{}",
        of_campaign.text
    );
    let of_nobody = browser.open(&format!("/audit?key={id}")).await;
    assert!(
        of_nobody.has("Only what was done with one key.") && !of_nobody.has("<code"),
        "{}",
        of_nobody.text
    );
    scene.end().await;
}

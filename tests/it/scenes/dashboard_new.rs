//! The page that makes a campaign, as a browser asks for it: its form has a field for all that the API takes, and its parts show
//! what became of a list, what its people would hear, and what a draft would do.

use std::collections::BTreeSet;

use outdial::domain::access::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::access::key;
use super::dashboard::Browser;
use crate::support::scene::{API_TOKEN, Scene, settings};

const LIST: &str = "Customer,Mobile,Plan,Note\n\
    Ada Ames,+12025550101,gold,<b>tea</b>\n\
    Ben Burns,+12025550102,silver,\n\
    Ada Again,202-555-0101,gold,\n\
    Nobody,12,,\n";

/// What of the API's settings the page says otherwise: how the list is read, before, with the list itself.
const WITH_THE_LIST: [&str; 4] = ["columns", "sheet", "default_region", "countries"];

#[actix_web::test]
async fn the_form_has_a_field_for_every_setting_that_the_api_takes_and_no_other() {
    let scene = Scene::start().await;
    let (_, description) = scene.ask(Method::GET, "/api/openapi.json").await;
    let properties = |schema: &str| -> BTreeSet<String> {
        let schema = &description["components"]["schemas"][schema]["properties"];
        schema.as_object().unwrap_or_else(|| panic!("{schema}")).keys().cloned().collect()
    };
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let hook = json!({"url": "https://receiver.example/", "kinds": ["campaign.started"]});
    assert_eq!(scene.send(Method::POST, "/api/v1/hooks", &hook).await.0, StatusCode::CREATED);
    let agent = json!({"name": "Ada", "script": {"say": "Hello"}});
    assert_eq!(scene.send(Method::POST, "/api/v1/agents", &agent).await.0, StatusCode::CREATED);
    let page = browser.open("/campaigns/new").await;
    let (_, form) = page.text.split_once("id=\"campaign\"").expect("the form");
    // Radios that only choose have names of their own, to belong together.
    let fields = form.split('<').filter(|tag| !tag.contains("data-chooses") || tag.contains("data-sent"));
    let named = |attribute: &str| -> BTreeSet<String> {
        let value = |tag: &str| Some(tag.split_once(attribute)?.1.split('"').next()?.to_owned());
        fields.clone().filter_map(value).collect()
    };
    let paths: BTreeSet<String> = named(" name=\"").union(&named(" data-name=\"")).cloned().collect();
    let heads: BTreeSet<String> =
        paths.iter().map(|path| path.split('.').next().unwrap().to_owned()).collect();
    let expected =
        properties("CampaignForm").into_iter().filter(|name| !WITH_THE_LIST.contains(&name.as_str()));
    assert_eq!(heads, expected.collect());
    for (setting, schema) in [
        ("caps", "Caps"),
        ("pacing", "Pacing"),
        ("answering_machine", "AnsweringMachine"),
        ("suppression", "OnSuppression"),
        ("before_call", "BeforeCall"),
        ("schedule", "Recurrence"),
        ("retry_policy", "RetryPolicy"),
        ("agent.script.say", "Voiced"),
        ("agent.script.connect.conversation_relay", "ConversationRelay"),
        ("agent.script.connect.stream", "Stream"),
    ] {
        let inside = paths.iter().filter_map(|path| path.strip_prefix(setting)?.strip_prefix('.'));
        let inside: BTreeSet<String> =
            inside.map(|path| path.split('.').next().unwrap().to_owned()).collect();
        assert_eq!(inside, properties(schema), "{setting}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_list_is_shown_as_it_was_understood_and_a_script_as_its_people_hear_it() {
    let scene = Scene::start().await;
    let (status, seen) = scene.send_list("/api/v1/imports", &json!({}), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{seen}");
    let import = format!("/imports/{}", seen["id"].as_str().unwrap());
    let browser = Browser::signed_in(&scene, API_TOKEN).await;
    let shown = browser.open(&format!("{import}/preview")).await;
    for text in [
        "<dt>Contacts</dt><dd>2</dd>",
        "<dt>Refused</dt><dd class=\"ill\">1</dd>",
        "+1 202-555-0101",
        "phone from “Mobile”",
        "as row 2",
        "<option value=\"Plan\">Plan</option>",
        "/rejects.csv",
    ] {
        assert!(shown.has(text), "{text}: {}", shown.text);
    }
    assert!(shown.has("tea") && !shown.has("<b>tea"), "{}", shown.text);

    let hears = async |settings: Value, row: u32| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("settings", &settings.to_string())
            .append_pair("row", &row.to_string())
            .finish();
        browser.open(&format!("{import}/sample?{query}")).await
    };
    let says = |text: &str| json!({"agent": {"name": "", "script": {"say": {"text": text}}}});
    let first = hears(says("Hello {{name}}, {{plan}}{{note}} it is."), 0).await;
    assert!(first.has("What Ada Ames hears") && first.has("Hello Ada Ames, gold"), "{}", first.text);
    assert!(!first.has("<b>tea") && first.has("data-variables=\"name phone plan note\""), "{}", first.text);
    assert!(hears(says("Hello {{name}}."), 1).await.has("Hello Ben Burns."));
    let machine = json!({"detect": "message_end", "on_machine": "leave_message", "message": {"text": "Call us, {{name}}"}});
    let mut both = says("Hello");
    both["answering_machine"] = machine;
    assert!(hears(both, 1).await.has("Call us, Ben Burns"));
    for (wrong, sentence) in [
        (says("Hello {{nmae}}"), "it has no {{nmae}}"),
        (says("Hello {{name"), "Expected }} after a variable"),
        (json!({"agent_id": "01890000-0000-7000-8000-000000000000"}), "There is no agent"),
        (json!({"agnet": {}}), "is unknown"),
    ] {
        let refused = hears(wrong.clone(), 0).await;
        assert_eq!(refused.status, StatusCode::OK);
        assert!(refused.has("class=\"problem\"") && refused.has(sentence), "{wrong}: {}", refused.text);
    }
    assert!(hears(json!({}), 0).await.has("As soon as"));
    scene.end().await;
}

#[actix_web::test]
async fn a_draft_is_looked_at_before_it_is_started_and_started_only_by_who_may() {
    let scene = Scene::start().await;
    let (_, seen) = scene.send_list("/api/v1/imports", &json!({}), LIST).await;
    let named = json!({"import_id": seen["id"], "name": "<i>Spring</i>"});
    let (status, made) = scene.send(Method::POST, "/api/v1/campaigns", &settings(named)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let draft = format!("/campaigns/{}", made["id"].as_str().unwrap());
    let operator = Browser::signed_in(&scene, &key(&scene, Role::Operator).await).await;
    let viewer = Browser::signed_in(&scene, &key(&scene, Role::Viewer).await).await;
    let start = format!("action=\"/api/v1{draft}/start\"");
    for (browser, may_start) in [(&operator, true), (&viewer, false)] {
        let page = browser.open(&format!("{draft}/review")).await;
        assert!(page.has("Spring") && !page.has("<i>Spring") && page.has("2 contacts"), "{}", page.text);
        assert_eq!(page.has(&start), may_start, "{}", page.text);
        let forecast = browser.open(&format!("{draft}/forecast")).await;
        assert!(forecast.has("America/New_York") && forecast.has("<strong>2</strong>"), "{}", forecast.text);
    }
    let review = format!("{draft}/review");
    assert!(!operator.open(&review).await.has("Also made of this file"));
    let (status, other) = scene.upload_file(&settings(json!({"name": "Once more"})), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{other}");
    let warned = operator.open(&review).await;
    assert!(warned.has("Also made of this file") && warned.has(">Once more</a>"), "{}", warned.text);
    assert!(!warned.has(&format!("<a href=\"{draft}\">")), "it is not one of the others");
    scene.command(&format!("/api/v1{draft}"), "start").await;
    assert!(!operator.open(&format!("{draft}/review")).await.has(&start), "it is started already");
    scene.end().await;
}

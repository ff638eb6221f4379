//! Lists on their way in: looked at, stored, corrected, added to a campaign that runs.

use outdial::app::{App, BuildError};
use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{Scene, Setting, settings};

const MIXED: &str = "name,phone,plan\nAda,202-555-0101,gold\nBob,555-0102,\n\nCy,(202) 555-0103,=1+1\n\
                     Dan,+1 202 555 0101,\nEve,00442079460018,x\n";

async fn scene() -> Scene {
    Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await
}

fn counts(of: &Value) -> [i64; 5] {
    ["rows", "imported", "duplicates", "rejected", "blank"].map(|key| of[key].as_i64().unwrap())
}

fn path_of(campaign: &Value) -> String {
    format!("/api/v1/campaigns/{}", campaign["id"].as_str().unwrap())
}

#[actix_web::test]
async fn a_list_is_looked_at_before_a_campaign_is_made_of_it_without_another_upload() {
    let scene = scene().await;
    let (status, seen) = scene.send_list("/api/v1/imports", &json!({}), MIXED).await;
    assert_eq!(status, StatusCode::CREATED, "{seen}");
    assert_eq!(counts(&seen), [6, 3, 1, 1, 1]);
    assert_eq!(seen["format"], "text");
    assert_eq!(seen["found"][0], json!({"role": "phone", "column": "phone", "because": "header"}));
    assert_eq!(seen["first"][0]["phone"], "+12025550101");
    let reasons = seen["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|reason| reason["reason"] == "exit-code-replaced"), "{reasons:?}");
    let (_, listed) = scene.ask(Method::GET, "/api/v1/campaigns").await;
    assert_eq!(listed["campaigns"], json!([]), "nothing is stored yet");
    let made = settings(json!({"import_id": seen["id"]}));
    let (status, campaign) = scene.send(Method::POST, "/api/v1/campaigns", &made).await;
    assert_eq!(status, StatusCode::CREATED, "{campaign}");
    assert_eq!((counts(&campaign), &campaign["import_id"]), (counts(&seen), &seen["id"]));
    let (status, again) = scene.send(Method::POST, "/api/v1/campaigns", &made).await;
    assert_eq!((status.as_u16(), &again["type"]), (422, &json!("urn:outdial:file-not-kept")));
    scene.command(&path_of(&campaign), "start").await;
    scene.until_completed(&path_of(&campaign)).await;
    scene.end().await;
}

#[actix_web::test]
async fn refused_rows_are_downloaded_corrected_and_sent_again() {
    let scene = scene().await;
    let (_, campaign) = scene.upload_file(&settings(json!({})), MIXED).await;
    let import = campaign["import_id"].as_str().unwrap();
    let (_, rows) = scene.ask(Method::GET, &format!("/api/v1/imports/{import}/rows?kind=refused")).await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
    assert_eq!((&rows["rows"][0]["row"], &rows["rows"][0]["reason"]), (&json!(3), &json!("too-short")));
    let rejects = scene.download(&format!("/api/v1/imports/{import}/rejects.csv")).await;
    assert!(rejects.contains("Bob,555-0102"), "{rejects}");
    let corrected = rejects.replace("555-0102", "202-555-0102");
    let path = format!("{}/contacts", path_of(&campaign));
    let (status, added) = scene.send_list(&path, &json!({}), corrected).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    assert_eq!(counts(&added), [1, 1, 0, 0, 0]);
    let (_, contacts) = scene.ask(Method::GET, &path).await;
    let bob = &contacts["contacts"][3];
    assert_eq!((&bob["name"], &bob["phone"]), (&json!("Bob"), &json!("+12025550102")));
    assert_eq!(bob["metadata"], json!({}), "neither our own columns nor empty cells are kept");
    let (_, imports) = scene.ask(Method::GET, &format!("{}/imports", path_of(&campaign))).await;
    assert_eq!(imports["imports"].as_array().unwrap().len(), 2);
    scene.end().await;
}

#[actix_web::test]
async fn contacts_are_added_to_a_campaign_that_runs_and_to_one_that_is_completed() {
    let scene = scene().await;
    scene.simulator.fix("+12025550101", [Behavior::answer().talking(30.0)]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_placed(&campaign).await;
    let path = format!("{campaign}/contacts");
    let list = json!([{"phone": "202-555-0102", "name": "Bob"}, {"phone": "202-555-0101"}, "202-555-0103"]);
    let (status, added) = scene.send(Method::POST, &path, &json!([list[0], list[1]])).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    assert_eq!((counts(&added), &added["already_there"]), ([2, 1, 1, 0, 0], &json!(1)));
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["answered", "answered"]);
    let (_, again) = scene.send(Method::POST, &path, &json!([list[0], list[1]])).await;
    assert_eq!((&again["imported"], &again["state"]), (&json!(0), &json!("completed")));
    let (_, more) = scene.send(Method::POST, &path, &json!([list[2]])).await;
    assert_eq!((&more["imported"], &more["state"]), (&json!(1), &json!("running")), "{more}");
    scene.until(&campaign, "the third is called", |campaign| campaign["counts"]["completed"] == 3).await;
    scene.until_completed(&campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_canceled_campaign_takes_no_contacts_and_another_team_s_is_not_there() {
    let scene = scene().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    scene.command(&campaign, "start").await;
    scene.until_completed(&campaign).await;
    let paused = scene.upload(json!({}), &["+12025550102"]).await;
    scene.command(&paused, "start").await;
    scene.command(&paused, "cancel").await;
    let list = json!(["202-555-0103"]);
    let (status, refused) = scene.send(Method::POST, &format!("{paused}/contacts"), &list).await;
    assert_eq!((status.as_u16(), &refused["from"]), (409, &json!("canceled")), "{refused}");
    let nowhere = format!("/api/v1/campaigns/{}/contacts", uuid::Uuid::now_v7());
    assert_eq!(scene.send(Method::POST, &nowhere, &list).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn what_the_owner_says_about_the_columns_and_countries_is_obeyed() {
    let scene = scene().await;
    let list = "who,home,work\nAda,202-555-0101,+44 20 7946 0018\n";
    let said = json!({"columns": {"phone": "work", "name": "who"}, "countries": ["GB"]});
    let (status, seen) = scene.send_list("/api/v1/imports", &said, list).await;
    assert_eq!(status, StatusCode::CREATED, "{seen}");
    assert_eq!(seen["first"][0]["phone"], "+442079460018");
    assert_eq!(seen["found"][0]["because"], "mapping");
    let wrong = json!({"columns": {"phone": "mobile"}});
    let (status, refused) = scene.send_list("/api/v1/imports", &wrong, list).await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:unknown-column")));
    assert!(refused["detail"].as_str().unwrap().contains("\"home\""), "{refused}");
    let (status, refused) = scene.send_list("/api/v1/imports", &json!({"colums": {}}), list).await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:bad-settings")));
    scene.end().await;
}

#[actix_web::test]
async fn a_list_that_holds_too_much_is_refused_early_and_dialing_goes_on() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.lists.rows = 3;
    scene.config.lists.megabytes = 1;
    scene.start_program().await;
    let (status, refused) = scene.upload_file(&settings(json!({})), "phone\n2025550101\n".repeat(9)).await;
    assert_eq!((status.as_u16(), &refused["type"]), (413, &json!("urn:outdial:too-many-rows")), "{refused}");
    let (status, refused) = scene.upload_file(&settings(json!({})), " ".repeat(2 << 20)).await;
    assert_eq!((status.as_u16(), &refused["type"]), (413, &json!("urn:outdial:too-large")), "{refused}");
    let (_, listed) = scene.ask(Method::GET, "/api/v1/campaigns").await;
    assert_eq!(listed["campaigns"], json!([]));
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_placed(&campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_directory_for_lists_that_cannot_be_used_is_found_at_the_start_and_another_is_used() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.lists.spool_dir = Some("/nowhere/spool".into());
    let refused = App::build(scene.config.clone()).await.err().expect("a refusal");
    assert!(matches!(refused, BuildError::Spool(_)), "{refused}");
    let directory = tempfile::tempdir().unwrap();
    scene.config.lists.spool_dir = Some(directory.path().to_owned());
    scene.start_program().await;
    let (status, seen) = scene.send_list("/api/v1/imports", &json!({}), MIXED).await;
    assert_eq!(status, StatusCode::CREATED, "{seen}");
    drop(directory);
    let (status, refused) = scene.send_list("/api/v1/imports", &json!({}), MIXED).await;
    assert_eq!((status.as_u16(), &refused["type"]), (503, &json!("urn:outdial:unavailable")));
    scene.end().await;
}

//! Contacts that no code can work with, and what becomes of the others.

use reqwest::Method;
use serde_json::json;

use outdial::simulator::{Outcome, Scenario};

use crate::support::scene::{Scene, Setting};

impl Scene {
    /// Leaves contacts in the database for which no attempt can be written any more.
    async fn poison(&self, condition: &str) {
        let sql = format!("UPDATE contacts SET last_number = 2147483647 WHERE {condition}");
        self.psql().await.execute(&sql, &[]).await.expect("poison");
    }
}

fn everybody_answers() -> Setting {
    Setting { scenario: Scenario::instant(Outcome::Answer), ..Setting::default() }
}

#[actix_web::test]
async fn a_contact_that_makes_its_campaign_fail_is_set_aside_with_the_error_and_the_others_are_called() {
    let scene = Scene::with(everybody_answers()).await;
    let phones = ["+12025550101", "+12025550102", "+12025550103"];
    let campaign = scene.upload(json!({}), &phones).await;
    scene.poison("phone = '+12025550102'").await;
    scene.command(&campaign, "start").await;
    let done = scene.until_completed(&campaign).await;
    let counts = &done["counts"];
    assert_eq!(
        (&counts["completed"], &counts["failed"], &counts["set_aside"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let (_, listed) = scene.ask(Method::GET, &format!("{campaign}/contacts?state=failed")).await;
    let contact = &listed["contacts"][0];
    assert_eq!(contact["phone"], phones[1]);
    assert_eq!(contact["set_aside"], "a statement failed: 22003 integer out of range");
    let called = phones.map(|phone| scene.simulator.ledger().creates_to(phone).len());
    assert_eq!(called, [1, 0, 1]);
    scene.end().await;
}

#[actix_web::test]
async fn a_campaign_that_fails_with_everybody_gives_up_three_and_pauses() {
    let scene = Scene::with(everybody_answers()).await;
    let phones = ["+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105"];
    let campaign = scene.upload(json!({}), &phones).await;
    scene.poison("true").await;
    scene.command(&campaign, "start").await;
    let paused = scene.until(&campaign, "it is paused", |campaign| campaign["state"] == "paused").await;
    assert_eq!(paused["state_reason"], "contacts-fail");
    assert_eq!((&paused["counts"]["set_aside"], &paused["counts"]["pending"]), (&json!(3), &json!(2)));
    assert!(scene.simulator.ledger().creates().is_empty());
    scene.end().await;
}

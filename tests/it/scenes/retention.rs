//! Personal data that is not kept for ever, as people and the sweep see it, while others are called.

use chrono::TimeDelta;
use outdial::actors::Sweep;
use outdial::config::Keep;
use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{Scene, Setting};

const ADA: &str = "+12025550141";
const BOB: &str = "+12025550142";

async fn erase(scene: &Scene, body: Value) -> (StatusCode, Value) {
    scene.send(Method::POST, "/api/v1/contacts/erase", &body).await
}

#[actix_web::test]
async fn the_sweep_takes_the_people_out_of_old_campaigns_while_others_are_called() {
    let scenario = Scenario::instant(Outcome::Answer);
    let mut scene = Scene::without_program(&Setting { scenario, ..Setting::default() }).await;
    scene.config.operations.keep = Keep { contacts: Some(30), attempts: None, events: None };
    scene.start_program().await;
    let old = scene.call(json!({}), &[ADA, BOB]).await;
    let completed = scene.until_completed(&old).await;
    let young = scene.call(json!({}), &["+12025550143"]).await;
    scene.until_completed(&young).await;
    let id = old.rsplit('/').next().unwrap();
    let ago = scene.clock.now() - TimeDelta::days(31);
    let psql = scene.psql().await;
    let sql = "UPDATE campaigns SET ended_at = $2 WHERE id::text = $1";
    psql.execute(sql, &[&id, &ago]).await.unwrap();

    let running =
        scene.call(json!({"pacing": {"delay_seconds": 60}}), &["+12025550144", "+12025550145"]).await;
    scene.supervisor().send(Sweep).await.unwrap();
    let contacts = eventually("the old campaign's people are erased", || async {
        let (_, answer) = scene.ask(Method::GET, &format!("{old}/contacts")).await;
        let contacts = answer["contacts"].as_array().expect("contacts").clone();
        contacts.iter().all(|contact| contact["name"].is_null()).then_some(contacts)
    })
    .await;
    assert_eq!(contacts.len(), 2);
    for contact in &contacts {
        let id = contact["id"].as_str().unwrap();
        assert_eq!(contact["phone"].as_str().unwrap(), format!("erased-{id}"));
        assert_eq!(contact["state"], "completed");
        let detail = scene.ask(Method::GET, &format!("{old}/contacts/{id}")).await;
        assert_eq!(detail.0, StatusCode::OK, "{}", detail.1);
    }
    let after = scene.look(&old).await;
    assert_eq!(after["counts"], completed["counts"]);
    let (_, others) = scene.ask(Method::GET, &format!("{young}/contacts")).await;
    assert_eq!(others["contacts"][0]["phone"], "+12025550143");
    // Dialing goes on, and so do lists with the same people.
    scene.until_completed(&running).await;
    let again = scene.call(json!({}), &[ADA]).await;
    scene.until_completed(&again).await;
    scene.end().await;
}

#[actix_web::test]
async fn somebody_who_asks_is_erased_once_no_call_is_open_and_is_not_called_any_more() {
    let scenario = Scenario::instant(Outcome::Answer);
    let scene = Scene::with(Setting { scenario, ..Setting::default() }).await;
    scene.simulator.fix(ADA, [Behavior::answer().talking(600.0)]).unwrap();
    let campaign = scene.call(json!({"pacing": {"delay_seconds": 0}}), &[ADA, BOB, "(202) 555-0149"]).await;
    scene.until_placed(&campaign).await;
    let (status, busy) = erase(&scene, json!({"phone": ADA})).await;
    assert_eq!((status, &busy["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:call-open")), "{busy}");
    scene.command(&campaign, "pause").await;
    eventually("the call is over", || async {
        scene.attempts(&campaign).await.iter().all(|attempt| attempt["outcome"].is_string()).then_some(())
    })
    .await;

    let (status, erased) = erase(&scene, json!({"phone": "202 555 0141"})).await;
    assert_eq!(status, StatusCode::OK, "{erased}");
    assert_eq!(
        (&erased["contacts"], &erased["attempts"], &erased["given_up"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(erased["is_suppressed"], false);
    let (status, erased) = erase(&scene, json!({"phone": "2025550149", "region": "us"})).await;
    assert_eq!((status, &erased["given_up"]), (StatusCode::OK, &json!(1)), "{erased}");
    // A number that lists had once is erased also if none can have it today.
    assert_eq!(erase(&scene, json!({"phone": "+19995550101"})).await.0, StatusCode::OK);
    let contacts = scene.ask(Method::GET, &format!("{campaign}/contacts")).await.1;
    let id = contacts["contacts"][0]["id"].as_str().unwrap().to_owned();
    let at = scene.clock.now() + TimeDelta::hours(1);
    let callback = format!("{campaign}/contacts/{id}/callback");
    let (status, refused) = scene.send(Method::POST, &callback, &json!({"at": at})).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:erased")), "{refused}");
    let attempt = scene.attempts(&campaign).await[0]["id"].as_str().unwrap().to_owned();
    let opt_out = format!("{campaign}/attempts/{attempt}/opt-out");
    let (status, refused) = scene.send(Method::POST, &opt_out, &json!({})).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:erased")), "{refused}");
    for wrong in [
        json!({"phone": "nobody"}),
        json!({}),
        json!({"phone": ADA, "name": "Ada"}),
        json!({"phone": ADA, "region": "XX"}),
    ] {
        assert_eq!(erase(&scene, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    scene.command(&campaign, "resume").await;
    let counts = scene.until_completed(&campaign).await["counts"].clone();
    assert_eq!((&counts["completed"], &counts["failed"]), (&json!(2), &json!(1)), "{counts}");
    let called: Vec<String> = scene
        .simulator
        .ledger()
        .creates()
        .iter()
        .filter_map(|create| create.parameter("To").map(str::to_owned))
        .collect();
    assert_eq!(called, [ADA, BOB], "the third asked in time");
    scene.end().await;
}

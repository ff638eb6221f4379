//! What whoever looks on is told: figures, pages, people who are looked for.

use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::header::LINK;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::scene::{API_TOKEN, Scene, Setting};

#[actix_web::test]
async fn figures_tell_what_a_campaign_s_own_counts_do_and_when() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    scene.simulator.fix("+12025550102", [Behavior::of(Outcome::Busy), Behavior::answer()]).unwrap();
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    let done = scene.until_completed(&campaign).await;
    let (status, figures) = scene.ask(Method::GET, &format!("{campaign}/metrics")).await;
    assert_eq!(status, StatusCode::OK, "{figures}");
    assert_eq!((&figures["attempts"], &figures["answered"]), (&json!(3), &json!(2)));
    assert_eq!((&figures["outcomes"]["busy"], &figures["contacts"]["completed"]), (&json!(1), &json!(2)));
    for rate in ["answer_rate", "success_rate", "machine_share"] {
        assert_eq!(figures[rate], done[rate], "{rate}");
    }
    assert_eq!(figures["average_talk_seconds"], done["average_duration_seconds"]);
    assert!(figures["average_ring_seconds"].as_f64().unwrap() > 0.0, "{figures}");
    let funnel: Vec<[&Value; 4]> = figures["by_attempt"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| ["number", "attempts", "answered", "not_reached"].map(|key| &of[key]))
        .collect();
    assert_eq!(json!(funnel), json!([[1, 2, 1, 1], [2, 1, 1, 0]]));
    // It began on a Monday at 10:00 in New York, and took some minutes.
    assert_eq!(figures["by_weekday"][0]["attempts"], 3);
    assert_eq!(
        (&figures["by_hour"][10]["hour"], &figures["by_hour"][10]["attempts"]),
        (&json!(10), &json!(3))
    );
    assert_eq!(figures["by_hour_of_week"][0]["weekday"], "monday");
    assert_eq!(figures["over_time"][0]["begins"], "2026-03-02T00:00:00");
    let (_, by_hour) = scene.ask(Method::GET, &format!("{campaign}/metrics?bucket=hour")).await;
    assert_eq!(by_hour["over_time"][0]["begins"], "2026-03-02T10:00:00");
    let (_, team) = scene.ask(Method::GET, "/api/v1/metrics").await;
    assert_eq!((&team["campaigns"], &team["attempts"]), (&json!(1), &json!(3)));
    assert_eq!((&team["campaign_id"], team["since"].is_string()), (&Value::Null, true));
    let (_, before) = scene.ask(Method::GET, "/api/v1/metrics?until=2026-03-02T15:00:00Z").await;
    assert_eq!((&before["attempts"], &before["answer_rate"]), (&json!(0), &Value::Null));
    assert_eq!(before["since"], "2026-01-31T15:00:00Z");
    for bad in
        ["since=yesterday", "bucket=year", "since=2026-03-03T00:00:00Z&until=2026-03-02T00:00:00Z", "x=1"]
    {
        let (status, problem) = scene.ask(Method::GET, &format!("{campaign}/metrics?{bad}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {problem}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_list_is_read_page_by_page_along_the_links() {
    let scene = Scene::start().await;
    let phones = ["+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105"];
    let campaign = scene.upload(json!({}), &phones).await;
    let (mut path, mut read) = (Some(format!("{campaign}/contacts?state=pending&limit=2")), Vec::new());
    while let Some(page) = path {
        let request = scene.stranger().get(scene.url(&page)).bearer_auth(API_TOKEN);
        let answer = request.send().await.unwrap();
        let link = answer.headers().get(LINK).map(|link| link.to_str().unwrap().to_owned());
        let body: Value = answer.json().await.unwrap();
        assert_eq!(link.is_some(), body["next"].is_object(), "{body}");
        read.extend(body["contacts"].as_array().unwrap().iter().map(|contact| contact["phone"].clone()));
        path = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        assert!(read.len() <= phones.len(), "the links lead in a circle");
    }
    assert_eq!(json!(read), json!(phones));
    scene.end().await;
}

//! What whoever looks on is told: figures, pages, people who are looked for.

use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::header::LINK;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
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
async fn figures_that_cannot_be_counted_in_time_are_summed_up_meanwhile() {
    const LONG_AGO: &str =
        "UPDATE attempts SET settled_at = settled_at - interval '2 days', ask_price_at = NULL";
    // So ends a statement whose time is over, too.
    const TIME_IS_OVER: &str = "
        SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%call_sums%'";
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    let campaign = scene.call(json!({}), &["+12025550101"]).await;
    scene.until_completed(&campaign).await;
    let (psql, locker) = (scene.psql().await, scene.psql().await);
    psql.batch_execute(LONG_AGO).await.unwrap();
    for path in [&format!("{campaign}/metrics"), "/api/v1/metrics"] {
        locker.batch_execute("BEGIN; LOCK TABLE call_sums IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let time_is_over = eventually("it is being counted", || async {
            let ended: i64 = psql.query_one(TIME_IS_OVER, &[]).await.unwrap().get(0);
            (ended > 0).then_some(())
        });
        let ((status, problem), ()) = tokio::join!(scene.ask(Method::GET, path), time_is_over);
        // The second time nothing is counted: it would wait for the lock.
        for (status, problem) in [(status, problem), scene.ask(Method::GET, path).await] {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("are being summed up"), "{problem}");
            assert_eq!(problem["retry_after_seconds"], 10);
        }
        locker.batch_execute("ROLLBACK").await.unwrap();
        let figures = eventually("the figures are there", || async {
            let (status, figures) = scene.ask(Method::GET, path).await;
            (status == StatusCode::OK).then_some(figures)
        })
        .await;
        assert_eq!(figures["answered"], 1);
        let summed: i64 = psql.query_one("SELECT sum(answered) FROM call_sums", &[]).await.unwrap().get(0);
        assert_eq!(summed, 1);
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

#[actix_web::test]
async fn people_are_found_by_name_and_by_number_in_any_writing() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.upload(json!({"name": "another"}), &["+12025550102"]).await;
    let search = async |text: &str| {
        let (status, page) = scene.ask(Method::GET, &format!("{campaign}/contacts?search={text}")).await;
        assert_eq!(status, StatusCode::OK, "{text}: {page}");
        assert_eq!(page["next"], Value::Null);
        let found = page["contacts"].as_array().unwrap().iter();
        found.map(|contact| contact["position"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(search("PERSON").await, [1, 2]);
    assert_eq!(search("son%202").await, [2]);
    assert_eq!(search("%28202%29%20555-0102").await, [2]);
    assert_eq!(search("+12025550101").await, [1]);
    assert_eq!(search("0101").await, [1]);
    assert_eq!(search("%20").await, [1, 2], "blanks look for nobody in particular");
    assert_eq!(search("%25").await, [0; 0]);
    let (_, failed) =
        scene.ask(Method::GET, &format!("{campaign}/contacts?search=person&state=failed")).await;
    assert_eq!(failed["contacts"], json!([]));
    let long = format!("{campaign}/contacts?search={}", "x".repeat(201));
    assert_eq!(scene.ask(Method::GET, &long).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, found) = scene.ask(Method::GET, "/api/v1/contacts?phone=202-555-0102").await;
    let campaigns: Vec<&Value> =
        found["contacts"].as_array().unwrap().iter().map(|contact| &contact["campaign"]["name"]).collect();
    assert_eq!(campaigns, ["another", "a scene"]);
    assert_eq!(found["contacts"][1]["name"], "Person 2");
    let (_, page) = scene.ask(Method::GET, "/api/v1/contacts?phone=%2B12025550102&limit=1").await;
    let before = page["next"]["before"].as_str().unwrap();
    let (_, page) =
        scene.ask(Method::GET, &format!("/api/v1/contacts?phone=%2B12025550102&before={before}")).await;
    assert_eq!((page["contacts"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    for bad in
        ["/api/v1/contacts", "/api/v1/contacts?phone=12", "/api/v1/contacts?phone=2025550102&region=XX"]
    {
        assert_eq!(scene.ask(Method::GET, bad).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    scene.end().await;
}

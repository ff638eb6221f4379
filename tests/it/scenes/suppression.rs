//! Numbers that must not be contacted: the list, and what it does to campaigns that run.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use outdial::actors::Tick;
use outdial::simulator::{Fault, FaultKind, Outcome, Scenario, Span};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{Scene, Setting};

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";
const LIST: &str = "/api/v1/suppressions";

/// Puts a number on the list, through the API.
async fn suppress(scene: &Scene, phone: &str) -> Value {
    let (status, answer) = scene.send(Method::POST, LIST, &json!({"phone": phone})).await;
    assert!(status.is_success(), "{answer}");
    answer
}

async fn import(scene: &Scene, settings: Option<Value>, file: &str) -> (StatusCode, Value) {
    let mut form = Form::new().part("file", Part::bytes(file.as_bytes().to_vec()).file_name("dnc.csv"));
    if let Some(settings) = settings {
        form = form.part("settings", Part::text(settings.to_string()));
    }
    scene.upload_form(&format!("{LIST}/import"), form).await
}

#[actix_web::test]
async fn a_number_in_any_writing_is_put_on_the_list_found_and_taken_off_again() {
    let scene = Scene::start().await;
    let body = json!({"phone": "(202) 555-0101", "reason": "asked by letter", "note": "of 2 March"});
    let (status, added) = scene.send(Method::POST, LIST, &body).await;
    assert_eq!((status, &added["phone"]), (StatusCode::CREATED, &json!(ANN)), "{added}");
    assert_eq!((&added["source"], &added["in_force"]), (&json!("api"), &json!(true)));
    let (status, again) = scene.send(Method::POST, LIST, &json!({"phone": ANN})).await;
    assert_eq!(
        (status, &again["reason"]),
        (StatusCode::OK, &json!("asked by letter")),
        "the first one stays"
    );
    let british = json!({"phone": "020 7946 0018"});
    let (status, added) = scene.send(Method::POST, &format!("{LIST}?region=GB"), &british).await;
    assert_eq!((status, &added["phone"]), (StatusCode::CREATED, &json!("+442079460018")), "{added}");
    for writing in ["202-555-0101", "+12025550101", "%2B1%20202%20555%200101"] {
        let (status, found) = scene.ask(Method::GET, &format!("{LIST}/{writing}")).await;
        assert_eq!((status, &found["note"]), (StatusCode::OK, &json!("of 2 March")), "{writing}");
    }
    let (status, _) = scene.ask(Method::DELETE, &format!("{LIST}/2025550101")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        let (status, problem) = scene.ask(method, &format!("{LIST}/2025550101")).await;
        assert_eq!((status, &problem["type"]), (StatusCode::NOT_FOUND, &json!("urn:outdial:not-found")));
    }
    let lifted = "SELECT name FROM lifted_suppressions JOIN api_keys ON api_keys.id = lifted_by";
    let by: String = scene.psql().await.query_one(lifted, &[]).await.unwrap().get(0);
    assert_eq!(by, "from the environment");
    scene.end().await;
}

#[actix_web::test]
async fn what_cannot_be_suppressed_is_refused_with_what_was_expected() {
    let scene = Scene::start().await;
    let too_many: Vec<Value> = (0..1001).map(|_| json!({"phone": ANN})).collect();
    let cases = [
        (json!({"phone": "12345"}), "expected"),
        (
            json!({"phone": ANN, "expires_at": "2026-03-02T14:59:59Z"}),
            "expected an instant that is yet to come",
        ),
        (json!({"phone": ANN, "expires_at": "+20000-01-01T00:00:00Z"}), "expected a year up to 9999"),
        (json!({"phone": ANN, "reason": "x".repeat(201)}), "reason has 201 characters, expected at most 200"),
        (json!({"phone": ANN, "colour": "red"}), "colour is unknown"),
        (json!({}), "phone is missing"),
        (json!([]), "0 suppressions, expected 1 to 1000"),
        (json!(too_many), "1001 suppressions, expected 1 to 1000"),
    ];
    for (body, expected) in cases {
        let (status, problem) = scene.send(Method::POST, LIST, &body).await;
        let refused = (status, &problem["type"]);
        assert_eq!(
            refused,
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-suppression")),
            "{body}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{body}: {problem}");
    }
    for path in [format!("{LIST}?region=XX"), format!("{LIST}/112?region=XX")] {
        let method = if path.contains("112") { Method::GET } else { Method::POST };
        let (status, problem) = scene.send(method, &path, &json!({"phone": ANN})).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-region"))
        );
    }
    let (_, listed) = scene.ask(Method::GET, LIST).await;
    assert_eq!(listed, json!({"suppressions": [], "next": null}));
    scene.end().await;
}

#[actix_web::test]
async fn of_many_in_one_request_a_bad_one_stops_no_other() {
    let scene = Scene::start().await;
    let body =
        json!([{"phone": ANN}, {"phone": "911"}, {"phone": "202 555 0102 / 202 555 0103"}, {"phone": ANN}]);
    let (status, answer) = scene.send(Method::POST, LIST, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        (&answer["rows"], &answer["imported"], &answer["rejected"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(answer["numbers"], json!({"new": 3, "extended": 0, "kept": 0}));
    assert_eq!(
        (&answer["refused"][0]["index"], &answer["refused"][0]["reason"]),
        (&json!(1), &json!("emergency"))
    );
    let (_, page) = scene.ask(Method::GET, &format!("{LIST}?limit=2")).await;
    let phones = |page: &Value| -> Vec<String> {
        let rows = page["suppressions"].as_array().unwrap().iter();
        rows.map(|row| row["phone"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (phones(&page), &page["next"]),
        (vec![ANN.to_owned(), BOB.to_owned()], &json!({"after": BOB}))
    );
    for after in [BOB, "%2B12025550102", "12025550102"] {
        let (_, page) = scene.ask(Method::GET, &format!("{LIST}?limit=2&after={after}")).await;
        assert_eq!(
            (phones(&page), &page["next"]),
            (vec!["+12025550103".to_owned()], &Value::Null),
            "{after}"
        );
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_list_that_was_exported_can_be_imported_as_it_is() {
    let scene = Scene::start().await;
    let until = "2027-01-01T00:00:00+00:00";
    let ann = json!({"phone": ANN, "reason": "=cmd|' /C calc'!A0", "note": "two\nlines, \"quoted\"", "expires_at": until});
    let (status, answer) = scene.send(Method::POST, LIST, &json!([ann, {"phone": BOB}])).await;
    assert_eq!((status, &answer["rejected"]), (StatusCode::OK, &json!(0)), "{answer}");
    let (status, exported) = scene.ask(Method::GET, "/api/v1/suppressions.csv").await;
    let exported = exported.as_str().unwrap().to_owned();
    assert_eq!(status, StatusCode::OK);
    assert!(
        exported.starts_with("phone,reason,source,note,created_at,expires_at\r\n'+12025550101,'=cmd"),
        "{exported}"
    );
    for phone in [ANN, BOB] {
        scene.ask(Method::DELETE, &format!("{LIST}/{phone}")).await;
    }
    let (status, answer) = import(&scene, None, &exported).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["numbers"], json!({"new": 2, "extended": 0, "kept": 0}));
    let (_, found) = scene.ask(Method::GET, &format!("{LIST}/{ANN}")).await;
    assert_eq!(found["note"], "two\nlines, \"quoted\"");
    assert_eq!((&found["source"], &found["expires_at"]), (&json!("file"), &json!("2027-01-01T00:00:00Z")));
    scene.end().await;
}

#[actix_web::test]
async fn an_import_says_what_became_of_every_row() {
    let scene = Scene::start().await;
    scene.suppress(BOB).await;
    let file = "Name,Telefon,reason,expires_at\n\
                Ann,020 7946 0018,by letter,\n\
                Ann,+44 20 7946 0018,,\n\
                Bob,+1 202 555 0102,,\n\
                Cay,999,,\n\
                ,,,\n\
                Dee,+1 202 555 0104,,yesterday\n\
                Eve,+1 202 555 0105,,2020-01-01T00:00:00Z\n";
    let settings = json!({"region": "GB", "reason": "register of March"});
    let (status, answer) = import(&scene, Some(settings), file).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let counts =
        ["rows", "imported", "duplicates", "rejected", "blank"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [7, 2, 1, 3, 1]);
    assert_eq!(answer["numbers"], json!({"new": 1, "extended": 0, "kept": 1}));
    let refused: Vec<_> =
        answer["refused"].as_array().unwrap().iter().map(|row| (&row["row"], &row["reason"])).collect();
    let expected =
        [(json!(5), json!("emergency")), (json!(7), json!("bad-expiry")), (json!(8), json!("expired"))];
    assert!(refused.into_iter().eq(expected.iter().map(|(row, reason)| (row, reason))), "{answer}");
    let (_, found) = scene.ask(Method::GET, &format!("{LIST}/+442079460018")).await;
    assert_eq!((&found["reason"], &found["source"]), (&json!("by letter"), &json!("file")));
    let (status, problem) = import(&scene, Some(json!({"colour": "red"})), file).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-settings"))
    );
    scene.end().await;
}

/// Ten campaigns at work, and a quarter of their people opting out in the course of it, each of them before or while
/// his turn comes.
#[actix_web::test]
async fn no_request_leaves_later_than_a_second_after_an_opt_out_in_any_running_campaign() {
    let speed = 100;
    let scenario = Scenario {
        dial_seconds: Span { min: 0.2, max: 0.5 },
        ring_seconds: Span { min: 4.0, max: 10.0 },
        ..Scenario::always(Outcome::Busy)
    };
    let scene = Scene::with(Setting { speed, scenario, ..Setting::default() }).await;
    let areas = [202, 212, 203, 214, 215, 216, 217, 218, 219, 224];
    let phones = |area: i32| -> Vec<String> { (0..40).map(|n| format!("+1{area}55501{n:02}")).collect() };
    let changes = json!({"retry_policy": {"max_retries": 0}, "suppression": {"end_ringing_calls": false}});
    let mut campaigns = Vec::new();
    for area in areas {
        let phones = phones(area);
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        campaigns.push(scene.upload(changes.clone(), &phones).await);
    }
    for campaign in &campaigns {
        scene.command(campaign, "start").await;
    }
    // By the scene's clock, when the API's word had come that it holds.
    let mut held_at: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    for nth in (0..40).step_by(4) {
        let holding = areas.map(|area| {
            let (scene, phone) = (&scene, format!("+1{area}55501{nth:02}"));
            async move {
                suppress(scene, &phone).await;
                (phone, scene.clock.now())
            }
        });
        held_at.extend(futures_util::future::join_all(holding).await);
    }
    let mut suppressed = 0;
    for campaign in &campaigns {
        suppressed += scene.until_completed(campaign).await["counts"]["suppressed"].as_u64().unwrap();
    }
    assert!(suppressed > 30, "too few opted out before their turn to prove anything: {suppressed}");
    let second = TimeDelta::seconds(i64::from(speed));
    for create in scene.simulator.ledger().creates() {
        let held_at = held_at.get(create.parameter("To").unwrap());
        let late = held_at.map(|held_at| create.at - *held_at).filter(|late| *late > second);
        assert_eq!(late, None, "a request left too late");
    }
    scene.end().await;
}

/// A scene in which everybody's telephone rings for 25 seconds before it is taken.
async fn slow_to_answer() -> Scene {
    let scenario = Scenario {
        ring_seconds: Span { min: 25.0, max: 25.0 },
        dial_seconds: Span { min: 0.5, max: 0.5 },
        ..Scenario::always(Outcome::Answer)
    };
    Scene::with(Setting { scenario, speed: 10, ..Setting::default() }).await
}

async fn until_it_stands(scene: &Scene, campaign: &str, status: &str) -> Value {
    eventually("the call stands so", || async {
        scene.attempts(campaign).await.into_iter().find(|attempt| attempt["status"] == status)
    })
    .await
}

/// What the provider was asked to do with calls that it had taken.
fn updates(scene: &Scene) -> Vec<String> {
    let ledger = scene.simulator.ledger();
    let updates = ledger.requests.iter().filter(|request| request.method == "POST");
    updates.filter_map(|request| request.parameter("Status").map(str::to_owned)).collect()
}

#[actix_web::test]
async fn a_call_that_rings_is_ended_when_its_number_is_suppressed() {
    let scene = slow_to_answer().await;
    let campaign = scene.call(json!({}), &[ANN, BOB]).await;
    until_it_stands(&scene, &campaign, "ringing").await;
    suppress(&scene, ANN).await;
    let done = scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["canceled", "answered"]);
    assert_eq!((&done["counts"]["failed"], &done["counts"]["completed"]), (&json!(1), &json!(1)));
    assert_eq!(updates(&scene), ["canceled"]);
    scene.end().await;
}

/// Of a call that is ended while it is queued there is no callback.
#[actix_web::test]
async fn a_call_is_over_by_the_provider_s_answer_alone() {
    let scene = slow_to_answer().await;
    scene.simulator.fault(Fault::always(FaultKind::Lost)).unwrap();
    let campaign = scene.call(json!({}), &[ANN]).await;
    scene.until_placed(&campaign).await;
    suppress(&scene, ANN).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["canceled"]);
    let attempt = &scene.attempts(&campaign).await[0];
    let instant = |name: &str| attempt[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(instant("settled_at") - instant("placed_at") < TimeDelta::seconds(20), "{attempt}");
    scene.end().await;
}

#[actix_web::test]
async fn a_ringing_call_is_ended_also_when_nobody_was_told_of_the_suppression() {
    let scene = slow_to_answer().await;
    let campaign = scene.call(json!({}), &[ANN]).await;
    until_it_stands(&scene, &campaign, "ringing").await;
    scene.suppress(ANN).await;
    scene.supervisor().send(Tick).await.unwrap().unwrap();
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["canceled"]);
    scene.end().await;
}

#[actix_web::test]
async fn a_call_goes_on_that_was_taken_or_that_its_campaign_lets_ring() {
    let scene = slow_to_answer().await;
    let campaign = scene.call(json!({"suppression": {"end_ringing_calls": false}}), &[ANN]).await;
    let bob = scene.call(json!({}), &[BOB]).await;
    until_it_stands(&scene, &campaign, "ringing").await;
    suppress(&scene, ANN).await;
    until_it_stands(&scene, &bob, "in-progress").await;
    suppress(&scene, BOB).await;
    for campaign in [&campaign, &bob] {
        scene.until_completed(campaign).await;
        assert_eq!(scene.outcomes(campaign).await, ["answered"]);
    }
    assert!(updates(&scene).is_empty());
    scene.end().await;
}

#[actix_web::test]
async fn a_call_that_the_provider_did_not_end_is_asked_for_again() {
    let scene = slow_to_answer().await;
    let campaign = scene.call(json!({}), &[ANN]).await;
    let attempt = until_it_stands(&scene, &campaign, "ringing").await;
    // The provider says that it knows of no such call; the next time it does.
    let psql = scene.psql().await;
    let sql = "UPDATE attempts SET sid = $1";
    psql.execute(sql, &[&"CA00000000000000000000000000000404"]).await.unwrap();
    suppress(&scene, ANN).await;
    eventually("it was asked", || async { (!updates(&scene).is_empty()).then_some(()) }).await;
    psql.execute(sql, &[&attempt["sid"].as_str().unwrap()]).await.unwrap();
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["canceled"]);
    assert_eq!(updates(&scene), ["canceled", "canceled"]);
    scene.end().await;
}

#[actix_web::test]
async fn whoever_has_opted_out_with_the_provider_is_suppressed_and_whoever_it_blocks_is_not() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    for (phone, code) in [(ANN, 21610), (BOB, 21216)] {
        let refusal = FaultKind::Refused { http: 400, code, message: format!("refused: {phone}") };
        scene.simulator.fault(Fault::always(refusal).to(phone)).unwrap();
    }
    let campaign = scene.call(json!({}), &[ANN, BOB]).await;
    scene.until_completed(&campaign).await;
    assert_eq!(scene.outcomes(&campaign).await, ["blocked", "blocked"]);
    let (_, listed) = scene.ask(Method::GET, LIST).await;
    let listed: Vec<_> = listed["suppressions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["phone"], &one["source"]))
        .collect();
    assert_eq!(listed, [(&json!(ANN), &json!("provider"))]);
    scene.end().await;
}

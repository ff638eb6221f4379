//! The API: what it takes, what it shows, and how it refuses.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::scene::{API_TOKEN, Scene, settings};

const LIST: &str = "name,phone,First Name,plan\nAda Ames,202-555-0101,Ada,gold\nBob Bell,202-555-0102,Bob,\n";

#[actix_web::test]
async fn nobody_gets_in_without_a_key() {
    let scene = Scene::start().await;
    for (header, value) in [
        ("x-nothing", "at all"),
        ("authorization", "Bearer not-the-key"),
        ("authorization", "Basic dGhlLXNjZW5lLXMtYXBpLXRva2Vu"),
        ("authorization", "Bearer "),
    ] {
        let answer =
            scene.stranger().get(scene.url("/api/v1/campaigns")).header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "urn:outdial:unauthorized");
    }
    let hashes: Vec<Vec<u8>> = scene
        .psql()
        .await
        .query("SELECT hash FROM api_keys", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(hashes.len(), 1);
    assert_eq!(hashes[0].len(), 32);
    scene.end().await;
}

#[actix_web::test]
async fn an_upload_says_what_became_of_every_row() {
    let scene = Scene::start().await;
    let list = "name,phone,plan\n\
                Ada,202-555-0101,gold\n\
                Bob,(202) 555 0101,silver\n\
                Cay,12345,gold\n\
                ,,\n\
                Dee,+1 202 555 0104,\n";
    let (status, answer) = scene.upload_file(&settings(json!({})), list).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let counts =
        ["rows", "imported", "duplicates", "rejected", "blank"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 1, 1, 1]);
    let refused = &answer["refused"][0];
    assert_eq!((&refused["row"], &refused["column"]), (&json!(4), &json!("phone")));
    assert!(refused["message"].as_str().unwrap().len() > 10, "{refused}");
    assert!(!refused.to_string().contains("12345"), "the value is masked: {refused}");
    let campaign = format!("/api/v1/campaigns/{}", answer["id"].as_str().unwrap());
    let (_, contacts) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let first = &contacts["contacts"][0];
    assert_eq!((&first["name"], &first["phone"]), (&json!("Ada"), &json!("+12025550101")));
    assert_eq!(first["metadata"], json!({"plan": "gold"}));
    scene.end().await;
}

#[actix_web::test]
async fn a_bad_upload_is_refused_with_what_was_expected_and_nothing_is_kept() {
    let scene = Scene::start().await;
    let agent = |script: Value| json!({"agent": {"name": "Ada", "script": script}});
    let cases = [
        (settings(json!({"colour": "red"})), LIST, "bad-settings", "colour is unknown"),
        (
            settings(json!({"retry_policy": {"max_retry": 1}})),
            LIST,
            "bad-settings",
            "retry_policy.max_retry is unknown",
        ),
        (settings(json!({"timezone": "Mars/Olympus"})), LIST, "bad-settings", "unknown time zone"),
        (
            settings(json!({"agent": null, "agent_id": Uuid::nil()})),
            LIST,
            "unknown-agent",
            "there is no agent",
        ),
        (
            settings(json!({"starts_at": "9999-01-01T00:00:00Z"})),
            LIST,
            "bad-settings",
            "starts_at is 9999-01-01 00:00:00 UTC, expected an instant within a year",
        ),
        (
            settings(json!({"retry_policy": {"backoff_hours": []}})),
            LIST,
            "bad-settings",
            "backoff_hours is empty, expected hours before one retry at least",
        ),
        (settings(agent(json!({"say": "Hi {{age}}"}))), LIST, "bad-script", "{{age}}"),
        (settings(agent(json!({"say": "Hi {{name.first}}"}))), LIST, "bad-settings", "name.first"),
        (settings(agent(json!({"shout": "Hi"}))), LIST, "bad-settings", "shout"),
        (
            settings(agent(json!({"play": "http://192.168.1.2/hi.mp3"}))),
            LIST,
            "bad-script",
            "agent.script: expected a host",
        ),
        (settings(agent(json!({"say": "Hi {{name}}"}))), "", "empty-file", ""),
        (settings(json!({})), "name,phone\nAda,12\n", "nobody-to-call", "no number"),
        (
            settings(agent(json!({"say": "Hi {{a_b}}"}))),
            "name,phone,A b,a_b\nAda,202-555-0101,1,2\n",
            "bad-script",
            "{{a_b}}",
        ),
    ];
    for (settings, list, kind, expected) in cases {
        let (status, problem) = scene.upload_file(&settings, list).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["type"], format!("urn:outdial:{kind}"), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    let kept: i64 = scene.psql().await.query_one("SELECT count(*) FROM campaigns", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
    let (status, answer) =
        scene.upload_file(&settings(agent(json!({"say": "Hi {{first_name}}"}))), LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    scene.end().await;
}

#[actix_web::test]
async fn whatever_cannot_be_read_is_refused_in_the_same_words() {
    let scene = Scene::start().await;
    let agent = json!({"name": "a\u{0}b", "script": {"say": "Hello"}});
    let settings = settings(json!({"name": "a\u{0}b"}));
    let large = json!({"name": "x".repeat(300_000), "script": {"say": "Hello"}});
    let refusals = [
        (scene.ask(Method::GET, "/api/v1/campaigns/not-an-id").await, 404, "not-found"),
        (scene.ask(Method::GET, "/api/v1/campaigns?limit=many").await, 422, "bad-query"),
        (scene.ask(Method::GET, "/api/v1/campaigns?colour=red").await, 422, "bad-query"),
        (scene.ask(Method::PATCH, "/api/v1/campaigns").await, 405, "method-not-allowed"),
        (scene.ask(Method::GET, "/api/v2").await, 404, "not-found"),
        (scene.ask(Method::POST, "/api/v1/campaigns").await, 400, "malformed-request"),
        (scene.send(Method::POST, "/api/v1/campaigns", &json!({})).await, 422, "bad-settings"),
        (scene.send(Method::POST, "/api/v1/agents", &agent).await, 422, "bad-agent"),
        (scene.send(Method::POST, "/api/v1/agents", &large).await, 413, "too-large"),
        (scene.upload_file(&settings, LIST).await, 422, "bad-settings"),
    ];
    for ((status, problem), expected, kind) in refusals {
        assert_eq!(
            (status.as_u16(), &problem["type"]),
            (expected, &json!(format!("urn:outdial:{kind}"))),
            "{problem}"
        );
    }
    scene.end().await;
}

/// What a mistake in a campaign's settings is answered with.
#[actix_web::test]
async fn a_mistake_in_the_settings_is_answered_in_words_and_not_in_a_parser_s() {
    let scene = Scene::start().await;
    let table = [
        (
            json!({"starts_at": "2026-03-03 09:00"}),
            r#"starts_at: the offset is missing in "2026-03-03 09:00", expected an instant such as 2026-03-03T09:00:00-05:00"#,
        ),
        (
            json!({"starts_at": "tomorrow"}),
            r#"starts_at: "tomorrow" is no instant, expected one such as 2026-03-03T09:00:00-05:00"#,
        ),
        (
            json!({"starts_at": 5}),
            r#"starts_at is 5, expected an instant such as "2026-03-03T09:00:00-05:00""#,
        ),
        (json!({"caps": {"per_day": -1}}), "caps.per_day is -1, expected a whole number that is not below 0"),
        (
            json!({"caps": {"per_day": 3.5}}),
            "caps.per_day is 3.5, expected a whole number that is not below 0",
        ),
        (
            json!({"schedule": "0 9 * * *"}),
            r#"schedule is "0 9 * * *", expected an object with the key cron"#,
        ),
        (
            json!({"business_hours": null}),
            "business_hours is null, expected an object with the keys enabled, days, start_time, end_time, windows, \
             holidays",
        ),
        (
            json!({"business_hours": {"windows": {"mon": [["09:00", "12:00", "17:00"]]}}}),
            "business_hours.windows.mon[0] is a list of 3, expected a list of 2",
        ),
        (json!({"rules": "us"}), r#"rules is "us", expected a list"#),
        (
            json!({"agent": {"name": "Ada", "script": {"say": "Hi", "play": "https://a.example/b.mp3"}}}),
            "agent.script is an object with the keys say, play, expected exactly one key, one of say, play, connect, url",
        ),
        (
            json!({"agent": {"name": "Ada", "script": "say"}}),
            "agent.script.say is a name alone, expected an object in which that name is the key of what belongs to it",
        ),
        (
            json!({"unmapped": "allow"}),
            r#"unmapped is "allow", expected one of block, campaign-zone, safe-window"#,
        ),
        (
            json!({"import_id": "xyz"}),
            "import_id: expected an id such as 01981c2e-7f3a-7b5c-9d1e-2a3b4c5d6e7f",
        ),
        (
            json!({"business_hours": {"windows": {"fri-mon": [["09:00", "17:00"]]}}}),
            r#"business_hours.windows: the range "fri-mon" goes past the end of the week, expected fri-sun and mon"#,
        ),
        (
            json!({"business_hours": {"start_time": "9:30"}}),
            r#"business_hours.start_time: "9:30" is no time of day, expected HH:MM from 00:00 to 24:00, such as 09:30"#,
        ),
        (
            json!({"unmapped": {"safe-window": {"timezone": "America/New_York", "window": ["03:00", "04:00"]}}}),
            "unmapped.safe-window is never open together with the campaign's hours and those that protect everybody, \
             expected a window within them",
        ),
        (
            json!({"retry_policy": [1]}),
            "retry_policy is a list, expected an object with max_retries, backoff_hours and retryable_outcomes, or with \
             a rule by outcome",
        ),
    ];
    for (changes, sentence) in table {
        let (status, problem) = scene.upload_file(&settings(changes.clone()), LIST).await;
        assert_eq!(
            (status, &problem["type"], &problem["detail"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-settings"), &json!(sentence)),
            "{changes}"
        );
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_body_that_is_no_json_and_a_parameter_that_is_none_are_named() {
    let scene = Scene::start().await;
    let bodies = [
        ("", "the text is empty, expected JSON"),
        ("not json", "the text is no JSON from line 1, column 2 on"),
        (r#"{"name": "Ada""#, "the text ends at line 1, column 14, in the middle of its JSON"),
        (r#"["Ada"]"#, "the JSON is a list, expected an object with the keys name, prompt_text, script"),
    ];
    for (body, sentence) in bodies {
        let request = scene.stranger().post(scene.url("/api/v1/agents")).bearer_auth(API_TOKEN).body(body);
        let problem: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(problem["detail"], sentence, "{body}");
    }
    let queries = [
        ("limit=abc", r#"limit is "abc", expected a whole number"#),
        ("limit=1&limit=2", "limit is there twice, expected it once"),
        ("before=last", "before: expected an id such as 01981c2e-7f3a-7b5c-9d1e-2a3b4c5d6e7f"),
        ("colour=red", "colour is unknown, expected one of state, repeats_of, before, limit"),
    ];
    for (query, sentence) in queries {
        let (status, problem) = scene.ask(Method::GET, &format!("/api/v1/campaigns?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["detail"], sentence, "{query}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_method_that_is_not_understood_is_answered_with_those_that_are() {
    let scene = Scene::start().await;
    let table = [
        (
            Method::PATCH,
            "/api/v1/campaigns",
            "POST, GET, HEAD",
            "PATCH is not understood here, expected POST or GET or HEAD",
        ),
        (Method::DELETE, "/api/v1/rules", "GET, HEAD", "DELETE is not understood here, expected GET or HEAD"),
        (Method::POST, "/health/ready", "GET, HEAD", "POST is not understood here, expected GET or HEAD"),
        (Method::GET, "/webhooks/twilio/sorry/a/b", "POST", "GET is not understood here, expected POST"),
    ];
    for (method, path, allow, sentence) in table {
        let request = scene.stranger().request(method.clone(), scene.url(path)).bearer_auth(API_TOKEN);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(answer.headers()["allow"], allow, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["detail"], sentence, "{method} {path}");
        assert_eq!(problem["allowed"], allow.split(", ").collect::<Value>(), "{method} {path}");
    }
    scene.end().await;
}

/// Whoever looks after servers often asks by HEAD. It is GET without the body: as allowed, as refused, and nothing on record.
#[actix_web::test]
async fn where_get_is_answered_head_is_too_and_has_no_body() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let paths = [
        "/health/live",
        "/health/ready",
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/start.js",
        "/api/v1/campaigns",
        "/api/v1/nothing",
        "/metrics",
        &campaign,
    ]
    .map(str::to_owned);
    let streams = ["/contacts.csv", "/contacts.xlsx", "/events"].map(|what| format!("{campaign}{what}"));
    for path in paths.iter().chain(&streams) {
        let asked = async |method| {
            let request = scene.stranger().request(method, scene.url(path)).bearer_auth(API_TOKEN);
            request.send().await.unwrap()
        };
        let (head, get) = (asked(Method::HEAD).await, asked(Method::GET).await);
        assert_eq!(head.status(), get.status(), "{path}");
        for header in ["content-type", "allow", "link"] {
            assert_eq!(head.headers().get(header), get.headers().get(header), "{path}: {header}");
        }
        if !streams.contains(path) && path != "/health/ready" {
            let length = |of: &Response| of.headers().get("content-length").cloned();
            assert_eq!(length(&head), length(&get), "{path}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
    let stranger = scene.stranger().head(scene.url("/api/v1/campaigns")).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let (_, trail) = scene.ask(Method::GET, "/api/v1/audit").await;
    let actions: Vec<&Value> =
        trail["audit"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["POST /api/v1/campaigns"]);
    scene.end().await;
}

#[actix_web::test]
async fn what_things_are_called_can_be_seen() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let script = json!({"say": "Hello"});
    let refused = "has the control character U+001B at place 2";
    for (method, path, body) in [
        (Method::PATCH, campaign.as_str(), json!({"name": "a\u{1b}[2J"})),
        (Method::PATCH, &campaign, json!({"agent": {"name": "a\u{1b}", "script": script}})),
        (Method::POST, &format!("{campaign}/duplicate"), json!({"name": "a\u{1b}"})),
        (Method::POST, "/api/v1/agents", json!({"name": "a\u{1b}", "script": script})),
        (Method::POST, "/api/v1/keys", json!({"name": "a\u{1b}", "role": "viewer"})),
        (Method::POST, "/api/v1/hooks", json!({"name": "a\u{1b}", "url": "https://receiver.example/"})),
    ] {
        let (status, problem) = scene.send(method, path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(refused), "{path}: {problem}");
    }
    let (status, problem) =
        scene.upload_file(&settings(json!({"name": "a\u{1b}"})), "phone\n+12025550101\n").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains(refused), "{problem}");
    scene.end().await;
}

#[actix_web::test]
async fn the_packs_of_rules_show_hours_and_caps_and_say_each_source_once() {
    let scene = Scene::start().await;
    let (status, answer) = scene.ask(Method::GET, "/api/v1/rules").await;
    assert_eq!(status, StatusCode::OK);
    let packs = answer["packs"].as_array().unwrap();
    let rules = |name: &str| {
        packs.iter().find(|pack| pack["name"] == name).unwrap()["rules"].as_array().unwrap().clone()
    };
    assert_eq!(rules("default")[0]["windows"]["sun"], json!([["08:00", "21:00"]]));
    let strict = rules("us-strict");
    assert_eq!(strict.len(), 1, "{strict:?}");
    assert_eq!(strict[0]["windows"]["sat"], json!([["10:00", "17:00"]]));
    assert_eq!(strict[0]["caps"][1], json!({"calls": 7, "within_hours": 168}));
    assert_eq!(strict[0]["minimum_gap_hours"], 2);
    assert_eq!(strict[0]["holidays"]["US-TX"], json!(["US-TX"]));
    assert!(strict[0]["protects"].as_array().unwrap().contains(&json!("US-TX")), "{}", strict[0]["protects"]);
    let florida = rules("us-states").into_iter().find(|rule| rule["protects"] == json!(["US-FL"])).unwrap();
    assert_eq!(florida["caps"][0]["calls"], 3, "{florida}");
    scene.end().await;
}

#[actix_web::test]
async fn an_illegal_move_says_from_which_state_to_which() {
    let scene = Scene::start().await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let (status, problem) = scene.ask(Method::POST, &format!("{campaign}/pause")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "urn:outdial:illegal-move");
    assert_eq!((&problem["from"], &problem["to"]), (&json!("draft"), &json!("paused")));
    assert_eq!(problem["detail"], "cannot pause a draft campaign, only one that is pending or running");
    let (status, _) = scene.ask(Method::POST, &format!("/api/v1/campaigns/{}/start", Uuid::now_v7())).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    scene.end().await;
}

#[actix_web::test]
async fn campaigns_are_listed_by_state_in_pages_and_deleted_when_they_rest() {
    let scene = Scene::start().await;
    let mut drafts = Vec::new();
    for _ in 0..3 {
        drafts.push(scene.upload(json!({}), &["+12025550101"]).await);
    }
    let (_, first) = scene.ask(Method::GET, "/api/v1/campaigns?state=draft&limit=2").await;
    assert_eq!(first["campaigns"].as_array().unwrap().len(), 2);
    let before = first["next"]["before"].as_str().unwrap();
    let (_, second) =
        scene.ask(Method::GET, &format!("/api/v1/campaigns?state=draft&limit=2&before={before}")).await;
    assert_eq!(second["campaigns"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
    let (status, problem) = scene.ask(Method::GET, "/api/v1/campaigns?state=asleep").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("draft, pending, running"), "{problem}");
    let (status, _) = scene.ask(Method::DELETE, &drafts[1]).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = scene.ask(Method::GET, &drafts[1]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let at_work = scene.call(json!({"starts_at": "2026-03-03T15:00:00Z"}), &["+12025550101"]).await;
    let (status, problem) = scene.ask(Method::DELETE, &at_work).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:outdial:campaign-at-work")));
    scene.command(&at_work, "cancel").await;
    let (status, _) = scene.ask(Method::DELETE, &at_work).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    scene.end().await;
}

#[actix_web::test]
async fn agents_are_made_changed_used_and_removed() {
    let scene = Scene::start().await;
    let ada = json!({"name": "Ada", "prompt_text": "Be kind", "script": {"say": "Hello {{name}}"}});
    let (status, made) = scene.send(Method::POST, "/api/v1/agents", &ada).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/api/v1/agents/{}", made["id"].as_str().unwrap());
    let mut settings = settings(json!({"agent_id": made["id"]}));
    settings.as_object_mut().unwrap().remove("agent");
    let (status, uploaded) = scene.upload_file(&settings, LIST).await;
    assert_eq!(status, StatusCode::CREATED, "{uploaded}");
    let bea = json!({"name": "Bea", "script": {"say": "Good day"}});
    let (status, changed) = scene.send(Method::PUT, &path, &bea).await;
    assert_eq!((status, &changed["name"]), (StatusCode::OK, &json!("Bea")));
    let campaign = scene.look(&format!("/api/v1/campaigns/{}", uploaded["id"].as_str().unwrap())).await;
    assert_eq!(campaign["agent"]["name"], "Ada", "a campaign keeps a snapshot");
    let (_, listed) = scene.ask(Method::GET, "/api/v1/agents").await;
    assert_eq!(listed["agents"].as_array().unwrap().len(), 1);
    let (status, problem) =
        scene.send(Method::POST, "/api/v1/agents", &json!({"name": "x", "script": {}})).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:outdial:bad-agent"))
    );
    assert_eq!(scene.ask(Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(scene.ask(Method::GET, &path).await.0, StatusCode::NOT_FOUND);
    scene.end().await;
}

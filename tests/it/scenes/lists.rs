//! Lists on their way in: looked at, stored, corrected, added to a campaign that runs.

use outdial::app::{App, BuildError};
use outdial::simulator::{Behavior, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::scene::{API_TOKEN, Scene, Setting, settings};

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
    let made = settings(json!({"import_id": seen["id"], "countries": ["US", "GB"]}));
    let (status, campaign) = scene.send(Method::POST, "/api/v1/campaigns", &made).await;
    assert_eq!(status, StatusCode::CREATED, "{campaign}");
    assert_eq!((counts(&campaign), &campaign["import_id"]), (counts(&seen), &seen["id"]));
    let (_, import) =
        scene.ask(Method::GET, &format!("/api/v1/imports/{}", seen["id"].as_str().unwrap())).await;
    assert_eq!(import["settings"]["countries"], json!(["US", "GB"]), "as it was read at last");
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

#[actix_web::test]
async fn columns_of_one_name_are_refused_only_where_a_script_says_them() {
    let scene = scene().await;
    let list = "name,phone,Plan A,plan_a,Name\nAda,202-555-0101,1,2,x\n";
    let (status, campaign) = scene.upload_file(&settings(json!({})), list).await;
    assert_eq!(status, StatusCode::CREATED, "{campaign}");
    let says_them = json!({"agent": {"name": "Desk", "script": {"say": "{{plan_a}}"}}});
    let (status, refused) = scene.upload_file(&settings(says_them), list).await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:bad-script")), "{refused}");
    scene.end().await;
}

#[actix_web::test]
async fn a_script_that_says_names_to_a_list_without_any_is_warned_of() {
    let scene = scene().await;
    let (named, nameless) = ("name,phone\nAda,202-555-0101\n", "phone,plan\n202-555-0101,gold\n");
    for (says, list, warned) in
        [("{{name}}", nameless, 1), ("{{name}}", named, 0), ("{{phone}}", nameless, 0)]
    {
        let agent = json!({"agent": {"name": "Desk", "script": {"say": format!("Hello {says}")}}});
        let (status, campaign) = scene.upload_file(&settings(agent), list).await;
        assert_eq!(status, StatusCode::CREATED, "{campaign}");
        let warnings = campaign["warnings"].as_array().unwrap().iter();
        assert_eq!(warnings.filter(|one| one["warning"] == "no-names").count(), warned, "{campaign}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn the_report_of_an_addition_tells_only_of_those_who_are_new() {
    let scene = scene().await;
    let campaign = scene.upload(json!({}), &["+12025550101", "+12025550102"]).await;
    let list = "name,phone\nAda,0012025550101\nBob,tel:202-555-0102\nCy,0012025550103\nDan,202-555-0104\n";
    let (status, added) = scene.send_list(&format!("{campaign}/contacts"), &json!({}), list).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    assert_eq!(counts(&added), [4, 2, 2, 0, 0]);
    assert_eq!((&added["already_there"], &added["repaired"]), (&json!(2), &json!(1)), "{added}");
    let first: Vec<&Value> = added["first"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(first, ["Cy", "Dan"]);
    let reasons = added["reasons"].as_array().unwrap();
    let said: Vec<_> = reasons.iter().map(|one| (one["kind"].as_str().unwrap(), &one["count"])).collect();
    assert_eq!(said, [("duplicate", &json!(2)), ("repaired", &json!(1))], "{reasons:?}");
    let rows = |one: &Value| one["samples"].as_array().unwrap().iter().map(|s| s["row"].clone()).collect();
    assert_eq!(
        reasons.iter().map(rows).collect::<Vec<Vec<Value>>>(),
        [vec![json!(2), json!(3)], vec![json!(4)]]
    );
    let (_, kept) = scene.ask(Method::GET, &format!("{campaign}/imports")).await;
    assert_eq!(kept["imports"][1]["report"]["repaired"], 1);
    scene.end().await;
}

#[actix_web::test]
async fn a_nul_character_is_refused_wherever_it_comes_from_and_its_place_is_named() {
    let scene = scene().await;
    for (said, place) in [
        (json!({"sheet": "a\u{0}b"}), "sheet: expected"),
        (json!({"columns": {"phone": "a\u{0}"}}), "columns.phone: expected"),
        (json!({"countries": ["US", "\u{0}"]}), "countries[1]: expected"),
    ] {
        let (status, refused) = scene.send_list("/api/v1/imports", &said, MIXED).await;
        assert_eq!(
            (status.as_u16(), &refused["type"]),
            (422, &json!("urn:outdial:bad-settings")),
            "{refused}"
        );
        assert!(refused["detail"].as_str().unwrap().contains(place), "{refused}");
    }
    // Titles are kept without it: they are names that a list's reader made.
    for list in [
        "na\0me,phone\nAda,202-555-0101\n",
        r#"[{"phone": "202-555-0101", "a\u0000": "x"}]"#,
        r#"[{"phone": "202-555-0101"}, {"phone": "202-555-0102", "a\u0000": "x"}]"#,
    ] {
        let (status, campaign) = scene.upload_file(&settings(json!({})), list).await;
        assert_eq!(status, StatusCode::CREATED, "{list}: {campaign}");
    }
    let (status, refused) = scene.ask(Method::GET, "/api/v1/suppressions?limit=5&after=%00").await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:bad-query")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().starts_with("after: "), "{refused}");
    let (status, refused) = scene.ask(Method::GET, "/api/v1/suppressions/%00").await;
    assert_eq!((status.as_u16(), &refused["type"]), (404, &json!("urn:outdial:not-found")), "{refused}");
    scene.end().await;
}

#[actix_web::test]
async fn of_a_list_without_one_good_row_the_refused_are_downloaded_all_the_same() {
    let scene = scene().await;
    let list = "name,phone\nBob,555-0102\nCy,555-0103\n";
    let (status, refused) = scene.upload_file(&settings(json!({})), list).await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:nobody-to-call")), "{refused}");
    let import = format!("/api/v1/imports/{}", refused["import_id"].as_str().unwrap());
    let rejects = scene.download(&format!("{import}/rejects.csv")).await;
    assert!(rejects.contains("Bob,555-0102") && rejects.contains("Cy,555-0103"), "{rejects}");
    let (_, shown) = scene.ask(Method::GET, &import).await;
    assert_eq!((&shown["campaign_id"], &shown["report"]["rejected"]), (&Value::Null, &json!(2)));
    let (_, listed) = scene.ask(Method::GET, "/api/v1/campaigns").await;
    assert_eq!(listed["campaigns"], json!([]));
    let made = settings(json!({"import_id": refused["import_id"]}));
    let (status, again) = scene.send(Method::POST, "/api/v1/campaigns", &made).await;
    assert_eq!((status.as_u16(), &again["type"]), (422, &json!("urn:outdial:file-not-kept")));
    let corrected = rejects.replace(",555-", ",202-555-");
    let (status, campaign) = scene.upload_file(&settings(json!({})), corrected).await;
    assert_eq!((status, &campaign["imported"]), (StatusCode::CREATED, &json!(2)), "{campaign}");
    scene.end().await;
}

#[actix_web::test]
async fn a_preview_that_is_read_so_that_it_holds_nobody_can_still_be_read_as_it_was() {
    let scene = scene().await;
    let (_, seen) = scene.send_list("/api/v1/imports", &json!({}), MIXED).await;
    let import = format!("/api/v1/imports/{}", seen["id"].as_str().unwrap());
    let (_, before) = scene.ask(Method::GET, &import).await;
    let (_, rows_before) = scene.ask(Method::GET, &format!("{import}/rows")).await;
    let wrong = settings(json!({"import_id": seen["id"], "countries": ["FR"]}));
    let (status, refused) = scene.send(Method::POST, "/api/v1/campaigns", &wrong).await;
    assert_eq!((status.as_u16(), &refused["type"]), (422, &json!("urn:outdial:nobody-to-call")), "{refused}");
    assert_eq!(refused["refused"].as_array().unwrap().len(), 5, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("stays as it was"), "{refused}");
    assert_eq!(scene.ask(Method::GET, &import).await.1, before);
    assert_eq!(scene.ask(Method::GET, &format!("{import}/rows")).await.1, rows_before);
    let right = settings(json!({"import_id": seen["id"]}));
    let (status, campaign) = scene.send(Method::POST, "/api/v1/campaigns", &right).await;
    assert_eq!((status, counts(&campaign)), (StatusCode::CREATED, counts(&seen)), "{campaign}");
    scene.end().await;
}

#[actix_web::test]
async fn an_upload_that_breaks_off_halfway_leaves_nothing_behind() {
    let scene = scene().await;
    let list: String = (0..100_000).map(|n| format!("+1202{:07}\n", 5_550_000 + n)).collect();
    for path in ["/api/v1/imports", "/api/v1/campaigns"] {
        let parts =
            [("settings", settings(json!({})).to_string()), ("file", list.clone())].map(|(name, part)| {
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n{part}\r\n"
                )
            });
        let body = format!("{}--b--\r\n", parts.concat());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {API_TOKEN}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let mut half = TcpStream::connect(scene.url("").trim_start_matches("http://")).await.unwrap();
        half.write_all(head.as_bytes()).await.unwrap();
        half.write_all(&body.as_bytes()[..body.len() / 2]).await.unwrap();
        half.shutdown().await.unwrap();
        // It is heard of that it has ended.
        let mut said = Vec::new();
        let _ = half.read_to_end(&mut said).await;
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&said));
    }
    let psql = scene.psql().await;
    for table in ["imports", "import_pieces", "import_rows", "campaigns", "contacts"] {
        let kept: i64 = psql.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        assert_eq!(kept, 0, "{table}");
    }
    let (status, whole) = scene.send_list("/api/v1/imports", &json!({}), list).await;
    assert_eq!((status, &whole["imported"]), (StatusCode::CREATED, &json!(100_000)), "{whole}");
    scene.end().await;
}

#[actix_web::test]
async fn a_list_is_read_otherwise_without_another_upload() {
    let scene = scene().await;
    let list = "Phone,At home,Customer\n+12025550101,+12025550111,Ada\n+12025550102,12,Ben\n";
    let (_, seen) = scene.send_list("/api/v1/imports", &json!({}), list).await;
    let import = |seen: &Value| format!("/api/v1/imports/{}", seen["id"].as_str().unwrap());
    let again = |seen: &Value| format!("{}/again", import(seen));
    assert_eq!((&seen["first"][0]["phone"], &seen["imported"]), (&json!("+12025550101"), &json!(2)));

    // What cannot be leaves all as it was.
    for (said, kind) in [
        (json!({"columns": {"phone": "Fax"}}), "unknown-column"),
        (json!({"colour": "red"}), "bad-settings"),
        (json!({"default_region": "XX"}), "bad-settings"),
    ] {
        let (status, refused) = scene.send(Method::POST, &again(&seen), &said).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}: {refused}");
        assert_eq!(refused["type"], format!("urn:outdial:{kind}"), "{said}: {refused}");
    }
    let at_home = json!({"columns": {"phone": "At home"}});
    let (status, other) = scene.send(Method::POST, &again(&seen), &at_home).await;
    assert_eq!(status, StatusCode::CREATED, "{other}");
    assert_eq!((&other["first"][0]["phone"], &other["rejected"]), (&json!("+12025550111"), &json!(1)));
    assert_eq!(other["refused"][0]["column"], "At home", "{other}");
    assert_ne!(other["id"], seen["id"]);
    let (status, _) = scene.ask(Method::GET, &import(&seen)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it has taken the place of the other");
    let (status, _) = scene.send(Method::POST, &again(&seen), &at_home).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // What was said before is not said any more.
    let (_, third) = scene.send(Method::POST, &again(&other), &json!({})).await;
    assert_eq!(
        (&third["first"][0]["phone"], &third["rejected"]),
        (&json!("+12025550101"), &json!(0)),
        "{third}"
    );
    let (_, shown) = scene.ask(Method::GET, &import(&third)).await;
    assert_eq!((&shown["file_name"], &shown["settings"]), (&json!("list.csv"), &json!({})), "{shown}");
    let theirs = super::access::other_team(&scene).await;
    let stranger = scene.stranger().post(scene.url(&again(&third))).bearer_auth(theirs).json(&json!({}));
    assert_eq!(stranger.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let made = settings(json!({"import_id": third["id"]}));
    let (status, campaign) = scene.send(Method::POST, "/api/v1/campaigns", &made).await;
    assert_eq!((status, &campaign["imported"]), (StatusCode::CREATED, &json!(2)), "{campaign}");
    let (status, refused) = scene.send(Method::POST, &again(&third), &json!({})).await;
    assert_eq!(
        (status.as_u16(), &refused["type"]),
        (422, &json!("urn:outdial:file-not-kept")),
        "it is stored"
    );
    scene.end().await;
}

#[actix_web::test]
async fn rejects_that_expire_while_they_are_sent_break_off_instead_of_ending() {
    let scene = scene().await;
    let (_, seen) = scene.send_list("/api/v1/imports", &json!({}), MIXED).await;
    let import = seen["id"].as_str().unwrap();
    let psql = scene.psql().await;
    // So much that it cannot all be on its way while nobody receives it.
    let large = "INSERT INTO import_rows
                     (import_id, team_id, file_row, number, kind, column_name, value, reason, sentence, cells, cell_bytes)
                 SELECT import_id, team_id, 100 + n, n, kind, column_name, value, reason, sentence,
                        jsonb_build_array(repeat('x', 1048576)), 1048576
                 FROM import_rows, generate_series(1, 64) n WHERE kind = 'refused'";
    assert_eq!(psql.execute(large, &[]).await.unwrap(), 64);
    let path = format!("/api/v1/imports/{import}/rejects.csv");
    assert!(scene.download(&path).await.len() > 64 << 20, "all of it");
    let mut broken_off = scene.begin_download(&path).await;
    assert!(broken_off.chunk().await.unwrap().is_some());
    let expire = "UPDATE imports SET expires_at = created_at";
    assert_eq!(psql.execute(expire, &[]).await.unwrap(), 1);
    psql.execute("DELETE FROM import_rows", &[]).await.unwrap();
    let rest = loop {
        match broken_off.chunk().await {
            Ok(Some(_)) => {}
            rest => break rest,
        }
    };
    assert!(rest.is_err(), "a part of the rows was sent as all of them");
    scene.end().await;
}

#[actix_web::test]
async fn a_list_of_suppressions_that_breaks_off_holds_as_far_as_it_was_read() {
    let mut scene = Scene::without_program(&Setting::default()).await;
    scene.config.lists.rows = 60_000;
    scene.start_program().await;
    let list: String = (0..70_000).map(|n| format!("+1202{:07}\n", 5_550_000 + n)).collect();
    let (status, refused) = scene.send_list("/api/v1/suppressions/import", &json!({}), list).await;
    assert_eq!((status.as_u16(), &refused["type"]), (413, &json!("urn:outdial:too-many-rows")), "{refused}");
    assert!(refused["numbers"]["new"].as_u64().is_some_and(|new| new > 0), "{refused}");
    let (status, _) = scene.ask(Method::GET, "/api/v1/suppressions/+12025550101").await;
    assert_eq!(status, StatusCode::OK);
    scene.end().await;
}

//! Lists that are taken away as files, and come back.

use calamine::{Data, Reader, Xlsx};
use outdial::domain::access::Role;
use outdial::simulator::{Outcome, Scenario};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::process::Process;
use crate::support::scene::{Scene, Setting, settings};

/// A list with all that spreadsheets and their files stumble over.
const LIST: &str = "Name,Phone,Plan,\"Last, First\",Größe\n\
                    Ada,202-555-0101,=1+1,\"a \"\"b\"\"\nc\",0042\n\
                    \"Bob <&>\",202-555-0102,+2,_x0041_,\n\
                    @Cy,202-555-0103,-3, 🎉 ,1e5\n";

async fn upload(scene: &Scene, name: &str, list: impl Into<Vec<u8>>) -> String {
    let (status, campaign) = scene.upload_file(&settings(json!({"name": name})), list).await;
    assert_eq!(status, StatusCode::CREATED, "{campaign}");
    format!("/api/v1/campaigns/{}", campaign["id"].as_str().unwrap())
}

/// What the people of a campaign are, as far as it comes from the list.
async fn people(scene: &Scene, campaign: &str) -> Vec<Value> {
    let (_, page) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    let of_list = |contact: &Value| json!([contact["name"], contact["phone"], contact["metadata"]]);
    page["contacts"].as_array().unwrap().iter().map(of_list).collect()
}

#[actix_web::test]
async fn a_list_that_is_taken_away_and_comes_back_is_the_same_list() {
    let scene = Scene::start().await;
    let campaign = upload(&scene, "Größe \"1\"/2", LIST).await;
    let expected = people(&scene, &campaign).await;
    assert_eq!(
        (expected.len(), &expected[0][2]["Plan"], &expected[0][2]["Größe"]),
        (3, &json!("=1+1"), &json!("0042"))
    );
    for ending in ["csv", "xlsx"] {
        let path = format!("{campaign}/contacts.{ending}?columns=name,phone,metadata.*");
        let answer = scene.begin_download(&path).await;
        let name = answer.headers()[CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        assert!(name.starts_with("attachment; filename=\"Gr__e _1__2 contacts."), "{name}");
        assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().contains(if ending == "csv" {
            "csv"
        } else {
            "sheet"
        }));
        let file = answer.bytes().await.unwrap();
        let again = upload(&scene, ending, file.to_vec()).await;
        let mut told = json!(people(&scene, &again).await).to_string();
        if ending == "csv" {
            // A line of CSV cannot say that a text is no formula but by what stands before it.
            assert_eq!(told.matches("\"'").count(), 4, "{told}");
            told = told.replace("\"'", "\"");
        }
        assert_eq!(told, json!(expected).to_string(), "{ending}");
        // All columns come back, too, as what they are.
        let all = scene.begin_download(&format!("{campaign}/contacts.{ending}")).await.bytes().await.unwrap();
        let again = upload(&scene, "all", all.to_vec()).await;
        let people = people(&scene, &again).await;
        assert_eq!(people.len(), 3, "{people:?}");
        assert_eq!((&people[0][1], &people[0][2]["Größe"]), (&json!("+12025550101"), &json!("0042")));
    }
    scene.end().await;
}

#[actix_web::test]
async fn what_became_of_everybody_is_taken_away_by_column_state_and_outcome() {
    let scene =
        Scene::with(Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }).await;
    let campaign = scene.call(json!({}), &["+12025550101", "+12025550102"]).await;
    scene.until_completed(&campaign).await;
    let contacts = format!("{campaign}/contacts.csv?columns=phone,state,attempts,last_outcome,due_at");
    let csv = scene.download(&contacts).await;
    assert_eq!(
        csv,
        "\u{feff}phone,state,attempts,last_outcome,due_at\r\n'+12025550101,completed,1,answered,\r\n\
         '+12025550102,completed,1,answered,\r\n"
    );
    assert_eq!(scene.download(&format!("{contacts}&state=failed")).await.lines().count(), 1);
    let attempts =
        scene.download(&format!("{campaign}/attempts.csv?columns=name,to,outcome,intended_at")).await;
    let first = attempts.lines().nth(1).unwrap();
    assert!(first.starts_with("Person 1,'+12025550101,answered,2026-03-02T10:0"), "{first}");
    assert!(first.ends_with("-05:00"), "{first}");
    assert_eq!(scene.download(&format!("{campaign}/attempts.csv?outcome=busy")).await.lines().count(), 1);
    let file = scene.begin_download(&format!("{campaign}/attempts.xlsx")).await.bytes().await.unwrap();
    let mut workbook: Xlsx<_> = Xlsx::new(std::io::Cursor::new(file)).unwrap();
    let sheet = workbook.worksheet_range("Attempts").unwrap();
    let cells: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!(cells.len(), 3);
    let Data::DateTime(at) = &cells[1][0] else { panic!("{:?} is no moment", cells[1][0]) };
    assert_eq!(at.as_datetime().unwrap().date().to_string(), "2026-03-02");
    assert_eq!(at.as_datetime().unwrap().format("%H").to_string(), "10", "on the campaign's clock");
    assert_eq!(cells[1][2], Data::String("+12025550101".to_owned()));
    for bad in
        ["contacts.csv?columns=colour", "contacts.xlsx?state=asleep", "attempts.csv?columns=metadata.Plan"]
    {
        let (status, problem) = scene.ask(Method::GET, &format!("{campaign}/{bad}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {problem}");
    }
    scene.end().await;
}

#[actix_web::test]
async fn who_only_looks_on_takes_no_list_away() {
    let scene = Scene::start().await;
    let campaign = upload(&scene, "a list", LIST).await;
    let team = scene.psql().await.query_one("SELECT id FROM teams", &[]).await.unwrap().get(0);
    for (role, expected) in [(Role::Viewer, StatusCode::FORBIDDEN), (Role::Operator, StatusCode::OK)] {
        let key = outdial::keys::make(&scene.board().database, team, Uuid::now_v7(), "theirs", role, None)
            .await
            .unwrap();
        let request = scene.stranger().get(scene.url(&format!("{campaign}/contacts.csv"))).bearer_auth(&key);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), expected);
        assert_eq!(
            answer.text().await.unwrap().contains("contacts:export"),
            expected == StatusCode::FORBIDDEN
        );
    }
    scene.end().await;
}

#[actix_web::test]
async fn who_reads_slowly_holds_nothing_of_the_database_and_learns_that_the_list_has_gone() {
    const LONG: &str = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area, state, due_at,
                              updated_at)
        SELECT gen_random_uuid(), team_id, campaign_id, 1000 + n, '+1' || 2000000000 + n,
               jsonb_build_object('Plan', repeat(md5(n::text), 150)), n, '', 0, 'pending', due_at, updated_at
        FROM contacts CROSS JOIN generate_series(1, 12000) n WHERE position = 1";
    const AT_WORK: &str = "
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE '%position%' AND state <> 'idle'";
    let scene = Scene::start().await;
    let psql = scene.psql().await;
    for ending in ["csv", "xlsx"] {
        let campaign = upload(&scene, "a long list", LIST).await;
        psql.batch_execute(LONG).await.unwrap();
        let mut answer =
            scene.begin_download(&format!("{campaign}/contacts.{ending}?columns=phone,metadata.*")).await;
        assert!(answer.chunk().await.unwrap().is_some());
        // It has written as much as the network takes, and waits.
        eventually("the export waits for its reader", || async {
            let at_work: i64 = psql.query_one(AT_WORK, &[]).await.unwrap().get(0);
            (at_work == 0).then_some(())
        })
        .await;
        let (status, _) = scene.ask(Method::DELETE, &campaign).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let mut received = 0;
        let end = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => received += chunk.len(),
                end => break end,
            }
        };
        assert!(end.is_err(), "a part of the list, {received} bytes, passes for all of it");
    }
    scene.end().await;
}

/// Rows in a list of which nobody may hold all.
const MANY: i32 = 300_000;

/// Takes a list away from the program as a process of its own, and looks at what memory it ever had.
#[actix_web::test]
async fn a_list_of_hundreds_of_thousands_is_taken_away_without_being_held() {
    let scene = Scene::without_program(&Setting::default()).await;
    let mut program = Process::serve(&scene);
    program.is_ready(&scene).await;
    let campaign = scene.upload(json!({}), &["+12025550101"]).await;
    let path = format!("{campaign}/contacts.csv");
    // What it takes the first time it does not take again.
    assert_eq!(scene.download(&path).await.lines().count(), 2);
    let psql = scene.psql().await;
    let many = format!(
        "INSERT INTO contacts (id, team_id, campaign_id, position, phone, name, metadata, file_row, raw_phone, region,
                               number_type, state, area, updated_at)
         SELECT gen_random_uuid(), team_id, campaign_id, n, '+1202' || lpad(n::text, 7, '0'), 'Somebody of many ' || n,
                '{{\"note\": \"what is said of each of them in the list, in some words\"}}', n, '', region, number_type,
                'suppressed', area, updated_at
         FROM contacts, generate_series(2, {MANY}) n;
         UPDATE campaigns SET suppressed = {MANY} - 1"
    );
    psql.batch_execute(&many).await.unwrap();
    let Some(before) = program.most_memory() else { return };
    let mut answer =
        scene.begin_download(&format!("{path}?columns=name,phone,state,row,id,metadata.note")).await;
    let (mut bytes, mut lines) = (0, 0);
    while let Some(chunk) = answer.chunk().await.unwrap() {
        bytes += chunk.len();
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
    }
    let more = program.most_memory().expect("it was told before") - before;
    assert_eq!(lines, MANY as usize + 1);
    assert!(bytes > 30 << 20, "{bytes} bytes");
    assert!(more < 8 << 10, "{more} KiB more for {bytes} bytes, {before} before");
    assert!(program.stop().await.success(), "{}", program.said());
    scene.end().await;
}

//! Statements that the database refuses for a moment's reason: a lock, a deadlock, a serialization failure, a statement
//! that is not prepared any more. What was to be done is done a little later, and nobody is blamed for it.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio_postgres::Client;

use super::{BACK_WITHIN, until_somebody_is_called};
use super::{OpenCall, answering, assert_all_were_reached, call_many, until_nobody_is_called};
use crate::support::eventually;
use crate::support::scene::Scene;

/// Of the rows that are written to this table every `each`th fails with this code, `times` in all.
async fn refuse(psql: &Client, table: &str, code: &str, (each, times): (u32, u32)) {
    refuse_where(psql, table, "true", code, (each, times)).await;
}

/// The same, of those rows that are to be so.
async fn refuse_where(psql: &Client, table: &str, rows: &str, code: &str, (each, times): (u32, u32)) {
    let sql = format!(
        "CREATE SEQUENCE {table}_{code}_refusals;
         CREATE FUNCTION refuse_{table}_{code}() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE n bigint := nextval('{table}_{code}_refusals');
             BEGIN
                 IF n % {each} = 0 AND n / {each} <= {times} THEN
                     RAISE EXCEPTION 'made up' USING ERRCODE = '{code}';
                 END IF;
                 RETURN NEW;
             END $$;
         CREATE TRIGGER refuse_{code} BEFORE INSERT OR UPDATE ON {table}
             FOR EACH ROW WHEN ({rows}) EXECUTE FUNCTION refuse_{table}_{code}()"
    );
    psql.batch_execute(&sql).await.unwrap();
}

/// The program's statements that wait for a lock: whose, and since when.
async fn list_waiting(psql: &Client) -> Vec<(i32, DateTime<Utc>)> {
    const SQL: &str = "
        SELECT pid, query_start FROM pg_stat_activity
        WHERE application_name = 'outdial' AND datname = current_database() AND wait_event_type = 'Lock'";
    psql.query(SQL, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[actix_web::test]
async fn while_somebody_else_has_locked_the_tables_nobody_is_called_and_nobody_is_blamed() {
    let scene = Scene::with(answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    let psql = scene.psql().await;
    psql.batch_execute("BEGIN; LOCK TABLE attempts, contacts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    assert_eq!(open.end(&scene).await, 503);
    until_nobody_is_called(&scene).await;
    let looks_on = scene.psql().await;
    let waiting = list_waiting(&looks_on).await;
    assert!(!waiting.is_empty());
    eventually("whoever waited for the lock has lost patience", || async {
        let still = list_waiting(&looks_on).await;
        waiting.iter().all(|one| !still.contains(one)).then_some(())
    })
    .await;
    psql.batch_execute("ROLLBACK").await.unwrap();
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_node_that_cannot_renew_its_lease_calls_nobody_and_says_so() {
    let scene = Scene::with(answering()).await;
    let slowly = json!({"pacing": {"delay_seconds": 60}});
    let numbers: Vec<String> = (101..131).map(|line| format!("+12025550{line}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let campaign = scene.call(slowly, &numbers).await;
    until_somebody_is_called(&scene).await;
    let psql = scene.psql().await;
    psql.batch_execute("BEGIN; LOCK TABLE nodes IN EXCLUSIVE MODE").await.unwrap();
    let said = eventually("it says that it is not well", || async {
        let (status, said) = scene.ask(Method::GET, "/health/supervisor").await;
        (status == 503).then_some(said)
    })
    .await;
    assert_eq!(said["reason"], "the node's lease could not be renewed, so that it calls nobody");
    assert_eq!((&said["status"], &said["database"]["answers"]), (&json!("failing"), &json!(true)));
    until_nobody_is_called(&scene).await;
    psql.batch_execute("ROLLBACK").await.unwrap();
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_deadlock_or_a_serialization_failure_only_costs_another_try() {
    let scene = Scene::with(answering()).await;
    let psql = scene.psql().await;
    let campaign = call_many(&scene, 202, 20).await;
    for code in ["40P01", "40001"] {
        for table in ["attempts", "contacts", "campaigns"] {
            refuse(&psql, table, code, (5, 2)).await;
        }
    }
    assert_all_were_reached(&scene, &campaign).await;
    let sql = "SELECT count(*) FROM events WHERE kind IN ('campaign.paused', 'campaign.failed')";
    assert_eq!(psql.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
    let sql = "SELECT min(last_value) FROM pg_sequences WHERE sequencename LIKE '%refusals'";
    let met: Option<i64> = psql.query_one(sql, &[]).await.unwrap().get(0);
    assert!(met > Some(10), "only {met:?} statements met a trigger");
    scene.end().await;
}

#[actix_web::test]
async fn a_batch_of_callbacks_that_is_refused_for_a_deadlock_is_stored_all_the_same() {
    let scene = Scene::with(answering()).await;
    let mut open = Vec::new();
    for line in 101..113 {
        open.push(OpenCall::to(&scene, &format!("+12125550{line}")).await);
    }
    for code in ["40P01", "40001"] {
        refuse_where(&scene.psql().await, "attempts", "NEW.status = 'completed'", code, (1, 2)).await;
    }
    let answers = join_all(open.iter().map(|open| open.end(&scene))).await;
    assert_eq!(answers, vec![204; open.len()]);
    for open in &open {
        scene.until_completed(&open.campaign).await;
        assert_eq!(scene.outcomes(&open.campaign).await, ["answered"]);
    }
    scene.end().await;
}

#[actix_web::test]
async fn a_list_whose_storing_meets_a_deadlock_is_sent_back_and_not_half_stored() {
    let scene = Scene::with(answering()).await;
    let psql = scene.psql().await;
    refuse(&psql, "contacts", "40P01", (3, 1)).await;
    let list = "name,phone\nAda,+12025550101\nBob,+12025550102\nCyd,+12025550103\nDee,+12025550104\n";
    let settings = crate::support::scene::settings(json!({}));
    let (status, answer) = scene.upload_file(&settings, list).await;
    assert_eq!((status.as_u16(), &answer["type"]), (503, &json!("urn:outdial:unavailable")), "{answer}");
    let kept = "SELECT (SELECT count(*) FROM campaigns) + (SELECT count(*) FROM contacts)
                       + (SELECT count(*) FROM imports)";
    assert_eq!(psql.query_one(kept, &[]).await.unwrap().get::<_, i64>(0), 0);
    let (status, answer) = scene.upload_file(&settings, list).await;
    assert_eq!((status.as_u16(), &answer["imported"]), (201, &json!(4)), "{answer}");
    scene.end().await;
}

/// As behind a pooler that gives another server's connection, or after somebody's migration.
#[actix_web::test]
async fn statements_that_are_prepared_no_more_are_prepared_again_and_nobody_notices() {
    let scene = Scene::with(answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    for sql in ["DEALLOCATE ALL", "DISCARD ALL"] {
        let database = &scene.board().database;
        let all = join_all((0..8).map(|_| database.client())).await;
        for connection in all {
            connection.unwrap().batch_execute(sql).await.unwrap();
        }
        let (status, answer) = scene.ask(Method::GET, &campaign).await;
        assert_eq!(status, 200, "{answer}");
        until_somebody_is_called(&scene).await;
    }
    let widen = "ALTER TABLE contacts ALTER COLUMN phone TYPE varchar(40)";
    scene.psql().await.batch_execute(widen).await.unwrap();
    let (status, answer) = scene.ask(Method::GET, &format!("{campaign}/contacts")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(open.end(&scene).await, 204);
    scene.until_completed(&open.campaign).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

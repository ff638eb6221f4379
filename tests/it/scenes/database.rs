//! Campaigns while their database is away, full, read-only, silent, or refuses to work. Nobody is called whose call
//! cannot be written down first, no callback is confirmed that is not stored, and all of it comes back by itself.

mod full_disk;
mod read_only;
mod refusals;
mod silence;

use std::time::Duration;

use outdial::clock::Stopwatch;
use outdial::simulator::{Behavior, Event, Outcome, Scenario};
use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::cluster::OwnCluster;
use crate::support::eventually;
use crate::support::scene::{Scene, Setting, for_a_while};

/// Five seconds from the database's return to the next call are promised; the rest is for a machine that is busy.
const BACK_WITHIN: Duration = Duration::from_secs(8);

/// Everybody answers.
fn answering() -> Setting {
    Setting { scenario: Scenario::always(Outcome::Answer), ..Setting::default() }
}

/// Calls so many people of this area code, one right after the other.
async fn call_many(scene: &Scene, area_code: u32, count: u32) -> String {
    let numbers: Vec<String> = (101..101 + count).map(|line| format!("+1{area_code}5550{line}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    scene.call(json!({"pacing": {"delay_seconds": 0}}), &numbers).await
}

/// How many requests to place a call have arrived.
fn asked(scene: &Scene) -> usize {
    scene.simulator.ledger().creates().len()
}

/// Waits until somebody else is called, and returns how long that took.
async fn until_somebody_is_called(scene: &Scene) -> Duration {
    let (before, waited) = (asked(scene), Stopwatch::start());
    eventually("somebody is called", || async { (asked(scene) > before).then_some(()) }).await;
    waited.elapsed()
}

/// Waits until nobody is called any more, and sees that it stays so.
async fn until_nobody_is_called(scene: &Scene) {
    eventually("nobody is called any more", || async {
        let before = asked(scene);
        for_a_while().await;
        (asked(scene) == before).then_some(())
    })
    .await;
    let before = asked(scene);
    for _ in 0..3 {
        for_a_while().await;
    }
    assert_eq!(asked(scene), before, "somebody was called while nothing could be written");
}

/// A call that goes on until somebody says that it is over.
struct OpenCall {
    campaign: String,
    attempt: String,
    sid: String,
}

impl OpenCall {
    /// One to a number that nobody else is called by.
    async fn to(scene: &Scene, number: &str) -> Self {
        scene.simulator.fix(number, [Behavior::answer().talking(36_000.0)]).unwrap();
        let campaign = scene.call(json!({}), &[number]).await;
        let attempt = scene.until_placed(&campaign).await;
        let text = |field: &str| attempt[field].as_str().unwrap().to_owned();
        Self { attempt: text("id"), sid: text("sid"), campaign }
    }

    /// Says that it is over. Returns the answer's status.
    async fn end(&self, scene: &Scene) -> u16 {
        scene.call_back(&self.campaign, &self.attempt, &self.sid, "completed", 3).await
    }

    /// Says so again and again until it is stored.
    async fn end_at_last(&self, scene: &Scene) {
        eventually("the callback is stored", || async { (self.end(scene).await == 204).then_some(()) }).await;
        scene.until_completed(&self.campaign).await;
    }
}

/// What the program says of itself to whoever may send it work.
async fn readiness(scene: &Scene) -> (StatusCode, Value) {
    scene.ask(Method::GET, "/health/ready").await
}

/// Waits until it says that it is not ready, and returns why.
async fn until_not_ready(scene: &Scene) -> String {
    eventually("it says that it is not ready", || async {
        let (status, answer) = readiness(scene).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then(|| answer["detail"].as_str().unwrap().to_owned())
    })
    .await
}

/// Nothing is half done: everybody was reached, by one call each that was placed.
async fn assert_all_were_reached(scene: &Scene, campaign: &str) {
    // A connection that was cut may only be noticed by whoever is given it next.
    let done = eventually("the campaign is completed", || async {
        let (_, campaign) = scene.ask(Method::GET, campaign).await;
        (campaign["state"] == "completed").then_some(campaign)
    })
    .await;
    assert_eq!(done["counts"]["completed"], done["counts"]["contacts"], "{done}");
    let outcomes = scene.outcomes(campaign).await;
    let unexpected: Vec<_> =
        outcomes.iter().filter(|outcome| !["answered", "not-placed"].contains(&outcome.as_str())).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// A connection, if there is one to be had.
async fn connect(scene: &Scene) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = scene.database.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The processes of the program's connections, as far as the server knows of them.
async fn connections(psql: &Client) -> Vec<i32> {
    list_connections(psql).await.expect("a server that answers")
}

async fn list_connections(psql: &Client) -> Result<Vec<i32>, tokio_postgres::Error> {
    const SQL: &str = "
        SELECT pid FROM pg_stat_activity WHERE application_name = 'outdial' AND datname = current_database()";
    Ok(psql.query(SQL, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// Cuts one of the program's connections, or all.
async fn cut(psql: &Client, most: i64) {
    const SQL: &str = "
        SELECT pg_terminate_backend(pid) FROM
            (SELECT pid FROM pg_stat_activity
             WHERE application_name = 'outdial' AND datname = current_database() ORDER BY random() LIMIT $1) cut";
    psql.query(SQL, &[&most]).await.unwrap();
}

#[actix_web::test]
async fn connections_that_are_cut_again_and_again_lose_no_callback() {
    let scene = Scene::with(answering()).await;
    let psql = scene.psql().await;
    let campaigns = [call_many(&scene, 202, 40).await, call_many(&scene, 203, 80).await];
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cut(&psql, 1).await;
    }
    for campaign in &campaigns {
        assert_all_were_reached(&scene, campaign).await;
    }
    let ledger = scene.simulator.ledger();
    let is_stored = |answer: Option<u16>| answer.is_some_and(|answer| (200..300).contains(&answer));
    let confirmed: Vec<&str> = ledger
        .callbacks
        .iter()
        .filter(|callback| callback.event == Event::Completed && is_stored(callback.answer))
        .map(|callback| callback.call_sid.as_str())
        .collect();
    assert!(confirmed.len() > 60, "only {} ends were confirmed", confirmed.len());
    let sql = "SELECT count(*) FROM attempts WHERE sid = ANY ($1) AND status = 'completed'";
    let stored: i64 = psql.query_one(sql, &[&confirmed]).await.unwrap().get(0);
    assert_eq!(stored as usize, confirmed.len(), "confirmed and not stored");
    scene.end().await;
}

#[actix_web::test]
async fn a_server_one_of_whose_processes_was_killed_is_back_within_seconds() {
    let cluster = OwnCluster::start().await;
    let scene = Scene::at(cluster.config(), answering()).await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    let victim = connections(&scene.psql().await).await[0];
    kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
    // It ends all others, too, as what they share may be spoilt.
    eventually("it takes connections again", || async {
        let psql = connect(&scene).await.ok()?;
        (!list_connections(&psql).await.ok()?.contains(&victim)).then_some(())
    })
    .await;
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

/// Takes all connections that the server has, and the program's with them.
async fn take_all_connections(scene: &Scene) -> Vec<Client> {
    let first = scene.psql().await;
    let mut held = Vec::new();
    eventually("all connections are taken", || async {
        cut(&first, i64::MAX).await;
        connections(&first).await.is_empty().then_some(())
    })
    .await;
    loop {
        match connect(scene).await {
            Ok(another) => held.push(another),
            Err(error) => {
                assert_eq!(error.code().unwrap().code(), "53300", "{error}");
                if connections(&first).await.is_empty() {
                    held.push(first);
                    return held;
                }
                // It was quicker.
                cut(&first, i64::MAX).await;
            }
        }
    }
}

#[actix_web::test]
async fn without_a_connection_to_be_had_nobody_is_called_and_it_goes_on_when_there_are_some() {
    let cluster = OwnCluster::start().await;
    let scene = Scene::at(cluster.config(), answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    let held = take_all_connections(&scene).await;
    assert_eq!(until_not_ready(&scene).await, "the database takes no more connections");
    assert_eq!(open.end(&scene).await, 503);
    until_nobody_is_called(&scene).await;
    drop(held);
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

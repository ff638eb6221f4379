//! Connections that are of no more use, statements that went stale, and what nodes tell each other.

use std::time::Duration;

use outdial::db::agents::Agent;
use outdial::db::words::{Word, listen, tell};
use outdial::db::{Error, agents};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use uuid::Uuid;

use super::Bench;

/// None of the server's own timeouts ends the statement of a backend that hangs.
#[tokio::test]
async fn a_backend_that_hangs_is_given_up_and_its_connection_is_given_to_nobody_else() {
    let bench = Bench::new().await;
    let impatient = bench.database.answering_within(Duration::from_millis(300));
    impatient.ping().await.unwrap();
    let backend = backend_of(&bench).await;
    kill_process(backend, Signal::STOP).unwrap();
    // Who stops waiting earlier leaves a connection behind that nobody heard the end of.
    let given_up = tokio::time::timeout(Duration::from_millis(50), bench.database.ping()).await;
    let elsewhere = bench.database.ping().await;
    let other = backends_of(&bench).await.into_iter().find(|other| *other != backend).unwrap();
    kill_process(other, Signal::STOP).unwrap();
    let unanswered = impatient.ping().await;
    // The connection that was used last is given again, unless it was thrown away.
    let afterwards = impatient.ping().await;
    for stopped in [backend, other] {
        kill_process(stopped, Signal::CONT).unwrap();
    }
    assert!(given_up.is_err(), "it was answered in time");
    elsewhere.unwrap();
    assert!(matches!(unanswered, Err(Error::Silent { .. })), "{unanswered:?}");
    afterwards.unwrap();
}

#[tokio::test]
async fn a_statement_that_went_stale_is_prepared_anew() {
    let bench = Bench::new().await;
    let ada = Agent {
        id: Uuid::now_v7(),
        name: "Ada".to_owned(),
        prompt_text: None,
        script: json!({"say": "Hello"}),
        created_at: bench.now,
        updated_at: bench.now,
    };
    agents::insert_agent(&bench.database, bench.team, &ada).await.unwrap();
    let find = async || agents::find_agent(&bench.database, bench.team, ada.id).await.unwrap().unwrap();
    assert_eq!(find().await.name, "Ada");
    bench.database.client().await.unwrap().batch_execute("DEALLOCATE ALL").await.unwrap();
    assert_eq!(find().await.name, "Ada");
    let before = backend_of(&bench).await;
    bench.psql().await.batch_execute("ALTER TABLE agents ALTER name TYPE varchar").await.unwrap();
    assert_eq!(find().await.name, "Ada");
    assert_eq!(backend_of(&bench).await, before, "the connection was as good as another");
}

#[tokio::test]
async fn what_a_node_tells_is_heard_by_all_that_listen_until_they_are_cut_off() {
    let bench = Bench::new().await;
    let (mut one, mut other) =
        (listen(&bench.database).await.unwrap(), listen(&bench.database).await.unwrap());
    let campaigns: Vec<Uuid> = (0..300).map(|_| Uuid::now_v7()).collect();
    for word in [Word::Wake(campaigns.clone()), Word::Ownerless] {
        tell(&bench.database, bench.node, &word).await.unwrap();
    }
    for listener in [&mut one, &mut other] {
        let mut heard = Vec::new();
        loop {
            match listener.next().await.unwrap() {
                (by, Word::Wake(some)) if by == bench.node => heard.extend(some),
                (by, word) => break assert_eq!((by, word), (bench.node, Word::Ownerless)),
            }
        }
        assert_eq!(heard, campaigns);
    }
    let cut_off = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN outdial'";
    bench.psql().await.batch_execute(cut_off).await.unwrap();
    assert_eq!(one.next().await, None);
    assert_eq!(other.next().await, None);
}

/// The one connection that the database's pool has so far.
async fn backend_of(bench: &Bench) -> Pid {
    let backends = backends_of(bench).await;
    assert_eq!(backends.len(), 1, "{backends:?}");
    backends[0]
}

/// Those that serve the database's pool.
async fn backends_of(bench: &Bench) -> Vec<Pid> {
    let sql = "
        SELECT pid FROM pg_stat_activity WHERE application_name = 'outdial' AND datname = current_database()";
    let rows = bench.psql().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| Pid::from_raw(row.get("pid")).unwrap()).collect()
}

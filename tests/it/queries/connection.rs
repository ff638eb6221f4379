//! Connections that are of no more use, and statements that went stale.

use std::time::Duration;

use outdial::db::{Error, nodes};
use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use super::{Bench, oneself};

/// None of the server's own timeouts ends the statement of a backend that hangs.
#[tokio::test]
async fn a_backend_that_hangs_is_given_up_and_its_connection_is_given_to_nobody_else() {
    let bench = Bench::new().await;
    let impatient = bench.database.answering_within(Duration::from_millis(300));
    impatient.ping().await.unwrap();
    let backend = backend_of(&bench).await;
    kill_process(backend, Signal::STOP).unwrap();
    let unanswered = impatient.ping().await;
    // The connection that was used last is given again, unless it was thrown away.
    let afterwards = impatient.ping().await;
    kill_process(backend, Signal::CONT).unwrap();
    assert!(matches!(unanswered, Err(Error::Silent { .. })), "{unanswered:?}");
    afterwards.unwrap();
}

#[tokio::test]
async fn a_statement_that_went_stale_is_prepared_anew() {
    let bench = Bench::new().await;
    let name_of = async || nodes::list_nodes(&bench.database).await.unwrap().pop().map(|node| node.name);
    nodes::renew(&bench.database, oneself(Uuid::now_v7()), Duration::from_secs(60)).await.unwrap();
    let name = name_of().await;
    bench.database.client().await.unwrap().batch_execute("DEALLOCATE ALL").await.unwrap();
    assert_eq!(name_of().await, name);
    let before = backend_of(&bench).await;
    bench.psql().await.batch_execute("ALTER TABLE nodes ALTER name TYPE varchar").await.unwrap();
    assert_eq!(name_of().await, name);
    assert_eq!(
        backend_of(&bench).await,
        before,
        "another connection was made, of a statement that was no older"
    );
}

/// The one connection that the database's pool has so far.
async fn backend_of(bench: &Bench) -> Pid {
    let sql = "
        SELECT pid FROM pg_stat_activity WHERE application_name = 'outdial' AND datname = current_database()";
    let pid: i32 = bench.psql().await.query_one(sql, &[]).await.unwrap().get("pid");
    Pid::from_raw(pid).unwrap()
}

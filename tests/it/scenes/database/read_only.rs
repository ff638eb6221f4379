//! A database that takes no writes, as after a failover: it is noticed, said, waited out, and not held on to.

use futures_util::future::join_all;
use outdial::db::{Database, Error, Tls};
use reqwest::Method;
use tokio_postgres::{Client, NoTls};

use super::{
    BACK_WITHIN, OpenCall, answering, assert_all_were_reached, call_many, connections, cut,
    until_nobody_is_called, until_not_ready, until_somebody_is_called,
};
use crate::support::cluster::OwnCluster;
use crate::support::eventually;
use crate::support::scene::Scene;

async fn make_read_only(psql: &Client) {
    psql.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    psql.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

async fn make_writable(psql: &Client) {
    psql.batch_execute("ALTER SYSTEM RESET default_transaction_read_only").await.unwrap();
    psql.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    eventually("it takes writes", || async {
        let shown = psql.query_one("SHOW transaction_read_only", &[]).await.unwrap();
        (shown.get::<_, &str>(0) == "off").then_some(())
    })
    .await;
}

#[actix_web::test]
async fn a_database_that_turns_read_only_is_let_go_of_until_it_takes_writes_again() {
    let cluster = OwnCluster::start().await;
    let scene = Scene::at(cluster.config(), answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    let psql = scene.psql().await;
    // Those for lists find out when the next list comes.
    cut(&psql, i64::MAX).await;
    until_somebody_is_called(&scene).await;
    let before = connections(&psql).await;
    make_read_only(&psql).await;
    assert_eq!(until_not_ready(&scene).await, "the database takes no writes: it is read-only or a standby");
    // With its last connection it also forgets who may ask how it is, and says the same as the reason for that.
    let (status, said) = scene.ask(Method::GET, "/health/supervisor").await;
    let why = said["reason"].as_str().or(said["detail"].as_str()).unwrap_or_default();
    assert_eq!(status, 503, "{said}");
    assert!(why.starts_with("the database takes no writes"), "{said}");
    assert_eq!(open.end(&scene).await, 503);
    until_nobody_is_called(&scene).await;
    eventually("no connection to it is kept that was made before", || async {
        connections(&psql).await.iter().all(|pid| !before.contains(pid)).then_some(())
    })
    .await;
    make_writable(&psql).await;
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn a_standby_is_waited_for_until_it_is_promoted() {
    let cluster = OwnCluster::start().await;
    let scene = Scene::at(cluster.config(), answering()).await;
    let open = OpenCall::to(&scene, "+12125550101").await;
    let campaign = call_many(&scene, 202, 40).await;
    until_somebody_is_called(&scene).await;
    cluster.stop().await;
    // First it lets nobody in, then to read, and then it is promoted.
    std::fs::write(cluster.data().join("standby.signal"), "").unwrap();
    cluster.start_again().await;
    assert_eq!(until_not_ready(&scene).await, "the database takes no writes: it is read-only or a standby");
    assert_eq!(open.end(&scene).await, 503);
    until_nobody_is_called(&scene).await;
    scene.psql().await.batch_execute("SELECT pg_promote()").await.unwrap();
    let back_after = until_somebody_is_called(&scene).await;
    assert!(back_after < BACK_WITHIN, "back after {back_after:?}");
    open.end_at_last(&scene).await;
    assert_all_were_reached(&scene, &campaign).await;
    scene.end().await;
}

#[actix_web::test]
async fn of_several_servers_the_one_is_used_that_takes_writes_whichever_it_is() {
    let servers = [OwnCluster::start().await, OwnCluster::start().await];
    let [first, second] = servers.each_ref().map(OwnCluster::config);
    let mut either = first.clone();
    let tokio_postgres::config::Host::Unix(sockets) = &second.get_hosts()[0] else { panic!("a socket") };
    either.host_path(sockets).port(second.get_ports()[0]);
    let mut sessions = Vec::new();
    for config in [first, second] {
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        sessions.push(client);
    }
    let database = Database::new(either, Tls::Off).unwrap();
    make_read_only(&sessions[1]).await;
    for (away, there) in [(0, 1), (1, 0)] {
        drop(join_all((0..5).map(|_| database.client())).await);
        assert_eq!(connections(&sessions[away]).await.len(), 5);
        make_writable(&sessions[there]).await;
        make_read_only(&sessions[away]).await;
        eventually("it is noticed", || async {
            matches!(database.ping().await, Err(Error::ReadOnly)).then_some(())
        })
        .await;
        // None of those is tried again that lead to the one that takes none.
        database.ping().await.unwrap();
    }
}

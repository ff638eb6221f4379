//! How fast what happens reaches those who follow: 1,000 listeners of server-sent events, and a single one, on
//!
//! * the server as shipped, from the commit of an event until each listener has read it;
//! * the same bytes from a server without a database, which tells them as soon as it has them: what HTTP alone takes.
//!
//! First events come one by one, then many are committed at once.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

mod bare;
mod listeners;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use actix_web::rt::spawn;
use outdial::actors::Delivery;
use outdial::app::App;
use outdial::db::{Database, Tls};
use tokio::sync::oneshot;
use tokio_postgres::Client;
use uuid::Uuid;

use bare::Bare;
use listeners::{Listeners, Measured};
use support::Spread;
use support::cluster::Cluster;

const ROUNDS: u32 = 3;

/// Listeners, in the two kinds of rounds.
const LISTENERS: [usize; 2] = [1, 1000];

/// Events that come one by one, and the pause between two.
const SINGLE: usize = 200;
const PAUSE: Duration = Duration::from_millis(20);

/// Events that are committed at once.
const AT_ONCE: usize = 1000;

#[derive(Default)]
struct Cell {
    median: Spread,
    late: Spread,
    rate: Spread,
}

impl Cell {
    fn add(&mut self, single: &Measured, rate: f64) {
        self.median.add(single.median_ms);
        self.late.add(single.late_ms);
        self.rate.add(rate);
    }
}

#[actix_web::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\nevents: from the commit until each listener has read it\n");
    support::machine::describe(&psql, cluster.directory()).await;
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    outdial::db::migrate(&database).await.expect("the schema");
    let team = outdial::db::keys::ensure_team(&database).await.expect("a team");
    let mut cells: [[Cell; 2]; 2] = Default::default();
    for _ in 0..ROUNDS {
        for (number, cells) in LISTENERS.iter().zip(&mut cells) {
            cells[0].add_round(shipped(&cluster, &psql, team, *number).await);
            cells[1].add_round(without_database(*number).await);
        }
    }
    let mut rows = Vec::new();
    for (number, cells) in LISTENERS.iter().zip(&cells) {
        for (name, cell) in ["as shipped", "without a database"].iter().zip(cells) {
            rows.push(vec![
                format!("{number} listeners, {name}"),
                cell.median.show(0),
                cell.late.show(0),
                cell.rate.show(0),
            ]);
        }
    }
    support::print_table(
        &["", "median, ms", "99th percentile, ms", "told a second, 1,000 events at once"],
        &rows,
    );
    drop((psql, database));
    cluster.stop().await;
}

impl Cell {
    fn add_round(&mut self, (single, rate): (Measured, f64)) {
        self.add(&single, rate);
    }
}

/// The program itself: events are committed as the dialer commits them.
async fn shipped(cluster: &Cluster, psql: &Client, team: Uuid, number: usize) -> (Measured, f64) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = port.expect("a port").port();
    let url = format!("http://127.0.0.1:{port}");
    let config =
        program::config(&cluster.config(), port, 1.0, program::course(), ("http://127.0.0.1:9", &url));
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    let app = App::build_on(config, database, None, Delivery::default()).await.expect("the program");
    let (stop, stopped) = oneshot::channel::<()>();
    let running = spawn(async move { app.run_until(async { drop(stopped.await) }).await });
    let commit = async |from: usize, events: usize| {
        const SQL: &str = "
            INSERT INTO events (team_id, campaign_id, kind, at, data)
            SELECT $1, $1, 'campaign.edited', now(), jsonb_build_object('n', n)
            FROM generate_series($2::int8, $2 + $3 - 1) n";
        let (from, events) = (from as i64, events as i64);
        psql.execute(SQL, &[&team, &from, &events]).await.expect("committed events");
    };
    let path = "/api/v1/events?kinds=campaign.edited";
    let mut listeners = Listeners::connect(&url, path, program::API_TOKEN, number).await;
    let measured = measure(&mut listeners, commit).await;
    drop(listeners);
    let _ = stop.send(());
    running.await.expect("the program's end").expect("a graceful end");
    measured
}

/// The same bytes without a database.
async fn without_database(number: usize) -> (Measured, f64) {
    let bare = Bare::start();
    let mut listeners = Listeners::connect(bare.url(), "/", "", number).await;
    let measured = measure(&mut listeners, async |from, events| bare.tell(from, events)).await;
    drop(listeners);
    bare.stop().await;
    measured
}

/// Events one by one, and then many at once: how long each takes to everybody, and how many are told a second.
async fn measure(listeners: &mut Listeners, mut commit: impl AsyncFnMut(usize, usize)) -> (Measured, f64) {
    for n in 0..SINGLE {
        commit(n, 1).await;
        listeners.is_committed(n);
        tokio::time::sleep(PAUSE).await;
    }
    let single = listeners.until_all_have(SINGLE).await;
    commit(SINGLE, AT_ONCE).await;
    listeners.is_committed(SINGLE);
    let seconds = listeners.seconds_until_all_have(SINGLE + AT_ONCE).await;
    (single, (AT_ONCE * listeners.number()) as f64 / seconds)
}

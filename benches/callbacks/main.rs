//! How many callbacks a second become durable: 32 kept connections post signed status callbacks for 20,000 open
//! attempts, in turn to
//!
//! * the server as shipped, whose inbox commits many at once;
//! * the same server, committing once per callback on eight connections;
//! * the database left out: the same checks and readings, answered at once;
//! * and, without HTTP, `pgbench` with the program's own statement for one row.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

mod bare;
mod load;
mod pgbench;
mod rows;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use actix_web::rt::spawn;
use actix_web::rt::time::sleep;
use outdial::actors::Delivery;
use outdial::app::App;
use outdial::db::{Database, Tls};
use tokio::sync::oneshot;
use tokio_postgres::Client;

use load::{Figures, Load};
use program::ACCOUNT;
use support::Spread;
use support::cluster::Cluster;

const ROUNDS: u32 = 5;
const CONNECTIONS: usize = 32;
const ATTEMPTS: u32 = 20_000;

/// Callbacks before the measured ones, so that statements are prepared and connections open.
const WARM_UP: usize = 2_000;

/// Where the provider believes the program to be: what it signs begins with this.
const PUBLIC_URL: &str = "https://dialer.example.com";

/// What is measured, in the order of the table.
const SHIPPED: usize = 0;
const ONE_BY_ONE: usize = 1;
const WITHOUT_DATABASE: usize = 2;
const NAMES: [&str; 3] = ["as shipped: many in one commit", "one commit per callback", "without a database"];

#[derive(Default)]
struct Cell {
    rate: Spread,
    median: Spread,
    late: Spread,
}

impl Cell {
    fn add(&mut self, figures: &Figures) {
        self.rate.add(figures.per_second);
        self.median.add(figures.median_ms);
        self.late.add(figures.late_ms);
    }
}

#[actix_web::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\ncallbacks: callbacks a second until durable, {CONNECTIONS} connections\n");
    support::machine::describe(&psql, cluster.directory()).await;
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    outdial::db::migrate(&database).await.expect("the schema");
    rows::insert(&psql, ATTEMPTS).await;
    let living = cluster.connect().await;
    let life = spawn(async move {
        loop {
            rows::keep_alive(&living).await;
            sleep(Duration::from_secs(10)).await;
        }
    });
    let pgbench = pgbench::find(&psql, cluster.config()).await;

    let mut cells: [Cell; 3] = Default::default();
    let mut statements = [Spread::default(), Spread::default()];
    let mut ratios = [Spread::default(), Spread::default()];
    for round in 1..=ROUNDS {
        let load = Load::new(ATTEMPTS, round, CONNECTIONS, WARM_UP);
        let mut rates = [0.0; 3];
        for cell in [SHIPPED, ONE_BY_ONE, WITHOUT_DATABASE] {
            settle_down(&psql).await;
            let figures = match cell {
                SHIPPED => through_program(&cluster, Delivery::default(), &load).await,
                ONE_BY_ONE => {
                    through_program(&cluster, Delivery { largest_batch: 1, commits: 8 }, &load).await
                }
                _ => bare::measure(&load).await,
            };
            cells[cell].add(&figures);
            rates[cell] = figures.per_second;
        }
        ratios[0].add(rates[SHIPPED] / rates[ONE_BY_ONE]);
        ratios[1].add(rates[SHIPPED] / rates[WITHOUT_DATABASE]);
        for (clients, rate) in [8, 32].into_iter().zip(&mut statements) {
            if let Some(pgbench) = &pgbench {
                settle_down(&psql).await;
                rate.add(pgbench.run(clients).await);
            }
        }
    }

    let mut rows: Vec<Vec<String>> = NAMES
        .iter()
        .zip(&cells)
        .map(|(name, cell)| {
            vec![(*name).to_owned(), cell.rate.show(0), cell.median.show(1), cell.late.show(1)]
        })
        .collect();
    if pgbench.is_some() {
        for (clients, rate) in [8, 32].into_iter().zip(&statements) {
            let name = format!("pgbench, the statement alone, {clients} clients");
            rows.push(vec![name, rate.show(0), String::new(), String::new()]);
        }
    }
    support::print_table(&["", "callbacks a second", "median, ms", "99th percentile, ms"], &rows);
    println!("As shipped / one commit per callback: {} (aim: 2)", ratios[0].show(2));
    println!("As shipped / without a database:      {} (aim: 0.45)\n", ratios[1].show(2));
    life.abort();
    drop((pgbench, psql, database));
    cluster.stop().await;
}

/// The program itself, with this way of committing.
async fn through_program(cluster: &Cluster, delivery: Delivery, load: &Load) -> Figures {
    // Nothing is dialed, so it does not matter that no provider answers there.
    let config =
        program::config(&cluster.config(), 0, 1.0, program::course(), ("http://127.0.0.1:9", PUBLIC_URL));
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    let app = App::build_on(config, database, None, delivery).await.expect("the program");
    let address = app.url().socket_addrs(|| None).expect("an address")[0];
    let (stop, stopped) = oneshot::channel();
    let program = spawn(app.run_until(async { drop::<Result<(), _>>(stopped.await) }));
    let figures = load.play(address).await;
    // The program may have ended by itself, which it says below.
    let _ = stop.send(());
    program.await.expect("the program's task").expect("a graceful end");
    figures
}

/// Every cell begins with a table that is swept and a log that is written out.
async fn settle_down(psql: &Client) {
    psql.batch_execute("VACUUM (ANALYZE) attempts").await.expect("a sweep");
    psql.batch_execute("CHECKPOINT").await.expect("a checkpoint");
}

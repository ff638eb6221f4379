//! What reading costs in a campaign of a million contacts and two million attempts, through the API, by several who read at
//! once: the campaign, pages of contacts, searches and figures, each beside the bare SQL that it comes down to, asked for by
//! as many in the same round; and how many rows a second leave as a file, beside PostgreSQL's own `COPY … TO STDOUT`, with the
//! memory that it takes. Last, the pages of the dashboard.
//!
//! The program is a process of its own, so that its memory can be told.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

mod list;
mod pages;
mod readers;
mod server;

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

use futures_util::TryStreamExt;
use outdial::clock::Stopwatch;
use outdial::db::{Database, Tls};
use tokio_postgres::Client;

use list::{ATTEMPTS, CAMPAIGN, CONTACTS};
use readers::Latencies;
use server::Server;
use support::Spread;
use support::cluster::Cluster;

const ROUNDS: usize = 3;

/// Who reads at once, and how often each.
const READERS: usize = 4;
const READINGS: usize = 100;

/// What is read: its name, the path of the API behind the campaign's, and the bare SQL.
const READ: [(&str, &str, &str); 5] = [
    ("the campaign", "", "SELECT * FROM campaigns WHERE id = '@campaign'"),
    (
        "a page of 50 contacts",
        "/contacts?after=500000",
        "SELECT contacts.*, areas.zones FROM contacts JOIN areas USING (campaign_id, team_id)
         WHERE campaign_id = '@campaign' AND team_id = '@team' AND position > 500000 AND number = area
         ORDER BY position LIMIT 51",
    ),
    (
        "a number that is searched",
        "/contacts?search=2125550199",
        "SELECT * FROM contacts WHERE campaign_id = '@campaign' AND phone = '+12125550199' AND team_id = '@team'",
    ),
    (
        "a name that nobody has, among 250,000",
        "/contacts?search=nobody",
        "SELECT * FROM contacts WHERE campaign_id = '@campaign' AND team_id = '@team' AND position <= 250000
           AND strpos(lower(name), 'nobody') > 0 ORDER BY position LIMIT 51",
    ),
    (
        "the figures",
        "/metrics",
        "SELECT quarter, sum(answered), sum(no_answer), sum(talk_seconds) FROM call_sums
         WHERE campaign_id = '@campaign' AND team_id = '@team' GROUP BY quarter",
    ),
];

#[actix_web::main]
async fn main() {
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\nreads: {CONTACTS} contacts and {ATTEMPTS} attempts in one campaign\n");
    support::machine::describe(&psql, cluster.directory()).await;
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    outdial::db::migrate(&database).await.expect("the schema");
    drop(database);
    let server = Server::start(&cluster.config()).await;
    list::insert(&psql).await;
    figures_of_nothing_summed(&server, &psql).await;
    readings(&cluster, &server).await;
    exports(&server, &psql).await;
    pages::insert(&psql).await;
    pages::readings(&server).await;
    drop((server, psql));
    cluster.stop().await;
}

/// The address of what stands behind the campaign's path.
fn of(path: &str) -> String {
    format!("/api/v1/campaigns/{CAMPAIGN}{path}")
}

/// Who first asks for figures waits for all attempts to be counted, and whoever asks once they are summed up does not.
async fn figures_of_nothing_summed(server: &Server, psql: &Client) {
    let watch = Stopwatch::start();
    server.get(&of("/metrics")).await;
    let first = watch.elapsed().as_secs_f64();
    let watch = Stopwatch::start();
    while psql
        .query_one("SELECT count(*) > 0 FROM call_sums", &[])
        .await
        .is_ok_and(|row| !row.get::<_, bool>(0))
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let summed = watch.elapsed().as_secs_f64();
    println!(
        "seconds for the figures when nothing is summed up: {first:.2}; until all is, afterwards: {summed:.2}\n"
    );
}

async fn readings(cluster: &Cluster, server: &Server) {
    let (mut medians, mut lates): ([[Spread; 2]; READ.len()], [[Spread; 2]; READ.len()]) = Default::default();
    for _ in 0..ROUNDS {
        for (place, (_, path, sql)) in READ.iter().enumerate() {
            let through = readers::through(server, &of(path), READERS, READINGS).await;
            let bare = readers::bare(cluster, &list::of_campaign(sql), READERS, READINGS).await;
            for (side, Latencies { median, late }) in [through, bare].into_iter().enumerate() {
                medians[place][side].add(median);
                lates[place][side].add(late);
            }
        }
    }
    let rows: Vec<Vec<String>> = READ
        .iter()
        .zip(medians.iter().zip(&lates))
        .map(|((name, ..), (median, late))| {
            vec![(*name).to_owned(), median[0].show(1), late[0].show(1), median[1].show(1), late[1].show(1)]
        })
        .collect();
    let head = [
        "read by 4 at once, ms",
        "median",
        "99th percentile",
        "bare SQL, median",
        "bare SQL, 99th percentile",
    ];
    support::print_table(&head, &rows);
}

/// Rows a second that leave as a file.
async fn exports(server: &Server, psql: &Client) {
    let files = [("contacts", CONTACTS), ("attempts", ATTEMPTS)];
    let mut rows = Vec::new();
    for (what, count) in files {
        let (mut csv, mut workbook, mut copy, mut memory) =
            (Spread::default(), Spread::default(), Spread::default(), Spread::default());
        for _ in 0..ROUNDS {
            let before = server.process.begin_memory();
            for (ending, rate) in [("csv", &mut csv), ("xlsx", &mut workbook)] {
                let watch = Stopwatch::start();
                let bytes = server.get(&of(&format!("/{what}.{ending}"))).await;
                rate.add(f64::from(count) / watch.elapsed().as_secs_f64());
                assert!(bytes > u64::from(count), "{what}.{ending} is too short: {bytes} bytes");
            }
            memory.add(server.process.peak_memory() - before);
            let watch = Stopwatch::start();
            let sql = format!("COPY {what} TO STDOUT (FORMAT csv)");
            let stream = psql.copy_out(&sql).await.expect("a COPY");
            let copied =
                stream.try_fold(0, async |sum, chunk| Ok(sum + chunk.len())).await.expect("all of it");
            copy.add(f64::from(count) / watch.elapsed().as_secs_f64());
            assert!(copied > 0);
        }
        rows.push(vec![what.to_owned(), csv.show(0), workbook.show(0), copy.show(0), memory.show(0)]);
    }
    let head = ["taken away, rows a second", "CSV", "XLSX", "COPY … TO STDOUT", "peak memory above idle, MB"];
    support::print_table(&head, &rows);
}

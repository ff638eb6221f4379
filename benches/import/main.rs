//! How fast a contact list becomes contacts: a CSV of a million rows and five columns through the program's own API
//! until it is committed, in turn with
//!
//! * PostgreSQL's own binary `COPY` of the very same rows into the same table, with the same indexes;
//! * the usual Python way: pandas, phonenumbers and COPY into the same table;
//!
//! and, without the database, reading and normalising alone, of that CSV and of a workbook, beside the same in Python.
//! The program is a process of its own, so that its memory can be told.

#![expect(unreachable_pub, reason = "nothing of a bench is reached from outside")]

mod alone;
mod copy;
mod list;
mod python;
mod upload;

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

use outdial::db::{Database, Tls};
use tokio_postgres::Client;

use list::List;
use process::Process;
use python::Python;
use support::Spread;
use support::cluster::Cluster;
use upload::upload;

const ROUNDS: usize = 3;

/// Rows of the long list, and of the shorter ones that its cost per row is compared with.
const ROWS: [u32; 3] = [10_000, 100_000, 1_000_000];

/// Rows of the list whose numbers Python normalises: it needs half a minute for a million.
const PYTHON_ROWS: u32 = 100_000;

/// Rows of the workbook.
const WORKBOOK_ROWS: u32 = 200_000;

#[actix_web::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
    let cluster = Cluster::start().await;
    let psql = cluster.connect().await;
    println!("\nimport: from a contact list to stored contacts\n");
    support::machine::describe(&psql, cluster.directory()).await;
    let database = Database::new(cluster.config(), Tls::Off).expect("a pool");
    outdial::db::migrate(&database).await.expect("the schema");
    drop(database);
    let python = Python::find();
    // `cargo bench --bench import -- alone`: a minute without the database.
    if !std::env::args().any(|argument| argument == "alone") {
        until_stored(&cluster, &psql, python.as_ref()).await;
    }
    reading_alone(cluster.directory(), python.as_ref());
    drop(psql);
    cluster.stop().await;
}

/// Rows a second from the first byte of the upload until the campaign is there.
async fn until_stored(cluster: &Cluster, psql: &Client, python: Option<&Python>) {
    let lists = ROWS.map(|rows| List::csv(cluster.directory(), rows));
    let server = Process::start(&cluster.config()).await;
    upload(&server, &lists[0]).await;
    let mut rates: [Spread; ROWS.len()] = Default::default();
    let (mut copies, mut pythons, mut memory) = (Spread::default(), Spread::default(), Spread::default());
    let (mut to_copy, mut to_python) = (Spread::default(), Spread::default());
    for _ in 0..ROUNDS {
        for (list, rate) in lists.iter().zip(&mut rates) {
            empty(psql).await;
            let before = server.begin_memory();
            let seconds = upload(&server, list).await;
            rate.add(f64::from(list.rows) / seconds);
            if list.rows == ROWS[ROWS.len() - 1] {
                memory.add(server.peak_memory() - before);
                let copied = copy::again(psql, cluster.directory()).await;
                copies.add(copied);
                to_copy.add(f64::from(list.rows) / seconds / copied);
                if let Some(python) = python {
                    empty_contacts(psql).await;
                    let slow = python.store(list, &cluster.config());
                    pythons.add(slow);
                    to_python.add(f64::from(list.rows) / seconds / slow);
                }
            }
        }
    }
    drop(server);
    let mut rows: Vec<Vec<String>> = ROWS
        .iter()
        .zip(&rates)
        .map(|(rows, rate)| vec![format!("outdial, CSV of {rows} rows"), rate.show(0)])
        .collect();
    rows.push(vec!["PostgreSQL's binary COPY of the same 1000000 rows".to_owned(), copies.show(0)]);
    if python.is_some() {
        let name = format!("pandas, phonenumbers and COPY, {} rows", ROWS[ROWS.len() - 1]);
        rows.push(vec![name, pythons.show(0)]);
    }
    support::print_table(&["until stored", "rows a second"], &rows);
    println!("outdial / COPY alone:      {} (aim: 0.8)", to_copy.show(2));
    if python.is_some() {
        println!("outdial / the Python way:  {} (aim: 4)", to_python.show(2));
    }
    println!(
        "a row of {} costs {:.2} times as much as one of {} (aim: at most 1.3)",
        ROWS[2],
        rates[0].median() / rates[2].median(),
        ROWS[0]
    );
    println!("peak memory above idle, MB: {} (aim: 150)\n", memory.show(0));
}

/// Rows a second that are read and whose numbers are normalised, and nothing more.
fn reading_alone(directory: &std::path::Path, python: Option<&Python>) {
    let csv = List::csv(directory, ROWS[ROWS.len() - 1]);
    let short = List::csv(directory, PYTHON_ROWS);
    let workbook = List::workbook(directory, WORKBOOK_ROWS);
    let mut ours: [Spread; 2] = Default::default();
    let mut theirs: [Spread; 3] = Default::default();
    for _ in 0..ROUNDS {
        ours[0].add(alone::read(&csv));
        ours[1].add(alone::read(&workbook));
        if let Some(python) = python {
            theirs[0].add(python.normalise(&short, None));
            theirs[1].add(python.normalise(&workbook, Some("openpyxl")));
            theirs[2].add(python.normalise(&workbook, Some("calamine")));
        }
    }
    let mut rows = vec![
        vec![format!("outdial, CSV of {} rows", csv.rows), ours[0].show(0)],
        vec![format!("outdial, XLSX of {} rows", workbook.rows), ours[1].show(0)],
    ];
    if python.is_some() {
        let names = [
            format!("pandas and phonenumbers, CSV of {} rows", short.rows),
            format!("pandas with openpyxl and phonenumbers, XLSX of {} rows", workbook.rows),
            format!("pandas with calamine and phonenumbers, XLSX of {} rows", workbook.rows),
        ];
        rows.extend(names.into_iter().zip(&theirs).map(|(name, rate)| vec![name, rate.show(0)]));
    }
    support::print_table(&["reading and normalising", "rows a second"], &rows);
    if python.is_some() {
        println!("CSV, outdial / Python:           {:.1} (aim: 15)", ours[0].median() / theirs[0].median());
        println!("XLSX, outdial / openpyxl:        {:.1} (aim: 15)", ours[1].median() / theirs[1].median());
        println!("XLSX, outdial / calamine:        {:.1}\n", ours[1].median() / theirs[2].median());
    }
}

/// A table without contacts, and a log that is written out.
async fn empty(psql: &Client) {
    psql.batch_execute("TRUNCATE campaigns, contacts CASCADE").await.expect("an empty database");
    psql.batch_execute("CHECKPOINT").await.expect("a checkpoint");
}

/// The same, with the campaigns left.
async fn empty_contacts(psql: &Client) {
    psql.batch_execute("TRUNCATE contacts CASCADE").await.expect("an empty table");
    psql.batch_execute("CHECKPOINT").await.expect("a checkpoint");
}

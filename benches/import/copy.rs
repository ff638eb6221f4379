//! The limit: PostgreSQL's own binary `COPY` of rows that are clean already, with the table's indexes and without its
//! trigger, which keeps a second copy of all rows of one statement until the statement's end.

use std::path::Path;

use outdial::clock::Stopwatch;
use tokio_postgres::Client;

/// Writes the contacts that are there to a file, empties the table, and has the server read the file back, which is
/// measured: rows a second.
pub async fn again(psql: &Client, directory: &Path) -> f64 {
    // The server writes it, as the user that it runs as, so it lies in the server's own directory.
    let file = directory.join("cluster").join("contacts.copy");
    let file = file.display();
    let rows = psql.execute(&format!("COPY contacts TO '{file}' (FORMAT binary)"), &[]).await;
    let rows = rows.expect("the contacts on the disk");
    super::empty_contacts(psql).await;
    psql.batch_execute("SET session_replication_role = replica").await.expect("no triggers");
    let watch = Stopwatch::start();
    psql.execute(&format!("COPY contacts FROM '{file}' (FORMAT binary)"), &[])
        .await
        .expect("the same contacts");
    let seconds = watch.elapsed().as_secs_f64();
    psql.batch_execute("RESET session_replication_role").await.expect("triggers");
    rows as f64 / seconds
}

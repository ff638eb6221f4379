//! Several who read at once, each of whom asks again as soon as they are answered.

use futures_util::future::join_all;
use outdial::clock::Stopwatch;

use super::server::Server;
use super::support::cluster::Cluster;
use super::support::percentile;

/// How long answers took, in milliseconds.
pub struct Latencies {
    /// The middle one.
    pub median: f64,
    /// The 99th percentile.
    pub late: f64,
}

impl Latencies {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self { median: percentile(&all, 0.5), late: percentile(&all, 0.99) }
    }
}

/// Read through the API.
pub async fn through(server: &Server, path: &str, readers: usize, readings: usize) -> Latencies {
    let one = || async {
        let mut all = Vec::new();
        for _ in 0..readings {
            let watch = Stopwatch::start();
            server.get(path).await;
            all.push(watch.elapsed().as_secs_f64() * 1e3);
        }
        all
    };
    Latencies::of(join_all((0..readers).map(|_| one())).await.concat())
}

/// Read from the database, over as many connections.
pub async fn bare(cluster: &Cluster, sql: &str, readers: usize, readings: usize) -> Latencies {
    let one = || async {
        let client = cluster.connect().await;
        let statement = client.prepare(sql).await.expect("a statement");
        let mut all = Vec::new();
        for _ in 0..readings {
            let watch = Stopwatch::start();
            client.query(&statement, &[]).await.expect("rows");
            all.push(watch.elapsed().as_secs_f64() * 1e3);
        }
        all
    };
    Latencies::of(join_all((0..readers).map(|_| one())).await.concat())
}

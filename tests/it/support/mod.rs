//! What tests stand on: a PostgreSQL of their own, and waiting for a condition instead of for a time.

pub mod cluster;
pub mod described;
pub mod process;
pub mod receiver;
pub mod recount;
pub mod scene;
pub mod stream;

use std::future::Future;
use std::time::Duration;

use outdial::clock::Deadline;

/// How long a condition may take to come true. Generous: it only matters when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `probe` gives something, and fails with `what` if it never does.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let deadline = Deadline::within(PATIENCE);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(!deadline.has_passed(), "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! The program, and somebody who reads the campaign.

use reqwest::{Client, StatusCode};
use tokio_postgres::Config;

use super::process::{API_TOKEN, Process};

/// The program, and those who ask it.
pub struct Server {
    pub process: Process,
    http: Client,
}

impl Server {
    /// Starts it on this database and waits until it is ready.
    pub async fn start(database: &Config) -> Self {
        rustls::crypto::ring::default_provider().install_default().expect("the first to be installed");
        let process = Process::start(database).await;
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        Self { process, http }
    }

    /// Reads what stands there, to its end, and returns how much it is.
    pub async fn get(&self, path: &str) -> u64 {
        let url = format!("http://127.0.0.1:{}{path}", self.process.port());
        let mut answer = self.http.get(url).bearer_auth(API_TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.expect("the whole answer") {
            bytes += chunk.len() as u64;
        }
        bytes
    }
}

//! The demo's side of the program's own API: what it sends, and as much of the answers as it shows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::DemoError;
use crate::config::Secret;

/// The answer to an upload.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) rows: u64,
    pub(super) imported: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    pub(super) blank: u64,
    #[serde(default)]
    pub(super) refused: Vec<RefusedRow>,
}

/// A row of the file that became no contact.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RefusedRow {
    pub(super) row: u64,
    pub(super) column: Option<String>,
    /// The cell's text, masked.
    pub(super) value: Option<String>,
    pub(super) message: String,
}

/// How a campaign stands.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Campaign {
    pub(super) state: String,
    pub(super) counts: Counts,
    pub(super) average_duration_seconds: Option<f64>,
    pub(super) waiting: Option<Waiting>,
}

/// A campaign's contacts by state, its attempts, and the attempts that have ended by outcome.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Counts {
    pub(super) contacts: u64,
    pub(super) pending: u64,
    pub(super) calling: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) suppressed: u64,
    pub(super) attempts: u64,
    pub(super) retries: u64,
    #[serde(default)]
    pub(super) outcomes: BTreeMap<String, u64>,
}

impl Counts {
    /// The contacts that nothing more will happen to.
    pub(super) fn done(&self) -> u64 {
        self.completed + self.failed + self.suppressed
    }
}

/// Why nobody is being called just now.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Waiting {
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) message: String,
}

/// The API of a server, with its token.
#[derive(Debug)]
pub(super) struct Api {
    http: Client,
    base: String,
    token: Secret,
}

impl Api {
    pub(super) fn new(url: &str, token: Secret) -> Result<Self, DemoError> {
        // What this machine says to itself goes through nobody else.
        let http = Client::builder().no_proxy().build()?;
        Ok(Self { http, base: format!("{}/api/v1", url.trim_end_matches('/')), token })
    }

    /// Makes a campaign of these settings and this file.
    pub(super) async fn upload(
        &self,
        settings: &Value,
        file_name: String,
        file: Vec<u8>,
    ) -> Result<Upload, DemoError> {
        let form = Form::new()
            .part("settings", Part::text(settings.to_string()).mime_str("application/json")?)
            .part("file", Part::bytes(file).file_name(file_name));
        self.answer("upload the list", self.http.post(format!("{}/campaigns", self.base)).multipart(form))
            .await
    }

    /// Starts the campaign.
    pub(super) async fn start(&self, id: &str) -> Result<(), DemoError> {
        let request = self.http.post(format!("{}/campaigns/{id}/start", self.base));
        self.answer::<Value>("start the campaign", request).await.map(drop)
    }

    /// How the campaign stands.
    pub(super) async fn campaign(&self, id: &str) -> Result<Campaign, DemoError> {
        self.answer("look at the campaign", self.http.get(format!("{}/campaigns/{id}", self.base))).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        request: RequestBuilder,
    ) -> Result<T, DemoError> {
        let answer = request.bearer_auth(self.token.expose()).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(DemoError::Refused { doing, status: status.as_u16(), said });
        }
        serde_json::from_slice(&body).map_err(|source| DemoError::Answer { doing, source })
    }
}

//! A server, as its clients see it: requests with a key, answers as JSON, refusals in its own words.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::config::Secret;
use crate::import::ImportError;

use super::table::{plain, shown};

/// What came of a command, for people and for programs.
#[derive(Debug)]
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs: what the server answered.
    pub json: Value,
    /// The process's exit status: 0 unless what was asked for has not come true.
    pub exit_status: u8,
}

impl Shown {
    pub(super) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, exit_status: 0 }
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No key was given.
    #[error("expected an API key in OUTDIAL_KEY or --key; outdial keys create makes one")]
    NoKey,
    /// No server was named, and there is no database either.
    #[error(
        "expected a server's API key in OUTDIAL_KEY or --key, or a database: DATABASE_URL names none, and there is no private \
         one before outdial serve has made it"
    )]
    NoDatabase,
    /// The server does not know the key, or not any more.
    #[error(
        "the server lets nobody in with the key in OUTDIAL_KEY or --key; expected one that it knows and that is not revoked"
    )]
    BadKey,
    /// The server cannot be reached, or the connection to it broke off.
    #[error("cannot reach the server at {server}; OUTDIAL_URL or --url names another")]
    Unreachable {
        /// Where it was sought.
        server: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server refused it.
    #[error("{detail} ({status}){rows}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What kind of refusal it is, by its stable name.
        kind: String,
        /// Why, in the server's words.
        detail: String,
        /// The first rows of a list that has nobody to call, a line each; empty for all else.
        rows: String,
        /// After how long it is worth coming again, if that is said.
        again_after: Option<Duration>,
    },
    /// The server answered something that is no answer of its API.
    #[error("what answers at {0} is no outdial, or another version of it")]
    NotOutdial(String),
    /// There is nothing of that name.
    #[error("there is no {what} named {name:?}, and no such id")]
    NotFound {
        /// What was sought.
        what: &'static str,
        /// Under which name.
        name: String,
    },
    /// There are several of that name.
    #[error("{} are named {name:?}; expected one of their ids: {}", ones.len(), ones.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Theirs: the id of each, with what tells them apart.
        ones: Vec<String>,
    },
    /// What was typed cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The exit status of what the server refuses.
pub(super) const REFUSED: u8 = 5;

impl ClientError {
    /// The process's exit status, by which scripts tell what happened.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Unusable(_) | Self::File { .. } => 2,
            Self::NoKey | Self::BadKey | Self::NoDatabase => 3,
            Self::NotFound { .. } | Self::Ambiguous { .. } => 4,
            Self::Refused { status, kind, .. } => exit_status_of(*status, kind),
            Self::Unreachable { .. } | Self::NotOutdial(_) => 6,
        }
    }
}

/// The process's exit status where a server has refused something with this HTTP status, and named this as the kind of it.
pub(crate) fn exit_status_of(status: u16, kind: &str) -> u8 {
    match status {
        _ if ImportError::is_of_the_file(kind) => 2,
        401 | 403 => 3,
        404 => 4,
        500.. => 6,
        _ => REFUSED,
    }
}

/// A server, and the key with which it is asked.
#[derive(Debug, Clone)]
pub struct Server {
    http: Client,
    base: Url,
    key: Secret,
    done: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The server at this address.
    pub fn new(url: &str, key: Secret) -> Result<Self, ClientError> {
        if key.expose().is_empty() {
            return Err(ClientError::NoKey);
        }
        // What is typed for curl goes on to the API.
        let url = url.trim_end_matches('/').trim_end_matches("/api/v1");
        let base = Url::parse(&format!("{}/", url.trim_end_matches('/')));
        let base = base.map_err(|error| ClientError::Unusable(format!("{url}: {error}")))?;
        // What this machine says to itself goes through nobody else.
        let http = Client::builder().no_proxy().build();
        let http = http.map_err(|source| ClientError::Unreachable { server: url.to_owned(), source })?;
        Ok(Self { http, base, key, done: Arc::default() })
    }

    /// Notes a step of a command that has more of them: it stays, whatever becomes of the others.
    pub(super) fn has_done(&self, step: impl Into<String>) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(step.into());
    }

    /// The steps that were done of a command that was not carried out to its end.
    pub fn done_so_far(&self) -> Vec<String> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request for this path of the API, such as `["campaigns", id]`.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.request_with(method, path, &[])
    }

    /// The same with a query.
    pub(super) fn request_with(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.http.request(method, url).bearer_auth(self.key.expose())
    }

    /// Sends a request, and returns the answer if it is a good one.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.send().await.map_err(|source| self.unreachable(source))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said: Value = answer.json().await.unwrap_or_default();
        let refused = refusal(status, &said);
        Err(refused.unwrap_or_else(|| ClientError::NotOutdial(self.base.to_string())))
    }

    /// Sends a request, and returns the JSON of the answer; null if it is empty.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<Value, ClientError> {
        let answer = self.send(request).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        answer.json().await.map_err(|source| match source.is_decode() {
            true => ClientError::NotOutdial(self.base.to_string()),
            false => self.unreachable(source),
        })
    }

    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, ClientError> {
        self.json(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    pub(super) fn unreachable(&self, source: reqwest::Error) -> ClientError {
        ClientError::Unreachable { server: self.base.to_string(), source }
    }

    /// All entries of a list, page after page, until `most` have come.
    pub(super) async fn all(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        entries: &str,
        most: usize,
    ) -> Result<Vec<Value>, ClientError> {
        let mut found: Vec<Value> = Vec::new();
        let mut next: Vec<(String, String)> = Vec::new();
        loop {
            let limit = (most - found.len()).clamp(1, 1000).to_string();
            let mut asked = query.to_vec();
            asked.push(("limit", limit));
            asked.extend(next.iter().map(|(name, value)| (name.as_str(), value.clone())));
            let mut page = self.json(self.request_with(Method::GET, path, &asked)).await?;
            match page[entries].take() {
                Value::Array(some) => found.extend(some),
                _ => return Err(ClientError::NotOutdial(self.base.to_string())),
            }
            match &page["next"] {
                Value::Object(parameters) if found.len() < most => {
                    next = parameters.iter().map(|(name, value)| (name.clone(), bare(value))).collect();
                }
                _ => return Ok(found),
            }
        }
    }

    /// The id of what is named so, or has this id.
    pub(super) async fn find(&self, what: &'static str, name: &str) -> Result<Uuid, ClientError> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let named = self.named(what, name).await?;
        match named.as_slice() {
            [] => Err(ClientError::NotFound { what, name: name.to_owned() }),
            [one] => {
                let id = one["id"].as_str().and_then(|id| id.parse().ok());
                id.ok_or_else(|| ClientError::NotOutdial(self.base.to_string()))
            }
            several => Err(ClientError::Ambiguous {
                name: name.to_owned(),
                ones: several.iter().map(told_apart).collect(),
            }),
        }
    }

    /// All that are named so.
    pub(super) async fn named(&self, what: &str, name: &str) -> Result<Vec<Value>, ClientError> {
        let list = format!("{what}s");
        let mut all = self.all(&[&list], &[], &list, usize::MAX).await?;
        all.retain(|one| one["name"].as_str() == Some(name));
        Ok(all)
    }
}

/// One of several that are named alike: its id, and what tells it from the others.
fn told_apart(one: &Value) -> String {
    let state = one["state"].as_str().map(plain);
    let made =
        one["created_at"].is_string().then(|| format!("made at {}", plain(&shown(one, "/created_at"))));
    let more: Vec<String> = [state, made].into_iter().flatten().collect();
    let id = plain(&bare(&one["id"]));
    if more.is_empty() { id } else { format!("{id} ({})", more.join(", ")) }
}

/// A refusal in the server's words, if it is one of its API.
fn refusal(status: StatusCode, said: &Value) -> Option<ClientError> {
    let detail = plain(said["detail"].as_str()?);
    if status == StatusCode::UNAUTHORIZED {
        return Some(ClientError::BadKey);
    }
    Some(ClientError::Refused {
        status: status.as_u16(),
        kind: kind_of(said).to_owned(),
        detail,
        rows: refused_rows(said),
        again_after: said["retry_after_seconds"].as_u64().map(Duration::from_secs),
    })
}

/// The stable name of a refusal's kind: the last part of its `type`.
pub(crate) fn kind_of(said: &Value) -> &str {
    said["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
}

/// The first rows of a list that were refused, as lines of their own, and where all of them are.
pub(super) fn refused_rows(said: &Value) -> String {
    let rows = said["refused"].as_array().into_iter().flatten().filter(|row| row["row"].is_number());
    let mut text: String = rows
        .take(MOST_ROWS)
        .map(|row| format!("\n  row {}: {}", plain(&bare(&row["row"])), plain(&bare(&row["message"]))))
        .collect();
    if let Some(import) = said["import_id"].as_str().filter(|_| !text.is_empty()) {
        text.push_str(&format!("\n  all of them as a file: {}", rejects_of(import)));
    }
    text
}

/// How the refused rows of a list are downloaded from a server.
pub(crate) fn rejects_of(import: &str) -> String {
    format!("GET /api/v1/imports/{}/rejects.csv", plain(import))
}

/// How many refused rows are told one by one.
const MOST_ROWS: usize = 20;

/// A value as it stands in a query or a table: a text without its quotes.
pub(super) fn bare(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_server_s_words_and_controls_no_terminal() {
        let told = |said| refusal(StatusCode::CONFLICT, &said).map(|refused| refused.to_string());
        assert_eq!(
            told(json!({"detail": "cannot\u{1b}[2J pause"})).as_deref(),
            Some("cannot [2J pause (409)")
        );
        assert_eq!(told(json!("no problem of ours")), None);
    }

    #[test]
    fn a_list_of_nobody_is_refused_with_its_rows_and_where_all_of_them_are() {
        let said = json!({"type": "urn:outdial:nobody-to-call", "detail": "nobody", "import_id": "7",
                          "refused": [{"row": 2, "message": "expected more digits\u{7}"}]});
        let refused = refusal(StatusCode::UNPROCESSABLE_ENTITY, &said).unwrap();
        let expected = "nobody (422)\n  row 2: expected more digits \n  all of them as a file: GET \
                        /api/v1/imports/7/rejects.csv";
        assert_eq!((refused.to_string().as_str(), refused.exit_status()), (expected, REFUSED));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_a_file_that_cannot_be_used() {
        let status = |kind: &str| {
            let said = json!({"type": format!("urn:outdial:{kind}"), "detail": "no"});
            refusal(StatusCode::UNPROCESSABLE_ENTITY, &said).unwrap().exit_status()
        };
        assert_eq!([status("not-a-list"), status("bad-settings")], [2, REFUSED]);
    }

    #[test]
    fn those_of_one_name_are_told_apart() {
        let one = json!({"id": "7", "state": "draft", "created_at": "2026-03-02T15:00:00.5Z"});
        assert_eq!(told_apart(&one), "7 (draft, made at 2026-03-02 15:00:00Z)");
        assert_eq!(told_apart(&json!({"id": "8"})), "8");
    }
}

//! The client of Twilio's calls API. It places a call at most once per request and always knows whether the request
//! left; it never retries, follows no redirect, and leaves all conclusions to others.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use url::Url;

use super::answer::{Answer, Trouble};
use super::call::{CallRecord, CreateCall, RecordBody};
use super::single_shot::single_shot;
use super::wire::{self, API_VERSION, Status};
use crate::clock::Deadline;
use crate::domain::dialer::Ending;

/// How long one exchange may take in all, its answer included.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. Short, because a request on one that the far end has just closed is lost
/// without anybody's knowing whether it was read.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Twilio's code where a call is to be changed that is not in progress any more, or not yet.
const NOT_IN_PROGRESS: u32 = 21220;

const CALLS_PER_PAGE: &str = "200";
const MOST_PAGES: usize = 5;

/// The largest page that there is, and how many of them are read.
const LARGEST_PAGE: &str = "1000";
const MOST_LARGE_PAGES: usize = 20;

/// Whose calls are placed, and where.
pub struct ClientConfig {
    /// Twilio's or the simulator's address, such as `https://api.twilio.com`.
    pub base_url: Url,
    /// The account, `AC…`.
    pub account_sid: String,
    /// The account again, or an API key, `SK…`.
    pub user: String,
    /// The user's secret.
    pub secret: String,
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadClient {
    /// The base URL cannot be one.
    #[error("expected an http or https URL as Twilio's base URL")]
    BaseUrl,
    /// TLS cannot be set up.
    #[error("expected TLS to be available")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("expected an HTTP client")]
    Http(#[source] reqwest::Error),
}

/// A call that Twilio took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Twilio's id of it.
    pub sid: String,
    /// Where it stands, `queued` as a rule.
    pub status: Status,
}

/// No call was placed, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Nothing of the form left: it is certain that no call was placed.
    #[error("the request to place the call was not sent")]
    NotSent {
        /// What prevented it.
        #[source]
        cause: Trouble,
    },
    /// The deadline passed before the form was written: it is certain that no call was placed.
    #[error("the deadline passed before the request to place the call was written")]
    TooLate,
    /// Twilio refused: no call was placed. [`super::errors::meaning`] tells whose fault it is.
    #[error("Twilio refused to place the call: HTTP {http}, code {}", told(.code))]
    Refused {
        /// The status.
        http: u16,
        /// Twilio's code, if it was Twilio that answered.
        code: Option<u32>,
        /// Twilio's words, phone numbers shortened.
        message: String,
    },
    /// Twilio did not look at the request, because there are too many: no call was placed.
    #[error("Twilio has too many requests")]
    Throttled {
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The form left and no usable answer came: a call may have been placed, and the request must not be repeated.
    #[error("it is unknown whether the call was placed")]
    Unknown {
        /// What became of the answer.
        #[source]
        cause: Trouble,
    },
}

/// Something could not be read, or a call could not be ended. Asking again is always safe.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The credentials are wrong or not sufficient, or the account is suspended.
    #[error("Twilio refused the credentials: HTTP {http}, code {}", told(.code))]
    Unauthorized {
        /// The status, 401 or 403.
        http: u16,
        /// Twilio's code.
        code: Option<u32>,
    },
    /// There are too many requests.
    #[error("Twilio has too many requests")]
    Throttled {
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// Twilio cannot be reached or is not well.
    #[error("Twilio is not available")]
    Unavailable {
        /// What is the matter.
        #[source]
        cause: Trouble,
    },
    /// An answer that was not understood.
    #[error("Twilio's answer was not understood")]
    Unexpected {
        /// What is wrong with it.
        #[source]
        cause: Trouble,
    },
}

impl CreateError {
    /// What it is, in a word, for figures.
    pub fn as_word(&self) -> &'static str {
        match self {
            Self::NotSent { .. } => "not-sent",
            Self::TooLate => "too-late",
            Self::Refused { .. } => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl ReadError {
    /// What it is, in a word, for figures.
    pub fn as_word(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Unexpected { .. } => "unexpected",
        }
    }
}

fn told(code: &Option<u32>) -> String {
    code.map_or_else(|| "none".to_owned(), |code| code.to_string())
}

/// How the account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// It may place calls.
    Active {
        /// A trial account calls verified numbers only, and for ten minutes at most.
        is_trial: bool,
    },
    /// Suspended by Twilio.
    Suspended,
    /// Closed for good.
    Closed,
    /// The credentials are right, but they are an API key that may not look at the account: Standard and Restricted
    /// keys are refused there (<https://www.twilio.com/docs/iam/api-keys/keys-in-console>).
    Hidden,
}

/// Speaks to one account. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    config: Arc<ClientConfig>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// It brings its own root certificates and reads no proxy from the environment, so that nothing but its
    /// configuration says where requests go.
    pub fn new(config: ClientConfig) -> Result<Self, BadClient> {
        if !matches!(config.base_url.scheme(), "http" | "https") {
            return Err(BadClient::BaseUrl);
        }
        let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let tls =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(BadClient::Tls)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .referer(false)
            .timeout(EXCHANGE_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("outdial/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(BadClient::Http)?;
        Ok(Self { http, config: Arc::new(config) })
    }

    /// Asks Twilio, once, to place a call. The form is written before `deadline` or never. Dropping the future keeps
    /// back a form that is not written yet, and otherwise leaves it unknown what came of it.
    pub async fn create_call(&self, request: &CreateCall, deadline: Deadline) -> Result<Placed, CreateError> {
        let (gate, form) = single_shot(wire::write_form(&request.form()), deadline);
        let request = self
            .authorized(self.http.post(self.url(&["Calls.json"])))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(reqwest::Body::wrap(form));
        let mut exchange = pin!(async { Answer::read(request.send().await.map_err(Trouble::of)?).await });
        let answer = tokio::select! {
            answer = &mut exchange => answer,
            () = tokio::time::sleep(deadline.left()) => {
                if gate.withdraw() {
                    return Err(CreateError::TooLate);
                }
                exchange.await
            }
        };
        let failed = |cause| match gate.withdraw() {
            true if deadline.has_passed() => CreateError::TooLate,
            true => CreateError::NotSent { cause },
            false => CreateError::Unknown { cause },
        };
        let answer = answer.map_err(failed)?;
        let refusal = answer.refusal();
        match (answer.http, refusal.code) {
            (200..300, _) => {
                answer.json("a call").and_then(|body| placed(&body, answer.http)).map_err(failed)
            }
            (429, _) | (400..500, Some(20429)) => {
                Err(CreateError::Throttled { retry_after: answer.retry_after })
            }
            // A 408 without a code is of somebody on the way, who lost patience with an API that may have read the
            // form.
            (http @ 408, None) | (http @ (..400 | 500..), _) => Err(failed(Trouble::Status(http))),
            (http, code) => Err(CreateError::Refused { http, code, message: refusal.message() }),
        }
    }

    /// Reads how a call stands; `None` if Twilio knows no such call.
    pub async fn fetch_call(&self, sid: &str) -> Result<Option<CallRecord>, ReadError> {
        let answer = self.read(self.url(&["Calls", &format!("{sid}.json")])).await?;
        if answer.http == 404 {
            return Ok(None);
        }
        call_of(&answer).map(Some)
    }

    /// Asks Twilio to end a call, and reads how it stands then; `None` if Twilio knows no such call. Asking again is
    /// always safe: one that is over, or was taken and is only to be ended unless it was, is left as it is.
    ///
    /// Of a call that is ended while it is still queued there is no callback: this answer is its end's only word.
    /// Source: <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource>.
    pub async fn end_call(&self, sid: &str, ending: Ending) -> Result<Option<CallRecord>, ReadError> {
        let status = match ending {
            Ending::UnlessTaken => "canceled",
            Ending::Anyway => "completed",
        };
        let request = self.http.post(self.url(&["Calls", &format!("{sid}.json")]));
        let answer = self.exchange(request.form(&[("Status", status)])).await?;
        match (answer.http, answer.refusal().code) {
            (404, _) => Ok(None),
            // It is over already, or not in a state in which it could be ended like this.
            (400..500, Some(NOT_IN_PROGRESS)) => self.fetch_call(sid).await,
            _ => call_of(&answer).map(Some),
        }
    }

    /// Reads the calls from one number to another, in no promised order; of more than a thousand the first thousand
    /// that Twilio gives, which gives the newest first.
    pub async fn list_calls(&self, to: &str, from: &str) -> Result<Vec<CallRecord>, ReadError> {
        let mut list = self.url(&["Calls.json"]);
        list.query_pairs_mut().extend_pairs([("To", to), ("From", from), ("PageSize", CALLS_PER_PAGE)]);
        self.list(list, MOST_PAGES).await
    }

    /// Reads the account's calls that somebody took and that ended at this instant or later, of more than twenty thousand the
    /// first that Twilio gives.
    pub async fn list_completed_since(&self, since: DateTime<Utc>) -> Result<Vec<CallRecord>, ReadError> {
        let mut list = self.url(&["Calls.json"]);
        // The operator is a part of the name, and what is looked for is not earlier.
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let completed = Status::Completed.as_str();
        list.query_pairs_mut().extend_pairs([
            ("Status", completed),
            ("EndTime>", &since),
            ("PageSize", LARGEST_PAGE),
        ]);
        self.list(list, MOST_LARGE_PAGES).await
    }

    /// Reads a list, so many pages of it at most.
    async fn list(&self, mut page_url: Url, most_pages: usize) -> Result<Vec<CallRecord>, ReadError> {
        let mut records = Vec::new();
        for _ in 0..most_pages {
            let answer = self.read(page_url).await?;
            let page = understood(&answer)?
                .json::<Page>("a page of calls")
                .map_err(|cause| ReadError::Unexpected { cause })?;
            for body in page.calls {
                records.push(record(body, answer.http).map_err(|cause| ReadError::Unexpected { cause })?);
            }
            page_url = match page.next_page_uri.filter(|uri| !uri.is_empty()) {
                None => break,
                Some(uri) => self.next_page(&uri).ok_or(ReadError::Unexpected {
                    cause: Trouble::Body { http: answer.http, expected: "a next page of the same list" },
                })?,
            };
        }
        Ok(records)
    }

    /// Asks how the account stands, and with it whether the credentials are right. The answer contains the auth
    /// token, so nothing else of it is kept.
    pub async fn check_account(&self) -> Result<AccountStatus, ReadError> {
        let mut url = self.config.base_url.clone();
        let file = format!("{}.json", self.config.account_sid);
        extend(&mut url, &[API_VERSION, "Accounts", &file]);
        let answer = self.read(url).await?;
        match understood(&answer) {
            Err(ReadError::Unauthorized { .. }) if self.config.user.starts_with("SK") => {
                self.check_by_calls().await
            }
            Err(error) => Err(error),
            Ok(answer) => answer
                .json::<AccountBody>("an account")
                .and_then(|body| {
                    body.status().ok_or(Trouble::Body {
                        http: answer.http,
                        expected: "an account that is active, suspended or closed",
                    })
                })
                .map_err(|cause| ReadError::Unexpected { cause }),
        }
    }

    /// Tells an API key that may not look at the account from one that is wrong.
    async fn check_by_calls(&self) -> Result<AccountStatus, ReadError> {
        let mut url = self.url(&["Calls.json"]);
        url.query_pairs_mut().append_pair("PageSize", "1");
        understood(&self.read(url).await?).map(|_| AccountStatus::Hidden)
    }

    async fn read(&self, url: Url) -> Result<Answer, ReadError> {
        self.exchange(self.http.get(url)).await
    }

    /// An exchange that may be repeated.
    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, ReadError> {
        let exchange = async {
            let response = self.authorized(request).send().await.map_err(Trouble::of)?;
            Answer::read(response).await
        };
        exchange.await.map_err(|cause| ReadError::Unavailable { cause })
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.config.user, Some(&self.config.secret)).header(ACCEPT, "application/json")
    }

    fn url(&self, below_account: &[&str]) -> Url {
        let mut url = self.config.base_url.clone();
        extend(&mut url, &[API_VERSION, "Accounts", &self.config.account_sid]);
        extend(&mut url, below_account);
        url
    }

    /// The next page's address, if it is the same list on the same host: our credentials go nowhere else.
    fn next_page(&self, uri: &str) -> Option<Url> {
        let list = self.url(&["Calls.json"]);
        let next = list.join(uri).ok()?;
        let is_bare = next.username().is_empty() && next.password().is_none();
        (is_bare && next.origin() == list.origin() && next.path() == list.path()).then_some(next)
    }
}

fn extend(url: &mut Url, segments: &[&str]) {
    let mut path = url.path_segments_mut().expect("http and https URLs have a path");
    path.pop_if_empty().extend(segments);
}

fn placed(body: &RecordBody, http: u16) -> Result<Placed, Trouble> {
    let sid = body.sid().ok_or(Trouble::Body { http, expected: "a call's SID" })?;
    // A call that was taken is at least queued, whatever word is used for it.
    Ok(Placed { sid: sid.to_owned(), status: body.status().unwrap_or(Status::Queued) })
}

fn record(body: RecordBody, http: u16) -> Result<CallRecord, Trouble> {
    body.record().ok_or(Trouble::Body { http, expected: "a call with a SID and a known status" })
}

fn call_of(answer: &Answer) -> Result<CallRecord, ReadError> {
    understood(answer)?
        .json::<RecordBody>("a call")
        .and_then(|body| record(body, answer.http))
        .map_err(|cause| ReadError::Unexpected { cause })
}

fn understood(answer: &Answer) -> Result<&Answer, ReadError> {
    match answer.http {
        _ if answer.is_success() => Ok(answer),
        http @ (401 | 403) => Err(ReadError::Unauthorized { http, code: answer.refusal().code }),
        429 => Err(ReadError::Throttled { retry_after: answer.retry_after }),
        http @ (408 | 500..) => Err(ReadError::Unavailable { cause: Trouble::Status(http) }),
        http => Err(ReadError::Unexpected { cause: Trouble::Status(http) }),
    }
}

#[derive(Deserialize)]
struct Page {
    calls: Vec<RecordBody>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct AccountBody {
    status: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl AccountBody {
    fn status(&self) -> Option<AccountStatus> {
        match self.status.as_str() {
            "active" => Some(AccountStatus::Active { is_trial: self.kind.as_deref() == Some("Trial") }),
            "suspended" => Some(AccountStatus::Suspended),
            "closed" => Some(AccountStatus::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

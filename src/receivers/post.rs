//! Sends one body to one receiver, once, to tell it something or to ask it: no redirect is followed, no try repeated, no cookie kept, no proxy asked. Nobody is
//! reached who must not be: a name is judged by the addresses that it stands for at the moment of connecting, so that it
//! cannot change its mind between a check and the connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::RequestBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::db::hooks::Destination;
use crate::domain::hook::Answer;
use crate::domain::hook::receiver::{self, Reach, may_be_reached};

use super::signature::sign;

/// How long a receiver may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// How long the beginning of an answer's body is waited for. What the answer says is known by then.
const BODY_WITHIN: Duration = Duration::from_secs(1);

/// As much of the body is kept.
const MOST_OF_BODY: usize = 1024;

/// How long a connection is kept that nothing is sent on. Short, because receivers close them when they like.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// As much of an answer to a question is read; a longer one is none.
const MOST_OF_ANSWER: usize = 16 * 1024;

/// POSTs of this node that are under way at one time at most, and questions. Each hook has one, and each campaign, and those
/// that fail mostly wait.
const AT_ONCE: usize = 256;

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadPoster {
    /// TLS cannot be set up.
    #[error("expected TLS to be available")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("expected an HTTP client")]
    Http(#[source] reqwest::Error),
}

/// Sends. Cheap to clone; all clones share their connections and their turns.
#[derive(Clone, Debug)]
pub struct Poster {
    http: reqwest::Client,
    reach: Reach,
    answered_within: Duration,
    turns: Arc<Semaphore>,
    /// Receivers that are slow to be told something do not keep others from being asked.
    questions: Arc<Semaphore>,
}

/// What is sent.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// The same however often it is sent.
    pub id: &'a str,
    /// When it is sent, by the world's clock.
    pub at: DateTime<Utc>,
    /// JSON.
    pub body: Bytes,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The answer.
    pub answer: Answer,
    /// How its body begins.
    pub response: Option<String>,
}

impl Poster {
    /// Makes one that reaches as far as it may.
    pub fn new(reach: Reach) -> Result<Self, BadPoster> {
        let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let tls =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(BadPoster::Tls)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Within(reach))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .referer(false)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("outdial/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(BadPoster::Http)?;
        let [turns, questions] = [(); 2].map(|()| Arc::new(Semaphore::new(AT_ONCE)));
        Ok(Self { http, reach, answered_within: ANSWERED_WITHIN, turns, questions })
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Sends it, and waits for the answer.
    pub async fn post(&self, to: &Destination, parcel: &Parcel<'_>) -> Posted {
        let Ok(_turn) = self.turns.acquire().await else { return nothing("the server is stopping") };
        let request = match self.request(to, parcel) {
            Ok(request) => request,
            Err(why) => return nothing(why),
        };
        match timeout(self.answered_within, request.send()).await {
            Err(_) => nothing(format!("no answer within {} seconds", self.answered_within.as_secs())),
            Ok(Err(error)) => nothing(sentence(&error)),
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let retry_after = retry_after(response.headers());
                let response = beginning(response).await;
                Posted { answer: Answer::Status { status, retry_after }, response }
            }
        }
    }

    /// Asks, and waits for the whole answer. What is no answer is told in a sentence.
    pub async fn ask(
        &self,
        to: &Destination,
        parcel: &Parcel<'_>,
        within: Duration,
    ) -> Result<Vec<u8>, String> {
        let asked = async {
            let _turn = self.questions.acquire().await.map_err(|_| "the server is stopping".to_owned())?;
            let mut response = self.request(to, parcel)?.send().await.map_err(|error| sentence(&error))?;
            let status = response.status();
            if !status.is_success() {
                return Err(format!("it answered {}, expected 200 to 299", status.as_u16()));
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| sentence(&error))? {
                if body.len() + chunk.len() > MOST_OF_ANSWER {
                    return Err(format!("its answer is longer than {MOST_OF_ANSWER} bytes"));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let too_late = || Err(format!("no answer within {} seconds", within.as_secs()));
        timeout(within, asked).await.unwrap_or_else(|_| too_late())
    }

    /// The request that brings it there.
    fn request(&self, to: &Destination, parcel: &Parcel<'_>) -> Result<RequestBuilder, String> {
        // What may be reached can have changed since the hook was made.
        let url = receiver::parse(&to.url, self.reach).map_err(|bad| bad.to_string())?;
        let timestamp = parcel.at.timestamp();
        Ok(self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", parcel.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&to.secrets, parcel.id, timestamp, &parcel.body))
            .body(parcel.body.clone()))
    }
}

fn nothing(why: impl Into<String>) -> Posted {
    Posted { answer: Answer::Nothing { why: why.into() }, response: None }
}

/// Why there is no answer. The client's own text has the address in it, which may hold a secret.
fn sentence(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let cause = causes.last().map(|cause| format!(": {cause}")).unwrap_or_default();
    match error.is_connect() {
        true => format!("no connection{cause}"),
        false => format!("the connection broke before the answer came{cause}"),
    }
}

/// How an answer's body begins, as far as it comes soon and is text that can be kept.
async fn beginning(mut response: reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk[..chunk.len().min(MOST_OF_BODY - body.len())]);
            if body.len() == MOST_OF_BODY {
                break;
            }
        }
    };
    // What has not come by then is not waited for.
    let _ = timeout(BODY_WITHIN, read).await;
    let text = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
    (!text.is_empty()).then_some(text)
}

/// How long a receiver wants to be left alone: seconds, or an instant, which its own `Date` turns into a span.
/// Source: RFC 9110, 10.2.3.
fn retry_after(headers: &HeaderMap) -> Option<TimeDelta> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let wish = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = wish.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let instant = |text| DateTime::parse_from_rfc2822(text).ok();
    Some(instant(wish)? - instant(text(DATE)?)?)
}

/// Finds the addresses that a name stands for, of which only some may be reached.
struct Within(Reach);

/// A name stands for nothing that may be reached.
#[derive(Debug, thiserror::Error)]
#[error("its name stands for no address that can be reached from everywhere")]
struct NotPublic;

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reachable: Vec<SocketAddr> =
                found.filter(|address| may_be_reached(address.ip(), reach)).collect();
            match reachable.is_empty() {
                true => Err(NotPublic.into()),
                false => Ok(Box::new(reachable.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests;

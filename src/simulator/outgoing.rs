//! Sends what Twilio sends: signed, with the connection overrides of the URL's fragment, within fifteen real seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use tokio::sync::Semaphore;
use url::Url;

use super::twiml::LONGEST_DOCUMENT;
use super::validate::{Method, Target};
use crate::clock::Deadline;
use crate::twilio::signature::sign;
use crate::twilio::wire::SIGNATURE_HEADER;

/// How many redirects are followed.
const MOST_REDIRECTS: u32 = 10;

/// A kept connection is given up sooner than most servers do, so that no request is lost on a closing one.
const KEPT_FOR: Duration = Duration::from_secs(2);

/// How many requests are under way at one time. Without a limit a thousand calls a second open a connection for each
/// callback, overrun the receiver's backlog, and stand still in retries.
const MOST_AT_ONCE: usize = 256;

/// The connections to the outside; one client for each time that connecting may take.
#[derive(Debug)]
pub(super) struct Outgoing {
    token: String,
    tls: rustls::ClientConfig,
    clients: Mutex<HashMap<u64, reqwest::Client>>,
    under_way: Semaphore,
}

/// What came of a request, all tries together.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) tries: u32,
    pub(super) result: Result<Answer, Failure>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("expected a URL that can be requested")]
    Url,
    #[error("could not connect")]
    Connect,
    #[error("no answer came in time, or it broke off")]
    Read,
    #[error("expected at most 10 redirects")]
    Redirects,
    #[error("the fifteen seconds were over")]
    Total,
}

/// What the fragment of a URL asks for. See <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overrides {
    connect_ms: u64,
    read_ms: u64,
    total_ms: u64,
    retries: u32,
    on: RetryOn,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RetryOn {
    client_error: bool,
    server_error: bool,
    connect: bool,
    read: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        let on = RetryOn { client_error: false, server_error: false, connect: true, read: false };
        Self { connect_ms: 5000, read_ms: 15_000, total_ms: 15_000, retries: 1, on }
    }
}

impl Overrides {
    /// Reads a fragment. What is out of range or not understood stays at its default; the names of such are returned.
    pub(super) fn parse(fragment: &str) -> (Self, Vec<String>) {
        let mut overrides = Self::default();
        let mut bad = Vec::new();
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if overrides.set(name, value).is_none() {
                bad.push(pair.to_owned());
            }
        }
        (overrides, bad)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let within = |range: std::ops::RangeInclusive<u64>| -> Option<u64> {
            value.parse().ok().filter(|number| range.contains(number))
        };
        match name {
            "ct" => self.connect_ms = within(100..=10_000)?,
            "rt" => self.read_ms = within(100..=15_000)?,
            "tt" => self.total_ms = within(100..=15_000)?,
            "rc" => self.retries = u32::try_from(within(0..=5)?).ok()?,
            "rp" => self.on = RetryOn::parse(value)?,
            "sni" if matches!(value, "y" | "n") => {}
            "e" if !value.is_empty() => {}
            _ => return None,
        }
        Some(())
    }
}

impl RetryOn {
    fn parse(list: &str) -> Option<Self> {
        let mut on = Self { client_error: false, server_error: false, connect: false, read: false };
        for policy in list.split(',') {
            match policy {
                "4xx" => on.client_error = true,
                "5xx" => on.server_error = true,
                "ct" => on.connect = true,
                "rt" => on.read = true,
                "all" => on = Self { client_error: true, server_error: true, connect: true, read: true },
                _ => return None,
            }
        }
        Some(on)
    }

    fn applies_to(self, result: &Result<Answer, Failure>) -> bool {
        match result {
            Ok(answer) if answer.status >= 500 => self.server_error,
            Ok(answer) if answer.status >= 400 => self.client_error,
            Ok(_) => false,
            Err(Failure::Connect) => self.connect,
            Err(Failure::Read) => self.read,
            Err(Failure::Url | Failure::Redirects | Failure::Total) => false,
        }
    }
}

impl Outgoing {
    pub(super) fn new(token: String) -> Self {
        Self { token, tls: tls(), clients: Mutex::default(), under_way: Semaphore::new(MOST_AT_ONCE) }
    }

    /// Sends a form, again where its URL's overrides say so; `idempotency` is the same on every try. Twilio promises no
    /// pause between tries, so none is taken.
    pub(super) async fn send(
        &self,
        target: &Target,
        form: &[(String, String)],
        idempotency: &str,
    ) -> Delivery {
        let Ok(mut url) = Url::parse(&target.url) else {
            return Delivery { tries: 0, result: Err(Failure::Url) };
        };
        let (overrides, _) = Overrides::parse(url.fragment().unwrap_or_default());
        url.set_fragment(None);
        // The semaphore is never closed, and what waits for it has not begun: its time is not running.
        let _permit = self.under_way.acquire().await;
        let deadline = Deadline::within(Duration::from_millis(overrides.total_ms));
        let mut tries = 0;
        loop {
            tries += 1;
            let result = self.follow(target.method, &url, form, idempotency, &overrides, deadline).await;
            let may_try_again = tries <= overrides.retries && !deadline.has_passed();
            if !may_try_again || !overrides.on.applies_to(&result) {
                return Delivery { tries, result };
            }
        }
    }

    /// One try, its redirects followed. 301, 302 and 303 turn a POST into a GET.
    async fn follow(
        &self,
        method: Method,
        url: &Url,
        form: &[(String, String)],
        idempotency: &str,
        overrides: &Overrides,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let mut url = url.clone();
        let mut form = form.to_vec();
        if method == Method::Get && !form.is_empty() {
            url.query_pairs_mut().extend_pairs(form.drain(..));
        }
        let mut method = method;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(method, &url, &form, idempotency, overrides, deadline).await?;
            let status = response.status().as_u16();
            let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(next) = location.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
                return read(response).await;
            };
            url = url.join(next).map_err(|_| Failure::Url)?;
            if status <= 303 {
                method = Method::Get;
                form.clear();
            }
        }
        Err(Failure::Redirects)
    }

    /// One request; with the URL's user and password only after they were asked for.
    async fn ask(
        &self,
        method: Method,
        url: &Url,
        form: &[(String, String)],
        idempotency: &str,
        overrides: &Overrides,
        deadline: Deadline,
    ) -> Result<reqwest::Response, Failure> {
        let response = self.request(method, url, form, idempotency, overrides, deadline, false).await?;
        let asks = response.headers().get(WWW_AUTHENTICATE).and_then(|scheme| scheme.to_str().ok());
        let wants_basic = asks.is_some_and(|scheme| scheme.to_ascii_lowercase().starts_with("basic"));
        if response.status().as_u16() != 401 || !wants_basic || url.username().is_empty() {
            return Ok(response);
        }
        self.request(method, url, form, idempotency, overrides, deadline, true).await
    }

    #[expect(clippy::too_many_arguments, reason = "each is a different part of one request")]
    async fn request(
        &self,
        method: Method,
        url: &Url,
        form: &[(String, String)],
        idempotency: &str,
        overrides: &Overrides,
        deadline: Deadline,
        with_password: bool,
    ) -> Result<reqwest::Response, Failure> {
        if deadline.has_passed() {
            return Err(Failure::Total);
        }
        let span = Duration::from_millis(overrides.connect_ms + overrides.read_ms).min(deadline.left());
        let mut bare = url.clone();
        // Neither can fail on an HTTP URL.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        let client = self.client(overrides.connect_ms)?;
        let request = match method {
            Method::Get => client.get(bare),
            Method::Post => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
                let kind = "application/x-www-form-urlencoded; charset=utf-8";
                client.post(bare).header(CONTENT_TYPE, kind).body(body)
            }
        };
        let mut request = request
            .timeout(span)
            .header(SIGNATURE_HEADER, sign(&self.token, &signed_url(url), form))
            .header("I-Twilio-Idempotency-Token", idempotency);
        if with_password {
            request = request.basic_auth(url.username(), url.password());
        }
        request.send().await.map_err(failure)
    }

    fn client(&self, connect_ms: u64) -> Result<reqwest::Client, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&connect_ms) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .user_agent("TwilioProxy/1.1")
            .connect_timeout(Duration::from_millis(connect_ms))
            .pool_idle_timeout(KEPT_FOR)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tls_backend_preconfigured(self.tls.clone())
            .build()
            .map_err(|_| Failure::Connect)?;
        clients.insert(connect_ms, client.clone());
        Ok(client)
    }
}

/// Trusts the public authorities, as Twilio does. Built once: reading them for each client would hold up the calls.
fn tls() -> rustls::ClientConfig {
    let authorities = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions")
        .with_root_certificates(rustls::RootCertStore { roots: authorities })
        .with_no_client_auth()
}

/// The URL as voice signs it: without user, password and fragment, and over HTTPS without the port.
pub(super) fn signed_url(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    // None of these can fail on an HTTP URL.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if url.scheme() == "https" {
        let _ = url.set_port(None);
    }
    url.into()
}

fn failure(error: reqwest::Error) -> Failure {
    match error.is_connect() {
        true => Failure::Connect,
        false => Failure::Read,
    }
}

/// Reads as much of an answer as TwiML may be long, and one byte more to tell that it was longer.
async fn read(mut response: reqwest::Response) -> Result<Answer, Failure> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_DOCUMENT {
            body.truncate(LONGEST_DOCUMENT + 1);
            break;
        }
    }
    Ok(Answer { status: response.status().as_u16(), content_type, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_sets_what_it_names() {
        let (overrides, bad) = Overrides::parse("rc=5&rp=all&ct=1000&rt=2500&tt=9000&sni=y&e=dublin");
        assert!(bad.is_empty(), "{bad:?}");
        let on = RetryOn { client_error: true, server_error: true, connect: true, read: true };
        assert_eq!(overrides, Overrides { connect_ms: 1000, read_ms: 2500, total_ms: 9000, retries: 5, on });
        assert_eq!(Overrides::parse(""), (Overrides::default(), Vec::new()));
    }

    #[test]
    fn what_a_fragment_says_badly_stays_at_its_default() {
        let (overrides, bad) = Overrides::parse("rc=6&rp=often&ct=50&rt=x&tt=&retries");
        assert_eq!(overrides, Overrides::default());
        assert_eq!(bad, ["rc=6", "rp=often", "ct=50", "rt=x", "tt=", "retries"]);
    }

    #[test]
    fn only_a_failure_to_connect_is_tried_again_by_default() {
        let on = Overrides::default().on;
        let answer = |status| Ok(Answer { status, content_type: None, body: Vec::new() });
        assert!(on.applies_to(&Err(Failure::Connect)));
        assert!(!on.applies_to(&Err(Failure::Read)));
        assert!(!on.applies_to(&answer(503)));
        let some = RetryOn::parse("5xx,rt").unwrap();
        assert!(some.applies_to(&answer(503)) && some.applies_to(&Err(Failure::Read)));
        assert!(!some.applies_to(&answer(404)) && !some.applies_to(&Err(Failure::Connect)));
    }

    #[test]
    fn voice_drops_the_port_over_https_and_keeps_it_over_http() {
        let signed = |text: &str| signed_url(&Url::parse(text).unwrap());
        assert_eq!(signed("https://u:p@d.example:8443/a?b=%2B#rc=5"), "https://d.example/a?b=%2B");
        assert_eq!(signed("http://u:p@d.example:8080/a#rc=5"), "http://d.example:8080/a");
    }
}

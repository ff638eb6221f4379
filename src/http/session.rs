//! Sessions: a browser that has signed in holds a cookie, and may ask for all that the key may that it was signed in with.
//!
//! A browser sends its cookies along with whatever any page makes it ask for. So a request that may change something has to
//! come from one of our own pages, which is known by two things: the header `X-CSRF-Token`, with a text that only these pages
//! hold (OWASP, "Cross-Site Request Forgery Prevention", signed double submit), and what the browser itself says of
//! where the request comes from (`Sec-Fetch-Site`, or else `Origin`).
//!
//! The cookie is a random text. Only its hash is kept, as of keys, and what is expected in the header is made of it, so that
//! nothing else has to be kept.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{COOKIE, HOST, HeaderName, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Origin, Url};

use crate::db::keys::Holder;
use crate::db::sessions::{LONGEST_DAYS, begin_session, end_session};

use super::{Api, Problem};

/// What the cookie is called.
pub(super) const NAME: &str = "outdial_session";

/// What it is called where the browser comes by HTTPS: of such a name browsers keep only what this very host has set itself, so
/// that a neighbour below the same domain cannot make somebody work in the neighbour's session (RFC 6265bis, 4.1.3.2).
const HOST_NAME: &str = "__Host-outdial_session";

/// The header with the text that only our own pages hold.
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const BYTES: usize = 32;

/// What a browser holds of its session.
#[derive(Clone)]
pub(crate) struct Token([u8; BYTES]);

/// By what a session is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionId([u8; BYTES]);

impl SessionId {
    /// The bytes under which it is kept.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Token {
    /// The token that a request comes with, if it comes with exactly one.
    pub(crate) fn of(api: &Api, request: &HttpRequest) -> Option<Self> {
        Self::named(name(api, request), request)
    }

    fn named(wanted: &str, request: &HttpRequest) -> Option<Self> {
        let cookies = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
        let pairs =
            cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut texts = pairs.filter(|(name, _)| *name == wanted).map(|(_, text)| text);
        let (text, None) = (texts.next()?, texts.next()) else { return None };
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// By what the session is known here.
    pub(crate) fn id(&self) -> SessionId {
        SessionId(Sha256::digest(self.0).into())
    }

    /// What a page sends in `X-CSRF-Token`. It is written anew for each page: pages are compressed, and a text that stays the
    /// same could be guessed from their lengths bit by bit by whoever can see those and can make the browser ask (BREACH).
    pub(crate) fn csrf(&self) -> String {
        let pad: [u8; BYTES] = rand::rng().random();
        let masked: Vec<u8> = pad.iter().zip(self.expected()).map(|(pad, byte)| pad ^ byte).collect();
        URL_SAFE_NO_PAD.encode([&pad[..], &masked].concat())
    }

    fn is_csrf(&self, text: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return false };
        if bytes.len() != 2 * BYTES {
            return false;
        }
        let (pad, masked) = bytes.split_at(BYTES);
        let given: Vec<u8> = pad.iter().zip(masked).map(|(pad, byte)| pad ^ byte).collect();
        given.ct_eq(&self.expected()).into()
    }

    fn expected(&self) -> [u8; BYTES] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"outdial: sent by one of its own pages");
        mac.finalize().into_bytes().into()
    }
}

/// Begins a session for whoever holds a key. Returns the cookie.
pub(crate) async fn begin(api: &Api, holder: &Holder, request: &HttpRequest) -> Result<String, Problem> {
    // Nobody has two of them: the former one would be out of reach.
    if let Some(former) = Token::of(api, request) {
        end_session(&api.board.database, former.id().as_bytes()).await?;
    }
    let token = Token(rand::rng().random());
    begin_session(&api.board.database, holder.team, holder.key, token.id().as_bytes()).await?;
    let seconds = i64::from(LONGEST_DAYS) * 24 * 60 * 60;
    let name = name(api, request);
    Ok(cookie(name, &URL_SAFE_NO_PAD.encode(token.0), seconds, goes_encrypted(api, request)))
}

/// Ends the session that a request comes with, if it comes with one. Returns the cookie that takes the browser's away.
pub(crate) async fn end(api: &Api, request: &HttpRequest) -> Result<String, Problem> {
    if let Some(token) = Token::of(api, request) {
        end_session(&api.board.database, token.id().as_bytes()).await?;
    }
    Ok(cookie(name(api, request), "", 0, goes_encrypted(api, request)))
}

/// A cookie that no script can read, and that other sites' pages cannot have sent but by leading here.
fn cookie(name: &str, value: &str, seconds: i64, encrypted: bool) -> String {
    let secure = if encrypted { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// What the cookie of whoever asks is called.
fn name(api: &Api, request: &HttpRequest) -> &'static str {
    let info = request.connection_info();
    let host = Url::parse(&format!("http://{}", info.host())).ok();
    let is_public = host.is_some_and(|url| url.host() == api.public_url.host());
    // What comes from the public host is by HTTPS, whatever a proxy has made of it.
    match info.scheme() == "https" || (is_public && api.public_url.scheme() == "https") {
        true => HOST_NAME,
        false => NAME,
    }
}

/// Whether the browser asks by HTTPS, as far as that can be known behind a proxy.
fn goes_encrypted(api: &Api, request: &HttpRequest) -> bool {
    api.public_url.scheme() == "https" || request.connection_info().scheme() == "https"
}

/// Refuses what may change something and does not come from one of our own pages.
pub(super) fn check_is_meant(api: &Api, request: &HttpRequest, token: &Token) -> Result<(), Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let given = request.headers().get(CSRF_HEADER).and_then(|header| header.to_str().ok());
    if given.is_some_and(|given| token.is_csrf(given)) && comes_from_here(request, &api.public_url) {
        return Ok(());
    }
    Err(Problem::not_our_page())
}

/// Whether a request comes from one of our own pages, as far as the browser says where it comes from.
pub(crate) fn comes_from_here(request: &HttpRequest, public_url: &Url) -> bool {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = header(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = header(ORIGIN) else { return true };
    let Some(origin) = Url::parse(origin).ok().map(|url| url.origin()).filter(Origin::is_tuple) else {
        return false;
    };
    let is_host = |host: &str| {
        // A proxy may have asked by HTTP for what the browser asked for by HTTPS.
        ["http", "https"]
            .iter()
            .any(|scheme| Url::parse(&format!("{scheme}://{host}")).is_ok_and(|url| url.origin() == origin))
    };
    origin == public_url.origin() || header(HOST).is_some_and(is_host)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn token(byte: u8) -> Token {
        Token([byte; BYTES])
    }

    fn with_cookie(cookies: &str) -> Option<SessionId> {
        let request = TestRequest::default().insert_header((COOKIE, cookies)).to_http_request();
        Token::named(NAME, &request).map(|token| token.id())
    }

    #[test]
    fn a_token_is_found_among_other_cookies_and_nothing_else_is_taken_for_one() {
        let written = URL_SAFE_NO_PAD.encode([7; BYTES]);
        let own = Some(token(7).id());
        assert_eq!(with_cookie(&format!("{NAME}={written}")), own);
        assert_eq!(with_cookie(&format!("a=b; {NAME}={written}; c=d=e")), own);
        for other in [
            format!("x{NAME}={written}"),
            format!("{NAME}={}", &written[1..]),
            format!("{NAME}={written}A"),
            format!("{NAME}=\"{written}\""),
            format!("{NAME}="),
            format!("{NAME}={written}; {NAME}={written}"),
            format!("{HOST_NAME}={written}"),
            String::new(),
        ] {
            assert_eq!(with_cookie(&other), None, "{other}");
        }
    }

    #[test]
    fn the_text_of_our_pages_is_another_each_time_and_good_for_its_own_session_alone() {
        let (one, other) = (token(1), token(2));
        let (first, second) = (one.csrf(), one.csrf());
        assert_ne!(first, second);
        assert!(one.is_csrf(&first) && one.is_csrf(&second));
        assert!(!other.is_csrf(&first));
        for bad in ["", "x", &first[1..], &URL_SAFE_NO_PAD.encode([0; 2 * BYTES])] {
            assert!(!one.is_csrf(bad), "{bad}");
        }
    }

    #[test]
    fn only_our_own_pages_are_taken_for_ours() {
        let public_url = Url::parse("https://dialer.example.com/").unwrap();
        let comes_from_here = |headers: &[(&str, &str)]| {
            let request = TestRequest::default().insert_header((HOST, "127.0.0.1:8080"));
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.insert_header((name.to_string(), value.to_string()))
            });
            super::comes_from_here(&request.to_http_request(), &public_url)
        };
        // No browser of these days leaves out both: it is a program, which has no cookies but those that it means to send.
        assert!(comes_from_here(&[]));
        assert!(comes_from_here(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!comes_from_here(&[("sec-fetch-site", site), ("origin", "https://dialer.example.com")]));
        }
        for own in ["https://dialer.example.com", "http://127.0.0.1:8080", "https://127.0.0.1:8080"] {
            assert!(comes_from_here(&[("origin", own)]), "{own}");
        }
        for other in
            ["null", "https://example.com", "http://dialer.example.com", "http://127.0.0.1:8081", "?"]
        {
            assert!(!comes_from_here(&[("origin", other)]), "{other}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
        assert_eq!(
            cookie(HOST_NAME, "abc", 60, true),
            "__Host-outdial_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(!cookie(NAME, "abc", 60, false).contains("Secure"));
    }
}

//! What is done to every answer of the dashboard: who has to sign in is led there, problems become pages, nothing is loaded from
//! elsewhere, nothing is kept by the browser, and what is large is compressed.

use std::io::Write;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderMap, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, ResponseError};
use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;

use crate::http::Problem;

use super::frame::Stranger;
use super::{render, sign_in};

/// What pages are.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// No page runs a script or has a style that stands in it, none loads or asks anything elsewhere, and none is part of another.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Our own addresses may hold ids. With `no-referrer`, browsers would not even tell ourselves where a form comes from.
const REFERRER: &str = "same-origin";

/// What htmx sends with each of its requests, and by what it is told to go elsewhere.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Shorter texts do not become much shorter.
const WORTH_COMPRESSING: usize = 1024;

/// Does all of it.
pub(super) async fn dress(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let takes_gzip = takes_gzip(request.headers());
    let answer = next.call(request).await?;
    let (request, answer) = answer.into_parts();
    let problem = answer.error().and_then(|error| error.as_error::<Problem>());
    let mut answer = match problem.filter(|_| wants_page(&request)) {
        Some(problem) => instead_of(problem, &request),
        None => answer,
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(REFERRER));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let answer = if takes_gzip { compressed(answer) } else { answer };
    Ok(ServiceResponse::new(request, answer))
}

/// Whether it is a person who asks, by a browser, and not a program.
fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    is_part(request) || accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether it is a page that asks for a part of itself.
fn is_part(request: &HttpRequest) -> bool {
    request.headers().contains_key(HX_REQUEST)
}

/// What a person is shown instead of a problem.
fn instead_of(problem: &Problem, request: &HttpRequest) -> HttpResponse {
    let status = problem.status_code();
    if status == StatusCode::UNAUTHORIZED {
        return to_sign_in(request);
    }
    let page = Stranger::with_problem(problem);
    let mut answer = render(&page).unwrap_or_else(|problem| problem.error_response());
    *answer.status_mut() = status;
    if let Some(seconds) = problem.retry_after() {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

/// Leads to where one signs in, and from there back.
fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    if is_part(request) {
        let whole = request.headers().get(HX_CURRENT_URL).and_then(|url| Url::parse(url.to_str().ok()?).ok());
        let whole = whole.map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
        let there = sign_in::address(whole.as_deref());
        return HttpResponse::Unauthorized().insert_header((HX_REDIRECT, there)).finish();
    }
    let whole = request.uri().path_and_query().map(ToString::to_string);
    let there = sign_in::address(whole.as_deref().filter(|_| *request.method() == Method::GET));
    HttpResponse::SeeOther().insert_header((LOCATION, there)).finish()
}

/// Whether whoever asks takes what is compressed: RFC 9110, 12.5.3, but for `*`, which nobody sends.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).filter_map(|header| header.to_str().ok());
    let mut codings = codings.flat_map(|header| header.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// Compresses a page that is worth it.
fn compressed(answer: HttpResponse) -> HttpResponse {
    let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind != Some(HTML.as_bytes()) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    match body.try_into_bytes() {
        Ok(text) if text.len() >= WORTH_COMPRESSING => match gzip(&text, Compression::fast()) {
            Ok(short) => {
                head.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                head.set_body(BoxBody::new(short))
            }
            Err(_) => head.set_body(BoxBody::new(text)),
        },
        Ok(text) => head.set_body(BoxBody::new(text)),
        Err(body) => head.set_body(body),
    }
}

/// A text, compressed.
pub(super) fn gzip(text: &[u8], level: Compression) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 2), level);
    encoder.write_all(text)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_is_compressed_is_sent_to_those_who_take_it() {
        let takes = |header: &str| {
            let request = TestRequest::default().insert_header((ACCEPT_ENCODING, header)).to_http_request();
            takes_gzip(request.headers())
        };
        for yes in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "xgzip", "gzip;x"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}

//! Signing in with an API key, and out. A session is all that the dashboard itself ever writes.
//!
//! Whoever tries keys here is slowed down as everywhere (`http::limits`), and who signs in and out is on record.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, LOCATION, RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use serde::Deserialize;
use url::{Host, Url};

use crate::domain::access::Permission;
use crate::http::{
    Api, Body, Methods, Problem, Query, Trail, action, by_holder, hold, open, resource, session,
};

use super::assets::{self, Addresses};
use super::render;

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// What whoever signs in may do at the least, for the record.
const LEAST: Permission = Permission::CampaignsRead;

/// Where one signs in.
const PATH: &str = "/sign-in";

/// The longest address that one is led back to.
const LONGEST: usize = 2000;

pub(super) fn open_pages() -> Vec<Methods> {
    vec![open(PATH).get(show).post(sign_in).into()]
}

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/sign-out").post(LEAST, sign_out)]
}

/// Where one signs in and is led on from to this address, if it is one of ours.
pub(super) fn address(next: Option<&str>) -> String {
    match next.map(own) {
        None => PATH.to_owned(),
        Some(next) if next == "/" => PATH.to_owned(),
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
            format!("{PATH}?{query}")
        }
    }
}

/// The path and query of an address of ours. Of any other, and of one that is no page, it is the beginning.
fn own(address: &str) -> String {
    const HERE: &str = "http://here.invalid";
    let here = Url::parse(HERE).expect("it is a URL");
    let fits = address.len() <= LONGEST && address.starts_with('/');
    let read = here.join(address).ok().filter(|url| fits && url.origin() == here.origin());
    let is_page = |url: &Url| {
        ![PATH, "/sign-out", "/api/", "/health/", "/assets/"].iter().any(|other| url.path().starts_with(other))
            // Browsers take two of them, in either direction, for the beginning of another host's name.
            && !url.path().starts_with("//")
    };
    match read.filter(is_page) {
        Some(url) => url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        None => "/".to_owned(),
    }
}

#[derive(Deserialize)]
struct SignInQuery {
    next: Option<String>,
}

/// Where a key is typed.
#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct SignIn {
    next: String,
    /// Why it was not taken.
    problem: Option<String>,
    /// Where to sign in instead, if the browser would not keep the session's cookie here.
    elsewhere: Option<String>,
    is_simulated: bool,
    assets: &'static Addresses,
}

impl SignIn {
    fn page(
        api: &Api,
        request: &HttpRequest,
        next: &str,
        problem: Option<String>,
    ) -> Result<HttpResponse, Problem> {
        let (is_simulated, assets) = (api.is_simulated == Some(true), assets::addresses());
        let elsewhere = elsewhere(&api.public_url, request).then(|| api.public_url.to_string());
        render(&Self { next: own(next), problem, elsewhere, is_simulated, assets })
    }
}

/// Whether the session's cookie, which goes by HTTPS only where the public URL is one, would be lost: browsers take such a
/// cookie by HTTP from this machine alone. What comes from the public host is by HTTPS, whatever a proxy has made of it.
fn elsewhere(public_url: &Url, request: &HttpRequest) -> bool {
    let info = request.connection_info();
    let host = Url::parse(&format!("http://{}", info.host()))
        .ok()
        .and_then(|url| url.host().map(|host| host.to_owned()));
    let is_this_machine = match &host {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_public = host.is_some() && host == public_url.host().map(|host| host.to_owned());
    public_url.scheme() == "https" && info.scheme() != "https" && !is_public && !is_this_machine
}

async fn show(
    api: web::Data<Api>,
    request: HttpRequest,
    Query(query): Query<SignInQuery>,
) -> Result<HttpResponse, Problem> {
    SignIn::page(&api, &request, query.next.as_deref().unwrap_or("/"), None)
}

async fn sign_in(api: web::Data<Api>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    // Somebody could otherwise make others work under his key without their knowledge.
    if !session::comes_from_here(&request, &api.public_url) {
        return Err(Problem::not_our_page());
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(body.bytes()).into_owned().collect();
    let field = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.trim());
    let next = own(field("next").unwrap_or("/"));
    let holder = match hold(&api, field("key").unwrap_or_default(), &request).await {
        Ok(holder) => holder,
        Err(problem) => return refused(&api, &request, &next, &problem),
    };
    if let Err(problem) = api.gate.count(holder.key) {
        return refused(&api, &request, &next, &problem);
    }
    let by = by_holder(&holder, LEAST, &request);
    let trail = Trail::begin(&api, (holder.team, &by), &action(&request), &request).await?;
    let cookie = session::begin(&api, &holder, &request).await;
    let status = cookie.as_ref().map_or_else(Problem::status_code, |_| StatusCode::SEE_OTHER);
    trail.finish(status).await;
    Ok(HttpResponse::SeeOther().insert_header((SET_COOKIE, cookie?)).insert_header((LOCATION, next)).finish())
}

/// The same page once more, with why. What was typed is not on it.
fn refused(api: &Api, request: &HttpRequest, next: &str, problem: &Problem) -> Result<HttpResponse, Problem> {
    let status = problem.status_code();
    let (why, wait) = match status {
        StatusCode::UNAUTHORIZED => ("This is no API key that is good here.".to_owned(), None),
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = problem.retry_after().unwrap_or(1);
            (format!("There were too many requests from here. Try again in {seconds} s."), Some(seconds))
        }
        _ => {
            let (_, detail) = problem.told();
            (format!("{}.", super::words::sentence(detail)), problem.retry_after())
        }
    };
    let mut answer = SignIn::page(api, request, next, Some(why))?;
    *answer.status_mut() = status;
    if let Some(wait) = wait {
        answer.headers_mut().insert(RETRY_AFTER, wait.into());
    }
    Ok(answer)
}

async fn sign_out(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let cookie = session::end(&api, &request).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((SET_COOKIE, cookie))
        .insert_header((HX_REDIRECT, PATH))
        .finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_lose_the_cookie_is_told_where_to_sign_in() {
        let told = |public_url: &str, host: &str, proto: &str| {
            let request = actix_web::test::TestRequest::default().insert_header(("host", host));
            let request = request.insert_header(("x-forwarded-proto", proto)).to_http_request();
            elsewhere(&Url::parse(public_url).unwrap(), &request)
        };
        let public = "https://dialer.example.com/";
        assert!(told(public, "192.0.2.7:8080", "http"));
        assert!(told(public, "dialer", "http"));
        assert!(!told(public, "192.0.2.7:8080", "https"));
        assert!(!told(public, "dialer.example.com", "http"), "a proxy speaks HTTPS in front");
        for own in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(!told(public, own, "http"), "{own}");
        }
        assert!(!told("http://dialer.example.com/", "192.0.2.7:8080", "http"));
    }

    #[test]
    fn one_is_led_back_to_pages_of_ours_and_nowhere_else() {
        for page in ["/", "/calls?before=3", "/?state=running&search=a%26b", "/campaigns/1"] {
            assert_eq!(own(page), page);
        }
        for other in [
            "",
            "calls",
            "//example.com/",
            "///example.com/",
            "/\\example.com/",
            "\\\\example.com",
            "/\t/example.com/",
            "/.//example.com/",
            "/x/..//example.com/",
            "https://example.com/",
            "javascript:alert(1)",
            "/sign-in?next=/",
            "/sign-out",
            "/api/v1/campaigns",
            &format!("/{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(own(other), "/", "{other}");
        }
        assert_eq!(address(Some("/calls?before=3")), "/sign-in?next=%2Fcalls%3Fbefore%3D3");
        assert_eq!(address(Some("//example.com")), "/sign-in");
        assert_eq!(address(None), "/sign-in");
    }
}

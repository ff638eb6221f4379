//! `/api/docs`: the API's description as a page, on which requests can be tried. All of it comes from this server, and the
//! page may load nothing from elsewhere. What it shows is `super::openapi`'s.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder, web};

use super::openapi::describe;
use super::resource::{Methods, open};

const PAGE: &str = include_str!("../../assets/swagger-ui/page.html");
const START: &str = include_str!("../../assets/swagger-ui/start.js");
const BUNDLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz");

/// The page loads and asks nobody but this server, runs no script that stands in it, and is part of no other page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) fn resources() -> Vec<Methods> {
    vec![open("/api/docs").get(page).described(describe![page])]
}

/// What the page is made of. It is no part of the API, and not described.
pub(super) fn parts(config: &mut web::ServiceConfig) {
    config
        .service(open("/api/docs/start.js").get(start))
        .service(open("/api/docs/swagger-ui-bundle.js").get(bundle))
        .service(open("/api/docs/swagger-ui.css").get(style));
}

/// Shows the API as a page
///
/// This description for people, with which requests can be tried.
#[utoipa::path(
    get, path = "/api/docs", operation_id = "show_docs", tag = "description",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
async fn page() -> HttpResponse {
    served("text/html; charset=utf-8").insert_header((CONTENT_SECURITY_POLICY, POLICY)).body(PAGE)
}

async fn start() -> HttpResponse {
    served(SCRIPT).body(START)
}

async fn bundle() -> HttpResponse {
    served(SCRIPT).insert_header((CONTENT_ENCODING, "gzip")).body(BUNDLE)
}

async fn style() -> HttpResponse {
    served("text/css; charset=utf-8").insert_header((CONTENT_ENCODING, "gzip")).body(STYLE)
}

fn served(kind: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(kind)
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    answer
}

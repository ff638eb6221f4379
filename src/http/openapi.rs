//! The description of the API (OpenAPI 3.1), made of the code: what the handlers say of themselves, and what the table
//! of routes knows of all of them. Served at `/api/openapi.json`, open to everybody.
//!
//! Whoever adds a route describes it where it is declared, and nowhere else:
//!
//! ```text
//! resource("/things/{id}").get(Permission::ThingsRead, get).described(describe![get])
//!
//! /// Shows a thing
//! ///
//! /// More about it, in whole sentences.
//! #[utoipa::path(
//!     get, path = "/api/v1/things/{id}", operation_id = "get_thing", tag = "things", params(ThingQuery),
//!     responses((status = 200, description = "The thing", body = Thing)),
//! )]
//! async fn get(…) -> Result<HttpResponse, Problem> { … answer(StatusCode::OK, &Thing { … }) }
//! ```
//!
//! What is answered is a struct with `Serialize` and [`ToSchema`](utoipa::ToSchema), what is taken one with
//! `Deserialize` and `ToSchema`, and a query one with [`IntoParams`](utoipa::IntoParams) and
//! `#[into_params(parameter_in = Query)]`; their names are the schemas' and unique in the whole API. A field that holds a
//! type of the domain names its wire type of `super::wire` by `#[schema(value_type = …)]`. A field of an answer that may
//! be null is always there; one that may be missing says so by `skip_serializing_if` and `#[schema(nullable = false)]`.
//!
//! `common` adds what all operations have in common: the permission, the path's parameters, and the problems. `examples`
//! makes the examples out of those of the fields. The tests below hold the description to the routes, and every scene
//! holds each answer that it gets to its schema.

mod common;
mod examples;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use serde_json::Value;
use utoipa::openapi::{Info, OpenApi, Paths};

use super::Route;
use super::resource::{Methods, open};

/// Describes the methods under a path by their handlers, each of which carries `#[utoipa::path]`.
macro_rules! describe {
    ($($handlers:tt)+) => {{
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($handlers)+))]
        struct Described;
        <Described as utoipa::OpenApi>::openapi
    }};
}
pub(super) use describe;

pub(super) fn resources() -> Vec<Methods> {
    vec![open("/api/openapi.json").get(show).described(describe![show])]
}

/// Describes the API
///
/// This description, as JSON.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "describe_api", tag = "description",
    responses((status = 200, description = "The description", body = Object, example = json!({"openapi": "3.1.0"}))),
)]
async fn show() -> HttpResponse {
    static TEXT: LazyLock<String> = LazyLock::new(|| description().to_string());
    HttpResponse::Ok().content_type(ContentType::json()).body(TEXT.as_str())
}

/// The description of the whole API, as it is served.
pub fn description() -> &'static Value {
    static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
        let described = describe_all(&super::table());
        // What it is made of has only texts for keys, and no number that JSON does not have.
        let mut description = serde_json::to_value(described).unwrap_or_default();
        common::say_what_is_always_there(&mut description);
        examples::add(&mut description);
        description
    });
    &DESCRIPTION
}

/// What a request does, in a few words, by its method and route as the audit trail names them. A command stands before them
/// where it was done at the command line.
pub(crate) fn what_it_does(action: &str) -> Option<&'static str> {
    let request = action.rsplit_once(": ").map_or(action, |(_, request)| request);
    let (method, route) = request.split_once(' ')?;
    description()["paths"][route][method.to_ascii_lowercase()]["summary"].as_str()
}

fn describe_all(routes: &[Route]) -> OpenApi {
    let mut all = OpenApi::new(Info::new("outdial", env!("CARGO_PKG_VERSION")), Paths::new());
    for describe in routes.iter().filter_map(|route| route.description) {
        all.merge(describe());
    }
    common::add(&mut all, routes);
    all
}

/// An example of what a schema describes.
#[cfg(test)]
pub(super) fn example_of(name: &str) -> Value {
    let whole = description();
    examples::of(whole, &whole["components"]["schemas"][name], name)
}

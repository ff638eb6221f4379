//! What all operations have in common, said once: the API as a whole, the permission, the parts of a path that vary, and
//! the problems that any of them may be answered with.

use std::collections::BTreeSet;

use actix_web::http::Method;
use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, Header, License, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema,
};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::access::Permission;
use crate::http::Route;
use crate::http::problem::{MEDIA_TYPE, Shown};
use crate::http::session;

/// What a key is called in the description, and what a session is.
const KEY: &str = "api_key";
const SESSION: &str = "session";

/// What the groups of operations are about, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    (
        "campaigns",
        "Contact lists that are called: made, looked at, started, paused, resumed, canceled, deleted",
    ),
    ("contacts", "The people of a campaign, and when each is called next"),
    ("attempts", "Single calls, and opting out of further ones during a call"),
    ("events", "What happens, as it happens"),
    ("hooks", "What happens, told to others by POSTs"),
    ("imports", "Lists that are looked at before they are stored, and what became of their rows"),
    ("suppressions", "The team's numbers that must not be contacted"),
    ("agents", "Who speaks"),
    ("rules", "The packs of calling rules"),
    ("keys", "Who may do what, and who did what"),
    ("health", "How the server is"),
    ("description", "This description"),
];

const ABOUT: &str = "\
outdial calls contact lists, one contact at a time, inside the hours, with retries, until everybody is reached or given \
up.

**Keys.** Every request but those to `/health/live`, `/health/ready` and this description needs a header \
`Authorization: Bearer` with an API key. A key has a role, which is made of permissions; each operation says in \
`x-permission` which one it needs, and in `x-role` which role has it at the least. What belongs to another team is \
answered with 404.

**Problems.** Whatever is not carried out is answered with `application/problem+json` (RFC 9457). Its `type` is stable, \
its `detail` says in a sentence what was wrong and what was expected. Further types may be added. A method that a path \
does not have is answered with 405 and the methods that it has, in `Allow`. HEAD is answered wherever GET is.

**Pages.** Lists come in pages of `limit` entries, 50 unless it says otherwise and 1000 at most. `next` holds the query \
parameters that ask for the next page, and is null on the last one.

**Values.** Instants are in RFC 3339, answered in UTC with milliseconds at most; those that are sent need an offset. Telephone numbers are \
answered in E.164. Objects that are sent may have no keys but those that are named here; answers may get further ones.

The webhooks under `/webhooks/twilio/` are left out: only the provider can sign a request to them.";

/// Adds all of it.
pub(super) fn add(api: &mut OpenApi, routes: &[Route]) {
    api.info.description = Some(ABOUT.to_owned());
    api.info.license = Some(License::new("MIT OR Apache-2.0"));
    api.tags = Some(TAGS.iter().map(|(name, about)| tag(name, about)).collect());
    let components = api.components.get_or_insert_with(Components::default);
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("od_…");
    let key =
        key.description(Some("An API key, as `POST /api/v1/keys` or `outdial keys create` shows it once."));
    components.security_schemes.insert(KEY.to_owned(), RefOr::T(SecurityScheme::Http(key.build())));
    let session = ApiKeyValue::with_description(
        session::NAME,
        "The cookie of somebody who has signed in to the dashboard with a key, and may do what the key may. What is not a GET \
         needs the header `X-CSRF-Token` of one of its pages as well: programs use a key.",
    );
    components
        .security_schemes
        .insert(SESSION.to_owned(), RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(session))));
    let mut schemas = vec![(Shown::name().into_owned(), Shown::schema())];
    Shown::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for answer in ANSWERS {
        components.responses.insert(answer.name.to_owned(), RefOr::T(answer.response()));
    }
    for route in routes {
        let item = api.paths.paths.get_mut(&route.path);
        if let Some(operation) = item.and_then(|item| operation(item, &route.method)) {
            add_to(operation, route);
        }
    }
}

fn tag(name: &str, about: &str) -> utoipa::openapi::Tag {
    let mut tag = utoipa::openapi::Tag::new(name);
    tag.description = Some(about.to_owned());
    tag
}

/// The operation of a method.
pub(super) fn operation<'i>(item: &'i mut PathItem, method: &Method) -> Option<&'i mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

fn add_to(operation: &mut Operation, route: &Route) {
    let varying = varying_parts(&route.path);
    let asks = Asks {
        of_whom: route.permission,
        path_varies: !varying.is_empty(),
        has_body: operation.request_body.is_some(),
        has_query: operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()),
        changes: route.method != Method::GET,
    };
    if let Some(permission) = route.permission {
        operation.security =
            Some([KEY, SESSION].map(|scheme| SecurityRequirement::new(scheme, [""; 0])).to_vec());
        let needs = ExtensionsBuilder::new()
            .add("x-permission", permission.as_str())
            .add("x-role", permission.least_role().as_str());
        operation.extensions.get_or_insert_default().merge(needs.build());
    }
    let parameters = operation.parameters.get_or_insert_default();
    let of_path = varying.iter().map(|part| RefOr::T(parameter(&route.path, part)));
    parameters.splice(0..0, of_path.collect::<Vec<_>>());
    for answer in ANSWERS.iter().filter(|answer| (answer.comes)(&asks)) {
        let answers = &mut operation.responses.responses;
        let reference = RefOr::Ref(Ref::from_response_name(answer.name));
        match answers.get_mut(&answer.status.to_string()) {
            None => drop(answers.insert(answer.status.to_string(), reference)),
            // What the handler says of this status goes before, and the problem is the same.
            Some(RefOr::T(own)) => own.content.extend(answer.response().content),
            Some(RefOr::Ref(_)) => {}
        }
    }
}

/// What matters for how an operation may be refused.
struct Asks {
    of_whom: Option<Permission>,
    path_varies: bool,
    has_body: bool,
    has_query: bool,
    changes: bool,
}

/// A problem that many operations may be answered with.
struct Answer {
    status: u16,
    name: &'static str,
    about: &'static str,
    comes: fn(&Asks) -> bool,
}

const ANSWERS: &[Answer] = &[
    Answer {
        status: 400,
        name: "Malformed",
        about: "The request itself cannot be understood",
        comes: |asks| asks.has_body,
    },
    Answer {
        status: 401,
        name: "Unauthorized",
        about: "No valid API key came with the request",
        comes: |asks| asks.of_whom.is_some(),
    },
    Answer {
        status: 403,
        name: "Forbidden",
        about: "The key's role does not have the permission",
        comes: |asks| asks.of_whom.is_some(),
    },
    Answer {
        status: 404,
        name: "NotFound",
        about: "The team has nothing of that kind under this id",
        comes: |asks| asks.path_varies,
    },
    Answer {
        status: 408,
        name: "TooSlow",
        about: "The body did not come in time",
        comes: |asks| asks.has_body,
    },
    Answer {
        status: 413,
        name: "TooLarge",
        about: "The body, or the list in it, holds more than is taken",
        comes: |asks| asks.has_body,
    },
    Answer {
        status: 422,
        name: "Unusable",
        about: "What was sent cannot be used; `detail` names the place and what was expected",
        comes: |asks| asks.has_body || asks.has_query || asks.changes,
    },
    Answer {
        status: 429,
        name: "TooMany",
        about: "The key has asked for too much in too short a time",
        comes: |asks| asks.of_whom.is_some(),
    },
    Answer {
        status: 500,
        name: "Internal",
        about: "A fault of the server, which is in its log",
        comes: |_| true,
    },
    Answer {
        status: 503,
        name: "Unavailable",
        about: "It cannot be done just now, mostly because the database does not answer",
        comes: |_| true,
    },
];

impl Answer {
    fn response(&self) -> Response {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Shown::name()))).build();
        let response = ResponseBuilder::new().description(self.about).content(MEDIA_TYPE, content);
        match self.status {
            401 => response.header("WWW-Authenticate", header(Type::String, "`Bearer`")),
            429 | 503 => {
                response.header("Retry-After", header(Type::Integer, "Seconds to wait before the next try"))
            }
            _ => response,
        }
        .build()
    }
}

fn header(kind: Type, about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new().schema(Some(Schema::Object(schema))).description(Some(about)).build()
}

/// The names of a path's parts that vary.
pub(super) fn varying_parts(path: &str) -> Vec<&str> {
    let name = |part: &'_ str| -> Option<(usize, usize)> { Some((part.find('{')? + 1, part.find('}')?)) };
    path.split('/').filter_map(|part| name(part).map(|(from, to)| &part[from..to])).collect()
}

/// A part of a path that varies: an id, or a telephone number.
fn parameter(path: &str, name: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let (schema, about) = match name {
        "phone" => (text, "The number, in any writing".to_owned()),
        "id" => (
            text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
            format!("The {}'s id", owner(path)),
        ),
        "event" => {
            let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            (number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))), "The event's id".to_owned())
        }
        name => (text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))), format!("The {name}'s id")),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(Schema::Object(schema.build())))
        .build()
}

/// Whose id it is that is called just that: `campaign` in `/api/v1/campaigns/{id}/start`.
fn owner(path: &str) -> &str {
    let before = path.split("/{id}").next().unwrap_or_default();
    before.rsplit('/').next().unwrap_or_default().trim_end_matches('s')
}

/// Says of the answers' members that may be null that they are always there. Those that may be missing are never null.
pub(super) fn say_what_is_always_there(description: &mut Value) {
    let answered = reachable(description, |operation| &operation["responses"]);
    let sent = reachable(description, |operation| &operation["requestBody"]);
    let Some(Value::Object(schemas)) = description.pointer_mut("/components/schemas") else { return };
    for (_, schema) in
        schemas.iter_mut().filter(|(name, _)| answered.contains(*name) && !sent.contains(*name))
    {
        require_nullable(schema);
    }
}

fn require_nullable(schema: &mut Value) {
    if let Some(Value::Object(members)) = schema.get("properties") {
        let always: BTreeSet<String> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .chain(members.iter().filter(|(_, member)| may_be_null(member)).map(|(name, _)| name.clone()))
            .collect();
        if !always.is_empty() {
            schema["required"] = always.into_iter().collect();
        }
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(require_nullable),
        Value::Array(entries) => entries.iter_mut().for_each(require_nullable),
        _ => {}
    }
}

pub(super) fn may_be_null(schema: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null";
    let among =
        ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten().any(may_be_null);
    among
        || is_null(&schema["type"])
        || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(is_null))
}

/// The names of the schemas that a part of the operations leads to.
fn reachable(description: &Value, part: impl Fn(&Value) -> &Value) -> BTreeSet<String> {
    let items = description["paths"].as_object().into_iter().flat_map(serde_json::Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(serde_json::Map::values);
    let mut found = BTreeSet::new();
    for operation in operations {
        follow(description, part(operation), &mut found);
    }
    found
}

fn follow(description: &Value, from: &Value, found: &mut BTreeSet<String>) {
    match from {
        Value::Object(members) => {
            let named = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = named.and_then(|name| name.strip_prefix("#/components/schemas/"))
                && found.insert(name.to_owned())
            {
                follow(description, &description["components"]["schemas"][name], found);
            }
            members.values().for_each(|member| follow(description, member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| follow(description, entry, found)),
        _ => {}
    }
}

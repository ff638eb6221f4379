//! `/keys`: a team's API keys, for its admins, and `/me`: what the key that asks is and may do.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::keys::{self, Revoked, list_keys, revoke_key};
use crate::domain::access::{Permission, Role};
use crate::domain::called;
use crate::domain::instant::written;
use crate::keys::{FROM_ENVIRONMENT, make};

use super::auth::Caller;
use super::body::Body;
use super::idempotency::{Answers, MayComeAgain, Once};
use super::instant::Instant;
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, found_again, wire};

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/keys")
            .post(Permission::KeysWrite, create)
            .get(Permission::KeysRead, list)
            .described(describe![create, list]),
        resource("/keys/{id}").delete(Permission::KeysWrite, revoke).described(describe![revoke]),
        resource("/me").get(Permission::CampaignsRead, me).described(describe![me]),
    ]
}

/// An API key as it is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    /// What people call it, in up to 200 characters.
    #[schema(example = "the night shift")]
    name: String,
    #[schema(value_type = wire::Role)]
    role: Role,
    /// Until when it is good, if not for ever.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>, example = "2027-03-02T15:00:00Z")]
    expires_at: Option<Instant>,
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
struct MadeKey<'a> {
    id: Uuid,
    /// The key itself. It is shown this once.
    #[schema(example = "od_k7wq2mzrT3vQ8xYc5NfJ1aLpR6sUeB9dHgW4iK0oZ2")]
    key: &'a str,
    /// What people call it.
    #[schema(example = "the night shift")]
    name: &'a str,
    #[schema(value_type = wire::Role)]
    role: Role,
    /// Until when it is good; null if for ever.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    expires_at: Option<DateTime<Utc>>,
    /// What to do with it, for people.
    message: &'static str,
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
struct Key {
    id: Uuid,
    /// What people call it.
    #[schema(example = "the night shift")]
    name: String,
    /// Its first characters, by which people tell it from others.
    #[schema(example = "od_k7wq2mzr")]
    prefix: String,
    #[schema(value_type = wire::Role)]
    role: Role,
    /// When it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    created_at: DateTime<Utc>,
    /// Until when it is good; null if for ever.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    expires_at: Option<DateTime<Utc>>,
    /// When somebody last came with it, to the minute; null if nobody has.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked; null if it was not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    revoked_at: Option<DateTime<Utc>>,
    /// Whether it is the one that came with the request.
    is_this_one: bool,
}

/// The team's API keys.
#[derive(Serialize, ToSchema)]
struct Keys {
    /// The newest first; those that were revoked too.
    keys: Vec<Key>,
}

/// The key that asks.
#[derive(Serialize, ToSchema)]
struct Me {
    /// The id of its team.
    team: Uuid,
    /// The id of the key.
    key: Uuid,
    #[schema(value_type = wire::Role)]
    role: Role,
    /// What it may do.
    #[schema(value_type = Vec<wire::Permission>)]
    permissions: Vec<Permission>,
}

/// Makes an API key
///
/// The answer shows the key this once; only a hash of it is kept.
#[utoipa::path(
    post, path = "/api/v1/keys", operation_id = "create_key", tag = "keys", params(MayComeAgain), request_body = KeyForm,
    responses((status = 201, description = "The key", body = MadeKey), Conflict),
)]
async fn create(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form: KeyForm = body.json("bad-key")?;
    let insert = async move |api: &web::Data<Api>, id| insert(api, caller, id, &form).await;
    once.make(api, caller, Answers::Once, &[body.bytes()], found_again::key, insert).await
}

async fn insert(api: &Api, caller: Caller, id: Uuid, form: &KeyForm) -> Result<HttpResponse, Problem> {
    let name = called::parse(&form.name);
    let name = name.map_err(|bad| Problem::invalid("bad-key", format!("name {bad}")))?;
    let now = api.board.clock.now();
    let expires_at = form.expires_at.map(DateTime::<Utc>::from);
    if name == FROM_ENVIRONMENT {
        let detail = format!("name is {name:?}, expected another: so the one in OUTDIAL_API_TOKEN is called");
        return Err(Problem::invalid("bad-key", detail));
    }
    if let Some(at) = expires_at.filter(|at| *at <= now) {
        return Err(Problem::invalid(
            "bad-key",
            format!("expires_at is {}, expected an instant after {}", written(at), written(now)),
        ));
    }
    let secret = make(&api.board.database, caller.team, id, name, form.role, expires_at).await?;
    let message = "the key is shown this once; only a hash of it is kept";
    let made = MadeKey { id, key: &secret, name, role: form.role, expires_at, message };
    Ok(answer(StatusCode::CREATED, &made))
}

/// Lists the team's API keys
///
/// Without their secrets.
#[utoipa::path(
    get, path = "/api/v1/keys", operation_id = "list_keys", tag = "keys",
    responses((status = 200, description = "The keys", body = Keys)),
)]
async fn list(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    let keys = list_keys(&api.board.database, caller.team).await?;
    let keys = keys.into_iter().map(|key| show(key, caller.key)).collect();
    Ok(answer(StatusCode::OK, &Keys { keys }))
}

/// Revokes an API key
///
/// From then on it opens nothing. The last admin's key that does not expire cannot be revoked.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", operation_id = "revoke_key", tag = "keys",
    responses((status = 204, description = "It is revoked"), Conflict),
)]
async fn revoke(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    match revoke_key(&api.board.database, caller.team, *id, api.board.clock.now()).await? {
        Revoked::Done => Ok(HttpResponse::NoContent().finish()),
        Revoked::NotFound => Err(Problem::not_found("key")),
        Revoked::LastAdmin => {
            let detail = "it is the last admin key that does not expire: make another first, or nobody could let anybody in";
            Err(Problem::conflict("last-admin-key", detail))
        }
    }
}

/// Shows the key that asks
///
/// With what it may do, so that a program need not find out by being refused.
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "get_me", tag = "keys",
    responses((status = 200, description = "The key that asks", body = Me)),
)]
async fn me(caller: Caller) -> Result<HttpResponse, Problem> {
    let key = caller.key.ok_or_else(|| Problem::not_found("key"))?;
    let permissions: Vec<Permission> = caller.role.permissions().collect();
    let me = Me { team: caller.team, key, role: caller.role, permissions };
    Ok(answer(StatusCode::OK, &me))
}

fn show(key: keys::Key, asking: Option<Uuid>) -> Key {
    let keys::Key { id, name, prefix, role, created_at, expires_at, last_used_at, revoked_at } = key;
    let is_this_one = Some(id) == asking;
    Key { id, name, prefix, role, created_at, expires_at, last_used_at, revoked_at, is_this_one }
}

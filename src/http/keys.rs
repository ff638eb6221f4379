//! `/keys`: a team's API keys, for its admins, and `/me`: what the key that asks is and may do.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::keys::{Key, Revoked, list_keys, revoke_key};
use crate::domain::access::{Permission, Role};
use crate::keys::{FROM_ENVIRONMENT, Fresh, make};

use super::auth::Caller;
use super::body::Body;
use super::instant::Instant;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem};

const LONGEST_NAME: usize = 200;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/keys").post(Permission::KeysWrite, create).get(Permission::KeysRead, list),
        resource("/keys/{id}").delete(Permission::KeysWrite, revoke),
        resource("/me").get(Permission::CampaignsRead, me),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    name: String,
    role: Role,
    #[serde(default)]
    expires_at: Option<Instant>,
}

async fn create(api: web::Data<Api>, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let form: KeyForm = body.json("bad-key")?;
    let name = form.name.trim();
    let now = api.board.clock.now();
    let expires_at = form.expires_at.map(DateTime::<Utc>::from);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name == FROM_ENVIRONMENT {
        let detail = format!(
            "name is {name:?}, expected what people call the key, in up to {LONGEST_NAME} characters"
        );
        return Err(Problem::invalid("bad-key", detail));
    }
    if let Some(at) = expires_at.filter(|at| *at <= now) {
        return Err(Problem::invalid(
            "bad-key",
            format!("expires_at is {at}, expected an instant after {now}"),
        ));
    }
    let Fresh { id, secret } = make(&api.board.database, caller.team, name, form.role, expires_at).await?;
    let made = json!({
        "id": id,
        "key": secret,
        "name": name,
        "role": form.role,
        "expires_at": expires_at,
        "message": "the key is shown this once; only a hash of it is kept",
    });
    Ok(answer(StatusCode::CREATED, &made))
}

async fn list(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    let keys = list_keys(&api.board.database, caller.team).await?;
    let shown: Vec<Value> = keys.iter().map(|key| show(key, caller.key)).collect();
    Ok(answer(StatusCode::OK, &json!({ "keys": shown })))
}

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

/// What whoever asks may do, so that a program need not find out by being refused.
async fn me(caller: Caller) -> HttpResponse {
    let permissions: Vec<Permission> = caller.role.permissions().collect();
    let me =
        json!({ "team": caller.team, "key": caller.key, "role": caller.role, "permissions": permissions });
    answer(StatusCode::OK, &me)
}

fn show(key: &Key, asking: Uuid) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "is_this_one": key.id == asking,
    })
}

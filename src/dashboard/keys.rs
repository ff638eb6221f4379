//! `/keys`: the team's API keys, with which one signs in as well. They are made and revoked by the API.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::keys::{self, list_keys};
use crate::domain::access::{Permission, Role};
use crate::http::{Api, FROM_ENVIRONMENT, Methods, Problem, Visitor, resource};

use super::frame::Frame;
use super::parts::{Badge, When};
use super::{render, words};

const PATH: &str = "/keys";

pub(super) fn pages() -> Vec<Methods> {
    vec![resource(PATH).get(Permission::KeysRead, show)]
}

#[derive(Template)]
#[template(path = "dashboard/keys.html")]
struct Page {
    frame: Frame,
    may_write: bool,
    may_audit: bool,
    roles: Vec<RoleChoice>,
    good: Vec<Row>,
    /// Those that were revoked or have expired.
    former: Vec<Row>,
}

/// A role that a key may have.
struct RoleChoice {
    value: &'static str,
    label: String,
    told: &'static str,
}

/// A key.
struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    role: Badge,
    made: When,
    last_used: Option<When>,
    expires: Option<When>,
    revoked: Option<When>,
    is_own: bool,
    is_from_environment: bool,
    /// What is asked before it is revoked.
    question: String,
}

async fn show(api: web::Data<Api>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let (caller, now) = (visitor.caller, api.board.clock.now());
    let keys = list_keys(&api.board.database, caller.team).await?;
    let is_good =
        |key: &keys::Key| key.revoked_at.is_none() && key.expires_at.is_none_or(|expires| expires > now);
    let (good, former): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_good);
    let rows = |keys: Vec<keys::Key>| keys.into_iter().map(|key| Row::of(key, caller.key, now)).collect();
    let page = Page {
        frame: Frame::new(&api, &visitor, "Keys", PATH),
        may_write: caller.role.may(Permission::KeysWrite),
        may_audit: caller.role.may(Permission::AuditRead),
        roles: Role::ALL.iter().map(|role| RoleChoice::of(*role)).collect(),
        good: rows(good),
        former: rows(former),
    };
    render(&page)
}

impl RoleChoice {
    fn of(role: Role) -> Self {
        let told = match role {
            Role::Viewer => "sees everything but keys, hooks and who did what, and changes nothing",
            Role::Operator => "makes, starts and pauses campaigns as well",
            Role::Admin => "deletes campaigns, and lets others in, as well",
        };
        Self { value: role.as_str(), label: words::sentence(role.as_str()), told }
    }
}

impl Row {
    fn of(key: keys::Key, own: Option<Uuid>, now: DateTime<Utc>) -> Self {
        let keys::Key { id, name, prefix, role, created_at, expires_at, last_used_at, revoked_at } = key;
        let (is_own, is_from_environment) = (Some(id) == own, name == FROM_ENVIRONMENT);
        let further = match (is_own, is_from_environment) {
            (true, _) => " It is the one that you are signed in with: you are signed out by it.",
            (false, true) => {
                " It comes from OUTDIAL_API_TOKEN, and is good again when the program starts anew."
            }
            (false, false) => " Whoever uses it gets in no more.",
        };
        Self {
            question: format!("Revoke “{name}” ({prefix}…) for good?{further}"),
            id,
            name,
            prefix,
            role: Badge::new(
                role.as_str(),
                match role {
                    Role::Viewer => "gray",
                    Role::Operator => "blue",
                    Role::Admin => "amber",
                },
            ),
            made: When::utc(created_at, now),
            last_used: last_used_at.map(|at| When::utc(at, now)),
            expires: expires_at.map(|at| When::utc(at, now)),
            revoked: revoked_at.map(|at| When::utc(at, now)),
            is_own,
            is_from_environment,
        }
    }
}

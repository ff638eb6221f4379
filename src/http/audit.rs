//! The audit trail of requests: what changes something is on record before anything is done, also if it is refused for lack
//! of a permission. What cannot be put on record is not done. `/audit` shows it to admins.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::{Ready, ready};
use tracing::error;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::clock::Clock;
use crate::db::audit::{self, AuditFilter, By, Ending, Entry, Intent, Source, begin, finish};
use crate::db::keys::Holder;
use crate::db::{Database, Error};
use crate::domain::access::Permission;

use super::auth::Caller;
use super::body::Query;
use super::instant::Instant;
use super::openapi::describe;
use super::page::{Before, Page};
use super::request_id::RequestId;
use super::resource::{Methods, resource};
use super::{Api, Problem, page};

pub(super) fn resources() -> Vec<Methods> {
    vec![resource("/audit").get(Permission::AuditRead, list).described(describe![list])]
}

/// A request's row in the trail. Handlers say here what they made and what else is worth knowing; it is written when the
/// request is answered.
#[derive(Clone)]
pub(crate) struct Trail(Rc<Row>);

struct Row {
    id: Uuid,
    team: Uuid,
    database: Database,
    clock: Clock,
    made: Cell<Option<Uuid>>,
    detail: RefCell<Map<String, Value>>,
}

impl Trail {
    /// Puts on record that somebody wants something.
    pub(crate) async fn begin(
        api: &Api,
        (team, by): (Uuid, &By),
        action: &str,
        request: &HttpRequest,
    ) -> Result<Self, Problem> {
        let id = Uuid::now_v7();
        let (database, clock) = (api.board.database.clone(), api.board.clock.clone());
        let route = request.match_pattern().unwrap_or_default();
        let ids = ids(request);
        let campaign = route.contains("/campaigns/{id}").then(|| ids.get("id")).flatten();
        let campaign = campaign.and_then(|id| id.as_str()?.parse().ok());
        let (at, ids) = (clock.now(), Value::Object(ids));
        let intent = Intent { id, team, at, by, action, campaign, ids: &ids };
        begin(&database, &intent).await.map_err(cannot_be_put_on_record)?;
        let (made, detail) = (Cell::default(), RefCell::default());
        Ok(Self(Rc::new(Row { id, team, database, clock, made, detail })))
    }

    /// Notes what was made.
    pub(super) fn made(&self, id: Uuid) {
        self.0.made.set(Some(id));
    }

    /// Notes something worth knowing that nobody's name or number is in.
    pub(super) fn note(&self, what: &str, value: impl Into<Value>) {
        self.0.detail.borrow_mut().insert(what.to_owned(), value.into());
    }

    /// Puts on record what was answered. If that fails, it is done all the same, and the row says that it was begun.
    pub(crate) async fn finish(self, status: StatusCode) {
        let row = self.0;
        let detail = Some(row.detail.take()).filter(|detail| !detail.is_empty()).map(Value::Object);
        let (at, status, made) = (row.clock.now(), status.as_u16(), row.made.get());
        let ending = Ending { at, status, made, detail };
        if let Err(error) = finish(&row.database, row.team, row.id, &ending).await {
            error!(
                error = &error as &dyn std::error::Error,
                audit.id = %row.id,
                "the audit trail cannot be completed"
            );
        }
    }
}

/// What is noted of a start that was only rehearsed.
pub(crate) const REHEARSED: &str = "dry_run";

/// As whom a key's holder is on record who asks for something.
pub(crate) fn by_holder(holder: &Holder, needs: Permission, request: &HttpRequest) -> By {
    By::Key {
        id: holder.key,
        name: holder.name.clone(),
        prefix: holder.prefix.clone(),
        permission: needs.to_string(),
        request_id: RequestId::of_request(request).as_str().to_owned(),
    }
}

/// What a request asks for, as the trail names it: its method and its route, without what it is about.
pub(crate) fn action(request: &HttpRequest) -> String {
    format!("{} {}", request.method(), request.match_pattern().unwrap_or_default())
}

fn cannot_be_put_on_record(error: Error) -> Problem {
    if error.outage().is_some() {
        return error.into();
    }
    error!(error = &error as &dyn std::error::Error, "the audit trail cannot be written");
    Problem::unavailable(
        "the audit trail cannot be written, and nothing is done that is not on record; try again shortly",
    )
}

impl FromRequest for Trail {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::unauthorized))
    }
}

/// The ids that a path names. Nothing else of it: it may be a phone number.
fn ids(request: &HttpRequest) -> Map<String, Value> {
    let parts = request.match_info().iter();
    let ids = parts.filter_map(|(name, text)| Some((name.to_owned(), text.parse::<Uuid>().ok()?)));
    ids.map(|(name, id)| (name, id.to_string().into())).collect()
}

/// Which entries are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only what was done to this campaign, or made it.
    campaign: Option<Uuid>,
    /// Only what was done with this API key.
    key: Option<Uuid>,
    /// Only what was begun from then on.
    #[param(value_type = Option<DateTime<Utc>>, example = "2026-03-02T15:00:00Z")]
    since: Option<Instant>,
    /// Only what was begun before then.
    #[param(value_type = Option<DateTime<Utc>>, example = "2026-03-03T15:00:00Z")]
    until: Option<Instant>,
    /// Only what stands behind this entry.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
struct AuditPage {
    /// What was done, the newest first.
    audit: Vec<AuditEntry>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

/// Something that somebody did, or tried to do.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: Uuid,
    /// When it was begun.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    at: DateTime<Utc>,
    /// `api`, or `command-line` for what was done on the database itself.
    #[schema(value_type = String, example = "api")]
    source: Source,
    /// The API key that it was done with; null at the command line.
    key: Option<AuditKey>,
    /// The permission that it needs; null at the command line.
    #[schema(example = "campaigns:start")]
    permission: Option<String>,
    /// What the request was called, as in its `X-Request-Id`; null at the command line.
    request_id: Option<String>,
    /// Method and route. What was done on the database itself has the command before them, as one may ask for several things:
    /// `outdial campaign create --start: POST /api/v1/campaigns/{id}/start`; `outdial keys` and `outdial teams` have no route.
    #[schema(example = "POST /api/v1/campaigns/{id}/start")]
    action: String,
    /// The campaign that it was done to; null if it was to none.
    campaign: Option<Uuid>,
    /// The ids that were named, under their names in the route.
    #[schema(value_type = Object, example = json!({"id": "01934c8e-2f2a-7b1e-9d53-6a0c2f4b8e11"}))]
    ids: Value,
    /// What was made; null if nothing was.
    made: Option<Uuid>,
    /// What else is worth knowing, by kind of action; null if nothing is.
    #[schema(value_type = Option<Object>, example = json!({"replayed": true}))]
    detail: Option<Value>,
    /// The HTTP status that was answered; null while it is under way, and if it was broken off, so that nobody knows what
    /// came of it. Of a command the status that a request of its kind would have been answered with.
    #[schema(example = 200)]
    status: Option<u16>,
    /// When it was answered; null as long as `status` is.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    finished_at: Option<DateTime<Utc>>,
}

/// An API key as it was when something was done with it.
#[derive(Serialize, ToSchema)]
struct AuditKey {
    id: Uuid,
    /// What people called it then.
    #[schema(example = "the night shift")]
    name: String,
    /// Its first characters.
    #[schema(example = "od_k7wq2mzr")]
    prefix: String,
}

/// Lists who did what
///
/// Every request that may change something is on record before anything is done, also one that the key does not allow, and
/// so is what is done at the command line on the database itself.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "list_audit", tag = "keys", params(AuditQuery),
    responses((status = 200, description = "A page of the audit trail", body = AuditPage)),
)]
async fn list(api: web::Data<Api>, caller: Caller, Query(query): Query<AuditQuery>) -> Result<Page, Problem> {
    let limit = page::limit(query.limit)?;
    let filter = AuditFilter {
        campaign: query.campaign,
        key: query.key,
        since: query.since.map(Into::into),
        until: query.until.map(Into::into),
        before: query.before,
    };
    let entries = audit::list(&api.board.database, caller.team, &filter, limit + 1).await?;
    let (entries, next) = page::cut(entries, limit, |entry| Before { before: entry.id });
    let audit = entries.into_iter().map(AuditEntry::from).collect();
    let page = AuditPage { audit, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        let Entry { id, at, by, action, campaign, campaign_name: _, ids, ending } = entry;
        let (source, key, permission, request_id) = match by {
            By::CommandLine => (Source::CommandLine, None, None, None),
            By::Key { id, name, prefix, permission, request_id } => {
                (Source::Api, Some(AuditKey { id, name, prefix }), Some(permission), Some(request_id))
            }
        };
        let (status, finished_at) = ending.as_ref().map(|ending| (ending.status, ending.at)).unzip();
        let (made, detail) = ending.map(|ending| (ending.made, ending.detail)).unwrap_or_default();
        Self {
            id,
            at,
            source,
            key,
            permission,
            request_id,
            action,
            campaign,
            ids,
            made,
            detail,
            status,
            finished_at,
        }
    }
}

//! `/hooks`: who is told of events by a POST, for a team's admins. What was delivered, what was given up, and how it is
//! asked for again.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::Notify;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::clock::Stopwatch;
use crate::db::events::place_events;
use crate::db::hooks::deliveries::{Delivery, Redelivery, list_deliveries, redeliver, redeliver_dead};
use crate::db::hooks::{
    Change, Hook, Made, NewHook, change_hook, delete_hook, find_campaign_that_asks, find_destination,
    find_hook, insert_hook, list_hooks, rotate_secret,
};
use crate::domain::access::Permission;
use crate::domain::called;
use crate::domain::event::EventKind;
use crate::domain::hook::receiver::{self, Reach};
use crate::domain::hook::{Answer, DeliveryState, FORMER_SECRET_LASTS, Stopped};
use crate::domain::settings::Settings;
use crate::receivers::{Parcel, Poster, fresh_secret, written};

use super::auth::Caller;
use super::body::{Body, Query};
use super::idempotency::{Answers, MayComeAgain, Once};
use super::openapi::describe;
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::{Api, Problem, found_again, page, wire};

/// Hooks that a team may have.
const MOST_HOOKS: i64 = 100;

/// What handlers need of the part that works for hooks.
pub struct HooksDesk {
    /// The way to the receivers.
    pub poster: Poster,
    /// Is rung when something is wished for, so that it is noticed at once.
    pub doorbell: Arc<Notify>,
}

pub(super) fn resources() -> Vec<Methods> {
    use Permission::{HooksRead, HooksWrite};
    vec![
        resource("/hooks").post(HooksWrite, create).get(HooksRead, list).described(describe![create, list]),
        resource("/hooks/{id}")
            .get(HooksRead, get)
            .patch(HooksWrite, change)
            .delete(HooksWrite, delete)
            .described(describe![get, change, delete]),
        resource("/hooks/{id}/rotate-secret").post(HooksWrite, rotate).described(describe![rotate]),
        resource("/hooks/{id}/test").post(HooksWrite, test).described(describe![test]),
        resource("/hooks/{id}/deliveries").get(HooksRead, deliveries).described(describe![deliveries]),
        resource("/hooks/{id}/deliveries/{event}/redeliver")
            .post(HooksWrite, deliver_again)
            .described(describe![deliver_again]),
        resource("/hooks/{id}/redeliver")
            .post(HooksWrite, deliver_dead_again)
            .described(describe![deliver_dead_again]),
    ]
}

/// A hook to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HookForm {
    /// Where it leads: `https`, and to a host that can be reached from everywhere, unless the server allows others.
    #[schema(example = "https://receiver.example.com/outdial")]
    url: String,
    /// What people call it, in up to 200 characters.
    #[serde(default)]
    #[schema(example = "our CRM")]
    name: Option<String>,
    /// What it tells of: everything without it, and nothing if it is empty. A hook may be there only to be asked before
    /// calls.
    #[serde(default)]
    #[schema(value_type = Option<Vec<wire::EventKind>>)]
    kinds: Option<Vec<EventKind>>,
    /// The event after which it begins: the last one without it.
    #[serde(default)]
    #[schema(minimum = 0, example = 0)]
    after: Option<i64>,
}

/// What is to be changed of a hook: what is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HookChange)]
struct ChangeForm {
    /// Where it leads.
    #[serde(default)]
    #[schema(example = "https://receiver.example.com/outdial")]
    url: Option<String>,
    /// What people call it; null for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "our CRM")]
    name: Option<Option<String>>,
    /// What it tells of; null for everything, and nothing if it is empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<wire::EventKind>>)]
    kinds: Option<Option<Vec<EventKind>>>,
    /// Whether it works.
    #[serde(default)]
    enabled: Option<bool>,
}

/// Tells null from nothing.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A hook.
#[derive(Serialize, ToSchema)]
#[schema(as = Hook)]
struct ShownHook {
    /// Its id.
    id: Uuid,
    /// What people call it.
    #[schema(example = "our CRM")]
    name: Option<String>,
    /// Where it leads.
    #[schema(example = "https://receiver.example.com/outdial")]
    url: String,
    /// What it tells of; null for everything.
    #[schema(value_type = Option<Vec<wire::EventKind>>)]
    kinds: Option<Vec<EventKind>>,
    /// Whether it works.
    enabled: bool,
    /// Why it does not.
    #[schema(value_type = Option<wire::ReasonToStop>)]
    stopped_because: Option<Stopped>,
    /// Since when it does not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    stopped_at: Option<DateTime<Utc>>,
    /// All events up to this one are delivered or given up.
    delivered_event: i64,
    /// When something was last delivered.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    last_delivered_at: Option<DateTime<Utc>>,
    /// Since when nothing is delivered although it is tried; null while all goes well.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    failing_since: Option<DateTime<Utc>>,
    /// Events that were given up, and can be asked for again.
    dead: i64,
    /// Until when no campaign asks it before a call, because it gave no answer; null if it did.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    silent_until: Option<DateTime<Utc>>,
    /// Why it gave none.
    #[schema(example = "no answer within 3 seconds")]
    silent_because: Option<String>,
    /// Until when the former secret signs beside the present one; null if there is none.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    former_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    created_at: DateTime<Utc>,
}

impl ShownHook {
    fn of(hook: Hook, now: DateTime<Utc>) -> Self {
        let (silent_until, silent_because) = hook.silent.unzip();
        Self {
            id: hook.id,
            name: hook.name,
            url: hook.url,
            kinds: hook.kinds,
            enabled: hook.stopped.is_none(),
            stopped_because: hook.stopped.map(|(why, _)| why),
            stopped_at: hook.stopped.map(|(_, at)| at),
            delivered_event: hook.delivered_position,
            last_delivered_at: hook.last_delivered_at,
            failing_since: hook.failing_since,
            dead: hook.dead,
            silent_until,
            silent_because,
            former_secret_until: hook.former_until.filter(|until| *until > now),
            created_at: hook.created_at,
        }
    }
}

/// A hook that was just made.
#[derive(Serialize, ToSchema)]
struct MadeHook {
    /// What it signs with. It is shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// The hook.
    #[serde(flatten)]
    hook: ShownHook,
}

/// A team's hooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Hooks)]
struct ShownHooks {
    /// The hooks, the newest first.
    hooks: Vec<ShownHook>,
}

/// A secret that took the place of another.
#[derive(Serialize, ToSchema)]
#[schema(as = FreshSecret)]
struct Rotated {
    /// What it signs with from now on. It is shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// Until when the former one signs beside it.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    former_secret_until: DateTime<Utc>,
}

/// What a test came to.
#[derive(Serialize, ToSchema)]
#[schema(as = HookTest)]
struct Tested {
    /// Whether the receiver took it.
    delivered: bool,
    /// What it answered; null if it did not.
    status: Option<u16>,
    /// Why it did not.
    error: Option<String>,
    /// How the body of its answer begins.
    response: Option<String>,
    /// How long it took, in milliseconds.
    took_ms: u64,
}

/// What is sent as a test. It is no event, and has no place among them.
#[derive(Serialize)]
struct TestEvent {
    /// `hook.test`.
    kind: &'static str,
    /// When.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    at: DateTime<Utc>,
    /// The hook.
    hook_id: Uuid,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
#[schema(as = Deliveries)]
struct ShownDeliveries {
    /// Those that did not succeed at once, or were asked for again, the newest events first.
    deliveries: Vec<ShownDelivery>,
    /// What to ask for next; null at the end.
    next: Option<Before>,
}

/// The place before which the next page begins.
#[derive(Serialize, ToSchema)]
#[schema(as = BeforeEvent)]
struct Before {
    /// The last event that was shown.
    before: i64,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct ShownDelivery {
    /// The event.
    event: i64,
    /// What it tells of.
    #[schema(value_type = wire::EventKind)]
    kind: EventKind,
    /// How it stands.
    #[schema(value_type = wire::DeliveryState)]
    state: DeliveryState,
    /// The tries so far.
    tries: u32,
    /// The first of them.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    first_try_at: Option<DateTime<Utc>>,
    /// The last of them.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    last_try_at: Option<DateTime<Utc>>,
    /// The next one, while it is retried.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    next_try_at: Option<DateTime<Utc>>,
    /// What the receiver answered last; null if it did not.
    status: Option<i32>,
    /// Why the last try failed; null if it did not.
    error: Option<String>,
    /// How the body of the last answer begins.
    response: Option<String>,
}

impl From<Delivery> for ShownDelivery {
    fn from(delivery: Delivery) -> Self {
        let Delivery { event, kind, state, tries, first_try_at, last_try_at, next_try_at, .. } = delivery;
        let Delivery { status, error, response, .. } = delivery;
        Self { event, kind, state, tries, first_try_at, last_try_at, next_try_at, status, error, response }
    }
}

/// How many events were asked for again.
#[derive(Serialize, ToSchema)]
struct AskedAgain {
    /// So many.
    events: u64,
}

/// Makes a hook
///
/// What happens from then on is sent to its URL: each event in a POST of its own, as `ToldEvent`, in order, signed as
/// Standard Webhooks has it. The answer shows the secret this once.
#[utoipa::path(
    post, path = "/api/v1/hooks", operation_id = "create_hook", tag = "hooks", params(MayComeAgain),
    request_body = HookForm,
    responses((status = 201, description = "The hook, and its secret", body = MadeHook), Conflict),
)]
async fn create(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    once: Once,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form: HookForm = body.json("bad-hook")?;
    let insert = async move |api: &web::Data<Api>, id| insert(api, &desk, caller, form, id).await;
    once.make(api, caller, Answers::Once, &[body.bytes()], found_again::hook, insert).await
}

async fn insert(
    api: &web::Data<Api>,
    desk: &HooksDesk,
    caller: Caller,
    form: HookForm,
    id: Uuid,
) -> Result<HttpResponse, Problem> {
    let url = read_url(&form.url, desk.poster.reach())?;
    let name = form.name.as_deref().map(read_name).transpose()?;
    if let Some(after) = form.after.filter(|after| *after < 0) {
        return Err(not_yet(after, None));
    }
    if form.after.is_none() {
        // What has happened already is before it, whether or not anybody has been told of it.
        while place_events(&api.board.database).await?.may_be_more {}
    }
    let secret = fresh_secret();
    let now = api.board.clock.now();
    let hook =
        NewHook { id, name, url: &url, kinds: form.kinds.as_deref(), secret: &secret, after: form.after };
    match insert_hook(&api.board.database, caller.team, &hook, (MOST_HOOKS, now)).await? {
        Made::Done => {}
        Made::TooMany => {
            let detail = format!("the team has {MOST_HOOKS} hooks, which is as many as it may have");
            return Err(Problem::conflict("too-many-hooks", detail));
        }
        Made::NotYet(last) => return Err(not_yet(form.after.unwrap_or_default(), Some(last))),
    }
    desk.doorbell.notify_one();
    let hook = find(api, caller, id).await?;
    Ok(answer(StatusCode::CREATED, &MadeHook { secret: written(&secret), hook }))
}

fn not_yet(after: i64, last: Option<i64>) -> Problem {
    let most = last.map(|last| format!(" to {last}, the last event")).unwrap_or_default();
    Problem::invalid("bad-hook", format!("after is {after}, expected the number of an event, 0{most}"))
}

fn read_url(text: &str, reach: Reach) -> Result<String, Problem> {
    receiver::parse(text, reach)
        .map(String::from)
        .map_err(|bad| Problem::invalid("bad-hook", bad.to_string()))
}

fn read_name(text: &str) -> Result<&str, Problem> {
    called::parse(text).map_err(|bad| Problem::invalid("bad-hook", format!("name {bad}")))
}

/// Refuses settings by which a hook's server is asked before each call, if the team has no such hook.
pub(super) async fn check_before_call(api: &Api, caller: Caller, settings: &Settings) -> Result<(), Problem> {
    let Some(asking) = settings.before_call else { return Ok(()) };
    match find_hook(&api.board.database, caller.team, asking.hook).await? {
        Some(_) => Ok(()),
        None => {
            let detail = "before_call.hook: the team has no such hook, expected the id of one";
            Err(Problem::invalid("bad-settings", detail))
        }
    }
}

async fn find(api: &Api, caller: Caller, id: Uuid) -> Result<ShownHook, Problem> {
    let hook = find_hook(&api.board.database, caller.team, id).await?;
    let hook = hook.ok_or_else(|| Problem::not_found("hook"))?;
    Ok(ShownHook::of(hook, api.board.clock.now()))
}

/// Lists the team's hooks
#[utoipa::path(
    get, path = "/api/v1/hooks", operation_id = "list_hooks", tag = "hooks",
    responses((status = 200, description = "The hooks", body = ShownHooks)),
)]
async fn list(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    let now = api.board.clock.now();
    let hooks = list_hooks(&api.board.database, caller.team).await?;
    let hooks = hooks.into_iter().map(|hook| ShownHook::of(hook, now)).collect();
    Ok(answer(StatusCode::OK, &ShownHooks { hooks }))
}

/// Shows a hook
#[utoipa::path(
    get, path = "/api/v1/hooks/{id}", operation_id = "get_hook", tag = "hooks",
    responses((status = 200, description = "The hook", body = ShownHook)),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &find(&api, caller, *id).await?))
}

/// Changes a hook
///
/// What it does not name stays. An event that is being retried is tried again at once; a hook that is enabled again goes on
/// where it was stopped.
#[utoipa::path(
    patch, path = "/api/v1/hooks/{id}", operation_id = "change_hook", tag = "hooks", request_body = ChangeForm,
    responses((status = 200, description = "The hook as it is now", body = ShownHook)),
)]
async fn change(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let form: ChangeForm = body.json("bad-hook")?;
    let url = form.url.as_deref().map(|url| read_url(url, desk.poster.reach())).transpose()?;
    let name = form.name.as_ref().map(|name| name.as_deref().map(read_name).transpose()).transpose()?;
    let kinds = form.kinds.as_ref().map(|kinds| kinds.as_deref());
    let change = Change { name, url: url.as_deref(), kinds, is_enabled: form.enabled };
    let now = api.board.clock.now();
    if !change_hook(&api.board.database, (caller.team, *id), &change, now).await? {
        return Err(Problem::not_found("hook"));
    }
    desk.doorbell.notify_one();
    get(api, caller, id).await
}

/// Deletes a hook
///
/// With all that is known of its deliveries. One whose server a campaign wants to be asked before its calls stays until that is
/// over or has been changed.
#[utoipa::path(
    delete, path = "/api/v1/hooks/{id}", operation_id = "delete_hook", tag = "hooks",
    responses((status = 204, description = "It is deleted"), Conflict),
)]
async fn delete(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    if let Some(name) = find_campaign_that_asks(&api.board.database, caller.team, *id).await? {
        let detail = format!(
            "the campaign {name:?} wants its server to be asked before each call; change its before_call first"
        );
        return Err(Problem::conflict("hook-in-use", detail));
    }
    if !delete_hook(&api.board.database, caller.team, *id).await? {
        return Err(Problem::not_found("hook"));
    }
    desk.doorbell.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a hook another secret
///
/// The former one stays good beside it for a day: for so long there are two signatures.
#[utoipa::path(
    post, path = "/api/v1/hooks/{id}/rotate-secret", operation_id = "rotate_secret", tag = "hooks",
    responses((status = 200, description = "The secret", body = Rotated)),
)]
async fn rotate(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let secret = fresh_secret();
    let former_secret_until = api.board.clock.now() + FORMER_SECRET_LASTS;
    let hook = (caller.team, *id);
    if !rotate_secret(&api.board.database, hook, &secret, former_secret_until).await? {
        return Err(Problem::not_found("hook"));
    }
    desk.doorbell.notify_one();
    Ok(answer(StatusCode::OK, &Rotated { secret: written(&secret), former_secret_until }))
}

/// Tests a hook
///
/// Sends it something of the kind `hook.test` at once, whatever else waits, and whether it is stopped or not.
#[utoipa::path(
    post, path = "/api/v1/hooks/{id}/test", operation_id = "test_hook", tag = "hooks",
    responses((status = 200, description = "What it came to", body = Tested)),
)]
async fn test(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (now, clock) = (api.board.clock.now(), &api.board.clock);
    let to = find_destination(&api.board.database, (caller.team, *id), now).await?;
    let to = to.ok_or_else(|| Problem::not_found("hook"))?;
    let event = TestEvent { kind: "hook.test", at: now, hook_id: *id };
    let body = serde_json::to_vec(&event).map_err(|error| Problem::malformed(error.to_string()))?;
    let parcel =
        Parcel { id: &format!("test_{}", Uuid::now_v7().simple()), at: clock.real_now(), body: body.into() };
    let began = Stopwatch::start();
    let posted = desk.poster.post(&to, &parcel).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let delivered = posted.answer.is_success();
    let (status, error) = match posted.answer {
        Answer::Status { status, .. } => (Some(status), None),
        Answer::Nothing { why } => (None, Some(why)),
    };
    Ok(answer(StatusCode::OK, &Tested { delivered, status, error, response: posted.response, took_ms }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// Only those that stand so.
    #[param(value_type = Option<wire::DeliveryState>)]
    state: Option<String>,
    /// Only those of events before this one.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists a hook's deliveries
///
/// Those that did not succeed at once, or were asked for again. Of those that were given up it is known for 30 days, of
/// those that succeeded in the end for 7.
#[utoipa::path(
    get, path = "/api/v1/hooks/{id}/deliveries", operation_id = "list_deliveries", tag = "hooks", params(DeliveriesQuery),
    responses((status = 200, description = "A page of deliveries", body = ShownDeliveries)),
)]
async fn deliveries(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let state = page::named(query.state.as_ref(), DeliveryState::parse)?;
    find(&api, caller, *id).await?;
    let hook = (caller.team, *id);
    let rows = list_deliveries(&api.board.database, hook, state, query.before, limit + 1).await?;
    let (rows, next) = page::cut(rows, limit, |last| Before { before: last.event });
    let deliveries = rows.into_iter().map(ShownDelivery::from).collect();
    Ok(answer(StatusCode::OK, &ShownDeliveries { deliveries, next }))
}

/// Delivers an event once more
///
/// Whether it was given up or delivered. It is tried once, between others. One that is being retried is tried at once.
#[utoipa::path(
    post, path = "/api/v1/hooks/{id}/deliveries/{event}/redeliver", operation_id = "redeliver_event", tag = "hooks",
    responses((status = 202, description = "It will be", body = AskedAgain), Conflict),
)]
async fn deliver_again(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    path: web::Path<(Uuid, i64)>,
) -> Result<HttpResponse, Problem> {
    let (id, event) = *path;
    let now = api.board.clock.now();
    match redeliver(&api.board.database, (caller.team, id), event, now).await? {
        Redelivery::Asked => {}
        Redelivery::NoHook => return Err(Problem::not_found("hook")),
        Redelivery::NoEvent => return Err(Problem::not_found("event")),
        Redelivery::NotYet => {
            let detail = "the event has not had its turn yet: it is sent when those before it have been";
            return Err(Problem::conflict("not-delivered-yet", detail));
        }
    }
    desk.doorbell.notify_one();
    Ok(answer(StatusCode::ACCEPTED, &AskedAgain { events: 1 }))
}

/// Delivers all events once more that were given up
#[utoipa::path(
    post, path = "/api/v1/hooks/{id}/redeliver", operation_id = "redeliver_dead_events", tag = "hooks",
    responses((status = 202, description = "They will be", body = AskedAgain)),
)]
async fn deliver_dead_again(
    api: web::Data<Api>,
    desk: web::Data<HooksDesk>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let events = redeliver_dead(&api.board.database, caller.team, *id).await?;
    let events = events.ok_or_else(|| Problem::not_found("hook"))?;
    desk.doorbell.notify_one();
    Ok(answer(StatusCode::ACCEPTED, &AskedAgain { events }))
}

//! `/api/v1/campaigns`: made of a list, looked at, added to, started, paused, resumed, canceled, deleted, and what
//! became of everybody.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::rt::spawn;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actors::know_of_many;
use crate::db::Error;
use crate::db::agents::find_agent;
use crate::db::attempts::{AttemptFilter, list_attempts};
use crate::db::campaigns::{
    self, Command, Deleted, Limited, Moved, NewCampaign, command, delete_campaign, find_campaign,
    list_campaigns,
};
use crate::db::contacts::{AlreadyThere, LOOKED_THROUGH, begin_addition, begin_campaign};
use crate::db::imports::{Origin, list_campaigns_of_file, list_imports};
use crate::db::look::look;
use crate::domain::access::Permission;
use crate::domain::agent::Agent;
use crate::domain::beginning::check_start;
use crate::domain::campaign::State;
use crate::domain::outcome::Outcome;
use crate::domain::script::{Say, Taken, check_variables};
use crate::domain::settings::Settings;
use crate::domain::template::{variable_name, variables_of};
use crate::import::{List, Role};

use super::already_there::Tally;
use super::auth::Caller;
use super::body::{Body, Query, given};
use super::changes::Changes;
use super::form::CampaignForm;
use super::idempotency::{Answers, MayComeAgain, Once};
use super::imports::ListUpload;
use super::list_form::ListForm;
use super::listed::{self, Asked, Wanted};
use super::openapi::describe;
use super::page::{AfterPosition, Before, Page};
use super::problem::{Conflict, NothingNamedSo, answer};
use super::rehearsal::Rehearsal;
use super::resource::{Methods, resource};
use super::show::{self, Attempt, Campaign, CampaignDetail, Contact, ListReport, RowSaid};
use super::spool::Spooled;
use super::{
    Api, Problem, edit, found_again, hooks, imports, intake, page, rehearsal, rules, standing, upload, wire,
};

/// The largest settings that come without a file.
const LARGEST_FORM: usize = 256 * 1024;

/// More contacts than any list has: a limit beyond it is none.
const MOST_LIMITED: u32 = 1_000_000_000;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/campaigns")
            .post(Permission::CampaignsCreate, create)
            .get(Permission::CampaignsRead, list)
            .described(describe![create, list]),
        resource("/campaigns/{id}")
            .get(Permission::CampaignsRead, get)
            .patch(Permission::CampaignsUpdate, change)
            .delete(Permission::CampaignsDelete, delete)
            .described(describe![get, change, delete]),
        resource("/campaigns/{id}/start").post(Permission::CampaignsStart, start).described(describe![start]),
        resource("/campaigns/{id}/pause").post(Permission::CampaignsPause, pause).described(describe![pause]),
        resource("/campaigns/{id}/resume")
            .post(Permission::CampaignsStart, resume)
            .described(describe![resume]),
        resource("/campaigns/{id}/cancel")
            .post(Permission::CampaignsCancel, cancel)
            .described(describe![cancel]),
        resource("/campaigns/{id}/contacts")
            .get(Permission::ContactsRead, contacts)
            .post(Permission::ContactsWrite, add)
            .described(describe![contacts, add]),
        resource("/campaigns/{id}/imports").get(Permission::CampaignsRead, lists).described(describe![lists]),
        resource("/campaigns/{id}/attempts")
            .get(Permission::ContactsRead, attempts)
            .described(describe![attempts]),
    ]
}

/// A list with the settings of the campaign that is made of it: the parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `upload` receives")]
struct CampaignUpload {
    /// The list: CSV or other text, XLSX, XLSB, XLS, ODS or JSON.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// The settings, as JSON.
    settings: CampaignForm,
}

/// A campaign that was made of a list, and what became of the list.
#[derive(Serialize, ToSchema)]
struct CreatedCampaign {
    id: Uuid,
    #[serde(flatten)]
    report: ListReport,
    import_id: Uuid,
    #[schema(value_type = wire::CampaignState)]
    state: State,
    /// Whether nobody is really called; null where it is not known, as at a command line on the database itself while no server
    /// is alive.
    simulated: Option<bool>,
    /// The first rows that were refused, 1000 at most.
    refused: Vec<RowSaid>,
    /// The first rows that repeat another, 1000 at most.
    repeated: Vec<RowSaid>,
    /// The campaigns that were made of the same file before.
    same_file_in: Vec<Uuid>,
}

/// What became of a list that was added to a campaign.
#[derive(Serialize, ToSchema)]
struct AddedList {
    #[serde(flatten)]
    report: ListReport,
    import_id: Uuid,
    /// Where the campaign stands now.
    #[schema(value_type = wire::CampaignState)]
    state: State,
    /// The first rows that were refused, 1000 at most.
    refused: Vec<RowSaid>,
    /// The first rows that repeat another, 1000 at most.
    repeated: Vec<RowSaid>,
}

/// The lists that a campaign's contacts came with.
#[derive(Serialize, ToSchema)]
struct Imports {
    imports: Vec<show::Import>,
}

/// A page of campaigns.
#[derive(Serialize, ToSchema)]
struct Campaigns {
    /// The newest first.
    campaigns: Vec<Campaign>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
struct Contacts {
    /// In the list's order, or the one that was asked for.
    contacts: Vec<Contact>,
    /// What asks for the next page; null on the last one.
    next: Option<AfterPosition>,
}

/// A page of attempts.
#[derive(Serialize, ToSchema)]
struct Attempts {
    /// The newest first.
    attempts: Vec<Attempt>,
    /// What asks for the next page; null on the last one.
    next: Option<Before>,
}

/// Makes a campaign of a list
///
/// Of one that is uploaded with the settings, or of one that was looked at before, whose `import_id` the settings name.
/// The campaign is a draft: nobody is called before it is started.
#[utoipa::path(
    post, path = "/api/v1/campaigns", operation_id = "create_campaign", tag = "campaigns", params(MayComeAgain),
    request_body(content((CampaignUpload = "multipart/form-data"), (CampaignForm = "application/json"))),
    responses(
        (status = 201, description = "The campaign, and what became of its list", body = CreatedCampaign),
        NothingNamedSo,
        Conflict,
    ),
)]
async fn create(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (said, uploaded) = if upload::is_multipart(request.headers()) {
        let uploaded = upload::receive(request.headers(), payload, api.limits.bytes, &api.spool).await?;
        (upload::required(uploaded.settings, "settings")?.into(), uploaded.file)
    } else if !upload::is_json(request.headers()) {
        let detail = "expected multipart/form-data with the parts file and settings, or the settings as JSON with an \
                      import_id";
        return Err(Problem::malformed(detail));
    } else {
        let body = payload.to_bytes_limited(LARGEST_FORM).await;
        let body = body.map_err(|_| Problem::too_large("body", LARGEST_FORM as u64))?;
        (body.map_err(|error| Problem::malformed(error.to_string()))?, None)
    };
    let form = CampaignForm::parse(&said)?;
    let digest = uploaded.as_ref().map(|file| file.digest);
    let sent = [&said[..], digest.as_ref().map_or(&[][..], |digest| &digest[..])];
    let make = async move |api: &web::Data<Api>, id| make(api, caller, id, form, uploaded).await;
    once.make(api, caller, Answers::Again, &sent, found_again::campaign, make).await
}

async fn make(
    api: &web::Data<Api>,
    caller: Caller,
    id: Uuid,
    form: CampaignForm,
    uploaded: Option<Spooled>,
) -> Result<HttpResponse, Problem> {
    let (spooled, list_form) = match (uploaded, form.import_id) {
        (Some(file), None) => (file, form.list()),
        (None, Some(import)) => {
            let (file, said) = imports::kept(api, caller.team, import).await?;
            (file, form.list().over(said))
        }
        (None, None) => {
            return Err(Problem::invalid("missing-part", "expected a part named file, or import_id"));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(
                "two-lists",
                "expected either a part named file or import_id, not both",
            ));
        }
    };
    let settings = form.settings(&list_form, api.board.default_from())?;
    check_start(form.starts_at(), api.board.clock.now())
        .map_err(|far| Problem::invalid("bad-settings", far.to_string()))?;
    rules::check(api, &settings)?;
    rules::check_safe_window(api, &settings)?;
    hooks::check_before_call(api, caller, &settings).await?;
    let agent = agent(api, caller, form.agent.as_ref(), form.agent_id).await?;
    let _turn = api.take_turn().await?;
    let list = intake::open(&spooled, list_form.options(&api.limits)?).await?;
    check_script(&agent, &settings, &list.columns(), &taken(&list))?;
    let says_names = variables_said(&agent, &settings).contains("name");
    let agent = serde_json::to_value(&agent).map_err(|error| Problem::malformed(error.to_string()))?;
    let new = NewCampaign {
        id,
        team: caller.team,
        name: form.name.trim(),
        settings: &settings,
        agent_id: form.agent_id,
        agent: &agent,
        starts_at: form.starts_at(),
        by: caller.key,
    };
    let (database, now) = (&api.board.database, api.board.clock.now());
    let others = list_campaigns_of_file(database, caller.team, &spooled.digest).await?;
    let options = list_form.to_json()?;
    let origin = match form.import_id {
        Some(preview) => Origin::Preview(preview, &options),
        None => Origin::Upload(imports::new_import(Uuid::now_v7(), &spooled, &options)),
    };
    let header = list.rejects_header();
    let mut client = database.list_client().await?;
    let Some(mut making) = begin_campaign(&mut client, &new, &origin, now).await? else {
        return Err(imports::not_kept());
    };
    let mut encoder = making.encoder();
    let (mut portions, reading) =
        intake::read(list, move |contacts, remarks| encoder.portion(&contacts, remarks));
    while let Some(portion) = portions.recv().await {
        making.take(portion?).await?;
    }
    let read = reading.await?;
    let mut report = ListReport::from(&read.account);
    let report_to_keep = imports::with_header(&report, &header)?;
    if read.account.imported == 0 {
        if making.give_up(&report_to_keep, api.previews).await? > 0 {
            api.board.sweep();
        }
        let detail = match origin {
            Origin::Upload(_) => {
                "the file holds no number that can be called; its refused rows are kept for a day to be downloaded"
            }
            Origin::Preview(..) => {
                "read with these settings the file holds no number that can be called; its import stays as it was"
            }
        };
        let import = origin.id().to_string();
        return Err(Problem::invalid("nobody-to-call", detail)
            .with("import_id", import)
            .with("refused", read.refused));
    }
    let summary = serde_json::to_value(&report.summary);
    let summary = summary.map_err(|error| Problem::malformed(error.to_string()))?;
    let contacts = making.finish(&summary, &report_to_keep).await?;
    api.count_rows(&read.account);
    drop(client);
    know_of_many(database, contacts);
    info!(campaign.id = %id, contacts, "uploaded");
    warn_of_never(api, id, &mut report).await;
    if says_names && read.account.name_column().is_none() {
        report.warnings.push(show::ListWarning::no_names());
    }
    let made = CreatedCampaign {
        id,
        report,
        import_id: origin.id(),
        state: State::Draft,
        simulated: api.is_simulated,
        refused: read.refused,
        repeated: read.repeated,
        same_file_in: others,
    };
    Ok(answer(StatusCode::CREATED, &made))
}

/// A list is stored also if nobody, or not everybody, can ever be called by the settings, but not without a word. It is
/// committed: if the word cannot be had, that is no reason to send the list again.
async fn warn_of_never(api: &Api, campaign: Uuid, report: &mut ListReport) {
    let look = look(&api.board.database, campaign, api.board.onlooker().account_sid, None).await;
    let look = look.unwrap_or_else(|error| {
        warn!(error = &error as &dyn std::error::Error, "it was not looked whether everybody can be called");
        None
    });
    let never = match look {
        Some(look) => standing::never(&api.observer(), campaign, &look).await,
        None => Ok(None),
    };
    let never = never.unwrap_or_else(|error| {
        warn!(error = &error as &dyn std::error::Error, "it was not counted whom nobody can call");
        None
    });
    report.warnings.extend(never.map(|why| show::ListWarning::never_called(&why)));
}

/// Adds a list to a campaign
///
/// Whether it runs or is completed. Contacts that it has already are left as they are. The list comes as parts, or as a
/// body that is the list itself.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/contacts", operation_id = "add_contacts", tag = "contacts", params(MayComeAgain),
    request_body(content(
        (ListUpload = "multipart/form-data"),
        (Vec<wire::ContactInList> = "application/json"),
        (String = "text/csv"),
    )),
    responses((status = 201, description = "What became of the list", body = AddedList), Conflict),
)]
async fn add(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    id: web::Path<Uuid>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let Some(campaign) = find_campaign(&api.board.database, caller.team, *id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let (spooled, form) = imports::list_of(&api, &request, payload).await?;
    let (said, digest) = (form.to_json()?.to_string(), spooled.digest);
    let add = async move |api: &web::Data<Api>, import| {
        add_list(api, caller, campaign, import, spooled, form).await
    };
    once.make(api, caller, Answers::Again, &[said.as_bytes(), &digest], found_again::addition, add).await
}

async fn add_list(
    api: &web::Data<Api>,
    caller: Caller,
    campaign: campaigns::Campaign,
    import: Uuid,
    spooled: Spooled,
    said: ListForm,
) -> Result<HttpResponse, Problem> {
    let (board, id) = (&api.board, campaign.id);
    let of_campaign = ListForm {
        default_region: Some(campaign.settings.default_region.clone()),
        countries: campaign.settings.countries.clone(),
        ..ListForm::default()
    };
    let form = said.over(of_campaign);
    let _turn = api.take_turn().await?;
    let list = intake::open(&spooled, form.options(&api.limits)?).await?;
    let agent: Agent = serde_json::from_value(campaign.agent).map_err(|error| {
        Problem::invalid("bad-agent", format!("the campaign's agent cannot be read: {error}"))
    })?;
    check_script(&agent, &campaign.settings, &list.columns(), &taken(&list))?;
    let options = form.to_json()?;
    let origin = Origin::Upload(imports::new_import(import, &spooled, &options));
    let (database, now) = (&board.database, board.clock.now());
    let header = list.rejects_header();
    let mut client = database.list_client().await?;
    let mut adding = begin_addition(&mut client, caller.team, id, &origin, now).await??;
    let mut encoder = adding.encoder();
    let (mut portions, reading) =
        intake::read(list, move |contacts, remarks| encoder.portion(&contacts, remarks));
    while let Some(portion) = portions.recv().await {
        adding.take(portion?).await?;
    }
    let read = reading.await?;
    let phone_column = read.account.phone_column().unwrap_or_default();
    let mut there = Tally::of(&read.account);
    let remark = |row: &AlreadyThere| {
        there.note(row, phone_column);
        intake::already_there(row, phone_column)
    };
    let merged = adding.merge(remark).await??;
    let mut report = ListReport::from(&read.account);
    there.correct(&mut report, merged.added);
    let added = merged.commit(&imports::with_header(&report, &header)?, board.node()).await??;
    drop(client);
    if added.wakes {
        board.wake(&[id]).await;
    }
    know_of_many(database, added.added);
    api.count_rows(&read.account);
    info!(campaign.id = %id, contacts = added.added, "contacts added");
    warn_of_never(api, id, &mut report).await;
    let (import_id, state) = (origin.id(), added.state);
    let body = AddedList { report, import_id, state, refused: read.refused, repeated: read.repeated };
    Ok(answer(StatusCode::CREATED, &body))
}

/// Lists the lists that a campaign's contacts came with
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/imports", operation_id = "list_imports", tag = "campaigns",
    responses((status = 200, description = "The lists", body = Imports)),
)]
async fn lists(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    must_exist(&api, caller, *id).await?;
    let imports = list_imports(&api.board.database, caller.team, *id).await?;
    let imports = imports.into_iter().map(show::Import::from).collect();
    Ok(answer(StatusCode::OK, &Imports { imports }))
}

/// The agent that is given, or the one that is kept under this id.
pub(crate) async fn agent(
    api: &Api,
    caller: Caller,
    given: Option<&Agent>,
    id: Option<Uuid>,
) -> Result<Agent, Problem> {
    if let Some(agent) = given {
        return Ok(agent.clone());
    }
    let id = id.unwrap_or_default();
    let Some(agent) = find_agent(&api.board.database, caller.team, id).await? else {
        return Err(Problem::invalid("unknown-agent", format!("there is no agent {id}")));
    };
    let script = serde_json::from_value(agent.script).map_err(|error| {
        Problem::invalid("bad-agent", format!("the agent's script cannot be read: {error}"))
    })?;
    Ok(Agent { name: agent.name, prompt_text: agent.prompt_text, script })
}

/// The columns that no variable of their own stands for, of those that were recognised.
fn taken(list: &List) -> Vec<Taken> {
    list.found().iter().filter_map(|found| taken_for(found.role, &found.name)).collect()
}

fn taken_for(role: Role, column: &str) -> Option<Taken> {
    let variable = match role {
        Role::Name | Role::GivenName | Role::FamilyName => "name",
        Role::Phone => "phone",
        Role::Alternate | Role::Country | Role::Timezone | Role::Priority | Role::Extension => return None,
    };
    Some(Taken { column: column.to_owned(), variable })
}

/// The same of a column whose role is told by its name, as reports do.
pub(crate) fn taken_by_name(role: &str, column: &str) -> Option<Taken> {
    taken_for(Role::parse(role).ok()?, column)
}

/// What is said may name the contact's name, its number, and the list's columns, and nothing else. `taken` are those of the
/// list's columns that are the name and the number.
pub(crate) fn check_script(
    agent: &Agent,
    settings: &Settings,
    columns: &[String],
    taken: &[Taken],
) -> Result<(), Problem> {
    let bad = |detail: String| Problem::invalid("bad-script", detail);
    agent.script.check().map_err(|error| bad(format!("agent.script: {error}")))?;
    let own = ["name", "phone"];
    let variables: Vec<String> = columns.iter().map(|column| variable_name(column)).collect();
    if settings.opt_out_digit.is_some() && !agent.script.can_be_interrupted_by_keys() {
        let detail = "opt_out_digit is set, expected a script with say or play: where an agent is connected or \
                      somebody else's server says what is heard, they hear the keys; tell us of an opt-out by \
                      POST …/attempts/{id}/opt-out";
        return Err(bad(detail.to_owned()));
    }
    let named = variables_said(agent, settings);
    // A column called like the contact's own name gives way to it, and two of one name harm nobody unless it is said.
    let is_said = |variable: &str| !own.contains(&variable) && named.contains(variable);
    let said = columns.iter().zip(&variables).filter(|(_, variable)| is_said(variable));
    variables_of(said.map(|(column, _)| column.as_str())).map_err(|collision| bad(collision.to_string()))?;
    let available = variables.iter().map(String::as_str).chain(own);
    check_variables(&named, available, taken).map_err(|unknown| bad(unknown.to_string()))
}

/// The variables of all that is said, to people and to machines.
fn variables_said<'a>(agent: &'a Agent, settings: &'a Settings) -> BTreeSet<&'a str> {
    let mut named = agent.script.variables();
    named.extend(settings.answering_machine.message.iter().flat_map(Say::variables));
    named
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<wire::CampaignState>)]
    state: Option<String>,
    /// Only the runs of this campaign.
    repeats_of: Option<Uuid>,
    /// Only those made before this one.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists campaigns
#[utoipa::path(
    get, path = "/api/v1/campaigns", operation_id = "list_campaigns", tag = "campaigns", params(ListQuery),
    responses((status = 200, description = "A page of campaigns", body = Campaigns)),
)]
async fn list(api: web::Data<Api>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Page, Problem> {
    let state = page::named(query.state.as_ref(), State::parse)?;
    let limit = page::limit(query.limit)?;
    let rows =
        list_campaigns(&api.board.database, caller.team, state, query.repeats_of, query.before, limit + 1)
            .await?;
    let (rows, next) = page::cut(rows, limit, |campaign| Before { before: campaign.id });
    let campaigns = rows.into_iter().map(Campaign::from).collect();
    let page = Campaigns { campaigns, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

/// Shows a campaign
///
/// With what it waits for, and until when.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", operation_id = "get_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign", body = CampaignDetail)),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *id).await?))
}

/// A campaign, with what it waits for.
pub(crate) async fn shown(api: &Api, team: Uuid, id: Uuid) -> Result<CampaignDetail, Problem> {
    let detail = standing::detail(&api.observer(), team, id).await?;
    detail.ok_or_else(|| Problem::not_found("campaign"))
}

/// How a campaign is to be started.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartForm {
    /// How many different contacts are called until it is paused; null for all of them. With `dry_run` how many of them
    /// it is rehearsed with: 200 at most, 50 unless it is said.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 50)]
    limit: Option<Option<u32>>,
    /// Whether it is only rehearsed: nobody is called, and nothing is written.
    #[serde(default)]
    dry_run: bool,
}

/// How a campaign is to be resumed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResumeForm {
    /// How many different contacts are called from now on until it is paused again; null for all of them. Left out, a limit
    /// that was not reached goes on.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 50)]
    limit: Option<Option<u32>>,
}

/// The campaign as it is now, or with `dry_run` what would happen.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Started {
    /// It was started.
    Campaign(Box<CampaignDetail>),
    /// It was only rehearsed.
    Rehearsal(Rehearsal),
}

/// Reads a body that may be left out.
fn wish<T: Default + DeserializeOwned>(body: &Body) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { body.json("bad-start") }
}

/// How many contacts are called, by the `limit` that is given.
fn limited(limit: Option<Option<u32>>) -> Result<Limited, Problem> {
    match limit {
        None => Ok(Limited::AsBefore),
        Some(None) => Ok(Limited::Not),
        Some(Some(contacts @ 1..=MOST_LIMITED)) => Ok(Limited::To(contacts)),
        Some(Some(contacts)) => {
            let detail = format!("limit is {contacts}, expected contacts from 1 to {MOST_LIMITED}");
            Err(Problem::invalid("bad-start", detail))
        }
    }
}

/// Changes a campaign
///
/// A key that is given replaces the whole setting, null takes away one that may be absent, and what is left out stays. A
/// campaign at work takes its name, `pacing`, `business_hours`, `caps`, `max_calls_per_day`, `max_spend` and
/// `retry_policy`; for the rest it has to be paused first. Another setting or agent makes a new version.
#[utoipa::path(
    patch, path = "/api/v1/campaigns/{id}", operation_id = "change_campaign", tag = "campaigns",
    request_body = Changes,
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
async fn change(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    edit::change(&api, caller, *id, &Changes::read(&body)?).await?;
    Ok(answer(StatusCode::OK, &shown(&api, caller.team, *id).await?))
}

/// Starts a campaign
///
/// People are called from then on, or from `starts_at` on. With a `limit` it is paused after so many contacts. With
/// `dry_run` it is only said what would happen, whatever its state is: nobody is called, and nothing is written.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/start", operation_id = "start_campaign", tag = "campaigns",
    request_body = Option<StartForm>,
    responses((status = 200, description = "The campaign as it is now, or what would happen", body = Started), Conflict),
)]
async fn start(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let StartForm { limit, dry_run } = wish(&body)?;
    if dry_run {
        let rehearsal = rehearsal::rehearse(&api, caller, *id, limit.flatten()).await?;
        return Ok(answer(StatusCode::OK, &Started::Rehearsal(rehearsal)));
    }
    let limit = limited(limit)?;
    can_go_by_its_rules(&api, caller, *id).await?;
    let account_sid = api.board.account_to_start_with()?;
    let started = carry_out(&api, caller, *id, Command::Start { account_sid, limit }).await?;
    Ok(answer(StatusCode::OK, &Started::Campaign(Box::new(started))))
}

/// Pauses a campaign
///
/// No call is begun later than a second after that. One that is under way goes on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", operation_id = "pause_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
async fn pause(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Pause).await?))
}

/// Resumes a campaign
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/resume", operation_id = "resume_campaign", tag = "campaigns",
    request_body = Option<ResumeForm>,
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
async fn resume(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let ResumeForm { limit } = wish(&body)?;
    let limit = limited(limit)?;
    can_go_by_its_rules(&api, caller, *id).await?;
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Resume { limit }).await?))
}

/// What a campaign was made with may have gone since.
pub(super) async fn can_go_by_its_rules(api: &Api, caller: Caller, id: Uuid) -> Result<(), Problem> {
    let board = &api.board;
    let campaign = find_campaign(&board.database, caller.team, id).await?;
    let settings = campaign.ok_or_else(|| Problem::not_found("campaign"))?.settings;
    rules::check(api, &settings)?;
    hooks::check_before_call(api, caller, &settings).await?;
    let look = look(&board.database, id, board.onlooker().account_sid, None).await?;
    match look.as_ref().and_then(|look| look.missing_zones.keys().next().filter(|_| look.queues.is_empty())) {
        Some(zone) => Err(Error::ZoneMissing(zone.to_string()).into()),
        None => Ok(()),
    }
}

/// Cancels a campaign
///
/// For good: it never calls anybody again.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/cancel", operation_id = "cancel_campaign", tag = "campaigns",
    responses((status = 200, description = "The campaign as it is now", body = CampaignDetail), Conflict),
)]
async fn cancel(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &carry_out(&api, caller, *id, Command::Cancel).await?))
}

async fn carry_out(
    api: &Api,
    caller: Caller,
    id: Uuid,
    wanted: Command<'_>,
) -> Result<CampaignDetail, Problem> {
    let board = &api.board;
    match command(&board.database, caller.team, id, wanted, (caller.key, board.node()), board.clock.now())
        .await?
    {
        Moved::Done => {}
        Moved::Illegal(illegal) => return Err(illegal.into()),
        Moved::NotFound => return Err(Problem::not_found("campaign")),
    }
    info!(campaign.id = %id, command = %wanted.as_move(), "commanded");
    board.wake(&[id]).await;
    shown(api, caller.team, id).await
}

/// Deletes a campaign
///
/// With all that is known of its calls. Not while it is at work, or a call of it is open.
#[utoipa::path(
    delete, path = "/api/v1/campaigns/{id}", operation_id = "delete_campaign", tag = "campaigns",
    responses((status = 204, description = "It is deleted"), Conflict),
)]
async fn delete(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let (database, team, campaign) = (api.board.database.clone(), caller.team, *id);
    let now = api.board.clock.now();
    // It is carried out to its end also if nobody waits for the answer any more.
    let deleting = spawn(async move { delete_campaign(&database, team, campaign, caller.key, now).await });
    match deleting.await.map_err(|_| Problem::unavailable("the server is stopping"))?? {
        Deleted::Done => Ok(HttpResponse::NoContent().finish()),
        Deleted::NotFound => Err(Problem::not_found("campaign")),
        Deleted::Busy(state @ (State::Pending | State::Running)) => {
            let detail = format!("cannot delete a {state} campaign; pause or cancel it first");
            Err(Problem::conflict("campaign-at-work", detail).with("from", state.as_str()))
        }
        Deleted::Busy(state) => {
            let detail = "a call of this campaign is not settled yet; try again when it has ended";
            Err(Problem::conflict("call-open", detail).with("from", state.as_str()))
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContactsQuery {
    /// Only those in this state.
    #[param(value_type = Option<wire::ContactState>)]
    state: Option<String>,
    /// Only those whose last attempt came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// Only those whom this finds: a number in any writing, its last digits, or a part of a name. Each page then looks
    /// through the next 250,000 contacts at most, so that it may hold fewer than asked for, or none, and have a next one.
    #[param(max_length = 200)]
    search: Option<String>,
    /// In which order; with a minus before it from its end. Those that are alike in it stand as in the list. By `position`,
    /// which is the list's, and by `phone` without a filter any campaign's are sorted; otherwise one with up to 25,000 contacts.
    #[param(value_type = Option<wire::ContactOrder>, inline)]
    sort: Option<String>,
    /// Only those behind this position.
    after: Option<i32>,
    /// With `after`, what the contact there was sorted by, as the `next` of the page before has it.
    past: Option<String>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists a campaign's contacts
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/contacts", operation_id = "list_contacts", tag = "contacts",
    params(ContactsQuery), responses((status = 200, description = "A page of contacts", body = Contacts)),
)]
async fn contacts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsQuery>,
) -> Result<Page, Problem> {
    let wanted = Wanted::read(&Asked {
        state: query.state.as_deref(),
        outcome: query.outcome.as_deref(),
        search: query.search.as_deref(),
        sort: query.sort.as_deref(),
        after: query.after,
        past: query.past.as_deref(),
    })?;
    let limit = page::limit(query.limit)?;
    let Some(campaign) = find_campaign(&api.board.database, caller.team, *id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let extent = (wanted.search.is_some().then_some(LOOKED_THROUGH), limit + 1);
    let found = listed::list(&api, caller.team, &campaign, &wanted, extent).await?;
    let (rows, next) = page::cut(found.contacts, limit, |last| AfterPosition {
        after: last.position,
        past: (!wanted.order.has_index()).then(|| wanted.order.mark(last)),
    });
    let next = next.or(found.looked_to.map(|after| AfterPosition { after, past: None }));
    let contacts = rows.into_iter().map(Contact::from).collect();
    let page = Contacts { contacts, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttemptsQuery {
    /// Only those that came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// Only those of this contact.
    contact: Option<Uuid>,
    /// Only those made before this one.
    before: Option<Uuid>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists a campaign's attempts
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/attempts", operation_id = "list_attempts", tag = "attempts",
    params(AttemptsQuery), responses((status = 200, description = "A page of attempts", body = Attempts)),
)]
async fn attempts(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<AttemptsQuery>,
) -> Result<Page, Problem> {
    let filter = AttemptFilter {
        outcome: page::named(query.outcome.as_ref(), Outcome::parse)?,
        contact: query.contact,
        before: query.before,
    };
    let limit = page::limit(query.limit)?;
    must_exist(&api, caller, *id).await?;
    let rows = list_attempts(&api.board.database, caller.team, *id, &filter, limit + 1).await?;
    let (rows, next) = page::cut(rows, limit, |attempt| Before { before: attempt.id });
    let attempts = rows.into_iter().map(Attempt::from).collect();
    let page = Attempts { attempts, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

pub(super) async fn must_exist(api: &Api, caller: Caller, id: Uuid) -> Result<(), Problem> {
    let campaign = find_campaign(&api.board.database, caller.team, id).await?;
    campaign.map(drop).ok_or_else(|| Problem::not_found("campaign"))
}

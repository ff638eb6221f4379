//! Lists that are added to a campaign, and all that its contacts came with.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::know_of_many;
use crate::db::campaigns::{self, find_campaign};
use crate::db::contacts::{AlreadyThere, begin_addition};
use crate::db::imports::{Origin, list_imports};
use crate::domain::agent::Agent;
use crate::domain::campaign::State;

use super::making::warn_of_never;
use super::must_exist;
use super::script::{check_script, taken};
use crate::http::already_there::Tally;
use crate::http::auth::Caller;
use crate::http::idempotency::{Answers, MayComeAgain, Once};
use crate::http::imports::ListUpload;
use crate::http::list_form::ListForm;
use crate::http::problem::{Conflict, answer};
use crate::http::show::{self, ListReport, RowSaid};
use crate::http::spool::Spooled;
use crate::http::{Api, Problem, found_again, imports, intake, wire};

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
pub(super) async fn add(
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
pub(super) async fn lists(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    must_exist(&api, caller, *id).await?;
    let imports = list_imports(&api.board.database, caller.team, *id).await?;
    let imports = imports.into_iter().map(show::Import::from).collect();
    Ok(answer(StatusCode::OK, &Imports { imports }))
}

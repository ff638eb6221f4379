//! A campaign is made of a list: of one that is uploaded with its settings, or of one that was looked at before.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tracing::{info, warn};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::know_of_many;
use crate::db::campaigns::NewCampaign;
use crate::db::contacts::begin_campaign;
use crate::db::imports::{Origin, list_campaigns_of_file};
use crate::db::look::look;
use crate::domain::beginning::check_start;
use crate::domain::campaign::State;

use super::script::{agent, check_script, taken, variables_said};
use crate::http::auth::Caller;
use crate::http::form::CampaignForm;
use crate::http::idempotency::{Answers, MayComeAgain, Once};
use crate::http::problem::{Conflict, NothingNamedSo, answer};
use crate::http::show::{self, ListReport, RowSaid};
use crate::http::spool::Spooled;
use crate::http::{Api, Problem, found_again, hooks, imports, intake, rules, standing, upload, wire};

/// The largest settings that come without a file.
const LARGEST_FORM: usize = 256 * 1024;

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
pub(super) async fn create(
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
pub(super) async fn warn_of_never(api: &Api, campaign: Uuid, report: &mut ListReport) {
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

//! `/api/v1/campaigns/{id}/contacts.csv`, `.xlsx`, `…/attempts.csv`, `.xlsx`: a campaign's lists as files, written while they
//! are sent. Which columns there are is in [`columns`], how a workbook is written in [`super::workbook`].
//!
//! An error on the way breaks the answer off, so that nobody takes a part of a list for all of it.

mod columns;

use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db;
use crate::db::campaigns::{Campaign, find_campaign};
use crate::db::export::{Rows, Wanted, list_metadata_names, stream_attempts, stream_contacts};
use crate::domain::access::Permission;
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::auth::Caller;
use super::body::Query;
use super::csv::{BYTE_ORDER_MARK, Field, lines};
use super::imports::attachment;
use super::openapi::describe;
use super::resource::{Methods, resource};
use super::workbook::{Cell, Workbook};
use super::{Api, Problem, page, wire};
use columns::{Kind, Layout, Told};

pub(super) fn resources() -> Vec<Methods> {
    let export = Permission::ContactsExport;
    vec![
        resource("/campaigns/{id}/contacts.csv").get(export, contacts_csv).described(describe![contacts_csv]),
        resource("/campaigns/{id}/contacts.xlsx")
            .get(export, contacts_xlsx)
            .described(describe![contacts_xlsx]),
        resource("/campaigns/{id}/attempts.csv").get(export, attempts_csv).described(describe![attempts_csv]),
        resource("/campaigns/{id}/attempts.xlsx")
            .get(export, attempts_xlsx)
            .described(describe![attempts_xlsx]),
    ]
}

/// Which contacts are taken, and which columns of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContactsWanted {
    /// Only those in this state.
    #[param(value_type = Option<wire::ContactState>)]
    state: Option<String>,
    /// Only those whose last attempt came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// The columns, with commas between them: those of the API by their names, `metadata.Title` for one of the list's own and
    /// `metadata.*` for all of these; all, unless it is said.
    #[param(example = "name,phone,state,metadata.*")]
    columns: Option<String>,
}

/// Which attempts are taken, and which columns of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttemptsWanted {
    /// Only those that came to this.
    #[param(value_type = Option<wire::Outcome>)]
    outcome: Option<String>,
    /// The columns, with commas between them, as for contacts; all but the list's own, unless it is said.
    #[param(example = "name,to,outcome,intended_at")]
    columns: Option<String>,
}

/// A file's bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it describes what is sent")]
struct FileOfList(Vec<u8>);

/// What a list is written as.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv,
    Workbook,
}

/// What is asked for.
struct Order {
    kind: Kind,
    format: Format,
    wanted: Wanted,
    columns: Option<String>,
}

/// Downloads a campaign's contacts as CSV
///
/// UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula has an apostrophe before it. An error on the way
/// breaks the answer off.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/contacts.csv", operation_id = "download_contacts_csv", tag = "contacts", params(ContactsWanted),
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")),
)]
async fn contacts_csv(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsWanted>,
) -> Result<HttpResponse, Problem> {
    export(&api, caller, *id, contacts(query, Format::Csv)?).await
}

/// Downloads a campaign's contacts as a workbook
///
/// Instants are on the campaign's clock. A list of more than 1,048,575 rows goes on on further sheets. An error on the way
/// breaks the answer off.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/contacts.xlsx", operation_id = "download_contacts_xlsx", tag = "contacts", params(ContactsWanted),
    responses((status = 200, description = "The file", body = FileOfList,
               content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
)]
async fn contacts_xlsx(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<ContactsWanted>,
) -> Result<HttpResponse, Problem> {
    export(&api, caller, *id, contacts(query, Format::Workbook)?).await
}

/// Downloads a campaign's attempts as CSV
///
/// UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula has an apostrophe before it. An error on the way
/// breaks the answer off.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/attempts.csv", operation_id = "download_attempts_csv", tag = "attempts", params(AttemptsWanted),
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")),
)]
async fn attempts_csv(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<AttemptsWanted>,
) -> Result<HttpResponse, Problem> {
    export(&api, caller, *id, attempts(query, Format::Csv)?).await
}

/// Downloads a campaign's attempts as a workbook
///
/// Instants are on the campaign's clock. A list of more than 1,048,575 rows goes on on further sheets. An error on the way
/// breaks the answer off.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/attempts.xlsx", operation_id = "download_attempts_xlsx", tag = "attempts", params(AttemptsWanted),
    responses((status = 200, description = "The file", body = FileOfList,
               content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
)]
async fn attempts_xlsx(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<AttemptsWanted>,
) -> Result<HttpResponse, Problem> {
    export(&api, caller, *id, attempts(query, Format::Workbook)?).await
}

fn contacts(query: ContactsWanted, format: Format) -> Result<Order, Problem> {
    let state = page::named(query.state.as_ref(), ContactState::parse)?;
    let outcome = page::named(query.outcome.as_ref(), Outcome::parse)?;
    let wanted = Wanted { state, outcome, metadata: false };
    Ok(Order { kind: Kind::Contacts, format, wanted, columns: query.columns })
}

fn attempts(query: AttemptsWanted, format: Format) -> Result<Order, Problem> {
    let outcome = page::named(query.outcome.as_ref(), Outcome::parse)?;
    let wanted = Wanted { state: None, outcome, metadata: false };
    Ok(Order { kind: Kind::Attempts, format, wanted, columns: query.columns })
}

async fn export(api: &Api, caller: Caller, id: Uuid, order: Order) -> Result<HttpResponse, Problem> {
    let Order { kind, format, mut wanted, columns } = order;
    let database = api.board.database.clone();
    let Some(campaign) = find_campaign(&database, caller.team, id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let asked = columns::read(kind, columns.as_deref())?;
    let own = match asked.need_the_list_s_own() {
        true => list_s_own(&campaign, list_metadata_names(&database, caller.team, id).await?),
        false => Vec::new(),
    };
    let layout = Arc::new(asked.lay_out(&own, campaign.settings.timezone.clone())?);
    wanted.metadata = layout.has_metadata();
    let rows: Pin<Box<dyn Stream<Item = Result<Rows, db::Error>>>> = match kind {
        Kind::Contacts => Box::pin(stream_contacts(&database, caller.team, id, wanted)),
        Kind::Attempts => Box::pin(stream_attempts(&database, caller.team, id, wanted)),
    };
    let (file, beginning) = File::begin(kind, format, &layout)?;
    let is_there = async move {
        let campaign = find_campaign(&database, caller.team, id).await?;
        campaign.map(drop).ok_or_else(|| Problem::not_found("campaign"))
    };
    let under_way = api.long_answers.begin(caller.key)?;
    let written = stream::try_unfold((file, rows, Some(is_there)), move |(file, mut rows, is_there)| {
        let layout = layout.clone();
        async move {
            match (rows.next().await, is_there) {
                (_, None) => Ok(None),
                (Some(some), is_there) => {
                    let some = some?;
                    let (file, bytes) = on_a_thread(move || file.add(kind, &some, &layout)).await?;
                    Ok(Some((bytes, (file, rows, is_there))))
                }
                // If the campaign was deleted meanwhile, its rows went one after the other, and what was left of them is
                // not all.
                (None, Some(is_there)) => {
                    is_there.await?;
                    let (file, bytes) = on_a_thread(move || file.finish()).await?;
                    Ok(Some((bytes, (file, rows, None))))
                }
            }
        }
    });
    let name = columns::file_name(&campaign.name, kind);
    let (media_type, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Workbook => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, attachment(&format!("{name}.{ending}"))))
        .streaming(under_way.of(stream::once(async { Ok::<_, Problem>(beginning) }).chain(written))))
}

/// The names of the list's own columns in the order of the list, those that only later lists had behind them.
fn list_s_own(campaign: &Campaign, names: Vec<String>) -> Vec<String> {
    let header = campaign.import["columns"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    let mut own: Vec<String> = header.map(str::to_owned).collect();
    own.extend(names.into_iter().filter(|name| !own.contains(name)).collect::<Vec<_>>());
    own
}

/// A file that is being written.
enum File {
    Csv,
    Workbook(Box<Workbook>),
    Finished,
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
enum Unwritten {
    #[error(transparent)]
    Row(#[from] db::Error),
    #[error(transparent)]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Workbook(#[from] zip::result::ZipError),
}

impl From<Unwritten> for Problem {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Row(error) => error.into(),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "a list cannot be written");
                Self::unavailable("the list cannot be written")
            }
        }
    }
}

impl File {
    /// Begins with the header.
    fn begin(kind: Kind, format: Format, layout: &Layout) -> Result<(Self, web::Bytes), Unwritten> {
        let titles = layout.titles();
        match format {
            Format::Csv => {
                let header = lines([titles.iter().map(String::as_str)])?;
                Ok((Self::Csv, [BYTE_ORDER_MARK.as_bytes(), &header].concat().into()))
            }
            Format::Workbook => {
                let mut workbook = Workbook::new(kind.title(), titles)?;
                let beginning = workbook.take();
                Ok((Self::Workbook(Box::new(workbook)), beginning.into()))
            }
        }
    }

    /// Goes on with these rows.
    fn add(mut self, kind: Kind, rows: &Rows, layout: &Layout) -> Result<(Self, web::Bytes), Unwritten> {
        let mut told = Vec::new();
        match kind {
            Kind::Contacts => {
                for contact in rows.contacts() {
                    told.push(layout.contact(contact?));
                }
            }
            Kind::Attempts => {
                for attempt in rows.attempts() {
                    told.push(layout.attempt(attempt?));
                }
            }
        }
        let bytes = match &mut self {
            Self::Csv => {
                let written =
                    |row: Vec<Told>| row.into_iter().map(|told| Written::of(told, layout)).collect();
                let records: Vec<Vec<Written>> = told.into_iter().map(written).collect();
                lines(records.iter().map(|record| record.iter().map(Written::field)))?
            }
            Self::Workbook(workbook) => {
                for row in &told {
                    workbook.add(row.iter().map(|told| cell(told, layout)))?;
                }
                workbook.take().into()
            }
            Self::Finished => web::Bytes::new(),
        };
        Ok((self, bytes))
    }

    /// Ends it.
    fn finish(self) -> Result<(Self, web::Bytes), Unwritten> {
        match self {
            Self::Csv | Self::Finished => Ok((Self::Finished, web::Bytes::new())),
            Self::Workbook(workbook) => Ok((Self::Finished, workbook.finish()?.into())),
        }
    }
}

/// What is told as it stands in a line of CSV.
enum Written {
    Text(String),
    Number(String),
}

impl Written {
    fn of(told: Told, layout: &Layout) -> Self {
        match told {
            Told::Nothing => Self::Text(String::new()),
            Told::Text(text) => Self::Text(text),
            Told::Number(number) => Self::Number(number.to_string()),
            Told::Amount(amount) => Self::Number(amount.to_string()),
            Told::Instant(at) => Self::Text(layout.with_offset(at)),
        }
    }

    fn field(&self) -> Field<'_> {
        match self {
            Self::Text(text) => Field::Text(text),
            Self::Number(number) => Field::Number(number),
        }
    }
}

fn cell<'t>(told: &'t Told, layout: &Layout) -> Cell<'t> {
    match told {
        Told::Nothing => Cell::Empty,
        Told::Text(text) => Cell::Text(text),
        Told::Number(number) => Cell::Number(*number as f64),
        Told::Amount(amount) => Cell::Number(amount.millionths() as f64 / 1e6),
        Told::Instant(at) => Cell::Moment(layout.local(*at)),
    }
}

/// Does what takes a while where it holds up nobody else.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Unwritten> + Send + 'static,
) -> Result<T, Problem> {
    let done = web::block(work).await.map_err(|_| Problem::unavailable("the server is stopping"))?;
    Ok(done?)
}

//! `/api/v1/imports`: a list looked at before it is stored, what became of each of its rows, and the refused ones as a
//! file that can be corrected and sent again.

use std::fs::File;
use std::future::Future;
use std::io::Seek;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_DISPOSITION, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::imports::{
    Import, KindName, LARGEST_PIECE, NewImport, PREVIEW_LASTS, Previewing, RefusedRow, RemarkFilter,
    RemarkOfRow, begin_preview, begin_preview_again, find_import, find_piece, list_campaigns_of_file,
    list_remarks, stream_refused,
};
use crate::import::Rejects;

use crate::domain::access::Permission;

use super::auth::Caller;
use super::body::{Body, Query, json};
use super::idempotency::{Answers, MayComeAgain, Once};
use super::list_form::ListForm;
use super::openapi::describe;
use super::page::{AfterText, Page};
use super::problem::{Conflict, answer};
use super::resource::{Methods, resource};
use super::show::{self, ListReport, RowRemark, RowSaid};
use super::spool::{Spooled, read_on};
use super::{Api, Problem, found_again, intake, page, upload, wire};

/// Where a report keeps the header of its rejects file.
const HEADER: &str = "rejects_header";

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/imports").post(Permission::CampaignsCreate, preview).described(describe![preview]),
        resource("/imports/{id}").get(Permission::CampaignsRead, get).described(describe![get]),
        resource("/imports/{id}/again").post(Permission::CampaignsCreate, again).described(describe![again]),
        resource("/imports/{id}/rows").get(Permission::ContactsRead, rows).described(describe![rows]),
        resource("/imports/{id}/rejects.csv")
            .get(Permission::ContactsRead, rejects)
            .described(describe![rejects]),
    ]
}

/// A list, and what is said about it: the parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `upload` receives")]
pub(super) struct ListUpload {
    /// The list: CSV or other text, XLSX, XLSB, XLS, ODS or JSON.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// What is said about it, as JSON.
    settings: Option<ListForm>,
}

/// A list that was looked at.
#[derive(Serialize, ToSchema)]
struct Preview {
    id: Uuid,
    #[serde(flatten)]
    report: ListReport,
    /// Until when its file is kept.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    expires_at: DateTime<Utc>,
    /// The first rows that are refused, 1000 at most.
    refused: Vec<RowSaid>,
    /// The first rows that repeat another, 1000 at most.
    repeated: Vec<RowSaid>,
    /// The campaigns that were made of the same file before.
    same_file_in: Vec<Uuid>,
}

/// Looks at a list without storing its contacts
///
/// Its file is kept for a day, or until too many newer ones of the team have come, for a campaign to be made of it. The
/// list comes as parts, or as a body that is the list itself.
#[utoipa::path(
    post, path = "/api/v1/imports", operation_id = "preview_list", tag = "imports", params(MayComeAgain),
    request_body(content(
        (ListUpload = "multipart/form-data"),
        (Vec<wire::ContactInList> = "application/json"),
        (String = "text/csv"),
    )),
    responses((status = 201, description = "What would become of it", body = Preview), Conflict),
)]
async fn preview(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (spooled, form) = list_of(&api, &request, payload).await?;
    let (said, digest) = (form.to_json()?.to_string(), spooled.digest);
    let look_at = async move |api: &web::Data<Api>, id| look_at(api, caller, (id, None), spooled, form).await;
    once.make(api, caller, Answers::Again, &[said.as_bytes(), &digest], found_again::preview, look_at).await
}

/// Looks at a list otherwise
///
/// Reads the kept file of a list that was looked at once more, by what is said now, and not what was said before: nothing is
/// uploaded again. What is answered takes the place of the former, whose id is good no longer. If it is refused, all stays as it was.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/again", operation_id = "preview_list_again", tag = "imports", params(MayComeAgain),
    request_body = ListForm,
    responses((status = 201, description = "What would become of it, read so", body = Preview), Conflict),
)]
async fn again(
    api: web::Data<Api>,
    caller: Caller,
    once: Once,
    id: web::Path<Uuid>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (before, form) = (*id, body.json::<ListForm>("bad-settings")?);
    let said = form.to_json()?.to_string();
    let look_at = async move |api: &web::Data<Api>, id| {
        let (spooled, _) = kept(api, caller.team, before).await?;
        look_at(api, caller, (id, Some(before)), spooled, form).await
    };
    once.make(api, caller, Answers::Again, &[said.as_bytes()], found_again::preview, look_at).await
}

/// Looks at a list, as an import of this id: one that has just come, or the kept file of the import before.
async fn look_at(
    api: &Api,
    caller: Caller,
    (id, before): (Uuid, Option<Uuid>),
    spooled: Spooled,
    form: ListForm,
) -> Result<HttpResponse, Problem> {
    let _turn = api.take_turn().await?;
    let (database, now) = (&api.board.database, api.board.clock.now());
    let others = list_campaigns_of_file(database, caller.team, &spooled.digest).await?;
    let list = intake::open(&spooled, form.options(&api.limits)?).await?;
    let header = list.rejects_header();
    let (format, options) = (list.format(), form.to_json()?);
    let (mut remarks, reading) = intake::read(list, |_, remarks| remarks);
    let mut client = database.list_client().await?;
    let import = new_import(id, &spooled, &options);
    let mut kept = match before {
        None => begin_preview(&mut client, caller.team, &import, now).await?,
        Some(before) => {
            let begun = begin_preview_again(&mut client, caller.team, before, &import, now).await?;
            begun.ok_or_else(not_kept)?
        }
    };
    while let Some(remarks) = remarks.recv().await {
        kept.take(remarks).await?;
    }
    let read = reading.await?;
    if before.is_none() {
        keep(&mut kept, spooled.file).await?;
    }
    let mut report = ListReport::from(&read.account);
    report.format = Some(format.as_str());
    if kept.finish(&with_header(&report, &header)?, api.previews).await? > 0 {
        api.board.sweep();
    }
    let preview = Preview {
        id,
        report,
        expires_at: now + PREVIEW_LASTS,
        refused: read.refused,
        repeated: read.repeated,
        same_file_in: others,
    };
    Ok(answer(StatusCode::CREATED, &preview))
}

/// An import of this file.
pub(super) fn new_import<'a>(id: Uuid, spooled: &'a Spooled, options: &'a Value) -> NewImport<'a> {
    let (file_name, bytes) = (spooled.name.as_deref(), spooled.bytes);
    NewImport { id, file_name, digest: spooled.digest, bytes, options }
}

/// A report as it is kept: with the header of the rejects file that goes with it.
pub(super) fn with_header(report: &ListReport, header: &[String]) -> Result<Value, Problem> {
    let mut kept = report.clone();
    kept.rejects_header = Some(header.to_vec());
    serde_json::to_value(kept).map_err(|error| Problem::malformed(error.to_string()))
}

/// A report that is kept, as it is shown.
pub(super) fn without_header(mut report: Value) -> Value {
    if let Value::Object(members) = &mut report {
        members.remove(HEADER);
    }
    report
}

/// A list and what is said about it: as parts, or as a body that is the list itself.
pub(super) async fn list_of(
    api: &Api,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(Spooled, ListForm), Problem> {
    if !upload::is_multipart(request.headers()) {
        return Ok((upload::receive_body(payload, api.limits.bytes, &api.spool).await?, ListForm::default()));
    }
    let uploaded = upload::receive(request.headers(), payload, api.limits.bytes, &api.spool).await?;
    let form = match &uploaded.settings {
        Some(settings) => json(settings, "bad-settings")?,
        None => ListForm::default(),
    };
    Ok((upload::required(uploaded.file, "file")?, form))
}

/// Keeps a preview's file.
async fn keep(preview: &mut Previewing<'_>, mut file: File) -> Result<(), Problem> {
    file.rewind().map_err(unreadable)?;
    loop {
        let (read, piece) = read_on(file, LARGEST_PIECE).await?;
        file = read;
        if piece.is_empty() {
            return Ok(());
        }
        preview.keep(&piece).await?;
    }
}

/// The file of a preview, as if it had just been uploaded, with what was said about it then.
pub(super) async fn kept(api: &Api, team: Uuid, id: Uuid) -> Result<(Spooled, ListForm), Problem> {
    let import = load(api, team, id).await?;
    let mut file = api.spool.begin().await?;
    let mut number = 0;
    while let Some(piece) = find_piece(&api.board.database, team, id, number).await? {
        file = file.take(&piece).await?;
        number += 1;
    }
    let file = file.finish(import.file_name).await?;
    // It is gone piece by piece if it expires meanwhile.
    if file.digest[..] != import.digest {
        return Err(not_kept());
    }
    // What was said about the list cannot be guessed: another country would be other people's numbers.
    let form = serde_json::from_value(import.options).map_err(|_| not_kept())?;
    Ok((file, form))
}

/// The file of an import is gone, or was stored already.
pub(super) fn not_kept() -> Problem {
    let detail = "the file of this import is kept no longer, or was stored already; upload it again";
    Problem::invalid("file-not-kept", detail)
}

/// Shows an import
///
/// A list that was looked at, or whose contacts were stored, with the report of what became of its rows.
#[utoipa::path(
    get, path = "/api/v1/imports/{id}", operation_id = "get_import", tag = "imports",
    responses((status = 200, description = "The import", body = show::Import)),
)]
async fn get(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(answer(StatusCode::OK, &show::Import::from(load(&api, caller.team, *id).await?)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RowsQuery {
    /// Only those of this kind.
    #[param(value_type = Option<wire::RowKind>)]
    kind: Option<String>,
    /// Row and number of the last remark of the page before, as its `next` has them.
    #[param(pattern = "^[0-9]+-[0-9]+$", example = "17-2")]
    after: Option<String>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// A page of what was said about a list's rows.
#[derive(Serialize, ToSchema)]
struct Rows {
    /// In the file's order.
    rows: Vec<RowRemark>,
    /// What asks for the next page; null on the last one.
    next: Option<AfterText>,
}

/// Lists the rows that something was said about
///
/// Those that were refused, repaired, or came before.
#[utoipa::path(
    get, path = "/api/v1/imports/{id}/rows", operation_id = "list_rows", tag = "imports", params(RowsQuery),
    responses((status = 200, description = "A page of rows", body = Rows)),
)]
async fn rows(
    api: web::Data<Api>,
    caller: Caller,
    id: web::Path<Uuid>,
    Query(query): Query<RowsQuery>,
) -> Result<Page, Problem> {
    let limit = page::limit(query.limit)?;
    let kind = page::named(query.kind.as_ref(), KindName::parse)?;
    let filter = RemarkFilter { kind, after: place(query.after.as_deref())? };
    load(&api, caller.team, *id).await?;
    let rows = list_remarks(&api.board.database, caller.team, *id, &filter, limit + 1).await?;
    let cursor = |row: &RemarkOfRow| AfterText { after: format!("{}-{}", row.place.0, row.place.1) };
    let (rows, next) = page::cut(rows, limit, cursor);
    let rows = rows.into_iter().map(RowRemark::from).collect();
    let page = Rows { rows, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

fn place(after: Option<&str>) -> Result<(i32, i32), Problem> {
    let Some(after) = after else { return Ok((0, 0)) };
    let parts =
        after.split_once('-').and_then(|(row, number)| Some((row.parse().ok()?, number.parse().ok()?)));
    let detail = || format!("after is {after:?}, expected what the page before says is next, such as 17-2");
    parts.ok_or_else(|| Problem::invalid("bad-filter", detail()))
}

/// Downloads the refused rows
///
/// With their reasons, as a file that can be corrected in a spreadsheet and sent again. It breaks off if its import
/// expires meanwhile.
#[utoipa::path(
    get, path = "/api/v1/imports/{id}/rejects.csv", operation_id = "download_rejects", tag = "imports",
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")),
)]
async fn rejects(api: web::Data<Api>, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let import = load(&api, caller.team, *id).await?;
    let header: Vec<String> = serde_json::from_value(import.report[HEADER].clone()).unwrap_or_default();
    let under_way = api.long_answers.begin(caller.key)?;
    let head = Rejects::new(Vec::new(), &header).and_then(Rejects::finish).map_err(unreadable)?;
    let rows = stream_refused(&api.board.database, caller.team, *id).map_err(Problem::from);
    let pages = rows.and_then(async |rows| Ok(web::Bytes::from(written(&rows)?)));
    let pages = all_of(pages, async move { load(&api, caller.team, *id).await.map(drop) });
    let name =
        import.file_name.as_deref().and_then(|name| name.rsplit_once('.')).map_or("list", |name| name.0);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, attachment(&format!("{name}-rejects.csv"))))
        .streaming(under_way.of(stream::once(async { Ok(web::Bytes::from(head)) }).chain(pages))))
}

/// Pages of an import that is still there when the last of them was read. If it is not, its rows went one after the
/// other while they were being read, and nobody may take what was left of them for all of them.
fn all_of<T>(
    pages: impl Stream<Item = Result<T, Problem>>,
    is_there: impl Future<Output = Result<(), Problem>>,
) -> impl Stream<Item = Result<T, Problem>> {
    pages.chain(stream::once(is_there).filter_map(async |is_there| is_there.err().map(Err)))
}

/// An answer that is to be kept as a file of this name: in the letters of all languages for whoever reads them
/// (RFC 8187), and without them for whoever does not.
pub(super) fn attachment(name: &str) -> ContentDisposition {
    let plain = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(plain)];
    if !name.is_ascii() {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: name.as_bytes().to_vec(),
        }));
    }
    ContentDisposition { disposition: DispositionType::Attachment, parameters }
}

fn written(rows: &[RefusedRow]) -> Result<Vec<u8>, Problem> {
    let mut rejects = Rejects::going_on(Vec::new());
    for row in rows {
        let suggestion = row.suggestion.as_deref();
        rejects.write(&row.reason, &row.sentence, suggestion, &row.cells).map_err(unreadable)?;
    }
    rejects.finish().map_err(unreadable)
}

async fn load(api: &Api, team: Uuid, id: Uuid) -> Result<Import, Problem> {
    let found = find_import(&api.board.database, team, id, api.board.clock.now()).await?;
    found.ok_or_else(|| Problem::not_found("import"))
}

fn unreadable(error: std::io::Error) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "a list cannot be kept or read on the disk");
    Problem::unavailable("the server cannot use its disk just now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_is_told_in_ascii_and_in_its_own_letters() {
        assert_eq!(attachment("list.csv").to_string(), r#"attachment; filename="list.csv""#);
        let told = attachment("größe \"x\".csv").to_string();
        assert!(told.is_ascii(), "{told}");
        assert!(told.contains(r#"filename="gr__e \"x\".csv""#), "{told}");
        assert!(told.contains("filename*=UTF-8''gr%C3%B6%C3%9Fe%20%22x%22.csv"), "{told}");
    }
}

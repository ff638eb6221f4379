//! `/api/v1/suppressions`: the team's list of numbers that must not be contacted.

use std::collections::BTreeMap;
use std::fs::File;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Datelike, Utc};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::channel;
use tracing::info;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::suppressions::{
    Added, NewSuppression, Suppression, add_suppressions, find_suppression,
    list_campaigns_calling_suppressed, list_suppressions, remove_suppression, stream_suppressions, suppress,
};
use crate::domain::access::Permission;
use crate::domain::instant::written;
use crate::domain::phone::{Phone, PhoneError, Region, parse_phone};
use crate::domain::suppression::{self, is_in_force};
use crate::import::{self, Account, ImportError, Kind, Options, RowReport, Source, Stopped};

use super::auth::Caller;
use super::body::{Body, Query, json};
use super::instant::Instant;
use super::openapi::describe;
use super::page::{AfterText, Page};
use super::problem::answer;
use super::resource::{Methods, resource};
use super::show::{self, AddedNumbers};
use super::{Api, Problem, csv, intake, page, upload};

/// The most suppressions of one request in JSON. Longer lists are files.
const MOST_AT_ONCE: usize = 1000;

/// How many batches of a file may wait for the database. The reader waits when there are more.
const AHEAD: usize = 2;

/// The most refused rows that an answer shows. All of them are counted.
const MOST_REFUSED_SHOWN: usize = 1000;

const LONGEST_REASON: usize = 200;
const LONGEST_NOTE: usize = 2000;

/// The reason where none is given.
const DEFAULT_REASON: &str = "do not call";

/// The last year in which a suppression may end. The database's calendar ends, and so does what can be meant.
const LAST_YEAR: i32 = 9999;

pub(super) fn resources() -> Vec<Methods> {
    vec![
        resource("/suppressions")
            .post(Permission::SuppressionsWrite, add)
            .get(Permission::SuppressionsRead, list)
            .described(describe![add, list]),
        resource("/suppressions.csv").get(Permission::SuppressionsRead, export).described(describe![export]),
        resource("/suppressions/import")
            .post(Permission::SuppressionsWrite, import_file)
            .described(describe![import_file]),
        resource("/suppressions/{phone}")
            .get(Permission::SuppressionsRead, get)
            .delete(Permission::SuppressionsWrite, remove)
            .described(describe![get, remove]),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RegionQuery {
    /// The country of numbers without a country code (ISO 3166-1), US unless it is said.
    #[serde(default = "default_region")]
    #[param(example = "US")]
    region: String,
}

/// Suppressions as they are asked for: one, or up to 1000.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SuppressionForms)]
#[expect(dead_code, reason = "it describes what is read as the one or the other")]
enum Entries {
    /// One.
    One(Entry),
    /// Up to 1000.
    Many(Vec<Entry>),
}

/// What is answered to suppressions: the one that was asked for, or what became of them all.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SuppressedOneOrMany)]
enum Suppressed {
    /// It was one.
    One(SuppressedOne),
    /// They were several.
    Many(SuppressedMany),
}

/// A suppression that is in force now.
#[derive(Serialize, ToSchema)]
struct SuppressedOne {
    #[serde(flatten)]
    suppression: show::Suppression,
    /// Further numbers that the text held, and that are suppressed as well; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["+12025550102"]))]
    also: Vec<String>,
}

/// What became of several suppressions.
#[derive(Serialize, ToSchema)]
struct SuppressedMany {
    /// How many were asked for.
    rows: usize,
    /// Of these, taken.
    imported: usize,
    /// And not.
    rejected: usize,
    numbers: AddedNumbers,
    /// Those that were not taken.
    refused: Vec<RefusedEntry>,
}

/// A suppression that was not taken.
#[derive(Serialize, ToSchema)]
struct RefusedEntry {
    /// Its place among those that were asked for, from 0.
    index: usize,
    /// Why, by its stable name.
    #[schema(example = "too-short")]
    reason: &'static str,
    /// The same in a sentence.
    message: String,
}

/// A list of suppressions: the parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `upload` receives")]
struct SuppressionUpload {
    /// The list: CSV or other text, XLSX, XLSB, XLS, ODS or JSON. Its columns `reason`, `note` and `expires_at` go before
    /// the settings.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// What holds for all of it, as JSON.
    settings: Option<FileSettings>,
}

/// What became of a list of suppressions.
#[derive(Serialize, ToSchema)]
struct ImportedSuppressions {
    /// Its rows.
    rows: usize,
    /// Of these, taken.
    imported: usize,
    /// Whose number came before.
    duplicates: usize,
    /// That hold no number, or remarks that cannot be kept.
    rejected: usize,
    /// Without any text.
    blank: usize,
    /// The column that the numbers were taken from; null if the list has none.
    phone_column: Option<String>,
    numbers: AddedNumbers,
    /// The first rows that were not taken, 1000 at most.
    refused: Vec<RefusedRow>,
}

/// A row of a list of suppressions that was not taken.
#[derive(Serialize, ToSchema)]
struct RefusedRow {
    /// The line or sheet row.
    row: u32,
    /// The column that it is about; null if it is about the remarks.
    column: Option<String>,
    /// What stands there, masked; null if it is about the remarks.
    #[schema(example = "12•••")]
    value: Option<String>,
    /// Why, by its stable name.
    #[schema(example = "too-short")]
    reason: &'static str,
    /// The same in a sentence.
    message: String,
    /// What could be meant; null if nothing certain.
    #[schema(example = "+12025550101")]
    suggestion: Option<String>,
}

/// A page of the team's suppressions.
#[derive(Serialize, ToSchema)]
struct Suppressions {
    /// By their numbers.
    suppressions: Vec<show::Suppression>,
    /// What asks for the next page; null on the last one.
    next: Option<AfterText>,
}

fn default_region() -> String {
    Region::US.to_string()
}

/// The region that numbers without a country code belong to.
fn region(code: &str) -> Result<Region, Problem> {
    Region::parse(code).map_err(|error| Problem::invalid("bad-region", format!("region: {error}")))
}

/// What may be said of a number beside the number.
#[derive(Debug)]
struct Remarks {
    reason: Option<String>,
    note: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

/// A suppression as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SuppressionForm)]
struct Entry {
    /// The number, in any writing.
    phone: String,
    /// Why, for people, in up to 200 characters.
    #[schema(example = "asked by mail")]
    reason: Option<String>,
    /// What else there is to say, in up to 2000 characters.
    note: Option<String>,
    /// From when on it is over; never unless it is said.
    #[schema(value_type = Option<DateTime<Utc>>, example = "2027-03-02T15:00:00Z")]
    expires_at: Option<Instant>,
}

/// Why an entry or a row is refused.
#[derive(Debug)]
struct Refused {
    reason: &'static str,
    sentence: String,
}

impl From<PhoneError> for Refused {
    fn from(error: PhoneError) -> Self {
        Self { reason: error.reason(), sentence: error.to_string() }
    }
}

impl Remarks {
    /// Refuses what cannot be kept, or would be over before it began.
    fn check(&self, now: DateTime<Utc>) -> Result<(), Refused> {
        let refused = |reason, sentence| Err(Refused { reason, sentence });
        for (name, text, longest) in
            [("reason", &self.reason, LONGEST_REASON), ("note", &self.note, LONGEST_NOTE)]
        {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            if length > longest {
                let sentence = format!("{name} has {length} characters, expected at most {longest}");
                return refused("too-long", sentence);
            }
        }
        match self.expires_at {
            Some(at) if !is_in_force(Some(at), now) => {
                let at = written(at);
                refused("expired", format!("expires_at is {at}, expected an instant that is yet to come"))
            }
            Some(at) if at.year() > LAST_YEAR => {
                let at = written(at);
                refused("bad-expiry", format!("expires_at is {at}, expected a year up to {LAST_YEAR}"))
            }
            _ => Ok(()),
        }
    }

    fn of(&self, phone: &Phone, source: suppression::Source) -> NewSuppression {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        NewSuppression {
            phone: phone.as_str().to_owned(),
            reason: reason.unwrap_or(DEFAULT_REASON).to_owned(),
            source,
            note: self.note.clone().filter(|note| !note.trim().is_empty()),
            expires_at: self.expires_at,
        }
    }
}

/// The suppressions that an entry asks for: of all numbers that its text holds, with whatever extension.
fn read(entry: Entry, region: Region, now: DateTime<Utc>) -> Result<Vec<NewSuppression>, Refused> {
    let Entry { phone, reason, note, expires_at } = entry;
    let remarks = Remarks { reason, note, expires_at: expires_at.map(Into::into) };
    remarks.check(now)?;
    let parsed = parse_phone(&phone, region)?;
    let numbers = std::iter::once(&parsed.phone).chain(&parsed.alternates);
    Ok(numbers.map(|phone| remarks.of(phone, suppression::Source::Api)).collect())
}

/// Suppresses numbers
///
/// One, or up to 1000 at once. They are not called any more, by no campaign of the team. Longer lists are imported.
#[utoipa::path(
    post, path = "/api/v1/suppressions", operation_id = "suppress", tag = "suppressions", params(RegionQuery),
    request_body = Entries,
    responses(
        (status = 200, description = "What became of them; nothing was new if it was one", body = Suppressed),
        (status = 201, description = "The suppression, which is new", body = SuppressedOne),
    ),
)]
async fn add(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<RegionQuery>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let region = region(&query.region)?;
    let is_list = body.bytes().trim_ascii_start().starts_with(b"[");
    if is_list {
        add_list(&api, caller, region, &body).await
    } else {
        add_one(&api, caller, region, &body).await
    }
}

async fn add_one(api: &Api, caller: Caller, region: Region, body: &Body) -> Result<HttpResponse, Problem> {
    let (now, mut all) = (api.board.clock.now(), Added::default());
    let asked = read(body.json("bad-suppression")?, region, now);
    let asked = asked.map_err(|refused| {
        Problem::invalid("bad-suppression", refused.sentence).with("reason", refused.reason)
    })?;
    let mut first = None;
    for asked in &asked {
        let (suppression, added) = suppress(&api.board.database, caller.team, asked, now).await?;
        all.new += added.new;
        first.get_or_insert(suppression);
    }
    hold(api, caller.team, now).await?;
    // A text without a number is refused above.
    let Some(first) = first else { return Err(Problem::invalid("bad-suppression", "expected a number")) };
    let also = asked.iter().skip(1).map(|one| one.phone.clone()).collect();
    let shown = Suppressed::One(SuppressedOne { suppression: show::Suppression::at(first, now), also });
    let status = if all.new > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, &shown))
}

async fn add_list(api: &Api, caller: Caller, region: Region, body: &Body) -> Result<HttpResponse, Problem> {
    let entries: Vec<Entry> = body.json("bad-suppression")?;
    let (now, rows) = (api.board.clock.now(), entries.len());
    if !(1..=MOST_AT_ONCE).contains(&rows) {
        let detail = format!("{rows} suppressions, expected 1 to {MOST_AT_ONCE}; longer lists are imported");
        return Err(Problem::invalid("bad-suppression", detail));
    }
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for (index, entry) in entries.into_iter().enumerate() {
        match read(entry, region, now) {
            Ok(numbers) => accepted.extend(numbers),
            Err(why) => {
                refused.push(RefusedEntry { index, reason: why.reason, message: why.sentence });
            }
        }
    }
    let added = add_suppressions(&api.board.database, caller.team, &accepted, now).await?;
    hold(api, caller.team, now).await?;
    let (imported, rejected, numbers) = (rows - refused.len(), refused.len(), added.into());
    let body = Suppressed::Many(SuppressedMany { rows, imported, rejected, numbers, refused });
    Ok(answer(StatusCode::OK, &body))
}

/// Wakes the campaigns that are calling a number of the list, so that they end what still rings. A wake-up that is lost
/// costs nothing: the tick finds them, too.
pub(super) async fn hold(api: &Api, team: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    let calling = list_campaigns_calling_suppressed(&api.board.database, team, now).await?;
    if !calling.is_empty() {
        api.board.wake(&calling).await;
    }
    Ok(())
}

/// Settings of an imported file, which hold where the file's own columns say nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SuppressionFileSettings)]
struct FileSettings {
    /// The country of numbers without a country code (ISO 3166-1), US unless it is said.
    #[serde(default = "default_region")]
    #[schema(example = "US")]
    region: String,
    /// Why, for people, in up to 200 characters.
    #[schema(example = "asked by mail")]
    reason: Option<String>,
    /// What else there is to say, in up to 2000 characters.
    note: Option<String>,
    /// From when on they are over; never unless it is said.
    #[schema(value_type = Option<DateTime<Utc>>, example = "2027-03-02T15:00:00Z")]
    expires_at: Option<Instant>,
}

/// Suppresses the numbers of a file
///
/// A file that cannot be read to its end has suppressed those before: too many is safe, too few is not.
#[utoipa::path(
    post, path = "/api/v1/suppressions/import", operation_id = "import_suppressions", tag = "suppressions",
    request_body(content = SuppressionUpload, content_type = "multipart/form-data"),
    responses((status = 200, description = "What became of the rows", body = ImportedSuppressions)),
)]
async fn import_file(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let uploaded = upload::receive(request.headers(), payload, api.limits.bytes, &api.spool).await?;
    let settings = uploaded.settings.as_deref().unwrap_or(b"{}");
    let FileSettings { region: code, reason, note, expires_at } = json(settings, "bad-settings")?;
    let (default_region, now) = (region(&code)?, api.board.clock.now());
    let remarks = Remarks { reason, note, expires_at: expires_at.map(Into::into) };
    remarks.check(now).map_err(|refused| Problem::invalid("bad-settings", refused.sentence))?;
    let file = upload::required(uploaded.file, "file")?.file;
    let options = Options { limits: api.limits, ..Options::for_region(default_region) };
    let _turn = api.take_turn().await?;
    let (sender, mut batches) = channel(AHEAD);
    let reading = intake::on_a_thread(move || {
        let take = |numbers| sender.blocking_send(numbers).map_err(|_| Stopped);
        read_list(file, &options, &remarks, now, take)
    });
    let mut added = Added::default();
    while let Some(numbers) = batches.recv().await {
        added += add_suppressions(&api.board.database, caller.team, &numbers, now).await?;
        hold(&api, caller.team, now).await?;
    }
    // A list that cannot be read to its end has suppressed those before it: too many is safe, too few is not.
    let list =
        reading.await?.map_err(|error| Problem::from(error).with("numbers", AddedNumbers::from(added)))?;
    info!(
        rows = list.account.rows,
        new = added.new,
        extended = added.extended,
        "a list of suppressions was imported"
    );
    let body = ImportedSuppressions {
        rows: list.account.rows,
        imported: list.account.imported - list.bad_remarks,
        duplicates: list.account.duplicates,
        rejected: list.account.rejected + list.bad_remarks,
        blank: list.account.blank,
        phone_column: list.account.phone_column().map(str::to_owned),
        numbers: added.into(),
        refused: list.refused,
    };
    Ok(answer(StatusCode::OK, &body))
}

/// A file that was read.
struct ReadList {
    /// Rows with a number whose remarks cannot be kept.
    bad_remarks: usize,
    /// The first rows that were refused, in the file's order.
    refused: Vec<RefusedRow>,
    account: Account,
}

fn read_list(
    file: File,
    options: &Options,
    remarks: &Remarks,
    now: DateTime<Utc>,
    mut take: impl FnMut(Vec<NewSuppression>) -> Result<(), Stopped>,
) -> Result<ReadList, ImportError> {
    let (mut bad_remarks, mut refused) = (0, Vec::new());
    let list = import::open(Source::File(file), options)?;
    let account = list.read(&mut |batch| {
        let mut accepted = Vec::new();
        let mut of_batch: Vec<RefusedRow> = batch.rows.iter().filter_map(refusal).collect();
        for contact in &batch.contacts {
            match own_remarks(contact.metadata.get(), remarks, now) {
                Ok(remarks) => {
                    let numbers = std::iter::once(&contact.phone).chain(&contact.alternates);
                    accepted.extend(numbers.map(|phone| remarks.of(phone, suppression::Source::File)));
                }
                Err(why) => {
                    bad_remarks += 1;
                    of_batch.push(RefusedRow {
                        row: contact.row,
                        column: None,
                        value: None,
                        reason: why.reason,
                        message: why.sentence,
                        suggestion: None,
                    });
                }
            }
        }
        of_batch.sort_by_key(|refused| refused.row);
        let still_shown = MOST_REFUSED_SHOWN.saturating_sub(refused.len());
        refused.extend(of_batch.into_iter().take(still_shown));
        take(accepted)
    })?;
    Ok(ReadList { bad_remarks, refused, account })
}

fn refusal(row: &RowReport) -> Option<RefusedRow> {
    let Kind::Refused { suggestion, .. } = &row.kind else { return None };
    Some(RefusedRow {
        row: row.row,
        column: Some(row.column.to_string()),
        value: Some(row.value.clone()),
        reason: row.reason,
        message: row.sentence.to_string(),
        suggestion: suggestion.clone(),
    })
}

/// What a row's own columns `reason`, `note` and `expires_at` say, and what holds for the file where they say nothing.
fn own_remarks(columns: &str, of_file: &Remarks, now: DateTime<Utc>) -> Result<Remarks, Refused> {
    let columns: BTreeMap<String, Value> = serde_json::from_str(columns).unwrap_or_default();
    let own = |wanted: &str| {
        let mut named = columns.iter().filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        let text = named.next().and_then(|(_, value)| value.as_str()).map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let expires_at = match own("expires_at") {
        None => of_file.expires_at,
        Some(text) => Some(Instant::parse(&text).map(Into::into).map_err(|error| Refused {
            reason: "bad-expiry",
            sentence: format!("the column expires_at: {error}"),
        })?),
    };
    let reason = own("reason").or_else(|| of_file.reason.clone());
    let remarks = Remarks { reason, note: own("note").or_else(|| of_file.note.clone()), expires_at };
    remarks.check(now)?;
    Ok(remarks)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those behind this number.
    #[param(example = "+12025550101")]
    after: Option<String>,
    /// How many, 50 unless it is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Lists the team's suppressions
#[utoipa::path(
    get, path = "/api/v1/suppressions", operation_id = "list_suppressions", tag = "suppressions", params(ListQuery),
    responses((status = 200, description = "A page of suppressions", body = Suppressions)),
)]
async fn list(api: web::Data<Api>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Page, Problem> {
    let limit = page::limit(query.limit)?;
    // An unescaped plus of a query is a blank.
    let after = query.after.as_deref().map(|after| format!("+{}", after.trim_start_matches(['+', ' '])));
    let after = after.unwrap_or_default();
    let now = api.board.clock.now();
    let rows = list_suppressions(&api.board.database, caller.team, &after, limit + 1).await?;
    let (rows, next) = page::cut(rows, limit, |one| AfterText { after: one.phone.clone() });
    let suppressions = rows.into_iter().map(|one| show::Suppression::at(one, now)).collect();
    let page = Suppressions { suppressions, next };
    Ok(Page::of(&page, page.next.as_ref()))
}

/// A number in any writing, of the country with this code if it has none of its own. One that is kept is found also if today's metadata would not let it in.
pub(crate) fn number(text: &str, code: &str) -> Result<String, Problem> {
    let region = region(code)?;
    let phone = parse_phone(text, region)
        .map(|parsed| parsed.phone)
        .or_else(|error| Phone::from_e164(text).map_err(|_| error));
    let bad =
        |error: PhoneError| Problem::invalid("bad-phone", error.to_string()).with("reason", error.reason());
    Ok(phone.map_err(bad)?.as_str().to_owned())
}

/// Shows a suppression
#[utoipa::path(
    get, path = "/api/v1/suppressions/{phone}", operation_id = "get_suppression", tag = "suppressions",
    params(RegionQuery), responses((status = 200, description = "The suppression", body = show::Suppression)),
)]
async fn get(
    api: web::Data<Api>,
    caller: Caller,
    phone: web::Path<String>,
    Query(query): Query<RegionQuery>,
) -> Result<HttpResponse, Problem> {
    let phone = number(&phone, &query.region)?;
    let found = find_suppression(&api.board.database, caller.team, &phone).await?;
    let found = found.ok_or_else(|| Problem::not_found("suppression"))?;
    Ok(answer(StatusCode::OK, &show::Suppression::at(found, api.board.clock.now())))
}

/// Lifts a suppression
///
/// The number may be called again. It stays on record who lifted it.
#[utoipa::path(
    delete, path = "/api/v1/suppressions/{phone}", operation_id = "lift_suppression", tag = "suppressions",
    params(RegionQuery), responses((status = 204, description = "It is lifted")),
)]
async fn remove(
    api: web::Data<Api>,
    caller: Caller,
    phone: web::Path<String>,
    Query(query): Query<RegionQuery>,
) -> Result<HttpResponse, Problem> {
    let phone = number(&phone, &query.region)?;
    let now = api.board.clock.now();
    if !remove_suppression(&api.board.database, caller.team, &phone, caller.key, now).await? {
        return Err(Problem::not_found("suppression"));
    }
    info!(key.id = caller.key.map(tracing::field::display), "a suppression was lifted");
    Ok(HttpResponse::NoContent().finish())
}

const COLUMNS: [&str; 6] = ["phone", "reason", "source", "note", "created_at", "expires_at"];

/// Downloads the team's suppressions
///
/// All of them, as they are being read: an error on the way breaks the answer off, so that nobody takes a part of it for
/// all of it.
#[utoipa::path(
    get, path = "/api/v1/suppressions.csv", operation_id = "download_suppressions", tag = "suppressions",
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")),
)]
async fn export(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    type Broken = Box<dyn std::error::Error>;
    let under_way = api.long_answers.begin(caller.key)?;
    let header = stream::once(async { csv::lines([COLUMNS]).map_err(Broken::from) });
    let pages = stream_suppressions(&api.board.database, caller.team).map(|page| {
        let rows: Vec<[String; 6]> = page?.into_iter().map(row).collect();
        Ok::<_, Broken>(csv::lines(rows.iter().map(|row| row.iter().map(String::as_str)))?)
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"suppressions.csv\""))
        .streaming(under_way.of(header.chain(pages))))
}

fn row(suppression: Suppression) -> [String; 6] {
    let Suppression { phone, reason, source, note, created_at, expires_at } = suppression;
    let expires_at = expires_at.map(|at| at.to_rfc3339()).unwrap_or_default();
    [phone, reason, source.to_string(), note.unwrap_or_default(), created_at.to_rfc3339(), expires_at]
}

//! `/api/v1/suppressions`: the team's list of numbers that must not be contacted.

use std::collections::BTreeMap;
use std::fs::File;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Datelike, Utc};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::channel;
use tracing::info;
use uuid::Uuid;

use crate::actors::WakeCampaign;
use crate::db::suppressions::{
    Added, NewSuppression, Suppression, add_suppressions, find_suppression,
    list_campaigns_calling_suppressed, list_suppressions, remove_suppression, stream_suppressions, suppress,
};
use crate::domain::access::Permission;
use crate::domain::phone::{Phone, PhoneError, Region, parse_phone};
use crate::domain::suppression::{self, is_in_force};
use crate::import::{self, Account, ImportError, Kind, Options, RowReport, Source, Stopped};

use super::auth::Caller;
use super::body::{Body, Query, json};
use super::instant::Instant;
use super::problem::answer;
use super::resource::{Methods, resource};
use super::{Api, Problem, csv, intake, page, show, upload};

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
            .get(Permission::SuppressionsRead, list),
        resource("/suppressions.csv").get(Permission::SuppressionsRead, export),
        resource("/suppressions/import").post(Permission::SuppressionsWrite, import_file),
        resource("/suppressions/{phone}")
            .get(Permission::SuppressionsRead, get)
            .delete(Permission::SuppressionsWrite, remove),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionQuery {
    #[serde(default = "default_region")]
    region: String,
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    phone: String,
    reason: Option<String>,
    note: Option<String>,
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
                refused("expired", format!("expires_at is {at}, expected an instant that is yet to come"))
            }
            Some(at) if at.year() > LAST_YEAR => {
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
    let mut shown = Value::Null;
    for (nth, asked) in asked.iter().enumerate() {
        let (suppression, added) = suppress(&api.board.database, caller.team, asked, now).await?;
        all.new += added.new;
        if nth == 0 {
            shown = show::suppression(&suppression, now);
        }
    }
    hold(api, caller.team, now).await?;
    if asked.len() > 1 {
        shown["also"] = asked.iter().skip(1).map(|one| one.phone.as_str()).collect();
    }
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
                refused.push(json!({"index": index, "reason": why.reason, "message": why.sentence}));
            }
        }
    }
    let added = add_suppressions(&api.board.database, caller.team, &accepted, now).await?;
    hold(api, caller.team, now).await?;
    let body = json!({
        "rows": rows,
        "imported": rows - refused.len(),
        "rejected": refused.len(),
        "numbers": show::added(added),
        "refused": refused,
    });
    Ok(answer(StatusCode::OK, &body))
}

/// Wakes the campaigns that are calling a number of the list, so that they end what still rings. A wake-up that is lost
/// costs nothing: the tick finds them, too.
pub(super) async fn hold(api: &Api, team: Uuid, now: DateTime<Utc>) -> Result<(), Problem> {
    for campaign in list_campaigns_calling_suppressed(&api.board.database, team, now).await? {
        api.supervisor.do_send(WakeCampaign { campaign });
    }
    Ok(())
}

/// Settings of an imported file, which hold where the file's own columns say nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSettings {
    #[serde(default = "default_region")]
    region: String,
    reason: Option<String>,
    note: Option<String>,
    expires_at: Option<Instant>,
}

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
    let list = reading.await?.map_err(|error| Problem::from(error).with("numbers", show::added(added)))?;
    info!(
        rows = list.account.rows,
        new = added.new,
        extended = added.extended,
        "a list of suppressions was imported"
    );
    let body = json!({
        "rows": list.account.rows,
        "imported": list.account.imported - list.bad_remarks,
        "duplicates": list.account.duplicates,
        "rejected": list.account.rejected + list.bad_remarks,
        "blank": list.account.blank,
        "phone_column": list.account.phone_column(),
        "numbers": show::added(added),
        "refused": list.refused,
    });
    Ok(answer(StatusCode::OK, &body))
}

/// A file that was read.
struct ReadList {
    /// Rows with a number whose remarks cannot be kept.
    bad_remarks: usize,
    /// The first rows that were refused, in the file's order.
    refused: Vec<Value>,
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
        let mut of_batch: Vec<(u32, Value)> = batch.rows.iter().filter_map(refusal).collect();
        for contact in &batch.contacts {
            match own_remarks(contact.metadata.get(), remarks, now) {
                Ok(remarks) => {
                    let numbers = std::iter::once(&contact.phone).chain(&contact.alternates);
                    accepted.extend(numbers.map(|phone| remarks.of(phone, suppression::Source::File)));
                }
                Err(why) => {
                    bad_remarks += 1;
                    let row = json!({"row": contact.row, "reason": why.reason, "message": why.sentence});
                    of_batch.push((contact.row, row));
                }
            }
        }
        of_batch.sort_by_key(|(row, _)| *row);
        let still_shown = MOST_REFUSED_SHOWN.saturating_sub(refused.len());
        refused.extend(of_batch.into_iter().take(still_shown).map(|(_, row)| row));
        take(accepted)
    })?;
    Ok(ReadList { bad_remarks, refused, account })
}

fn refusal(row: &RowReport) -> Option<(u32, Value)> {
    let Kind::Refused { suggestion, .. } = &row.kind else { return None };
    let refusal = json!({
        "row": row.row, "column": &*row.column, "value": row.value, "reason": row.reason,
        "message": row.sentence, "suggestion": suggestion,
    });
    Some((row.row, refusal))
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    // An unescaped plus of a query is a blank.
    let after = query.after.as_deref().map(|after| format!("+{}", after.trim_start_matches(['+', ' '])));
    let after = after.unwrap_or_default();
    let now = api.board.clock.now();
    let rows = list_suppressions(&api.board.database, caller.team, &after, limit + 1).await?;
    let show = |one: &Suppression| show::suppression(one, now);
    let body = page::page("suppressions", rows, limit, "after", |one| one.phone.clone(), show);
    Ok(answer(StatusCode::OK, &body))
}

/// The number in a path, in any writing. One that is kept is found also if today's metadata would not let it in.
fn number(text: &str, code: &str) -> Result<String, Problem> {
    let region = region(code)?;
    let phone = parse_phone(text, region)
        .map(|parsed| parsed.phone)
        .or_else(|error| Phone::from_e164(text).map_err(|_| error));
    let bad =
        |error: PhoneError| Problem::invalid("bad-phone", error.to_string()).with("reason", error.reason());
    Ok(phone.map_err(bad)?.as_str().to_owned())
}

async fn get(
    api: web::Data<Api>,
    caller: Caller,
    phone: web::Path<String>,
    Query(query): Query<RegionQuery>,
) -> Result<HttpResponse, Problem> {
    let phone = number(&phone, &query.region)?;
    let found = find_suppression(&api.board.database, caller.team, &phone).await?;
    let found = found.ok_or_else(|| Problem::not_found("suppression"))?;
    Ok(answer(StatusCode::OK, &show::suppression(&found, api.board.clock.now())))
}

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
    info!(key.id = %caller.key, "a suppression was lifted");
    Ok(HttpResponse::NoContent().finish())
}

const COLUMNS: [&str; 6] = ["phone", "reason", "source", "note", "created_at", "expires_at"];

/// The whole list, as it is being read: an error on the way breaks the answer off, so that nobody takes a part of it
/// for all of it.
async fn export(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    type Broken = Box<dyn std::error::Error>;
    let header = stream::once(async { csv::lines([COLUMNS]).map_err(Broken::from) });
    let pages = stream_suppressions(&api.board.database, caller.team).map(|page| {
        let rows: Vec<[String; 6]> = page?.into_iter().map(row).collect();
        Ok::<_, Broken>(csv::lines(rows.iter().map(|row| row.iter().map(String::as_str)))?)
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"suppressions.csv\""))
        .streaming(header.chain(pages)))
}

fn row(suppression: Suppression) -> [String; 6] {
    let Suppression { phone, reason, source, note, created_at, expires_at } = suppression;
    let expires_at = expires_at.map(|at| at.to_rfc3339()).unwrap_or_default();
    [phone, reason, source.to_string(), note.unwrap_or_default(), created_at.to_rfc3339(), expires_at]
}

//! What became of a list and of its rows.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::imports::{self, KindName, Remark, RemarkOfRow, Standing};
use crate::domain::zone::Zone;
use crate::http::list_form::ListForm;
use crate::http::wire;
use crate::import::{Account, Kind, NewContact, Reason, Role, RowReport, WarningKind, Why};

/// The columns and row counts of a list. `rows` is the sum of `imported`, `duplicates`, `rejected` and `blank`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ListSummary {
    /// The column that the numbers were taken from; null if the list has none.
    phone_column: Option<String>,
    /// The column that the names were taken from, or the two that were joined; null if there is none.
    name_column: Option<String>,
    /// The other columns.
    #[schema(example = json!(["plan"]))]
    columns: Vec<String>,
    /// All rows, the header not among them.
    rows: u64,
    /// Rows that are contacts.
    pub(crate) imported: u64,
    /// Rows whose number and extension came before.
    pub(crate) duplicates: u64,
    /// Rows that are no contacts.
    rejected: u64,
    /// Rows without any text.
    blank: u64,
    /// Contacts whose number was repaired.
    pub(crate) repaired: u64,
}

/// The whole account of a list: what was found, counted, and thought odd, with a few rows of each kind.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ListReport {
    #[serde(flatten)]
    pub(crate) summary: ListSummary,
    /// The columns that were recognised, and how.
    found: Vec<FoundColumn>,
    /// What was said about rows, the most frequent first.
    pub(crate) reasons: Vec<ReasonForRows>,
    /// Where the numbers are, the most frequent country first; duplicates are counted as well.
    regions: Vec<RegionCount>,
    /// The first contacts, as they will be.
    pub(crate) first: Vec<FirstContact>,
    /// What looks odd about the list as a whole.
    pub(crate) warnings: Vec<Warning>,
    /// What kind of file it is. Only said of lists that are looked at before they are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<wire::ListFormat>)]
    pub(crate) format: Option<&'static str>,
    /// Rows whose contact the campaign had already; they are among the duplicates. Only said of lists that are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) already_there: Option<u64>,
    /// The header of the file of refused rows. Only said of lists that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) rejects_header: Option<Vec<String>>,
}

/// A column that was recognised.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FoundColumn {
    #[schema(value_type = wire::ColumnRole)]
    role: Role,
    /// Its name.
    column: String,
    #[schema(value_type = wire::FoundBy)]
    because: Why,
}

/// How often something was said about rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReasonForRows {
    #[schema(value_type = wire::RowKind)]
    pub(crate) kind: &'static str,
    /// What was said, by its stable name.
    #[schema(example = "too-short")]
    pub(crate) reason: String,
    /// About how many rows.
    pub(crate) count: u64,
    /// A few of them.
    pub(crate) samples: Vec<RowSaid>,
}

/// A country and how many numbers are in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RegionCount {
    /// The country (ISO 3166-1).
    region: String,
    count: u64,
}

/// A contact as it will be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FirstContact {
    /// The line or sheet row.
    pub(crate) row: u32,
    /// Its number, in E.164.
    pub(crate) phone: String,
    /// What is dialed after the call is taken; null if nothing.
    #[schema(example = "204")]
    extension: Option<String>,
    /// The person's name; null if the list does not say it.
    name: Option<String>,
    /// The country of its number (ISO 3166-1).
    region: String,
    /// What kind of line it is.
    #[schema(value_type = String, example = "fixed-line-or-mobile")]
    number_type: String,
    /// Further numbers of the same person, in E.164.
    #[schema(example = json!(["+12025550102"]))]
    alternates: Vec<String>,
    /// The person's own time zone; null if the list does not say it.
    #[schema(value_type = Option<String>)]
    timezone: Option<Zone>,
    /// From -1000 to 1000.
    #[schema(example = 0)]
    priority: i16,
    /// What was repaired about the number, by its stable name; null if nothing was.
    #[schema(example = "country-code-added")]
    repair: Option<&'static str>,
    /// All other columns, by their names.
    #[schema(value_type = wire::Columns)]
    metadata: Box<RawValue>,
}

/// Something that looks odd about a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Warning {
    /// What it is, by its stable name.
    #[schema(example = "looks-like-dates")]
    warning: &'static str,
    /// The same in a sentence.
    message: String,
}

impl Warning {
    /// Some of the list's people can never be called.
    pub(crate) fn never_called(why: &str) -> Self {
        let message = format!("some contacts are never called: {why}; the forecast counts them");
        Self { warning: "never-called", message }
    }

    /// The script says names, and the list has none.
    pub(crate) fn no_names() -> Self {
        let message = "the script says {{name}}, and no column of the list was taken for names: nothing is said in its place; \
                       columns can name it";
        Self { warning: "no-names", message: message.to_owned() }
    }
}

/// What is said about a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RowSaid {
    /// The line or sheet row.
    pub(crate) row: u32,
    #[schema(value_type = wire::RowKind)]
    kind: KindName,
    /// The column that it is about.
    column: String,
    /// What stands there, masked.
    #[schema(example = "12•••")]
    value: String,
    /// The reason's stable name.
    #[schema(example = "too-short")]
    reason: &'static str,
    /// What was expected, or what was done.
    message: String,
    /// What could be meant, for some of the refused; null otherwise.
    #[schema(example = "+12025550101")]
    suggestion: Option<String>,
    /// The row of the same file that a duplicate repeats; null otherwise.
    repeats: Option<u32>,
}

/// What was said about a row of a list that is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowRemark {
    /// The line or sheet row.
    row: i32,
    #[schema(value_type = wire::RowKind)]
    kind: KindName,
    /// The column that it is about.
    column: String,
    /// What stands there, masked.
    #[schema(example = "12•••")]
    value: String,
    /// The reason's stable name.
    #[schema(example = "too-short")]
    reason: String,
    /// What was expected, or what was done.
    message: String,
    /// What could be meant, for some of the refused; null otherwise.
    #[schema(example = "+12025550101")]
    suggestion: Option<String>,
    /// The row of the same file that a duplicate repeats; null otherwise.
    repeats: Option<i32>,
}

/// A list that was read.
#[derive(Serialize, ToSchema)]
pub(crate) struct Import {
    id: Uuid,
    /// The campaign that it was stored in; null while it is only looked at.
    campaign_id: Option<Uuid>,
    /// The file's name; null if it had none.
    file_name: Option<String>,
    /// How large it is.
    #[schema(example = 4096)]
    bytes: u64,
    /// How it was read.
    #[schema(value_type = ListForm)]
    settings: Value,
    /// When it was uploaded.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    created_at: DateTime<Utc>,
    /// When it was stored; null while it is only looked at.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    stored_at: Option<DateTime<Utc>>,
    /// Until when its file is kept; null when it is stored.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    expires_at: Option<DateTime<Utc>>,
    #[schema(value_type = ListReport)]
    report: Value,
}

impl From<imports::Import> for Import {
    fn from(import: imports::Import) -> Self {
        let (campaign_id, stored_at, expires_at) = match import.standing {
            Standing::Preview { expires_at } => (None, None, Some(expires_at)),
            Standing::Stored { campaign, stored_at } => (Some(campaign), Some(stored_at), None),
        };
        Self {
            id: import.id,
            campaign_id,
            file_name: import.file_name,
            bytes: import.bytes,
            settings: import.options,
            created_at: import.created_at,
            stored_at,
            expires_at,
            report: import.report,
        }
    }
}

impl From<&Account> for ListSummary {
    fn from(account: &Account) -> Self {
        Self {
            phone_column: account.phone_column().map(str::to_owned),
            name_column: account.name_column(),
            columns: account.columns.clone(),
            rows: account.rows as u64,
            imported: account.imported as u64,
            duplicates: account.duplicates as u64,
            rejected: account.rejected as u64,
            blank: account.blank as u64,
            repaired: account.repaired as u64,
        }
    }
}

impl From<&Account> for ListReport {
    fn from(account: &Account) -> Self {
        let found = account.found.iter().map(|found| FoundColumn {
            role: found.role,
            column: found.name.clone(),
            because: found.why,
        });
        let regions = account.regions.iter();
        let warnings = account.warnings.iter().map(|warning| Warning {
            warning: WarningKind::as_str(warning.kind),
            message: warning.sentence.clone(),
        });
        Self {
            summary: account.into(),
            found: found.collect(),
            reasons: account.reasons.iter().map(ReasonForRows::from).collect(),
            regions: regions.map(|(region, count)| region_count(region.to_string(), *count)).collect(),
            first: account.first.iter().map(FirstContact::from).collect(),
            warnings: warnings.collect(),
            format: None,
            already_there: None,
            rejects_header: None,
        }
    }
}

fn region_count(region: String, count: usize) -> RegionCount {
    RegionCount { region, count: count as u64 }
}

impl From<&Reason> for ReasonForRows {
    fn from(reason: &Reason) -> Self {
        Self {
            kind: reason.kind,
            reason: reason.reason.to_owned(),
            count: reason.count as u64,
            samples: reason.samples.iter().map(RowSaid::from).collect(),
        }
    }
}

impl From<&NewContact> for FirstContact {
    fn from(contact: &NewContact) -> Self {
        Self {
            row: contact.row,
            phone: contact.phone.as_str().to_owned(),
            extension: contact.extension.clone(),
            name: contact.name.clone(),
            region: contact.region.to_string(),
            number_type: contact.number_type.to_string(),
            alternates: contact.alternates.iter().map(|phone| phone.as_str().to_owned()).collect(),
            timezone: contact.timezone.clone(),
            priority: contact.priority,
            repair: contact.repair,
            metadata: contact.metadata.clone(),
        }
    }
}

impl From<&RowReport> for RowSaid {
    fn from(row: &RowReport) -> Self {
        let (kind, suggestion, repeats) = match &row.kind {
            Kind::Refused { suggestion, .. } => (KindName::Refused, suggestion.clone(), None),
            Kind::Repaired => (KindName::Repaired, None, None),
            Kind::Duplicate { repeats } => (KindName::Duplicate, None, Some(*repeats)),
        };
        Self {
            row: row.row,
            kind,
            column: row.column.to_string(),
            value: row.value.clone(),
            reason: row.reason,
            message: row.sentence.to_string(),
            suggestion,
            repeats,
        }
    }
}

/// What is said of a row of which only the database knows.
impl From<&Remark> for RowSaid {
    fn from(remark: &Remark) -> Self {
        Self {
            row: remark.file_row,
            kind: remark.kind.name(),
            column: remark.column.to_string(),
            value: remark.value.clone(),
            reason: remark.reason,
            message: remark.sentence.to_string(),
            suggestion: None,
            repeats: None,
        }
    }
}

impl From<RemarkOfRow> for RowRemark {
    fn from(row: RemarkOfRow) -> Self {
        Self {
            row: row.place.0,
            kind: row.kind,
            column: row.column,
            value: row.value,
            reason: row.reason,
            message: row.sentence,
            suggestion: row.suggestion,
            repeats: row.repeats,
        }
    }
}

/// The whole account of a list, as the API answers it.
pub fn account(account: &Account) -> Value {
    // What it is made of has only texts for keys, and no number that JSON does not have.
    serde_json::to_value(ListReport::from(account)).unwrap_or_default()
}

//! `/imports/{import}/preview`: what became of a list, as a part of the page that makes a campaign of it: the columns that were
//! found, the first rows as they would be, what was refused and why, and how it could be read otherwise.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::db::imports::{Import, Standing, find_import, name_campaigns_of_file};
use crate::domain::access::{Permission, Role};
use crate::domain::script::Taken;
use crate::http::campaigns::script::taken_by_name;
use crate::http::{Api, Methods, Problem, Visitor, resource};

use super::parts::phone;
use super::{render, words};

/// Columns of the first rows that are shown beside number and name, and characters of what stands in them.
const SHOWN_COLUMNS: usize = 6;
const SHOWN_CHARACTERS: usize = 60;

/// Of the first rows so many are shown.
const SHOWN_ROWS: usize = 5;

/// Columns of the file of refused rows that are not the list's.
const OF_REJECTS: usize = 3;

/// What the columns that can be named are for, as the API and as people call them.
const ROLES: [(&str, &str); 6] = [
    ("phone", "Numbers"),
    ("name", "Names"),
    ("country", "Country of each number"),
    ("timezone", "Time zone of each person"),
    ("priority", "Who is called first"),
    ("extension", "Extension"),
];

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/imports/{import}/preview").get(Permission::CampaignsCreate, show)]
}

/// The report of a list as it is kept, as far as it is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    /// The columns that are neither number nor name.
    pub(super) columns: Vec<String>,
    rows: u64,
    imported: u64,
    duplicates: u64,
    rejected: u64,
    blank: u64,
    repaired: u64,
    found: Vec<Found>,
    reasons: Vec<Reason>,
    /// The first contacts.
    pub(super) first: Vec<First>,
    warnings: Vec<Warning>,
    format: Option<String>,
    rejects_header: Vec<String>,
}

impl Report {
    /// The columns that are the number and the name.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.found.iter().filter_map(|found| taken_by_name(&found.role, &found.column)).collect()
    }
}

#[derive(Deserialize)]
struct Found {
    role: String,
    column: String,
    because: String,
}

#[derive(Deserialize)]
struct Reason {
    kind: String,
    reason: String,
    count: u64,
    samples: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    row: u32,
    column: String,
    value: String,
    message: String,
    suggestion: Option<String>,
    repeats: Option<u32>,
}

/// A contact as it will be.
#[derive(Deserialize)]
pub(super) struct First {
    row: u32,
    pub(super) phone: String,
    extension: Option<String>,
    pub(super) name: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

#[derive(Deserialize)]
struct Warning {
    message: String,
}

/// How a list was read, as its owner said.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ReadAs {
    default_region: Option<String>,
    countries: Option<Vec<String>>,
    columns: Option<Map<String, Value>>,
    sheet: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/new_preview.html")]
struct Preview {
    id: Uuid,
    title: String,
    counts: Vec<Count>,
    /// Whether nobody of it can be called.
    nobody: bool,
    same_file: Vec<(Uuid, String)>,
    warnings: Vec<String>,
    shown_columns: Vec<String>,
    more_columns: usize,
    first: Vec<Row>,
    reasons: Vec<Remark>,
    has_rejects: bool,
    /// Whether its file is kept, and can be read otherwise.
    is_kept: bool,
    read_as: String,
    /// All columns.
    columns: Vec<String>,
    roles: Vec<Named>,
    region: String,
    countries: String,
    is_workbook: bool,
    sheet: String,
}

struct Count {
    label: &'static str,
    number: String,
    is_ill: bool,
}

struct Row {
    row: u32,
    phone: String,
    extension: Option<String>,
    name: Option<String>,
    cells: Vec<String>,
}

/// What was said about some rows.
struct Remark {
    kind: String,
    tone: &'static str,
    count: String,
    why: String,
    samples: Vec<Said>,
}

/// What a column can be named for.
struct Named {
    name: &'static str,
    label: &'static str,
    /// The column that was named; empty if none was.
    mapped: String,
    /// Whether that are two that are joined.
    is_joined: bool,
    /// Which was found, and how.
    found: String,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    import: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let import = load(&api, &visitor, *import).await?;
    let digest = import.digest.as_slice().try_into().map_err(|_| Problem::internal())?;
    let same_file = name_campaigns_of_file(&api.board.database, visitor.caller.team, digest).await?;
    render(&Preview::of(&api, visitor.caller.role, import, same_file)?)
}

/// A list of the team's.
pub(super) async fn load(api: &Api, visitor: &Visitor, id: Uuid) -> Result<Import, Problem> {
    let found = find_import(&api.board.database, visitor.caller.team, id, api.board.clock.now()).await?;
    found.ok_or_else(|| Problem::not_found("import"))
}

/// The report of a list.
pub(super) fn report(import: &Import) -> Result<Report, Problem> {
    Report::deserialize(&import.report).map_err(|_| Problem::internal())
}

impl Preview {
    fn of(api: &Api, role: Role, import: Import, same_file: Vec<(Uuid, String)>) -> Result<Self, Problem> {
        let report = report(&import)?;
        let said = ReadAs::deserialize(&import.options).unwrap_or_default();
        let shown_columns: Vec<String> = report.columns.iter().take(SHOWN_COLUMNS).cloned().collect();
        let columns: Vec<String> = report.rejects_header.iter().skip(OF_REJECTS).cloned().collect();
        let roles = ROLES.iter().map(|(name, label)| Named::of(name, label, &said, &report.found, &columns));
        let row = |first: &First| Row {
            row: first.row,
            phone: phone(api, role, &first.phone),
            extension: first.extension.clone(),
            name: first.name.clone(),
            cells: shown_columns.iter().map(|column| cell(first.metadata.get(column))).collect(),
        };
        let format = report.format.clone().unwrap_or_default();
        Ok(Self {
            id: import.id,
            title: import.file_name.clone().unwrap_or_else(|| "The list".to_owned()),
            counts: report.counts(),
            nobody: report.imported == 0,
            same_file,
            warnings: report.warnings.iter().map(|warning| words::sentence(&warning.message)).collect(),
            more_columns: report.columns.len() - shown_columns.len(),
            first: report.first.iter().take(SHOWN_ROWS).map(row).collect(),
            has_rejects: report.rejected > 0,
            is_kept: matches!(import.standing, Standing::Preview { .. }),
            read_as: report.read_as(),
            roles: roles.collect(),
            region: said.default_region.unwrap_or_default(),
            countries: said.countries.unwrap_or_default().join(", "),
            is_workbook: ["xlsx", "xlsb", "xls", "ods", "fods"].contains(&format.as_str()),
            sheet: said.sheet.unwrap_or_default(),
            reasons: report.reasons.into_iter().map(Remark::of).collect(),
            shown_columns,
            columns,
        })
    }
}

impl Report {
    fn counts(&self) -> Vec<Count> {
        let count = |label, number: u64, is_ill| Count { label, number: written(number), is_ill };
        vec![
            count("Rows", self.rows, false),
            count("Contacts", self.imported, self.imported == 0),
            count("Of these repaired", self.repaired, false),
            count("Repeated", self.duplicates, false),
            count("Refused", self.rejected, self.rejected > 0),
            count("Blank", self.blank, false),
        ]
    }

    /// Which columns were found, in a line.
    fn read_as(&self) -> String {
        let found = self
            .found
            .iter()
            .map(|found| format!("{} from “{}”", found.role.replace('-', " "), found.column));
        let found: Vec<String> = found.collect();
        if found.is_empty() { "no column was recognised".to_owned() } else { found.join(", ") }
    }
}

impl Remark {
    fn of(reason: Reason) -> Self {
        let tone = match reason.kind.as_str() {
            "refused" => "red",
            "repaired" => "blue",
            _ => "gray",
        };
        let why = reason.samples.first().map_or(reason.reason, |said| said.message.clone());
        Self {
            kind: words::sentence(&reason.kind),
            tone,
            count: written(reason.count),
            why: words::sentence(&why),
            samples: reason.samples,
        }
    }
}

impl Named {
    fn of(
        name: &'static str,
        label: &'static str,
        said: &ReadAs,
        found: &[Found],
        columns: &[String],
    ) -> Self {
        let mapped = said.columns.as_ref().and_then(|columns| columns.get(name)).and_then(Value::as_str);
        let mapped = mapped.unwrap_or_default().to_owned();
        let is_for =
            |role: &str| role == name || name == "name" && ["given-name", "family-name"].contains(&role);
        let found = found.iter().filter(|found| is_for(&found.role)).map(|found| {
            let because = match found.because.as_str() {
                "header" => "by its title",
                "content" => "by what stands in it",
                _ => "as you said",
            };
            format!("“{}”, {because}", found.column)
        });
        let found = found.collect::<Vec<_>>().join(" and ");
        Self {
            name,
            label,
            is_joined: !mapped.is_empty() && !columns.contains(&mapped),
            mapped,
            found: if found.is_empty() { "None was found.".to_owned() } else { format!("Now {found}.") },
        }
    }
}

fn written(number: u64) -> String {
    words::number(i64::try_from(number).unwrap_or(i64::MAX))
}

/// What stands in a column, in short.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

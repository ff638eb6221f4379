//! Imports, as the API reads them.

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::KindName;
use crate::db::{Database, Error, json, name, query, query_opt};

/// How many refused rows are read at once for the rejects file, and after how many bytes of them a page ends.
const AT_ONCE: i64 = 500;
const BYTES_AT_ONCE: i64 = 4 << 20;

/// A list that was uploaded.
#[derive(Debug, Clone)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// The file's name; none for contacts that came as JSON.
    pub file_name: Option<String>,
    /// The SHA-256 digest of what came.
    pub digest: Vec<u8>,
    /// How much came.
    pub bytes: u64,
    /// How it was read.
    pub options: Value,
    /// What became of its rows, or would become of them.
    pub report: Value,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// What it is by now.
    pub standing: Standing,
}

/// What an import is by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A preview, of which a campaign can be made.
    Preview {
        /// Until then.
        expires_at: DateTime<Utc>,
    },
    /// Contacts of a campaign.
    Stored {
        /// The campaign.
        campaign: Uuid,
        /// Since when.
        stored_at: DateTime<Utc>,
    },
}

const COLUMNS: &str =
    "id, campaign_id, file_name, digest, bytes, options, report, created_at, stored_at, expires_at";

/// One import of a team. An expired preview is not there any more, whether it has been deleted yet or not.
pub async fn find_import(
    database: &Database,
    team: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Import>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM imports
         WHERE id = $1 AND team_id = $2 AND (expires_at IS NULL OR expires_at > $3)"
    );
    query_opt(&database.client().await?, &sql, &[&id, &team, &now]).await?.as_ref().map(import).transpose()
}

/// The lists that a campaign's contacts came with, the first first.
pub async fn list_imports(database: &Database, team: Uuid, campaign: Uuid) -> Result<Vec<Import>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE campaign_id = $1 AND team_id = $2 ORDER BY id");
    query(&database.client().await?, &sql, &[&campaign, &team]).await?.iter().map(import).collect()
}

/// The team's campaigns whose contacts came with this very file, the newest first, twenty at most.
pub async fn list_campaigns_of_file(
    database: &Database,
    team: Uuid,
    digest: &[u8; 32],
) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "
        SELECT campaign_id FROM imports
        WHERE team_id = $1 AND digest = $2 AND campaign_id IS NOT NULL
        GROUP BY campaign_id ORDER BY campaign_id DESC LIMIT 20";
    let rows = query(&database.client().await?, SQL, &[&team, &&digest[..]]).await?;
    rows.iter().map(|row| Ok(row.try_get("campaign_id")?)).collect()
}

/// The same campaigns, with what people call them.
pub async fn name_campaigns_of_file(
    database: &Database,
    team: Uuid,
    digest: &[u8; 32],
) -> Result<Vec<(Uuid, String)>, Error> {
    const SQL: &str = "
        SELECT id, name FROM campaigns WHERE team_id = $1 AND id = ANY ($2) ORDER BY id DESC";
    let ids = list_campaigns_of_file(database, team, digest).await?;
    let rows = query(&database.client().await?, SQL, &[&team, &ids]).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
}

fn import(row: &Row) -> Result<Import, Error> {
    Ok(Import {
        id: row.try_get("id")?,
        file_name: row.try_get("file_name")?,
        digest: row.try_get("digest")?,
        bytes: row.try_get::<_, i64>("bytes")?.unsigned_abs(),
        options: row.try_get("options")?,
        report: row.try_get("report")?,
        created_at: row.try_get("created_at")?,
        standing: standing(row)?,
    })
}

fn standing(row: &Row) -> Result<Standing, Error> {
    let campaign: Option<Uuid> = row.try_get("campaign_id")?;
    match (campaign, row.try_get("stored_at")?, row.try_get("expires_at")?) {
        (Some(campaign), Some(stored_at), None) => Ok(Standing::Stored { campaign, stored_at }),
        (None, None, Some(expires_at)) => Ok(Standing::Preview { expires_at }),
        _ => Err(Error::ImpossibleRow("an import is neither a preview nor stored".to_owned())),
    }
}

/// A piece of a preview's file, from number 0 on; nothing behind the last, or if the file is not kept any more.
pub async fn find_piece(
    database: &Database,
    team: Uuid,
    import: Uuid,
    number: u32,
) -> Result<Option<Vec<u8>>, Error> {
    const SQL: &str = "SELECT bytes FROM import_pieces WHERE import_id = $1 AND number = $2 AND team_id = $3";
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let row = query_opt(&database.client().await?, SQL, &[&import, &number, &team]).await?;
    row.map(|row| Ok(row.try_get("bytes")?)).transpose()
}

/// What was said about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemarkOfRow {
    /// The line or sheet row, and which of the import's remarks it is: where the next page goes on.
    pub place: (i32, i32),
    /// What became of the row.
    pub kind: KindName,
    /// The column that it is about.
    pub column: String,
    /// What stands there, masked.
    pub value: String,
    /// The reason's stable name.
    pub reason: String,
    /// What was expected, or what was done.
    pub sentence: String,
    /// What could be meant, for some of the refused.
    pub suggestion: Option<String>,
    /// The row of the same file that a duplicate repeats.
    pub repeats: Option<i32>,
}

/// Which remarks of an import are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemarkFilter {
    /// Only of this kind.
    pub kind: Option<KindName>,
    /// Only those behind this place.
    pub after: (i32, i32),
}

/// A page of an import's remarks, in the order of the file.
pub async fn list_remarks(
    database: &Database,
    team: Uuid,
    import: Uuid,
    filter: &RemarkFilter,
    limit: i64,
) -> Result<Vec<RemarkOfRow>, Error> {
    const SQL: &str = "
        SELECT file_row, number, kind, column_name, value, reason, sentence, suggestion, repeats
        FROM import_rows
        WHERE import_id = $1 AND team_id = $2 AND (file_row, number) > ($3, $4)
          AND ($5::text IS NULL OR kind = $5)
        ORDER BY file_row, number LIMIT $6";
    let kind = filter.kind.map(KindName::as_str);
    let (row, number) = filter.after;
    let params: crate::db::Params<'_> = &[&import, &team, &row, &number, &kind, &limit];
    query(&database.client().await?, SQL, params)
        .await?
        .iter()
        .map(|row| {
            Ok(RemarkOfRow {
                place: (row.try_get("file_row")?, row.try_get("number")?),
                kind: name(row, "kind", KindName::parse)?,
                column: row.try_get("column_name")?,
                value: row.try_get("value")?,
                reason: row.try_get("reason")?,
                sentence: row.try_get("sentence")?,
                suggestion: row.try_get("suggestion")?,
                repeats: row.try_get("repeats")?,
            })
        })
        .collect()
}

/// A refused row, as the rejects file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The reason's stable name.
    pub reason: String,
    /// What was expected.
    pub sentence: String,
    /// What could be meant, but is not certain.
    pub suggestion: Option<String>,
    /// The row as it was; nothing where it could not be taken apart.
    pub cells: Vec<String>,
}

/// All refused rows of an import in the order of the file, some hundred at a time, or fewer if they are large.
pub fn stream_refused(
    database: &Database,
    team: Uuid,
    import: Uuid,
) -> impl Stream<Item = Result<Vec<RefusedRow>, Error>> + use<> {
    let database = database.clone();
    stream::try_unfold((0, 0), move |after| {
        let database = database.clone();
        async move { page_of_refused(&database, team, import, after).await }
    })
    .into_stream()
}

/// A page of the refused rows behind a place, and the place of the last.
async fn page_of_refused(
    database: &Database,
    team: Uuid,
    import: Uuid,
    (row, number): (i32, i32),
) -> Result<Option<(Vec<RefusedRow>, (i32, i32))>, Error> {
    const SQL: &str = "
        WITH sized AS (
            SELECT file_row, number, reason, sentence, suggestion, cells,
                   sum(cell_bytes) OVER (ORDER BY file_row, number) - cell_bytes AS bytes_before
            FROM (SELECT * FROM import_rows
                  WHERE import_id = $1 AND team_id = $2 AND kind = 'refused' AND (file_row, number) > ($3, $4)
                  ORDER BY file_row, number LIMIT $5) AS page
        )
        SELECT file_row, number, reason, sentence, suggestion, cells FROM sized
        WHERE bytes_before < $6 ORDER BY file_row, number";
    let params: crate::db::Params<'_> = &[&import, &team, &row, &number, &AT_ONCE, &BYTES_AT_ONCE];
    let rows = query(&database.client().await?, SQL, params).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let place = (last.try_get("file_row")?, last.try_get("number")?);
    let refused = rows.iter().map(|row| {
        Ok(RefusedRow {
            reason: row.try_get("reason")?,
            sentence: row.try_get("sentence")?,
            suggestion: row.try_get("suggestion")?,
            cells: json(row, "cells")?,
        })
    });
    Ok(Some((refused.collect::<Result<_, Error>>()?, place)))
}

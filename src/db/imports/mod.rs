//! Lists as they were uploaded: what they were, what became of their rows, and, until they are stored in a campaign,
//! the files themselves. How a list becomes contacts is in `contacts`.

mod expiry;
mod preview;
mod read;
mod remarks;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

pub use self::expiry::{Expired, delete_expired};
pub(super) use self::preview::leave_remarks;
pub use self::preview::{LARGEST_PIECE, Previewing, begin_preview, begin_preview_again};
pub use self::read::{
    Import, RefusedRow, RemarkFilter, RemarkOfRow, Standing, find_import, find_piece, list_campaigns_of_file,
    list_imports, list_remarks, name_campaigns_of_file, stream_refused,
};
pub(super) use self::remarks::Remarks;
pub use self::remarks::{Kind, KindName, Remark};
use super::{Error, Transaction, execute, query_opt};

/// How long a preview can be made a campaign.
pub const PREVIEW_LASTS: TimeDelta = TimeDelta::hours(24);

/// A list that has just been uploaded.
#[derive(Debug, Clone, Copy)]
pub struct NewImport<'a> {
    /// Its id.
    pub id: Uuid,
    /// The file's name; none for contacts that came as JSON.
    pub file_name: Option<&'a str>,
    /// The SHA-256 digest of what came.
    pub digest: [u8; 32],
    /// How much came.
    pub bytes: u64,
    /// How it is read, as JSON that the API has checked.
    pub options: &'a Value,
}

/// Where a list that is to be stored comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// It has just been uploaded.
    Upload(NewImport<'a>),
    /// It was uploaded before, as the preview of this id. It is read as is said now, in JSON that the API has checked.
    Preview(Uuid, &'a Value),
}

impl Origin<'_> {
    /// The import's id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Upload(import) => import.id,
            Self::Preview(id, _) => *id,
        }
    }
}

/// Opens the import that a list is stored as, for the transaction alone: a preview's remarks give way to those that are
/// made now. Returns whether there is one: a preview may be gone, or stored already.
pub(super) async fn open_import(
    transaction: &Transaction<'_>,
    team: Uuid,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const LOCK: &str = "
        SELECT id FROM imports
        WHERE id = $1 AND team_id = $2 AND stored_at IS NULL AND expires_at > $3
        FOR UPDATE";
    const CLEAR: &str = "DELETE FROM import_rows WHERE import_id = $1 AND team_id = $2";
    const READ_SO: &str = "UPDATE imports SET options = $3 WHERE id = $1 AND team_id = $2";
    match origin {
        Origin::Upload(import) => insert_import(transaction, team, import, now).await?,
        Origin::Preview(id, options) => {
            if query_opt(transaction, LOCK, &[id, &team, &now]).await?.is_none() {
                return Ok(false);
            }
            execute(transaction, CLEAR, &[id, &team]).await?;
            execute(transaction, READ_SO, &[id, &team, options]).await?;
        }
    }
    Ok(true)
}

/// Writes an import that is stored in no campaign yet.
async fn insert_import(
    transaction: &Transaction<'_>,
    team: Uuid,
    import: &NewImport<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO imports (id, team_id, file_name, digest, bytes, options, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let bytes = i64::try_from(import.bytes).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    let params: super::Params<'_> = &[
        &import.id,
        &team,
        &import.file_name,
        &&import.digest[..],
        &bytes,
        import.options,
        &now,
        &(now + PREVIEW_LASTS),
    ];
    execute(transaction, SQL, params).await?;
    Ok(())
}

/// Makes an import the campaign's: its file is not needed any more.
pub(super) async fn store_import(
    transaction: &Transaction<'_>,
    team: Uuid,
    import: Uuid,
    campaign: Uuid,
    report: &Value,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH pieces AS (
            DELETE FROM import_pieces WHERE import_id = $1 AND team_id = $2
        )
        UPDATE imports SET campaign_id = $3, report = $4, stored_at = $5, expires_at = NULL
        WHERE id = $1 AND team_id = $2 AND stored_at IS NULL";
    execute(transaction, SQL, &[&import, &team, &campaign, report, &now]).await?;
    Ok(())
}

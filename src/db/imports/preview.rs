//! A list is kept as it was uploaded, with what would become of its rows, so that a campaign can be made of it.

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use serde_json::Value;
use uuid::Uuid;

use super::{NewImport, Remark, Remarks, insert_import};
use crate::db::{Database, Error, execute};

/// The most bytes of one piece of a file.
pub const LARGEST_PIECE: usize = 1 << 20;

/// A preview that is being written. Dropped before it is finished, it has never been.
pub struct Previewing<'c> {
    transaction: Transaction<'c>,
    team: Uuid,
    import: Uuid,
    pieces: i32,
    remarks: Remarks,
}

/// Begins to write a preview, which expires a day after `now`.
pub async fn begin_preview<'c>(
    client: &'c mut Object,
    team: Uuid,
    import: &NewImport<'_>,
    now: DateTime<Utc>,
) -> Result<Previewing<'c>, Error> {
    let transaction = client.transaction().await?;
    insert_import(&transaction, team, import, now).await?;
    let remarks = Remarks::of(team, import.id);
    Ok(Previewing { transaction, team, import: import.id, pieces: 0, remarks })
}

impl Previewing<'_> {
    /// Keeps the piece of the file that follows, of one byte to [`LARGEST_PIECE`].
    pub async fn keep(&mut self, piece: &[u8]) -> Result<(), Error> {
        const SQL: &str =
            "INSERT INTO import_pieces (import_id, team_id, number, bytes) VALUES ($1, $2, $3, $4)";
        execute(&self.transaction, SQL, &[&self.import, &self.team, &self.pieces, &piece]).await?;
        self.pieces += 1;
        Ok(())
    }

    /// Takes the remarks that follow.
    pub async fn take(&mut self, remarks: Vec<Remark>) -> Result<(), Error> {
        if self.remarks.wait_for(remarks) {
            self.remarks.write(&self.transaction).await?;
        }
        Ok(())
    }

    /// Makes it so, with the report of what would become of the rows.
    pub async fn finish(mut self, report: &Value) -> Result<(), Error> {
        const SQL: &str = "UPDATE imports SET report = $3 WHERE id = $1 AND team_id = $2";
        self.remarks.write(&self.transaction).await?;
        execute(&self.transaction, SQL, &[&self.import, &self.team, report]).await?;
        self.transaction.commit().await?;
        Ok(())
    }
}

/// Deletes the previews that have expired at `now`, with their files. One that is being stored just now is left alone:
/// it will not be a preview any more. Returns how many there were.
pub async fn delete_expired(database: &Database, now: DateTime<Utc>) -> Result<u64, Error> {
    // One at a time: each may be as large as a file and a million remarks.
    const SQL: &str = "
        DELETE FROM imports WHERE (id, team_id) =
            (SELECT id, team_id FROM imports WHERE expires_at <= $1
             ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED)";
    let client = database.client().await?;
    let mut deleted = 0;
    while execute(&client, SQL, &[&now]).await? > 0 {
        deleted += 1;
    }
    Ok(deleted)
}

//! A list is kept as it was uploaded, with what would become of its rows, so that a campaign can be made of it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{NewImport, Remark, Remarks, insert_import};
use crate::db::in_flight::announce_list;
use crate::db::{Connection, Error, Transaction, execute, query_opt};

/// The most bytes of one piece of a file.
pub const LARGEST_PIECE: usize = 1 << 20;

/// A preview that is being written. Dropped before it is finished, it has never been.
pub struct Previewing<'c> {
    transaction: Transaction<'c>,
    team: Uuid,
    import: Uuid,
    now: DateTime<Utc>,
    pieces: i32,
    remarks: Remarks,
}

/// Begins to write a preview, which expires a day after `now`.
pub async fn begin_preview<'c>(
    client: &'c mut Connection,
    team: Uuid,
    import: &NewImport<'_>,
    now: DateTime<Utc>,
) -> Result<Previewing<'c>, Error> {
    let transaction = client.transaction().await?;
    announce_list(&transaction, team).await?;
    insert_import(&transaction, team, import, now).await?;
    let remarks = Remarks::of(team, import.id);
    Ok(Previewing { transaction, team, import: import.id, now, pieces: 0, remarks })
}

/// Begins to write a preview of the file of another, which it takes the place of: the file goes over to it, and the other is there
/// no longer. None if there is none whose file is kept.
pub async fn begin_preview_again<'c>(
    client: &'c mut Connection,
    team: Uuid,
    before: Uuid,
    import: &NewImport<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Previewing<'c>>, Error> {
    const LOCK: &str = "
        SELECT id FROM imports
        WHERE id = $1 AND team_id = $2 AND stored_at IS NULL AND expires_at > $3
          AND EXISTS (SELECT FROM import_pieces WHERE import_id = $1 AND team_id = $2)
        FOR UPDATE";
    // Their bytes lie outside of the rows, and stay where they are.
    const MOVE: &str = "UPDATE import_pieces SET import_id = $3 WHERE import_id = $1 AND team_id = $2";
    const DELETE: &str = "DELETE FROM imports WHERE id = $1 AND team_id = $2";
    let transaction = client.transaction().await?;
    announce_list(&transaction, team).await?;
    if query_opt(&transaction, LOCK, &[&before, &team, &now]).await?.is_none() {
        return Ok(None);
    }
    insert_import(&transaction, team, import, now).await?;
    execute(&transaction, MOVE, &[&before, &team, &import.id]).await?;
    execute(&transaction, DELETE, &[&before, &team]).await?;
    let remarks = Remarks::of(team, import.id);
    Ok(Some(Previewing { transaction, team, import: import.id, now, pieces: 0, remarks }))
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

    /// Makes it so, with the report of what would become of the rows. The team keeps its newest `most` previews: older
    /// ones expire now. Returns how many did.
    pub async fn finish(mut self, report: &Value, most: u32) -> Result<u64, Error> {
        const SQL: &str = "UPDATE imports SET report = $3 WHERE id = $1 AND team_id = $2";
        self.remarks.write(&self.transaction).await?;
        execute(&self.transaction, SQL, &[&self.import, &self.team, report]).await?;
        let expired = expire_oldest(&self.transaction, self.team, most, self.now).await?;
        self.transaction.commit().await?;
        Ok(expired)
    }
}

/// Lets the team's previews expire at `now`, but for its newest `most`. Returns how many do.
async fn expire_oldest(
    transaction: &Transaction<'_>,
    team: Uuid,
    most: u32,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    // One that is being stored just now is no preview any more once that is done. Ids are UUIDv7: their order is the
    // order of their making.
    const SQL: &str = "
        UPDATE imports SET expires_at = $3
        WHERE team_id = $1 AND id IN
            (SELECT id FROM imports
             WHERE team_id = $1 AND id IN
                 (SELECT id FROM imports WHERE team_id = $1 AND expires_at > $3 ORDER BY id DESC OFFSET $2)
             FOR UPDATE SKIP LOCKED)";
    execute(transaction, SQL, &[&team, &i64::from(most), &now]).await
}

/// Leaves what is said about a list that was to be stored, and was not, as a preview without a file. Returns how many
/// older previews expire for it.
pub(in crate::db) async fn leave_remarks(
    transaction: &Transaction<'_>,
    (team, import): (Uuid, Uuid),
    report: &Value,
    most: u32,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    const SQL: &str = "UPDATE imports SET report = $3 WHERE id = $1 AND team_id = $2";
    execute(transaction, SQL, &[&import, &team, report]).await?;
    expire_oldest(transaction, team, most, now).await
}

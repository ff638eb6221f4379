//! Contacts are added to a campaign that is there already, whatever it is doing meanwhile.
//!
//! The list is staged first, which locks nothing. The merge into the campaign's contacts takes a while for a large
//! list, and holds no lock either that the dialer or a person's pause would wait for: only other additions to the same
//! campaign do, because positions are given one list after the other. That the number is new is the unique
//! constraint's word. A million new contacts were merged in 8.2 s, and a million that were there in 2.8 s. At the end the campaign's row is locked for a moment, and only then it is decided whether the
//! campaign still takes contacts: until the commit nobody sees any of them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::areas::{Areas, turn_of};
use super::copy::{Copy, Table};
use super::encode::{Belongs, COLUMNS, Encoder, Portion};
use crate::db::campaigns::{own_if_nobody_does, write_move};
use crate::db::imports::{Origin, Remark, Remarks, open_import, store_import};
use crate::db::in_flight::announce_list;
use crate::db::{Connection, Error, Transaction, execute, name, query_one, query_opt};
use crate::domain::campaign::{Move, State, TakesNoContacts};

/// How many rows that were there already are read at once.
const AT_ONCE: i32 = 5_000;

/// Why contacts cannot be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CannotAdd {
    /// The team has no such campaign, or not any more.
    NotFound,
    /// It is at its end.
    AtItsEnd(TakesNoContacts),
    /// The preview that they were to come from is not there, or not any more.
    NoPreview,
}

/// Contacts on their way into a campaign. Dropped before they are merged and committed, they have never been.
pub struct Adding<'c> {
    copy: Copy<'c>,
}

/// Begins to add contacts, which come in portions, from a new list or from one that was previewed.
pub async fn begin_addition<'c>(
    client: &'c mut Connection,
    team: Uuid,
    campaign: Uuid,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<Result<Adding<'c>, CannotAdd>, Error> {
    const SQL: &str = "SELECT state FROM campaigns WHERE id = $1 AND team_id = $2";
    prepare_stage(client).await?;
    let transaction = client.transaction().await?;
    announce_list(&transaction, team).await?;
    // Not the decision yet, but whoever is refused for certain need not upload first.
    if let Err(refused) = takes_contacts(query_opt(&transaction, SQL, &[&campaign, &team]).await?)? {
        return Ok(Err(refused));
    }
    if !open_import(&transaction, team, origin, now).await? {
        return Ok(Err(CannotAdd::NoPreview));
    }
    let belongs = Belongs { team, campaign, import: origin.id(), now };
    Ok(Ok(Adding { copy: Copy::new(transaction, Table::Staged, belongs) }))
}

/// Makes the table of the connection's own that lists are staged in, once for each connection: a table for each list
/// would fill the server's catalogs.
async fn prepare_stage(client: &Connection) -> Result<(), Error> {
    const FIND: &str = "SELECT to_regclass('pg_temp.staged_contacts') IS NOT NULL AS is_there";
    if !query_one(client, FIND, &[]).await?.try_get::<_, bool>("is_there")? {
        let make = format!(
            "CREATE TEMPORARY TABLE staged_contacts ON COMMIT DELETE ROWS AS
             SELECT {COLUMNS} FROM contacts WITH NO DATA"
        );
        client.batch_execute(&make).await?;
    }
    Ok(())
}

/// What a campaign's row says about taking contacts.
fn takes_contacts(campaign: Option<tokio_postgres::Row>) -> Result<Result<(State, State), CannotAdd>, Error> {
    let Some(row) = campaign else { return Ok(Err(CannotAdd::NotFound)) };
    let state = name(&row, "state", State::parse)?;
    Ok(state.with_more_contacts().map(|after| (state, after)).map_err(CannotAdd::AtItsEnd))
}

impl<'c> Adding<'c> {
    /// What makes portions of its contacts.
    pub fn encoder(&self) -> Encoder {
        self.copy.encoder()
    }

    /// Takes the portion that follows.
    pub async fn take(&mut self, portion: Portion) -> Result<(), Error> {
        self.copy.take(portion).await
    }

    /// Tells those who are new from those whose number and extension the campaign has already, whatever became of
    /// these; `remark` says of each of them what is kept with the import.
    pub async fn merge(
        mut self,
        remark: impl FnMut(&AlreadyThere) -> Remark,
    ) -> Result<Result<Merged<'c>, CannotAdd>, Error> {
        let staged = self.copy.end().await?;
        let Copy { transaction, belongs, areas, mut remarks, .. } = self.copy;
        let inserted = match insert_staged(&transaction, &belongs, &areas).await {
            Ok(added) => added,
            // The campaign was deleted meanwhile.
            Err(error) if error.has_code(&SqlState::FOREIGN_KEY_VIOLATION) => {
                return Ok(Err(CannotAdd::NotFound));
            }
            Err(error) => return Err(error),
        };
        let Inserted { added, areas } = inserted;
        let already_there = staged - added;
        if already_there > 0 {
            remark_on_those_there(&transaction, &belongs, &mut remarks, remark).await?;
        }
        Ok(Ok(Merged {
            added: added.unsigned_abs(),
            already_there: already_there.unsigned_abs(),
            areas,
            transaction,
            belongs,
        }))
    }
}

/// What came of the staged contacts.
struct Inserted {
    /// How many are new.
    added: i32,
    /// The areas that the list names, by their numbers in the campaign.
    areas: Vec<i16>,
}

/// Inserts the staged contacts that are new, behind the last of the campaign.
async fn insert_staged(
    transaction: &Transaction<'_>,
    belongs: &Belongs,
    areas: &Areas,
) -> Result<Inserted, Error> {
    // Until this transaction ends, nobody else gives positions and areas in this campaign.
    const ALONE: &str = "SELECT pg_advisory_xact_lock($1)";
    const LAST: &str = "
        SELECT coalesce(max(position), 0) AS last FROM contacts WHERE campaign_id = $1 AND team_id = $2";
    let values =
        COLUMNS.replacen("position", "$1 + position", 1).replacen("area", "($2::smallint[])[area + 1]", 1);
    let insert = format!(
        "INSERT INTO contacts ({COLUMNS}) SELECT {values} FROM staged_contacts
         ON CONFLICT (campaign_id, phone, extension, team_id) DO NOTHING"
    );
    execute(transaction, ALONE, &[&turn_of(belongs.campaign)]).await?;
    let last: i32 =
        query_one(transaction, LAST, &[&belongs.campaign, &belongs.team]).await?.try_get("last")?;
    let areas = areas.write(transaction, belongs.team, belongs.campaign).await?;
    let added = execute(transaction, &insert, &[&last, &areas]).await?;
    let added = i32::try_from(added).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    Ok(Inserted { added, areas })
}

/// A row of the list whose number and extension the campaign has already.
#[derive(Debug, Clone)]
pub struct AlreadyThere {
    /// The row of the file.
    pub file_row: u32,
    /// The number as the file wrote it.
    pub raw_phone: String,
    /// The number.
    pub phone: String,
    /// What was repaired about it, by its stable name.
    pub repair: Option<String>,
    /// The contact's place in the campaign.
    pub position: u32,
}

async fn remark_on_those_there(
    transaction: &Transaction<'_>,
    belongs: &Belongs,
    remarks: &mut Remarks,
    mut remark: impl FnMut(&AlreadyThere) -> Remark,
) -> Result<(), Error> {
    const SQL: &str = "
        SELECT staged.file_row, staged.raw_phone, staged.repair, phone, contacts.position
        FROM staged_contacts staged
        JOIN contacts USING (campaign_id, phone, extension, team_id)
        WHERE contacts.campaign_id = $1 AND contacts.team_id = $2 AND contacts.id <> staged.id";
    // Not one of the prepared: it is planned anew for each list, of three rows or of a million.
    let portal = transaction.bind(SQL, &[&belongs.campaign, &belongs.team]).await?;
    loop {
        let rows = transaction.fetch(&portal, AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let there = rows.iter().map(|row| {
            Ok(remark(&AlreadyThere {
                file_row: row.try_get::<_, i32>("file_row")?.unsigned_abs(),
                raw_phone: row.try_get("raw_phone")?,
                phone: row.try_get("phone")?,
                repair: row.try_get("repair")?,
                position: row.try_get::<_, i32>("position")?.unsigned_abs(),
            }))
        });
        remarks.wait_for(there.collect::<Result<_, Error>>()?);
        remarks.write(transaction).await?;
    }
}

/// Contacts that were told from those who are there already, and that nobody sees yet.
pub struct Merged<'c> {
    /// How many are new.
    pub added: u32,
    /// How many rows of the list the campaign had already.
    pub already_there: u32,
    areas: Vec<i16>,
    transaction: Transaction<'c>,
    belongs: Belongs,
}

/// What came of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// How many contacts are new.
    pub added: u32,
    /// How many rows of the list the campaign had already.
    pub already_there: u32,
    /// The campaign's state now.
    pub state: State,
    /// Whether the campaign has to be woken, because somebody may be due now.
    pub wakes: bool,
}

impl Merged<'_> {
    /// Makes it so, if the campaign still takes contacts; `report` is kept with the import. A completed campaign runs
    /// again, and is given to `node` if no living node owns it.
    ///
    /// The cursors of their areas are set back: the new ones have no due time of their own, and stand behind all others
    /// of their priority, but before those of a lower one.
    pub async fn commit(self, report: &Value, node: Option<Uuid>) -> Result<Result<Added, CannotAdd>, Error> {
        const LOCK: &str = "SELECT state FROM campaigns WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
        let Self { added, already_there, areas, transaction, belongs } = self;
        let Belongs { team, campaign, import, now } = belongs;
        let (before, after) = match takes_contacts(query_opt(&transaction, LOCK, &[&campaign, &team]).await?)?
        {
            Ok(states) => states,
            Err(refused) => return Ok(Err(refused)),
        };
        // A list of nobody new leaves a completed campaign as it is.
        let state = if added > 0 { after } else { before };
        if state != before {
            write_move(&transaction, campaign, Move::Reopen, None, None, now).await?;
            own_if_nobody_does(&transaction, campaign, node).await?;
        }
        if added > 0 {
            see_contacts(&transaction, campaign, &areas).await?;
            count_contacts(&transaction, &belongs, added, already_there).await?;
        }
        store_import(&transaction, team, import, campaign, report, now).await?;
        transaction.commit().await?;
        let wakes = added > 0 && matches!(state, State::Pending | State::Running);
        Ok(Ok(Added { added, already_there, state, wakes }))
    }
}

async fn see_contacts(transaction: &Transaction<'_>, campaign: Uuid, areas: &[i16]) -> Result<(), Error> {
    const SQL: &str = "UPDATE areas SET order_cursor = DEFAULT WHERE campaign_id = $1 AND number = ANY ($2)";
    execute(transaction, SQL, &[&campaign, &areas]).await?;
    Ok(())
}

async fn count_contacts(
    transaction: &Transaction<'_>,
    belongs: &Belongs,
    added: u32,
    already_there: u32,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH campaign AS (
            UPDATE campaigns SET pending = pending + $3
            WHERE id = $1 AND team_id = $2
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, 'contacts.added', $5,
               jsonb_build_object('contacts', $3, 'already_there', $4::int, 'import', $6::uuid)
        FROM campaign";
    let (added, already_there) = (added.cast_signed(), already_there.cast_signed());
    let params: crate::db::Params<'_> =
        &[&belongs.campaign, &belongs.team, &added, &already_there, &belongs.now, &belongs.import];
    execute(transaction, SQL, params).await?;
    Ok(())
}

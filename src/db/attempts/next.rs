//! Who would be called next, for whoever is asked about it before; and what becomes of a contact whom a server does not let
//! be called. Nobody is claimed here.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::calls::calls_to;
use crate::db::campaigns::{Locked, lock};
use crate::db::{Database, Error, Ownership, Params, count, execute, query_opt};
use crate::domain::campaign::State;
use crate::domain::caps::Reach;
use crate::domain::contactable::Terms;
use crate::domain::dialer::Queue;
use crate::domain::fate::Fate;

use super::candidate::{Candidate, FIRST_DUE, numbers_of};

/// Somebody who would be called next.
#[derive(Debug, Clone)]
pub struct NextContact {
    /// The contact.
    pub id: Uuid,
    /// The number that would be called.
    pub phone: String,
    /// What would be dialed after the call is taken, empty if nothing.
    pub extension: String,
    /// The contact's name.
    pub name: Option<String>,
    /// The file's other columns.
    pub metadata: serde_json::Value,
    /// How many attempts of the contact have counted.
    pub attempts: u32,
    /// When anybody last did something about the contact.
    pub updated_at: DateTime<Utc>,
    /// Where the cursors of its area's two queues go once it stands there no more: the due time's, or the order's.
    due_cursor: Option<DateTime<Utc>>,
    order_cursor: Option<i64>,
}

/// Finds who would be called next. None if the next claim calls nobody: it suppresses somebody, puts somebody off, or
/// finds nobody. A claim finds the same one, unless something changes in between.
pub async fn find_next(
    database: &Database,
    owner: Ownership,
    team: Uuid,
    terms: &Terms<'_>,
    open: &[&Queue],
    now: DateTime<Utc>,
) -> Result<Option<NextContact>, Error> {
    // One statement, so that nobody is asked about as he has become since he was judged.
    let sql = format!(
        "WITH first AS ({FIRST_DUE})
         SELECT first.*, contacts.name, contacts.metadata, contacts.attempts, contacts.updated_at
         FROM first JOIN contacts ON contacts.id = first.id AND contacts.team_id = $3"
    );
    let client = database.client().await?;
    let params: Params<'_> = &[&owner.campaign, &now, &team, &numbers_of(open)];
    let Some(row) = query_opt(&client, &sql, params).await? else { return Ok(None) };
    let id: Uuid = row.try_get("id")?;
    let found = async {
        let candidate = Candidate::read(&row, open)?;
        let calls = match terms.reach() {
            Reach::NONE => Vec::new(),
            reach => calls_to(&client, team, &candidate.phone, reach, now).await?,
        };
        if candidate.fate(terms, &calls, false, now) != Fate::Call {
            return Ok(None);
        }
        let attempts = count(&row, "attempts")?;
        let (name, metadata) = (row.try_get("name")?, row.try_get("metadata")?);
        let updated_at = row.try_get("updated_at")?;
        let Candidate { phone, extension, due_cursor, order_cursor, .. } = candidate;
        Ok(Some(NextContact {
            id,
            phone,
            extension,
            name,
            metadata,
            attempts,
            updated_at,
            due_cursor,
            order_cursor,
        }))
    };
    found.await.map_err(|error: Error| error.met_with(id))
}

/// Makes a contact final whom a server does not let be called, with its reason. Returns false if somebody has done something
/// about the contact or edited the campaign since the server was asked, or the campaign does not run any more.
pub async fn veto(
    database: &Database,
    asked_under: (Ownership, i32),
    contact: &NextContact,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let sql = format!(
        "WITH contact AS (
            UPDATE contacts
            SET state = 'failed', last_outcome = 'blocked', due_at = NULL, callback_waits = false, before_call = $3,
                updated_at = $4
            WHERE id = $2 AND campaign_id = $1 AND state = 'pending' AND updated_at = $5
            RETURNING id, area, due_at
        ), area AS ({PAST_THE_CONTACT}), campaign AS (
            UPDATE campaigns SET pending = pending - 1, failed = failed + 1
            FROM contact
            WHERE campaigns.id = $1
            RETURNING campaigns.id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
        SELECT team_id, campaign.id, 'contact.failed', $4, contact.id,
               jsonb_build_object('outcome', 'blocked', 'detail', $3::text)
        FROM campaign, contact"
    );
    let campaign = asked_under.0.campaign;
    let NextContact { id, updated_at, due_cursor, order_cursor, .. } = contact;
    let params: Params<'_> = &[&campaign, id, &reason, &now, updated_at, due_cursor, order_cursor];
    write(database, asked_under, &sql, params).await
}

/// Makes a contact due later whom a server wants to be called then, with its reason. Returns what [`veto`] returns.
pub async fn postpone(
    database: &Database,
    asked_under: (Ownership, i32),
    contact: &NextContact,
    (due_at, reason): (DateTime<Utc>, &str),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let sql = format!(
        "WITH contact AS (
            UPDATE contacts SET timed = true, due_at = $8, before_call = $3, updated_at = $4
            WHERE id = $2 AND campaign_id = $1 AND state = 'pending' AND updated_at = $5
            RETURNING id, area, due_at
        ), area AS ({PAST_THE_CONTACT})
        SELECT id FROM contact"
    );
    let campaign = asked_under.0.campaign;
    let NextContact { id, updated_at, due_cursor, order_cursor, .. } = contact;
    let params: Params<'_> = &[&campaign, id, &reason, &now, updated_at, due_cursor, order_cursor, &due_at];
    write(database, asked_under, &sql, params).await
}

/// Moves the cursor `$6` or `$7` of the queue in which `contact` was the first when he was asked about, if still nobody who is
/// pending stands before him: else whoever is vetoed would be walked over again by every look, as by a claim without cursors.
const PAST_THE_CONTACT: &str = "
    UPDATE areas
    SET due_cursor = least(coalesce($6, due_cursor), contact.due_at), order_cursor = coalesce($7, order_cursor)
    FROM contact
    WHERE areas.campaign_id = $1 AND areas.number = contact.area
      AND NOT EXISTS (SELECT FROM contacts
                      WHERE campaign_id = $1 AND area = contact.area AND state = 'pending' AND timed
                        AND due_at >= areas.due_cursor AND due_at < $6)
      AND NOT EXISTS (SELECT FROM contacts
                      WHERE campaign_id = $1 AND area = contact.area AND state = 'pending' AND NOT timed
                        AND place > areas.order_cursor AND place < $7)";

/// Carries out a decision about a contact of a campaign that runs, is ours, and has the settings under which it was made.
async fn write(
    database: &Database,
    (owner, settings_version): (Ownership, i32),
    sql: &str,
    params: Params<'_>,
) -> Result<bool, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let campaign = lock(&transaction, owner).await?;
    let is_as_it_was =
        |campaign: Locked| campaign.state == State::Running && campaign.settings_version == settings_version;
    if !campaign.is_some_and(is_as_it_was) {
        return Ok(false);
    }
    let is_written = execute(&transaction, sql, params).await? > 0;
    transaction.commit().await?;
    Ok(is_written)
}

//! Who would be called next, for whoever is asked about it before; and what becomes of a contact whom a server does not let
//! be called. Nobody is claimed here.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::calls::calls_to;
use crate::db::campaigns::{Locked, lock};
use crate::db::{Database, Error, Ownership, Params, count, execute, query_opt};
use crate::domain::campaign::State;
use crate::domain::contact::ContactState;
use crate::domain::contactable::{Decision, Person, Terms};
use crate::domain::dialer::Queue;

use super::claim::{Candidate, first_due};

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
    const CONTACT: &str = "
        SELECT id, phone, extension, name, metadata, attempts, updated_at FROM contacts
        WHERE id = $1 AND campaign_id = $2 AND team_id = $3 AND state = 'pending' AND due_at = $4";
    let client = database.client().await?;
    let Some(row) = first_due(&client, owner.campaign, team, open, now).await? else { return Ok(None) };
    let id: Uuid = row.try_get("id")?;
    let found = async {
        let candidate = Candidate::read(&row, open)?;
        let person = Person {
            state: ContactState::Pending,
            due_at: Some(candidate.due_at),
            area: &candidate.area,
            is_suppressed: row.try_get("suppressed")?,
            calls: &calls_to(&client, team, row.try_get("phone")?, terms.reach(), now).await?,
        };
        let is_called = matches!(terms.decide(&person, now), Decision::Now { .. });
        if !is_called || candidate.area.is_assumed() || row.try_get("taken")? {
            return Ok(None);
        }
        // What was done about the contact since it was found is not what it was judged by.
        let params: Params<'_> = &[&id, &owner.campaign, &team, &candidate.due_at];
        let Some(row) = query_opt(&client, CONTACT, params).await? else { return Ok(None) };
        Ok(Some(NextContact {
            id,
            phone: row.try_get("phone")?,
            extension: row.try_get("extension")?,
            name: row.try_get("name")?,
            metadata: row.try_get("metadata")?,
            attempts: count(&row, "attempts")?,
            updated_at: row.try_get("updated_at")?,
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
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET state = 'failed', last_outcome = 'blocked', due_at = NULL, callback_waits = false, before_call = $3,
                updated_at = $4
            WHERE id = $2 AND campaign_id = $1 AND state = 'pending' AND updated_at = $5
            RETURNING id
        ), campaign AS (
            UPDATE campaigns SET pending = pending - 1, failed = failed + 1
            FROM contact
            WHERE campaigns.id = $1
            RETURNING campaigns.id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
        SELECT team_id, campaign.id, 'contact.failed', $4, contact.id,
               jsonb_build_object('outcome', 'blocked', 'detail', $3::text)
        FROM campaign, contact";
    let campaign = asked_under.0.campaign;
    write(database, asked_under, SQL, &[&campaign, &contact.id, &reason, &now, &contact.updated_at]).await
}

/// Makes a contact due later whom a server wants to be called then, with its reason. Returns what [`veto`] returns.
pub async fn postpone(
    database: &Database,
    asked_under: (Ownership, i32),
    contact: &NextContact,
    (due_at, reason): (DateTime<Utc>, &str),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts SET timed = true, due_at = $6, before_call = $3, updated_at = $4
            WHERE id = $2 AND campaign_id = $1 AND state = 'pending' AND updated_at = $5
            RETURNING area, due_at
        )
        UPDATE areas SET due_cursor = least(due_cursor, contact.due_at)
        FROM contact
        WHERE campaign_id = $1 AND number = contact.area";
    let campaign = asked_under.0.campaign;
    let params: Params<'_> = &[&campaign, &contact.id, &reason, &now, &contact.updated_at, &due_at];
    write(database, asked_under, SQL, params).await
}

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

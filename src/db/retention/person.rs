//! One person who asks to be forgotten: everything of the team that leads to a number, at once, in one transaction.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ERASE_ATTEMPTS, ERASE_CONTACTS, WITHOUT_PEOPLE, rows};
use crate::db::{Database, Error, Params, Transaction, execute, query, query_one, query_opt};

/// Whose number it is.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The number, in E.164.
    pub phone: &'a str,
    /// Its digits without the country's: files write it in many ways, and all of them have these in a row.
    pub national: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// Nothing leads to the number any more.
    Done(Touched),
    /// A call of it is open, so nothing was changed.
    CallOpen,
}

/// What was touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Contacts that had the number.
    pub contacts: u64,
    /// Of them those who were still to be called, and are not any more.
    pub given_up: u64,
    /// Contacts who had it beside another one, and lost it.
    pub alternates: u64,
    /// Attempts.
    pub attempts: u64,
    /// Remarks on rows of lists that were deleted.
    pub remarks: u64,
    /// Lists of which nothing is shown any more but counts.
    pub lists: u64,
    /// Lists that were only looked at: they are gone, because nobody can tell what is in them.
    pub previews: u64,
    /// Calls of deleted campaigns that caps do not count any more.
    pub past_calls: u64,
    /// Whether the number must not be called: that stays.
    pub is_suppressed: bool,
    /// The campaigns in which something was changed.
    pub campaigns: Vec<Uuid>,
}

/// Erases what leads to somebody, except that they must not be called. Repeating it changes nothing.
pub async fn erase_person(
    database: &Database,
    team: Uuid,
    person: Person<'_>,
    now: DateTime<Utc>,
) -> Result<Erasure, Error> {
    const OPEN: &str = "
        SELECT FROM attempts WHERE team_id = $1 AND to_phone = $2 AND settled_at IS NULL
        UNION ALL
        SELECT FROM contacts
        WHERE campaign_id = ANY ($3) AND team_id = $1 AND phone = $2 AND state = 'calling'
        LIMIT 1";
    let phone = person.phone;
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    let campaigns = hold_campaigns(&transaction, team, phone).await?;
    if query_opt(&transaction, OPEN, &[&team, &phone, &campaigns]).await?.is_some() {
        return Ok(Erasure::CallOpen);
    }
    let mut touched = Touched { campaigns, ..Touched::default() };
    // What the contacts' rows were in their files is found by them, so that goes first.
    touched.remarks = delete_remarks(&transaction, team, person).await?;
    touched.lists = clear_reports(&transaction, team, person).await?;
    for campaign in &touched.campaigns.clone() {
        erase_in(&transaction, (team, *campaign), phone, now, &mut touched).await?;
    }
    const PREVIEWS: &str = "
        UPDATE imports SET expires_at = $2 WHERE team_id = $1 AND stored_at IS NULL AND expires_at > $2";
    // What was answered is told anew from what there is, if it is asked for again.
    const ANSWERS: &str = "UPDATE idempotency_keys SET body = NULL WHERE team_id = $1 AND body IS NOT NULL";
    const PAST: &str = "DELETE FROM calls_of_deleted_campaigns WHERE team_id = $1 AND to_phone = $2";
    const SUPPRESSED: &str = "
        SELECT FROM suppressions WHERE team_id = $1 AND phone = $2 AND (expires_at IS NULL OR expires_at > $3)";
    touched.previews = execute(&transaction, PREVIEWS, &[&team, &now]).await?;
    execute(&transaction, ANSWERS, &[&team]).await?;
    touched.past_calls = execute(&transaction, PAST, &[&team, &phone]).await?;
    touched.is_suppressed = query_opt(&transaction, SUPPRESSED, &[&team, &phone, &now]).await?.is_some();
    transaction.commit().await?;
    Ok(Erasure::Done(touched))
}

/// Holds the campaigns in which somebody has the number, so that none of them can claim it. They are held in the order of their
/// ids, as nobody else holds two.
async fn hold_campaigns(transaction: &Transaction<'_>, team: Uuid, phone: &str) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "
        SELECT id FROM campaigns
        WHERE team_id = $1
          AND id IN (SELECT campaign_id FROM contacts WHERE team_id = $1 AND (phone = $2 OR alternates ? $2))
        ORDER BY id FOR NO KEY UPDATE";
    query(transaction, SQL, &[&team, &phone]).await?.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

async fn erase_in(
    transaction: &Transaction<'_>,
    (team, campaign): (Uuid, Uuid),
    phone: &str,
    now: DateTime<Utc>,
    touched: &mut Touched,
) -> Result<(), Error> {
    // Who is still to be called is final from now on: nobody knows any more whom to call.
    let sql = format!(
        "WITH batch AS (
            SELECT id AS contact_id, NULL::uuid AS attempt_id, state AS was FROM contacts
            WHERE campaign_id = $1 AND team_id = $2 AND phone = $3
        ), attempt AS ({ERASE_ATTEMPTS}), contact AS ({ERASE_CONTACTS}), given_up AS (
            INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
            SELECT $2, $1, 'contact.failed', $4, contact_id, '{{\"reason\": \"erased\"}}' FROM batch
            WHERE was = 'pending'
            RETURNING 1
        ), campaign AS (
            UPDATE campaigns SET pending = pending - given.up, failed = failed + given.up
            FROM (SELECT count(*)::int AS up FROM batch WHERE was = 'pending') given
            WHERE id = $1 AND team_id = $2 AND given.up > 0
        ), notes AS (
            UPDATE events SET data = data - 'note'
            WHERE campaign_id = $1 AND team_id = $2 AND data ? 'note'
              AND contact_id IN (SELECT contact_id FROM batch)
        )
        SELECT (SELECT count(*) FROM attempt) AS attempts, (SELECT count(*) FROM contact) AS contacts,
               (SELECT count(*) FROM given_up) AS given_up"
    );
    const UNPRICED: &str = super::COUNT_UNPRICED;
    const ALTERNATES: &str = "
        UPDATE contacts SET alternates = alternates - $3, updated_at = $4
        WHERE campaign_id = $1 AND team_id = $2 AND alternates ? $3";
    let params: Params<'_> = &[&campaign, &team, &phone, &now, &true];
    let row = query_one(transaction, &sql, params).await?;
    touched.contacts += rows(&row, "contacts")?;
    touched.given_up += rows(&row, "given_up")?;
    touched.attempts += rows(&row, "attempts")?;
    execute(transaction, UNPRICED, &[&campaign, &team]).await?;
    touched.alternates += execute(transaction, ALTERNATES, &[&campaign, &team, &phone, &now]).await?;
    Ok(())
}

/// Deletes the remarks on the rows that the contacts came from, and every other in which the number's digits stand in a row.
async fn delete_remarks(transaction: &Transaction<'_>, team: Uuid, person: Person<'_>) -> Result<u64, Error> {
    const SQL: &str = "
        DELETE FROM import_rows
        WHERE team_id = $1
          AND (regexp_replace(concat_ws(' ', value, sentence, suggestion, cells::text), '\\D', '', 'g') LIKE $3
               OR (import_id, file_row) IN (SELECT import_id, file_row FROM contacts WHERE team_id = $1 AND phone = $2))";
    execute(transaction, SQL, &[&team, &person.phone, &format!("%{}%", person.national)]).await
}

/// Lets the reports show nothing but counts of the lists that the contacts came with, and of every other that shows the number.
async fn clear_reports(transaction: &Transaction<'_>, team: Uuid, person: Person<'_>) -> Result<u64, Error> {
    let sql = format!(
        "UPDATE imports SET report = {WITHOUT_PEOPLE}
         WHERE team_id = $1 AND stored_at IS NOT NULL AND report ? 'first'
           AND (regexp_replace(report::text, '\\D', '', 'g') LIKE $3
                OR id IN (SELECT import_id FROM contacts WHERE team_id = $1 AND phone = $2))"
    );
    execute(transaction, &sql, &[&team, &person.phone, &format!("%{}%", person.national)]).await
}

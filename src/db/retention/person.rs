//! One person who asks to be forgotten: everything of the team that leads to a number.
//!
//! It is done in small steps, each whole by itself and harmless when it is repeated, because whoever holds a campaign must
//! not look through what the team has: its calls would wait. What cannot be told from others' by an index is found first,
//! with nothing locked, and what is in somebody else's hands is passed over; then each campaign is held for a moment.
//! Lists that are on their way meanwhile may have the number as well: they are waited for, and all is looked through
//! once more, until nothing is found.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{ASSUME_PRICES, ERASE_ATTEMPTS, ERASE_CONTACTS, HAS_WORDS, WITHOUT_PEOPLE, rows};
use crate::db::in_flight::wait_for_lists;
use crate::db::{Connection, Database, Error, Params, Transaction, execute, query, query_one, query_opt};

/// How often it is looked whether there is more, while others keep making copies.
const MOST_LOOKS: u32 = 5;

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
    /// A call of it is open, so nothing was changed in its campaign.
    CallOpen(Touched),
    /// What was there is erased, but a list is on its way that may have it as well.
    ListUnderWay(Touched),
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

/// Erases what leads to somebody, except that they must not be called. Repeating it changes nothing, and goes on where it
/// was broken off.
pub async fn erase_person(
    database: &Database,
    team: Uuid,
    person: Person<'_>,
    now: DateTime<Utc>,
) -> Result<Erasure, Error> {
    const OPEN: &str = "SELECT FROM attempts WHERE team_id = $1 AND to_phone = $2 AND settled_at IS NULL";
    const SUPPRESSED: &str = "
        SELECT FROM suppressions WHERE team_id = $1 AND phone = $2 AND (expires_at IS NULL OR expires_at > $3)";
    let mut touched = Touched::default();
    // Not the decision yet, but most who are being called are refused before anything is done.
    if query_opt(&database.client().await?, OPEN, &[&team, &person.phone]).await?.is_some() {
        return Ok(Erasure::CallOpen(touched));
    }
    let mut before = None;
    for _ in 0..MOST_LOOKS {
        if !erase_what_is_there(database, team, person, now, &mut touched).await? {
            return Ok(Erasure::CallOpen(touched));
        }
        if before.as_ref() == Some(&touched) {
            let params: Params<'_> = &[&team, &person.phone, &now];
            touched.is_suppressed = query_opt(&database.client().await?, SUPPRESSED, params).await?.is_some();
            return Ok(Erasure::Done(touched));
        }
        before = Some(touched.clone());
        if !wait_for_lists(database, team).await? {
            return Ok(Erasure::ListUnderWay(touched));
        }
    }
    Ok(Erasure::ListUnderWay(touched))
}

/// Returns false if a call is open.
async fn erase_what_is_there(
    database: &Database,
    team: Uuid,
    person: Person<'_>,
    now: DateTime<Utc>,
    touched: &mut Touched,
) -> Result<bool, Error> {
    let client = database.list_client().await?;
    // What the contacts' rows were in their files is found by them, so that goes first.
    touched.remarks += delete_remarks(&client, team, person).await?;
    touched.lists += clear_reports(&client, team, person).await?;
    touched.previews += expire_previews(&client, team, now).await?;
    touched.past_calls += forget_the_past(&client, team, person).await?;
    let mut is_free = true;
    for found in find_contacts(&client, team, person.phone).await? {
        let told_to = strip_words(&client, team, &found).await?;
        let all = erase_in(database, team, &found, (person.phone, told_to), now, touched).await?;
        is_free &= all;
    }
    Ok(is_free)
}

/// Lets the previews expire, because nobody knows what is in them. One that is being stored is passed over: it is a
/// campaign's list when that is done.
async fn expire_previews(client: &Connection, team: Uuid, now: DateTime<Utc>) -> Result<u64, Error> {
    const SQL: &str = "
        UPDATE imports SET expires_at = $2
        WHERE team_id = $1 AND id IN
            (SELECT id FROM imports
             WHERE team_id = $1 AND stored_at IS NULL AND expires_at > $2
             FOR UPDATE SKIP LOCKED)";
    execute(client, SQL, &[&team, &now]).await
}

/// Forgets what was kept of the number beside the campaigns. Returns how many past calls there were.
async fn forget_the_past(client: &Connection, team: Uuid, person: Person<'_>) -> Result<u64, Error> {
    // What was answered is told anew from what there is, if it is asked for again.
    const ANSWERS: &str = "UPDATE idempotency_keys SET body = NULL WHERE team_id = $1 AND body IS NOT NULL";
    const RECEIVERS: &str = "
        UPDATE hook_deliveries SET response = NULL
        WHERE team_id = $1 AND regexp_replace(response, '\\D', '', 'g') LIKE $2";
    const LIFTED: &str = "DELETE FROM lifted_suppressions WHERE team_id = $1 AND phone = $2";
    const PAST: &str = "DELETE FROM calls_of_deleted_campaigns WHERE team_id = $1 AND to_phone = $2";
    execute(client, ANSWERS, &[&team]).await?;
    execute(client, RECEIVERS, &[&team, &person.digits()]).await?;
    execute(client, LIFTED, &[&team, &person.phone]).await?;
    execute(client, PAST, &[&team, &person.phone]).await
}

/// Where somebody is in a campaign.
struct Found {
    campaign: Uuid,
    /// Those whose number it is.
    own: Vec<Uuid>,
    /// Those who have it beside their own.
    beside: Vec<Uuid>,
}

/// Whoever has the number, by campaign.
async fn find_contacts(client: &Connection, team: Uuid, phone: &str) -> Result<Vec<Found>, Error> {
    const SQL: &str = "
        SELECT campaign_id, coalesce(array_agg(id) FILTER (WHERE phone = $2), '{}') AS own,
               coalesce(array_agg(id) FILTER (WHERE phone <> $2), '{}') AS beside
        FROM contacts
        WHERE team_id = $1 AND (phone = $2 OR alternates ? $2)
        GROUP BY campaign_id ORDER BY campaign_id";
    let rows = query(client, SQL, &[&team, &phone]).await?;
    rows.iter()
        .map(|row| {
            let (own, beside) = (row.try_get("own")?, row.try_get("beside")?);
            Ok(Found { campaign: row.try_get("campaign_id")?, own, beside })
        })
        .collect()
}

/// Takes the words out of the contacts' events, and what receivers answered to them. Returns the position up to which the
/// campaign's events were looked through: there may be millions.
async fn strip_words(client: &Connection, team: Uuid, found: &Found) -> Result<i64, Error> {
    const LAST: &str = "
        SELECT coalesce(max(position), 0) AS last FROM events WHERE campaign_id = $1 AND team_id = $2";
    const ANSWERS: &str = "
        UPDATE hook_deliveries SET response = NULL
        WHERE team_id = $2 AND response IS NOT NULL
          AND event IN (SELECT position FROM events
                        WHERE campaign_id = $1 AND team_id = $2 AND contact_id = ANY ($3))";
    let sql = format!(
        "UPDATE events SET data = data - 'note' - 'detail'
         WHERE campaign_id = $1 AND team_id = $2 AND contact_id = ANY ($3) AND position <= $4 AND {HAS_WORDS}"
    );
    let (campaign, own) = (&found.campaign, &found.own);
    let last: i64 = query_one(client, LAST, &[campaign, &team]).await?.try_get("last")?;
    execute(client, ANSWERS, &[campaign, &team, own]).await?;
    execute(client, &sql, &[campaign, &team, own, &last]).await?;
    Ok(last)
}

/// Erases somebody in one campaign, which is held for it, so that it cannot claim them. Returns false if a call is open.
async fn erase_in(
    database: &Database,
    team: Uuid,
    found: &Found,
    (phone, told_to): (&str, i64),
    now: DateTime<Utc>,
    touched: &mut Touched,
) -> Result<bool, Error> {
    const HOLD: &str = "SELECT FROM campaigns WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
    const OPEN: &str = "
        SELECT FROM attempts
        WHERE campaign_id = $1 AND team_id = $2 AND settled_at IS NULL
          AND (to_phone = $3 OR contact_id IN
              (SELECT id FROM contacts WHERE campaign_id = $1 AND team_id = $2 AND phone = $3))
        UNION ALL
        SELECT FROM contacts WHERE campaign_id = $1 AND team_id = $2 AND phone = $3 AND state = 'calling'
        LIMIT 1";
    const ALTERNATES: &str = "
        UPDATE contacts SET alternates = alternates - $3, updated_at = $4
        WHERE campaign_id = $1 AND team_id = $2 AND alternates ? $3 AND id = ANY ($5)";
    let campaign = &found.campaign;
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    if query_opt(&transaction, HOLD, &[campaign, &team]).await?.is_none() {
        return Ok(true);
    }
    if query_opt(&transaction, OPEN, &[campaign, &team, &phone]).await?.is_some() {
        return Ok(false);
    }
    let row = erase_own(&transaction, (team, *campaign), (phone, told_to), now).await?;
    let params: Params<'_> = &[campaign, &team, &phone, &now, &found.beside];
    let alternates = execute(&transaction, ALTERNATES, params).await?;
    transaction.commit().await?;
    touched.contacts += rows(&row, "contacts")?;
    touched.given_up += rows(&row, "given_up")?;
    touched.attempts += rows(&row, "attempts")?;
    touched.alternates += alternates;
    if !touched.campaigns.contains(campaign) {
        touched.campaigns.push(*campaign);
    }
    Ok(true)
}

/// Erases those whose number it is. Returns how many rows of each kind there were.
async fn erase_own(
    transaction: &Transaction<'_>,
    (team, campaign): (Uuid, Uuid),
    (phone, told_to): (&str, i64),
    now: DateTime<Utc>,
) -> Result<Row, Error> {
    let prices = format!(
        "WITH batch AS (
            SELECT id AS contact_id, NULL::uuid AS attempt_id FROM contacts
            WHERE campaign_id = $1 AND team_id = $2 AND phone = $3
        ), {ASSUME_PRICES}"
    );
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
        ), words AS (
            UPDATE events SET data = data - 'note' - 'detail'
            WHERE campaign_id = $1 AND team_id = $2 AND (position > $6 OR position IS NULL) AND {HAS_WORDS}
              AND contact_id IN (SELECT contact_id FROM batch)
        )
        SELECT (SELECT count(*) FROM attempt) AS attempts, (SELECT count(*) FROM contact) AS contacts,
               (SELECT count(*) FROM given_up) AS given_up"
    );
    execute(transaction, &prices, &[&campaign, &team, &phone]).await?;
    query_one(transaction, &sql, &[&campaign, &team, &phone, &now, &true, &told_to]).await
}

impl Person<'_> {
    /// What a text is like whose digits have the number's in a row.
    fn digits(&self) -> String {
        format!("%{}%", self.national)
    }
}

/// Deletes the remarks on the rows that the contacts came from, and every other one cell of which has the number's digits in
/// a row. What is being stored anew is passed over.
async fn delete_remarks(client: &Connection, team: Uuid, person: Person<'_>) -> Result<u64, Error> {
    const SQL: &str = "
        DELETE FROM import_rows
        WHERE (import_id, file_row, number, team_id) IN
            (SELECT import_id, file_row, number, team_id FROM import_rows
             WHERE team_id = $1
               AND ((import_id, file_row) IN (SELECT import_id, file_row FROM contacts WHERE team_id = $1 AND phone = $2)
                    OR EXISTS (SELECT FROM (SELECT unnest(ARRAY[value, sentence, suggestion])
                                            UNION ALL SELECT jsonb_array_elements_text(cells)) cells (cell)
                               WHERE regexp_replace(cell, '\\D', '', 'g') LIKE $3))
             FOR UPDATE SKIP LOCKED)";
    execute(client, SQL, &[&team, &person.phone, &person.digits()]).await
}

/// Lets the reports show nothing but counts of the lists that the contacts came with, and of every other that shows the number.
async fn clear_reports(client: &Connection, team: Uuid, person: Person<'_>) -> Result<u64, Error> {
    let sql = format!(
        "UPDATE imports SET report = {WITHOUT_PEOPLE}
         WHERE team_id = $1 AND id IN
             (SELECT id FROM imports
              WHERE team_id = $1 AND stored_at IS NOT NULL AND report <> {WITHOUT_PEOPLE}
                AND (id IN (SELECT import_id FROM contacts WHERE team_id = $1 AND phone = $2)
                     OR EXISTS (SELECT FROM jsonb_path_query(report, '$.**') part
                                WHERE jsonb_typeof(part) IN ('string', 'number')
                                  AND regexp_replace(part #>> '{{}}', '\\D', '', 'g') LIKE $3))
              FOR UPDATE SKIP LOCKED)"
    );
    execute(client, &sql, &[&team, &person.phone, &person.digits()]).await
}

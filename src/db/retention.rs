//! Personal data that is not kept for ever. Nothing that is counted changes: rows stay, and say nothing any more of whom they
//! were about. A number gives way to the contact's own id, from which nothing can be told, and not to a hash: there are so few
//! numbers that whoever has the key tries them all.
//!
//! Left alone is what belongs to a campaign that is not at its end, the list of those who must not be called, and what caps
//! still count: of a call that they reach back to, number and instant move to the calls of deleted campaigns, and are forgotten
//! there when no cap reaches back to them.

mod person;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{Database, Error, Params, Transaction, execute, query, query_one, query_opt};

pub use self::person::{Erasure, Person, Touched, erase_person};

/// Rows that one transaction changes at most.
pub const AT_ONCE: i64 = 1_000;

/// Campaigns that are listed at once.
const LISTED_AT_ONCE: i64 = 100;

/// For how long after a campaign's end what is kept of people, where it is not for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Names, numbers and whatever else lists said, with the attempts and the remarks on rows.
    pub contacts: Option<TimeDelta>,
    /// The numbers of attempts, and the provider's ids and words.
    pub attempts: Option<TimeDelta>,
    /// Events.
    pub events: Option<TimeDelta>,
}

/// What was erased: rows of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Contacts of whom nobody can tell any more who they were.
    pub contacts: u64,
    /// Attempts that say no number any more.
    pub attempts: u64,
    /// Remarks on rows of lists.
    pub remarks: u64,
    /// Events.
    pub events: u64,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// What was erased.
    pub erased: Erased,
    /// The campaigns of which not everything could be erased, and why. They are tried again the next time.
    pub failed: Vec<(Uuid, Error)>,
}

/// Erases what has been kept for long enough at `now`, in small transactions one after the other, on a connection that no
/// dialing waits for. Calls since `counted_since` are still counted by caps. What another node is at is left to it, and a campaign
/// that cannot be erased keeps no other from it. Dropped, it has done what it has done.
pub async fn erase_expired(
    database: &Database,
    keep: Keep,
    counted_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Swept, Error> {
    let Swept { mut erased, mut failed } = Swept::default();
    if let Some(span) = keep.contacts {
        for campaign in list_ended(database, What::Contacts, now - span).await? {
            let result = erase_contacts(database, &campaign, counted_since, now, &mut erased).await;
            note_failure(&mut failed, &campaign, result)?;
        }
        delete_lifted(database, now - span).await?;
    }
    if let Some(span) = keep.attempts {
        for campaign in list_ended(database, What::Attempts, now - span).await? {
            let result = erase_attempts(database, &campaign, counted_since, now, &mut erased).await;
            note_failure(&mut failed, &campaign, result)?;
        }
    }
    if let Some(span) = keep.events {
        erased.events = delete_events(database, now - span).await?;
    }
    Ok(Swept { erased, failed })
}

/// Keeps what is about one campaign. What is about the database ends the sweep, except that a statement that took too long
/// counts as an outage elsewhere, but is this campaign's.
fn note_failure(
    failed: &mut Vec<(Uuid, Error)>,
    campaign: &Ended,
    result: Result<(), Error>,
) -> Result<(), Error> {
    match result {
        Err(error) if error.is_outage() && !error.has_code(&SqlState::QUERY_CANCELED) => Err(error),
        Err(error) => {
            failed.push((campaign.id, error));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// What is to be erased of a campaign.
#[derive(Debug, Clone, Copy)]
enum What {
    Contacts,
    Attempts,
}

/// A campaign that has been at its end for long enough.
struct Ended {
    id: Uuid,
    team: Uuid,
    before: DateTime<Utc>,
}

/// Those whose end lies before an instant, and of which something is left: those first that ended first.
async fn list_ended(database: &Database, what: What, before: DateTime<Utc>) -> Result<Vec<Ended>, Error> {
    const SQL: &str = "
        SELECT id, team_id, ended_at FROM campaigns
        WHERE ended_at < $1 AND (ended_at, id) > ($4, $5) AND state IN ('completed', 'canceled', 'failed')
          AND coalesce(CASE WHEN $2 THEN contacts_erased_at ELSE attempts_erased_at END, '-infinity') < ended_at
        ORDER BY ended_at, id LIMIT $3";
    let contacts = matches!(what, What::Contacts);
    let (mut ended, mut after) = (Vec::new(), (DateTime::UNIX_EPOCH, Uuid::nil()));
    loop {
        let params: Params<'_> = &[&before, &contacts, &LISTED_AT_ONCE, &after.0, &after.1];
        let page = query(&database.list_client().await?, SQL, params).await?;
        let Some(last) = page.last() else { return Ok(ended) };
        after = (last.try_get("ended_at")?, last.try_get("id")?);
        for row in &page {
            ended.push(Ended { id: row.try_get("id")?, team: row.try_get("team_id")?, before });
        }
    }
}

/// Holds a campaign for the transaction, if it is still at its end, nobody of it is on the phone, and no other node is at it.
async fn hold(transaction: &Transaction<'_>, campaign: &Ended) -> Result<bool, Error> {
    const SQL: &str = "
        SELECT FROM campaigns
        WHERE id = $1 AND team_id = $2 AND ended_at < $3 AND calling = 0
          AND state IN ('completed', 'canceled', 'failed')
        FOR NO KEY UPDATE SKIP LOCKED";
    let held = query_opt(transaction, SQL, &[&campaign.id, &campaign.team, &campaign.before]).await?;
    Ok(held.is_some())
}

/// What caps still count of the attempts that are about to lose their numbers. `$1` is the campaign, `$2` the team, `$3` the
/// instant since which calls count; `batch` has the attempts' contacts or the attempts themselves.
const KEEP_WHAT_COUNTS: &str = "
    INSERT INTO calls_of_deleted_campaigns (attempt_id, team_id, to_phone, intended_at, placed_at)
    SELECT attempts.id, attempts.team_id, to_phone, intended_at, placed_at
    FROM attempts JOIN batch ON attempts.contact_id = batch.contact_id
        AND (batch.attempt_id IS NULL OR attempts.id = batch.attempt_id)
    WHERE attempts.campaign_id = $1 AND attempts.team_id = $2 AND settled_at IS NOT NULL
      AND outcome <> 'not-placed' AND intended_at >= $3 AND to_phone <> 'erased-' || attempts.contact_id::text
    ON CONFLICT DO NOTHING";

/// The attempts of `batch` without anything that leads to a person.
const ERASE_ATTEMPTS: &str = "
    UPDATE attempts
    SET to_phone = 'erased-' || attempts.contact_id::text, sid = NULL, sid_is_adopted = false, error_message = NULL
    FROM batch
    WHERE attempts.contact_id = batch.contact_id AND (batch.attempt_id IS NULL OR attempts.id = batch.attempt_id)
      AND attempts.campaign_id = $1 AND attempts.team_id = $2 AND settled_at IS NOT NULL
      AND (to_phone <> 'erased-' || attempts.contact_id::text OR sid IS NOT NULL OR error_message IS NOT NULL)
    RETURNING 1";

/// The contacts of `batch` without anything that says who they are, at `$4`. Where nobody calls them any more they keep their
/// state; `$5` makes those final who are still to be called.
const ERASE_CONTACTS: &str = "
    UPDATE contacts
    SET phone = 'erased-' || id::text, extension = '', name = NULL, metadata = '{}', raw_phone = '', alternates = '[]',
        timezone = NULL, repair = NULL, callback_note = NULL, callback_waits = false,
        set_aside = CASE WHEN set_aside IS NOT NULL THEN 'erased' END, before_call = NULL,
        state = CASE WHEN $5 AND state = 'pending' THEN 'failed' ELSE state END,
        due_at = CASE WHEN $5 AND state = 'pending' THEN NULL ELSE due_at END,
        erased_at = $4, updated_at = $4
    FROM batch
    WHERE contacts.id = batch.contact_id AND contacts.campaign_id = $1 AND contacts.team_id = $2
      AND erased_at IS NULL
    RETURNING 1";

/// Nobody can be asked any more what calls cost whose ids are about to go. As where nobody will say, it is as much as the
/// campaign's most expensive call: a cap may be reached too early by that, and not too late.
const ASSUME_PRICES: &str = "
    assumed AS (
        UPDATE attempts
        SET price = campaigns.highest_price, price_is_assumed = true, ask_price_at = NULL
        FROM batch, campaigns
        WHERE attempts.contact_id = batch.contact_id AND (batch.attempt_id IS NULL OR attempts.id = batch.attempt_id)
          AND attempts.campaign_id = $1 AND attempts.team_id = $2 AND ask_price_at IS NOT NULL
          AND campaigns.id = $1 AND campaigns.team_id = $2
        RETURNING attempts.price
    )
    UPDATE campaigns SET spent = spent + given.price, unpriced = greatest(unpriced - given.calls, 0)
    FROM (SELECT sum(price)::bigint AS price, count(*)::int AS calls FROM assumed) given
    WHERE id = $1 AND team_id = $2 AND given.calls > 0";

/// Some of the campaign's contacts, behind the position `$3`.
const SOME_CONTACTS: &str = "
    SELECT id AS contact_id, NULL::uuid AS attempt_id, position FROM contacts
    WHERE campaign_id = $1 AND team_id = $2 AND position > $3 ORDER BY position LIMIT $4";

/// Some of the campaign's attempts, behind the id `$3`.
const SOME_ATTEMPTS: &str = "
    SELECT contact_id, id AS attempt_id FROM attempts
    WHERE campaign_id = $1 AND team_id = $2 AND id > $3 ORDER BY id LIMIT $4";

async fn erase_contacts(
    database: &Database,
    campaign: &Ended,
    counted_since: DateTime<Utc>,
    now: DateTime<Utc>,
    erased: &mut Erased,
) -> Result<(), Error> {
    const DONE: &str = "
        UPDATE campaigns SET contacts_erased_at = $3, attempts_erased_at = $3 WHERE id = $1 AND team_id = $2";
    let prices = format!("WITH batch AS ({SOME_CONTACTS}), {ASSUME_PRICES}");
    let batch = SOME_CONTACTS.replace("$3", "$6").replace("$4", "$7");
    let sql = format!(
        "WITH batch AS ({batch}), kept AS ({KEEP_WHAT_COUNTS}), attempt AS ({ERASE_ATTEMPTS}), contact AS ({ERASE_CONTACTS})
        SELECT (SELECT max(position) FROM batch) AS last, (SELECT count(*) FROM attempt) AS attempts,
               (SELECT count(*) FROM contact) AS contacts"
    );
    let mut after = 0;
    loop {
        let mut client = database.list_client().await?;
        let transaction = client.transaction().await?;
        if !hold(&transaction, campaign).await? {
            return Ok(());
        }
        let (of, is_over) = ((&campaign.id, &campaign.team), false);
        let params: Params<'_> = &[of.0, of.1, &counted_since, &now, &is_over, &after, &AT_ONCE];
        execute(&transaction, &prices, &[of.0, of.1, &after, &AT_ONCE]).await?;
        let row = query_one(&transaction, &sql, params).await?;
        let last: Option<i32> = row.try_get("last")?;
        let (mut remarks, mut words) = (0, 0);
        if last.is_none() {
            remarks = delete_remarks(&transaction, campaign).await?;
            words = strip_words(&transaction, campaign).await?;
        }
        let is_done = last.is_none() && remarks == 0 && words == 0;
        if is_done {
            execute(&transaction, DONE, &[of.0, of.1, &now]).await?;
        }
        transaction.commit().await?;
        erased.contacts += rows(&row, "contacts")?;
        erased.attempts += rows(&row, "attempts")?;
        erased.remarks += remarks;
        if is_done {
            return Ok(());
        }
        after = last.unwrap_or(after);
    }
}

/// Deletes some remarks on rows of the campaign's lists, and what the lists' reports show of them. Returns how many there were.
async fn delete_remarks(transaction: &Transaction<'_>, campaign: &Ended) -> Result<u64, Error> {
    const REMARKS: &str = "
        DELETE FROM import_rows
        WHERE (import_id, file_row, number, team_id) IN
            (SELECT import_id, file_row, number, import_rows.team_id
             FROM import_rows JOIN imports ON imports.id = import_id AND imports.team_id = import_rows.team_id
             WHERE imports.campaign_id = $1 AND imports.team_id = $2 LIMIT $3)";
    let sql = format!(
        "UPDATE imports SET file_name = NULL, report = {WITHOUT_PEOPLE} WHERE campaign_id = $1 AND team_id = $2"
    );
    execute(transaction, &sql, &[&campaign.id, &campaign.team]).await?;
    execute(transaction, REMARKS, &[&campaign.id, &campaign.team, &AT_ONCE]).await
}

/// Takes the words out of some of the campaign's events that people wrote or databases said of its contacts, and what
/// receivers answered to all of them. Returns how many rows there were.
async fn strip_words(transaction: &Transaction<'_>, campaign: &Ended) -> Result<u64, Error> {
    const ANSWERS: &str = "
        UPDATE hook_deliveries SET response = NULL
        WHERE team_id = $2 AND response IS NOT NULL
          AND event IN (SELECT position FROM events WHERE campaign_id = $1 AND team_id = $2)";
    let sql = format!(
        "UPDATE events SET data = data - 'note' - 'detail'
         WHERE campaign_id = $1 AND team_id = $2 AND position IN
             (SELECT position FROM events WHERE campaign_id = $1 AND team_id = $2 AND {HAS_WORDS} LIMIT $3)"
    );
    execute(transaction, ANSWERS, &[&campaign.id, &campaign.team]).await?;
    execute(transaction, &sql, &[&campaign.id, &campaign.team, &AT_ONCE]).await
}

/// An event of a contact with a callback's note, or with the words for which somebody was set aside.
const HAS_WORDS: &str = "
    contact_id IS NOT NULL AND (data ? 'note' OR kind = 'contact.failed' AND data ? 'detail')";

/// Forgets the suppressions that were lifted before an instant.
async fn delete_lifted(database: &Database, before: DateTime<Utc>) -> Result<(), Error> {
    const SQL: &str = "
        DELETE FROM lifted_suppressions
        WHERE (team_id, phone, lifted_at, created_at) IN
            (SELECT team_id, phone, lifted_at, created_at FROM lifted_suppressions WHERE lifted_at < $1 LIMIT $2)";
    while execute(&database.list_client().await?, SQL, &[&before, &AT_ONCE]).await? > 0 {}
    Ok(())
}

/// A list's report without the contacts and rows that it shows as examples.
const WITHOUT_PEOPLE: &str = "
    CASE WHEN report ? 'first' THEN report || jsonb_build_object(
        'first', '[]'::jsonb,
        'reasons', coalesce((SELECT jsonb_agg(reason || '{\"samples\": []}') FROM jsonb_array_elements(report -> 'reasons') reasons (reason)),
                            '[]'::jsonb))
    ELSE report END";

async fn erase_attempts(
    database: &Database,
    campaign: &Ended,
    counted_since: DateTime<Utc>,
    now: DateTime<Utc>,
    erased: &mut Erased,
) -> Result<(), Error> {
    const DONE: &str = "UPDATE campaigns SET attempts_erased_at = $3 WHERE id = $1 AND team_id = $2";
    let prices = format!("WITH batch AS ({SOME_ATTEMPTS}), {ASSUME_PRICES}");
    let batch = SOME_ATTEMPTS.replace("$4", "$5").replace("$3", "$4");
    let sql = format!(
        "WITH batch AS ({batch}), kept AS ({KEEP_WHAT_COUNTS}), attempt AS ({ERASE_ATTEMPTS})
        SELECT (SELECT attempt_id FROM batch ORDER BY attempt_id DESC LIMIT 1) AS last,
               (SELECT count(*) FROM attempt) AS attempts"
    );
    let mut after = Uuid::nil();
    loop {
        let mut client = database.list_client().await?;
        let transaction = client.transaction().await?;
        if !hold(&transaction, campaign).await? {
            return Ok(());
        }
        let params: Params<'_> = &[&campaign.id, &campaign.team, &counted_since, &after, &AT_ONCE];
        execute(&transaction, &prices, &[&campaign.id, &campaign.team, &after, &AT_ONCE]).await?;
        let row = query_one(&transaction, &sql, params).await?;
        let last: Option<Uuid> = row.try_get("last")?;
        if last.is_none() {
            execute(&transaction, DONE, &[&campaign.id, &campaign.team, &now]).await?;
        }
        transaction.commit().await?;
        erased.attempts += rows(&row, "attempts")?;
        let Some(last) = last else { return Ok(()) };
        after = last;
    }
}

/// Deletes the events from before an instant whose campaign is at its end since then, or deleted. What nobody can have read yet
/// is kept. Returns how many there were.
async fn delete_events(database: &Database, before: DateTime<Utc>) -> Result<u64, Error> {
    // They get their positions in the order in which they happen, by and large: behind the first that is too young there may
    // be older ones, which the next sweep finds.
    const SQL: &str = "
        WITH page AS (
            SELECT id, position, team_id, campaign_id, at FROM events
            WHERE position > $2 ORDER BY position LIMIT $3
        ), gone AS (
            DELETE FROM events USING page
            WHERE events.position = page.position AND events.team_id = page.team_id AND page.at < $1
              AND NOT EXISTS (SELECT FROM campaigns
                              WHERE campaigns.id = page.campaign_id AND campaigns.team_id = page.team_id
                                AND (ended_at IS NULL OR ended_at >= $1
                                     OR state NOT IN ('completed', 'canceled', 'failed')))
            RETURNING 1
        )
        SELECT max(position) AS last, coalesce(min(at) < $1, false) AS may_be_more, (SELECT count(*) FROM gone) AS gone
        FROM page";
    let (mut after, mut deleted) = (0_i64, 0);
    loop {
        let row = query_one(&database.list_client().await?, SQL, &[&before, &after, &AT_ONCE]).await?;
        deleted += rows(&row, "gone")?;
        match row.try_get::<_, Option<i64>>("last")? {
            Some(last) if row.try_get("may_be_more")? => after = last,
            _ => return Ok(deleted),
        }
    }
}

fn rows(row: &Row, column: &str) -> Result<u64, Error> {
    Ok(row.try_get::<_, i64>(column)?.unsigned_abs())
}

//! Contacts that were given up are called again, because somebody wants it.
//!
//! There may be very many of them, so they come in portions, each a transaction of its own under the lock of the
//! campaign's row: the dialer and whoever pauses wait for one portion at most, counters and contacts agree after each of
//! them, and should it be interrupted the same wish again finds those who are left.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::campaign::{AtItsEnd, Move, State};
use crate::domain::event::EventKind;
use crate::domain::outcome::Outcome;

use super::campaigns::{own_if_nobody_does, write_move};
use super::edit::note;
use super::{
    Connection, Database, Error, Outage, Params, Transaction, count, name, query, query_one, query_opt, reads,
};

/// So many at most are moved at once, without a turn among the lists: most wishes are for a few people, and whoever has
/// them waits for the answer. It takes some 20 ms.
const FEW: i64 = 1_000;

/// How many further contacts are moved at once. 10,000 take some 0.2 s.
const AT_ONCE: i64 = 10_000;

/// Who is called again. Nobody is of whom nothing is known any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Those who were given up after an attempt that came to one of these.
    pub outcomes: Vec<Outcome>,
    /// Whether those are called again as well who were set aside because they made the campaign fail, whatever their last
    /// attempt came to.
    pub set_aside: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// They are due now.
    Done {
        /// How many.
        contacts: u32,
        /// The campaign's state now.
        state: State,
    },
    /// The campaign calls nobody any more.
    AtItsEnd(AtItsEnd),
    /// The team has no such campaign.
    NotFound,
}

/// Makes contacts that were given up due now, in the order of the list and by their priority, and lets their retry policy
/// begin anew, as the key `by` wishes, or whoever has the database. A completed campaign runs again, and is given to `node` if no living node owns it.
pub async fn retry(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    again: &Again,
    (by, node): (Option<Uuid>, Option<Uuid>),
    now: DateTime<Utc>,
) -> Result<Retried, Error> {
    let mut portion = Portion { team, campaign, again, by, node, behind: 0, at_most: FEW, now };
    let mut moved = portion.move_in_soon(database).await?;
    let (mut all, mut lists) = (0, None);
    loop {
        match moved {
            None => {}
            Some(Moved::Some { contacts, last: Some(last), .. }) => {
                all += contacts;
                portion.behind = last;
            }
            Some(Moved::Some { contacts, last: None, state }) => {
                return Ok(Retried::Done { contacts: all + contacts, state });
            }
            // It was canceled while they came: what was done is told.
            Some(Moved::AtItsEnd(AtItsEnd(state))) if all > 0 => {
                return Ok(Retried::Done { contacts: all, state });
            }
            Some(Moved::AtItsEnd(over)) => return Ok(Retried::AtItsEnd(over)),
            Some(Moved::NotFound) => return Ok(Retried::NotFound),
        }
        let client = match &mut lists {
            Some(client) => client,
            None => lists.insert(database.list_client().await?),
        };
        portion.at_most = AT_ONCE;
        moved = Some(portion.move_in(client).await?);
    }
}

/// The contacts behind a position, so many at most.
struct Portion<'a> {
    team: Uuid,
    campaign: Uuid,
    again: &'a Again,
    by: Option<Uuid>,
    node: Option<Uuid>,
    behind: i32,
    at_most: i64,
    now: DateTime<Utc>,
}

enum Moved {
    Some { contacts: u32, last: Option<i32>, state: State },
    AtItsEnd(AtItsEnd),
    NotFound,
}

impl Portion<'_> {
    /// Moves them without waiting for the lists that are being stored. Returns nothing if that takes longer than is
    /// allowed there, or others hold what is needed: then nothing was done.
    async fn move_in_soon(&self, database: &Database) -> Result<Option<Moved>, Error> {
        let mut reading = reads::begin(database).await?;
        match self.move_in(&mut reading.connection).await {
            Err(error) if error.outage() == Some(Outage::Held) => Ok(None),
            moved => moved.map(Some),
        }
    }

    async fn move_in(&self, client: &mut Connection) -> Result<Moved, Error> {
        const LOCK: &str = "SELECT state FROM campaigns WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
        let transaction = client.transaction().await?;
        // Looking for them may take a second in a long list, and nobody has to wait for it.
        let (chosen, last) = self.choose(&transaction).await?;
        let Some(row) = query_opt(&transaction, LOCK, &[&self.campaign, &self.team]).await? else {
            return Ok(Moved::NotFound);
        };
        let before = name(&row, "state", State::parse)?;
        let after = match before.calling_again() {
            Ok(after) => after,
            Err(over) => return Ok(Moved::AtItsEnd(over)),
        };
        // It runs again before anybody is due: one that is completed has nobody left.
        if after != before {
            write_move(&transaction, self.campaign, Move::Reopen, None, self.by, self.now).await?;
            own_if_nobody_does(&transaction, self.campaign, self.node).await?;
        }
        let contacts = self.make_due(&transaction, &chosen).await?;
        if contacts == 0 {
            // Nobody is to be called again after all, so nothing has happened.
            return Ok(Moved::Some { contacts, last, state: before });
        }
        let data = serde_json::json!({
            "contacts": contacts, "outcomes": self.again.outcomes, "set_aside": self.again.set_aside, "by": self.by,
        });
        note(&transaction, self.campaign, EventKind::ContactsRetried, &data, self.now).await?;
        transaction.commit().await?;
        Ok(Moved::Some { contacts, last, state: after })
    }

    /// The next of those who may be meant, and the position of the last of them if there may be more behind.
    async fn choose(&self, transaction: &Transaction<'_>) -> Result<(Vec<Uuid>, Option<i32>), Error> {
        const SQL: &str = "
            SELECT id, position FROM contacts
            WHERE campaign_id = $1 AND team_id = $2 AND position > $3 AND state = 'failed' AND erased_at IS NULL
              AND CASE WHEN set_aside IS NULL THEN last_outcome = ANY ($4) ELSE $5 END
            ORDER BY position LIMIT $6";
        let outcomes: Vec<&str> = self.again.outcomes.iter().map(|outcome| outcome.as_str()).collect();
        let params: Params<'_> =
            &[&self.campaign, &self.team, &self.behind, &outcomes, &self.again.set_aside, &self.at_most];
        let rows = query(transaction, SQL, params).await?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= self.at_most);
        let last = rows.last().filter(|_| is_full).map(|row| row.try_get("position")).transpose()?;
        let ids = rows.iter().map(|row| Ok(row.try_get("id")?)).collect::<Result<_, Error>>()?;
        Ok((ids, last))
    }

    /// Makes those of them due who are still given up. They get no due time of their own, so they stand in the order of
    /// the list. The campaign's row is held: nobody else decides about them.
    async fn make_due(&self, transaction: &Transaction<'_>, chosen: &[Uuid]) -> Result<u32, Error> {
        const SQL: &str = "
            WITH contact AS (
                UPDATE contacts
                SET state = 'pending', due_at = $4, timed = false, set_aside = NULL, before_call = NULL, anew_after = last_number,
                    updated_at = $4
                WHERE id = ANY ($3) AND team_id = $2 AND campaign_id = $1 AND state = 'failed' AND erased_at IS NULL
                RETURNING area, place
            ), queue AS (
                SELECT area, min(place) AS first FROM contact GROUP BY area
            ), area AS (
                UPDATE areas SET order_cursor = least(order_cursor, queue.first - 1)
                FROM queue
                WHERE areas.campaign_id = $1 AND areas.team_id = $2 AND areas.number = queue.area
            ), counted AS (
                SELECT count(*)::int AS contacts FROM contact
            ), campaign AS (
                UPDATE campaigns SET pending = pending + contacts, failed = failed - contacts
                FROM counted
                WHERE campaigns.id = $1 AND campaigns.team_id = $2
            )
            SELECT contacts FROM counted";
        let row = query_one(transaction, SQL, &[&self.campaign, &self.team, &chosen, &self.now]).await?;
        count(&row, "contacts")
    }
}

//! The first due contact of a campaign: how he is found, and by what his fate is decided. The claim and whoever asks about
//! him before find him by the same statement.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::Error;
use crate::domain::area::Area;
use crate::domain::contactable::Terms;
use crate::domain::dialer::Queue;
use crate::domain::fate::{Fate, FirstDue};

/// The first due contact, if there is one, of a campaign `$1` at `$2`, of the team `$3`, in the areas `$4`, without a word on
/// whether he may be called.
///
/// In each area each of the two queues is probed from its cursor on, because dead index entries pile up at the head of a queue:
/// with a long snapshot held elsewhere a claim without a cursor falls from 7,000 to 400 a second within half a
/// minute, one with a cursor stays above 11,000.
pub(super) const FIRST_DUE: &str = "
        WITH open AS MATERIALIZED (
            SELECT number, due_cursor, order_cursor FROM areas WHERE campaign_id = $1 AND number = ANY ($4)
        ), due AS (
            (SELECT first.* FROM open CROSS JOIN LATERAL (
                 SELECT id, phone, extension, timed, area, place, due_at FROM contacts
                 WHERE campaign_id = $1 AND area = open.number AND state = 'pending' AND timed
                   AND due_at <= $2 AND due_at >= open.due_cursor
                 ORDER BY due_at LIMIT 1) first
             ORDER BY due_at LIMIT 1)
            UNION ALL
            (SELECT first.* FROM open CROSS JOIN LATERAL (
                 SELECT id, phone, extension, timed, area, place, due_at FROM contacts
                 WHERE campaign_id = $1 AND area = open.number AND state = 'pending' AND NOT timed
                   AND place > open.order_cursor
                 ORDER BY place LIMIT 1) first
             ORDER BY place LIMIT 1)
        )
        SELECT id, phone, extension, timed, area, place, due_at,
               EXISTS (SELECT FROM suppressions
                       WHERE suppressions.phone = due.phone AND team_id = $3
                         AND (expires_at IS NULL OR expires_at > $2)) AS suppressed,
               EXISTS (SELECT FROM attempts
                       WHERE to_phone = due.phone AND team_id = $3 AND settled_at IS NULL) AS taken
        FROM due ORDER BY timed DESC LIMIT 1";

/// The first due contact, as far as the claim needs it.
pub(super) struct Candidate {
    pub(super) id: Uuid,
    pub(super) phone: String,
    pub(super) extension: String,
    pub(super) area: Arc<Area>,
    due_at: DateTime<Utc>,
    is_suppressed: bool,
    /// Whether another campaign is calling the number.
    is_taken: bool,
    /// The area's number, and where the cursors of its two queues go: the due time's, or the order's. The candidate was
    /// the first of its queue, so nobody who is pending stands before it.
    pub(super) number: i16,
    pub(super) due_cursor: Option<DateTime<Utc>>,
    pub(super) order_cursor: Option<i64>,
}

impl Candidate {
    pub(super) fn read(row: &Row, open: &[&Queue]) -> Result<Self, Error> {
        let number: i16 = row.try_get("area")?;
        let queue = open.iter().find(|queue| queue.number == number);
        let queue = queue.ok_or_else(|| Error::ImpossibleRow(format!("area {number} was not asked for")))?;
        let (timed, due_at): (bool, DateTime<Utc>) = (row.try_get("timed")?, row.try_get("due_at")?);
        let place: i64 = row.try_get("place")?;
        Ok(Self {
            id: row.try_get("id")?,
            phone: row.try_get("phone")?,
            extension: row.try_get("extension")?,
            area: queue.area.clone(),
            due_at,
            is_suppressed: row.try_get("suppressed")?,
            is_taken: row.try_get("taken")?,
            number,
            due_cursor: timed.then_some(due_at),
            order_cursor: (!timed).then_some(place),
        })
    }

    /// What becomes of him, whose number has been called at these instants. `is_taken_now` is whether another campaign has
    /// taken the number since he was found.
    pub(super) fn fate(
        &self,
        terms: &Terms<'_>,
        calls: &[DateTime<Utc>],
        is_taken_now: bool,
        now: DateTime<Utc>,
    ) -> Fate {
        let first = FirstDue {
            due_at: self.due_at,
            area: &self.area,
            is_suppressed: self.is_suppressed,
            is_taken: self.is_taken || is_taken_now,
            calls,
        };
        first.fate(terms, now)
    }
}

/// The numbers of these queues' areas.
pub(super) fn numbers_of(open: &[&Queue]) -> Vec<i16> {
    open.iter().map(|queue| queue.number).collect()
}

//! Runs of campaigns that repeat themselves: each is a copy of its campaign with fresh contacts, made for one firing, all
//! of it or nothing. When they fire is decided in `domain::recurrence`.
//!
//! A list of a million takes a while to copy, and the campaign's row is locked only at the end, for a moment: nobody who
//! pauses it waits. That a firing has one run is the constraint's word, and that the campaign still wanted it is decided
//! under the lock.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::campaigns::lock;
use super::in_flight::announce_list_of;
use super::{Database, Error, Ownership, Transaction, execute, query_opt};
use crate::domain::event::EventKind;
use crate::domain::recurrence::Due;
use crate::domain::settings::Settings;

/// What becomes of a table's columns in a copy. Every column is named, so that none is forgotten: a test asks the
/// database which there are.
pub(super) struct Columns {
    table: &'static str,
    /// They are copied as they are.
    copied: &'static [&'static str],
    /// They are written as these expressions say, in which `$1` is the run and `$2` its campaign.
    written: &'static [(&'static str, &'static str)],
    /// They begin anew with their defaults.
    anew: &'static [&'static str],
    /// Which rows are copied at all.
    only: &'static str,
}

/// An id that begins with the time, as all that leave the system: a UUIDv7 (RFC 9562). PostgreSQL makes them itself
/// from 18 on.
const NEW_ID: &str = "
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid";

/// `$3` is the firing, `$4` now, `$5` the node that begins with it.
const CAMPAIGNS: Columns = Columns {
    table: "campaigns",
    copied: &["team_id", "name", "account_sid", "agent_id", "agent", "import"],
    written: &[
        ("id", "$1"),
        ("state", "'pending'"),
        ("settings", "settings - 'schedule'"),
        ("starts_at", "$3"),
        ("created_at", "$4"),
        ("node", "$5"),
        ("epoch", "1"),
        ("repeats_of", "$2"),
        ("firing_at", "$3"),
    ],
    anew: &[
        "state_reason",
        "state_detail",
        "settings_version",
        "edited_at",
        "edited_by",
        "limit_left",
        "limit_number",
        "started_at",
        "paused_at",
        "completed_at",
        "last_call_ended_at",
        "call_day",
        "day_calls",
        "spent",
        "unpriced",
        "highest_price",
        "currency",
        "set_aside_in_a_row",
        "told_waiting",
        "ended_at",
        "contacts_erased_at",
        "attempts_erased_at",
        "pending",
        "calling",
        "completed",
        "failed",
        "suppressed",
        "attempts",
        "retries",
        "outcomes",
        "talk_seconds",
    ],
    only: "true",
};

/// `$3` is now, from when on everybody is due. Who is suppressed is found at the claim, as always.
pub(super) const CONTACTS: Columns = Columns {
    table: "contacts",
    copied: &[
        "team_id",
        "position",
        "phone",
        "extension",
        "name",
        "metadata",
        "file_row",
        "raw_phone",
        "region",
        "number_type",
        "alternates",
        "timezone",
        "priority",
        "repair",
        "import_id",
        "area",
    ],
    written: &[
        ("id", NEW_ID),
        ("campaign_id", "$1"),
        ("state", "'pending'"),
        ("due_at", "$3"),
        ("updated_at", "$3"),
    ],
    anew: &[
        "timed",
        "attempts",
        "last_number",
        "last_outcome",
        "callback_at",
        "callback_note",
        "callback_waits",
        "set_aside",
        "before_call",
        "erased_at",
        "anew_after",
    ],
    // Nobody knows any more whom to call.
    only: "erased_at IS NULL",
};

pub(super) const AREAS: Columns = Columns {
    table: "areas",
    copied: &["team_id", "number", "zones", "told_by", "places"],
    written: &[("campaign_id", "$1")],
    anew: &["order_cursor", "due_cursor"],
    only: "true",
};

/// The tables that a run is copied from, with the columns that are thought of.
pub fn columns_of_a_run() -> Vec<(&'static str, Vec<&'static str>)> {
    let known = |columns: &Columns| {
        let written = columns.written.iter().map(|(column, _)| *column);
        columns.copied.iter().copied().chain(written).chain(columns.anew.iter().copied()).collect()
    };
    [CAMPAIGNS, CONTACTS, AREAS].iter().map(|columns| (columns.table, known(columns))).collect()
}

impl Columns {
    /// Copies the rows of which `condition` is true.
    pub(super) fn copy_where(&self, condition: &str) -> String {
        let (copied, table, only) = (self.copied.join(", "), self.table, self.only);
        let targets: Vec<_> = self.written.iter().map(|(column, _)| *column).collect();
        let values: Vec<_> = self.written.iter().map(|(_, value)| *value).collect();
        let (targets, values) = (targets.join(", "), values.join(", "));
        format!(
            "INSERT INTO {table} ({copied}, {targets})
             SELECT {copied}, {values} FROM {table} WHERE {only} AND {condition}"
        )
    }
}

/// So far back the last skipped firing is looked for, among the firings of a week every five minutes and more.
const LATEST_EVENTS: i64 = 2_500;

/// A firing that was expected, and what is to be done about it.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The firing that the campaign waited for.
    pub firing_at: DateTime<Utc>,
    /// What is to be done.
    pub due: Due,
    /// The version of the settings that say so.
    pub settings_version: i32,
}

/// What came of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// A run was made, and is pending.
    Run {
        /// Its id.
        run: Uuid,
        /// How many contacts it has.
        contacts: u32,
    },
    /// No run was made, and the campaign waits for its next firing.
    Skipped(Skipped),
    /// The campaign is not this owner's any more, or no longer waits for this firing: nothing was done.
    Overtaken,
}

/// Why no run was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// Its time is long past.
    Missed,
    /// An earlier run is not at its end.
    StillGoing {
        /// That run.
        run: Uuid,
    },
    /// Its run was made before.
    MadeBefore,
}

impl Skipped {
    fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::StillGoing { .. } => "still-going",
            Self::MadeBefore => "made-before",
        }
    }
}

/// Makes the run of a firing, or skips it, and lets the campaign wait for the next one. The run belongs to the
/// campaign's node.
pub async fn fire(
    database: &Database,
    owner: Ownership,
    expected: &Expected,
    run: Uuid,
    now: DateTime<Utc>,
) -> Result<Fired, Error> {
    let Some(firing_at) = expected.due.fires else {
        return skip(database, owner, expected, Skipped::Missed, now).await;
    };
    match make_run(database, owner, expected, (run, firing_at), now).await? {
        Fired::Skipped(skipped) => skip(database, owner, expected, skipped, now).await,
        fired => Ok(fired),
    }
}

async fn make_run(
    database: &Database,
    owner: Ownership,
    expected: &Expected,
    (run, firing_at): (Uuid, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Fired, Error> {
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    if !announce_list_of(&transaction, owner.campaign).await? {
        return Ok(Fired::Overtaken);
    }
    // Not the decision yet, but a list need not be copied for nothing.
    if let Some(run) = find_run_at_work(&transaction, owner.campaign, run).await? {
        return Ok(Fired::Skipped(Skipped::StillGoing { run }));
    }
    if !insert_run(&transaction, owner, (run, firing_at), now).await? {
        return Ok(Fired::Skipped(Skipped::MadeBefore));
    }
    let contacts = copy_list(&transaction, owner.campaign, run, now).await?;
    if lock(&transaction, owner).await?.is_none() {
        return Ok(Fired::Overtaken);
    }
    if let Some(run) = find_run_at_work(&transaction, owner.campaign, run).await? {
        return Ok(Fired::Skipped(Skipped::StillGoing { run }));
    }
    let data = serde_json::json!({
        "run": run,
        "firing_at": firing_at,
        "contacts": contacts,
        "missed_since": expected.due.missed.then_some(expected.firing_at),
    });
    if !wait_for_next(&transaction, owner.campaign, expected, EventKind::ScheduleFired, &data, now).await? {
        return Ok(Fired::Overtaken);
    }
    transaction.commit().await?;
    Ok(Fired::Run { run, contacts: contacts.unsigned_abs() })
}

async fn skip(
    database: &Database,
    owner: Ownership,
    expected: &Expected,
    skipped: Skipped,
    now: DateTime<Utc>,
) -> Result<Fired, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    if lock(&transaction, owner).await?.is_none() {
        return Ok(Fired::Overtaken);
    }
    let run = match skipped {
        Skipped::StillGoing { run } => Some(run),
        Skipped::Missed | Skipped::MadeBefore => None,
    };
    let data = serde_json::json!({
        "reason": skipped.as_str(),
        "firing_at": expected.due.fires.unwrap_or(expected.firing_at),
        "run": run,
    });
    if !wait_for_next(&transaction, owner.campaign, expected, EventKind::ScheduleSkipped, &data, now).await? {
        return Ok(Fired::Overtaken);
    }
    transaction.commit().await?;
    Ok(Fired::Skipped(skipped))
}

/// A firing of which no run was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFiring {
    /// When it was.
    pub firing_at: DateTime<Utc>,
    /// Why, in a word: `missed`, `still-going`, `made-before`.
    pub reason: String,
    /// The run that was still going, if that is why.
    pub run: Option<Uuid>,
}

/// The last firing of which no run was made, if it is among what happened last to the campaign.
pub async fn find_last_skipped(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
) -> Result<Option<SkippedFiring>, Error> {
    const SQL: &str = "
        SELECT (data ->> 'firing_at')::timestamptz AS firing_at, data ->> 'reason' AS reason,
               (data ->> 'run')::uuid AS run
        FROM (SELECT position, id, kind, data FROM events WHERE campaign_id = $1 AND team_id = $2
              ORDER BY position DESC, id DESC LIMIT $3) latest
        WHERE kind = 'schedule.skipped'
        ORDER BY id DESC LIMIT 1";
    let row = query_opt(&database.client().await?, SQL, &[&campaign, &team, &LATEST_EVENTS]).await?;
    let read = |row: tokio_postgres::Row| {
        Ok(SkippedFiring {
            firing_at: row.try_get("firing_at")?,
            reason: row.try_get("reason")?,
            run: row.try_get("run")?,
        })
    };
    row.map(read).transpose()
}

/// A run of the campaign, other than `but`, that is not at its end.
async fn find_run_at_work(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    but: Uuid,
) -> Result<Option<Uuid>, Error> {
    const SQL: &str = "
        SELECT id FROM campaigns
        WHERE repeats_of = $1 AND id <> $2 AND state IN ('pending', 'running', 'paused')
        ORDER BY firing_at DESC LIMIT 1";
    let row = query_opt(transaction, SQL, &[&campaign, &but]).await?;
    Ok(row.map(|row| row.try_get("id")).transpose()?)
}

/// Inserts a run without contacts, with its events. Returns false if the firing has one already.
async fn insert_run(
    transaction: &Transaction<'_>,
    owner: Ownership,
    (run, firing_at): (Uuid, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const EVENTS: &str = "
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, kind, created_at,
               CASE number WHEN 1 THEN jsonb_build_object('repeats_of', repeats_of, 'firing_at', firing_at)
                           ELSE '{}' END
        FROM campaigns, (VALUES (1, 'campaign.created'), (2, 'campaign.started')) happened (number, kind)
        WHERE id = $1
        ORDER BY number";
    let sql = CAMPAIGNS.copy_where("id = $2") + " ON CONFLICT ON CONSTRAINT one_run_per_firing DO NOTHING";
    let params: super::Params<'_> = &[&run, &owner.campaign, &firing_at, &now, &owner.node];
    if execute(transaction, &sql, params).await? == 0 {
        return Ok(false);
    }
    execute(transaction, EVENTS, &[&run]).await?;
    Ok(true)
}

/// Copies the campaign's contacts, and what they refer to, and counts them. Contacts that are being added meanwhile are
/// in the next run.
async fn copy_list(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    run: Uuid,
    now: DateTime<Utc>,
) -> Result<i32, Error> {
    const COUNT: &str = "UPDATE campaigns SET pending = $2 WHERE id = $1";
    let contacts = CONTACTS.copy_where("campaign_id = $2 ORDER BY position");
    let contacts = execute(transaction, &contacts, &[&run, &campaign, &now]).await?;
    // After the contacts: an area is never without its row, though one may be without contacts.
    execute(transaction, &AREAS.copy_where("campaign_id = $2"), &[&run, &campaign]).await?;
    let contacts = i32::try_from(contacts).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    execute(transaction, COUNT, &[&run, &contacts]).await?;
    Ok(contacts)
}

/// Lets the campaign wait for its next firing. Its row is locked by the caller. Returns false if it does not wait for
/// the expected one, or was edited since.
async fn wait_for_next(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    expected: &Expected,
    kind: EventKind,
    data: &serde_json::Value,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    const SQL: &str = "
        WITH campaign AS (
            UPDATE campaigns SET starts_at = $3
            WHERE id = $1 AND state = 'pending' AND starts_at = $2 AND settings_version = $7
            RETURNING id, team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, $4, $5, jsonb_strip_nulls($6) FROM campaign";
    let params: super::Params<'_> = &[
        &campaign,
        &expected.firing_at,
        &expected.due.next,
        &kind.as_str(),
        &now,
        data,
        &expected.settings_version,
    ];
    Ok(execute(transaction, SQL, params).await? == 1)
}

/// Lets a campaign with a schedule that is being started or resumed wait for its first firing from now on, and not
/// before the start that was wanted. Its row is locked by the caller.
pub(super) async fn expect_next_firing(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    settings: &Settings,
    starts_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE campaigns SET starts_at = $2 WHERE id = $1";
    let Some(schedule) = &settings.schedule else { return Ok(()) };
    let from = starts_at.map_or(now, |starts_at| starts_at.max(now));
    let next = schedule.next_from(&settings.timezone, from);
    let next = next.ok_or_else(|| Error::ImpossibleRow(format!("campaign {campaign} never fires")))?;
    execute(transaction, SQL, &[&campaign, &next]).await?;
    Ok(())
}

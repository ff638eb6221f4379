//! Editing a campaign's settings: decided under the lock of its row, on top of the version that the editor saw. An attempt
//! that was claimed under the version before and has not left is taken back by whoever claimed it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::campaign::State;
use crate::domain::edit::{CannotEdit, Part, Standing, changed, may_edit};
use crate::domain::event::EventKind;
use crate::domain::settings::Settings;

use super::campaigns::to_json;
use super::recurrence::expect_next_firing;
use super::{Database, Error, Params, Transaction, count, execute, json, name, query, query_opt};

/// How a campaign is to be from now on.
#[derive(Debug)]
pub struct Edit<'a> {
    /// The version that it changes.
    pub of_version: i32,
    /// What people call it.
    pub name: &'a str,
    /// How it dials.
    pub settings: &'a Settings,
    /// The agent's id, if one was named, and its snapshot; none if it stays.
    pub agent: Option<(Option<Uuid>, &'a Value)>,
    /// Before when it does not begin; none if that stays.
    pub starts_at: Option<Option<DateTime<Utc>>>,
    /// Whose key it was; none of whoever has the database.
    pub key: Option<Uuid>,
}

/// What came of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It is made.
    Done {
        /// The version of the settings now.
        version: i32,
        /// What has changed, beside the name.
        parts: Vec<Part>,
    },
    /// Nothing of it is new.
    Unchanged,
    /// Somebody else has edited the campaign meanwhile.
    Overtaken {
        /// The version of the settings now.
        version: i32,
    },
    /// It cannot be made.
    Refused(CannotEdit),
    /// The team has no such campaign.
    NotFound,
}

/// Edits a campaign, if its settings are still those that the editor saw.
///
/// With a schedule it waits for its first firing from now on where its schedule, its zone or its start time has changed.
pub async fn edit(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    edit: &Edit<'_>,
    now: DateTime<Utc>,
) -> Result<Edited, Error> {
    const LOCK: &str = "
        SELECT name, state, settings, settings_version, agent_id, agent, starts_at, started_at IS NOT NULL AS has_begun,
               repeats_of IS NOT NULL AS is_run, attempts + calling > 0 AS has_called, calling
        FROM campaigns WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(row) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else {
        return Ok(Edited::NotFound);
    };
    let version: i32 = row.try_get("settings_version")?;
    if version != edit.of_version {
        return Ok(Edited::Overtaken { version });
    }
    let before: Settings = json(&row, "settings")?;
    let parts = parts(&row, &before, edit)?;
    let is_renamed = row.try_get::<_, &str>("name")? != edit.name;
    if parts.is_empty() && !is_renamed {
        return Ok(Edited::Unchanged);
    }
    if let Err(refused) = may_edit(&standing(&row)?, &before, edit.settings, &parts) {
        return Ok(Edited::Refused(refused));
    }
    let state = name(&row, "state", State::parse)?;
    let version = write(&transaction, campaign, edit, &parts, now).await?;
    begin_when(&transaction, campaign, state, edit, &parts, now).await?;
    let mut names: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
    if is_renamed {
        names.insert(0, "name");
    }
    let data = serde_json::json!({ "version": version, "changed": names, "by": edit.key });
    note(&transaction, campaign, EventKind::CampaignEdited, &data, now).await?;
    transaction.commit().await?;
    Ok(Edited::Done { version, parts })
}

/// What an edit changes, beside the name.
fn parts(row: &Row, before: &Settings, edit: &Edit<'_>) -> Result<Vec<Part>, Error> {
    let mut parts = changed(before, edit.settings);
    if let Some((id, agent)) = edit.agent
        && (row.try_get::<_, Option<Uuid>>("agent_id")? != id || row.try_get::<_, Value>("agent")? != *agent)
    {
        parts.insert(0, Part::Agent);
    }
    if let Some(starts_at) = edit.starts_at
        && row.try_get::<_, Option<DateTime<Utc>>>("starts_at")? != starts_at
    {
        parts.push(Part::StartsAt);
    }
    Ok(parts)
}

fn standing(row: &Row) -> Result<Standing, Error> {
    Ok(Standing {
        state: name(row, "state", State::parse)?,
        is_run: row.try_get("is_run")?,
        has_begun: row.try_get("has_begun")?,
        has_called: row.try_get("has_called")?,
        has_open_call: count(row, "calling")? > 0,
    })
}

/// Returns the version of the settings then. The campaign's row is held.
async fn write(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    edit: &Edit<'_>,
    parts: &[Part],
    now: DateTime<Utc>,
) -> Result<i32, Error> {
    const NAME: &str = "UPDATE campaigns SET name = $2 WHERE id = $1";
    const SETTINGS: &str = "
        UPDATE campaigns
        SET settings = $2, settings_version = settings_version + 1, edited_at = $3, edited_by = $4,
            agent = coalesce($5, agent), agent_id = CASE WHEN $5::jsonb IS NULL THEN agent_id ELSE $6 END
        WHERE id = $1";
    execute(transaction, NAME, &[&campaign, &edit.name]).await?;
    if !parts.iter().any(|part| part.is_versioned()) {
        return Ok(edit.of_version);
    }
    let settings = to_json(edit.settings)?;
    let (agent_id, agent) = (edit.agent.and_then(|(id, _)| id), edit.agent.map(|(_, agent)| agent));
    let params: Params<'_> = &[&campaign, &settings, &now, &edit.key, &agent, &agent_id];
    execute(transaction, SETTINGS, params).await?;
    Ok(edit.of_version + 1)
}

/// Writes when the campaign begins, or makes its next run. A firing that was waited for means nothing any more once the
/// schedule or its clock is another one.
async fn begin_when(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    state: State,
    edit: &Edit<'_>,
    parts: &[Part],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE campaigns SET starts_at = $2 WHERE id = $1";
    let is_other = parts.contains(&Part::Schedule)
        || (parts.contains(&Part::Timezone) && edit.settings.schedule.is_some());
    let starts_at = match edit.starts_at {
        Some(starts_at) if parts.contains(&Part::StartsAt) => starts_at,
        Some(_) | None if is_other && state != State::Draft => None,
        Some(_) | None => return Ok(()),
    };
    if state == State::Pending {
        return expect_next_firing(transaction, campaign, edit.settings, starts_at, now).await;
    }
    execute(transaction, SQL, &[&campaign, &starts_at]).await?;
    Ok(())
}

/// Says in the campaign's events what has happened to it. Its row is held.
pub(super) async fn note(
    transaction: &Transaction<'_>,
    campaign: Uuid,
    kind: EventKind,
    data: &Value,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO events (team_id, campaign_id, kind, at, data)
        SELECT team_id, id, $2, $3, $4 FROM campaigns WHERE id = $1";
    execute(transaction, SQL, &[&campaign, &kind.as_str(), &now, data]).await?;
    Ok(())
}

/// What a campaign was set to under one version.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number, from 1.
    pub version: i32,
    /// How it dialed.
    pub settings: Settings,
    /// The agent that was named, if it was not given inline.
    pub agent_id: Option<Uuid>,
    /// The agent's snapshot.
    pub agent: Value,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Whose key gave it; none where that was not noted.
    pub key: Option<Uuid>,
}

/// A page of a campaign's versions, the newest first: those before `before`.
pub async fn list_versions(
    database: &Database,
    team: Uuid,
    campaign: Uuid,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Version>, Error> {
    const SQL: &str = "
        SELECT version, settings, agent_id, agent, at, key_id FROM settings_versions
        WHERE campaign_id = $1 AND team_id = $2 AND ($3::int IS NULL OR version < $3)
        ORDER BY version DESC LIMIT $4";
    let rows = query(&database.client().await?, SQL, &[&campaign, &team, &before, &limit]).await?;
    let read = |row: &Row| {
        Ok(Version {
            version: row.try_get("version")?,
            settings: json(row, "settings")?,
            agent_id: row.try_get("agent_id")?,
            agent: row.try_get("agent")?,
            at: row.try_get("at")?,
            key: row.try_get("key_id")?,
        })
    };
    rows.iter().map(read).collect()
}

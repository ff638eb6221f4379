//! Callbacks that people ask for: they make a contact due at their instant, whatever its state was. How settling obeys
//! one that was asked for during a call is in `attempts`.

use chrono::{DateTime, SubsecRound, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::callback::{Callback, Effect, NoCallback, Standing, ask};
use crate::domain::campaign::{Move, State};
use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::campaigns::{own_if_nobody_does, write_move};
use super::{Database, Error, Transaction, execute, name, name_opt, query_opt};

/// What came of a wish for a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is kept, and the contact stands so now.
    Promised {
        /// The contact's state.
        state: ContactState,
        /// When it is due, unless it is being called.
        due_at: Option<DateTime<Utc>>,
    },
    /// It cannot be promised.
    Refused(NoCallback),
    /// The team has no such campaign, or it has no such contact.
    NotFound,
}

/// Keeps a callback that somebody asked for. The contact is due then, or, if it is being called, as soon as that call is
/// settled; a completed campaign runs again, by `node` if no living node owns it. The same wish again changes nothing.
pub async fn ask_for_callback(
    database: &Database,
    team: Uuid,
    (campaign, contact): (Uuid, Uuid),
    wanted: &Callback,
    node: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Asked, Error> {
    const LOCK: &str = "
        SELECT state, settings ? 'schedule' AS has_schedule FROM campaigns
        WHERE id = $1 AND team_id = $2 FOR NO KEY UPDATE";
    const CONTACT: &str = "
        SELECT state, last_outcome, due_at, callback_at, callback_note, erased_at IS NOT NULL AS is_erased,
               EXISTS (SELECT FROM suppressions
                       WHERE suppressions.phone = contacts.phone AND suppressions.team_id = $3
                         AND (expires_at IS NULL OR expires_at > $4)) AS is_suppressed
        FROM contacts WHERE id = $1 AND campaign_id = $2 AND team_id = $3";
    // The table keeps microseconds: what is compared with it is cut to them.
    let wanted = Callback { at: wanted.at.trunc_subsecs(6), note: wanted.note.clone() };
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let Some(locked) = query_opt(&transaction, LOCK, &[&campaign, &team]).await? else {
        return Ok(Asked::NotFound);
    };
    let Some(row) = query_opt(&transaction, CONTACT, &[&contact, &campaign, &team, &now]).await? else {
        return Ok(Asked::NotFound);
    };
    let standing = standing(&row, &locked)?;
    let effect = match ask(&standing, &wanted, now) {
        Ok(effect) => effect,
        Err(refused) => return Ok(Asked::Refused(refused)),
    };
    let promised = match effect {
        Effect::Unchanged => {
            return Ok(Asked::Promised { state: standing.contact, due_at: row.try_get("due_at")? });
        }
        Effect::DueThen { reopens_campaign } => {
            if reopens_campaign {
                write_move(&transaction, campaign, Move::Reopen, None, None, now).await?;
                own_if_nobody_does(&transaction, campaign, node).await?;
            }
            Asked::Promised { state: ContactState::Pending, due_at: Some(wanted.at) }
        }
        Effect::AfterItsCall => Asked::Promised { state: ContactState::Calling, due_at: None },
    };
    write(&transaction, (campaign, contact), standing.contact, &wanted, now).await?;
    transaction.commit().await?;
    Ok(promised)
}

fn standing(row: &Row, campaign: &Row) -> Result<Standing, Error> {
    let note: Option<String> = row.try_get("callback_note")?;
    let at: Option<DateTime<Utc>> = row.try_get("callback_at")?;
    Ok(Standing {
        campaign: name(campaign, "state", State::parse)?,
        has_schedule: campaign.try_get("has_schedule")?,
        contact: name(row, "state", ContactState::parse)?,
        last_outcome: name_opt(row, "last_outcome", Outcome::parse)?,
        is_suppressed: row.try_get("is_suppressed")?,
        is_erased: row.try_get("is_erased")?,
        callback: at.map(|at| Callback { at, note }),
    })
}

/// Writes the callback, and unless the contact is being called, makes it due then.
async fn write(
    transaction: &Transaction<'_>,
    (campaign, contact): (Uuid, Uuid),
    was: ContactState,
    wanted: &Callback,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    const SQL: &str = "
        WITH contact AS (
            UPDATE contacts
            SET callback_at = $4, callback_note = $5, callback_waits = true, set_aside = NULL, before_call = NULL, updated_at = $6,
                state = CASE WHEN $3 = 'calling' THEN state ELSE 'pending' END,
                due_at = CASE WHEN $3 = 'calling' THEN due_at ELSE $4 END, timed = true
            WHERE id = $2 AND state = $3
            RETURNING id, due_at, area
        ), area AS (
            UPDATE areas SET due_cursor = least(due_cursor, contact.due_at)
            FROM contact WHERE areas.campaign_id = $1 AND areas.number = contact.area
        ), campaign AS (
            UPDATE campaigns
            SET pending = pending + ($3 IN ('completed', 'failed'))::int,
                completed = completed - ($3 = 'completed')::int,
                failed = failed - ($3 = 'failed')::int
            FROM contact
            WHERE campaigns.id = $1
            RETURNING campaigns.id, campaigns.team_id
        )
        INSERT INTO events (team_id, campaign_id, kind, at, contact_id, data)
        SELECT campaign.team_id, campaign.id, 'contact.callback', $6, contact.id,
               jsonb_strip_nulls(jsonb_build_object('at', $4::timestamptz, 'note', $5::text, 'was', $3::text))
        FROM campaign, contact";
    let params: super::Params<'_> = &[&campaign, &contact, &was.as_str(), &wanted.at, &wanted.note, &now];
    execute(transaction, SQL, params).await?;
    Ok(())
}

//! What the supervisor's tick and watchdog look for: campaigns that should have moved and have not, and rows that no
//! mechanism would ever touch again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::campaigns::lock;
use super::{Database, Error, Ownership, execute, query};

/// The node's campaigns whose next step seems overdue at `now`: a start that has come, an ended call that is not
/// settled, a call that is to be ended, a call that nobody has asked about since `quiet_since`, everybody final, or,
/// with no call open, somebody due or a call heard of that had been given up.
pub async fn list_overdue(
    database: &Database,
    node: Uuid,
    now: DateTime<Utc>,
    quiet_since: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "
        SELECT campaigns.id
        FROM campaigns
        LEFT JOIN attempts open ON open.campaign_id = campaigns.id AND open.settled_at IS NULL
        WHERE campaigns.node = $1 AND (campaigns.state IN ('pending', 'running') OR open.id IS NOT NULL)
          AND CASE
              WHEN open.id IS NOT NULL THEN
                  open.ended_at IS NOT NULL
                  OR open.sid IS NOT NULL
                     AND (open.end_wanted_at IS NOT NULL
                          OR open.status IS DISTINCT FROM 'in-progress'
                             AND coalesce(campaigns.settings #>> '{suppression,end_ringing_calls}', 'true') = 'true'
                             AND EXISTS (SELECT FROM suppressions
                                         WHERE suppressions.team_id = open.team_id AND phone = open.to_phone
                                           AND (expires_at IS NULL OR expires_at > $2)))
                  OR greatest(open.intended_at, open.heard_at, open.asked_at) < $3
              WHEN campaigns.state = 'pending' THEN coalesce(campaigns.starts_at, $2) <= $2
              ELSE campaigns.pending + campaigns.calling = 0
                  OR EXISTS (SELECT FROM areas WHERE areas.campaign_id = campaigns.id
                             AND (EXISTS (SELECT FROM contacts
                                          WHERE campaign_id = areas.campaign_id AND area = areas.number
                                            AND contacts.state = 'pending' AND NOT timed
                                            AND place > areas.order_cursor)
                                  OR EXISTS (SELECT FROM contacts
                                             WHERE campaign_id = areas.campaign_id AND area = areas.number
                                               AND contacts.state = 'pending' AND timed
                                               AND due_at >= areas.due_cursor AND due_at <= $2)))
                  OR EXISTS (SELECT FROM revived_attempts
                             WHERE revived_attempts.campaign_id = campaigns.id)
              END";
    let rows = query(&database.client().await?, SQL, &[&node, &now, &quiet_since]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// An open attempt that has been silent for long.
#[derive(Debug, Clone, Copy)]
pub struct Silent {
    /// The attempt.
    pub attempt: Uuid,
    /// Its campaign.
    pub campaign: Uuid,
}

/// Open attempts of which nothing was heard and about which nobody asked since `before`, the oldest first.
pub async fn list_silent(
    database: &Database,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Silent>, Error> {
    const SQL: &str = "
        SELECT id, campaign_id FROM attempts
        WHERE settled_at IS NULL AND greatest(intended_at, heard_at, asked_at) < $1
        ORDER BY intended_at LIMIT $2";
    let rows = query(&database.client().await?, SQL, &[&before, &limit]).await?;
    rows.iter()
        .map(|row| Ok(Silent { attempt: row.try_get("id")?, campaign: row.try_get("campaign_id")? }))
        .collect()
}

/// The node's campaigns that hold a contact as being called without an open attempt: no code path leaves one, so it
/// is a bug or a hand in the database, and the contact would be forgotten.
pub async fn list_with_stranded_contacts(database: &Database, node: Uuid) -> Result<Vec<Ownership>, Error> {
    const SQL: &str = "
        SELECT id, epoch FROM campaigns
        WHERE node = $1 AND calling > 0
          AND NOT EXISTS (SELECT FROM attempts WHERE campaign_id = campaigns.id AND settled_at IS NULL)";
    let rows = query(&database.client().await?, SQL, &[&node]).await?;
    rows.iter()
        .map(|row| Ok(Ownership { campaign: row.try_get("id")?, node, epoch: row.try_get("epoch")? }))
        .collect()
}

/// Makes a campaign's stranded contacts due again, now, and counts its contacts and its calls without a price anew: what
/// stranded them, or settled a call whose contact somebody else had touched, has left the counters wrong. Returns how many there were.
pub async fn free_stranded_contacts(
    database: &Database,
    owner: Ownership,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    const SQL: &str = "
        UPDATE contacts
        SET state = 'pending', timed = true, updated_at = $2,
            due_at = CASE WHEN callback_waits THEN greatest(callback_at, $2) ELSE $2 END
        WHERE campaign_id = $1 AND state = 'calling'
          AND NOT EXISTS (SELECT FROM attempts WHERE contact_id = contacts.id AND settled_at IS NULL)";
    const COUNT: &str = "
        UPDATE campaigns
        SET (pending, calling, completed, failed, suppressed) =
                (SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'calling'),
                        count(*) FILTER (WHERE state = 'completed'), count(*) FILTER (WHERE state = 'failed'),
                        count(*) FILTER (WHERE state = 'suppressed')
                 FROM contacts WHERE campaign_id = $1),
            unpriced = (SELECT count(*) FROM attempts WHERE campaign_id = $1 AND ask_price_at IS NOT NULL)
        WHERE id = $1";
    const SEE_THEM: &str = "UPDATE areas SET due_cursor = least(due_cursor, $2) WHERE campaign_id = $1";
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    if lock(&transaction, owner).await?.is_none() {
        return Ok(0);
    }
    let freed = execute(&transaction, SQL, &[&owner.campaign, &now]).await?;
    execute(&transaction, COUNT, &[&owner.campaign]).await?;
    execute(&transaction, SEE_THEM, &[&owner.campaign, &now]).await?;
    transaction.commit().await?;
    Ok(freed)
}

/// Sets the cursors back to the beginning of areas of the node's campaigns in which somebody pending stands before one:
/// no code path leaves anybody there, so it is a bug, a hand in the database, or a clock that was set back, and the
/// contact would be forgotten. Returns the campaigns, each once for every such area.
pub async fn reset_blind_cursors(database: &Database, node: Uuid) -> Result<Vec<Uuid>, Error> {
    // Whoever decides about a campaign holds its row and then changes areas of it. This statement holds no campaign's row,
    // so it waits for no area: what is being changed just now is seen the next time.
    const SQL: &str = "
        WITH blind AS (
            SELECT areas.campaign_id, areas.number
            FROM areas
            JOIN campaigns ON campaigns.id = areas.campaign_id AND campaigns.team_id = areas.team_id
            WHERE campaigns.node = $1 AND campaigns.state = 'running' AND campaigns.pending > 0
              AND (EXISTS (SELECT FROM contacts
                           WHERE campaign_id = areas.campaign_id AND area = areas.number
                             AND contacts.state = 'pending' AND NOT timed AND place <= areas.order_cursor)
                   OR EXISTS (SELECT FROM contacts
                              WHERE campaign_id = areas.campaign_id AND area = areas.number
                                AND contacts.state = 'pending' AND timed AND due_at < areas.due_cursor))
            FOR NO KEY UPDATE OF areas SKIP LOCKED
        )
        UPDATE areas SET order_cursor = DEFAULT, due_cursor = DEFAULT
        FROM blind
        WHERE areas.campaign_id = blind.campaign_id AND areas.number = blind.number
        RETURNING areas.campaign_id AS id";
    let rows = query(&database.client().await?, SQL, &[&node]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

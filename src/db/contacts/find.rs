//! One contact with all that decides about its next call, as the API shows it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Contact;
use super::list::{COLUMNS, contact};
use crate::db::attempts::{Attempt, list_newest_of};
use crate::db::campaigns::{call_day, spend};
use crate::db::suppressions::Suppression;
use crate::db::{Database, Error, count, json, name, query_opt, suppressions};
use crate::domain::campaign::State;
use crate::domain::daily_cap::CallDay;
use crate::domain::settings::Settings;
use crate::domain::spend::Spend;

/// So many attempts are read with a contact. What is taken back is an attempt, too, so there may be any number.
const NEWEST_ATTEMPTS: i64 = 50;

/// A contact, its campaign, and everything that happened to it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The contact.
    pub contact: Contact,
    /// The campaign's state.
    pub campaign: State,
    /// The campaign's settings.
    pub settings: Settings,
    /// Before this instant the campaign does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// The day on which the campaign last called, and its calls on it.
    pub call_day: Option<CallDay>,
    /// What the campaign's calls have cost, as far as is known.
    pub spend: Spend,
    /// What stands on the list of numbers that must not be contacted, in force or not any more.
    pub suppression: Option<Suppression>,
    /// Its newest attempts, [`NEWEST_ATTEMPTS`] at most, the first first.
    pub attempts: Vec<Attempt>,
    /// How many attempts it has had, also of such as did not count.
    pub attempts_made: u32,
}

/// One contact of a campaign, in one consistent read.
pub async fn find_contact(
    database: &Database,
    team: Uuid,
    (campaign, id): (Uuid, Uuid),
) -> Result<Option<Detail>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, last_number, campaigns.state AS campaign_state, campaigns.settings, campaigns.starts_at,
                call_day, day_calls, spent, unpriced, highest_price
         FROM contacts
         JOIN areas ON areas.campaign_id = contacts.campaign_id AND areas.number = contacts.area
          AND areas.team_id = contacts.team_id
         JOIN campaigns ON campaigns.id = contacts.campaign_id AND campaigns.team_id = contacts.team_id
         WHERE contacts.id = $1 AND contacts.campaign_id = $2 AND contacts.team_id = $3"
    );
    let mut client = database.client().await?;
    let transaction = client.consistent_read().await?;
    let Some(row) = query_opt(&transaction, &sql, &[&id, &campaign, &team]).await? else { return Ok(None) };
    let contact = contact(&row)?;
    let detail = Detail {
        campaign: name(&row, "campaign_state", State::parse)?,
        settings: json(&row, "settings")?,
        starts_at: row.try_get("starts_at")?,
        call_day: call_day(&row)?,
        spend: spend(&row)?,
        suppression: suppressions::find_in(&transaction, team, &contact.phone).await?,
        attempts: list_newest_of(&transaction, team, id, NEWEST_ATTEMPTS).await?,
        attempts_made: count(&row, "last_number")?,
        contact,
    };
    transaction.commit().await?;
    Ok(Some(detail))
}

//! A campaign made of another one: its list, or a part of it, in a new draft. The list is copied as it is for a run of a
//! campaign with a schedule: everybody begins anew, and who must not be called is found at the claim.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::campaigns::{NewCampaign, insert_campaign};
use super::in_flight::announce_list;
use super::recurrence::{AREAS, CONTACTS};
use super::{Database, Error, Params, execute};

/// Whom of a list a duplicate has. Nobody is chosen by a list that is empty, and everybody by none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Those whose last attempt came to one of these.
    pub outcomes: Option<Vec<Outcome>>,
    /// Those who are in one of these states.
    pub states: Option<Vec<ContactState>>,
}

/// Makes a draft with the chosen contacts of a campaign of the same team, in one transaction. Returns how many contacts
/// it has; with nobody, or if that campaign is gone, there is no draft.
///
/// Nothing of the campaign is locked: it goes on while its list is copied, and the copy is of one moment.
pub async fn duplicate(
    database: &Database,
    of: Uuid,
    new: &NewCampaign<'_>,
    chosen: &Chosen,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    const CHOSEN: &str = "
        campaign_id = $2 AND team_id = $4 AND ($5::text[] IS NULL OR last_outcome = ANY ($5))
        AND ($6::text[] IS NULL OR state = ANY ($6)) ORDER BY position";
    const COUNT: &str = "
        UPDATE campaigns SET pending = $2, import = of.import
        FROM campaigns of
        WHERE campaigns.id = $1 AND campaigns.team_id = $4 AND of.id = $3 AND of.team_id = $4";
    let outcomes: Option<Vec<&str>> =
        chosen.outcomes.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    let states: Option<Vec<&str>> =
        chosen.states.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    let mut client = database.list_client().await?;
    let transaction = client.transaction().await?;
    announce_list(&transaction, new.team).await?;
    insert_campaign(&transaction, new, now).await?;
    let params: Params<'_> = &[&new.id, &of, &now, &new.team, &outcomes, &states];
    let contacts = execute(&transaction, &CONTACTS.copy_where(CHOSEN), params).await?;
    if contacts == 0 {
        return Ok(0);
    }
    // After the contacts: an area is never without its row, though one may be without contacts.
    execute(&transaction, &AREAS.copy_where("campaign_id = $2"), &[&new.id, &of]).await?;
    let contacts = i32::try_from(contacts).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    if execute(&transaction, COUNT, &[&new.id, &contacts, &of, &new.team]).await? == 0 {
        // It was deleted while its contacts were copied: what is left of it is not all of it.
        return Ok(0);
    }
    transaction.commit().await?;
    Ok(contacts.unsigned_abs())
}

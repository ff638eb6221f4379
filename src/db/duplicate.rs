//! A campaign made of another one: its list, or a part of it, in a new draft. The list is copied as it is for a run of a
//! campaign with a schedule: everybody begins anew, and who must not be called is found at the claim.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::contact::ContactState;
use crate::domain::outcome::Outcome;

use super::campaigns::{NewCampaign, insert_campaign};
use super::in_flight::announce_list;
use super::recurrence::{AREAS, CONTACTS};
use super::{Connection, Database, Error, Params, execute, query_opt};

/// Whom of a list a duplicate has. Nobody is chosen by a list that is empty, and everybody by none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Those whose last attempt came to one of these.
    pub outcomes: Option<Vec<Outcome>>,
    /// Those who are in one of these states.
    pub states: Option<Vec<ContactState>>,
}

/// What came of the wish for a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicated {
    /// There is a draft.
    Done {
        /// With so many contacts.
        contacts: u32,
    },
    /// Nobody is like that, or the campaign is gone: there is no draft.
    Nobody,
    /// So large a list is copied on one of the connections on which lists are stored, and all of them are taken, for minutes
    /// perhaps. There is no draft.
    NoTurn,
}

/// A campaign of so many contacts or fewer is copied within a second, where need be on a connection of the dialer's.
const FEW_CONTACTS: i32 = 10_000;

/// How long a turn is waited for before a small one does without.
const A_MOMENT: Duration = Duration::from_millis(50);

/// How long it is waited for with a large one.
const A_WHILE: Duration = Duration::from_secs(2);

/// Makes a draft with the chosen contacts of a campaign of the same team, in one transaction.
///
/// Nothing of the campaign is locked: it goes on while its list is copied, and the copy is of one moment.
pub async fn duplicate(
    database: &Database,
    of: Uuid,
    new: &NewCampaign<'_>,
    chosen: &Chosen,
    now: DateTime<Utc>,
) -> Result<Duplicated, Error> {
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
    let Some(mut client) = connection(database, new.team, of).await? else { return Ok(Duplicated::NoTurn) };
    let transaction = client.transaction().await?;
    announce_list(&transaction, new.team).await?;
    insert_campaign(&transaction, new, now).await?;
    let params: Params<'_> = &[&new.id, &of, &now, &new.team, &outcomes, &states];
    let contacts = execute(&transaction, &CONTACTS.copy_where(CHOSEN), params).await?;
    if contacts == 0 {
        return Ok(Duplicated::Nobody);
    }
    // After the contacts: an area is never without its row, though one may be without contacts.
    execute(&transaction, &AREAS.copy_where("campaign_id = $2"), &[&new.id, &of]).await?;
    let contacts = i32::try_from(contacts).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
    if execute(&transaction, COUNT, &[&new.id, &contacts, &of, &new.team]).await? == 0 {
        // It was deleted while its contacts were copied: what is left of it is not all of it.
        return Ok(Duplicated::Nobody);
    }
    transaction.commit().await?;
    Ok(Duplicated::Done { contacts: contacts.unsigned_abs() })
}

/// A connection on which the list of a campaign can be copied; none if it is large and others have their turn.
async fn connection(database: &Database, team: Uuid, of: Uuid) -> Result<Option<Connection>, Error> {
    const SIZE: &str = "
        SELECT pending + calling + completed + failed + suppressed <= $3 AS is_small
        FROM campaigns WHERE id = $1 AND team_id = $2";
    if let Some(client) = database.list_client_within(A_MOMENT).await? {
        return Ok(Some(client));
    }
    let client = database.client().await?;
    let row = query_opt(&client, SIZE, &[&of, &team, &FEW_CONTACTS]).await?;
    // One that is gone has nobody to be copied.
    if row.map_or(Ok(true), |row| row.try_get("is_small"))? {
        return Ok(Some(client));
    }
    drop(client);
    database.list_client_within(A_WHILE).await
}

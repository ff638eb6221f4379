//! A campaign is made with its contacts: all of it or nothing.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::copy::{Copy, Table};
use super::encode::{Belongs, Encoder, Portion};
use crate::db::campaigns::{NewCampaign, insert_campaign};
use crate::db::imports::{Origin, leave_remarks, open_import, store_import};
use crate::db::in_flight::announce_list;
use crate::db::{Connection, Error, execute};

/// A campaign that is being made. Dropped before it is finished, it has never been.
pub struct Making<'c> {
    copy: Copy<'c>,
    is_of_preview: bool,
}

/// Begins a campaign whose contacts come in portions, from a new list or from one that was previewed. Returns nothing
/// if the preview is not there, or not any more.
pub async fn begin_campaign<'c>(
    client: &'c mut Connection,
    campaign: &NewCampaign<'_>,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Making<'c>>, Error> {
    let transaction = client.transaction().await?;
    announce_list(&transaction, campaign.team).await?;
    if !open_import(&transaction, campaign.team, origin, now).await? {
        return Ok(None);
    }
    insert_campaign(&transaction, campaign, now).await?;
    let belongs = Belongs { team: campaign.team, campaign: campaign.id, import: origin.id(), now };
    let is_of_preview = matches!(origin, Origin::Preview(..));
    Ok(Some(Making { copy: Copy::new(transaction, Table::Contacts, belongs), is_of_preview }))
}

impl Making<'_> {
    /// What makes portions of its contacts.
    pub fn encoder(&self) -> Encoder {
        self.copy.encoder()
    }

    /// Takes the portion that follows.
    pub async fn take(&mut self, portion: Portion) -> Result<(), Error> {
        self.copy.take(portion).await
    }

    /// Makes it so: a draft with these contacts, where `summary` is kept with the campaign and `report` with the import.
    /// Returns how many contacts there are.
    pub async fn finish(mut self, summary: &Value, report: &Value) -> Result<u32, Error> {
        let Belongs { team, campaign, import, now } = self.copy.belongs;
        let contacts = self.copy.end().await?;
        let transaction = self.copy.transaction;
        self.copy.areas.write(&transaction, team, campaign).await?;
        count_contacts(&transaction, team, campaign, contacts, summary).await?;
        store_import(&transaction, team, import, campaign, report, now).await?;
        transaction.commit().await?;
        Ok(contacts.unsigned_abs())
    }

    /// Makes no campaign, and keeps what was said about the rows for as long as a preview lasts, among the team's newest
    /// `most` previews. A list that was previewed before stays as it was: how it was read in vain is nothing to read it
    /// by again. Returns how many older previews expire for it.
    pub async fn give_up(mut self, report: &Value, most: u32) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM campaigns WHERE id = $1 AND team_id = $2";
        if self.is_of_preview {
            return Ok(0);
        }
        let Belongs { team, campaign, import, now } = self.copy.belongs;
        self.copy.end().await?;
        let transaction = self.copy.transaction;
        execute(&transaction, SQL, &[&campaign, &team]).await?;
        let expired = leave_remarks(&transaction, (team, import), report, most, now).await?;
        transaction.commit().await?;
        Ok(expired)
    }
}

async fn count_contacts(
    transaction: &crate::db::Transaction<'_>,
    team: Uuid,
    campaign: Uuid,
    contacts: i32,
    summary: &Value,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE campaigns SET pending = $3, import = $4 WHERE id = $1 AND team_id = $2";
    execute(transaction, SQL, &[&campaign, &team, &contacts, summary]).await?;
    Ok(())
}

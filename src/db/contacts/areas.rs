//! The areas of a list: each has a number in its campaign, and contacts name their area by it.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::NewContact;
use crate::db::{Error, execute, query};
use crate::domain::area::Area;

/// The most areas that the contacts of a campaign may be in. Everybody in the world is in some hundreds.
const MOST: usize = 2_000;

/// The area of a row that holds its three texts.
pub(in crate::db) fn area_of(row: &Row) -> Result<Area, Error> {
    let area = Area::parse(row.try_get("zones")?, row.try_get("told_by")?, row.try_get("places")?);
    area.map_err(|error| Error::ImpossibleRow(error.to_string()))
}

/// The areas of a list, numbered in the order of their coming.
#[derive(Debug, Default)]
pub(super) struct Areas {
    numbers: HashMap<Area, i16>,
}

impl Areas {
    /// The number of a contact's area.
    pub(super) fn number(&mut self, contact: &NewContact) -> Result<i16, Error> {
        let area = Area::of(&contact.phone, Some(contact.number_type), contact.timezone.as_ref());
        if let Some(number) = self.numbers.get(&area) {
            return Ok(*number);
        }
        if self.numbers.len() >= MOST {
            return Err(Error::TooManyAreas(MOST));
        }
        let next = i16::try_from(self.numbers.len()).map_err(|_| Error::TooManyAreas(MOST))?;
        self.numbers.insert(area, next);
        Ok(next)
    }

    /// Writes the areas that the campaign does not have yet, which nobody else may do meanwhile. Returns for each number
    /// the one that the campaign has for the same area.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        team: Uuid,
        campaign: Uuid,
    ) -> Result<Vec<i16>, Error> {
        const KNOWN: &str =
            "SELECT number, zones, told_by, places FROM areas WHERE campaign_id = $1 AND team_id = $2";
        const INSERT: &str = "
            INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
            SELECT $1, $2, * FROM unnest($3::smallint[], $4::text[], $5::text[], $6::text[])";
        let mut known = HashMap::new();
        for row in query(transaction, KNOWN, &[&campaign, &team]).await? {
            known.insert(area_of(&row)?, row.try_get::<_, i16>("number")?);
        }
        let mut own: Vec<(&Area, i16)> = self.numbers.iter().map(|(area, number)| (area, *number)).collect();
        own.sort_by_key(|(_, number)| *number);
        let mut in_campaign = Vec::with_capacity(own.len());
        let mut new: Vec<(&Area, i16)> = Vec::new();
        for (area, _) in own {
            let number = match known.get(area) {
                Some(number) => *number,
                None if known.len() + new.len() >= MOST => return Err(Error::TooManyAreas(MOST)),
                None => {
                    let next = known.len() + new.len();
                    let next = i16::try_from(next).map_err(|_| Error::TooManyAreas(MOST))?;
                    new.push((area, next));
                    next
                }
            };
            in_campaign.push(number);
        }
        if !new.is_empty() {
            let numbers: Vec<i16> = new.iter().map(|(_, number)| *number).collect();
            let zones: Vec<Option<&str>> = new.iter().map(|(area, _)| area.zones_text()).collect();
            let told_by: Vec<&str> = new.iter().map(|(area, _)| area.told_by()).collect();
            let places: Vec<String> = new.iter().map(|(area, _)| area.places_text()).collect();
            execute(transaction, INSERT, &[&campaign, &team, &numbers, &zones, &told_by, &places]).await?;
        }
        Ok(in_campaign)
    }
}

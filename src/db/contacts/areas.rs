//! The areas of a list: each has a number in its campaign, and contacts name their area by it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::look::KnownArea;
use crate::db::{Error, Session, execute, query, query_one};
use crate::domain::area::Area;
use crate::domain::phone::{NumberType, Phone};
use crate::domain::zone::{Candidates, Unmapped, Zone};

/// The most areas that the contacts of a campaign may be in. Everybody in the world is in some hundreds.
const MOST: usize = 2_000;

/// The area of a row that holds its three texts.
pub(in crate::db) fn area_of(row: &Row) -> Result<Area, Error> {
    Ok(Area::parse(row.try_get("zones")?, row.try_get("told_by")?, row.try_get("places")?)?)
}

/// The area of such a row, as far as the zone data in use tells.
pub(in crate::db) fn known_area_of(row: &Row) -> Result<KnownArea, Error> {
    match area_of(row) {
        Ok(area) => Ok(KnownArea::Whole(Arc::new(area))),
        Err(Error::ZoneMissing(zone)) => Ok(KnownArea::ZoneMissing(zone.into())),
        Err(error) => Err(error),
    }
}

/// The areas of a list, each of which has the number of its coming.
#[derive(Debug, Default)]
pub(super) struct Areas(Vec<Area>);

impl Areas {
    /// Takes those that come next.
    pub(super) fn extend(&mut self, next: Vec<Area>) -> Result<(), Error> {
        self.0.extend(next);
        if self.0.len() > MOST { Err(Error::TooManyAreas(MOST)) } else { Ok(()) }
    }

    /// Writes the areas that the campaign does not have yet, which nobody else may do meanwhile. Returns for each number
    /// the one that the campaign has for the same area.
    pub(super) async fn write(
        &self,
        transaction: &impl Session,
        team: Uuid,
        campaign: Uuid,
    ) -> Result<Vec<i16>, Error> {
        const KNOWN: &str =
            "SELECT number, zones, told_by, places FROM areas WHERE campaign_id = $1 AND team_id = $2";
        const INSERT: &str = "
            INSERT INTO areas (campaign_id, team_id, number, zones, told_by, places)
            SELECT $1, $2, * FROM unnest($3::smallint[], $4::text[], $5::text[], $6::text[])";
        let mut known = HashMap::new();
        let rows = query(transaction, KNOWN, &[&campaign, &team]).await?;
        let there = rows.len();
        for row in &rows {
            // Nobody new is in a zone that is missing, so it need not be told from others.
            if let KnownArea::Whole(area) = known_area_of(row)? {
                known.insert(area, row.try_get::<_, i16>("number")?);
            }
        }
        let mut in_campaign = Vec::with_capacity(self.0.len());
        let mut new: Vec<(&Area, i16)> = Vec::new();
        for area in &self.0 {
            let number = match known.get(area) {
                Some(number) => *number,
                None if there + new.len() >= MOST => return Err(Error::TooManyAreas(MOST)),
                None => {
                    let next = there + new.len();
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

/// Puts a contact that came before areas were kept into the one that it belongs to. Returns false if somebody else gives
/// areas in the campaign just now.
///
/// The caller holds the campaign's row. An addition takes its turn first and the row afterwards, so it is not waited for.
pub(in crate::db) async fn refile(
    transaction: &impl Session,
    team: Uuid,
    campaign: Uuid,
    contact: Uuid,
) -> Result<bool, Error> {
    const TURN: &str = "SELECT pg_try_advisory_xact_lock($1) AS is_mine";
    const CONTACT: &str =
        "SELECT phone, number_type, timezone FROM contacts WHERE id = $1 AND campaign_id = $2";
    const MOVE: &str = "
        WITH contact AS (
            UPDATE contacts SET area = $3 WHERE id = $2
            RETURNING place, due_at
        )
        UPDATE areas
        SET order_cursor = least(order_cursor, contact.place - 1), due_cursor = least(due_cursor, contact.due_at)
        FROM contact
        WHERE areas.campaign_id = $1 AND areas.number = $3";
    if !query_one(transaction, TURN, &[&turn_of(campaign)]).await?.try_get::<_, bool>("is_mine")? {
        return Ok(false);
    }
    let row = query_one(transaction, CONTACT, &[&contact, &campaign]).await?;
    let number_type: Option<&str> = row.try_get("number_type")?;
    let number_type = number_type.and_then(|name| NumberType::parse(name).ok());
    let stated: Option<&str> = row.try_get("timezone")?;
    let stated = stated.and_then(|name| Zone::parse(name).ok());
    let area = match Phone::from_e164(row.try_get("phone")?) {
        Ok(phone) => Area::of(&phone, number_type, stated.as_ref()),
        // It is refused before it is dialed.
        Err(_) => Area { zones: Candidates::Unmapped(Unmapped::NoZoneKnown), places: Vec::new() },
    };
    let numbers = Areas(vec![area]).write(transaction, team, campaign).await?;
    execute(transaction, MOVE, &[&campaign, &contact, &numbers[0]]).await?;
    Ok(true)
}

/// The number of a campaign's lock, under which positions and areas are given: the part of its id that was drawn by
/// chance. Should another campaign's be the same, one waits for the other.
pub(super) fn turn_of(campaign: Uuid) -> i64 {
    campaign.as_u64_pair().1.cast_signed()
}

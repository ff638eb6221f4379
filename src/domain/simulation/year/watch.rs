//! The watchman of the year: whether a request may leave at an instant. He reads chrono-tz's clocks and goes by plain
//! numbers; of the windows, schedules, rules and zones of the program he knows nothing.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};

use crate::domain::area::Area;
use crate::domain::zone::second_opinion::OtherClock;

/// Within this span an edit of the hours takes effect.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// The federal holidays of the United States, as 5 U.S.C. 6103 has them.
const AMERICAN: [&str; 12] = [
    "2026-05-25",
    "2026-06-19",
    "2026-07-03",
    "2026-07-04",
    "2026-09-07",
    "2026-10-12",
    "2026-11-11",
    "2026-11-26",
    "2026-12-25",
    "2027-01-01",
    "2027-01-18",
    "2027-02-15",
];

/// The public holidays of France, by the Code du travail, article L. 3133-1.
const FRENCH: [&str; 11] = [
    "2026-04-06",
    "2026-05-01",
    "2026-05-08",
    "2026-05-14",
    "2026-05-25",
    "2026-07-14",
    "2026-08-15",
    "2026-11-01",
    "2026-11-11",
    "2026-12-25",
    "2027-01-01",
];

/// Days that all of Australia keeps.
const AUSTRALIAN: [&str; 6] =
    ["2026-04-03", "2026-04-06", "2026-04-25", "2026-12-25", "2027-01-01", "2027-01-26"];

/// Days on which Kiribati is not called here.
pub(super) const KIRIBATI: [&str; 3] = ["2026-07-12", "2026-12-25", "2027-01-01"];

/// What the clock on the wall shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wall(NaiveDateTime);

impl Wall {
    /// Whether it is from one time of day, such as `9_30`, up to another.
    pub(super) fn between(self, from: u32, to: u32) -> bool {
        (from..to).contains(&(self.0.hour() * 100 + self.0.minute()))
    }

    pub(super) fn is(self, days: &[Weekday]) -> bool {
        days.contains(&self.0.weekday())
    }

    pub(super) fn is_weekend(self) -> bool {
        self.is(&[Weekday::Sat, Weekday::Sun])
    }

    pub(super) fn is_one_of(self, dates: &[&str]) -> bool {
        dates.contains(&self.0.date().to_string().as_str())
    }

    pub(super) fn is_american_holiday(self) -> bool {
        self.is_one_of(&AMERICAN)
    }

    /// The same time of day, a day earlier.
    pub(super) fn yesterday(self) -> Self {
        Self(self.0 - TimeDelta::days(1))
    }
}

/// Whether people of a place may be called when the clock there shows this.
fn law(place: &str, wall: Wall) -> bool {
    let sunday = wall.is(&[Weekday::Sun]);
    wall.between(8_00, 21_00)
        && match place {
            "US-TX" => wall.between(if sunday { 12_00 } else { 9_00 }, 21_00),
            "US-FL" => wall.between(8_00, 20_00),
            "US-NE" => !(sunday || wall.is_american_holiday()) || wall.between(13_00, 21_00),
            "CA-BC" if wall.is_weekend() => wall.between(10_00, 18_00),
            "CA-BC" => wall.between(9_00, 21_30),
            "FR" => {
                !wall.is_weekend()
                    && !wall.is_one_of(&FRENCH)
                    && (wall.between(10_00, 13_00) || wall.between(14_00, 20_00))
            }
            "GB" => wall.between(if sunday { 9_00 } else { 8_00 }, 21_00),
            "AU" if wall.is(&[Weekday::Sat]) => wall.between(9_00, 17_00) && !wall.is_one_of(&AUSTRALIAN),
            "AU" => wall.between(9_00, 20_00) && !sunday && !wall.is_one_of(&AUSTRALIAN),
            "IN" => wall.between(10_00, 19_00),
            "KI" => !sunday && !wall.is_one_of(&KIRIBATI),
            _ => true,
        }
}

/// A campaign's own hours from an instant on.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnHours {
    pub(super) from: DateTime<Utc>,
    pub(super) zone: &'static str,
    pub(super) is_open: fn(Wall) -> bool,
}

/// What he goes by.
#[derive(Debug)]
pub(in crate::domain::simulation) struct Watch {
    /// How long it rings.
    pub(super) rings: TimeDelta,
    /// In order.
    pub(super) hours: Vec<OwnHours>,
}

impl Watch {
    /// Refuses a request that leaves at an instant at which nobody in an area may be called, or that may ring at one.
    pub(in crate::domain::simulation) fn permit(&self, at: DateTime<Utc>, area: &Area) -> Result<(), String> {
        let zones = area.zones_text().ok_or("nothing tells where it rings")?;
        let place = area.places_text();
        for zone in zones.split(',') {
            for instant in self.ringing(at) {
                let wall = shown(zone, instant);
                if !law(&place, wall) {
                    return Err(format!(
                        "the watch: leaves at {at} and rings at {} in {zone}, {place}",
                        wall.0
                    ));
                }
            }
        }
        // Who has just edited the hours may see a call by the old ones.
        let in_force = |at| self.hours.iter().rfind(|hours| hours.from <= at);
        let lets_through =
            |hours: &OwnHours| self.ringing(at).all(|at| (hours.is_open)(shown(hours.zone, at)));
        if ![at, at - GRACE].into_iter().filter_map(in_force).any(lets_through) {
            return Err(format!("the watch: leaves at {at}, outside the campaign's own hours"));
        }
        Ok(())
    }

    /// The instant at which it leaves, every whole minute while it rings, and the last instant.
    fn ringing(&self, at: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let (minute, end) = (TimeDelta::minutes(1), at + self.rings);
        let next_minute = at - TimeDelta::seconds(at.timestamp().rem_euclid(60)) + minute;
        let minutes = std::iter::successors(Some(next_minute), move |at| Some(*at + minute));
        std::iter::once(at).chain(minutes.take_while(move |at| *at < end)).chain([end])
    }
}

fn shown(zone: &str, at: DateTime<Utc>) -> Wall {
    Wall(OtherClock::find(zone).expect("a zone that the other library knows").shows(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(zones: &str, place: &str, at: &str) -> bool {
        let always = OwnHours { from: DateTime::<Utc>::MIN_UTC, zone: "UTC", is_open: |_| true };
        let watch = Watch { rings: TimeDelta::seconds(30), hours: vec![always] };
        let area = Area::parse(Some(zones), "column", place).unwrap();
        watch.permit(at.parse().unwrap(), &area).is_ok()
    }

    #[test]
    fn he_knows_which_minutes_are_forbidden() {
        let line = "Pacific/Honolulu,Pacific/Kiritimati";
        let florida = "America/Chicago,America/New_York";
        for (zones, place, at, expected) in [
            // Eight in Chicago, and half a minute before eight in the evening in New York, in winter and in summer.
            (florida, "US-FL", "2026-12-02T13:59:59Z", false),
            (florida, "US-FL", "2026-12-02T14:00:00Z", true),
            (florida, "US-FL", "2026-12-03T00:59:29Z", true),
            (florida, "US-FL", "2026-12-03T00:59:31Z", false),
            (florida, "US-FL", "2026-07-01T13:00:00Z", true),
            (florida, "US-FL", "2026-07-01T12:59:00Z", false),
            // Sunday morning and Sunday noon in Texas, on the day on which the clocks are set back.
            ("America/Chicago", "US-TX", "2026-11-01T17:59:00Z", false),
            ("America/Chicago", "US-TX", "2026-11-01T18:00:00Z", true),
            // Vancouver stays seven hours behind in December.
            ("America/Vancouver", "CA-BC", "2026-12-02T16:00:00Z", true),
            ("America/Vancouver", "CA-BC", "2026-12-02T15:59:00Z", false),
            // Lunch, and the eleventh of November.
            ("Europe/Paris", "FR", "2026-11-10T12:30:00Z", false),
            ("Europe/Paris", "FR", "2026-11-10T13:00:00Z", true),
            ("Europe/Paris", "FR", "2026-11-11T13:00:00Z", false),
            // Thanksgiving in Nebraska.
            ("America/Chicago", "US-NE", "2026-11-26T18:59:00Z", false),
            ("America/Chicago", "US-NE", "2026-11-26T19:00:00Z", true),
            // Christmas on one side of the date line, then on the other.
            (line, "KI", "2026-12-24T22:00:00Z", false),
            (line, "KI", "2026-12-25T22:00:00Z", false),
            (line, "KI", "2026-12-23T22:00:00Z", true),
        ] {
            assert_eq!(permits(zones, place, at), expected, "{zones} {place} {at}");
        }
    }

    #[test]
    fn he_holds_a_campaign_to_its_own_hours_and_lets_an_edit_take_a_second() {
        let utc = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let hours = |from, is_open| OwnHours { from: utc(from), zone: "Asia/Kolkata", is_open };
        let watch = Watch {
            rings: TimeDelta::seconds(30),
            hours: vec![
                hours("2026-03-01T00:00:00Z", |wall| wall.between(12_00, 14_00)),
                hours("2026-03-02T07:00:00Z", |wall| wall.between(15_00, 17_00)),
            ],
        };
        let area = Area::parse(Some("Asia/Kolkata"), "column", "").unwrap();
        let permits = |at| watch.permit(utc(at), &area).is_ok();
        assert!(permits("2026-03-01T06:30:00Z") && !permits("2026-03-01T06:29:59Z"));
        assert!(permits("2026-03-02T07:00:00.900Z") && !permits("2026-03-02T07:00:01.100Z"));
        assert!(permits("2026-03-02T09:30:00Z") && !permits("2026-03-01T09:30:00Z"));
    }
}

//! A pack as people write it: JSON with known keys, every day of the week named, every figure with its source.

use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use crate::domain::holidays::{Holiday, Holidays, subdivisions};
use crate::domain::hours::{InForce, OnHolidays, Schedule, Week, Window, overlap};
use crate::domain::phone::Region;
use crate::domain::rules::{Cap, Confidence, Jurisdiction, Pack, Rule, subdivisions_with_area_codes};
use crate::domain::zone::Zone;
use crate::json;

/// The entry of `holidays` that stands for the list of whichever state the called party is in.
const OF_EACH_SUBDIVISION: &str = "-*";

/// The keys of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPack {
    id: String,
    version: u32,
    /// What the pack is for, for whoever reads the file.
    about: String,
    reviewed_on: NaiveDate,
    #[serde(default)]
    loosening_approved_by: Option<String>,
    rules: Vec<WrittenRule>,
}

/// The keys of a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    /// Without one it holds everywhere.
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    subdivision: Option<String>,
    windows: Week,
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default)]
    on_holidays: WrittenOnHolidays,
    #[serde(default)]
    zone: Option<Zone>,
    #[serde(default)]
    caps: Vec<WrittenCap>,
    #[serde(default)]
    minimum_gap_hours: Option<u16>,
    #[serde(default)]
    effective_from: Option<NaiveDate>,
    #[serde(default)]
    effective_to: Option<NaiveDate>,
    confidence: Confidence,
    source: String,
    /// What the figures leave out, for whoever reads the file.
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum WrittenOnHolidays {
    #[default]
    Closed,
    Windows(Vec<Window>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCap {
    calls: u32,
    within_hours: u16,
}

/// Reads a pack, or says what is wrong with it and where.
pub(super) fn read(text: &[u8]) -> Result<Pack, String> {
    let pack: WrittenPack = json::read(text).map_err(|error| error.to_string())?;
    if pack.id.is_empty() || !pack.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("id is {:?}, expected letters, digits and hyphens", pack.id));
    }
    if pack.about.trim().is_empty() {
        return Err("about is empty, expected what the pack is for".to_owned());
    }
    if pack.loosening_approved_by.as_ref().is_some_and(|by| by.trim().is_empty()) {
        return Err("loosening_approved_by is empty, expected the name of who answers for it".to_owned());
    }
    if pack.rules.is_empty() {
        return Err("rules is empty, expected at least one".to_owned());
    }
    let mut rules = Vec::new();
    for (index, rule) in pack.rules.into_iter().enumerate() {
        rules.extend(rule.read(&pack.id).map_err(|reason| format!("rules[{index}]: {reason}"))?);
    }
    Ok(Pack {
        id: pack.id,
        version: pack.version,
        reviewed_on: pack.reviewed_on,
        rules,
        loosening_approved_by: pack.loosening_approved_by,
    })
}

impl WrittenRule {
    /// The rule, and where it heeds the holidays of each subdivision, one more for every one of them.
    fn read(self, pack: &str) -> Result<Vec<Rule>, String> {
        if let Some(day) = self.windows.first_missing() {
            return Err(format!("windows lacks {day}, expected every day, with [] where nobody is called"));
        }
        if self.windows.is_empty() {
            return Err("windows never opens, expected at least one window".to_owned());
        }
        if self.source.trim().is_empty() {
            return Err("source is empty, expected where the figures come from".to_owned());
        }
        if let Some(cap) = self.caps.iter().find(|cap| cap.calls == 0 || cap.within_hours == 0) {
            return Err(format!(
                "caps holds {} calls within {} hours, expected at least one of each",
                cap.calls, cap.within_hours
            ));
        }
        if let (Some(from), Some(to)) = (self.effective_from, self.effective_to)
            && to < from
        {
            return Err(format!("effective_to is {to}, expected a day not before effective_from, {from}"));
        }
        let jurisdiction = self.jurisdiction()?;
        let (each, named): (Vec<_>, Vec<_>) =
            self.holidays.iter().cloned().partition(|text| text.ends_with(OF_EACH_SUBDIVISION));
        let named: Vec<Holiday> = named
            .into_iter()
            .map(Holiday::try_from)
            .collect::<Result<_, _>>()
            .map_err(|e| format!("holidays: {e}"))?;
        let mut rules = vec![self.rule(pack, jurisdiction.clone(), Holidays::new(named))?];
        for text in each {
            let country = text.trim_end_matches(OF_EACH_SUBDIVISION);
            let of_country = match &jurisdiction {
                Jurisdiction::Country(region) if region.to_string() == country => *region,
                _ => return Err(format!("holidays holds {text:?}, expected it in a rule of {country} only")),
            };
            let parts = subdivisions(country);
            if parts.is_empty() {
                return Err(format!(
                    "holidays holds {text:?}, expected a country whose subdivisions have lists"
                ));
            }
            for part in parts {
                let list = Holiday::list(&format!("{country}-{part}"));
                let jurisdiction = Jurisdiction::Subdivision(of_country, part.to_owned());
                rules.push(self.rule(pack, jurisdiction, Holidays::new(list))?);
            }
        }
        Ok(rules)
    }

    fn jurisdiction(&self) -> Result<Jurisdiction, String> {
        match (&self.country, &self.subdivision) {
            (None, None) => Ok(Jurisdiction::Anywhere),
            (None, Some(_)) => Err("subdivision stands without country, expected both".to_owned()),
            (Some(country), part) => {
                let region = Region::parse(country).map_err(|error| format!("country: {error}"))?;
                let Some(part) = part else { return Ok(Jurisdiction::Country(region)) };
                let known = subdivisions_with_area_codes(region);
                if !known.contains(part.as_str()) {
                    let known = known.into_iter().collect::<Vec<_>>().join(", ");
                    return Err(format!("subdivision is {part:?}, expected one that numbers tell: {known}"));
                }
                Ok(Jurisdiction::Subdivision(region, part.clone()))
            }
        }
    }

    fn rule(&self, pack: &str, jurisdiction: Jurisdiction, holidays: Holidays) -> Result<Rule, String> {
        let on_holidays = match &self.on_holidays {
            WrittenOnHolidays::Closed => OnHolidays::Closed,
            WrittenOnHolidays::Windows(windows) => {
                if let Some((one, other)) = overlap(windows) {
                    return Err(format!("on_holidays: {one} and {other} overlap, expected them apart"));
                }
                OnHolidays::Windows(windows.clone())
            }
        };
        let name = match &jurisdiction {
            Jurisdiction::Subdivision(_, part) => format!("{pack}/{part}"),
            Jurisdiction::Anywhere | Jurisdiction::Country(_) => pack.to_owned(),
        };
        let hours = |hours: u16| TimeDelta::hours(i64::from(hours));
        Ok(Rule {
            name,
            jurisdiction,
            schedule: Schedule {
                week: self.windows.clone(),
                holidays,
                on_holidays,
                in_force: InForce { from: self.effective_from, to: self.effective_to },
            },
            zone: self.zone.clone(),
            caps: self
                .caps
                .iter()
                .map(|cap| Cap { calls: cap.calls, within: hours(cap.within_hours) })
                .collect(),
            minimum_gap: self.minimum_gap_hours.map(hours),
            source: self.source.clone(),
            confidence: self.confidence,
        })
    }
}

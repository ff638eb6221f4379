//! Whether a pack of an operator's own allows anything that the shipped pack of the same name does not.

use chrono::{NaiveDate, TimeDelta, Weekday};

use super::{Jurisdiction, Pack, Rule};
use crate::domain::hours::{OnHolidays, Window};

/// The minutes of a day.
const MINUTES: u16 = 24 * 60;

/// One thing that a pack allows and the shipped one does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loosening {
    /// The pack.
    pub pack: String,
    /// Whose protection is less.
    pub jurisdiction: String,
    /// What became looser.
    pub what: String,
}

impl std::fmt::Display for Loosening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is looser than shipped for {}: {}", self.pack, self.jurisdiction, self.what)
    }
}

/// Everything in which `own` is looser than `shipped`. Nothing is missed; a pack that says the same in another way
/// may be reported all the same, such as one that names dates where the shipped one names a list.
pub fn loosenings(shipped: &Pack, own: &Pack) -> Vec<Loosening> {
    let mut found = Vec::new();
    for rule in &shipped.rules {
        let counterparts: Vec<&Rule> = own.rules.iter().filter(|own| covers(own, rule)).collect();
        let mut report = |what: String| {
            found.push(Loosening { pack: own.id.clone(), jurisdiction: rule.jurisdiction.to_string(), what });
        };
        if counterparts.is_empty() {
            report("its rule is gone".to_owned());
            continue;
        }
        if let Some((day, minute)) = looser_minute(rule, &counterparts) {
            report(format!("{day} {:02}:{:02} is open", minute / 60, minute % 60));
        }
        if !counterparts.iter().any(|own| keeps_holidays(rule, own)) {
            report("a holiday is not kept".to_owned());
        }
        for cap in &rule.caps {
            let kept = counterparts.iter().flat_map(|own| &own.caps);
            if !kept.into_iter().any(|own| own.calls <= cap.calls && own.within >= cap.within) {
                report(format!("more than {} calls within {} hours", cap.calls, cap.within.num_hours()));
            }
        }
        let gap = counterparts.iter().filter_map(|own| own.minimum_gap).max();
        if gap.unwrap_or(TimeDelta::zero()) < rule.minimum_gap.unwrap_or(TimeDelta::zero()) {
            report("the gap between calls is shorter".to_owned());
        }
    }
    found
}

/// Whether a rule holds for everybody and at every time for which another does.
fn covers(own: &Rule, rule: &Rule) -> bool {
    let wide_enough = match (&own.jurisdiction, &rule.jurisdiction) {
        (Jurisdiction::Anywhere, _) => true,
        (
            Jurisdiction::Country(own),
            Jurisdiction::Country(country) | Jurisdiction::Subdivision(country, _),
        ) => own == country,
        (own, other) => own == other,
    };
    let (own_days, days) = (own.schedule.in_force, rule.schedule.in_force);
    let begins = |from: Option<NaiveDate>| from.unwrap_or(NaiveDate::MIN);
    let ends = |to: Option<NaiveDate>| to.unwrap_or(NaiveDate::MAX);
    let long_enough = begins(own_days.from) <= begins(days.from) && ends(own_days.to) >= ends(days.to);
    wide_enough && long_enough && (rule.zone.is_none() || own.zone == rule.zone)
}

/// A minute of the week that all of `counterparts` leave open and `rule` does not.
fn looser_minute(rule: &Rule, counterparts: &[&Rule]) -> Option<(Weekday, u16)> {
    let days = std::iter::successors(Some(Weekday::Mon), |day| Some(day.succ())).take(7);
    let minutes = days.flat_map(|day| (0..MINUTES).map(move |minute| (day, minute)));
    let mut closed = minutes.filter(|(day, minute)| !rule.schedule.week.is_open(*day, *minute));
    closed.find(|(day, minute)| counterparts.iter().all(|own| own.schedule.week.is_open(*day, *minute)))
}

/// Whether a rule restricts the holidays of another at least as much.
fn keeps_holidays(rule: &Rule, own: &Rule) -> bool {
    if rule.schedule.holidays.is_empty() {
        // A holiday with hours of its own opens what the week closes.
        return match (&own.schedule.on_holidays, own.schedule.holidays.is_empty()) {
            (_, true) | (OnHolidays::Closed, _) => true,
            (OnHolidays::Windows(_), false) => false,
        };
    }
    let kept = own.schedule.holidays.include(&rule.schedule.holidays);
    kept && match (&rule.schedule.on_holidays, &own.schedule.on_holidays) {
        (_, OnHolidays::Closed) => true,
        (OnHolidays::Closed, OnHolidays::Windows(_)) => false,
        (OnHolidays::Windows(allowed), OnHolidays::Windows(windows)) => {
            // A holiday that only the own pack knows would open what the week closes.
            let own_adds_none = rule.schedule.holidays.include(&own.schedule.holidays);
            let within = |window: &Window| {
                allowed
                    .iter()
                    .any(|allowed| allowed.start() <= window.start() && window.end() <= allowed.end())
            };
            own_adds_none && windows.iter().all(within)
        }
    }
}

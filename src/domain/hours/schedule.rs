//! Weekly windows, holidays and the days on which they hold, on the clock of one zone: whether it is open, and when
//! that changes next.
//!
//! "Open now?" converts the instant to local time, which is never ambiguous. "When next?" walks the instants at which
//! anything can change: the edges of windows, the starts of days and the changes of clocks; and tests each, because
//! an edge may fall into a gap or come twice.

use chrono::{DateTime, Datelike, DurationRound, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::time_of_day::{MINUTES_OF_DAY, on};
use super::week::{Week, Window};
use crate::domain::holidays::{Day, Holidays};
use crate::domain::zone::Zone;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// When something is open, wherever it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The windows of ordinary days.
    pub week: Week,
    /// The days that are not ordinary.
    pub holidays: Holidays,
    /// What is open on them.
    pub on_holidays: OnHolidays,
    /// The days on which it restricts anything.
    pub in_force: InForce,
}

/// What a holiday does to its day. It rules its whole day: a window that began the day before ends with that day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnHolidays {
    /// It is closed.
    Closed,
    /// It has windows of its own.
    Windows(Vec<Window>),
}

/// From the first day to the last, both included; without one, without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InForce {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

impl InForce {
    fn holds_on(self, date: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }
}

/// Why it is closed at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// No window of the day holds it.
    OutsideHours,
    /// The day is a holiday, with its name where a list gives one.
    Holiday(NaiveDate, Option<&'static str>),
    /// The holidays of the day's year are not known, so it could be one.
    HolidaysUnknown(NaiveDate),
    /// It is open, and closes before what would begin now could be over.
    ClosesSoon,
}

impl std::fmt::Display for Shut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OutsideHours => f.write_str("it is outside the hours"),
            Self::Holiday(date, Some(name)) => write!(f, "{date} is a holiday, {name}"),
            Self::Holiday(date, None) => write!(f, "{date} is a holiday"),
            Self::HolidaysUnknown(date) => {
                write!(f, "the tables of holidays do not reach {}", date.year())
            }
            Self::ClosesSoon => f.write_str("the hours end too soon"),
        }
    }
}

impl Schedule {
    /// The windows of a week, on all days.
    pub fn weekly(week: Week) -> Self {
        Self {
            week,
            holidays: Holidays::default(),
            on_holidays: OnHolidays::Closed,
            in_force: InForce::default(),
        }
    }

    /// Why it is closed at this time on the wall, or nothing if it is open.
    pub fn shut_at(&self, local: NaiveDateTime) -> Option<Shut> {
        let date = local.date();
        if !self.in_force.holds_on(date) {
            return None;
        }
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        let holds = |windows: &[Window], minute| windows.iter().any(|window| window.contains(minute));
        match self.holidays.day(date) {
            Day::Unknown => Some(Shut::HolidaysUnknown(date)),
            Day::Holiday(name) => {
                let open = holds(self.windows_on(date), minute);
                (!open).then_some(Shut::Holiday(date, name))
            }
            Day::Ordinary => {
                let before = date.pred_opt().filter(|before| self.in_force.holds_on(*before));
                let open = holds(self.windows_on(date), minute)
                    || before.is_some_and(|day| holds(self.windows_on(day), minute + MINUTES_OF_DAY));
                (!open).then_some(Shut::OutsideHours)
            }
        }
    }

    /// Why it is closed at an instant in a zone, or nothing if it is open.
    pub fn shut(&self, zone: &Zone, at: DateTime<Utc>) -> Option<Shut> {
        self.shut_at(zone.local(at))
    }

    /// The windows that begin on a day; none if it restricts nothing on it.
    pub fn windows_of(&self, date: NaiveDate) -> Option<&[Window]> {
        self.in_force.holds_on(date).then(|| self.windows_on(date))
    }

    /// The first instant after `after`, and not after `until`, at which it is open, from a closed one.
    pub fn opens(&self, zone: &Zone, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.turns_to(true, zone, after, until)
    }

    /// The first instant after `after`, and not after `until`, at which it is closed, from an open one.
    pub fn closes(&self, zone: &Zone, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.turns_to(false, zone, after, until)
    }

    /// The first instant after `after`, and before `after + span`, at which it is closed, from an open one: what
    /// [`Schedule::closes`] finds, for short spans. Windows, days and changes of clocks all begin with a minute, so it
    /// is enough to read the clock at each.
    pub fn closes_within(&self, zone: &Zone, after: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
        let end = after + span;
        let mut at = after.duration_trunc(MINUTE).ok()? + MINUTE;
        while at < end {
            if self.shut(zone, at).is_some() {
                return Some(at);
            }
            at += MINUTE;
        }
        None
    }

    fn turns_to(
        &self,
        open: bool,
        zone: &Zone,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let first = zone.local(after).date() - TimeDelta::days(1);
        let last = zone.local(until).date() + TimeDelta::days(1);
        let mut earlier: Option<DateTime<Utc>> = None;
        for date in first.iter_days().take_while(|date| *date <= last) {
            let turns = self.turns_on(date, zone);
            let found = turns
                .into_iter()
                .filter(|at| (*at > after) && (*at <= until) && self.shut(zone, *at).is_none() == open)
                .min();
            // Where clocks are set back over midnight a day's last turn may come after the first of the next.
            if let Some(earlier) = earlier {
                return Some(found.map_or(earlier, |found| found.min(earlier)));
            }
            earlier = found;
        }
        earlier
    }

    /// Every instant of a day at which it may open or close.
    fn turns_on(&self, date: NaiveDate, zone: &Zone) -> Vec<DateTime<Utc>> {
        let windows = self.windows_on(date);
        let edges = windows.iter().flat_map(|window| [window.start(), window.end()]);
        let minutes = std::iter::once(0).chain(edges);
        if let Some(offset) = steady_offset(date, zone) {
            return minutes.map(|minute| on(date, minute).and_utc() - offset).collect();
        }
        let mut turns: Vec<_> = minutes.flat_map(|minute| zone.instants(on(date, minute))).collect();
        turns.extend(change_of_clocks(date, zone));
        turns
    }

    /// The windows that begin on a day.
    fn windows_on(&self, date: NaiveDate) -> &[Window] {
        match (self.holidays.day(date), &self.on_holidays) {
            (Day::Ordinary, _) => self.week.on(date.weekday()),
            (Day::Holiday(_), OnHolidays::Windows(windows)) => windows,
            (Day::Holiday(_), OnHolidays::Closed) | (Day::Unknown, _) => &[],
        }
    }
}

/// How far the clocks of a zone are ahead on a day and both days around it, if they do not change in that time. No zone
/// has ever changed them there and back within it.
fn steady_offset(date: NaiveDate, zone: &Zone) -> Option<TimeDelta> {
    let midnight = on(date, 0).and_utc();
    let offset = |at: DateTime<Utc>| zone.local(at) - at.naive_utc();
    let offset_before = offset(midnight - TimeDelta::days(2));
    (offset(midnight + TimeDelta::days(3)) == offset_before).then_some(offset_before)
}

/// The instant at which the clocks of a zone change on a day, if they do. No zone has changed them twice on one.
fn change_of_clocks(date: NaiveDate, zone: &Zone) -> Option<DateTime<Utc>> {
    let midnight = |date| zone.instants(on(date, 0)).into_iter().min();
    let (mut before, mut after) = (midnight(date)? - TimeDelta::seconds(1), midnight(date.succ_opt()?)?);
    let offset = |at: DateTime<Utc>| zone.local(at) - at.naive_utc();
    let old = offset(before);
    if offset(after) == old {
        return None;
    }
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset(middle) == old {
            before = middle;
        } else {
            after = middle;
        }
    }
    Some(after)
}

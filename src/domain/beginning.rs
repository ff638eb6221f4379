//! When a campaign begins to call that does not call yet: at once, at its start time, or with a schedule at its first firing
//! from then on, when a run of it is made. That it begins is `super::dialer`'s decision.

use chrono::{DateTime, TimeDelta, Utc};

use super::campaign::State;
use super::settings::Settings;

/// Nobody plans a campaign further ahead, nor asks for a callback; who seems to has mistaken the year.
pub const FURTHEST: TimeDelta = TimeDelta::days(366);

/// A start that is too far ahead to be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("starts_at is {0}, expected an instant within a year")]
pub struct TooFar(DateTime<Utc>);

/// Refuses a start that is too far ahead to be meant.
pub fn check_start(starts_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), TooFar> {
    starts_at.filter(|starts_at| *starts_at > now + FURTHEST).map_or(Ok(()), |far| Err(TooFar(far)))
}

/// From when on a campaign calls. One that waits to be started or resumed is judged as if somebody did that now.
pub fn begins_at(
    state: State,
    settings: &Settings,
    starts_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let from = starts_at.map_or(now, |starts_at| starts_at.max(now));
    match state {
        State::Draft | State::Paused => {
            let schedule = settings.schedule.as_ref();
            schedule.and_then(|schedule| schedule.next_from(&settings.timezone, from)).unwrap_or(from)
        }
        // With a schedule its start time is the firing that it waits for, and one that it was late for is made up for.
        State::Pending => from,
        State::Running | State::Completed | State::Failed | State::Canceled => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recurrence::{Expression, Recurrence};
    use crate::domain::settings::tests::settings;

    /// Asked at ten on a Monday morning in New York.
    fn begins(state: State, cron: Option<&str>, starts_at: Option<&str>) -> String {
        let cron = cron.map(|cron| Expression::parse(cron).unwrap());
        let settings = Settings { schedule: cron.map(|cron| Recurrence { cron }), ..settings() };
        let (starts_at, now) = (starts_at.map(utc), utc("2026-03-02T15:00:00Z"));
        begins_at(state, &settings, starts_at, now).format("%d %H:%M").to_string()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn it_begins_when_somebody_starts_it_and_not_before_its_start_time() {
        let (past, future) = (Some("2026-03-01T15:00:00Z"), Some("2026-03-04T15:00:00Z"));
        for state in [State::Draft, State::Pending, State::Paused] {
            for (starts_at, expected) in [(None, "02 15:00"), (past, "02 15:00"), (future, "04 15:00")] {
                assert_eq!(begins(state, None, starts_at), expected, "{state} {starts_at:?}");
            }
        }
        assert_eq!(begins(State::Running, None, future), "02 15:00");
    }

    #[test]
    fn a_start_lies_within_a_year() {
        let now = utc("2026-03-02T15:00:00Z");
        for starts_at in [None, Some(now - TimeDelta::days(1000)), Some(now + FURTHEST)] {
            assert_eq!(check_start(starts_at, now), Ok(()), "{starts_at:?}");
        }
        let far = utc("9999-01-01T00:00:00Z");
        let refused = check_start(Some(far), now).unwrap_err().to_string();
        assert_eq!(refused, "starts_at is 9999-01-01 00:00:00 UTC, expected an instant within a year");
        assert!(check_start(Some(now + FURTHEST + TimeDelta::seconds(1)), now).is_err());
    }

    #[test]
    fn with_a_schedule_it_begins_at_the_first_firing_from_then_on() {
        let nine = Some("0 9 * * MON-FRI");
        for state in [State::Draft, State::Paused] {
            assert_eq!(begins(state, nine, None), "03 14:00", "{state}");
            assert_eq!(begins(state, nine, Some("2026-03-07T15:00:00Z")), "09 13:00", "{state}");
            assert_eq!(begins(state, Some("0 10 * * *"), None), "02 15:00", "a firing at this very moment");
        }
        // Once it is started it says itself for which firing it waits.
        assert_eq!(begins(State::Pending, nine, Some("2026-03-04T14:00:00Z")), "04 14:00");
        assert_eq!(
            begins(State::Pending, nine, Some("2026-03-02T14:30:00Z")),
            "02 15:00",
            "it is made up for"
        );
    }
}

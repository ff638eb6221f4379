//! How a campaign dials: everything that its owner sets and the heart decides by.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::answering_machine::{AnsweringMachine, BadAnsweringMachine};
use super::before_call::{BadTimeout, BeforeCall};
use super::caps::{BadCaps, Caps};
use super::daily_cap::MOST_CALLS;
use super::hours::{BadHours, BusinessHours};
use super::money::Money;
use super::pacing::{LONGEST_DELAY_SECONDS, Pacing};
use super::recurrence::Recurrence;
use super::retry::{BadRetryPolicy, Calendar, Ended, RetryPolicy, Verdict};
use super::spend::CAP_DECIMALS;
use super::suppression::{OnSuppression, OptOutDigit};
use super::unmapped::OnUnmapped;
use super::zone::Zone;

/// A called person is given at least so long to take the call: an unanswered telemarketing call must not be
/// disconnected before 15 seconds or four rings (47 CFR 64.1200(a)(6)).
const SHORTEST_RING_SECONDS: u32 = 15;

/// Twilio rings for at most so long (`Timeout` of the call resource).
const LONGEST_RING_SECONDS: u32 = 600;

/// Twilio ends a call after so long unless the account says otherwise (`TimeLimit` of the call resource).
const LONGEST_CALL_SECONDS: u32 = 14_400;

/// The settings of a campaign, as they are kept with it, under a version that grows with every edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The number that is shown to the called person, in E.164.
    pub from: String,
    /// The region that a number written nationally belongs to.
    pub default_region: String,
    /// The countries that may be called, if they are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<String>>,
    /// The zone in which the business hours are read.
    pub timezone: Zone,
    /// The pause between calls.
    pub pacing: Pacing,
    /// When the campaign may call.
    pub business_hours: BusinessHours,
    /// The packs of rules that protect the called persons, beside the one that always does.
    #[serde(default)]
    pub rules: Vec<String>,
    /// What is done about people whose time zone nothing tells.
    #[serde(default)]
    pub unmapped: OnUnmapped,
    /// How often a number may be called, by all campaigns of the team together.
    #[serde(default)]
    pub caps: Caps,
    /// How many calls it makes at most in a day of its zone, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls_per_day: Option<u32>,
    /// How much its calls may cost together, in the account's currency, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Money>,
    /// Who is tried again, and when.
    pub retry_policy: RetryPolicy,
    /// How long it rings before the call counts as not answered.
    pub ring_seconds: u32,
    /// How long a call may last.
    pub max_call_seconds: u32,
    /// What is done about answering machines.
    #[serde(default)]
    pub answering_machine: AnsweringMachine,
    /// What is done when a number is suppressed that is being called.
    #[serde(default)]
    pub suppression: OnSuppression,
    /// The key by which a called person opts out during the call, if the campaign listens for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out_digit: Option<OptOutDigit>,
    /// Whose server is asked before each call, if any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_call: Option<BeforeCall>,
    /// When fresh runs are made of its list, if it repeats itself. It then calls nobody itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Recurrence>,
}

/// A setting that cannot be dialed by, with its path.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// The pause is too long to be meant.
    #[error("pacing.delay_seconds is {0}, expected seconds from 0 to {LONGEST_DELAY_SECONDS}")]
    Pacing(u32),
    /// The business hours make no sense.
    #[error("business_hours: {0}")]
    Hours(#[from] BadHours),
    /// The caps make no sense.
    #[error("caps: {0}")]
    Caps(#[from] BadCaps),
    /// It could never call, or the cap could never be reached.
    #[error("max_calls_per_day is {0}, expected calls from 1 to {MOST_CALLS}")]
    CallsPerDay(u32),
    /// It could never call, or is more exact than prices are.
    #[error("max_spend is {0}, expected more than 0, with four decimals at most")]
    Spend(Money),
    /// The retry policy makes no sense.
    #[error("retry_policy: {0}")]
    Retry(#[from] BadRetryPolicy),
    /// It would ring too short or too long.
    #[error("ring_seconds is {0}, expected seconds from {SHORTEST_RING_SECONDS} to {LONGEST_RING_SECONDS}")]
    Ring(u32),
    /// A call would be cut at once, or never.
    #[error("max_call_seconds is {0}, expected seconds from 1 to {LONGEST_CALL_SECONDS}")]
    CallLength(u32),
    /// The server that is asked before each call has too little time, or too much.
    #[error("before_call.{0}")]
    BeforeCall(#[from] BadTimeout),
    /// What is done about answering machines makes no sense.
    #[error("answering_machine: {0}")]
    AnsweringMachine(#[from] BadAnsweringMachine),
}

impl Settings {
    /// Refuses settings that cannot be dialed by.
    pub fn check(&self) -> Result<(), BadSetting> {
        if self.pacing.delay_seconds > LONGEST_DELAY_SECONDS {
            return Err(BadSetting::Pacing(self.pacing.delay_seconds));
        }
        self.business_hours.check()?;
        self.caps.check()?;
        if let Some(calls) = self.max_calls_per_day.filter(|calls| !(1..=MOST_CALLS).contains(calls)) {
            return Err(BadSetting::CallsPerDay(calls));
        }
        if let Some(most) =
            self.max_spend.filter(|most| *most == Money::ZERO || most.decimals() > CAP_DECIMALS)
        {
            return Err(BadSetting::Spend(most));
        }
        self.retry_policy.check()?;
        if !(SHORTEST_RING_SECONDS..=LONGEST_RING_SECONDS).contains(&self.ring_seconds) {
            return Err(BadSetting::Ring(self.ring_seconds));
        }
        if !(1..=LONGEST_CALL_SECONDS).contains(&self.max_call_seconds) {
            return Err(BadSetting::CallLength(self.max_call_seconds));
        }
        self.answering_machine.check()?;
        self.before_call.as_ref().map_or(Ok(()), BeforeCall::check)?;
        Ok(())
    }

    /// What becomes of a contact whose attempt ended so, by the retry policy, the zone and the hours.
    pub fn verdict(&self, ended: &Ended, jitter: f64) -> Verdict {
        let calendar = Calendar { zone: &self.timezone, hours: &self.business_hours };
        self.retry_policy.verdict(ended, calendar, jitter)
    }

    /// How long a call may last, as a length of time.
    pub fn max_call_time(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.max_call_seconds))
    }

    /// How long it rings, as a length of time.
    pub fn ring_time(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.ring_seconds))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::hours::SimpleHours;
    use crate::domain::retry::SimplePolicy;

    /// Settings that open around the clock, for tests that are not about hours.
    pub(crate) fn settings() -> Settings {
        Settings {
            from: "+12025550100".to_owned(),
            default_region: "US".to_owned(),
            countries: None,
            timezone: Zone::parse("America/New_York").unwrap(),
            pacing: Pacing::default(),
            business_hours: BusinessHours::around_the_clock(),
            rules: Vec::new(),
            unmapped: OnUnmapped::default(),
            caps: Caps::default(),
            max_calls_per_day: None,
            max_spend: None,
            retry_policy: RetryPolicy::default(),
            ring_seconds: 30,
            max_call_seconds: 1800,
            answering_machine: AnsweringMachine::default(),
            suppression: OnSuppression::default(),
            opt_out_digit: None,
            before_call: None,
            schedule: None,
        }
    }

    fn too_many() -> RetryPolicy {
        RetryPolicy::Simple(SimplePolicy { max_retries: 500, ..SimplePolicy::default() })
    }

    #[test]
    fn a_setting_that_cannot_be_dialed_by_is_named_with_what_was_expected() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(settings().check().is_ok());
        assert_eq!(
            refused(|settings| settings.ring_seconds = 5),
            "ring_seconds is 5, expected seconds from 15 to 600"
        );
        assert_eq!(
            refused(|settings| settings.max_calls_per_day = Some(0)),
            "max_calls_per_day is 0, expected calls from 1 to 86400"
        );
        assert_eq!(
            refused(|settings| settings.max_spend = Some(Money::ZERO)),
            "max_spend is 0.00, expected more than 0, with four decimals at most"
        );
        assert_eq!(
            refused(|settings| settings.max_spend = Some(Money::parse("1.00001").unwrap())),
            "max_spend is 1.00001, expected more than 0, with four decimals at most"
        );
        assert!(refused(|settings| settings.pacing.delay_seconds = 3601).starts_with("pacing.delay_seconds"));
        assert!(refused(|settings| settings.max_call_seconds = 0).starts_with("max_call_seconds"));
        assert!(refused(|settings| settings.retry_policy = too_many()).starts_with("retry_policy"));
        let no_days = |settings: &mut Settings| {
            settings.business_hours =
                BusinessHours::Simple(SimpleHours { days: vec![], ..SimpleHours::default() });
        };
        assert!(refused(no_days).starts_with("business_hours: days is empty"));
    }
}

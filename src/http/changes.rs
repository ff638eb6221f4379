//! Changes to a campaign's settings as somebody writes them: the keys of a campaign's settings, of which any may be left
//! out. A key that is given replaces the whole setting; null takes away what a campaign may be without. How the list was
//! read cannot be changed, so its keys are none of these.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::agent::Agent;
use crate::domain::answering_machine::AnsweringMachine;
use crate::domain::before_call::BeforeCall;
use crate::domain::caps::Caps;
use crate::domain::hours::BusinessHours;
use crate::domain::money::Money;
use crate::domain::pacing::Pacing;
use crate::domain::phone::Region;
use crate::domain::recurrence::Recurrence;
use crate::domain::retry::RetryPolicy;
use crate::domain::settings::Settings;
use crate::domain::suppression::{OnSuppression, OptOutDigit};
use crate::domain::unmapped::OnUnmapped;

use super::Problem;
use super::body::{Body, given};
use super::form;
use super::instant::Instant;
use super::wire;

/// What is to be changed of a campaign. What is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignChanges, example = json!({"pacing": {"delay_seconds": 5}, "max_calls_per_day": null}))]
pub(super) struct Changes {
    /// The version of the settings that they are meant for; without it they are made to whatever the settings are.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) settings_version: Option<i32>,
    /// What people call it, in up to 200 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) name: Option<String>,
    /// The agent that speaks, as it is now.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub(super) agent_id: Option<Uuid>,
    /// Who speaks, in place of `agent_id`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::Agent>, nullable = false)]
    pub(super) agent: Option<Agent>,
    /// Before this instant it does not begin.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    starts_at: Option<Option<Instant>>,
    /// The number that is shown to the called person; null for the server's own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "+12025550100")]
    from: Option<Option<String>>,
    /// The zone in which the business hours are read.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, example = "America/New_York")]
    timezone: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::Pacing>, nullable = false)]
    pacing: Option<Pacing>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::BusinessHours>, nullable = false)]
    business_hours: Option<BusinessHours>,
    /// The packs of rules that protect the called persons, beside the one that always does.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    rules: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::OnUnmapped>, nullable = false)]
    unmapped: Option<OnUnmapped>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::Caps>, nullable = false)]
    caps: Option<Caps>,
    /// How many calls it makes at most in a day of its zone.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_calls_per_day: Option<Option<u32>>,
    /// How much its calls may cost together, in the account's currency.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::AmountOrNumber>)]
    max_spend: Option<Option<Money>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::RetryPolicy>, nullable = false)]
    retry_policy: Option<RetryPolicy>,
    /// How long it rings before the call counts as not answered, in seconds.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 15, maximum = 600)]
    ring_seconds: Option<u32>,
    /// How long a call may last, in seconds.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 1, maximum = 14400)]
    max_call_seconds: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::AnsweringMachine>, nullable = false)]
    answering_machine: Option<AnsweringMachine>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::OnSuppression>, nullable = false)]
    suppression: Option<OnSuppression>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::OptOutDigit>)]
    opt_out_digit: Option<Option<OptOutDigit>>,
    /// Whose server is asked before each call.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::BeforeCall>)]
    before_call: Option<Option<BeforeCall>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<wire::Recurrence>)]
    schedule: Option<Option<Recurrence>>,
}

/// What says how a list is read, and is decided when a campaign is made of it.
const FIXED: &[&str] = &["default_region", "countries", "columns", "sheet", "import_id"];

/// Why changes that cannot be read are refused: for what is fixed it is said that it is, instead of that nobody knows it.
/// `within` is where in the body they stand, if they are not all of it.
pub(super) fn refused(problem: Problem, body: &Body, within: Option<&str>) -> Problem {
    let Ok(Value::Object(members)) = serde_json::from_slice(body.bytes()) else { return problem };
    let changes = match within {
        None => Some(&members),
        Some(place) => members.get(place).and_then(Value::as_object),
    };
    let is_given = |key: &&&str| changes.is_some_and(|changes| changes.contains_key(**key));
    let Some(key) = FIXED.iter().find(is_given) else { return problem };
    let place = within.map(|place| format!("{place}.")).unwrap_or_default();
    let detail = format!(
        "{place}{key} is fixed since the campaign was made, because its list was read by it; make another campaign of the \
         list, with the {key} that it is to have"
    );
    Problem::invalid("bad-settings", detail)
}

impl Changes {
    /// Reads the changes in a body.
    pub(super) fn read(body: &Body) -> Result<Self, Problem> {
        body.json("bad-settings").map_err(|problem| refused(problem, body, None))
    }

    /// Refuses what is wrong whatever campaign it is meant for.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if let Some(name) = &self.name {
            form::check_name(name)?;
        }
        if let Some(Some(starts_at)) = self.starts_at() {
            form::check_year(starts_at)?;
        }
        if self.agent.is_some() && self.agent_id.is_some() {
            let detail = "expected either agent_id, or agent with a name and a script, not both";
            return Err(Problem::invalid("bad-settings", detail));
        }
        self.agent.as_ref().map_or(Ok(()), form::check_agent)
    }

    /// Before when the campaign is not to begin; none if that stays.
    pub(super) fn starts_at(&self) -> Option<Option<DateTime<Utc>>> {
        self.starts_at.map(|starts_at| starts_at.map(Into::into))
    }

    /// The settings with these changes, as far as they can be judged by themselves. `starts_at` is when the campaign begins
    /// at the earliest, if it has a schedule that could be over by then; `own_number` is shown where none is named.
    pub(super) fn over(
        self,
        before: Settings,
        starts_at: Option<DateTime<Utc>>,
        own_number: Result<&str, Problem>,
    ) -> Result<Settings, Problem> {
        let from = match &self.from {
            None => before.from,
            Some(None) => own_number?.to_owned(),
            Some(Some(from)) => {
                let region = Region::parse(&before.default_region);
                let region = region
                    .map_err(|error| Problem::invalid("bad-settings", format!("default_region: {error}")))?;
                form::from(from, region)?
            }
        };
        let settings = Settings {
            from,
            default_region: before.default_region,
            countries: before.countries,
            timezone: match &self.timezone {
                None => before.timezone,
                Some(name) => form::timezone(name)?,
            },
            pacing: self.pacing.unwrap_or(before.pacing),
            business_hours: self.business_hours.unwrap_or(before.business_hours),
            rules: self.rules.unwrap_or(before.rules),
            unmapped: self.unmapped.unwrap_or(before.unmapped),
            caps: self.caps.unwrap_or(before.caps),
            max_calls_per_day: self.max_calls_per_day.unwrap_or(before.max_calls_per_day),
            max_spend: self.max_spend.unwrap_or(before.max_spend),
            retry_policy: self.retry_policy.unwrap_or(before.retry_policy),
            ring_seconds: self.ring_seconds.unwrap_or(before.ring_seconds),
            max_call_seconds: self.max_call_seconds.unwrap_or(before.max_call_seconds),
            answering_machine: self.answering_machine.unwrap_or(before.answering_machine),
            suppression: self.suppression.unwrap_or(before.suppression),
            opt_out_digit: self.opt_out_digit.unwrap_or(before.opt_out_digit),
            before_call: self.before_call.unwrap_or(before.before_call),
            schedule: self.schedule.unwrap_or(before.schedule),
        };
        form::check(&settings, starts_at)?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::json;
    use super::*;
    use crate::domain::settings::tests::settings;

    fn changed(text: &str) -> Result<Settings, Problem> {
        let changes: Changes = json(text.as_bytes(), "bad-settings")?;
        changes.check()?;
        changes.over(settings(), None, Ok("+12025550199"))
    }

    #[test]
    fn what_is_not_named_stays_and_what_is_null_is_taken_away() {
        assert_eq!(changed("{}").unwrap(), settings());
        let capped = changed(r#"{"max_calls_per_day":9,"pacing":{"delay_seconds":3}}"#).unwrap();
        assert_eq!((capped.max_calls_per_day, capped.pacing.delay_seconds), (Some(9), 3));
        assert_eq!(
            Settings { max_calls_per_day: None, pacing: settings().pacing, ..capped.clone() },
            settings()
        );
        let changes: Changes = json(br#"{"max_calls_per_day":null}"#, "bad-settings").unwrap();
        assert_eq!(changes.over(capped, None, Ok("")).unwrap().max_calls_per_day, None);
        assert_eq!(changed(r#"{"from":null}"#).unwrap().from, "+12025550199");
    }

    #[test]
    fn a_change_is_refused_in_the_words_of_a_new_campaign() {
        let agent = r#"{"name":"Ada","script":{"say":"Hello"}}"#;
        let cases = [
            (r#"{"pacing":null}"#.to_owned(), "pacing is null, expected"),
            (r#"{"default_region":"US"}"#.to_owned(), "default_region is unknown, expected one of"),
            (r#"{"name":" "}"#.to_owned(), "name has 0 characters, expected 1 to 200"),
            (r#"{"ring_seconds":3}"#.to_owned(), "ring_seconds is 3, expected"),
            (r#"{"from":"12"}"#.to_owned(), "from: "),
            (r#"{"timezone":"EST"}"#.to_owned(), "timezone: "),
            (r#"{"starts_at":"-200000-01-01T00:00:00Z"}"#.to_owned(), "starts_at is -200000"),
            (
                format!(r#"{{"agent":{agent},"agent_id":"01890000-0000-7000-8000-000000000000"}}"#),
                "expected either agent_id",
            ),
            (
                r#"{"agent":{"name":" ","script":{"say":"Hi"}}}"#.to_owned(),
                "agent.name has 0 characters, expected 1 to 200",
            ),
        ];
        for (text, expected) in cases {
            let error = changed(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_fixed_is_not_called_unknown() {
        for (text, within, expected) in [
            (r#"{"default_region":"GB"}"#, None, "default_region is fixed since the campaign was made"),
            (
                r#"{"settings":{"sheet":"May"}}"#,
                Some("settings"),
                "settings.sheet is fixed since the campaign was made",
            ),
            (r#"{"settings":{"sheet":"May"}}"#, None, "as it was"),
            (r#"{"colour":"red"}"#, None, "as it was"),
            (r#"["default_region"]"#, None, "as it was"),
        ] {
            let body = Body::of(text);
            let told = refused(Problem::invalid("bad-settings", "as it was"), &body, within).to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}

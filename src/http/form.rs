//! A campaign's settings as their owner writes them: JSON with known keys, everything but the name and the agent
//! with a default.

use chrono::{DateTime, Datelike, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::agent::Agent;
use crate::domain::answering_machine::AnsweringMachine;
use crate::domain::before_call::BeforeCall;
use crate::domain::called;
use crate::domain::caps::Caps;
use crate::domain::hours::BusinessHours;
use crate::domain::instant;
use crate::domain::money::Money;
use crate::domain::pacing::Pacing;
use crate::domain::phone::{Region, parse_phone};
use crate::domain::recurrence::Recurrence;
use crate::domain::retry::RetryPolicy;
use crate::domain::settings::Settings;
use crate::domain::suppression::{OnSuppression, OptOutDigit};
use crate::domain::unmapped::OnUnmapped;
use crate::domain::zone::Zone;

use super::body::json;
use super::instant::Instant;
use super::list_form::{ColumnsForm, ListForm};
use super::{Api, Problem, wire};

/// The years in which a campaign may start. The database's calendar ends, and so does what can be meant.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=9999;

/// A campaign as it is asked for: its name, who speaks, what its list is like, and how it dials. Only the name and
/// either `agent` or `agent_id` are required.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Glasses are ready, March",
    "agent": {"name": "Ada", "script": {"say": "Hello {{name}}, your glasses are ready."}},
    "timezone": "America/New_York",
    "business_hours": {"windows": {"mon-fri": [["09:00", "17:00"]]}, "holidays": ["US"]},
    "retry_policy": {"max_retries": 3, "backoff_hours": [1, 4, 24]},
}))]
pub(super) struct CampaignForm {
    /// What people call it, in up to 200 characters.
    pub(super) name: String,
    /// The agent that speaks.
    pub(super) agent_id: Option<Uuid>,
    /// Who speaks, in place of `agent_id`.
    #[schema(value_type = Option<wire::Agent>)]
    pub(super) agent: Option<Agent>,
    /// A list that was looked at before, in place of a file.
    pub(super) import_id: Option<Uuid>,
    /// The number that is shown to the called person; the server's own unless it is said.
    from: Option<String>,
    /// The country of numbers without a country code (ISO 3166-1), US unless it is said.
    #[schema(example = "US")]
    default_region: Option<String>,
    /// The countries that may be called (ISO 3166-1).
    #[schema(example = json!(["US", "CA"]))]
    countries: Option<Vec<String>>,
    columns: Option<ColumnsForm>,
    /// The sheet of a workbook, by its name.
    #[schema(example = "March")]
    sheet: Option<String>,
    /// The zone in which the business hours are read, America/New_York unless it is said.
    #[serde(default = "default_timezone")]
    timezone: String,
    /// Before this instant it does not begin.
    #[schema(value_type = Option<DateTime<Utc>>)]
    starts_at: Option<Instant>,
    #[serde(default)]
    #[schema(value_type = wire::Pacing)]
    pacing: Pacing,
    #[serde(default)]
    #[schema(value_type = wire::BusinessHours)]
    business_hours: BusinessHours,
    /// The packs of rules that protect the called persons, beside the one that always does; `GET /api/v1/rules` lists them.
    #[serde(default)]
    #[schema(example = json!(["us-states"]))]
    rules: Vec<String>,
    #[serde(default)]
    #[schema(value_type = wire::OnUnmapped)]
    unmapped: OnUnmapped,
    #[serde(default)]
    #[schema(value_type = wire::Caps)]
    caps: Caps,
    /// How many calls it makes at most in a day of its zone.
    #[schema(minimum = 1)]
    max_calls_per_day: Option<u32>,
    /// How much its calls may cost together, in the account's currency.
    #[schema(value_type = Option<wire::AmountOrNumber>)]
    max_spend: Option<Money>,
    #[serde(default)]
    #[schema(value_type = wire::RetryPolicy)]
    retry_policy: RetryPolicy,
    /// How long it rings before the call counts as not answered, in seconds; 30 unless it is said.
    #[serde(default = "default_ring_seconds")]
    #[schema(minimum = 15, maximum = 600, example = 30)]
    ring_seconds: u32,
    /// How long a call may last, in seconds; 1800 unless it is said.
    #[serde(default = "default_max_call_seconds")]
    #[schema(minimum = 1, maximum = 14400, example = 1800)]
    max_call_seconds: u32,
    #[serde(default)]
    #[schema(value_type = wire::AnsweringMachine)]
    answering_machine: AnsweringMachine,
    #[serde(default)]
    #[schema(value_type = wire::OnSuppression)]
    suppression: OnSuppression,
    /// The key by which a called person opts out during the call.
    #[schema(value_type = Option<wire::OptOutDigit>)]
    opt_out_digit: Option<OptOutDigit>,
    /// Whose server is asked before each call.
    #[schema(value_type = Option<wire::BeforeCall>)]
    before_call: Option<BeforeCall>,
    #[schema(value_type = Option<wire::Recurrence>)]
    schedule: Option<Recurrence>,
}

fn default_timezone() -> String {
    "America/New_York".to_owned()
}

fn default_ring_seconds() -> u32 {
    30
}

fn default_max_call_seconds() -> u32 {
    1800
}

impl CampaignForm {
    /// Reads the settings, or says which key is wrong and what it expects.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Problem> {
        let form: Self = json(text, "bad-settings")?;
        check_name(&form.name)?;
        form.starts_at().map_or(Ok(()), check_year)?;
        if form.agent.is_some() == form.agent_id.is_some() {
            let detail = "expected either agent_id, or agent with a name and a script";
            return Err(Problem::invalid("bad-settings", detail));
        }
        form.agent.as_ref().map_or(Ok(()), check_agent)?;
        Ok(form)
    }

    /// When it begins at the earliest, if that is not when it is started.
    pub(super) fn starts_at(&self) -> Option<DateTime<Utc>> {
        self.starts_at.map(Into::into)
    }

    /// What is said about the list.
    pub(super) fn list(&self) -> ListForm {
        ListForm {
            default_region: self.default_region.clone(),
            countries: self.countries.clone(),
            columns: self.columns.clone(),
            sheet: self.sheet.clone(),
        }
    }

    /// How the campaign dials, checked.
    pub(super) fn settings(
        &self,
        list: &ListForm,
        default_from: Result<&str, Problem>,
    ) -> Result<Settings, Problem> {
        let from = match &self.from {
            None => default_from?.to_owned(),
            Some(written) => from(written, list.region()?)?,
        };
        let settings = Settings {
            from,
            default_region: list.region()?.to_string(),
            countries: list.countries.clone(),
            timezone: timezone(&self.timezone)?,
            pacing: self.pacing,
            business_hours: self.business_hours.clone(),
            rules: self.rules.clone(),
            unmapped: self.unmapped.clone(),
            caps: self.caps,
            max_calls_per_day: self.max_calls_per_day,
            max_spend: self.max_spend,
            retry_policy: self.retry_policy.clone(),
            ring_seconds: self.ring_seconds,
            max_call_seconds: self.max_call_seconds,
            answering_machine: self.answering_machine.clone(),
            suppression: self.suppression,
            opt_out_digit: self.opt_out_digit,
            before_call: self.before_call,
            schedule: self.schedule.clone(),
        };
        check(&settings, self.starts_at())?;
        Ok(settings)
    }
}

/// How a campaign dials of which nothing is said.
pub(crate) fn settings_of_new(api: &Api) -> Result<Settings, Problem> {
    let form: CampaignForm = json(br#"{"name": "new"}"#, "bad-settings")?;
    form.settings(&form.list(), api.board.default_from())
}

/// Refuses what nobody can call a campaign.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    called::parse(name).map_err(|bad| Problem::invalid("bad-settings", format!("name {bad}")))?;
    Ok(())
}

/// Refuses a start in a year that cannot be meant.
pub(super) fn check_year(starts_at: DateTime<Utc>) -> Result<(), Problem> {
    if !YEARS.contains(&starts_at.year()) {
        let starts_at = instant::written(starts_at);
        let detail = format!("starts_at is {starts_at}, expected an instant in the years 2000 to 9999");
        return Err(Problem::invalid("bad-settings", detail));
    }
    Ok(())
}

/// Refuses an agent that nobody can tell from others.
pub(super) fn check_agent(agent: &Agent) -> Result<(), Problem> {
    called::parse(&agent.name)
        .map_err(|bad| Problem::invalid("bad-settings", format!("agent.name {bad}")))?;
    Ok(())
}

/// The number that calls, in E.164.
pub(super) fn from(written: &str, region: Region) -> Result<String, Problem> {
    let parsed = parse_phone(written, region).map_err(|error| invalid("from", error))?;
    Ok(parsed.phone.as_str().to_owned())
}

/// The zone of the business hours.
pub(super) fn timezone(written: &str) -> Result<Zone, Problem> {
    Zone::written(written).map_err(|error| invalid("timezone", error))
}

/// Refuses settings that cannot be dialed by, or not by a campaign that begins then.
pub(super) fn check(settings: &Settings, starts_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
    if let (Some(schedule), Some(starts_at)) = (&settings.schedule, starts_at)
        && schedule.next_from(&settings.timezone, starts_at).is_none()
    {
        let starts_at = instant::written(starts_at);
        let detail = format!("{starts_at}: the schedule does not fire after it, expected an earlier instant");
        return Err(invalid("starts_at", detail));
    }
    if let OnUnmapped::SafeWindow(safe) = &settings.unmapped {
        Zone::written(safe.timezone.name())
            .map_err(|error| invalid("unmapped.safe-window.timezone", error))?;
    }
    settings.check().map_err(|error| Problem::invalid("bad-settings", error.to_string()))
}

fn invalid(key: &str, error: impl std::fmt::Display) -> Problem {
    Problem::invalid("bad-settings", format!("{key}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let form = CampaignForm::parse(text.as_bytes());
        form.and_then(|form| form.settings(&form.list(), Ok("+12025550100"))).unwrap_err().to_string()
    }

    #[test]
    fn only_a_name_and_an_agent_are_required() {
        let text = r#"{"name":"Recall","agent":{"name":"Ada","script":{"say":"Hello"}}}"#;
        let form = CampaignForm::parse(text.as_bytes()).unwrap();
        let settings = form.settings(&form.list(), Ok("+12025550100")).unwrap();
        assert_eq!(settings.default_region, "US");
        assert_eq!(settings.from, "+12025550100");
        assert_eq!(settings.timezone.name(), "America/New_York");
        assert_eq!((settings.ring_seconds, settings.max_call_seconds), (30, 1800));
        assert_eq!(settings.pacing.delay_seconds, 10);
        assert_eq!(settings.retry_policy, RetryPolicy::default());
        assert_eq!(settings.business_hours, BusinessHours::default());
    }

    #[test]
    fn a_wrong_key_is_named_with_what_was_expected() {
        let agent = r#""agent":{"name":"Ada","script":{"say":"Hello"}}"#;
        let cases = [
            (format!(r#"{{{agent}}}"#), "name is missing"),
            (
                format!(r#"{{"name":"x","nmae":1,{agent}}}"#),
                "nmae is unknown, expected one of name, agent_id",
            ),
            (format!(r#"{{"name":" ",{agent}}}"#), "expected 1 to 200"),
            (r#"{"name":"x"}"#.to_owned(), "expected either agent_id"),
            (
                format!(r#"{{"name":"x","starts_at":"-200000-01-01T00:00:00Z",{agent}}}"#),
                "starts_at is -200000",
            ),
            (
                r#"{"name":"x","agent":{"name":" ","script":{"say":"Hi"}}}"#.to_owned(),
                "agent.name has 0 characters, expected 1 to 200",
            ),
            (format!(r#"{{"name":"x","timezone":"EST5",{agent}}}"#), "timezone: unknown time zone"),
            (format!(r#"{{"name":"x","timezone":"EST",{agent}}}"#), "America/New_York for Eastern time"),
            (
                format!(
                    r#"{{"name":"x","unmapped":{{"safe-window":{{"timezone":"MST","window":["14:00","20:00"]}}}},{agent}}}"#
                ),
                "unmapped.safe-window.timezone: unknown time zone \"MST\"",
            ),
            (format!(r#"{{"name":"x","default_region":"XX",{agent}}}"#), "default_region"),
            (format!(r#"{{"name":"x","from":"12",{agent}}}"#), "from: "),
            (format!(r#"{{"name":"x","ring_seconds":3,{agent}}}"#), "ring_seconds is 3, expected"),
            (format!(r#"{{"name":"x","max_calls_per_day":0,{agent}}}"#), "max_calls_per_day is 0, expected"),
            (format!(r#"{{"name":"x","max_spend":"0",{agent}}}"#), "max_spend is 0.00, expected more than 0"),
            (
                format!(r#"{{"name":"x","max_spend":-5.5,{agent}}}"#),
                "\"-5.5\" is no amount of money, expected",
            ),
            (
                format!(r#"{{"name":"x","answering_machine":{{"detect":"sometimes"}},{agent}}}"#),
                "expected one of off, fast, message_end",
            ),
            (
                format!(
                    r#"{{"name":"x","answering_machine":{{"detect":"fast","on_machine":"leave_message"}},{agent}}}"#
                ),
                "answering_machine: on_machine is leave_message, expected a message",
            ),
            (
                format!(r#"{{"name":"x","pacing":{{"delay":3}},{agent}}}"#),
                "pacing.delay is unknown, expected delay_seconds",
            ),
            (
                format!(r#"{{"name":"x","opt_out_digit":"99",{agent}}}"#),
                "opt_out_digit: unknown key \"99\", expected one of 0 to 9, * and #",
            ),
            (
                format!(
                    r#"{{"name":"x","schedule":{{"cron":"0 9 * * *"}},"starts_at":"6000-01-01T12:00:00Z",{agent}}}"#
                ),
                "the schedule does not fire after it",
            ),
            (
                format!(r#"{{"name":"x","schedule":{{"cron":"0 0 9 * * MON-FRI"}},{agent}}}"#),
                "schedule.cron: \"0 0 9 * * MON-FRI\" has 6 fields, expected five",
            ),
            (
                format!(r#"{{"name":"x","suppression":{{"end_calls":true}},{agent}}}"#),
                "suppression.end_calls is unknown, expected end_ringing_calls",
            ),
            (
                format!(r#"{{"name":"x","retry_policy":{{"busy":{{"after":["5"]}}}},{agent}}}"#),
                "retry_policy.busy.after[0]: \"5\" is no length of time, expected a whole number",
            ),
            (format!(r#"{{"name":"x","business_hours":{{"start_time":"9am"}},{agent}}}"#), "expected HH:MM"),
            (
                format!(r#"{{"name":"x","business_hours":{{"windows":{{"monday":[]}}}},{agent}}}"#),
                r#"unknown day "monday", expected mon"#,
            ),
            (
                format!(r#"{{"name":"x","business_hours":{{"windows":{{}}}},{agent}}}"#),
                "windows holds no window",
            ),
        ];
        for (text, expected) in cases {
            let error = refused(&text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

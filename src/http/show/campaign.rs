//! One campaign: how it stands, and what it waits for.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::campaigns;
use crate::db::recurrence;
use crate::domain::campaign::State;
use crate::domain::dialer::{self, Because};
use crate::domain::metrics::to_the_millisecond;
use crate::domain::money::Money;
use crate::domain::settings::Settings;
use crate::http::wire;

use super::list::ListSummary;

/// A contact list with its settings and its life.
#[derive(Serialize, ToSchema)]
pub(crate) struct Campaign {
    pub(crate) id: Uuid,
    /// What people call it.
    #[schema(example = "Glasses are ready, March")]
    pub(crate) name: String,
    #[schema(value_type = wire::CampaignState)]
    pub(crate) state: State,
    /// Why it is paused or failed, by its stable name; null if it is neither.
    #[schema(example = "by-request")]
    pub(crate) state_reason: Option<String>,
    /// The same in a sentence.
    #[schema(example = "somebody paused it")]
    pub(crate) state_detail: Option<String>,
    #[schema(value_type = wire::Settings)]
    pub(crate) settings: Settings,
    /// Grows with every change of the settings.
    #[schema(minimum = 1)]
    pub(crate) settings_version: i32,
    /// The agent that it was made with; null if it brought its own.
    pub(crate) agent_id: Option<Uuid>,
    /// The agent as it was then.
    #[schema(value_type = wire::Agent)]
    pub(crate) agent: Value,
    /// Columns and row counts of its list.
    #[schema(value_type = ListSummary)]
    pub(crate) import: Value,
    pub(crate) counts: Counts,
    /// Answered attempts among those that count, from 0 to 1; null if there are none.
    pub(crate) answer_rate: Option<f64>,
    /// Machines among those who took a call, from 0 to 1; null if nobody did.
    pub(crate) machine_share: Option<f64>,
    /// Completed contacts among those that are final, from 0 to 1; null if none is.
    pub(crate) success_rate: Option<f64>,
    /// Seconds of conversation of a call that was taken, on the average; null if none was.
    #[schema(example = 42.5)]
    pub(crate) average_duration_seconds: Option<f64>,
    /// Before this instant it does not begin; null if that is not said.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// When the next run is made of it, if it has a schedule and is started; null otherwise.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) next_run_at: Option<DateTime<Utc>>,
    /// The campaign with a schedule whose run it is; null if it is none.
    pub(crate) repeats_of: Option<Uuid>,
    /// For which firing of that schedule it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) firing_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) created_at: DateTime<Utc>,
    /// When it first ran; null if it has not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it was paused; null while it is not.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) paused_at: Option<DateTime<Utc>>,
    /// When everybody was final; null if that is not so.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// When its last call ended; null if none has.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) last_call_ended_at: Option<DateTime<Utc>>,
    /// What its calls have cost, as far as is known; null where `max_spend` is not set.
    #[schema(value_type = Option<wire::Amount>)]
    pub(crate) spent: Option<Money>,
    /// The currency of that; null until it is known.
    pub(crate) currency: Option<String>,
    /// Calls whose price is not known yet; null where `max_spend` is not set.
    pub(crate) unpriced: Option<u32>,
    /// How many more contacts it calls until it is paused; null if it calls all of them.
    pub(crate) limit_left: Option<u32>,
    /// The day on which it last called; null if it has not.
    pub(crate) call_day: Option<CallDay>,
}

/// What a campaign counts.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// All contacts.
    pub(crate) contacts: u32,
    /// To be called.
    pub(crate) pending: u32,
    /// Being called.
    pub(crate) calling: u32,
    /// Reached.
    pub(crate) completed: u32,
    /// Given up.
    pub(crate) failed: u32,
    /// Not to be contacted.
    pub(crate) suppressed: u32,
    /// Of those given up, the ones that were set aside because they made the campaign fail.
    pub(crate) set_aside: u32,
    /// Attempts that count.
    pub(crate) attempts: u32,
    /// Of these, second and later tries of a contact.
    pub(crate) retries: u32,
    /// Settled attempts by what they came to, counted or not.
    #[schema(example = json!({"answered": 12, "no-answer": 5}))]
    pub(crate) outcomes: BTreeMap<String, u32>,
}

/// A campaign's day, in its zone.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallDay {
    pub(crate) date: NaiveDate,
    /// Its calls on it.
    pub(crate) calls: u32,
}

/// A campaign, with what it waits for.
#[derive(Serialize, ToSchema)]
pub(crate) struct CampaignDetail {
    #[serde(flatten)]
    pub(crate) campaign: Campaign,
    /// What it waits for; null if it waits for nothing.
    pub(crate) waiting: Option<Waiting>,
    /// Why some of those who are left can never be called; null if all can.
    #[schema(example = "2 are in a zone that is not known")]
    pub(crate) never_called: Option<String>,
    /// The last firing of its schedule of which no run was made; null if there is none.
    pub(crate) last_skipped: Option<SkippedFiring>,
    /// Whether nobody is really called; null where it is not known, as at a command line on the database itself while no server
    /// is alive.
    pub(crate) simulated: Option<bool>,
}

/// What a campaign waits for, and until when.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    #[schema(value_type = wire::WaitsFor)]
    pub(crate) because: Because,
    /// Until when; null where only a person can end it.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// The same in a sentence.
    #[schema(example = "its business hours are over or yet to begin")]
    pub(crate) message: &'static str,
    /// The rule and the clock by which it is closed, the cap, or how many calls have failed or were made, or what they
    /// cost, if that is why; null otherwise.
    #[schema(example = "business_hours, America/New_York")]
    pub(crate) rule: Option<String>,
}

impl From<dialer::Waiting> for Waiting {
    fn from(waiting: dialer::Waiting) -> Self {
        let dialer::Waiting { because, until, rule } = waiting;
        Self { because, until, message: because.sentence(), rule }
    }
}

/// A firing of a schedule of which no run was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct SkippedFiring {
    /// When it was.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) firing_at: DateTime<Utc>,
    /// Why: `missed`, `still-going` or `made-before`.
    #[schema(example = "still-going")]
    pub(crate) reason: String,
    /// The run that was still going, if that is why; null otherwise.
    run: Option<Uuid>,
}

impl From<recurrence::SkippedFiring> for SkippedFiring {
    fn from(skipped: recurrence::SkippedFiring) -> Self {
        let recurrence::SkippedFiring { firing_at, reason, run } = skipped;
        Self { firing_at, reason, run }
    }
}

impl From<campaigns::Campaign> for Campaign {
    fn from(campaign: campaigns::Campaign) -> Self {
        let counts = &campaign.counts;
        let outcome = |name: &str| counts.outcomes.get(name).copied().unwrap_or(0);
        let spend = campaign.settings.max_spend.map(|_| campaign.spend);
        let finals = counts.completed + counts.failed + counts.suppressed;
        let (repeats_of, firing_at) = campaign.run_of.unzip();
        Self {
            id: campaign.id,
            answer_rate: share(outcome("answered"), counts.attempts),
            machine_share: share(outcome("machine"), outcome("answered") + outcome("machine")),
            success_rate: share(counts.completed, finals),
            average_duration_seconds: average(counts.talk_seconds, outcome("answered") + outcome("machine")),
            next_run_at: next_run_at(&campaign),
            counts: Counts {
                contacts: finals + counts.pending + counts.calling,
                pending: counts.pending,
                calling: counts.calling,
                completed: counts.completed,
                failed: counts.failed,
                suppressed: counts.suppressed,
                set_aside: counts.set_aside,
                attempts: counts.attempts,
                retries: counts.retries,
                outcomes: campaign.counts.outcomes,
            },
            name: campaign.name,
            state: campaign.state,
            state_reason: campaign.state_reason,
            state_detail: campaign.state_detail,
            settings: campaign.settings,
            settings_version: campaign.settings_version,
            agent_id: campaign.agent_id,
            agent: campaign.agent,
            import: campaign.import,
            starts_at: campaign.starts_at,
            repeats_of,
            firing_at,
            created_at: campaign.created_at,
            started_at: campaign.started_at,
            paused_at: campaign.paused_at,
            completed_at: campaign.completed_at,
            last_call_ended_at: campaign.last_call_ended_at,
            spent: spend.map(|spend| spend.spent),
            currency: campaign.currency,
            unpriced: spend.map(|spend| spend.unpriced),
            limit_left: campaign.limit_left,
            call_day: campaign.call_day.map(|day| CallDay { date: day.on, calls: day.calls }),
        }
    }
}

/// When the next run of a campaign with a schedule is made, if it is started and not paused.
fn next_run_at(campaign: &campaigns::Campaign) -> Option<DateTime<Utc>> {
    let repeats = campaign.settings.schedule.is_some() && campaign.state == State::Pending;
    campaign.starts_at.filter(|_| repeats)
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn average(seconds: i64, calls: u32) -> Option<f64> {
    (calls > 0).then(|| to_the_millisecond(seconds as f64 / f64::from(calls)))
}

//! `POST /api/v1/campaigns/{id}/start` with `dry_run`: what the campaign would do with the first of its contacts. Nobody is
//! called, and nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web;
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::speech::heard;
use crate::db::campaigns::{Campaign, find_campaign};
use crate::db::look::KnownArea;
use crate::db::rehearsal::{Waiting, list_first_waiting};
use crate::domain::agent::Agent;
use crate::domain::area::Area;
use crate::domain::beginning::begins_at;
use crate::domain::contactable::Terms;
use crate::domain::outcome::Outcome;
use crate::domain::rehearsal::{self, Answer, Call, Person, Play, Scene, seed_of};
use crate::domain::retry::Verdict;
use crate::domain::rules::Rules;
use crate::domain::settings::Settings;
use crate::domain::zone::Zone;

use super::auth::Caller;
use super::campaigns::can_go_by_its_rules;
use super::edit::kept_agent;
use super::{Api, Problem, wire};

/// With so many contacts it is rehearsed where nobody says with how many.
const CONTACTS: u32 = 50;

/// With so many at most.
const MOST_CONTACTS: u32 = 200;

/// What a campaign would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Rehearsal {
    /// True: nobody was called, and nothing was written.
    pub(crate) dry_run: bool,
    /// The same in words.
    pub(crate) message: &'static str,
    /// With how many of the contacts that wait it was rehearsed.
    pub(crate) contacts: usize,
    /// When the campaign would begin.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) begins_at: DateTime<Utc>,
    /// When the last of these calls would end; null without any.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// How many calls would come to what.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"answered": 28, "no-answer": 10}))]
    pub(crate) outcomes: BTreeMap<Outcome, u32>,
    /// How many contacts would be reached.
    pub(crate) completed: usize,
    /// How many would be given up.
    pub(crate) failed: usize,
    /// How many would still wait after the last call that was played.
    pub(crate) waiting: usize,
    /// The calls, the first first.
    pub(crate) calls: Vec<RehearsedCall>,
    /// Who would not be called.
    pub(crate) refused: Vec<RehearsedRefusal>,
}

/// A call that would be made.
#[derive(Serialize, ToSchema)]
pub(crate) struct RehearsedCall {
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// Its place in the list.
    pub(crate) position: i32,
    /// Its name.
    pub(crate) name: Option<String>,
    /// The number.
    pub(crate) phone: String,
    /// When it would be called.
    #[serde(serialize_with = "crate::domain::instant::serialize")]
    pub(crate) at: DateTime<Utc>,
    /// What a clock on the wall shows then where they are, or in the campaign's zone where nothing tells that.
    #[schema(value_type = String, example = "2026-03-02T10:00:00")]
    pub(crate) local_time: NaiveDateTime,
    /// The zone of that clock.
    pub(crate) zone: String,
    /// What the call would come to: what a person of the simulator does.
    #[schema(value_type = wire::Outcome)]
    pub(crate) outcome: Outcome,
    /// How long it would ring.
    pub(crate) ring_seconds: i64,
    /// How long they would talk.
    pub(crate) talk_seconds: i64,
    /// What they would hear: the text, or the URL of what is heard instead; null if nobody hears anything.
    pub(crate) heard: Option<String>,
    /// The contact's state then: `completed`, `failed`, or `pending` for another try.
    pub(crate) state: &'static str,
    /// When it would be due again.
    #[serde(serialize_with = "crate::domain::instant::serialize_some")]
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// Somebody who would not be called.
#[derive(Serialize, ToSchema)]
pub(crate) struct RehearsedRefusal {
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// Its place in the list.
    pub(crate) position: i32,
    /// Its name.
    pub(crate) name: Option<String>,
    /// The number.
    pub(crate) phone: String,
    /// Why, by its stable name.
    pub(crate) because: &'static str,
    /// The same in a sentence.
    pub(crate) message: String,
}

/// Rehearses a campaign with the first of its contacts, so many of them.
pub(crate) async fn rehearse(
    api: &Api,
    caller: Caller,
    id: Uuid,
    limit: Option<u32>,
) -> Result<Rehearsal, Problem> {
    let limit = match limit.unwrap_or(CONTACTS) {
        limit @ 1..=MOST_CONTACTS => limit,
        limit => {
            let detail =
                format!("limit is {limit}, expected contacts from 1 to {MOST_CONTACTS} with dry_run");
            return Err(Problem::invalid("bad-start", detail));
        }
    };
    can_go_by_its_rules(api, caller, id).await?;
    let (board, now) = (&api.board, api.board.clock.now());
    let Some(campaign) = find_campaign(&board.database, caller.team, id).await? else {
        return Err(Problem::not_found("campaign"));
    };
    let agent = kept_agent(&campaign)?;
    let rules = board.rules(&campaign.settings);
    let rules = rules.map_err(|error| Problem::invalid("bad-settings", format!("rules: {error}")))?;
    let begins_at = begins_at(campaign.state, &campaign.settings, campaign.starts_at, now);
    let reach = Terms::of(&campaign.settings, &rules).reach();
    let most = i64::from(limit);
    let waiting = list_first_waiting(&board.database, (caller.team, id), reach, now, most).await?;
    let shown = web::block(move || play(&campaign, &rules, &agent, waiting, begins_at)).await;
    shown.map_err(|_| Problem::unavailable("the server is stopping"))
}

fn play(
    campaign: &Campaign,
    rules: &Rules,
    agent: &Agent,
    waiting: Vec<Waiting>,
    begins_at: DateTime<Utc>,
) -> Rehearsal {
    let contacts = waiting.len();
    let (known, refused) = with_known_zones(waiting);
    let people = known.iter().map(|(one, area)| person(one, area, begins_at)).collect();
    let scene = Scene {
        begins_at,
        settings: Arc::new(campaign.settings.clone()),
        rules,
        last_call_ended_at: campaign.last_call_ended_at,
        call_day: campaign.call_day,
    };
    let answers = |who: usize, nth: usize| {
        let (one, _) = &known[who];
        let mut chance = StdRng::seed_from_u64(seed_of(one.contact, nth));
        let detection = campaign.settings.answering_machine.detection(!one.extension.is_empty());
        Answer::drawn([(); 4].map(|()| chance.random()), detection.is_some())
    };
    let Play { calls, refused: told_off, waiting } = rehearsal::rehearse(people, &scene, answers);
    let mut outcomes = BTreeMap::new();
    for call in &calls {
        *outcomes.entry(call.outcome).or_default() += 1;
    }
    let with = |verdict: Verdict| calls.iter().filter(|call| call.verdict == verdict).count();
    let told_off = told_off.into_iter().map(|one| refusal(&known[one.who].0, one.because, one.message));
    Rehearsal {
        dry_run: true,
        message: "nobody was called, and nothing was written",
        contacts,
        begins_at,
        ends_at: calls.last().map(Call::ended_at),
        outcomes,
        completed: with(Verdict::Completed),
        failed: with(Verdict::Failed),
        waiting: waiting.len(),
        calls: calls.iter().map(|call| shown(call, &known[call.who], &campaign.settings, agent)).collect(),
        refused: refused.into_iter().chain(told_off).collect(),
    }
}

/// Those whose hours can be judged, and the others with the reason.
fn with_known_zones(waiting: Vec<Waiting>) -> (Vec<(Waiting, Arc<Area>)>, Vec<RehearsedRefusal>) {
    let (mut known, mut refused) = (Vec::new(), Vec::new());
    for one in waiting {
        match one.area.clone() {
            KnownArea::Whole(area) => known.push((one, area)),
            KnownArea::ZoneMissing(zone) => {
                let message = format!("the time zones in use do not know {zone}");
                refused.push(refusal(&one, "zone-missing", message));
            }
        }
    }
    (known, refused)
}

fn person(one: &Waiting, area: &Arc<Area>, begins_at: DateTime<Utc>) -> Person {
    Person {
        area: area.clone(),
        // In the order of the list everybody is due.
        due_at: if one.timed { one.due_at } else { one.due_at.min(begins_at) },
        timed: one.timed,
        is_suppressed: one.is_suppressed,
        calls: one.calls.clone(),
        attempts: one.attempts.clone(),
    }
}

fn refusal(one: &Waiting, because: &'static str, message: String) -> RehearsedRefusal {
    RehearsedRefusal {
        contact_id: one.contact,
        position: one.position,
        name: one.name.clone(),
        phone: one.phone.clone(),
        because,
        message,
    }
}

fn shown(
    call: &Call,
    (one, area): &(Waiting, Arc<Area>),
    settings: &Settings,
    agent: &Agent,
) -> RehearsedCall {
    let zone: &Zone =
        area.zones.zones().and_then(|zones| zones.zones().first()).unwrap_or(&settings.timezone);
    let (state, due_at) = match call.verdict {
        Verdict::Completed => ("completed", None),
        Verdict::Failed => ("failed", None),
        Verdict::Due(due_at) => ("pending", Some(due_at)),
    };
    let contact = (one.name.as_deref(), one.phone.as_str(), &one.metadata);
    RehearsedCall {
        contact_id: one.contact,
        position: one.position,
        name: one.name.clone(),
        phone: one.phone.clone(),
        at: call.at,
        local_time: zone.local(call.at).trunc_subsecs(3),
        zone: zone.name().to_owned(),
        outcome: call.outcome,
        ring_seconds: call.rings.num_seconds(),
        talk_seconds: call.talks.num_seconds(),
        heard: heard((agent, &settings.answering_machine), contact, call.outcome),
        state,
        due_at,
    }
}

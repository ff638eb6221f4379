//! What an actor decides when it looks: the program's own [`next_step`], asked about a world. It is asked once for each
//! of the few views that differ, because a real view takes longer to build than all else that happens in a state.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use outdial::domain::Moment;
use outdial::domain::area::Area;
use outdial::domain::before_call::HookStanding;
use outdial::domain::campaign::State;
use outdial::domain::contact::ContactState;
use outdial::domain::dialer::{AccountView, CampaignView, OpenAttempt, Queue, Stage, Step, next_step};
use outdial::domain::outcome::Outcome;
use outdial::domain::reconcile::Silence;
use outdial::domain::retry::{Earlier, Ended, Verdict};
use outdial::domain::rules::Rules;
use outdial::domain::settings::Settings;
use outdial::domain::spend::Spend;
use outdial::rules::Library;
use serde_json::json;
use uuid::Uuid;

use super::world::{Age, Attempt, Task, World};

/// The instant at which everybody looks: ten o'clock on a Monday in New York. How long ago something was stands in for
/// the passing of time.
pub const NOW: DateTime<Utc> = DateTime::from_timestamp(1_772_463_600, 0).expect("an instant");

/// What becomes of a contact, without the instant at which it is due again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    Completed,
    Failed,
    Due,
}

impl Fate {
    /// How the contact stands then.
    pub fn state(self) -> ContactState {
        match self {
            Self::Completed => ContactState::Completed,
            Self::Failed => ContactState::Failed,
            Self::Due => ContactState::Pending,
        }
    }
}

impl From<Verdict> for Fate {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Completed => Self::Completed,
            Verdict::Failed => Self::Failed,
            Verdict::Due(_) => Self::Due,
        }
    }
}

/// What an actor's look comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Do(Task),
    Wait,
    Stop,
}

/// As much of a world as a view of it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Seen {
    owned: bool,
    completed: bool,
    /// The open attempt: its place, how long ago, what is known, and what the contact's earlier attempts came to.
    open: Option<(usize, Age, Known, Vec<Outcome>)>,
    revived: Option<usize>,
    somebody_is_pending: bool,
    has_unfinished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    Nothing,
    Alive,
    Over(Outcome),
}

/// Asks [`next_step`], and remembers its answers.
pub struct Decider {
    settings: Arc<Settings>,
    rules: Rules,
    area: Arc<Area>,
    answers: RefCell<HashMap<Seen, Decision>>,
}

impl Decider {
    pub fn new() -> Self {
        let settings = json!({
            "from": "+12025550100", "default_region": "US", "timezone": "America/New_York",
            "pacing": {"delay_seconds": 0}, "business_hours": {},
            "retry_policy": {"max_retries": 1, "backoff_hours": [1], "retryable_outcomes": ["no-answer"]},
            "ring_seconds": 30, "max_call_seconds": 600,
        });
        Self {
            settings: Arc::new(serde_json::from_value(settings).unwrap()),
            rules: Library::shipped().unwrap().select([]).unwrap(),
            area: Arc::new(Area::parse(Some("America/New_York"), "column", "").unwrap()),
            answers: RefCell::default(),
        }
    }

    /// What the actor of this node decides, which works under this epoch.
    pub fn decide(&self, world: &World, node: usize, epoch: u8) -> Decision {
        let counters = &world.campaign.counters;
        let seen = Seen {
            owned: world.is_owned_by(node) && world.campaign.epoch == epoch,
            completed: world.campaign.completed,
            open: world.open().map(|open| {
                let row = &world.attempts[open];
                let known = match (row.end(), row.sid) {
                    (Some(outcome), _) => Known::Over(outcome),
                    (None, Some(_)) => Known::Alive,
                    (None, None) => Known::Nothing,
                };
                (open, row.age, known, earlier(world, row))
            }),
            revived: world.revived(),
            somebody_is_pending: counters.pending > 0,
            has_unfinished: counters.pending + counters.calling > 0,
        };
        if let Some(known) = self.answers.borrow().get(&seen) {
            return *known;
        }
        let decision = self.ask(&seen);
        self.answers.borrow_mut().insert(seen, decision);
        decision
    }

    /// What becomes of a contact whose attempt is given up as unknown.
    pub fn fate_of_unknown(&self, world: &World, attempt: usize) -> Fate {
        let earlier = self.earlier(&earlier(world, &world.attempts[attempt]));
        self.settings.verdict(&Ended { outcome: Outcome::Unknown, at: NOW, earlier }, 0.0).into()
    }

    /// Whether the grace of an attempt of which nothing is known is over, by the program's own reckoning.
    pub fn is_traceless(&self, age: Age) -> bool {
        let silence = Silence::Unplaced { intended_at: intended_at(age) };
        silence.is_traceless(self.settings.ring_time(), NOW)
    }

    fn earlier(&self, outcomes: &[Outcome]) -> Earlier {
        Earlier::of(outcomes.iter().map(|outcome| (*outcome, NOW)), &self.settings.timezone)
    }

    fn ask(&self, seen: &Seen) -> Decision {
        let open = seen.open.as_ref().map(|(attempt, age, known, earlier)| {
            let stage = match *known {
                Known::Nothing => {
                    let silence = Silence::Unplaced { intended_at: intended_at(*age) };
                    Stage::Under { silence, asked_at: None }
                }
                Known::Alive => {
                    // Long enough ago for a question.
                    let silence = Silence::Ringing { heard_at: NOW - TimeDelta::minutes(2) };
                    Stage::Under { silence, asked_at: None }
                }
                Known::Over(outcome) => Stage::Ended { outcome, at: NOW, awaits_verdict: false },
            };
            OpenAttempt {
                id: name(*attempt),
                area: self.area.clone(),
                earlier: self.earlier(earlier),
                stage,
                objection: None,
                end_asked_at: None,
            }
        });
        let queue = Queue { number: 0, area: self.area.clone(), next_due_at: NOW, calls_to_next: Vec::new() };
        let view = CampaignView {
            state: if seen.completed { State::Completed } else { State::Running },
            owned: seen.owned,
            same_account: true,
            settings: self.settings.clone(),
            rules: Some(self.rules.clone()),
            zone_missing: false,
            starts_at: None,
            open,
            revived: seen.revived.map(name),
            last_call_ended_at: None,
            call_day: None,
            limit_left: None,
            spend: Spend::default(),
            price_question: None,
            recent: Vec::new(),
            queues: seen.somebody_is_pending.then_some(queue).into_iter().collect(),
            has_unfinished: seen.has_unfinished,
            account: AccountView::Open { next_place_at: NOW },
            lease_held: true,
            hook: HookStanding::Answers,
            said_yes: false,
            place_in_hand: true,
        };
        let step = next_step(&view, Moment { now: NOW, jitter: 0.0 });
        Decision::Do(match step {
            Step::Dial => Task::Claim,
            Step::Settle { attempt, outcome, verdict, .. } => {
                Task::Settle { attempt: place(attempt), outcome, fate: verdict.into() }
            }
            Step::Reconcile { attempt, .. } => Task::Ask { attempt: place(attempt) },
            Step::Reopen { attempt } => Task::Reopen { attempt: place(attempt) },
            Step::Finish => Task::Finish,
            Step::Wait { .. } => return Decision::Wait,
            Step::Stop => return Decision::Stop,
            Step::Start | Step::Ask | Step::HangUp { .. } | Step::AskPrice { .. } | Step::Pause { .. } => {
                unreachable!("{step:?} has no reason in this world")
            }
        })
    }
}

/// What the earlier attempts of an attempt's contact came to.
fn earlier(world: &World, of: &Attempt) -> Vec<Outcome> {
    let same = world.attempts.iter().filter(|attempt| attempt.written && attempt.contact == of.contact);
    same.filter(|attempt| attempt.number < of.number).filter_map(|attempt| attempt.outcome).collect()
}

fn intended_at(age: Age) -> DateTime<Utc> {
    NOW - match age {
        Age::Fresh => TimeDelta::milliseconds(500),
        Age::Late => TimeDelta::seconds(20),
        Age::Graced => TimeDelta::minutes(10),
    }
}

fn name(attempt: usize) -> Uuid {
    Uuid::from_u128(attempt as u128)
}

fn place(attempt: Uuid) -> usize {
    usize::try_from(attempt.as_u128()).expect("the place of an attempt")
}

//! A rehearsal: what a campaign would do with the first of its contacts, played from the moment on at which it would begin,
//! by the decisions that it really goes by, [`next_step`], [`Terms::decide`] and the retry policy. Nobody is called, and
//! what the called people do is told from outside. Left out are what others do meanwhile, the account's calls per second,
//! and `max_spend`.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Moment;
use super::area::Area;
use super::before_call::HookStanding;
use super::campaign::State;
use super::caps::Allowance;
use super::contact::ContactState;
use super::contactable::{self, Decision, Terms};
use super::daily_cap::{CallDay, day_of};
use super::dialer::{AccountView, Because, CampaignView, Queue, Step, next_step, ready_queues};
use super::outcome::Outcome;
use super::retry::{Earlier, Ended, Verdict};
use super::rules::Rules;
use super::settings::Settings;
use super::spend::Spend;

/// So many calls are played at most.
pub const MOST_CALLS: usize = 1000;

/// So many steps are taken at most; each call takes two or three.
const MOST_STEPS: usize = 10_000;

/// What comes later than this is not played.
const HORIZON: TimeDelta = TimeDelta::days(90);

/// How often the called people do what, of 1, and how long. The simulator's do the same unless they are told otherwise.
const ANSWERS: f64 = 0.55;
const MACHINE: f64 = 0.10;
const NO_ANSWER: f64 = 0.20;
const BUSY: f64 = 0.10;
const RING_SECONDS: (f64, f64) = (3.0, 12.0);
const TALK_SECONDS: (f64, f64) = (10.0, 60.0);

/// A contact that waits to be called.
#[derive(Debug, Clone)]
pub struct Person {
    /// Where they may be.
    pub area: Arc<Area>,
    /// From when on they may be called.
    pub due_at: DateTime<Utc>,
    /// Whether they stand in the queue by that, or in the order of the list.
    pub timed: bool,
    /// Whether their number must not be contacted.
    pub is_suppressed: bool,
    /// The earlier calls to their number that matter for the caps, the newest first.
    pub calls: Vec<DateTime<Utc>>,
    /// What their earlier attempts came to, and when they ended, as far as the retry policy counts them.
    pub attempts: Vec<(Outcome, DateTime<Utc>)>,
}

/// What a called person does on one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// What it comes to.
    pub outcome: Outcome,
    /// How long it rings, if somebody takes it.
    pub rings: TimeDelta,
    /// How long they talk, if somebody takes it.
    pub talks: TimeDelta,
    /// The chance that a retry is spread by, from `[0, 1)`.
    pub jitter: f64,
}

impl Answer {
    /// What it is by these draws from `[0, 1)`. A machine that nobody listens for is taken for a person.
    pub fn drawn([who, rings, talks, jitter]: [f64; 4], detects_machines: bool) -> Self {
        let outcome = match who {
            who if who < ANSWERS => Outcome::Answered,
            who if who < ANSWERS + MACHINE && detects_machines => Outcome::Machine,
            who if who < ANSWERS + MACHINE => Outcome::Answered,
            who if who < ANSWERS + MACHINE + NO_ANSWER => Outcome::NoAnswer,
            who if who < ANSWERS + MACHINE + NO_ANSWER + BUSY => Outcome::Busy,
            _ => Outcome::Failed,
        };
        let of = |(least, most): (f64, f64), draw: f64| {
            TimeDelta::milliseconds(((least + (most - least) * draw) * 1000.0) as i64)
        };
        Self { outcome, rings: of(RING_SECONDS, rings), talks: of(TALK_SECONDS, talks), jitter }
    }
}

/// How the campaign stands at its beginning.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// When it begins.
    pub begins_at: DateTime<Utc>,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// The rules that they name.
    pub rules: &'a Rules,
    /// When its last call ended.
    pub last_call_ended_at: Option<DateTime<Utc>>,
    /// The day on which it last called, and its calls on it.
    pub call_day: Option<CallDay>,
}

/// A call that would be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// Whose, by the place among the people.
    pub who: usize,
    /// When.
    pub at: DateTime<Utc>,
    /// How long it would ring.
    pub rings: TimeDelta,
    /// How long they would talk.
    pub talks: TimeDelta,
    /// What it would come to.
    pub outcome: Outcome,
    /// What would become of the contact.
    pub verdict: Verdict,
}

impl Call {
    /// When it would end.
    pub fn ended_at(&self) -> DateTime<Utc> {
        self.at + self.rings + self.talks
    }
}

/// Somebody who would not be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who, by the place among the people.
    pub who: usize,
    /// Why, by its stable name.
    pub because: &'static str,
    /// The same in a sentence.
    pub message: String,
}

/// What came of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Play {
    /// The calls, the first first.
    pub calls: Vec<Call>,
    /// Who would not be called.
    pub refused: Vec<Refused>,
    /// Who would still wait to be called when it ends, because it is not played any further.
    pub waiting: Vec<usize>,
}

/// Plays it with these people, who are given in the order in which they would be claimed. `answers` says what the person
/// of this place does on the call of this number, from 0.
pub fn rehearse(
    people: Vec<Person>,
    scene: &Scene<'_>,
    mut answers: impl FnMut(usize, usize) -> Answer,
) -> Play {
    let terms = Terms::of(&scene.settings, scene.rules);
    let mut stage = Stage::new(people, scene);
    for _ in 0..MOST_STEPS {
        if stage.play.calls.len() >= MOST_CALLS {
            break;
        }
        let queues = stage.queues();
        match next_step(&stage.view(&queues), Moment { now: stage.now, jitter: 0.0 }) {
            Step::Dial => stage.dial(&terms, &queues, &mut answers),
            Step::Wait { because: Because::NoCommonHours, .. } => {
                stage.refuse_all(&terms);
                break;
            }
            Step::Wait { until, .. } if until <= scene.begins_at + HORIZON => stage.wait(until),
            _ => break,
        }
    }
    stage.end()
}

/// The campaign at a moment of the play.
struct Stage<'a> {
    scene: &'a Scene<'a>,
    now: DateTime<Utc>,
    last_call_ended_at: Option<DateTime<Utc>>,
    call_day: Option<CallDay>,
    people: Vec<Player>,
    areas: Vec<Arc<Area>>,
    play: Play,
}

struct Player {
    person: Person,
    state: ContactState,
    /// The place of their area.
    area: usize,
}

impl<'a> Stage<'a> {
    fn new(people: Vec<Person>, scene: &'a Scene<'a>) -> Self {
        let mut areas: Vec<Arc<Area>> = Vec::new();
        let player = |person: Person| {
            let known = areas.iter().position(|area| *area == person.area);
            let area = known.unwrap_or_else(|| {
                areas.push(person.area.clone());
                areas.len() - 1
            });
            Player { person, state: ContactState::Pending, area }
        };
        let people = people.into_iter().map(player).collect();
        let Scene { begins_at, last_call_ended_at, call_day, .. } = *scene;
        Self { scene, now: begins_at, last_call_ended_at, call_day, people, areas, play: Play::default() }
    }

    fn pending(&self) -> impl Iterator<Item = (usize, &Player)> {
        self.people.iter().enumerate().filter(|(_, player)| player.state == ContactState::Pending)
    }

    /// Who waits, by area, as the look of a campaign finds it.
    fn queues(&self) -> Vec<Queue> {
        let queue = |(area, number): (usize, i16)| {
            let of_area = self.pending().filter(|(_, player)| player.area == area);
            let next_due_at = of_area.map(|(_, player)| player.person.due_at).min()?;
            Some(Queue { number, area: self.areas[area].clone(), next_due_at, calls_to_next: Vec::new() })
        };
        (0..self.areas.len()).zip(0..).filter_map(queue).collect()
    }

    fn view(&self, queues: &[Queue]) -> CampaignView {
        CampaignView {
            state: State::Running,
            owned: true,
            same_account: true,
            settings: self.scene.settings.clone(),
            rules: Some(self.scene.rules.clone()),
            zone_missing: false,
            starts_at: None,
            open: None,
            revived: None,
            last_call_ended_at: self.last_call_ended_at,
            call_day: self.call_day,
            limit_left: None,
            spend: Spend::default(),
            price_question: None,
            recent: Vec::new(),
            queues: queues.to_vec(),
            has_unfinished: self.pending().next().is_some(),
            account: AccountView::Open { next_place_at: self.now },
            lease_held: true,
            // Nobody is really called, so nobody is asked.
            hook: HookStanding::Answers,
            said_yes: true,
            place_in_hand: true,
        }
    }

    /// Time only goes forward, whatever is waited for.
    fn wait(&mut self, until: DateTime<Utc>) {
        self.now = until.max(self.now + TimeDelta::milliseconds(1));
    }

    /// The next of those whose area is open is called, if they may be: whoever is due by a time of their own before the
    /// others.
    fn dial(
        &mut self,
        terms: &Terms<'_>,
        queues: &[Queue],
        answers: &mut impl FnMut(usize, usize) -> Answer,
    ) {
        let ready: Vec<&Area> =
            ready_queues(queues, terms, self.now).into_iter().map(|queue| &*queue.area).collect();
        let may_be = |(_, player): &(usize, &Player)| {
            player.person.due_at <= self.now && ready.contains(&&*player.person.area)
        };
        let timed = self.pending().filter(may_be).filter(|(_, player)| player.person.timed);
        let first =
            timed.min_by_key(|(_, player)| player.person.due_at).or_else(|| self.pending().find(may_be));
        let Some(who) = first.map(|(who, _)| who) else { return self.wait(self.now) };
        let person = &self.people[who].person;
        let judged = contactable::Person {
            state: ContactState::Pending,
            due_at: Some(person.due_at),
            area: &person.area,
            is_suppressed: person.is_suppressed,
            calls: &person.calls,
        };
        match terms.decide(&judged, self.now) {
            Decision::Now { .. } => {
                let nth = self.play.calls.iter().filter(|call| call.who == who).count();
                let answer = answers(who, nth);
                self.call(who, answer);
            }
            Decision::NotUntil { at, .. } => {
                let at = match terms.allowance(&judged, self.now) {
                    Allowance::NotUntil { at, .. } => at,
                    Allowance::Now => at,
                };
                let person = &mut self.people[who].person;
                (person.due_at, person.timed) = (at.max(self.now + TimeDelta::seconds(1)), true);
            }
            Decision::Never { because } => {
                let (because, message) = (because.as_str(), because.to_string());
                self.refuse(who, because, message);
            }
        }
    }

    fn call(&mut self, who: usize, answer: Answer) {
        let settings = &self.scene.settings;
        let is_taken = matches!(answer.outcome, Outcome::Answered | Outcome::Machine);
        let rings = match answer.outcome {
            Outcome::NoAnswer => settings.ring_time(),
            _ => answer.rings.min(settings.ring_time()),
        };
        let talks = if is_taken { answer.talks.min(settings.max_call_time()) } else { TimeDelta::zero() };
        let (at, ended_at) = (self.now, self.now + rings + talks);
        let player = &mut self.people[who];
        let earlier = Earlier::of(player.person.attempts.iter().copied(), &settings.timezone);
        let ended = Ended { outcome: answer.outcome, at: ended_at, earlier };
        let verdict = settings.verdict(&ended, answer.jitter);
        player.person.attempts.push((answer.outcome, ended_at));
        player.person.calls.insert(0, at);
        player.person.timed = true;
        match verdict {
            Verdict::Completed => player.state = ContactState::Completed,
            Verdict::Failed => player.state = ContactState::Failed,
            Verdict::Due(due_at) => player.person.due_at = due_at,
        }
        let on = day_of(self.call_day, &settings.timezone, at);
        let before = self.call_day.filter(|day| day.on == on).map_or(0, |day| day.calls);
        self.call_day = Some(CallDay { on, calls: before + 1 });
        self.last_call_ended_at = Some(ended_at);
        self.now = ended_at;
        self.play.calls.push(Call { who, at, rings, talks, outcome: answer.outcome, verdict });
    }

    fn refuse(&mut self, who: usize, because: &'static str, message: String) {
        self.people[who].state = ContactState::Failed;
        self.play.refused.push(Refused { who, because, message });
    }

    /// The hours of nobody who is left ever open.
    fn refuse_all(&mut self, terms: &Terms<'_>) {
        let left: Vec<usize> = self.pending().map(|(who, _)| who).collect();
        for who in left {
            let area = self.people[who].person.area.clone();
            if let Decision::Never { because } = terms.opening(&area, self.now) {
                self.refuse(who, because.as_str(), because.to_string());
            }
        }
    }

    fn end(mut self) -> Play {
        let waiting = self.pending().map(|(who, _)| who).collect();
        self.play.waiting = waiting;
        self.play
    }
}

/// What the draws for the calls to a contact begin with: the same for the same contact, whoever rehearses and however
/// often.
pub fn seed_of(contact: Uuid, nth: usize) -> u64 {
    let nth = u64::try_from(nth).unwrap_or(u64::MAX);
    contact.as_u64_pair().1.wrapping_add(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::caps::Caps;
    use crate::domain::hours::BusinessHours;
    use crate::domain::rules::tests::{around_the_clock, eight_to_nine};
    use crate::domain::settings::tests::settings;
    use crate::simulator::Scenario;

    /// Nine in the morning in New York.
    fn nine() -> DateTime<Utc> {
        "2026-03-02T14:00:00Z".parse().unwrap()
    }

    fn somebody() -> Person {
        let area = Arc::new(Area::parse(Some("America/New_York"), "column", "").unwrap());
        let (calls, attempts) = (Vec::new(), Vec::new());
        Person { area, due_at: nine(), timed: false, is_suppressed: false, calls, attempts }
    }

    fn scene<'a>(settings: Settings, rules: &'a Rules, begins_at: DateTime<Utc>) -> Scene<'a> {
        Scene { begins_at, settings: Arc::new(settings), rules, last_call_ended_at: None, call_day: None }
    }

    fn answer(outcome: Outcome) -> Answer {
        Answer { outcome, rings: TimeDelta::seconds(5), talks: TimeDelta::seconds(20), jitter: 0.0 }
    }

    fn seconds(call: &Call) -> i64 {
        (call.at - nine()).num_seconds()
    }

    #[test]
    fn calls_follow_each_other_at_the_campaign_s_pace_and_retries_come_when_they_are_due() {
        let rules = around_the_clock();
        let scene = scene(settings(), &rules, nine());
        // The first is busy at first; the policy tries him again an hour after.
        let play = rehearse(vec![somebody(), somebody()], &scene, |who, nth| {
            answer(if who == 0 && nth == 0 { Outcome::Busy } else { Outcome::Answered })
        });
        let told: Vec<_> = play.calls.iter().map(|call| (call.who, seconds(call), call.outcome)).collect();
        assert_eq!(told, [(0, 0, Outcome::Busy), (1, 15, Outcome::Answered), (0, 3605, Outcome::Answered)]);
        assert_eq!(play.calls[0].verdict, Verdict::Due(nine() + TimeDelta::seconds(3605)));
        assert_eq!(play.calls[2].verdict, Verdict::Completed);
        assert!(play.refused.is_empty() && play.waiting.is_empty());
    }

    #[test]
    fn nobody_is_called_at_night_too_often_or_against_his_will() {
        let rules = eight_to_nine();
        let in_california = Person {
            area: Arc::new(Area::parse(Some("America/Los_Angeles"), "column", "").unwrap()),
            ..somebody()
        };
        let capped = Person { calls: vec![nine() - TimeDelta::hours(1)], ..somebody() };
        let people = vec![
            Person { is_suppressed: true, ..somebody() },
            in_california,
            capped,
            Person { area: Arc::new(Area::parse(None, "toll-free", "").unwrap()), ..somebody() },
        ];
        let caps = serde_json::from_str::<Caps>(r#"{"minimum_gap": "2h"}"#).unwrap();
        let scene = scene(Settings { caps, ..settings() }, &rules, nine());
        let play = rehearse(people, &scene, |_, _| answer(Outcome::Answered));
        let told: Vec<_> = play.calls.iter().map(|call| (call.who, seconds(call))).collect();
        assert_eq!(told, [(2, 3600), (1, 2 * 3600)]);
        let refused: Vec<_> = play.refused.iter().map(|one| (one.who, one.because)).collect();
        assert_eq!(refused, [(0, "suppressed"), (3, "unmapped")]);
    }

    #[test]
    fn a_day_s_calls_and_hours_that_never_open_are_heeded() {
        let rules = around_the_clock();
        let one_a_day = Settings { max_calls_per_day: Some(1), ..settings() };
        let play = rehearse(vec![somebody(), somebody()], &scene(one_a_day, &rules, nine()), |_, _| {
            answer(Outcome::Answered)
        });
        assert_eq!(play.calls[1].at - nine(), TimeDelta::hours(15));
        // Nine to five in Tokyo is night in New York.
        let apart = Settings {
            timezone: crate::domain::zone::Zone::parse("Asia/Tokyo").unwrap(),
            business_hours: BusinessHours::default(),
            ..settings()
        };
        let rules = eight_to_nine();
        let play =
            rehearse(vec![somebody()], &scene(apart, &rules, nine()), |_, _| answer(Outcome::Answered));
        assert!(play.calls.is_empty() || play.calls[0].at > nine());
    }

    #[test]
    fn the_people_do_what_the_simulator_s_do() {
        let Scenario { shares, ring_seconds, talk_seconds, .. } = Scenario::default();
        assert_eq!(
            [shares.answer, shares.machine, shares.no_answer, shares.busy],
            [ANSWERS, MACHINE, NO_ANSWER, BUSY]
        );
        assert_eq!((ring_seconds.min, ring_seconds.max), RING_SECONDS);
        assert_eq!((talk_seconds.min, talk_seconds.max), TALK_SECONDS);
        assert_eq!(Answer::drawn([0.6, 0.0, 0.0, 0.0], true).outcome, Outcome::Machine);
        assert_eq!(Answer::drawn([0.6, 0.0, 0.0, 0.0], false).outcome, Outcome::Answered);
    }

    proptest! {
        /// However they answer, everybody comes to an end or waits, and no two calls are at one time.
        #[test]
        fn a_rehearsal_ends_and_accounts_for_everybody(
            people in 1usize..40, draws in prop::collection::vec(prop::array::uniform4(0.0f64..1.0), 60),
        ) {
            let rules = eight_to_nine();
            let settings = Settings { business_hours: BusinessHours::default(), ..settings() };
            let scene = scene(settings, &rules, nine());
            let play = rehearse(vec![somebody(); people], &scene, |who, nth| {
                Answer::drawn(draws[(who * 7 + nth) % draws.len()], false)
            });
            for pair in play.calls.windows(2) {
                prop_assert!(pair[1].at >= pair[0].ended_at() + TimeDelta::seconds(10));
            }
            for who in 0..people {
                let last = play.calls.iter().rfind(|call| call.who == who).map(|call| call.verdict);
                let is_final = matches!(last, Some(Verdict::Completed | Verdict::Failed));
                prop_assert!(is_final != play.waiting.contains(&who));
            }
        }
    }
}

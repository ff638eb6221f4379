//! The shell of a campaign, line for line what `CampaignActor` does: look, ask `next_step`, carry the step out. A
//! crash is its future dropped, a standstill its future not polled, between any two lines that wait.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::Moment;
use crate::domain::area::Area;
use crate::domain::attempt::Facts;
use crate::domain::before_call::{Duty, HookStanding, LEFT_ALONE_FOR, Word, put_off_until};
use crate::domain::campaign::Move;
use crate::domain::contactable::Terms;
use crate::domain::dialer::{
    Because, CampaignView, Closure, DIAL_WITHIN, HaltReason, Step, next_step, ready_queues,
};
use crate::domain::hours::BusinessHours;
use crate::domain::outcome::Outcome;
use crate::domain::reconcile::Silence;
use crate::domain::retry::{Earlier, Ended, TAKEN_BACK_PAUSE, Verdict};
use crate::domain::rules::tests::around_the_clock;
use crate::domain::settings::Settings;
use crate::domain::spend::Spend;

use super::flaw::Flaw;
use super::provider::{Answer, Fault, facts_of_answer};
use super::store::{Claim, Look, Owner, Permission, Settlement, Whose, attempt_index};
use super::world::{Event, Shared, Sleep, World};

const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(10);
const END_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(2);
const PUZZLED_FOR: TimeDelta = TimeDelta::seconds(30);

/// How long a campaign waits whose first contact may not be called after all.
const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(1);

/// How long a server's word is good for.
pub(super) const CONSENT_GOOD_FOR: TimeDelta = TimeDelta::seconds(60);

/// How long a granted place is good for.
pub(super) const PLACE_GOOD_FOR: TimeDelta = TimeDelta::seconds(1);

/// What a turn came to.
#[derive(Debug)]
pub(super) enum Turn {
    LookAgain,
    Wait { until: DateTime<Utc>, wants_place: bool },
    Stop,
    Failed,
}

enum Carried {
    Out,
    NotYet { until: DateTime<Utc> },
}

/// A statement that failed, or whose success nobody was told of.
pub(super) struct DatabaseFailed;

/// What a shell remembers from turn to turn.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) place_good_until: Option<DateTime<Utc>>,
    consent: Option<Consent>,
    unsent: Option<usize>,
    empty_claims: u32,
}

/// That a contact may be called next; none if there was nobody to ask about.
#[derive(Debug, Clone, Copy)]
struct Consent {
    contact: Option<usize>,
    good_until: DateTime<Utc>,
}

/// A campaign's owner, and the world around him.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) world: Shared,
    pub(super) owner: Owner,
}

impl Desk {
    pub(super) async fn take_turn(&self, memory: &mut Memory) -> Turn {
        self.try_turn(memory).await.unwrap_or(Turn::Failed)
    }

    async fn try_turn(&self, memory: &mut Memory) -> Result<Turn, DatabaseFailed> {
        if let Some(attempt) = memory.unsent {
            self.take_back(attempt).await?;
            memory.unsent = None;
        }
        let campaign = self.owner.campaign;
        let look = self.database(|world| world.store.look(campaign)).await?;
        memory.place_good_until = memory.place_good_until.filter(|until| *until > self.now());
        memory.consent = memory.consent.filter(|consent| consent.good_until > self.now());
        let view = self.view(&look, memory);
        Ok(match next_step(&view, self.moment()) {
            Step::Stop => Turn::Stop,
            Step::Wait { until, because } => {
                if because == Because::CallsFail {
                    self.world.borrow_mut().ledger.saw("paused because its calls fail");
                }
                Turn::Wait { until, wants_place: because == Because::RateLimited }
            }
            step => match self.carry_out(step, &look, memory).await? {
                Carried::Out => Turn::LookAgain,
                Carried::NotYet { until } => Turn::Wait { until, wants_place: false },
            },
        })
    }

    fn view(&self, look: &Look, memory: &Memory) -> CampaignView {
        let world = self.world.borrow();
        let (mut settings, mut rules) = (look.settings.clone(), look.rules.clone());
        if world.flaw == Some(Flaw::IgnoresHours) {
            let business_hours = BusinessHours::around_the_clock();
            settings = Arc::new(Settings { business_hours, ..(*settings).clone() });
            rules = around_the_clock();
        }
        if world.flaw == Some(Flaw::IgnoresTheRing) {
            settings = Arc::new(Settings { ring_seconds: 0, ..(*settings).clone() });
        }
        let mut queues = look.queues.clone();
        for queue in &mut queues {
            queue.area = as_seen(&queue.area, world.flaw);
        }
        CampaignView {
            state: look.state,
            owned: look.owner == (Some(self.owner.node), self.owner.epoch),
            same_account: true,
            settings,
            starts_at: look.starts_at,
            open: look.open.clone(),
            revived: look.revived,
            last_call_ended_at: look.last_call_ended_at,
            recent: if world.flaw == Some(Flaw::IgnoresFailures) { Vec::new() } else { look.recent.clone() },
            call_day: None,
            limit_left: look.limit_left,
            spend: Spend::default(),
            price_question: None,
            rules: Some(rules),
            zone_missing: false,
            queues,
            has_unfinished: look.has_unfinished,
            account: world.account_view(),
            lease_held: world.lease_is_held(self.owner.node),
            hook: world.hook.clone(),
            said_yes: memory.consent.is_some(),
            place_in_hand: memory.place_good_until.is_some(),
        }
    }

    async fn carry_out(
        &self,
        step: Step,
        look: &Look,
        memory: &mut Memory,
    ) -> Result<Carried, DatabaseFailed> {
        let (owner, now) = (self.owner, self.now());
        match step {
            Step::Start => {
                self.database(|world| world.store.make_move(owner, Move::Begin, now)).await?;
            }
            Step::Finish => {
                self.database(|world| world.store.make_move(owner, Move::Finish, now)).await?;
            }
            Step::Pause { because: HaltReason::LimitReached } => {
                self.database(|world| {
                    if world.store.pause_at_limit(owner, now) {
                        world.ledger.saw("paused at its limit");
                        // Somebody looks how it went, and lets it go on.
                        let resume = Event::Command { campaign: owner.campaign, given: Move::Resume };
                        world.schedule_in(60_000, 3_600_000, resume);
                    }
                })
                .await?;
            }
            Step::Pause { .. } => {
                self.database(|world| world.store.make_move(owner, Move::Pause, now)).await?;
            }
            Step::Settle { attempt, outcome, ended_at, verdict } => {
                if self.has(Flaw::NeverSettles) {
                    return Ok(Carried::NotYet { until: now + PUZZLED_FOR });
                }
                let verdict = match verdict {
                    Verdict::Due(_) if self.has(Flaw::RetriesAtOnce) => Verdict::Due(now),
                    verdict => verdict,
                };
                let call_ended_at = Some(ended_at);
                let last_word = look.open.as_ref().and_then(|open| open.stage.heard_at());
                self.settle(Settlement {
                    attempt: attempt_index(attempt),
                    outcome,
                    verdict,
                    call_ended_at,
                    last_word,
                })
                .await?;
            }
            Step::Reopen { attempt } => return self.reopen(attempt).await,
            Step::HangUp { attempt, .. } => return self.hang_up(attempt_index(attempt)).await,
            Step::Reconcile { attempt, silence } => {
                return self.reconcile(attempt_index(attempt), silence, look).await;
            }
            Step::Ask => self.consult(look, memory).await?,
            Step::Dial => return self.dial(look, memory).await,
            Step::Wait { .. } | Step::Stop => unreachable!("the turn keeps these to itself"),
            Step::AskPrice { .. } => unreachable!("no campaign here has a cap on what it spends"),
        }
        Ok(Carried::Out)
    }

    /// Whose call a claim may begin; none if somebody is to be asked before.
    fn may_begin(&self, look: &Look, memory: &Memory) -> Option<Whose> {
        let Some(asking) = look.settings.before_call.filter(|_| !self.has(Flaw::TakesAnyWord)) else {
            return Some(Whose::Anybody);
        };
        let consent = memory.consent.filter(|consent| consent.good_until > self.now());
        match asking.duty(&self.world.borrow().hook, consent.is_some(), self.now()) {
            Duty::Call => Some(consent.map_or(Whose::Anybody, |consent| Whose::Only(consent.contact))),
            Duty::Ask | Duty::Wait { .. } => None,
        }
    }

    /// Asks a server about whoever would be next, and does what it says.
    async fn consult(&self, look: &Look, memory: &mut Memory) -> Result<(), DatabaseFailed> {
        let (owner, now, view) = (self.owner, self.now(), self.view(look, memory));
        let terms = Terms::of(&view.settings, view.rules.as_ref().expect("this world has all rules"));
        let ready = ready_queues(&view.queues, &terms, now);
        let found = self.database(|world| world.store.find_next(owner.campaign, &terms, &ready, now)).await?;
        let Some(contact) = found else {
            memory.consent = Some(Consent { contact: None, good_until: self.now() + CONSENT_GOOD_FOR });
            return Ok(());
        };
        memory.empty_claims = 0;
        let (word, takes) = self.world.borrow_mut().draw_word();
        self.sleep_until(self.now() + takes).await;
        let now = self.now();
        match word {
            Some(Word::Call) => {
                memory.consent = Some(Consent { contact: Some(contact), good_until: now + CONSENT_GOOD_FOR });
                self.world.borrow_mut().ledger.agreed.insert(contact, now);
            }
            Some(Word::Veto { .. }) => {
                self.database(|world| {
                    if world.store.veto(owner, contact) {
                        world.was_vetoed(contact);
                    }
                })
                .await?;
            }
            Some(Word::Postpone { until, .. }) => {
                let due_at = put_off_until(until, now);
                self.database(|world| world.store.postpone(owner, contact, due_at)).await?;
            }
            None => {
                let until = now + LEFT_ALONE_FOR[0];
                return self.database(|world| world.hook_is_silent(until)).await;
            }
        }
        self.database(|world| world.hook = HookStanding::Answers).await
    }

    /// A stop in good order waits until what came of it is written.
    async fn dial(&self, look: &Look, memory: &mut Memory) -> Result<Carried, DatabaseFailed> {
        self.world.borrow_mut().nodes[self.owner.node].placing += 1;
        let carried = self.place_call(look, memory).await;
        self.world.borrow_mut().nodes[self.owner.node].placing -= 1;
        carried
    }

    async fn place_call(&self, look: &Look, memory: &mut Memory) -> Result<Carried, DatabaseFailed> {
        let (owner, now) = (self.owner, self.now());
        let mut deadline = now + DIAL_WITHIN;
        if self.has(Flaw::ForgetsTheSecond) {
            deadline += TimeDelta::days(1);
        }
        self.world.borrow_mut().disturb(owner);
        let view = self.view(look, memory);
        let terms = Terms::of(&view.settings, view.rules.as_ref().expect("this world has all rules"));
        let ready = ready_queues(&view.queues, &terms, self.now());
        let Some(whose) = self.may_begin(look, memory) else { return Ok(Carried::Out) };
        let claim = self
            .database(|world| {
                let claim = world.store.claim_next(owner, &terms, (&ready, whose), now);
                world.ledger.saw(match claim {
                    Claim::Attempt { .. } => "claimed",
                    Claim::Suppressed => "suppressed at the claim",
                    Claim::PassedOver => "passed over",
                    Claim::NotNow => "not now after all",
                    Claim::Another => "asked about another",
                    Claim::Nobody => "nobody to claim",
                    Claim::NotOurs => "claim fenced off",
                });
                if let Claim::Attempt { attempt } = claim {
                    world.perhaps_opt_out(attempt);
                    world.perhaps_ask_for_callback(attempt);
                }
                claim
            })
            .await?;
        let attempt = match claim {
            Claim::Attempt { attempt } => attempt,
            Claim::Suppressed | Claim::PassedOver | Claim::NotOurs => return Ok(Carried::Out),
            Claim::NotNow => return Ok(Carried::NotYet { until: self.now() + LOOK_AGAIN_AFTER }),
            Claim::Another => {
                memory.consent = None;
                return Ok(Carried::Out);
            }
            Claim::Nobody => {
                memory.consent = None;
                return self.nobody(memory).await;
            }
        };
        (memory.empty_claims, memory.consent) = (0, None);
        memory.unsent = Some(attempt);
        if !self.is_permitted(attempt, look).await? {
            self.take_back(attempt).await?;
            memory.unsent = None;
            return Ok(Carried::Out);
        }
        memory.place_good_until = None;
        let mut answer = self.create_call(attempt, deadline).await;
        if answer == Answer::Unknown && self.has(Flaw::RepeatsLostRequests) {
            answer = self.create_call(attempt, self.now() + DIAL_WITHIN).await;
        }
        if answer == Answer::Unknown && self.has(Flaw::TakesBackLostRequests) {
            answer = Answer::NotSent;
        }
        if matches!(answer, Answer::Placed(_) | Answer::Unknown) {
            memory.unsent = None;
        }
        self.record_answer(attempt, look, answer).await?;
        memory.unsent = None;
        Ok(Carried::Out)
    }

    async fn is_permitted(&self, attempt: usize, look: &Look) -> Result<bool, DatabaseFailed> {
        if self.has(Flaw::ForgetsTheSecond) {
            return Ok(true);
        }
        let owner = self.owner;
        let permission = self.database(|world| world.store.look_once_more(owner, attempt)).await?;
        let (area, version) = {
            let World { store, flaw, .. } = &*self.world.borrow();
            (as_seen(&store.area_of(attempt), *flaw), store.attempts[attempt].settings_version)
        };
        if version != look.settings_version {
            self.world.borrow_mut().ledger.saw("edited meanwhile");
            return Ok(false);
        }
        let view = self.view(look, &Memory::default());
        let terms = Terms::of(&view.settings, view.rules.as_ref().expect("this world has all rules"));
        let in_hours = terms.is_open(&area, self.now()) == Ok(true);
        Ok(permission == Permission::Granted && in_hours && self.world.borrow().lease_is_held(owner.node))
    }

    async fn nobody(&self, memory: &mut Memory) -> Result<Carried, DatabaseFailed> {
        let owner = self.owner;
        memory.empty_claims += 1;
        if memory.empty_claims == 1 {
            self.database(|world| world.store.reset_cursors(owner)).await?;
            return Ok(Carried::Out);
        }
        Ok(Carried::NotYet { until: self.now() + PUZZLED_FOR })
    }

    async fn create_call(&self, attempt: usize, deadline: DateTime<Utc>) -> Answer {
        let connecting = {
            let World { chance, weather, .. } = &mut *self.world.borrow_mut();
            let longest = if chance.happens(weather.delay) { 1_200 } else { 60 };
            chance.millis(0, longest)
        };
        self.sleep_until(self.now() + connecting).await;
        let passage = {
            let world = &mut *self.world.borrow_mut();
            if world.now >= deadline {
                world.ledger.saw("too late");
                return Answer::TooLate;
            }
            if world.chance.happens(world.weather.unreachable) {
                return Answer::NotSent;
            }
            world.request_leaves(attempt)
        };
        self.sleep_until(passage.answered_at).await;
        passage.answer
    }

    async fn record_answer(&self, attempt: usize, look: &Look, answer: Answer) -> Result<(), DatabaseFailed> {
        match answer {
            Answer::Placed(sid) => {
                let now = self.now();
                self.record(attempt, sid, facts_of_answer(now), now).await?;
                self.database(World::clear_troubles).await?;
            }
            Answer::TooLate => self.take_back(attempt).await?,
            Answer::NotSent => {
                self.take_back(attempt).await?;
                self.database(|world| world.close_account(Closure::ProviderDown, None)).await?;
            }
            Answer::Throttled(retry_after) => {
                self.take_back(attempt).await?;
                self.database(|world| world.close_account(Closure::RateLimited, retry_after)).await?;
            }
            Answer::Unknown => {
                self.database(|world| world.close_account(Closure::ProviderDown, None)).await?;
            }
            Answer::Refused(fault) => self.refused(attempt, look, fault).await?,
        }
        Ok(())
    }

    async fn refused(&self, attempt: usize, look: &Look, fault: Fault) -> Result<(), DatabaseFailed> {
        let Moment { now, jitter } = self.moment();
        let outcome = match fault {
            Fault::Contact(outcome) => outcome,
            Fault::Destination => Outcome::Blocked,
            Fault::Moment => {
                self.take_back(attempt).await?;
                return self.database(|world| world.close_account(Closure::RateLimited, None)).await;
            }
            Fault::Account | Fault::Sender | Fault::Request => return self.pause_for(attempt).await,
        };
        let earlier = self.database(|world| world.store.find_earlier(attempt)).await?;
        let verdict = look.settings.verdict(&Ended { outcome, at: now, earlier }, jitter);
        self.settle(Settlement { attempt, outcome, verdict, call_ended_at: None, last_word: None }).await
    }

    async fn pause_for(&self, attempt: usize) -> Result<(), DatabaseFailed> {
        let (owner, now) = (self.owner, self.now());
        self.database(|world| {
            world.store.settle_and_pause(owner, &taken_back(attempt, now), now);
            world.ledger.saw("paused by the dialer");
            // Somebody mends the account and resumes.
            let resume = Event::Command { campaign: owner.campaign, given: Move::Resume };
            world.schedule_in(60_000, 3_600_000, resume);
        })
        .await
    }

    async fn take_back(&self, attempt: usize) -> Result<(), DatabaseFailed> {
        self.world.borrow_mut().ledger.saw("taken back");
        self.settle(taken_back(attempt, self.now())).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), DatabaseFailed> {
        let (owner, now) = (self.owner, self.now());
        self.database(|world| world.store.settle(owner, &settlement, now)).await?;
        Ok(())
    }

    async fn reopen(&self, attempt: Uuid) -> Result<Carried, DatabaseFailed> {
        let owner = self.owner;
        let opened = self.database(|world| world.store.reopen(owner, attempt_index(attempt))).await?;
        if !opened {
            return Ok(Carried::NotYet { until: self.now() + ASK_AGAIN_AFTER });
        }
        self.world.borrow_mut().ledger.saw("reopened");
        Ok(Carried::Out)
    }

    async fn hang_up(&self, attempt: usize) -> Result<Carried, DatabaseFailed> {
        let sid = self.database(|world| world.store.attempts[attempt].sid).await?;
        let Some(sid) = sid else { return Ok(Carried::Out) };
        let (fails, takes) = {
            let World { chance, weather, .. } = &mut *self.world.borrow_mut();
            (chance.happens(weather.bad_questions), chance.millis(5, 900))
        };
        self.sleep_until(self.now() + takes).await;
        if fails {
            return Ok(Carried::NotYet { until: self.now() + END_AGAIN_AFTER });
        }
        let now = self.now();
        let report = {
            let world = &mut *self.world.borrow_mut();
            if world.provider.end(sid, now) {
                world.ledger.saw("ended while it rang");
            }
            world.provider.fetch(sid, TimeDelta::zero(), now)
        };
        self.database(|world| world.store.note_end_asked(attempt, now)).await?;
        if let Some(report) = report {
            self.record(attempt, sid, Facts::from(&report), now).await?;
        }
        Ok(Carried::Out)
    }

    async fn reconcile(
        &self,
        attempt: usize,
        silence: Silence,
        look: &Look,
    ) -> Result<Carried, DatabaseFailed> {
        if self.has(Flaw::NeverReconciles) {
            return Ok(Carried::NotYet { until: self.now() + PUZZLED_FOR });
        }
        let asked_at = self.now();
        let found = match self.ask(attempt).await? {
            Trail::NoAnswer => return Ok(Carried::NotYet { until: self.now() + ASK_AGAIN_AFTER }),
            Trail::Found => true,
            Trail::Cold => false,
        };
        let Moment { now, jitter } = self.moment();
        if !found && silence.is_traceless(look.settings.ring_time(), asked_at) {
            let (outcome, earlier) =
                (Outcome::Unknown, look.open.as_ref().map_or(Earlier::default(), |open| open.earlier));
            let verdict = look.settings.verdict(&Ended { outcome, at: now, earlier }, jitter);
            self.world.borrow_mut().ledger.saw("given up as unknown");
            let (call_ended_at, last_word) = (Some(now), silence.heard_at());
            self.settle(Settlement { attempt, outcome, verdict, call_ended_at, last_word }).await?;
        }
        Ok(Carried::Out)
    }

    async fn ask(&self, attempt: usize) -> Result<Trail, DatabaseFailed> {
        let (sid, phone, intended_at) = self
            .database(|world| {
                let row = &world.store.attempts[attempt];
                (row.sid, row.phone, row.intended_at)
            })
            .await?;
        let (fails, lag, answer_takes) = {
            let World { chance, weather, .. } = &mut *self.world.borrow_mut();
            let lag = if chance.happens(weather.bad_questions) {
                chance.millis(0, 40_000)
            } else {
                TimeDelta::zero()
            };
            (chance.happens(weather.bad_questions), lag, chance.millis(5, 900))
        };
        self.sleep_until(self.now() + answer_takes).await;
        if fails {
            return Ok(Trail::NoAnswer);
        }
        let now = self.now();
        let sid = match sid {
            Some(sid) => Some(sid),
            None => {
                let since = intended_at - TimeDelta::seconds(1);
                let made_since = self.world.borrow().provider.list(phone, since, lag, now);
                match made_since[..] {
                    [sid] => {
                        self.database(|world| world.store.adopt(attempt, sid, now)).await?.then_some(sid)
                    }
                    _ => None,
                }
            }
        };
        let call = sid.and_then(|sid| Some((sid, self.world.borrow().provider.fetch(sid, lag, now)?)));
        self.database(|world| world.store.note_asked(attempt, now)).await?;
        let Some((sid, report)) = call else { return Ok(Trail::Cold) };
        self.world.borrow_mut().ledger.saw("learnt by asking");
        self.record(attempt, sid, Facts::from(&report), now).await?;
        self.database(World::clear_troubles).await?;
        Ok(Trail::Found)
    }

    async fn record(
        &self,
        attempt: usize,
        sid: usize,
        facts: Facts,
        now: DateTime<Utc>,
    ) -> Result<(), DatabaseFailed> {
        self.database(|world| world.store.record(attempt, sid, &facts, false, now)).await?;
        Ok(())
    }

    /// Carries a statement out somewhere in the time that it takes. It may fail before, or after.
    async fn database<T>(&self, statement: impl FnOnce(&mut World) -> T) -> Result<T, DatabaseFailed> {
        self.travel().await?;
        let answer = statement(&mut self.world.borrow_mut());
        self.travel().await?;
        Ok(answer)
    }

    async fn travel(&self) -> Result<(), DatabaseFailed> {
        let (takes, fails) = {
            let World { chance, weather, .. } = &mut *self.world.borrow_mut();
            let takes = match chance.share() {
                draw if draw < weather.slow_database => chance.millis(100, 1_500),
                draw if draw < 0.6 => TimeDelta::zero(),
                _ => chance.millis(1, 20),
            };
            (takes, chance.happens(weather.failing_database))
        };
        if !takes.is_zero() {
            self.sleep_until(self.now() + takes).await;
        }
        if fails { Err(DatabaseFailed) } else { Ok(()) }
    }

    fn sleep_until(&self, until: DateTime<Utc>) -> Sleep<'_> {
        Sleep { world: &self.world, until }
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.borrow().now
    }

    fn moment(&self) -> Moment {
        let world = &mut *self.world.borrow_mut();
        Moment { now: world.now, jitter: world.chance.share() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.world.borrow().flaw == Some(flaw)
    }
}

/// An area as a dialer sees it.
fn as_seen(area: &Arc<Area>, flaw: Option<Flaw>) -> Arc<Area> {
    let text = match (flaw, area.zones_text()) {
        (Some(Flaw::ForgetsAZone), Some(zones)) => zones.split(',').next(),
        (Some(Flaw::ForgetsThePlace), zones) => zones,
        _ => return area.clone(),
    };
    let places = if flaw == Some(Flaw::ForgetsThePlace) { String::new() } else { area.places_text() };
    Arc::new(Area::parse(text, area.told_by(), &places).expect("a part of an area is an area"))
}

enum Trail {
    Found,
    Cold,
    NoAnswer,
}

/// The settlement of an attempt of which nothing left.
fn taken_back(attempt: usize, now: DateTime<Utc>) -> Settlement {
    let verdict = Verdict::Due(now + TAKEN_BACK_PAUSE);
    Settlement { attempt, outcome: Outcome::NotPlaced, verdict, call_ended_at: None, last_word: None }
}

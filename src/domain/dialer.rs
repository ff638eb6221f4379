//! The heart: what a running campaign should do next. Everything that dials, settles, waits, stops or explains a
//! campaign asks [`next_step`]; nothing of its answer is stored.
//!
//! It is level-triggered. A view holds how things stand and not what happened, so a lost, doubled or late wake-up
//! costs nothing, and a restart, a takeover by another node, a resume and the normal case are one path.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

mod queue;

pub use self::queue::{Queue, ready_queues};
use self::queue::{Turn, first_turn};
use super::answering_machine::VERDICT_WITHIN;
use super::area::Area;
use super::before_call::{Duty, HookStanding};
use super::breaker::{self, Tripped};
use super::campaign::State;
use super::contactable::{Reason, Terms};
use super::counted::counted;
use super::daily_cap::{self, CallDay};
use super::outcome::Outcome;
use super::reconcile::Silence;
use super::retry::{Earlier, Ended, Verdict};
use super::rules::Rules;
use super::settings::Settings;
use super::spend::{PriceQuestion, Spend, Standing};
use super::suppression::is_in_force;
use super::{Moment, names};

/// How long a place or a colleague is waited for before looking again, when nobody says when it comes.
const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

/// What has happened cannot lie further ahead than this: nodes follow one clock, as well as they can.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::seconds(60);

/// How long a campaign waits whose hours and whose contacts' hours have nothing in common, before looking again.
const LOOK_AGAIN_WHEN_NEVER_OPEN: TimeDelta = TimeDelta::days(1);

/// From the decision to dial until the request has left, so much time may pass; whoever needs longer takes the
/// attempt back. It is what a pause, a cancel or an opt-out may come too late for, and no contact is dialed whose
/// hours end within it.
pub const DIAL_WITHIN: TimeDelta = TimeDelta::seconds(1);

/// How everything stands that a campaign's next step depends on: one consistent read, and the place in hand.
#[derive(Debug, Clone)]
pub struct CampaignView {
    /// The campaign's state.
    pub state: State,
    /// Whether this node owns the campaign.
    pub owned: bool,
    /// Whether the provider account it was started with is the one this node dials through.
    pub same_account: bool,
    /// Its settings.
    pub settings: Arc<Settings>,
    /// The rules that its settings name; none if one of them is not there.
    pub rules: Option<Rules>,
    /// Whether somebody is pending in a zone that the zone data in use does not know. They stand in none of the queues.
    pub zone_missing: bool,
    /// Before this instant it does not begin.
    pub starts_at: Option<DateTime<Utc>>,
    /// The attempt that is not settled, if there is one.
    pub open: Option<OpenAttempt>,
    /// A settled attempt that was given up as unknown and has since been heard of, if there is one.
    pub revived: Option<Uuid>,
    /// When the last call ended.
    pub last_call_ended_at: Option<DateTime<Utc>>,
    /// The day on which it last called, and its calls on it.
    pub call_day: Option<CallDay>,
    /// How many more contacts it calls until it is paused, if that is limited.
    pub limit_left: Option<u32>,
    /// What its calls have cost, as far as is known.
    pub spend: Spend,
    /// The call whose price is asked for first, if the price of any is to be.
    pub price_question: Option<PriceQuestion>,
    /// The last calls, the newest first; none as long as few have failed.
    pub recent: Vec<breaker::Call>,
    /// Those who are pending, by area, where the hours can be told.
    pub queues: Vec<Queue>,
    /// Whether any contact is not final.
    pub has_unfinished: bool,
    /// What the provider account's limits say.
    pub account: AccountView,
    /// Whether this node has been alive to the others for certain.
    pub lease_held: bool,
    /// How things stand with the hook whose server is asked before each call; without meaning where none is.
    pub hook: HookStanding,
    /// Whether that server has agreed a short while ago to the call that would be next.
    pub said_yes: bool,
    /// Whether a place among the account's calls per second is in hand.
    pub place_in_hand: bool,
}

/// What the provider account's limits say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountView {
    /// Places are given; the next one at this instant at the earliest.
    Open {
        /// The next free place.
        next_place_at: DateTime<Utc>,
    },
    /// No places are given for now.
    Closed {
        /// Until when.
        until: DateTime<Utc>,
        /// Whether the provider asked for patience or cannot be reached.
        because: Closure,
    },
}

names! {
    /// Why an account gives no places for now.
    pub enum Closure: "closure" {
        /// The provider asked for patience.
        RateLimited = "rate-limited",
        /// The provider could not be reached.
        ProviderDown = "provider-down",
    }
}

/// How long the provider is given to end a call before it is asked again.
const END_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// An attempt that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// Its id.
    pub id: Uuid,
    /// Where the called person may be.
    pub area: Arc<Area>,
    /// Its contact's attempts before it that counted.
    pub earlier: Earlier,
    /// How far its call has come.
    pub stage: Stage,
    /// What speaks against letting its call go on, if anything does.
    pub objection: Option<Objection>,
    /// When the provider last took our request to end its call.
    pub end_asked_at: Option<DateTime<Utc>>,
}

/// What speaks against letting a call go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// Its number must not be contacted.
    Suppressed {
        /// From when on it may be again, if ever.
        until: Option<DateTime<Utc>>,
    },
    /// Somebody wants it ended, whoever talks in it.
    EndWanted,
}

/// Which calls are ended by a request to end one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// One that nobody has taken until the request arrives.
    UnlessTaken,
    /// Any.
    Anyway,
}

/// How far the call of an open attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is not known to be over.
    Under {
        /// What is known of it.
        silence: Silence,
        /// When the provider last answered a question about it.
        asked_at: Option<DateTime<Utc>>,
    },
    /// It is over.
    Ended {
        /// What it came to, as far as is known.
        outcome: Outcome,
        /// When.
        at: DateTime<Utc>,
        /// Whether the provider may still say that a machine took it.
        awaits_verdict: bool,
    },
}

impl Stage {
    /// When a call that is not known to be over was last heard of, if ever.
    pub fn heard_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Under { silence, .. } => silence.heard_at(),
            Self::Ended { .. } => None,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its start has come: it begins to run.
    Start,
    /// Ask the server that is to be asked before each call about the first due contact.
    Ask,
    /// Claim the first due contact and call it.
    Dial,
    /// Apply an ended attempt's outcome to its contact.
    Settle {
        /// The attempt.
        attempt: Uuid,
        /// What it came to.
        outcome: Outcome,
        /// When it ended.
        ended_at: DateTime<Utc>,
        /// What becomes of the contact.
        verdict: Verdict,
    },
    /// Ask the provider how a silent attempt stands.
    Reconcile {
        /// The attempt.
        attempt: Uuid,
        /// What is known of it.
        silence: Silence,
    },
    /// Ask the provider to end a call.
    HangUp {
        /// The attempt.
        attempt: Uuid,
        /// Whether it is ended also if it was taken.
        ending: Ending,
    },
    /// Open an attempt again that was given up as unknown and proved alive.
    Reopen {
        /// The attempt.
        attempt: Uuid,
    },
    /// Ask the provider what a call has cost, while nothing else is to be done.
    AskPrice {
        /// Its attempt.
        attempt: Uuid,
        /// When something else is to be done: a question that has no answer by then is dropped.
        before: Option<DateTime<Utc>>,
    },
    /// Nothing until then.
    Wait {
        /// When to look again at the latest.
        until: DateTime<Utc>,
        /// What it waits for.
        because: Because,
    },
    /// Stop calling until a person lets it go on.
    Pause {
        /// Why.
        because: HaltReason,
    },
    /// Everybody is final: the campaign is completed.
    Finish,
    /// Nothing to do for it, here and now: its actor ends.
    Stop,
}

impl Step {
    /// The attempt that it is about, if it is about one that there is and that it works for. What a call cost is not the
    /// concern of its contact.
    pub fn attempt(self) -> Option<Uuid> {
        match self {
            Self::Settle { attempt, .. }
            | Self::Reconcile { attempt, .. }
            | Self::HangUp { attempt, .. }
            | Self::Reopen { attempt } => Some(attempt),
            Self::Start
            | Self::Ask
            | Self::Dial
            | Self::AskPrice { .. }
            | Self::Wait { .. }
            | Self::Pause { .. }
            | Self::Finish
            | Self::Stop => None,
        }
    }
}

names! {
    /// What a campaign waits for.
    pub enum Because: "reason" {
        /// Nobody has started it.
        Draft = "draft",
        /// Its start time is yet to come.
        NotStarted = "not-started",
        /// It has a schedule, and its next run is yet to come.
        NextRun = "next-run",
        /// A person, or the account's fault that its state names, stopped it.
        Paused = "paused",
        /// Its business hours are over or yet to begin.
        OutsideHours = "outside-hours",
        /// It does not call on this day.
        Holiday = "holiday",
        /// It is not the time to call anybody who is left, where they are.
        CalledPartyHours = "called-party-hours",
        /// Its business hours and the hours of those who are left have nothing in common.
        NoCommonHours = "no-common-hours",
        /// The pause between calls.
        Pacing = "pacing",
        /// A call of it is under way.
        CallOpen = "call-open",
        /// Everybody left is due later.
        NobodyDue = "nobody-due",
        /// Everybody left is due later, and the first of them because a cap holds him back. Only who asks is told so: the
        /// dialer waits in the same way for whoever is due later.
        Capped = "capped",
        /// It has made as many calls as it may in a day.
        DailyCap = "daily-cap",
        /// It may have spent as much as it may: the prices of its last calls will tell.
        SpendCap = "spend-cap",
        /// Most of its last calls failed.
        CallsFail = "calls-fail",
        /// The account's calls per second are spent, or the provider asked for patience.
        RateLimited = "rate-limited",
        /// The provider cannot be reached.
        ProviderDown = "provider-down",
        /// The server that is asked before each call gives no answer.
        BeforeCall = "before-call",
        /// This node cannot renew its lease and leaves the campaign to others.
        NodeIsolated = "node-isolated",
    }
}

impl Because {
    /// Whether it is more than the moment between two calls, so that somebody may wonder why nothing happens.
    pub fn is_long(self) -> bool {
        match self {
            Self::Pacing | Self::CallOpen | Self::RateLimited => false,
            Self::Draft
            | Self::NotStarted
            | Self::NextRun
            | Self::Paused
            | Self::OutsideHours
            | Self::Holiday
            | Self::CalledPartyHours
            | Self::NoCommonHours
            | Self::NobodyDue
            | Self::Capped
            | Self::DailyCap
            | Self::SpendCap
            | Self::CallsFail
            | Self::ProviderDown
            | Self::BeforeCall
            | Self::NodeIsolated => true,
        }
    }

    /// Whether those who follow are told that a campaign waits for it: where it is not between two calls, and nothing that
    /// they are told anyway.
    pub fn is_told(self) -> bool {
        self.is_long() && !matches!(self, Self::Draft | Self::Paused | Self::NodeIsolated)
    }

    /// The reason in words for the person who asks why nothing happens.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Draft => "it has not been started",
            Self::NotStarted => "its start time is yet to come",
            Self::NextRun => "its next run is yet to come; it calls nobody itself",
            Self::Paused => "it is paused; resume it to go on",
            Self::OutsideHours => "it is outside its business hours",
            Self::Holiday => "it does not call on holidays",
            Self::CalledPartyHours => {
                "nobody left can be called yet, the first of them because it is not the time where they are"
            }
            Self::NoCommonHours => {
                "its business hours never open while it is the time to call those who are left"
            }
            Self::Pacing => "it pauses between two calls",
            Self::CallOpen => "a call is under way",
            Self::NobodyDue => "everybody left is due later",
            Self::Capped => {
                "everybody left is due later, the first of them because the number was called often enough"
            }
            Self::DailyCap => "it has made as many calls on this day as its max_calls_per_day allows",
            Self::SpendCap => {
                "its calls may have cost as much as its max_spend allows; it waits to be told the prices of the last"
            }
            Self::CallsFail => {
                "most of its last calls failed; one is made then to see whether it works again"
            }
            Self::RateLimited => "the account's calls per second are spent for the moment",
            Self::ProviderDown => "the provider cannot be reached for the moment",
            Self::BeforeCall => "the server that is asked before each call gives no answer",
            Self::NodeIsolated => "the node that runs it has lost the database",
        }
    }
}

names! {
    /// Why a campaign is paused or has failed.
    pub enum HaltReason: "halt reason" {
        /// A person paused it.
        ByPerson = "by-person",
        /// It was started with another provider account.
        OtherAccount = "other-account",
        /// The provider refuses the account.
        AccountRefused = "account-refused",
        /// The provider refuses the number that calls.
        SenderRefused = "sender-refused",
        /// The provider does not understand our request.
        RequestRefused = "request-refused",
        /// What is kept of its agent cannot be read: it has failed.
        AgentUnreadable = "agent-unreadable",
        /// A pack of rules that it goes by is not there.
        RulesMissing = "rules-missing",
        /// The zone data in use does not know the zones of anybody who is left.
        ZoneMissing = "zone-missing",
        /// Several contacts in a row made it fail and were set aside, so the fault is hardly theirs.
        ContactsFail = "contacts-fail",
        /// Its calls have cost as much as they may.
        SpendCap = "spend-cap",
        /// It has called as many contacts as it was started for.
        LimitReached = "limit-reached",
    }
}

/// What a campaign should do next. Same view, same moment, same step.
///
/// An attempt that is not settled comes before everything, in every state: it is looked after until it is. A
/// contact is dialed only by a running campaign that is ours, with nothing open, below its limit and its cap, in its hours,
/// with calls of the day left, after its pause, with somebody due, with the word of whoever is to be asked before, and with a
/// place in hand. What a call has cost is asked where there is nothing to do but wait.
pub fn next_step(view: &CampaignView, moment: Moment) -> Step {
    match (decide(view, moment), view.price_question) {
        (Step::Wait { until, because }, Some(question)) if has_time_for_questions(because) => {
            if question.ask_at > moment.now {
                return Step::Wait { until: until.min(question.ask_at), because };
            }
            let before = (because != Because::SpendCap).then_some(until);
            Step::AskPrice { attempt: question.attempt, before }
        }
        (step, _) => step,
    }
}

/// Whether a running campaign that waits for this may ask for a price meanwhile. Whoever is about to be granted a place keeps
/// himself free for it, and where the provider or the database cannot be reached there is nobody to ask or to tell.
fn has_time_for_questions(because: Because) -> bool {
    match because {
        Because::OutsideHours
        | Because::Holiday
        | Because::CalledPartyHours
        | Because::NoCommonHours
        | Because::Pacing
        | Because::NobodyDue
        | Because::Capped
        | Because::DailyCap
        | Because::SpendCap
        | Because::CallsFail
        | Because::BeforeCall => true,
        Because::Draft
        | Because::NotStarted
        | Because::NextRun
        | Because::Paused
        | Because::CallOpen
        | Because::RateLimited
        | Because::ProviderDown
        | Because::NodeIsolated => false,
    }
}

/// The next step of a campaign that asks for no price.
fn decide(view: &CampaignView, moment: Moment) -> Step {
    if !view.owned {
        return Step::Stop;
    }
    if let Some(open) = &view.open {
        return look_after(view, open, moment);
    }
    if let (Some(attempt), true) = (view.revived, view.same_account) {
        return Step::Reopen { attempt };
    }
    match view.state {
        State::Draft | State::Paused | State::Completed | State::Failed | State::Canceled => Step::Stop,
        State::Pending | State::Running if !view.same_account => {
            Step::Pause { because: HaltReason::OtherAccount }
        }
        State::Pending => begin(view, moment.now),
        State::Running => go_on(view, moment.now),
    }
}

/// What a campaign waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What it is.
    pub because: Because,
    /// Until when; none where only a person can end it.
    pub until: Option<DateTime<Utc>>,
    /// The rule and the clock by which it is closed, the cap, or how many calls have failed or were made, or what they cost,
    /// or why there is no answer, if that is why.
    pub rule: Option<String>,
}

/// What a campaign waits for and until when, if it waits: the answer to "why is it not dialing?".
pub fn waits_for(view: &CampaignView, moment: Moment) -> Option<Waiting> {
    let waiting =
        |because, until| Some(Waiting { because, until, rule: closing_rule(view, because, moment.now) });
    match view.state {
        State::Draft => return waiting(Because::Draft, None),
        State::Paused if view.open.is_none() => return waiting(Because::Paused, None),
        _ => {}
    }
    // Whoever asks may sit on another node, or hold no place, or have nobody's word: none of it is what the campaign waits
    // for.
    let asked =
        CampaignView { owned: true, lease_held: true, said_yes: true, place_in_hand: true, ..view.clone() };
    match decide(&asked, moment) {
        // It looks again now and then, but nothing will have changed unless somebody changes it.
        Step::Wait { because: because @ Because::NoCommonHours, .. } => waiting(because, None),
        Step::Wait { because: because @ Because::BeforeCall, .. }
            if matches!(view.hook, HookStanding::Off { .. }) =>
        {
            waiting(because, None)
        }
        Step::Wait { until, because } => waiting(because, Some(until)),
        Step::Settle { .. } | Step::Reconcile { .. } | Step::HangUp { .. } | Step::Reopen { .. } => {
            waiting(Because::CallOpen, Some(moment.now))
        }
        Step::Start
        | Step::Ask
        | Step::Dial
        | Step::AskPrice { .. }
        | Step::Pause { .. }
        | Step::Finish
        | Step::Stop => None,
    }
}

/// Why some of those who are left are never called, for the first of such areas: nothing opens for them within a year.
/// Nothing if there is nobody like that.
pub fn never_called(view: &CampaignView, now: DateTime<Utc>) -> Option<String> {
    if matches!(view.state, State::Completed | State::Failed | State::Canceled) {
        return None;
    }
    let terms = Terms::of(&view.settings, view.rules.as_ref()?);
    queue::first_never_open(&view.queues, &terms, now).map(|because| because.to_string())
}

/// What more can be said of it: the rule and the clock, or the cap, that keep the first who is left from being called, where
/// a campaign waits for that, or how many calls have failed, were made on the day, or what they cost, or why a server gives no
/// answer.
fn closing_rule(view: &CampaignView, because: Because, now: DateTime<Utc>) -> Option<String> {
    if because == Because::CallsFail {
        let Tripped { failures, calls, .. } = breaker::tripped(&view.recent)?;
        return Some(format!("{failures} of the last {calls} calls failed"));
    }
    if let (Because::DailyCap, Some(day)) = (because, view.call_day) {
        let (zone, calls) = (view.settings.timezone.name(), counted(day.calls.into(), "call"));
        return Some(format!("max_calls_per_day: {calls} on {} in {zone}", day.on));
    }
    if let (Because::SpendCap, Some(most)) = (because, view.settings.max_spend) {
        let Spend { spent, unpriced, .. } = view.spend;
        let plural = if unpriced == 1 { "" } else { "s" };
        return Some(format!(
            "max_spend: {spent} of {most}, without the price{plural} of {unpriced} call{plural}"
        ));
    }
    if because == Because::BeforeCall {
        return view.hook.why().map(str::to_owned);
    }
    let (Because::OutsideHours
    | Because::Holiday
    | Because::CalledPartyHours
    | Because::NoCommonHours
    | Because::Capped) = because
    else {
        return None;
    };
    let terms = Terms::of(&view.settings, view.rules.as_ref()?);
    match first_turn(&view.queues, &terms, now) {
        Turn::NotUntil { because: Reason::Capped(limit), .. } => Some(limit.to_string()),
        Turn::NotUntil { because, .. } | Turn::Never { because } => Some(because.to_string()),
        Turn::Now | Turn::Nobody => None,
    }
}

fn look_after(view: &CampaignView, open: &OpenAttempt, moment: Moment) -> Step {
    let attempt = open.id;
    match open.stage {
        Stage::Ended { at, awaits_verdict: true, .. } if at + VERDICT_WITHIN > moment.now => {
            Step::Wait { until: at + VERDICT_WITHIN, because: Because::CallOpen }
        }
        Stage::Ended { outcome, at, .. } => {
            let verdict = view.settings.verdict(&Ended { outcome, at, earlier: open.earlier }, moment.jitter);
            Step::Settle { attempt, outcome, ended_at: at, verdict }
        }
        Stage::Under { silence, asked_at } => {
            let now = moment.now;
            let ending = ending(view, open, silence, now);
            let end_again_at = open.end_asked_at.map(|at| at + END_AGAIN_AFTER).filter(|at| *at > now);
            if let (Some(ending), None) = (ending, end_again_at) {
                return Step::HangUp { attempt, ending };
            }
            let asked_at = asked_at.filter(|asked_at| !lies_ahead(*asked_at, now));
            let ask_at = match lies_ahead(silence.since(), now) {
                true => asked_at.map_or(now, |asked_at| asked_at + LOOK_AGAIN_AFTER),
                false => silence.ask_at(asked_at, view.settings.ring_time()),
            };
            if ask_at > now {
                let end_again_at = end_again_at.filter(|_| ending.is_some());
                let rings_until = rings_until(view, open, silence, now).filter(|until| *until > now);
                let until = [end_again_at, rings_until].into_iter().flatten().fold(ask_at, DateTime::min);
                return Step::Wait { until, because: Because::CallOpen };
            }
            if view.same_account {
                return Step::Reconcile { attempt, silence };
            }
            // Only the account that placed the call can be asked about it. Nobody waits for it longer than it can last.
            let over_at = silence.over_at(view.settings.ring_time(), view.settings.max_call_time());
            if over_at > now {
                let until = over_at.min(now + LOOK_AGAIN_AFTER);
                return Step::Wait { until, because: Because::CallOpen };
            }
            let outcome = Outcome::Unknown;
            let verdict =
                view.settings.verdict(&Ended { outcome, at: now, earlier: open.earlier }, moment.jitter);
            Step::Settle { attempt, outcome, ended_at: now, verdict }
        }
    }
}

/// How the call of an open attempt is to be ended now, if it is. Only one whose id is known can be, by the account that
/// placed it.
///
/// The last call of a window begins early enough to ring to its end. One that rings on when the hours are over has waited
/// in the provider's queue.
fn ending(view: &CampaignView, open: &OpenAttempt, silence: Silence, now: DateTime<Utc>) -> Option<Ending> {
    if !view.same_account {
        return None;
    }
    let may_not_ring = match open.objection {
        Some(Objection::EndWanted) => {
            return (!matches!(silence, Silence::Unplaced { .. })).then_some(Ending::Anyway);
        }
        Some(Objection::Suppressed { until }) => {
            view.settings.suppression.end_ringing_calls && is_in_force(until, now)
        }
        None => false,
    };
    let may_not_ring =
        may_not_ring || rings_until(view, open, silence, now).is_some_and(|until| until <= now);
    (may_not_ring && matches!(silence, Silence::Ringing { .. })).then_some(Ending::UnlessTaken)
}

/// Until when the call of an open attempt may ring, if it is not known to have been taken: `now` if the hours are over.
fn rings_until(
    view: &CampaignView,
    open: &OpenAttempt,
    silence: Silence,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Silence::Ringing { .. } = silence else { return None };
    let terms = Terms::of(&view.settings, view.rules.as_ref()?);
    Some(terms.rings_until(&open.area, now).unwrap_or(now))
}

fn begin(view: &CampaignView, now: DateTime<Utc>) -> Step {
    match view.starts_at {
        Some(starts_at) if starts_at > now => {
            let repeats = view.settings.schedule.is_some();
            let because = if repeats { Because::NextRun } else { Because::NotStarted };
            Step::Wait { until: starts_at, because }
        }
        _ => Step::Start,
    }
}

/// Whether what has happened lies further ahead than clocks differ: the one that all follow was set back since.
fn lies_ahead(happened_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    happened_at > now + CLOCKS_DIFFER_BY
}

fn go_on(view: &CampaignView, now: DateTime<Utc>) -> Step {
    if !view.has_unfinished {
        return Step::Finish;
    }
    if view.limit_left == Some(0) {
        return Step::Pause { because: HaltReason::LimitReached };
    }
    let settings = &view.settings;
    let Some(rules) = &view.rules else { return Step::Pause { because: HaltReason::RulesMissing } };
    // Whose hours nobody can tell is not called, and holds nobody up.
    if view.zone_missing && view.queues.is_empty() {
        return Step::Pause { because: HaltReason::ZoneMissing };
    }
    match view.spend.standing(settings.max_spend) {
        Standing::MayCall => {}
        Standing::AwaitsPrices => {
            let asked_at = view.price_question.map(|question| question.ask_at.max(now));
            let until = asked_at.unwrap_or(now + LOOK_AGAIN_AFTER);
            return Step::Wait { until, because: Because::SpendCap };
        }
        Standing::UsedUp => return Step::Pause { because: HaltReason::SpendCap },
    }
    let terms = Terms::of(settings, rules);
    let turn = first_turn(&view.queues, &terms, now);
    if let Some(step) = day_is_full(view, &terms, &turn, now).or_else(|| closed(&turn, now)) {
        return step;
    }
    let last_call_ended_at = view.last_call_ended_at.filter(|ended_at| !lies_ahead(*ended_at, now));
    if let Some(ready_at) = last_call_ended_at.map(|ended_at| settings.pacing.ready_at(ended_at))
        && ready_at > now
    {
        return Step::Wait { until: ready_at, because: Because::Pacing };
    }
    match turn {
        Turn::Now => {}
        Turn::NotUntil { at, because } => return Step::Wait { until: at, because: because.into() },
        Turn::Never { .. } | Turn::Nobody => {
            return Step::Wait { until: now + LOOK_AGAIN_AFTER, because: Because::NobodyDue };
        }
    }
    let newest = view.recent.first().map(|call| call.ended_at);
    if let Some(Tripped { until, .. }) = breaker::tripped(&view.recent).filter(|tripped| tripped.until > now)
        && newest.is_some_and(|ended_at| !lies_ahead(ended_at, now))
    {
        return Step::Wait { until, because: Because::CallsFail };
    }
    if !view.lease_held {
        return Step::Wait { until: now + LOOK_AGAIN_AFTER, because: Because::NodeIsolated };
    }
    let next_place_at = match view.account {
        AccountView::Closed { until, because } if until > now => {
            let because = match because {
                Closure::RateLimited => Because::RateLimited,
                Closure::ProviderDown => Because::ProviderDown,
            };
            return Step::Wait { until, because };
        }
        AccountView::Closed { .. } => now,
        AccountView::Open { next_place_at } => next_place_at.max(now),
    };
    // Before a place is asked for, which a veto would waste.
    let duty = settings.before_call.map(|asking| asking.duty(&view.hook, view.said_yes, now));
    match duty.unwrap_or(Duty::Call) {
        Duty::Ask => return Step::Ask,
        Duty::Wait { until } => {
            let until = until.unwrap_or(now + LOOK_AGAIN_AFTER);
            return Step::Wait { until, because: Because::BeforeCall };
        }
        Duty::Call => {}
    }
    if view.place_in_hand {
        return Step::Dial;
    }
    Step::Wait { until: next_place_at + LOOK_AGAIN_AFTER, because: Because::RateLimited }
}

/// The wait of a campaign that has made its calls of the day, if somebody could be called before the day ends: until the
/// first can be called on another day.
fn day_is_full(view: &CampaignView, terms: &Terms<'_>, turn: &Turn<'_>, now: DateTime<Utc>) -> Option<Step> {
    let settings = &view.settings;
    let until = daily_cap::full_until(settings.max_calls_per_day, view.call_day, &settings.timezone, now)?;
    match *turn {
        Turn::Now => {}
        Turn::NotUntil { at, .. } if at < until => {}
        Turn::NotUntil { .. } | Turn::Never { .. } | Turn::Nobody => return None,
    }
    let until = match first_turn(&view.queues, terms, until) {
        Turn::NotUntil { at, .. } => at,
        Turn::Now | Turn::Never { .. } | Turn::Nobody => until,
    };
    Some(Step::Wait { until, because: Because::DailyCap })
}

/// The wait of a campaign for which it is closed, whatever else it would wait for.
fn closed(turn: &Turn<'_>, now: DateTime<Utc>) -> Option<Step> {
    match *turn {
        Turn::NotUntil { because: Reason::NotDue | Reason::Capped(_), .. } | Turn::Now | Turn::Nobody => None,
        Turn::NotUntil { at, because } => Some(Step::Wait { until: at, because: because.into() }),
        Turn::Never { .. } => {
            let until = now + LOOK_AGAIN_WHEN_NEVER_OPEN;
            Some(Step::Wait { until, because: Because::NoCommonHours })
        }
    }
}

#[cfg(test)]
mod tests;

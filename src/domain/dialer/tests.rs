use std::collections::{BTreeMap, BTreeSet};

use chrono::Timelike;
use proptest::prelude::*;

use super::*;
use crate::domain::area::Area;
use crate::domain::before_call::{BeforeCall, IfSilent};
use crate::domain::caps::Caps;
use crate::domain::hours::{BusinessHours, Opening, SimpleHours};
use crate::domain::money::Money;
use crate::domain::recurrence::{Expression, Recurrence};
use crate::domain::retry::{RetryPolicy, SimplePolicy};
use crate::domain::rules::tests::{around_the_clock, eight_to_nine, is_eight_to_nine};
use crate::domain::settings::tests::settings;
use crate::domain::suppression::OnSuppression;
use crate::domain::zone::Candidates;

/// Monday, ten o'clock in New York, in the middle of the hours.
fn now() -> DateTime<Utc> {
    "2026-03-02T15:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

fn moment() -> Moment {
    Moment { now: now(), jitter: 0.0 }
}

const ATTEMPT: Uuid = Uuid::from_u128(7);

/// A campaign that nothing keeps from dialing.
fn ready() -> CampaignView {
    CampaignView {
        state: State::Running,
        owned: true,
        same_account: true,
        settings: Arc::new(Settings { business_hours: BusinessHours::default(), ..settings() }),
        starts_at: None,
        open: None,
        revived: None,
        last_call_ended_at: Some(after(-10)),
        call_day: None,
        limit_left: None,
        spend: Spend::default(),
        price_question: None,
        recent: Vec::new(),
        rules: Some(around_the_clock()),
        zone_missing: false,
        queues: due(Some(after(0))),
        has_unfinished: true,
        account: AccountView::Open { next_place_at: after(0) },
        lease_held: true,
        hook: HookStanding::Answers,
        said_yes: false,
        place_in_hand: true,
    }
}

/// The queue of people in New York, the first of whom is due then.
fn due(at: Option<DateTime<Utc>>) -> Vec<Queue> {
    let area = area("America/New_York");
    at.map(|next_due_at| Queue { number: 0, area, next_due_at, calls_to_next: Vec::new() })
        .into_iter()
        .collect()
}

fn area(zones: &str) -> Arc<Area> {
    Arc::new(Area::parse(Some(zones), "column", "").unwrap())
}

/// A number is left alone for an hour after a call.
fn with_a_gap(view: &mut CampaignView) {
    let caps = Caps { minimum_gap: Some("1h".to_owned().try_into().unwrap()), ..Caps::default() };
    view.settings = Arc::new(Settings { caps, ..(*view.settings).clone() });
}

/// Those who are left are in Auckland, and want to sleep there.
fn in_auckland(view: &mut CampaignView) {
    view.queues = vec![Queue { area: area("Pacific/Auckland"), ..due(Some(after(0))).remove(0) }];
    view.rules = Some(eight_to_nine());
}

/// One call a day, and it was made.
fn with_a_full_day(view: &mut CampaignView) {
    view.settings = Arc::new(Settings { max_calls_per_day: Some(1), ..(*view.settings).clone() });
    view.call_day = Some(CallDay { on: "2026-03-02".parse().unwrap(), calls: 1 });
}

/// It may spend a dollar and has spent this much, while the prices of so many calls are not known.
fn with_spend(view: &mut CampaignView, spent: &str, unpriced: u32) {
    let money = |text| Money::parse(text).unwrap();
    view.settings = Arc::new(Settings { max_spend: Some(money("1")), ..(*view.settings).clone() });
    view.spend = Spend { spent: money(spent), unpriced, highest: money("0.05") };
}

/// The price of a call is asked for so many seconds from now.
fn question(seconds: i64) -> Option<PriceQuestion> {
    Some(PriceQuestion { attempt: ATTEMPT, ask_at: after(seconds) })
}

/// Somebody is asked before each call.
fn asking(view: &mut CampaignView, if_silent: IfSilent) {
    let before_call = Some(BeforeCall { hook: Uuid::from_u128(9), timeout_seconds: 3, if_silent });
    view.settings = Arc::new(Settings { before_call, ..(*view.settings).clone() });
}

/// He gave no answer.
fn silent() -> HookStanding {
    HookStanding::Silent { until: after(20), why: "no answer within 3 seconds".to_owned() }
}

fn with_windows(view: &mut CampaignView, written: &str) {
    let business_hours = serde_json::from_str(written).unwrap();
    view.settings = Arc::new(Settings { business_hours, ..(*view.settings).clone() });
}

fn with_hours(view: &mut CampaignView, end: &str) {
    let hours = SimpleHours { end_time: end.to_owned().try_into().unwrap(), ..SimpleHours::default() };
    let business_hours = BusinessHours::Simple(hours);
    view.settings = Arc::new(Settings { business_hours, ..(*view.settings).clone() });
}

fn open(stage: Stage) -> Option<OpenAttempt> {
    let (area, earlier) = (area("America/New_York"), Earlier::default());
    Some(OpenAttempt { id: ATTEMPT, area, earlier, stage, objection: None, end_asked_at: None })
}

/// A call that has just been heard of, and that should not go on.
fn objected_to(
    objection: Objection,
    silence: Silence,
    asked_seconds_ago: Option<i64>,
) -> Option<OpenAttempt> {
    let end_asked_at = asked_seconds_ago.map(|seconds| after(-seconds));
    let call = open(Stage::Under { silence, asked_at: None });
    call.map(|call| OpenAttempt { objection: Some(objection), end_asked_at, ..call })
}

const SUPPRESSED: Objection = Objection::Suppressed { until: None };

fn ringing() -> Silence {
    Silence::Ringing { heard_at: after(0) }
}

fn talking() -> Silence {
    Silence::Talking { heard_at: after(0) }
}

fn ended(outcome: Outcome) -> Option<OpenAttempt> {
    open(Stage::Ended { outcome, at: after(-1), awaits_verdict: false })
}

fn unplaced(seconds_ago: i64) -> Option<OpenAttempt> {
    let silence = Silence::Unplaced { intended_at: after(-seconds_ago) };
    open(Stage::Under { silence, asked_at: None })
}

fn wait(because: Because, seconds: i64) -> Step {
    Step::Wait { until: after(seconds), because }
}

type Row = (&'static str, fn(&mut CampaignView), Step);

/// Every step and every reason, in the order of precedence: each row changes the view that is ready to dial.
fn table() -> Vec<Row> {
    let tomorrow_at_nine = 23 * 3600;
    let settle = |outcome, verdict| Step::Settle { attempt: ATTEMPT, outcome, ended_at: after(-1), verdict };
    vec![
        ("another node's campaign is left alone", |view| view.owned = false, Step::Stop),
        (
            "an answered call completes its contact",
            |view| view.open = ended(Outcome::Answered),
            settle(Outcome::Answered, Verdict::Completed),
        ),
        (
            "a call that cannot succeed gives its contact up",
            |view| view.open = ended(Outcome::InvalidNumber),
            settle(Outcome::InvalidNumber, Verdict::Failed),
        ),
        (
            "a call that was not answered makes its contact due again",
            |view| view.open = ended(Outcome::NoAnswer),
            settle(Outcome::NoAnswer, Verdict::Due(after(3600 - 1))),
        ),
        (
            "a verdict on who took the call is waited for after its end",
            |view| {
                let (outcome, at) = (Outcome::Answered, after(-1));
                view.open = open(Stage::Ended { outcome, at, awaits_verdict: true });
            },
            wait(Because::CallOpen, 9),
        ),
        (
            "a verdict is not waited for longer than ten seconds",
            |view| {
                let (outcome, at) = (Outcome::Answered, after(-10));
                view.open = open(Stage::Ended { outcome, at, awaits_verdict: true });
            },
            Step::Settle {
                attempt: ATTEMPT,
                outcome: Outcome::Answered,
                ended_at: after(-10),
                verdict: Verdict::Completed,
            },
        ),
        (
            "a call that somebody wants ended is ended, whoever talks in it",
            |view| {
                view.open = objected_to(Objection::EndWanted, talking(), None);
                view.same_account = true;
            },
            Step::HangUp { attempt: ATTEMPT, ending: Ending::Anyway },
        ),
        (
            "a call that nobody has taken is ended when its number is suppressed",
            |view| view.open = objected_to(SUPPRESSED, ringing(), Some(5)),
            Step::HangUp { attempt: ATTEMPT, ending: Ending::UnlessTaken },
        ),
        (
            "the provider is given a while to end it",
            |view| view.open = objected_to(SUPPRESSED, ringing(), Some(2)),
            wait(Because::CallOpen, 3),
        ),
        (
            "a call in silence is asked about",
            |view| {
                view.open = unplaced(2);
                view.same_account = true;
            },
            Step::Reconcile { attempt: ATTEMPT, silence: Silence::Unplaced { intended_at: after(-2) } },
        ),
        (
            "a call of another account cannot be asked about",
            |view| {
                view.open = unplaced(2);
                view.same_account = false;
            },
            wait(Because::CallOpen, 30),
        ),
        (
            "a call of another account is given up when it cannot last any longer",
            |view| {
                view.open = unplaced(30 + 1800 + 180);
                view.same_account = false;
            },
            Step::Settle {
                attempt: ATTEMPT,
                outcome: Outcome::Unknown,
                ended_at: after(0),
                verdict: Verdict::Due(after(3600)),
            },
        ),
        ("a call under way is waited for", |view| view.open = unplaced(1), wait(Because::CallOpen, 1)),
        (
            "an unknown attempt that proved alive is opened again",
            |view| {
                (view.open, view.revived) = (None, Some(ATTEMPT));
                view.same_account = true;
            },
            Step::Reopen { attempt: ATTEMPT },
        ),
        ("a draft is not run", |view| stay(view, State::Draft), Step::Stop),
        ("a paused campaign is not run", |view| stay(view, State::Paused), Step::Stop),
        ("a completed campaign is not run", |view| stay(view, State::Completed), Step::Stop),
        ("a failed campaign is not run", |view| stay(view, State::Failed), Step::Stop),
        ("a canceled campaign is not run", |view| stay(view, State::Canceled), Step::Stop),
        (
            "a campaign of another account is paused before it begins",
            |view| (view.state, view.same_account) = (State::Pending, false),
            Step::Pause { because: HaltReason::OtherAccount },
        ),
        (
            "a campaign of another account is paused",
            |view| (view.state, view.same_account) = (State::Running, false),
            Step::Pause { because: HaltReason::OtherAccount },
        ),
        (
            "a campaign with a schedule waits for its next run",
            |view| {
                (view.state, view.same_account, view.starts_at) = (State::Pending, true, Some(after(60)));
                let schedule = Some(Recurrence { cron: Expression::parse("0 9 * * MON-FRI").unwrap() });
                view.settings = Arc::new(Settings { schedule, ..(*view.settings).clone() });
            },
            wait(Because::NextRun, 60),
        ),
        (
            "a start that is yet to come is waited for",
            |view| {
                (view.state, view.same_account) = (State::Pending, true);
                view.starts_at = Some(after(60));
            },
            wait(Because::NotStarted, 60),
        ),
        (
            "a start that has come is made",
            |view| (view.state, view.starts_at) = (State::Pending, Some(after(0))),
            Step::Start,
        ),
        (
            "a campaign without a start time starts at once",
            |view| (view.state, view.starts_at) = (State::Pending, None),
            Step::Start,
        ),
        (
            "a campaign with nobody left is completed, at any hour",
            |view| (view.state, view.has_unfinished) = (State::Running, false),
            Step::Finish,
        ),
        (
            "a campaign that has called as many as it was started for is paused",
            |view| (view.limit_left, view.has_unfinished) = (Some(0), true),
            Step::Pause { because: HaltReason::LimitReached },
        ),
        (
            "without the rules that it goes by nobody is called",
            |view| (view.rules, view.limit_left) = (None, Some(1)),
            Step::Pause { because: HaltReason::RulesMissing },
        ),
        (
            "where nobody can tell the hours of anybody who is left nobody is called",
            |view| {
                (view.rules, view.zone_missing) = (Some(around_the_clock()), true);
                view.queues = Vec::new();
            },
            Step::Pause { because: HaltReason::ZoneMissing },
        ),
        (
            "a campaign that has spent what it may is paused",
            |view| {
                (view.zone_missing, view.has_unfinished) = (false, true);
                (view.rules, view.price_question) = (Some(around_the_clock()), None);
                with_spend(view, "1", 0);
            },
            Step::Pause { because: HaltReason::SpendCap },
        ),
        (
            "a price that may be the last is asked for",
            |view| {
                view.price_question = question(0);
                with_spend(view, "0.95", 1);
            },
            Step::AskPrice { attempt: ATTEMPT, before: None },
        ),
        (
            "and waited for",
            |view| {
                view.price_question = question(60);
                with_spend(view, "0.95", 1);
            },
            wait(Because::SpendCap, 60),
        ),
        (
            "nobody is called any more on a day that has had its calls",
            |view| {
                (view.zone_missing, view.queues) = (false, due(Some(after(0))));
                (view.rules, view.has_unfinished) = (Some(around_the_clock()), true);
                with_hours(view, "17:00");
                with_a_full_day(view);
            },
            wait(Because::DailyCap, tomorrow_at_nine),
        ),
        (
            "nobody is called outside the hours",
            |view| {
                (view.zone_missing, view.queues) = (false, due(Some(after(0))));
                view.has_unfinished = true;
                with_hours(view, "10:00");
            },
            wait(Because::OutsideHours, tomorrow_at_nine),
        ),
        (
            "nobody is called on a holiday",
            |view| {
                (view.rules, view.queues) = (Some(around_the_clock()), due(Some(after(0))));
                with_windows(
                    view,
                    r#"{"windows":{"mon-fri":[["09:00","17:00"]]},"holidays":["2026-03-02"]}"#,
                );
            },
            wait(Because::Holiday, tomorrow_at_nine),
        ),
        (
            "nobody is called while it is not the time where they are",
            |view| {
                in_auckland(view);
                with_windows(view, r#"{"enabled":false}"#);
            },
            // It is four in the morning there.
            wait(Because::CalledPartyHours, 4 * 3600),
        ),
        (
            "hours that have nothing in common with those of the called are looked at again",
            |view| {
                in_auckland(view);
                with_windows(view, r#"{"windows":{"mon-fri":[["09:00","10:00"]]}}"#);
            },
            wait(Because::NoCommonHours, 24 * 3600),
        ),
        (
            "the pause after a call is kept",
            |view| {
                (view.rules, view.queues) = (Some(around_the_clock()), due(Some(after(0))));
                with_hours(view, "17:00");
                (view.last_call_ended_at, view.price_question) = (Some(after(-9)), None);
            },
            wait(Because::Pacing, 1),
        ),
        (
            "what a call has cost is asked for while nobody is to be called",
            |view| {
                (view.last_call_ended_at, view.queues) = (None, due(Some(after(90))));
                view.price_question = question(0);
            },
            Step::AskPrice { attempt: ATTEMPT, before: Some(after(90)) },
        ),
        (
            "a contact that is due later is waited for",
            |view| (view.last_call_ended_at, view.queues) = (None, due(Some(after(90)))),
            wait(Because::NobodyDue, 90),
        ),
        (
            "so is one whom a cap holds back",
            |view| {
                with_a_gap(view);
                (view.last_call_ended_at, view.queues) = (None, due(Some(after(90))));
                view.queues[0].calls_to_next = vec![after(90 - 3600)];
            },
            wait(Because::Capped, 90),
        ),
        (
            "unfinished contacts that nobody finds are looked for again",
            |view| view.queues = due(None),
            wait(Because::NobodyDue, 30),
        ),
        (
            "a campaign whose calls fail pauses before it tries one again",
            |view| {
                view.queues = due(Some(after(-5)));
                view.recent = vec![breaker::Call { outcome: Outcome::Failed, ended_at: after(-20) }; 10];
            },
            wait(Because::CallsFail, 40),
        ),
        (
            "a node without its lease does not dial",
            |view| (view.queues, view.lease_held) = (due(Some(after(-5))), false),
            wait(Because::NodeIsolated, 30),
        ),
        (
            "a provider that asks for patience is given it, even with a place in hand",
            |view| {
                view.lease_held = true;
                view.account = closed(20, Closure::RateLimited);
            },
            wait(Because::RateLimited, 20),
        ),
        (
            "a provider that is down is waited for, even with a place in hand",
            |view| view.account = closed(20, Closure::ProviderDown),
            wait(Because::ProviderDown, 20),
        ),
        (
            "a provider that is down is waited for before anybody is asked",
            |view| {
                asking(view, IfSilent::Wait);
                view.account = closed(20, Closure::ProviderDown);
            },
            wait(Because::ProviderDown, 20),
        ),
        (
            "who is to be asked is asked before a place is",
            |view| {
                asking(view, IfSilent::Wait);
                (view.hook, view.said_yes, view.place_in_hand) = (HookStanding::Answers, false, false);
            },
            Step::Ask,
        ),
        (
            "without his word nobody is called",
            |view| {
                asking(view, IfSilent::Wait);
                (view.hook, view.said_yes) = (HookStanding::Answers, false);
            },
            Step::Ask,
        ),
        (
            "who gives no answer is waited for, even with a place in hand",
            |view| {
                asking(view, IfSilent::Wait);
                (view.hook, view.said_yes) = (silent(), true);
            },
            wait(Because::BeforeCall, 20),
        ),
        (
            "who is not there any more is waited for",
            |view| {
                asking(view, IfSilent::Wait);
                view.hook = HookStanding::Off { why: "its hook was deleted" };
            },
            wait(Because::BeforeCall, 30),
        ),
        (
            "who gives no answer is done without where it was set so",
            |view| {
                asking(view, IfSilent::Call);
                (view.hook, view.said_yes, view.place_in_hand) = (silent(), false, true);
            },
            Step::Dial,
        ),
        (
            "with his word a place is waited for",
            |view| {
                asking(view, IfSilent::Wait);
                (view.said_yes, view.place_in_hand) = (true, false);
            },
            wait(Because::RateLimited, 30),
        ),
        (
            "with his word and a place the first due contact is called",
            |view| {
                asking(view, IfSilent::Wait);
                (view.said_yes, view.place_in_hand) = (true, true);
            },
            Step::Dial,
        ),
        (
            "without a place nobody is called though the account has opened again",
            |view| (view.account, view.place_in_hand) = (closed(0, Closure::ProviderDown), false),
            wait(Because::RateLimited, 30),
        ),
        (
            "the next place is waited for",
            |view| {
                view.account = AccountView::Open { next_place_at: after(3) };
                view.place_in_hand = false;
            },
            wait(Because::RateLimited, 33),
        ),
        (
            "a place that should have come is waited for",
            |view| {
                view.account = AccountView::Open { next_place_at: after(-3) };
                view.place_in_hand = false;
            },
            wait(Because::RateLimited, 30),
        ),
        (
            "a place in an account that has opened again is used",
            |view| (view.account, view.place_in_hand) = (closed(0, Closure::RateLimited), true),
            Step::Dial,
        ),
        (
            "with nothing in the way the first due contact is called",
            |view| view.account = AccountView::Open { next_place_at: after(1) },
            Step::Dial,
        ),
    ]
}

fn stay(view: &mut CampaignView, state: State) {
    (view.state, view.revived) = (state, None);
}

fn closed(seconds: i64, because: Closure) -> AccountView {
    AccountView::Closed { until: after(seconds), because }
}

#[test]
fn each_state_of_things_leads_to_its_step() {
    for (sentence, change, expected) in table() {
        let mut view = ready();
        change(&mut view);
        assert_eq!(next_step(&view, moment()), expected, "{sentence}");
    }
}

/// The rows are laid over each other from the last to the first: the one on top decides.
#[test]
fn an_earlier_row_of_the_table_outranks_all_later_ones() {
    let mut view = ready();
    for (sentence, change, expected) in table().into_iter().rev() {
        change(&mut view);
        assert_eq!(next_step(&view, moment()), expected, "{sentence}");
    }
}

#[test]
fn the_table_leaves_no_step_and_no_reason_out() {
    let steps: Vec<Step> = table().into_iter().map(|(_, _, step)| step).collect();
    let kinds: BTreeSet<String> = steps.iter().map(kind).collect();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    let reasons: BTreeSet<Because> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Wait { because, .. } => Some(*because),
            _ => None,
        })
        .collect();
    // Whoever asks is told these two; a campaign itself never waits in them, its actor has ended.
    let told_only = [Because::Draft, Because::Paused];
    assert!(Because::ALL.iter().all(|because| reasons.contains(because) != told_only.contains(because)));
}

fn kind(step: &Step) -> String {
    format!("{step:?}").chars().take_while(|letter| letter.is_alphabetic()).collect()
}

/// By the clock that all follow, and that somebody has set back since.
#[test]
fn what_happened_in_an_hour_from_now_is_waited_for_by_nobody() {
    let view = CampaignView { last_call_ended_at: Some(after(3600)), ..ready() };
    assert_eq!(next_step(&view, moment()), Step::Dial);
    let stage = |asked_at| Stage::Under { silence: Silence::Unplaced { intended_at: after(3600) }, asked_at };
    let step = |asked_at| {
        let open = open(stage(asked_at));
        next_step(&CampaignView { open, ..ready() }, moment())
    };
    assert!(matches!(step(None), Step::Reconcile { .. }), "{:?}", step(None));
    assert_eq!(step(Some(after(-10))), wait(Because::CallOpen, 20));
    assert!(matches!(step(Some(after(3600))), Step::Reconcile { .. }));
}

#[test]
fn whose_zone_is_missing_holds_nobody_else_up() {
    let step = |queues| next_step(&CampaignView { zone_missing: true, queues, ..ready() }, moment());
    assert_eq!(step(due(Some(after(0)))), Step::Dial);
    assert_eq!(step(due(Some(after(60)))), wait(Because::NobodyDue, 60));
    assert_eq!(step(Vec::new()), Step::Pause { because: HaltReason::ZoneMissing });
}

#[test]
fn a_full_day_is_told_only_where_somebody_could_be_called_before_it_ends() {
    type Row = (&'static str, fn(&mut CampaignView), Step);
    let tomorrow_at_nine = 23 * 3600;
    let rows: [Row; 5] = [
        ("somebody is due later today", |view| view.queues = due(Some(after(60))), {
            wait(Because::DailyCap, tomorrow_at_nine)
        }),
        ("everybody is due tomorrow", |view| view.queues = due(Some(after(25 * 3600))), {
            wait(Because::NobodyDue, 25 * 3600)
        }),
        ("the hours of today are over", |view| with_hours(view, "10:00"), {
            wait(Because::OutsideHours, tomorrow_at_nine)
        }),
        (
            "it calls at any hour",
            |view| with_windows(view, r#"{"enabled":false}"#),
            // Midnight in New York.
            wait(Because::DailyCap, 14 * 3600),
        ),
        (
            "those were the calls of yesterday",
            |view| view.call_day = Some(CallDay { on: "2026-03-01".parse().unwrap(), calls: 9 }),
            Step::Dial,
        ),
    ];
    for (sentence, change, expected) in rows {
        let mut view = ready();
        with_a_full_day(&mut view);
        change(&mut view);
        assert_eq!(next_step(&view, moment()), expected, "{sentence}");
    }
}

#[test]
fn whoever_asks_about_a_full_day_is_told_its_calls() {
    let mut view = ready();
    with_a_full_day(&mut view);
    let waiting = waits_for(&view, moment()).unwrap();
    assert_eq!((waiting.because, waiting.until), (Because::DailyCap, Some(after(23 * 3600))));
    let rule = "max_calls_per_day: 1 call on 2026-03-02 in America/New_York";
    assert_eq!(waiting.rule.as_deref(), Some(rule));
}

#[test]
fn when_the_pause_of_a_campaign_whose_calls_fail_is_over_one_is_made() {
    let failed = |seconds| vec![breaker::Call { outcome: Outcome::Failed, ended_at: after(seconds) }; 10];
    let step = |recent| next_step(&CampaignView { recent, ..ready() }, moment());
    assert_eq!(step(failed(-59)), wait(Because::CallsFail, 1));
    assert_eq!(step(failed(-60)), Step::Dial);
}

#[test]
fn only_a_call_that_should_and_can_be_ended_is_ended() {
    type Row = (&'static str, Option<OpenAttempt>, fn(&mut CampaignView));
    let until = |seconds| Objection::Suppressed { until: Some(after(seconds)) };
    let unplaced = Silence::Unplaced { intended_at: after(0) };
    let table: [Row; 6] = [
        ("a conversation is not cut off by a suppression", objected_to(SUPPRESSED, talking(), None), |_| {}),
        ("nor is a call ended that has no id yet", objected_to(Objection::EndWanted, unplaced, None), |_| {}),
        ("nor one whose number's suppression is over", objected_to(until(0), ringing(), None), |_| {}),
        ("nor where the setting says so", objected_to(SUPPRESSED, ringing(), None), |view| {
            let suppression = OnSuppression { end_ringing_calls: false };
            view.settings = Arc::new(Settings { suppression, ..(*view.settings).clone() });
        }),
        ("nor one of another account", objected_to(Objection::EndWanted, ringing(), None), |view| {
            view.same_account = false;
        }),
        ("nor another node's", objected_to(Objection::EndWanted, ringing(), None), |view| view.owned = false),
    ];
    for (sentence, open, change) in table {
        let mut view = CampaignView { open, ..ready() };
        change(&mut view);
        let step = next_step(&view, moment());
        assert!(matches!(step, Step::Wait { .. } | Step::Stop), "{sentence}: {step:?}");
    }
    let view = CampaignView { open: objected_to(until(1), ringing(), None), ..ready() };
    assert_eq!(next_step(&view, moment()), Step::HangUp { attempt: ATTEMPT, ending: Ending::UnlessTaken });
}

/// The provider had kept it in its queue, and it would ring at night.
#[test]
fn a_call_that_nobody_has_taken_when_the_hours_end_is_ended() {
    let step = |silence, end: &str| {
        let mut view = CampaignView { open: open(Stage::Under { silence, asked_at: None }), ..ready() };
        with_hours(&mut view, end);
        next_step(&view, moment())
    };
    assert_eq!(step(ringing(), "10:00"), Step::HangUp { attempt: ATTEMPT, ending: Ending::UnlessTaken });
    assert_eq!(step(ringing(), "10:01"), wait(Because::CallOpen, 40));
    assert_eq!(step(talking(), "10:00"), wait(Because::CallOpen, 60));
    // It is looked at again when they end.
    let now = now() + TimeDelta::seconds(45);
    let silence = Silence::Ringing { heard_at: now };
    let mut view = CampaignView { open: open(Stage::Under { silence, asked_at: None }), ..ready() };
    with_hours(&mut view, "10:01");
    assert_eq!(next_step(&view, Moment { now, jitter: 0.0 }), wait(Because::CallOpen, 60));
}

#[test]
fn a_contact_is_dialed_only_if_it_can_ring_to_its_end_before_the_hours_end() {
    let five_in_the_afternoon = now() + TimeDelta::hours(7);
    let step = |millis_before| {
        let now = five_in_the_afternoon - TimeDelta::milliseconds(millis_before);
        let next_place_at = now;
        let view = CampaignView { account: AccountView::Open { next_place_at }, ..ready() };
        next_step(&view, Moment { now, jitter: 0.0 })
    };
    // A second until it has left, thirty for ringing, and five that the provider may add.
    assert_eq!(step(36_000), Step::Dial);
    let closed = Step::Wait { until: after(23 * 3600), because: Because::OutsideHours };
    assert_eq!(step(35_999), closed);
    assert_eq!(step(1), closed);
}

/// Who asks why nothing happens is told a reason and an instant, or nothing where something is about to happen.
#[test]
fn whoever_asks_is_told_what_a_campaign_waits_for() {
    type Row = (&'static str, fn(&mut CampaignView), Option<(Because, Option<i64>)>);
    let table: [Row; 14] = [
        ("a draft waits for a person", |view| view.state = State::Draft, Some((Because::Draft, None))),
        (
            "a draft waits for a person first, whatever else is in the way",
            |view| (view.state, view.revived) = (State::Draft, Some(ATTEMPT)),
            Some((Because::Draft, None)),
        ),
        ("a paused one too", |view| view.state = State::Paused, Some((Because::Paused, None))),
        (
            "a paused one waits for its open call first",
            |view| (view.state, view.open) = (State::Paused, unplaced(1)),
            Some((Because::CallOpen, Some(1))),
        ),
        (
            "a call that is being settled counts as under way",
            |view| view.open = ended(Outcome::Busy),
            Some((Because::CallOpen, Some(0))),
        ),
        (
            "so does one that is being ended",
            |view| view.open = objected_to(SUPPRESSED, ringing(), None),
            Some((Because::CallOpen, Some(0))),
        ),
        (
            "so does one that is being asked about",
            |view| view.open = unplaced(5),
            Some((Because::CallOpen, Some(0))),
        ),
        (
            "and one that proved alive",
            |view| view.revived = Some(ATTEMPT),
            Some((Because::CallOpen, Some(0))),
        ),
        (
            "what next_step waits for is what is told",
            |view| view.queues = due(Some(after(90))),
            Some((Because::NobodyDue, Some(90))),
        ),
        (
            "it does not matter on which node the asker sits",
            |view| (view.owned, view.lease_held, view.queues) = (false, false, due(Some(after(90)))),
            Some((Because::NobodyDue, Some(90))),
        ),
        ("nor that he holds no place", |view| (view.owned, view.place_in_hand) = (false, false), None),
        ("nor that he has nobody's word", |view| asking(view, IfSilent::Wait), None),
        ("what is about to dial waits for nothing", |_| {}, None),
        ("nor does what is over", |view| view.state = State::Canceled, None),
    ];
    for (sentence, change, expected) in table {
        let mut view = ready();
        change(&mut view);
        let expected = expected.map(|(because, seconds)| (because, seconds.map(after)));
        let waiting = waits_for(&view, moment());
        assert_eq!(waiting.map(|waiting| (waiting.because, waiting.until)), expected, "{sentence}");
    }
}

#[test]
fn who_waits_for_a_cap_is_told_which_and_nobody_who_would_wait_without_it() {
    // When the first is due, when his number was called, and what is said.
    let capped = Some((Because::Capped, 90, Some("caps: at most 1 call within 1 hour")));
    let table = [
        (90, vec![after(90 - 3600)], capped),
        // Another campaign has called since: it is looked again when the first was to be due.
        (90, vec![after(0), after(90 - 3600)], capped),
        // The cap ends before the backoff does.
        (90, vec![after(89 - 3600)], Some((Because::NobodyDue, 90, None))),
        (90, vec![], Some((Because::NobodyDue, 90, None))),
        // The claim puts him off.
        (0, vec![after(90 - 3600)], None),
    ];
    for (seconds, calls, expected) in table {
        let mut view = ready();
        with_a_gap(&mut view);
        view.queues = due(Some(after(seconds)));
        view.queues[0].calls_to_next = calls.clone();
        let said = waits_for(&view, moment());
        let said =
            said.as_ref().map(|waiting| (waiting.because, waiting.until.unwrap(), waiting.rule.as_deref()));
        let expected = expected.map(|(because, seconds, rule)| (because, after(seconds), rule));
        assert_eq!(said, expected, "due after {seconds}, called at {calls:?}");
    }
}

#[test]
fn every_reason_has_a_sentence_of_its_own() {
    let sentences: BTreeMap<&str, Because> = Because::ALL.iter().map(|one| (one.sentence(), *one)).collect();
    assert_eq!(sentences.len(), Because::ALL.len());
}

/// An instant up to an hour and a half around now, often now itself.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![Just(0), -2_000i64..2_000, -5_400_000i64..5_400_000]
        .prop_map(|millis| now() + TimeDelta::milliseconds(millis))
}

fn stage() -> impl Strategy<Value = Stage> {
    let silence = prop_oneof![
        instant().prop_map(|intended_at| Silence::Unplaced { intended_at }),
        instant().prop_map(|heard_at| Silence::Ringing { heard_at }),
        instant().prop_map(|heard_at| Silence::Talking { heard_at }),
    ];
    prop_oneof![
        (silence, prop::option::of(instant()))
            .prop_map(|(silence, asked_at)| Stage::Under { silence, asked_at }),
        (prop::sample::select(Outcome::ALL), instant(), any::<bool>())
            .prop_map(|(outcome, at, awaits_verdict)| Stage::Ended { outcome, at, awaits_verdict }),
    ]
}

fn objection() -> impl Strategy<Value = Objection> {
    prop_oneof![
        Just(Objection::EndWanted),
        prop::option::of(instant()).prop_map(|until| Objection::Suppressed { until }),
    ]
}

fn account() -> impl Strategy<Value = AccountView> {
    prop_oneof![
        instant().prop_map(|next_place_at| AccountView::Open { next_place_at }),
        (instant(), prop::sample::select(Closure::ALL))
            .prop_map(|(until, because)| AccountView::Closed { until, because }),
    ]
}

/// True most of the time, so that random views are not all stopped by the first rule.
fn mostly() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.85)
}

fn rarely<S: Strategy>(some: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::weighted(0.25, some)
}

prop_compose! {
    fn any_settings()(
        enabled in any::<bool>(),
        days in prop::collection::vec(1u8..=7, 1..7),
        (start, end) in (0u32..24, 0u32..=24).prop_filter("the window has a length", |(start, end)| start != end),
        delay_seconds in 0u32..3600,
        max_retries in 0u32..4,
        ring_seconds in 15u32..60,
        max_calls_per_day in rarely(1u32..4),
        max_spend in rarely(1i64..2_000_000),
        before_call in rarely(prop::sample::select(IfSilent::ALL)),
    ) -> Settings {
        let hour = |hour: u32| format!("{hour:02}:00").try_into().unwrap();
        let mut settings = settings();
        settings.business_hours =
            BusinessHours::Simple(SimpleHours { enabled, days, start_time: hour(start), end_time: hour(end) });
        settings.pacing.delay_seconds = delay_seconds;
        settings.retry_policy = RetryPolicy::Simple(SimplePolicy { max_retries, ..SimplePolicy::default() });
        settings.ring_seconds = ring_seconds;
        settings.max_calls_per_day = max_calls_per_day;
        settings.max_spend = max_spend.and_then(Money::from_millionths);
        settings.before_call =
            before_call.map(|if_silent| BeforeCall { hook: ATTEMPT, timeout_seconds: 3, if_silent });
        settings
    }
}

fn queue() -> impl Strategy<Value = Queue> {
    let zones = ["America/New_York", "America/Chicago,America/New_York", "Asia/Kolkata"];
    let area = prop_oneof![
        prop::sample::select(zones.to_vec())
            .prop_map(|zones| Area::parse(Some(zones), "column", "").unwrap()),
        Just(Area::parse(None, "toll-free", "").unwrap()),
    ];
    (0..9i16, area, instant()).prop_map(|(number, area, next_due_at)| Queue {
        number,
        area: Arc::new(area),
        next_due_at,
        calls_to_next: Vec::new(),
    })
}

prop_compose! {
    fn any_view()(
        state in prop_oneof![3 => Just(State::Running), 1 => prop::sample::select(State::ALL)],
        (owned, same_account, has_unfinished) in (mostly(), mostly(), mostly()),
        (lease_held, place_in_hand, said_yes) in (mostly(), mostly(), any::<bool>()),
        hook in hook(),
        settings in any_settings().prop_map(Arc::new).boxed(),
        starts_at in rarely(instant()),
        open in rarely((0u32..5, stage(), rarely(objection()), rarely(instant()))).boxed(),
        revived in rarely(Just(ATTEMPT)),
        last_call_ended_at in rarely(instant()),
        call_day in rarely((instant(), 0u32..5)),
        limit_left in rarely(0u32..3),
        (spent, unpriced, highest) in (0i64..2_000_000, 0u32..60, 0i64..100_000),
        price_question in rarely(instant()),
        recent in prop::collection::vec(recent_call(), 0..14),
        queues in prop::collection::vec(queue(), 0..4),
        rules in prop::sample::select(vec![around_the_clock(), eight_to_nine()]),
        account in account(),
    ) -> CampaignView {
        CampaignView {
            state, owned, same_account, starts_at, revived, last_call_ended_at, recent, queues, has_unfinished,
            rules: Some(rules), zone_missing: false, account, lease_held, place_in_hand, said_yes, hook,
            spend: Spend {
                spent: Money::from_millionths(spent).unwrap(),
                unpriced,
                highest: Money::from_millionths(highest).unwrap(),
            },
            price_question: price_question.map(|ask_at| PriceQuestion { attempt: ATTEMPT, ask_at }),
            limit_left,
            call_day: call_day.map(|(at, calls)| CallDay { on: settings.timezone.local(at).date(), calls }),
            settings,
            open: open.map(|(tries_before, stage, objection, end_asked_at)| {
                let (area, earlier) = (area("America/Chicago"), busy(tries_before));
                OpenAttempt { id: ATTEMPT, area, earlier, stage, objection, end_asked_at }
            }),
        }
    }
}

fn hook() -> impl Strategy<Value = HookStanding> {
    prop_oneof![
        3 => Just(HookStanding::Answers),
        1 => instant().prop_map(|until| HookStanding::Silent { until, why: "no connection".to_owned() }),
        1 => Just(HookStanding::Off { why: "its hook was deleted" }),
    ]
}

fn recent_call() -> impl Strategy<Value = breaker::Call> {
    let outcome =
        prop::sample::select(vec![Outcome::Failed, Outcome::Failed, Outcome::Failed, Outcome::Answered]);
    (outcome, instant()).prop_map(|(outcome, ended_at)| breaker::Call { outcome, ended_at })
}

/// As many earlier attempts that found the line busy.
fn busy(tries: u32) -> Earlier {
    let attempts = (0..tries).map(|hours| (Outcome::Busy, after(-3600 * i64::from(hours))));
    Earlier::of(attempts, &settings().timezone)
}

fn any_moment() -> impl Strategy<Value = Moment> {
    (-1_000i64..1_000, 0i64..7 * 24, 0.0f64..1.0).prop_map(|(millis, hours, jitter)| Moment {
        now: now() + TimeDelta::hours(hours) + TimeDelta::milliseconds(millis),
        jitter,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_same_view_at_the_same_moment_gives_the_same_step(view in any_view(), moment in any_moment()) {
        let step = next_step(&view, moment);
        prop_assert_eq!(next_step(&view.clone(), moment), step);
    }

    /// Everything that must hold before somebody's telephone rings, each named by itself.
    #[test]
    fn nobody_is_dialed_unless_nothing_stands_against_it(view in any_view(), moment in any_moment()) {
        if next_step(&view, moment) != Step::Dial {
            return Ok(());
        }
        let Moment { now, .. } = moment;
        prop_assert_eq!(view.state, State::Running);
        prop_assert!(view.owned && view.same_account && view.lease_held && view.place_in_hand);
        prop_assert_eq!(view.open, None);
        prop_assert_eq!(view.revived, None);
        prop_assert!(view.has_unfinished);
        let settings = &view.settings;
        let terms = Terms::of(settings, view.rules.as_ref().unwrap());
        let ready = ready_queues(&view.queues, &terms, now);
        prop_assert!(!ready.is_empty());
        for queue in ready {
            prop_assert!(queue.next_due_at <= now);
            let Candidates::In { zones, .. } = &queue.area.zones else { continue };
            let rings_until = now + DIAL_WITHIN + settings.ring_time();
            for at in [now, now + DIAL_WITHIN, rings_until] {
                prop_assert_eq!(settings.business_hours.opening(&settings.timezone, at), Opening::Open);
                let sleeps = zones.zones().iter().any(|zone| !(8..21).contains(&zone.local(at).hour()));
                prop_assert!(!sleeps || !is_eight_to_nine(view.rules.as_ref().unwrap()));
            }
        }
        let pause = TimeDelta::seconds(i64::from(settings.pacing.delay_seconds));
        let is_over = |ended_at| ended_at + pause <= now || ended_at > now + TimeDelta::seconds(60);
        prop_assert!(view.last_call_ended_at.is_none_or(is_over));
        if let AccountView::Closed { until, .. } = view.account {
            prop_assert!(until <= now);
        }
        if let (Some(most), Some(day)) = (settings.max_calls_per_day, view.call_day) {
            prop_assert!(day.calls < most || day.on < settings.timezone.local(now).date());
        }
        prop_assert!(settings.max_spend.is_none_or(|most| view.spend.reckoned() < most));
        prop_assert!(view.limit_left != Some(0));
        if let Some(BeforeCall { if_silent, .. }) = settings.before_call {
            let is_silent = match view.hook {
                HookStanding::Answers => false,
                HookStanding::Silent { until, .. } => until > now,
                HookStanding::Off { .. } => true,
            };
            let may_call = if is_silent { if_silent == IfSilent::Call } else { view.said_yes };
            prop_assert!(may_call);
        }
    }

    /// Whatever may be asked, what is to be done is done, and when it is to be done.
    #[test]
    fn a_question_for_a_price_delays_nothing(view in any_view(), moment in any_moment()) {
        let unasked = next_step(&CampaignView { price_question: None, ..view.clone() }, moment);
        match (next_step(&view, moment), unasked) {
            (Step::AskPrice { before, .. }, Step::Wait { until, because }) => {
                prop_assert!(before == Some(until) || because == Because::SpendCap);
            }
            (Step::Wait { until, because }, Step::Wait { until: unasked, because: same }) => {
                prop_assert!(because == same && (until <= unasked || because == Because::SpendCap));
            }
            (step, unasked) => prop_assert_eq!(step, unasked),
        }
    }

    #[test]
    fn a_wait_ends_in_the_future(view in any_view(), moment in any_moment()) {
        if let Step::Wait { until, because } = next_step(&view, moment) {
            prop_assert!(until > moment.now, "{} until {}", because, until);
        }
    }

    #[test]
    fn a_running_campaign_with_somebody_left_is_never_given_up(view in any_view(), moment in any_moment()) {
        let view = CampaignView { state: State::Running, owned: true, has_unfinished: true, ..view };
        prop_assert!(!matches!(next_step(&view, moment), Step::Stop | Step::Finish));
    }

    #[test]
    fn an_open_attempt_is_looked_after_in_every_state(view in any_view(), moment in any_moment()) {
        let view = CampaignView { owned: true, open: Some(view.open.clone().unwrap_or(unplaced(5).unwrap())), ..view };
        let step = next_step(&view, moment);
        let looked_after = matches!(
            step,
            Step::Settle { .. }
                | Step::Reconcile { .. }
                | Step::HangUp { .. }
                | Step::Wait { because: Because::CallOpen, .. }
        );
        prop_assert!(looked_after, "{:?}", step);
        for &state in State::ALL {
            prop_assert_eq!(next_step(&CampaignView { state, ..view.clone() }, moment), step);
        }
    }

    #[test]
    fn nobody_is_due_before_the_end_of_his_call_and_the_backoff(view in any_view(), moment in any_moment()) {
        if let Step::Settle { ended_at, verdict: Verdict::Due(due_at), .. } = next_step(&view, moment) {
            let RetryPolicy::Simple(policy) = &view.settings.retry_policy else { panic!("a policy by outcome") };
            let tries = view.open.as_ref().map_or(0, |open| open.earlier.tries() as usize + 1);
            let hours = policy.backoff_hours[(tries - 1).min(policy.backoff_hours.len() - 1)];
            let waited = (due_at - ended_at).num_milliseconds() as f64;
            prop_assert!(waited >= hours * 3_600_000.0);
            prop_assert!(tries <= policy.max_retries as usize);
        }
    }

    #[test]
    fn whoever_asks_is_never_told_an_instant_that_is_past(view in any_view(), moment in any_moment()) {
        if let Some(Waiting { until: Some(until), .. }) = waits_for(&view, moment) {
            prop_assert!(until >= moment.now);
        }
    }
}

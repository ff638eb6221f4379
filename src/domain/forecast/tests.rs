use chrono::TimeDelta;

use super::*;
use crate::domain::hours::{BusinessHours, SimpleHours};
use crate::domain::outcome::Outcome;
use crate::domain::pacing::Pacing;
use crate::domain::phone::Phone;
use crate::domain::retry::{RetryPolicy, SimplePolicy};
use crate::domain::rules::Rules;
use crate::domain::rules::tests::{around_the_clock, eight_to_nine};
use crate::domain::settings::Settings;
use crate::domain::settings::tests::settings;
use crate::domain::unmapped::OnUnmapped;

const NEW_YORK: &str = "+12125550101";
const LOS_ANGELES: &str = "+13235550101";
const TOLL_FREE: &str = "+18005550101";

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Ten on a Monday morning in New York, seven in Los Angeles.
fn ten() -> DateTime<Utc> {
    utc("2026-03-02T15:00:00Z")
}

/// So many people with numbers like this one, all due and never tried.
fn due(phone: &str, contacts: u32) -> Pending {
    let area = Area::of(&Phone::from_e164(phone).unwrap(), None, None);
    let tried = vec![(0, contacts)];
    Pending { area: Arc::new(area), suppressed: 0, due: contacts, capped: Vec::new(), later: None, tried }
}

fn standing(areas: Vec<Pending>) -> Standing {
    Standing { areas, ..Standing::default() }
}

/// Somebody who is called once and no more.
fn once() -> RetryPolicy {
    RetryPolicy::Simple(SimplePolicy { max_retries: 0, ..SimplePolicy::default() })
}

/// So many calls, of which so many were answered; it rang for 20 seconds, and was talked for 60.
fn calls(total: u32, answered: u32) -> Vec<Calls> {
    let of = |outcome, calls, talk: f64| {
        let seconds = |each: f64| f64::from(calls) * each;
        Calls { outcome, calls, ring_seconds: seconds(20.0), talk_seconds: seconds(talk) }
    };
    vec![of(Outcome::Answered, answered, 60.0), of(Outcome::NoAnswer, total - answered, 0.0)]
}

fn estimated(standing: &Standing, own: Vec<Calls>, settings: &Settings, rules: &Rules) -> Estimate {
    let past = Past { own, team: Vec::new() };
    estimate(standing, &past, &Terms::of(settings, rules), ten()).unwrap()
}

#[test]
fn everybody_is_counted_once() {
    let (rules, later_at) = (eight_to_nine(), utc("2026-03-02T20:00:00Z"));
    let later = Later { contacts: 4, first_at: later_at, last_at: later_at + TimeDelta::hours(2) };
    let capped = |contacts, first, last| Capped {
        rule: "caps".into(),
        cap: Cap { calls: 1, within: TimeDelta::hours(24) },
        contacts,
        first_at: later_at + TimeDelta::hours(first),
        last_at: later_at + TimeDelta::hours(last),
    };
    let florida = Capped { rule: "us-states/FL".into(), ..capped(2, 5, 5) };
    let mixed = Pending {
        suppressed: 3,
        capped: vec![capped(1, 1, 3), florida.clone()],
        later: Some(later),
        ..due(NEW_YORK, 10)
    };
    let pacific = Pending { capped: vec![capped(3, 2, 4)], later: Some(later), ..due(LOS_ANGELES, 20) };
    // Who is called never is not waited for.
    let nowhere = Pending { capped: vec![capped(1, 0, 9)], ..due(TOLL_FREE, 5) };
    let standing = Standing {
        areas: vec![mixed, pacific, nowhere],
        calling: 1,
        completed: 30,
        failed: 40,
        invalid: 50,
        suppressed: 60,
    };
    let settings = settings();
    let terms = Terms::of(&settings, &rules);
    let seen = forecast(&standing, &terms, ten(), ten());
    let expected = Counts {
        callable_now: 10,
        not_started: 0,
        outside_hours: 20,
        due_later: 8,
        capped: 6,
        suppressed: 63,
        unmapped: 6,
        never: 0,
        calling: 1,
        completed: 30,
        failed: 40,
        invalid: 50,
    };
    assert_eq!(seen.counts, expected);
    assert_eq!(seen.counts.total(), 10 + 3 + 6 + 4 + 20 + 4 + 6 + 1 + 30 + 40 + 50 + 60);
    assert_eq!((seen.first_due_at, seen.capped), (Some(later_at), vec![capped(4, 1, 4), florida]));
    assert_eq!(seen.without_zone, 6);
}

#[test]
fn groups_say_for_whom_it_opens_when_and_by_which_rule_those_first_who_may_be_called() {
    let (settings, rules) = (settings(), eight_to_nine());
    let terms = Terms::of(&settings, &rules);
    // Two states in the zone of New York are one group as long as the rules say the same of them.
    let standing =
        standing(vec![due(TOLL_FREE, 9), due(LOS_ANGELES, 5), due(NEW_YORK, 1), due("+18135550101", 2)]);
    let seen = forecast(&standing, &terms, ten(), ten());
    let said: Vec<_> = seen.groups.iter().map(|group| (group.contacts(), group.decision)).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], (3, Decision::Now { until: utc("2026-03-03T02:00:00Z") }));
    let (5, Decision::NotUntil { at, because }) = said[1] else { panic!("{:?}", said[1]) };
    assert_eq!(at, utc("2026-03-02T16:00:00Z"));
    assert_eq!(
        because.rule().map(|(rule, zone)| (rule, zone.map(|zone| zone.name()))),
        Some(("eight-to-nine", Some("America/Los_Angeles")))
    );
    assert!(matches!(said[2], (9, Decision::Never { because: Reason::Unmapped(_) })), "{:?}", said[2]);
}

#[test]
fn who_is_called_only_when_the_campaign_begins_is_not_counted_as_callable_now() {
    let (settings, rules) = (settings(), eight_to_nine());
    let terms = Terms::of(&settings, &rules);
    let standing = standing(vec![due(NEW_YORK, 5), due(LOS_ANGELES, 3)]);
    let seen = |begins_at: &str| {
        let seen = forecast(&standing, &terms, utc(begins_at), ten());
        let said = seen.groups.iter().map(|group| match group.decision {
            Decision::NotUntil { at, because } => format!("{} {at:?} {}", group.contacts(), because.as_str()),
            decision => format!("{} {decision:?}", group.contacts()),
        });
        assert_eq!(seen.counts.total(), 8);
        (
            seen.counts.callable_now,
            seen.counts.not_started,
            seen.counts.outside_hours,
            said.collect::<Vec<_>>(),
        )
    };
    // A week later, noon in New York.
    let noon = "2026-03-10T16:00:00Z";
    let both = vec![format!("5 {noon} not-started"), format!("3 {noon} not-started")];
    assert_eq!(seen(noon), (0, 8, 0, both));
    // A week later, ten at night in New York.
    let (morning, begins) = ("2026-03-11T12:00:00Z", "2026-03-11T02:00:00Z");
    let apart = vec![format!("3 {begins} not-started"), format!("5 {morning} called-party-hours")];
    assert_eq!(seen(begins), (0, 3, 5, apart));
}

#[test]
fn the_first_call_comes_when_somebody_is_due_and_it_is_time() {
    let settings = Settings { retry_policy: once(), ..settings() };
    let (rules, tonight) = (eight_to_nine(), utc("2026-03-03T04:00:00Z"));
    let terms = Terms::of(&settings, &rules);
    let first = |areas: Vec<Pending>, begins_at: DateTime<Utc>| {
        estimate(&standing(areas), &Past::default(), &terms, begins_at).unwrap().begins_at
    };
    let (new_york, los_angeles) = (due(NEW_YORK, 5), due(LOS_ANGELES, 5));
    let at_six = utc("2026-03-02T23:00:00Z");
    let later = Later { contacts: 5, first_at: at_six, last_at: at_six };
    let later = Pending { due: 0, later: Some(later), ..due(NEW_YORK, 5) };
    let (at_eight, at_eight_there) = (utc("2026-03-03T13:00:00Z"), utc("2026-03-02T16:00:00Z"));
    assert_eq!(first(vec![los_angeles.clone(), new_york.clone()], ten()), ten());
    assert_eq!(first(vec![los_angeles.clone()], ten()), at_eight_there);
    assert_eq!(first(vec![later.clone()], ten()), at_six);
    assert_eq!(first(vec![later.clone(), los_angeles], ten()), at_eight_there);
    assert_eq!(first(vec![new_york, later, due(TOLL_FREE, 5)], tonight), at_eight);
}

#[test]
fn people_without_a_zone_are_counted_as_the_setting_treats_them() {
    let rules = eight_to_nine();
    let standing = standing(vec![due(TOLL_FREE, 5)]);
    let counted = |unmapped: &str| {
        let unmapped: OnUnmapped = serde_json::from_str(unmapped).unwrap();
        let settings = Settings { unmapped, ..settings() };
        let terms = Terms::of(&settings, &rules);
        let seen = forecast(&standing, &terms, ten(), ten());
        assert_eq!(seen.without_zone, 5);
        (seen.counts.unmapped, seen.counts.callable_now, seen.counts.outside_hours)
    };
    assert_eq!(counted(r#""block""#), (5, 0, 0));
    assert_eq!(counted(r#""campaign-zone""#), (0, 5, 0));
    let window = r#"{"safe-window":{"timezone":"America/New_York","window":["14:00","20:00"]}}"#;
    assert_eq!(counted(window), (0, 0, 5));
}

#[test]
fn hours_that_have_nothing_in_common_are_never_open() {
    let business_hours: BusinessHours =
        serde_json::from_str(r#"{"windows": {"mon-fri": [["22:00", "23:00"]]}}"#).unwrap();
    let settings = Settings { business_hours, retry_policy: once(), ..settings() };
    let rules = eight_to_nine();
    let terms = Terms::of(&settings, &rules);
    let standing = standing(vec![due(NEW_YORK, 7), due(LOS_ANGELES, 5)]);
    let seen = forecast(&standing, &terms, ten(), ten());
    assert_eq!((seen.counts.never, seen.counts.outside_hours), (7, 5));
    // Those of whom it is never time are no work either: 22 in New York is 19 in Los Angeles.
    let estimate = estimate(&standing, &Past::default(), &terms, ten()).unwrap();
    assert_eq!(estimate.calls.low, 5);
    assert!(estimate.ends.low.instant() > utc("2026-03-03T03:00:00Z"), "{estimate:?}");
}

#[test]
fn an_estimate_says_on_what_it_is_based() {
    let settings = settings();
    let rates = |own: u32, team: u32| {
        let past = Past { own: calls(own, own / 2), team: calls(team, team / 4) };
        past.rates(&settings)
    };
    let table = [
        (0, 0, Basis::Assumed, 0, 0.2..=0.2, 0.6..=0.6),
        (20, 29, Basis::Assumed, 0, 0.2..=0.2, 0.6..=0.6),
        (30, 10_000, Basis::Campaign, 30, 0.3..=0.35, 0.65..=0.7),
        (10_000, 0, Basis::Campaign, 10_000, 0.48..=0.5, 0.5..=0.52),
        // However many calls were made to other lists, they do not make it as certain as the campaign's own.
        (29, 10_000, Basis::Team, 10_000, 0.15..=0.2, 0.3..=0.35),
    ];
    for (own, team, basis, sample, low, high) in table {
        let rates = rates(own, team);
        assert_eq!(rates.own_calls, own);
        assert_eq!((rates.basis, rates.sample), (basis, sample), "{own} {team}");
        let Range { low: lowest, high: highest } = rates.answered;
        assert!(low.contains(&lowest) && high.contains(&highest), "{own} {team}: {:?}", rates.answered);
        assert_eq!((rates.ring, rates.talk), (TimeDelta::seconds(20), TimeDelta::seconds(60)));
    }
}

#[test]
fn a_campaign_that_has_reached_nobody_or_everybody_so_far_is_not_certain_to_go_on_so() {
    let rates = |answered| Past { own: calls(40, answered), team: Vec::new() }.rates(&settings());
    let (none, all) = (rates(0).answered, rates(40).answered);
    assert!(none.low == 0.0 && (0.05..0.15).contains(&none.high), "{none:?}");
    assert!((0.85..0.95).contains(&all.low) && all.high == 1.0, "{all:?}");
}

#[test]
fn it_takes_a_pause_a_ring_and_the_talk_of_those_who_are_reached_for_each_call() {
    // 1,000 calls of 10 + 20 + 0.5 · 60 seconds, and nobody is called twice.
    let settings = Settings { retry_policy: once(), pacing: Pacing { delay_seconds: 10 }, ..settings() };
    let standing = standing(vec![due(NEW_YORK, 1000)]);
    let seen = estimated(&standing, calls(10_000, 5_000), &settings, &around_the_clock());
    assert_eq!((seen.calls.low, seen.calls.high), (1000, 1000));
    assert!(seen.dialing.low <= TimeDelta::seconds(60_000), "{seen:?}");
    assert!(seen.dialing.high >= TimeDelta::seconds(60_000), "{seen:?}");
    let nominal = ten() + TimeDelta::seconds(60_000);
    let (low, high) = (seen.ends.low.instant(), seen.ends.high.instant());
    assert!(low <= nominal + TimeDelta::minutes(15) && high >= nominal, "{low} {high}");
    assert!(high - low < TimeDelta::hours(1), "{low} {high}");
    assert_eq!(high.timestamp() % 900, 0, "nobody knows the minute");
}

#[test]
fn whoever_is_not_reached_is_called_again_as_often_as_the_policy_allows() {
    // 0.5 of 1,000 are left after each of four rounds: 1,000 · (1 + 0.5 + 0.25 + 0.125).
    let settings = settings();
    let standing = standing(vec![due(NEW_YORK, 1000)]);
    let seen = estimated(&standing, calls(100_000, 50_000), &settings, &around_the_clock());
    assert!((1860..1875).contains(&seen.calls.low), "{seen:?}");
    assert!((1875..1890).contains(&seen.calls.high), "{seen:?}");
    // The unluckiest waits 1, 4 and 24 hours, however few there are to be called.
    let few =
        estimated(&self::standing(vec![due(NEW_YORK, 20)]), calls(40, 4), &settings, &around_the_clock());
    let waits = few.ends.low.instant() - ten();
    assert!((TimeDelta::hours(29)..TimeDelta::hours(31)).contains(&waits), "{waits}");
    // Somebody who has been tried three times is tried once more, and then it is over.
    let tried = Pending { tried: vec![(3, 20)], ..due(NEW_YORK, 20) };
    let last = estimated(&self::standing(vec![tried]), calls(40, 4), &settings, &around_the_clock());
    assert_eq!((last.calls.low, last.calls.high), (20, 20));
    assert!(last.ends.high.instant() - ten() < TimeDelta::hours(1), "{last:?}");
}

#[test]
fn the_hours_of_both_sides_leave_so_much_of_a_day() {
    // From 9 to 17 in New York it is before 8 in Los Angeles for two hours: six are left.
    let business_hours = BusinessHours::Simple(SimpleHours::default());
    let pacing = Pacing { delay_seconds: 10 };
    let settings = Settings { retry_policy: once(), business_hours, pacing, ..settings() };
    let hours = |phone: &str, calls_of_a_minute: u32| {
        let standing = standing(vec![due(phone, calls_of_a_minute)]);
        let seen = estimated(&standing, calls(1_000_000, 500_000), &settings, &eight_to_nine());
        (seen.ends.low.instant(), seen.ends.high.instant())
    };
    let within = |(low, high): (DateTime<Utc>, DateTime<Utc>), from: &str, to: &str| {
        assert!(low >= utc(from) && high <= utc(to), "{low} {high}, expected {from} to {to}");
    };
    // 600 minutes: seven hours are left of Monday, the other three are Tuesday's.
    within(hours(NEW_YORK, 600), "2026-03-03T16:45:00Z", "2026-03-03T17:30:00Z");
    // In Los Angeles it opens at 11 by New York's clock: six hours on Monday, four on Tuesday.
    within(hours(LOS_ANGELES, 600), "2026-03-03T19:45:00Z", "2026-03-03T20:30:00Z");
    // Friday's end is followed by Monday: 39 hours of this week, and one of the next.
    within(hours(NEW_YORK, 40 * 60), "2026-03-09T13:45:00Z", "2026-03-09T14:45:00Z");
}

#[test]
fn an_end_that_is_too_far_away_is_not_told() {
    let settings = Settings { retry_policy: once(), ..settings() };
    let standing = standing(vec![due(NEW_YORK, 4_000_000)]);
    let seen = estimated(&standing, Vec::new(), &settings, &eight_to_nine());
    let (End::After(low), End::After(high)) = (seen.ends.low, seen.ends.high) else { panic!("{seen:?}") };
    assert!(low > ten() + TimeDelta::days(300) && high > ten() + TimeDelta::days(300), "{low} {high}");
}

#[test]
fn a_campaign_with_nobody_left_takes_no_time() {
    let (settings, rules) = (settings(), eight_to_nine());
    let terms = Terms::of(&settings, &rules);
    let blocked = standing(vec![due(TOLL_FREE, 5)]);
    let suppressed = standing(vec![Pending { suppressed: 3, due: 0, tried: Vec::new(), ..due(NEW_YORK, 0) }]);
    for standing in [standing(Vec::new()), blocked, suppressed] {
        assert_eq!(estimate(&standing, &Past::default(), &terms, ten()), None, "{standing:?}");
    }
}

#[test]
fn whoever_is_called_again_waits_for_the_caps_as_well() {
    // Ten are called at once, and who is unlucky four times; the waits of the policy are minutes.
    let standing = standing(vec![due(NEW_YORK, 10)]);
    let ends = |caps: &str| {
        let policy = r#"{"max_attempts": 4, "no-answer": {"after": ["10m"]}}"#;
        let retry_policy = serde_json::from_str(policy).unwrap();
        let settings = Settings { caps: serde_json::from_str(caps).unwrap(), retry_policy, ..settings() };
        estimated(&standing, calls(100_000, 50_000), &settings, &around_the_clock()).ends
    };
    let (free, daily) = (ends("{}"), ends(r#"{"per_day": 1}"#));
    assert!(free.high.instant() < ten() + TimeDelta::hours(2), "{free:?}");
    let days = TimeDelta::days(2)..TimeDelta::days(4);
    assert!(days.contains(&(daily.low.instant() - ten())), "{daily:?}");
    assert!(days.contains(&(daily.high.instant() - ten())), "{daily:?}");
    // Two a day are no hindrance for the second call, but for the third.
    let twice = ends(r#"{"per_day": 2}"#);
    assert!(free.high < twice.high && twice.high < daily.high, "{twice:?}");
}

/// On a Monday from ten in the evening on, by New York's clock, it is time in Los Angeles until nine, two hours later in
/// Honolulu, and in London from eight on.
#[test]
fn a_small_list_is_not_said_to_end_before_the_last_of_it_may_be_called_again() {
    let business_hours: BusinessHours =
        serde_json::from_str(r#"{"windows": {"mon": [["22:00", "06:00"]]}}"#).unwrap();
    let settings = Settings { business_hours, ..settings() };
    let few = standing(vec![due(LOS_ANGELES, 2), due("+18085550101", 1), due("+442079460101", 1)]);
    let Range { low, high } = estimated(&few, Vec::new(), &settings, &eight_to_nine()).ends;
    // Another Monday comes only after the second retry, and London's hours begin five hours after the campaign's.
    assert!(low < high, "a point is no range");
    assert!(low.instant() >= utc("2026-03-10T02:00:00Z"), "{low:?}");
    assert!(high.instant() > utc("2026-03-10T08:00:00Z"), "{high:?}");
    // Whoever is alone may need every attempt: 1, 4 and 24 hours, and the time of the last call.
    let alone =
        estimated(&standing(vec![due(NEW_YORK, 1)]), Vec::new(), &self::settings(), &around_the_clock());
    assert!(alone.ends.high.instant() > ten() + TimeDelta::hours(29), "{alone:?}");
    let again = calls(100_000, 80_000);
    let lucky = estimated(&standing(vec![due(NEW_YORK, 1)]), again, &self::settings(), &around_the_clock());
    assert!(lucky.ends.low.instant() < ten() + TimeDelta::hours(1), "{lucky:?}");
    assert!(lucky.ends.high.instant() > ten() + TimeDelta::hours(1), "{lucky:?}");
}

#[test]
fn whoever_is_due_later_is_waited_for() {
    let last_at = ten() + TimeDelta::days(3);
    let later = Later { contacts: 1, first_at: last_at, last_at };
    let waiting = Pending { due: 0, later: Some(later), ..due(NEW_YORK, 1) };
    let settings = Settings { retry_policy: once(), ..settings() };
    let seen = estimated(&standing(vec![waiting]), Vec::new(), &settings, &eight_to_nine());
    assert_eq!(seen.ends.low, End::At(last_at));
    let cap = Cap { calls: 1, within: TimeDelta::days(7) };
    let capped = Capped { rule: "caps".into(), cap, contacts: 1, first_at: last_at, last_at };
    let capped = Pending { due: 0, capped: vec![capped], ..due(NEW_YORK, 1) };
    let seen = estimated(&standing(vec![capped]), Vec::new(), &settings, &eight_to_nine());
    assert_eq!(seen.ends.low, End::At(last_at));
}

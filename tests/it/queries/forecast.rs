//! The counts of a forecast, held against deciding contact by contact.

use std::sync::Arc;

use outdial::db::contacts::{Contact, find_contact};
use outdial::db::forecast::{Reading, read_forecast};
use outdial::db::suppressions::find_suppression;
use outdial::domain::area::Area;
use outdial::domain::contactable::{Decision, Person, Reason};
use outdial::domain::forecast::{Capped, Counts, Limit, forecast};
use outdial::domain::suppression::is_in_force;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// New York, Los Angeles, Chicago, Honolulu, Chicago or New York, nowhere.
const AREA_CODES: [u32; 6] = [212, 323, 312, 808, 850, 800];

impl Bench {
    async fn read(&self, campaign: Uuid, limits: &[Limit], now: DateTime<Utc>) -> Reading {
        let limits = |_: &Settings, _: &[Arc<Area>]| limits.to_vec();
        let reading = read_forecast(&self.database, (self.team, campaign), ACCOUNT, limits, now).await;
        reading.unwrap().expect("the campaign")
    }

    /// A draft of a hundred people and more, in all areas, who stand in whatever way.
    async fn mixed(&self, chance: &mut StdRng) -> Uuid {
        let phones = AREA_CODES.iter().flat_map(|code| (0..20).map(move |n| format!("+1{code}55501{n:02}")));
        let phones: Vec<String> = phones.collect();
        let campaign = self.draft(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let psql = self.psql().await;
        for phone in &phones {
            if chance.random_bool(0.1) {
                let expires_at = chance.random_bool(0.5).then(|| self.minutes(chance.random_range(1..2000)));
                let listed = suppressions::asked(phone);
                let listed = outdial::db::suppressions::NewSuppression { expires_at, ..listed };
                suppress(&self.database, self.team, &listed, self.now).await.unwrap();
            }
            let (state, outcome) = match chance.random_range(0..20) {
                0..=1 => ("completed", Some("answered")),
                2 => ("failed", Some("no-answer")),
                3 => ("failed", Some("invalid-number")),
                4 => ("suppressed", None),
                _ => ("pending", None),
            };
            let due_at =
                (state == "pending").then(|| self.minutes(chance.random_range(-600..1200)).to_rfc3339());
            let attempts = chance.random_range(0..4);
            let sql = "
                UPDATE contacts SET state = $3, last_outcome = $4, due_at = $5::text::timestamptz, timed = true,
                       attempts = $6
                WHERE campaign_id = $1 AND phone = $2";
            psql.execute(sql, &[&campaign, &phone, &state, &outcome, &due_at, &attempts]).await.unwrap();
        }
        let recount = "
            UPDATE campaigns SET (pending, completed, failed, suppressed, outcomes) = (
                SELECT (count(*) FILTER (WHERE state = 'pending'))::int,
                       (count(*) FILTER (WHERE state = 'completed'))::int,
                       (count(*) FILTER (WHERE state = 'failed'))::int,
                       (count(*) FILTER (WHERE state = 'suppressed'))::int,
                       jsonb_build_object('invalid-number', count(*) FILTER (WHERE last_outcome = 'invalid-number'))
                FROM contacts WHERE campaign_id = $1)
            WHERE id = $1";
        psql.execute(recount, &[&campaign]).await.unwrap();
        campaign
    }

    /// What deciding about each contact comes to.
    async fn one_by_one(&self, contacts: &[Contact], terms: &Terms<'_>, now: DateTime<Utc>) -> Counts {
        let mut counts = Counts::default();
        for contact in contacts {
            let listed = find_suppression(&self.database, self.team, &contact.phone).await.unwrap();
            let person = Person {
                state: contact.state,
                due_at: contact.due_at,
                area: &contact.area,
                is_suppressed: listed.is_some_and(|listed| is_in_force(listed.expires_at, now)),
                calls: &[],
            };
            let count = match terms.decide(&person, now) {
                Decision::Now { .. } => &mut counts.callable_now,
                Decision::NotUntil { because: Reason::BeingCalled, .. } => &mut counts.calling,
                Decision::NotUntil { .. } if contact.due_at.is_some_and(|at| at > now) => {
                    &mut counts.due_later
                }
                Decision::NotUntil { .. } => &mut counts.outside_hours,
                Decision::Never { because: Reason::Unmapped(_) } => &mut counts.unmapped,
                Decision::Never { because: Reason::Suppressed } => &mut counts.suppressed,
                Decision::Never { because: Reason::Final(ContactState::Suppressed) } => {
                    &mut counts.suppressed
                }
                Decision::Never { because: Reason::Final(ContactState::Completed) } => &mut counts.completed,
                Decision::Never { because: Reason::Final(_) } => match contact.last_outcome {
                    Some(Outcome::InvalidNumber) => &mut counts.invalid,
                    _ => &mut counts.failed,
                },
                Decision::Never { .. } => &mut counts.never,
            };
            *count += 1;
        }
        counts
    }
}

fn with(changes: serde_json::Value) -> Settings {
    let mut written = serde_json::to_value(settings()).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        written[key] = value.clone();
    }
    serde_json::from_value(written).unwrap()
}

#[tokio::test]
async fn counting_by_area_comes_to_what_deciding_contact_by_contact_does() {
    let bench = Bench::new().await;
    let mut chance = StdRng::seed_from_u64(20_261_121);
    let campaign = bench.mixed(&mut chance).await;
    let contacts = bench.contacts(campaign).await;
    let library = Library::shipped().unwrap();
    let safe = json!({"safe-window": {"timezone": "America/New_York", "window": ["14:00", "20:00"]}});
    // In the last it is never time in New York, where 22:00 is not before 21:00.
    // Looking a year ahead for each of them takes its time, so there it is done at one moment.
    let moments: &[i64] = &[0, 187, 777, 2000];
    let variants = [
        (with(json!({})), moments),
        (with(json!({"unmapped": "campaign-zone", "rules": ["us", "us-states"]})), moments),
        (with(json!({"unmapped": safe, "business_hours": {"enabled": false}})), moments),
        (with(json!({"business_hours": {"windows": {"mon-sun": [["22:00", "23:00"]]}}})), &moments[..1]),
    ];
    let mut seen_each = Counts::default();
    for (settings, moments) in &variants {
        let rules = library.select(settings.rules.iter().map(String::as_str)).unwrap();
        let terms = Terms::of(settings, &rules);
        for minutes in *moments {
            let now = bench.minutes(*minutes);
            let reading = bench.read(campaign, &[], now).await;
            let counts = forecast(&reading.standing, &terms, now).counts;
            assert_eq!(counts, bench.one_by_one(&contacts, &terms, now).await, "after {minutes} minutes");
            assert_eq!(counts.total(), 120);
            seen_each.callable_now += counts.callable_now;
            seen_each.outside_hours += counts.outside_hours;
            seen_each.due_later += counts.due_later;
            seen_each.unmapped += counts.unmapped;
            seen_each.never += counts.never;
        }
    }
    let Counts { callable_now, outside_hours, due_later, unmapped, never, .. } = seen_each;
    let seen = [callable_now, outside_hours, due_later, unmapped, never];
    assert!(seen.iter().all(|count| *count > 0), "a count that was never seen was not compared: {seen:?}");
}

#[tokio::test]
async fn those_who_are_left_are_counted_by_how_often_they_were_tried() {
    let bench = Bench::new().await;
    let campaign = bench.mixed(&mut StdRng::seed_from_u64(7)).await;
    let reading = bench.read(campaign, &[], bench.now).await;
    for pending in &reading.standing.areas {
        let tried: u32 = pending.tried.iter().map(|(_, contacts)| contacts).sum();
        let later = pending.later.expect("somebody who is due later");
        assert_eq!(tried, pending.due + later.contacts, "{pending:?}");
        assert!(bench.now < later.first_at && later.first_at < later.last_at, "{later:?}");
    }
}

#[tokio::test]
async fn numbers_that_were_called_too_often_lately_are_counted_across_campaigns() {
    let bench = Bench::new().await;
    let phones: Vec<String> = (0..6).map(phone).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let (own, other) = (bench.draft(&phones).await, bench.draft(&phones).await);
    let psql = bench.psql().await;
    // Whom, so many hours ago, and what came of it.
    let calls = [
        (0, 1, "no-answer"),
        (1, 30, "busy"),
        (1, 2, "busy"),
        (2, 2, "busy"),
        (2, 5, "answered"),
        (3, 2, "not-placed"),
        (3, 3, "not-placed"),
        (4, 3, "busy"),
        (4, 4, "busy"),
        (5, 25, "busy"),
        (5, 26, "busy"),
    ];
    for (nth, (to, hours_ago, outcome)) in calls.into_iter().enumerate() {
        let campaign = if nth % 2 == 0 { other } else { own };
        let sql = "
            INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                                  from_phone, intended_at, outcome, settled_at)
            SELECT $1, team_id, $2, id, $3, 1, 1, phone, $5, $6::text::timestamptz, $7, $6::text::timestamptz
            FROM contacts WHERE campaign_id = $2 AND phone = $4";
        let at = bench.minutes(-60 * hours_ago).to_rfc3339();
        let number = i32::try_from(nth).unwrap() + 1;
        psql.execute(sql, &[&Uuid::now_v7(), &campaign, &number, &phones[to], &FROM, &at, &outcome])
            .await
            .unwrap();
    }
    bench.suppress(phones[4]).await;
    let limit = |calls, hours| Limit { area: 0, calls, within: TimeDelta::hours(hours) };
    let counted = async |limits: &[Limit]| {
        let reading = bench.read(own, limits, bench.now).await;
        let [pending] = &reading.standing.areas[..] else { panic!("{reading:?}") };
        assert_eq!(pending.due + pending.capped.map_or(0, |capped| capped.contacts) + pending.suppressed, 6);
        pending.capped
    };
    let capped = |contacts, hours: i64| Some(Capped { contacts, first_at: bench.minutes(60 * hours) });
    assert_eq!(counted(&[]).await, None);
    // Two a day: the third number, whose earlier call is 24 hours old in 19.
    assert_eq!(counted(&[limit(2, 24)]).await, capped(1, 19));
    // One a day: the first three, of whom those who were called two hours ago are the first to be free.
    assert_eq!(counted(&[limit(1, 24)]).await, capped(3, 22));
    // Whichever limit holds longer counts: the second number's calls of the week are two.
    assert_eq!(counted(&[limit(1, 24), limit(2, 7 * 24)]).await, capped(4, 23));
    assert_eq!(counted(&[limit(3, 24)]).await, None);
    // A stretch is half-open: a call exactly as long ago as it is long does not count.
    assert_eq!(counted(&[limit(1, 2)]).await, capped(1, 1));
    assert_eq!(counted(&[Limit { area: 1, ..limit(1, 24) }]).await, None);
}

#[tokio::test]
async fn the_past_is_the_campaign_s_own_and_the_team_s_on_the_same_account() {
    let bench = Bench::new().await;
    let phones: Vec<String> = (0..3).map(phone).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let owner = bench.running(&phones).await;
    let draft = bench.draft(&phones).await;
    for outcome in [Outcome::Answered, Outcome::NotPlaced, Outcome::NoAnswer] {
        let attempt = bench.claimed(owner).await;
        if outcome == Outcome::Answered {
            let (taken, over) = (bench.now + TimeDelta::seconds(12), bench.now + TimeDelta::seconds(40));
            let reports = [
                report(Status::InProgress, Source::Callback, 1, taken),
                report(Status::Completed, Source::Callback, 2, over),
            ];
            bench.record(&[heard(owner, attempt.id, "CA1", &reports)]).await;
        }
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Failed).await);
    }
    let own = bench.read(owner.campaign, &[], bench.now).await.past;
    assert_eq!(own.own, own.team);
    let of = |outcome| own.own.iter().find(|calls| calls.outcome == outcome);
    let answered = of(Outcome::Answered).unwrap();
    assert_eq!((answered.calls, answered.ring_seconds, answered.talk_seconds), (1, 12.0, 12.0));
    assert_eq!(of(Outcome::NoAnswer).map(|calls| (calls.calls, calls.talk_seconds)), Some((1, 0.0)));
    assert_eq!(of(Outcome::NotPlaced), None);
    let of_draft = bench.read(draft, &[], bench.now).await.past;
    assert_eq!((of_draft.own.len(), of_draft.team), (0, own.own.clone()));
    let elsewhere = |_: &Settings, _: &[Arc<Area>]| Vec::new();
    let other_account = "AC00000000000000000000000000000001";
    let ids = (bench.team, draft);
    let on_other =
        read_forecast(&bench.database, ids, other_account, elsewhere, bench.now).await.unwrap().unwrap();
    assert_eq!(on_other.past.team, Vec::new());
    let nobody_s = (Uuid::now_v7(), draft);
    assert!(read_forecast(&bench.database, nobody_s, ACCOUNT, elsewhere, bench.now).await.unwrap().is_none());
}

#[tokio::test]
async fn a_contact_is_found_with_its_attempts_its_suppression_and_its_callback() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    for outcome in [Outcome::Busy, Outcome::NoAnswer] {
        let attempt = bench.claimed(owner).await;
        assert_eq!(attempt.phone, "+12025550101");
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Due(bench.minutes(-1))).await);
    }
    bench.suppress("+12025550101").await;
    let contacts = bench.contacts(owner.campaign).await;
    let find = async |team, campaign, contact| {
        find_contact(&bench.database, team, (campaign, contact)).await.unwrap()
    };
    let first = find(bench.team, owner.campaign, contacts[0].id).await.unwrap();
    assert_eq!(first.attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(first.suppression.unwrap().reason, "asked");
    assert_eq!(first.contact.area.zones_text(), Some("America/New_York"));
    assert_eq!((first.campaign, first.settings), (State::Running, settings()));
    let second = find(bench.team, owner.campaign, contacts[1].id).await.unwrap();
    assert!(second.attempts.is_empty() && second.suppression.is_none());
    assert!(find(bench.team, Uuid::now_v7(), contacts[0].id).await.is_none());
    assert!(find(Uuid::now_v7(), owner.campaign, contacts[0].id).await.is_none());
}

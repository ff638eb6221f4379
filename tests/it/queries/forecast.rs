//! The counts of a forecast, held against deciding contact by contact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use outdial::db::attempts::find_earlier;
use outdial::db::calls::list_calls_to;
use outdial::db::contacts::{Contact, find_contact};
use outdial::db::forecast::{Reading, read_forecast};
use outdial::db::suppressions::find_suppression;
use outdial::domain::area::Area;
use outdial::domain::caps::Reach;
use outdial::domain::contactable::{Decision, Person, Reason};
use outdial::domain::forecast::{Capped, Counts, Later, Limit, Limits, Pending, forecast};
use outdial::domain::rules::Cap;
use outdial::domain::suppression::is_in_force;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// New York, Los Angeles, Chicago, Honolulu, Chicago or New York, nowhere.
const AREA_CODES: [u32; 6] = [212, 323, 312, 808, 850, 800];

impl Bench {
    async fn read(&self, campaign: Uuid, limits: &Limits, now: DateTime<Utc>) -> Reading {
        let limits = |_: &Settings, _: &[Arc<Area>], _: DateTime<Utc>| limits.clone();
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
                area: contact.area.whole().unwrap(),
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
            let reading = bench.read(campaign, &Limits::NONE, now).await;
            let counts = forecast(&reading.standing, &terms, now, now).counts;
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
    let reading = bench.read(campaign, &Limits::NONE, bench.now).await;
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
    let cap = |calls, hours| Cap { calls, within: TimeDelta::hours(hours) };
    let counted = async |area: i16, caps: &[Cap]| {
        let reach = Reach { calls: 5, stretch: TimeDelta::days(7) };
        let limit = |cap: &Cap| Limit { area, rule: "caps".into(), cap: *cap };
        let limits = Limits { of_areas: caps.iter().map(limit).collect(), reach };
        let reading = bench.read(own, &limits, bench.now).await;
        let [pending] = &reading.standing.areas[..] else { panic!("{reading:?}") };
        let capped: u32 = pending.capped.iter().map(|capped| capped.contacts).sum();
        assert_eq!(pending.due + capped + pending.suppressed, 6);
        pending.capped.clone()
    };
    // How many, and in how many hours the first and the last of them are free.
    let capped = |cap, contacts, first: i64, last: i64| {
        let (first_at, last_at) = (bench.minutes(60 * first), bench.minutes(60 * last));
        Capped { rule: "caps".into(), cap, contacts, first_at, last_at }
    };
    assert_eq!(counted(0, &[]).await, []);
    // Two a day: the third number, whose earlier call is 24 hours old in 19.
    assert_eq!(counted(0, &[cap(2, 24)]).await, [capped(cap(2, 24), 1, 19, 19)]);
    // One a day: the first three, of whom those who were called two hours ago are the first to be free.
    assert_eq!(counted(0, &[cap(1, 24)]).await, [capped(cap(1, 24), 3, 22, 23)]);
    // Whichever limit holds longer counts: the second number's calls of the week are two.
    let both = [capped(cap(1, 24), 1, 23, 23), capped(cap(2, 7 * 24), 3, 138, 163)];
    assert_eq!(counted(0, &[cap(1, 24), cap(2, 7 * 24)]).await, both);
    // Of two that hold equally long the first.
    assert_eq!(counted(0, &[cap(1, 24), cap(1, 24)]).await, [capped(cap(1, 24), 3, 22, 23)]);
    assert_eq!(counted(0, &[cap(3, 24)]).await, []);
    // A stretch is half-open: a call exactly as long ago as it is long does not count.
    assert_eq!(counted(0, &[cap(1, 2)]).await, [capped(cap(1, 2), 1, 1, 1)]);
    assert_eq!(counted(1, &[cap(1, 24)]).await, []);
}

/// How the pending contacts of an area stand, by its texts: suppressed, due, due later, and capped by which cap.
type Stands = BTreeMap<String, (u32, u32, Option<Later>, BTreeMap<String, Spell>)>;

/// How many, and when the first and the last of them are free.
type Spell = (u32, DateTime<Utc>, DateTime<Utc>);

fn key(area: &Area) -> String {
    format!("{:?} {} {}", area.zones_text(), area.told_by(), area.places_text())
}

fn counted(areas: &[Pending]) -> Stands {
    let stands = |pending: &Pending| {
        let spells = pending.capped.iter();
        let spells = spells.map(|one| (one.to_string(), (one.contacts, one.first_at, one.last_at)));
        (key(&pending.area), (pending.suppressed, pending.due, pending.later, spells.collect()))
    };
    areas.iter().map(stands).collect()
}

impl Bench {
    /// Calls of the last nine days to these numbers, by a campaign that is there and one that is deleted then. Some left
    /// long before they were heard of, some were taken back, and one is open.
    async fn called_at_random(&self, phones: &[String], chance: &mut StdRng) {
        const CALL: &str = "
            INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                                  from_phone, intended_at, placed_at, outcome, settled_at)
            VALUES (gen_random_uuid(), $1, $2, gen_random_uuid(), 1, 1, 1, $3, $4, $5, $6, $7, $8)";
        let psql = self.psql().await;
        let campaigns = [self.draft(&["+12025550199"]).await, self.draft(&["+12025550198"]).await];
        let mut one_is_open = true;
        for phone in phones {
            let calls = [0, 1, 2, 4, 9][chance.random_range(0..5)];
            for _ in 0..calls {
                let days = [1, 2, 9][chance.random_range(0..3)];
                let ago = chance.random_range(0..days * 86_400_000_000_i64);
                let intended_at = self.now - TimeDelta::microseconds(ago);
                let placed_at = match chance.random_range(0..10) {
                    0..=1 => None,
                    2..=7 => Some(TimeDelta::milliseconds(chance.random_range(50..900))),
                    _ => Some(TimeDelta::minutes(chance.random_range(1..1300))),
                };
                let placed_at = placed_at.map(|later| intended_at + later);
                let outcome = Outcome::ALL[chance.random_range(0..Outcome::ALL.len())];
                let is_open = std::mem::take(&mut one_is_open);
                let (outcome, settled_at) =
                    if is_open { (None, None) } else { (Some(outcome.as_str()), Some(self.now)) };
                let campaign = campaigns[usize::from(!is_open && chance.random_bool(0.5))];
                let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                    &[&self.team, &campaign, phone, &FROM, &intended_at, &placed_at, &outcome, &settled_at];
                psql.execute(CALL, params).await.unwrap();
            }
        }
        let deleted = campaigns::delete_campaign(&self.database, self.team, campaigns[1], None, self.now)
            .await
            .unwrap();
        assert_eq!(deleted, campaigns::Deleted::Done);
    }

    /// How contacts stand by asking for each of them, and whom the caps put off until when.
    async fn asked_one_by_one(
        &self,
        contacts: &[Contact],
        listed: &BTreeSet<String>,
        terms: &Terms<'_>,
        now: DateTime<Utc>,
    ) -> (Stands, Vec<(Uuid, DateTime<Utc>)>) {
        let (mut stands, mut put_off) = (Stands::new(), Vec::new());
        for contact in contacts {
            let reach = terms.reach();
            let calls = list_calls_to(&self.database, self.team, &contact.phone, reach, now).await.unwrap();
            let person = Person {
                state: contact.state,
                due_at: contact.due_at,
                area: contact.area.whole().unwrap(),
                is_suppressed: listed.contains(&contact.phone),
                calls: &calls,
            };
            let (suppressed, due, later, capped) =
                stands.entry(key(contact.area.whole().unwrap())).or_default();
            let due_at = contact.due_at.unwrap();
            if person.is_suppressed {
                *suppressed += 1;
            } else if let Some((at, limit)) = terms.capped_until(&person, now) {
                let spell = capped.entry(limit.to_string()).or_insert((0, at, at));
                *spell = (spell.0 + 1, spell.1.min(at), spell.2.max(at));
                put_off.push((contact.id, at));
            } else if due_at > now {
                *later = Some(Later { contacts: 1, first_at: due_at, last_at: due_at }.and(*later));
            } else {
                *due += 1;
            }
        }
        (stands, put_off)
    }
}

/// Caps of a campaign and its packs as somebody might set them.
fn caps_at_random(variant: usize, chance: &mut StdRng) -> Settings {
    let per_day = chance.random_bool(0.6).then(|| chance.random_range(1..4));
    let per_week = chance.random_bool(0.6).then(|| chance.random_range(per_day.unwrap_or(1)..8));
    let gap = [None, Some("30m"), Some("90m"), Some("5h"), Some("36h")][chance.random_range(0..5)];
    let own = json!({"per_day": per_day, "per_week": per_week, "minimum_gap": gap});
    let packs = [&["us"][..], &["us-states"], &["us-strict"], &["us-states", "reg-f"]];
    let (packs, is_own) = (packs[variant % packs.len()], variant % 3 != 2);
    with(json!({"caps": if is_own { own } else { json!({}) }, "rules": packs}))
}

#[tokio::test]
async fn whom_caps_hold_back_and_until_when_is_counted_as_it_is_decided_for_each_contact() {
    let bench = Bench::new().await;
    let mut chance = StdRng::seed_from_u64(20_260_302);
    // New York, Florida, Los Angeles, Washington (the state), nowhere.
    let phones = [212, 813, 323, 206, 800].into_iter();
    let phones: Vec<String> =
        phones.flat_map(|code| (0..12).map(move |n| format!("+1{code}55501{n:02}"))).collect();
    let campaign = bench.draft(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bench.called_at_random(&phones, &mut chance).await;
    let listed: BTreeSet<String> = phones.iter().filter(|_| chance.random_bool(0.1)).cloned().collect();
    for phone in &listed {
        bench.suppress(phone).await;
    }
    let (psql, library) = (bench.psql().await, Library::shipped().unwrap());
    let due = "UPDATE contacts SET due_at = $2, timed = true WHERE id = $1";
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for variant in 0..12 {
        let settings = caps_at_random(variant, &mut chance);
        let rules = library.select(settings.rules.iter().map(String::as_str)).unwrap();
        let terms = Terms::of(&settings, &rules);
        for minutes in [0, chance.random_range(-3000..3000)] {
            let now = bench.minutes(minutes);
            for contact in bench.contacts(campaign).await {
                let due_at = now + TimeDelta::minutes(chance.random_range(-2000..2000));
                psql.execute(due, &[&contact.id, &due_at]).await.unwrap();
            }
            // As a claim does with whoever is capped: due when the caps allow it.
            let contacts = bench.contacts(campaign).await;
            for (contact, at) in bench.asked_one_by_one(&contacts, &listed, &terms, now).await.1 {
                if chance.random_bool(0.5) {
                    psql.execute(due, &[&contact, &at]).await.unwrap();
                }
            }
            let contacts = bench.contacts(campaign).await;
            let (decided, _) = bench.asked_one_by_one(&contacts, &listed, &terms, now).await;
            let limits = |_: &Settings, areas: &[Arc<Area>], at| Limits::of(&terms, areas, at);
            let ids = (bench.team, campaign);
            let reading = read_forecast(&bench.database, ids, ACCOUNT, limits, now).await;
            let reading = reading.unwrap().expect("the campaign");
            let of_caps = (settings.caps, &settings.rules);
            assert_eq!(counted(&reading.standing.areas), decided, "variant {variant}: {of_caps:?} {minutes}");
            for (_, _, _, capped) in decided.values() {
                capped.iter().for_each(|(cap, spell)| *seen.entry(cap.clone()).or_default() += spell.0);
            }
        }
    }
    let of = |rule: &str| seen.iter().filter(|(cap, _)| cap.starts_with(rule)).map(|(_, n)| n).sum::<u32>();
    let of_each = ["caps", "us-states", "us-strict", "reg-f"].map(of);
    assert!(of_each.iter().all(|contacts| *contacts > 0), "a cap that never held was not compared: {seen:?}");
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
    let own = bench.read(owner.campaign, &Limits::NONE, bench.now).await.past;
    assert_eq!(own.own, own.team);
    let of = |outcome| own.own.iter().find(|calls| calls.outcome == outcome);
    let answered = of(Outcome::Answered).unwrap();
    assert_eq!((answered.calls, answered.ring_seconds, answered.talk_seconds), (1, 12.0, 12.0));
    assert_eq!(of(Outcome::NoAnswer).map(|calls| (calls.calls, calls.talk_seconds)), Some((1, 0.0)));
    assert_eq!(of(Outcome::NotPlaced), None);
    let of_draft = bench.read(draft, &Limits::NONE, bench.now).await.past;
    assert_eq!((of_draft.own.len(), of_draft.team), (0, own.own.clone()));
    let elsewhere = |_: &Settings, _: &[Arc<Area>], _: DateTime<Utc>| Limits::NONE;
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
    assert_eq!(first.attempts_made, 2);
    assert_eq!(first.suppression.unwrap().reason, "asked");
    assert_eq!(first.contact.area.whole().unwrap().zones_text(), Some("America/New_York"));
    assert_eq!((first.campaign, first.settings), (State::Running, settings()));
    let second = find(bench.team, owner.campaign, contacts[1].id).await.unwrap();
    assert!(second.attempts.is_empty() && second.suppression.is_none());
    assert!(find(bench.team, Uuid::now_v7(), contacts[0].id).await.is_none());
    assert!(find(Uuid::now_v7(), owner.campaign, contacts[0].id).await.is_none());
}

/// As where the provider has asked for patience for a day: a contact is claimed and taken back again and again.
#[tokio::test]
async fn a_contact_that_was_taken_back_thousands_of_times_is_read_and_shown_as_cheaply_as_any_other() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let busy = bench.claimed(owner).await;
    assert!(bench.settle(owner, busy.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await);
    let psql = bench.psql().await;
    let taken_back = "
        INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                              from_phone, intended_at, outcome, settled_at)
        SELECT gen_random_uuid(), $1, $2, $3, n, 1, 1, '+12025550101', $4, $5, 'not-placed', $5
        FROM generate_series(2, 5001) n";
    psql.execute(taken_back, &[&bench.team, &owner.campaign, &busy.contact, &FROM, &bench.now])
        .await
        .unwrap();
    psql.execute("UPDATE contacts SET last_number = 5001", &[]).await.unwrap();
    let open = bench.claimed(owner).await;
    let shown = find_contact(&bench.database, bench.team, (owner.campaign, busy.contact)).await;
    let shown = shown.unwrap().unwrap();
    assert_eq!(shown.attempts_made, 5002);
    assert!(shown.attempts.iter().map(|attempt| attempt.number).eq(4953..=5002), "the newest, in order");
    assert_eq!(shown.attempts.last().map(|attempt| attempt.id), Some(open.id));
    for analyse in [false, true] {
        if analyse {
            psql.batch_execute("ANALYZE").await.unwrap();
        }
        let read_before = rows_read(&psql, "attempts").await;
        let look = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let earlier = look.open.expect("the open attempt").earlier;
        let settings = settings();
        let found = find_earlier(&bench.database, busy.contact, &settings.timezone).await.unwrap();
        for earlier in [earlier, found] {
            assert_eq!((earlier.tries(), earlier.that_came_to(Outcome::Busy)), (1, 1));
        }
        let read = rows_read(&psql, "attempts").await - read_before;
        assert!(read < 100, "a look read {read} attempts, analysed: {analyse}");
    }
}

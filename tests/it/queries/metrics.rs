//! Figures: the same however much of them was summed up, and right again after what was thought to be final changed.

use outdial::db::metrics::{Figures, Range, list_behind, read_campaign, read_team, sum_up, sum_up_portion};
use outdial::domain::metrics::Calls;

use super::*;

/// The first attempt's intent.
const FIRST: &str = "2026-03-02T14:07:00Z";

/// Minutes from one attempt to the next.
const APART: i64 = 7;

/// Inserts attempts of a campaign one after the other, of all outcomes in turn, with what the campaign counts of them.
async fn insert_attempts(bench: &Bench, campaign: Uuid, attempts: i32) {
    const SQL: &str = "
        INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone, from_phone,
                              sid, status, status_key, duration_seconds, intended_at, placed_at, ringing_at, answered_at,
                              ended_at, settled_at, outcome, price, price_unit, price_is_assumed)
        SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $2, $1::uuid, gen_random_uuid(), 1 + n % 23, 1, 1,
               '+12025550101', '+12025550100', CASE WHEN outcome <> 'not-placed' THEN 'CA' || $1::uuid::text || n END,
               CASE WHEN outcome IN ('answered', 'machine') THEN 'completed' WHEN outcome = 'busy' THEN 'busy' END,
               (outcome IN ('answered', 'machine', 'busy'))::int,
               CASE WHEN outcome IN ('answered', 'machine', 'unknown') THEN 10 + n % 50 END,
               at, at + interval '1 s', at + interval '2 s',
               CASE WHEN outcome IN ('answered', 'machine') THEN at + interval '12 s' END, at + interval '1 min',
               at + interval '1 min', outcome, CASE WHEN n % 10 = 0 THEN 14000 WHEN n % 10 = 1 THEN 9000 END,
               CASE WHEN n % 10 < 2 THEN 'USD' END, n % 10 = 1
        FROM (SELECT n, $4::timestamptz + make_interval(mins => n * $5) AS at, ($6::text[])[1 + n % 10] AS outcome
              FROM generate_series(0, $3 - 1) n) made";
    const COUNT: &str = "
        UPDATE campaigns SET currency = 'USD',
            outcomes = (SELECT jsonb_object_agg(outcome, n) FROM
                (SELECT outcome, count(*) AS n FROM attempts WHERE campaign_id = $1 GROUP BY outcome) o)
        WHERE id = $1";
    let psql = bench.psql().await;
    let outcomes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    let first: DateTime<Utc> = FIRST.parse().unwrap();
    let apart = i32::try_from(APART).unwrap();
    psql.execute(SQL, &[&campaign, &bench.team, &attempts, &first, &apart, &outcomes]).await.unwrap();
    psql.execute(COUNT, &[&campaign]).await.unwrap();
}

/// The instant an hour and some minutes after so many attempts were settled.
fn after(attempts: i64) -> DateTime<Utc> {
    FIRST.parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(attempts * APART + 60)
}

async fn read(bench: &Bench, campaign: Uuid, range: Range, now: DateTime<Utc>) -> Figures {
    read_campaign(&bench.database, bench.team, campaign, range, now).await.unwrap().unwrap()
}

/// What must be the same.
fn told(mut figures: Figures) -> String {
    figures.quarters.sort_by_key(|quarter| quarter.begins_at);
    format!(
        "{:?} {:?} {:?} {:?} {}",
        figures.calls, figures.quarters, figures.numbers, figures.costs, figures.unpriced
    )
}

#[tokio::test]
async fn figures_are_the_same_however_much_of_them_is_summed_up() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    insert_attempts(&bench, campaign, 300).await;
    let counted = read(&bench, campaign, Range::default(), after(300)).await;
    assert_eq!(counted.calls.attempts(), 270, "{:?}", counted.calls);
    assert_eq!(counted.calls.that_came_to(Outcome::NotPlaced), 30);
    assert_eq!(counted.calls.talk_seconds, (0..300).filter(|n| n % 10 < 2).map(|n| 10 + n % 50).sum::<i64>());
    assert_eq!(counted.calls.average_ring_seconds(), Some((10.0 + 10.0 + 58.0) / 3.0));
    assert_eq!((counted.numbers.len(), counted.numbers[19].0), (20, 20), "higher numbers stand together");
    assert_eq!(counted.costs[0].amount.to_string(), "0.42");
    assert_eq!((counted.costs[0].calls, counted.costs[0].currency.as_str()), (30, "USD"));
    // Those of an assumed price, and those that were called and whose status does not say that it cost nothing.
    assert_eq!(counted.unpriced, 30 * 7);
    let expected = told(counted);
    let range = Range { since: Some(after(40)), until: Some(after(200)) };
    let expected_of_range = told(read(&bench, campaign, range, after(300)).await);
    assert_ne!(expected, expected_of_range);
    let mut summed = 0;
    for attempts in [0, 100, 101, 220, 10_000, 10_000] {
        summed += sum_up(&bench.database, bench.team, campaign, after(attempts)).await.unwrap();
        assert_eq!(
            told(read(&bench, campaign, Range::default(), after(300)).await),
            expected,
            "after {summed}"
        );
        assert_eq!(
            told(read(&bench, campaign, range, after(300)).await),
            expected_of_range,
            "after {summed}"
        );
    }
    assert_eq!(summed, 300);
    let kept =
        bench.psql().await.query_one("SELECT count(*) FROM call_sums", &[]).await.unwrap().get::<_, i64>(0);
    assert!((100..300).contains(&kept), "{kept} sums of 300 attempts");
}

#[tokio::test]
async fn what_may_still_change_is_not_summed_up() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    insert_attempts(&bench, campaign, 30).await;
    let psql = bench.psql().await;
    let sum_up = async |now| sum_up(&bench.database, bench.team, campaign, now).await.unwrap();
    let set = async |what: &str, n: &str| {
        let id = format!("01900000-0000-7000-8000-{n:0>12}");
        psql.batch_execute(&format!("UPDATE attempts SET {what} WHERE id = '{id}'")).await.unwrap();
    };
    assert_eq!(sum_up(after(0)).await, 0, "what is settled lately");
    set("outcome = NULL, settled_at = NULL", "3").await;
    assert_eq!(sum_up(after(30)).await, 3, "up to the one that is open");
    set("outcome = 'busy', settled_at = intended_at, ask_price_at = intended_at, price = NULL", "3").await;
    assert_eq!(sum_up(after(30)).await, 0, "up to the one whose price is asked for");
    set("ask_price_at = NULL", "3").await;
    assert_eq!(sum_up(after(30)).await, 6, "up to the one of which nobody knows");
    assert_eq!(sum_up(after(30) + TimeDelta::days(2)).await, 21, "for a day");
}

#[tokio::test]
async fn sums_that_do_not_agree_with_the_campaign_s_own_counts_are_made_anew() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    insert_attempts(&bench, campaign, 40).await;
    let long_after = after(40) + TimeDelta::days(2);
    assert_eq!(sum_up(&bench.database, bench.team, campaign, long_after).await.unwrap(), 40);
    // One that nobody knew of proves alive after all.
    let psql = bench.psql().await;
    let alive = "UPDATE attempts SET outcome = 'answered' WHERE id = '01900000-0000-7000-8000-000000000009'";
    psql.batch_execute(alive).await.unwrap();
    let counted = "UPDATE campaigns SET outcomes = outcomes || '{\"answered\": 5, \"unknown\": 3}'";
    psql.batch_execute(counted).await.unwrap();
    let outcomes = async |now| {
        let calls = read(&bench, campaign, Range::default(), now).await.calls;
        [Outcome::Answered, Outcome::Unknown].map(|outcome| calls.that_came_to(outcome))
    };
    assert_eq!(outcomes(long_after + TimeDelta::minutes(59)).await, [4, 4], "not more often than every hour");
    assert_eq!(outcomes(long_after + TimeDelta::hours(2)).await, [5, 3]);
    let summed =
        sum_up(&bench.database, bench.team, campaign, long_after + TimeDelta::hours(3)).await.unwrap();
    assert_eq!((summed, outcomes(long_after + TimeDelta::hours(9)).await), (40, [5, 3]));
}

#[tokio::test]
async fn a_team_s_figures_are_those_of_its_campaigns_that_called_within_the_range() {
    let bench = Bench::new().await;
    let (one, other) = (bench.draft(&["+12025550101"]).await, bench.draft(&["+12025550101"]).await);
    bench.draft(&["+12025550101"]).await;
    insert_attempts(&bench, one, 20).await;
    let psql = bench.psql().await;
    psql.batch_execute("UPDATE attempts SET id = gen_random_uuid()").await.unwrap();
    insert_attempts(&bench, other, 100).await;
    sum_up(&bench.database, bench.team, other, after(50)).await.unwrap();
    let team = async |range| read_team(&bench.database, bench.team, range).await.unwrap();
    let all = team(Range::default()).await;
    assert_eq!((all.campaigns, all.contacts.in_state(ContactState::Pending)), (2, 2));
    assert_eq!((all.calls.attempts(), all.costs[0].calls), (108, 12));
    let later = team(Range { since: Some(after(20)), until: None }).await;
    assert_eq!((later.campaigns, later.contacts.in_state(ContactState::Pending)), (1, 1));
    let theirs = read_team(&bench.database, Uuid::now_v7(), Range::default()).await.unwrap();
    assert_eq!((theirs.campaigns, theirs.calls), (0, Calls::default()));
    assert!(
        read_campaign(&bench.database, Uuid::now_v7(), one, Range::default(), bench.now)
            .await
            .unwrap()
            .is_none()
    );
    psql.execute("DELETE FROM campaigns WHERE id = $1", &[&other]).await.unwrap();
    assert_eq!(team(Range::default()).await.campaigns, 1);
}

#[test]
fn a_range_is_widened_to_whole_quarters_of_an_hour() {
    let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
    let range = Range { since: at("2026-03-02T14:07:59Z"), until: at("2026-03-02T15:00:00.000001Z") };
    let whole = Range { since: at("2026-03-02T14:00:00Z"), until: at("2026-03-02T15:15:00Z") };
    assert_eq!((range.in_quarters(), whole.in_quarters()), (whole, whole));
}

#[tokio::test]
async fn very_many_calls_are_summed_up_in_portions_those_first_that_are_most() {
    let bench = Bench::new().await;
    let (few, many) = (bench.draft(&["+12025550101"]).await, bench.draft(&["+12025550101"]).await);
    insert_attempts(&bench, few, 1_999).await;
    let psql = bench.psql().await;
    psql.batch_execute("UPDATE attempts SET id = gen_random_uuid()").await.unwrap();
    insert_attempts(&bench, many, 2_050).await;
    let expected = told(read(&bench, many, Range::default(), after(2_050)).await);
    let long_after = after(2_050) + TimeDelta::days(2);
    assert_eq!(list_behind(&bench.database, bench.team).await.unwrap(), [many]);
    let portion =
        async || sum_up_portion(&bench.database, bench.team, many, 1_000, long_after).await.unwrap();
    for added in [1_000, 1_000, 50, 0] {
        assert_eq!(portion().await, added);
        assert_eq!(told(read(&bench, many, Range::default(), after(2_050)).await), expected);
        assert!(list_behind(&bench.database, bench.team).await.unwrap().is_empty());
    }
}

//! The calls to a number, from which caps are counted.

use outdial::db::calls::list_calls_to;
use outdial::domain::caps::Reach;

use super::*;

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";

const WEEK: Reach = Reach { calls: 7, stretch: TimeDelta::days(7) };

impl Bench {
    async fn calls_to(&self, phone: &str, reach: Reach) -> Vec<DateTime<Utc>> {
        self.calls_of(self.team, phone, reach).await
    }

    /// Oldest first, as they are written down here.
    async fn calls_of(&self, team: Uuid, phone: &str, reach: Reach) -> Vec<DateTime<Utc>> {
        let mut calls = list_calls_to(&self.database, team, phone, reach, self.now).await.unwrap();
        calls.reverse();
        calls
    }

    /// Claims a contact, as if it had been at another time.
    async fn claimed_at(&self, owner: Ownership, at: DateTime<Utc>) -> ClaimedAttempt {
        let attempt = self.claimed(owner).await;
        let sql = "UPDATE attempts SET intended_at = $2 WHERE id = $1";
        self.psql().await.execute(sql, &[&attempt.id, &at]).await.unwrap();
        attempt
    }

    /// A call from this campaign that came to nothing.
    async fn called(&self, owner: Ownership, at: DateTime<Utc>, outcome: Outcome) -> ClaimedAttempt {
        let attempt = self.claimed_at(owner, at).await;
        assert!(self.settle(owner, attempt.id, outcome, Verdict::Due(at)).await);
        attempt
    }

    /// Another team, with one open call to this number.
    async fn calls_of_strangers(&self, phone: &str) -> Uuid {
        let psql = self.psql().await;
        let (team, campaign) = (Uuid::now_v7(), Uuid::now_v7());
        psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'strangers')", &[&team]).await.unwrap();
        psql.execute(
            "INSERT INTO campaigns (id, team_id, name, state, settings, agent, import, created_at)
             VALUES ($1, $2, 'theirs', 'draft', '{}', '{}', '{}', $3)",
            &[&campaign, &team, &self.now],
        )
        .await
        .unwrap();
        psql.execute(
            "INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version,
                                   to_phone, from_phone, intended_at)
             VALUES ($1, $2, $3, $1, 1, 1, 1, $4, $5, $6)",
            &[&Uuid::now_v7(), &team, &campaign, &phone, &FROM, &self.now],
        )
        .await
        .unwrap();
        team
    }
}

#[tokio::test]
async fn calls_count_across_the_campaigns_of_a_team_and_not_across_teams() {
    let bench = Bench::new().await;
    let one = bench.running(&[ANN]).await;
    let other = bench.running(&[ANN, BOB]).await;
    bench.called(one, bench.minutes(-30), Outcome::Busy).await;
    bench.called(other, bench.minutes(-20), Outcome::NoAnswer).await;
    let strangers = bench.calls_of_strangers(ANN).await;
    assert_eq!(bench.calls_to(ANN, WEEK).await, [bench.minutes(-30), bench.minutes(-20)]);
    assert!(bench.calls_to(BOB, WEEK).await.is_empty());
    assert_eq!(bench.calls_of(strangers, ANN, WEEK).await, [bench.now]);
}

#[tokio::test]
async fn every_call_counts_that_may_have_rung_and_none_that_was_taken_back() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let mut expected = Vec::new();
    for (outcome, minutes) in Outcome::ALL.iter().zip(-60..) {
        bench.called(owner, bench.minutes(minutes), *outcome).await;
        if *outcome != Outcome::NotPlaced {
            expected.push(bench.minutes(minutes));
        }
    }
    let many = Reach { calls: 100, ..WEEK };
    assert_eq!(bench.calls_to(ANN, many).await, expected, "unknown ones count, not-placed ones do not");
    // An open one counts from its intent on, and may still be taken back.
    let open = bench.claimed_at(owner, bench.minutes(-5)).await;
    assert_eq!(bench.calls_to(ANN, many).await.last(), Some(&bench.minutes(-5)));
    bench.settle(owner, open.id, Outcome::NotPlaced, Verdict::Due(bench.now)).await;
    assert_eq!(bench.calls_to(ANN, many).await, expected);
}

#[tokio::test]
async fn a_call_counts_from_when_it_is_known_to_the_provider() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let attempt = bench.claimed_at(owner, bench.minutes(-1)).await;
    let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA1", &[ringing])]).await;
    assert_eq!(bench.calls_to(ANN, WEEK).await, [bench.now + TimeDelta::seconds(1)]);
}

#[tokio::test]
async fn only_the_newest_calls_that_matter_are_read_and_none_from_before_the_stretch() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let days = |days: i64| bench.minutes(-days * 24 * 60);
    for day in [12, 6, 5, 4, 3] {
        bench.called(owner, days(day), Outcome::Busy).await;
    }
    assert_eq!(bench.calls_to(ANN, WEEK).await, [days(6), days(5), days(4), days(3)]);
    assert_eq!(bench.calls_to(ANN, Reach { calls: 2, ..WEEK }).await, [days(4), days(3)]);
    assert!(bench.calls_to(ANN, Reach::NONE).await.is_empty());
}

#[tokio::test]
async fn a_call_that_was_heard_of_long_after_its_intent_still_counts() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let attempt = bench.claimed_at(owner, bench.minutes(-90)).await;
    let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA1", &[ringing])]).await;
    let hour = Reach { calls: 1, stretch: TimeDelta::hours(1) };
    assert_eq!(bench.calls_to(ANN, hour).await.len(), 1);
}

#[tokio::test]
async fn the_calls_of_a_campaign_that_was_deleted_still_count() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN, BOB]).await;
    bench.called(owner, bench.minutes(-30), Outcome::Busy).await;
    bench.called(owner, bench.minutes(-25), Outcome::NotPlaced).await;
    let known = bench.claimed_at(owner, bench.minutes(-20)).await;
    let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, known.id, "CA1", &[ringing])]).await;
    bench.settle(owner, known.id, Outcome::Busy, Verdict::Failed).await;
    let before = bench.calls_to(ANN, WEEK).await;
    assert_eq!(before, [bench.minutes(-30), bench.now + TimeDelta::seconds(1)]);
    bench.command(owner.campaign, Command::Cancel).await;
    let deleted = campaigns::delete_campaign(&bench.database, bench.team, owner.campaign, None, bench.now)
        .await
        .unwrap();
    assert_eq!(deleted, campaigns::Deleted::Done);
    assert_eq!(bench.calls_to(ANN, WEEK).await, before);
    let again = bench.running(&[ANN]).await;
    bench.called(again, bench.now, Outcome::Busy).await;
    assert_eq!(bench.calls_to(ANN, WEEK).await.len(), 3, "they are counted together");
}

#[tokio::test]
async fn counting_costs_a_few_rows_however_many_calls_there_were() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let psql = bench.psql().await;
    // 50,000 calls to others; and to this number 3,000 within the week, and 5,000 that were taken back.
    psql.execute(
        "INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                               from_phone, intended_at, outcome, settled_at)
         SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), 1, 1, 1,
                CASE WHEN n > 50000 THEN $3 ELSE '+1999' || n % 5000 END, $4,
                $5::timestamptz - n * interval '10 s',
                CASE WHEN n BETWEEN 50001 AND 55000 THEN 'not-placed' ELSE 'busy' END, $5
         FROM generate_series(1, 58000) n",
        &[&bench.team, &owner.campaign, &ANN, &FROM, &bench.now],
    )
    .await
    .unwrap();
    // Nobody has analysed the table yet; then somebody has.
    for analyse in [false, true] {
        if analyse {
            psql.batch_execute("ANALYZE").await.unwrap();
        }
        let read_before = rows_read(&psql, "attempts").await;
        for _ in 0..10 {
            assert_eq!(bench.calls_to(ANN, WEEK).await.len(), 7);
        }
        let read = rows_read(&psql, "attempts").await - read_before;
        assert!(read < 150, "10 counts read {read} rows of attempts, analysed: {analyse}");
    }
}

#[tokio::test]
async fn counting_stays_cheap_when_a_campaign_with_many_calls_is_deleted() {
    let bench = Bench::new().await;
    let psql = bench.psql().await;
    let draft = bench.draft(&[ANN]).await;
    // Planned while nothing has ever been deleted, and somebody has said so.
    psql.batch_execute("VACUUM ANALYZE calls_of_deleted_campaigns").await.unwrap();
    assert!(bench.calls_to(ANN, WEEK).await.is_empty());
    psql.execute(
        "INSERT INTO attempts (id, team_id, campaign_id, contact_id, number, epoch, settings_version, to_phone,
                               from_phone, intended_at, outcome, settled_at)
         SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), 1, 1, 1, '+1999' || n, $3,
                $4::timestamptz - interval '1 h', 'busy', $4
         FROM generate_series(1, 50000) n",
        &[&bench.team, &draft, &FROM, &bench.now],
    )
    .await
    .unwrap();
    let deleted =
        campaigns::delete_campaign(&bench.database, bench.team, draft, None, bench.now).await.unwrap();
    assert_eq!(deleted, campaigns::Deleted::Done);
    let read_before = rows_read(&psql, "calls_of_deleted_campaigns").await;
    for number in 1..=10 {
        assert_eq!(bench.calls_to(&format!("+1999{number}"), WEEK).await, [bench.minutes(-60)]);
    }
    let read = rows_read(&psql, "calls_of_deleted_campaigns").await - read_before;
    assert!(read < 100, "10 counts read {read} rows");
}

#[tokio::test]
async fn what_is_recorded_of_a_call_touches_no_index() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let attempt = bench.claimed(owner).await;
    let hear = async |status, sequence| {
        let report = report(status, Source::Callback, sequence, bench.minutes(1));
        bench.record(&[heard(owner, attempt.id, "CA1", &[report])]).await;
    };
    // The first word brings the call's id, which has an index of its own.
    hear(Status::Initiated, 1).await;
    let before = hot_updates(&bench).await;
    hear(Status::Ringing, 2).await;
    hear(Status::InProgress, 3).await;
    let later = "UPDATE attempts SET placed_at = placed_at + interval '1 s'";
    bench.database.client().await.unwrap().batch_execute(later).await.unwrap();
    assert_eq!(hot_updates(&bench).await - before, 3);
}

/// Updates of attempts that needed no new index entry.
async fn hot_updates(bench: &Bench) -> i64 {
    let sql = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'attempts'";
    // The connection that was used last is given again: it is the one that has something to tell.
    let client = bench.database.client().await.unwrap();
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    bench.psql().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Two campaigns that could each make the last call that is allowed: the second waits for the first, and counts it.
#[tokio::test]
async fn who_claims_a_number_counts_what_another_campaign_is_just_writing() {
    let bench = Bench::new().await;
    let (one, other) = (bench.running(&[ANN]).await, bench.running(&[ANN]).await);
    let attempt = bench.claimed(other).await;
    assert!(bench.settle(other, attempt.id, Outcome::NotPlaced, Verdict::Due(bench.minutes(9))).await);
    let (mut first, watcher) = (bench.psql().await, bench.psql().await);
    let first = first.transaction().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))";
    first.execute(lock, &[&ANN, &bench.team.as_u64_pair().1.cast_signed()]).await.unwrap();
    let mut settings = settings();
    settings.caps.per_day = Some(1);
    let writing = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("somebody waits for the number", || async {
            let waiting: i64 = watcher.query_one(waits, &[]).await.unwrap().get(0);
            (waiting > 0).then_some(())
        })
        .await;
        let call = "UPDATE attempts SET outcome = 'busy', intended_at = $2 WHERE id = $1";
        first.execute(call, &[&attempt.id, &bench.now]).await.unwrap();
        first.commit().await.unwrap();
    };
    let (claim, ()) = tokio::join!(bench.claim_by(one, settings), writing);
    assert!(matches!(claim, Ok(Claim::Capped(_))), "{claim:?}");
}

#[tokio::test]
async fn a_number_that_was_called_often_enough_is_put_off_until_the_caps_allow_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN, BOB]).await;
    bench.called(owner, bench.minutes(-60), Outcome::Busy).await;
    let mut settings = settings();
    settings.caps.minimum_gap = Some("90m".to_owned().try_into().unwrap());
    let Claim::Capped(contact) = bench.claim_by(owner, settings.clone()).await.unwrap() else {
        panic!("no cap")
    };
    let ann = &bench.contacts(owner.campaign).await[0];
    assert_eq!((ann.id, ann.due_at), (contact, Some(bench.minutes(30))));
    let Claim::Attempt(attempt) = bench.claim_by(owner, settings).await.unwrap() else {
        panic!("no attempt")
    };
    assert_eq!(attempt.phone, BOB);
}

//! The list of numbers that must not be contacted.

use futures_util::TryStreamExt;
use outdial::db::attempts::note_end_asked;
use outdial::db::suppressions::{
    Added, NewSuppression, Suppression, add_suppressions, find_suppression,
    list_campaigns_calling_suppressed, list_suppressions, remove_suppression, stream_suppressions,
};
use outdial::domain::dialer::Objection;
use outdial::domain::suppression;

use super::*;

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";

/// A number whose owner asked not to be called.
pub(super) fn asked(phone: &str) -> NewSuppression {
    NewSuppression {
        phone: phone.to_owned(),
        reason: "asked".to_owned(),
        source: suppression::Source::Api,
        note: None,
        expires_at: None,
    }
}

impl Bench {
    fn until(&self, minutes: i64, reason: &str) -> NewSuppression {
        let expires_at = Some(self.minutes(minutes));
        NewSuppression { reason: reason.to_owned(), expires_at, ..asked(ANN) }
    }

    async fn suppress_all(&self, suppressions: &[NewSuppression]) -> Added {
        self.add_after(0, suppressions).await
    }

    async fn add_after(&self, minutes: i64, suppressions: &[NewSuppression]) -> Added {
        add_suppressions(&self.database, self.team, suppressions, self.minutes(minutes)).await.unwrap()
    }

    async fn suppression(&self, phone: &str) -> Option<Suppression> {
        find_suppression(&self.database, self.team, phone).await.unwrap()
    }
}

const NEW: Added = Added { new: 1, extended: 0, kept: 0 };
const EXTENDED: Added = Added { new: 0, extended: 1, kept: 0 };
const KEPT: Added = Added { new: 0, extended: 0, kept: 1 };

#[tokio::test]
async fn of_two_suppressions_of_a_number_the_longer_one_stays_with_its_reason() {
    let bench = Bench::new().await;
    assert_eq!(bench.suppress_all(&[bench.until(10, "ten")]).await, NEW);
    assert_eq!(bench.add_after(1, &[bench.until(5, "five")]).await, KEPT);
    assert_eq!(bench.suppression(ANN).await.unwrap().reason, "ten");
    assert_eq!(bench.add_after(2, &[bench.until(20, "twenty")]).await, EXTENDED);
    assert_eq!(bench.add_after(3, &[asked(ANN)]).await, EXTENDED);
    assert_eq!(bench.add_after(4, &[asked(ANN)]).await, KEPT);
    assert_eq!(bench.add_after(5, &[bench.until(60, "an hour")]).await, KEPT);
    let kept = bench.suppression(ANN).await.unwrap();
    assert_eq!((kept.reason.as_str(), kept.expires_at), ("asked", None));
    assert_eq!(kept.created_at, bench.now, "it has been suppressed since the first of them");
}

#[tokio::test]
async fn an_expired_suppression_does_not_suppress_and_may_be_added_again() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    bench.suppress_all(&[bench.until(-1, "once")]).await;
    assert_eq!(bench.claimed(owner).await.phone, ANN);
    let again = bench.until(30, "again");
    assert_eq!(bench.add_after(0, &[again]).await, NEW);
    let renewed = bench.suppression(ANN).await.unwrap();
    assert_eq!((renewed.reason.as_str(), renewed.created_at), ("again", bench.now));
}

#[tokio::test]
async fn a_number_that_is_given_twice_counts_once_and_its_longest_suppression_stays() {
    let bench = Bench::new().await;
    let added = bench.suppress_all(&[bench.until(5, "short"), asked(BOB), asked(ANN), asked(ANN)]).await;
    assert_eq!(added, Added { new: 2, extended: 0, kept: 0 });
    assert_eq!(bench.suppression(ANN).await.unwrap().expires_at, None);
}

#[tokio::test]
async fn a_suppression_that_is_removed_stays_on_record_with_who_removed_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    bench.suppress(ANN).await;
    let key = Uuid::now_v7();
    let remove = async |by, at| remove_suppression(&bench.database, bench.team, ANN, by, at).await.unwrap();
    assert!(remove(Some(key), bench.now).await);
    assert!(!remove(Some(key), bench.now).await, "it was gone already");
    assert_eq!(bench.claimed(owner).await.phone, ANN);
    // Whoever has the database needs no key, and is nobody's.
    bench.suppress(ANN).await;
    assert!(remove(None, bench.minutes(1)).await);
    let sql = "SELECT reason, source, lifted_by FROM lifted_suppressions WHERE phone = $1 ORDER BY lifted_at";
    let rows = bench.psql().await.query(sql, &[&ANN]).await.unwrap();
    assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, &str>(1)), ("asked", "api"));
    let by: Vec<Option<Uuid>> = rows.iter().map(|row| row.get(2)).collect();
    assert_eq!(by, [Some(key), None]);
}

#[tokio::test]
async fn a_list_is_paged_and_streamed_whole_in_the_order_of_its_numbers() {
    let bench = Bench::new().await;
    let numbers: Vec<NewSuppression> =
        (0..12_000).map(|number| asked(&format!("+1202{:07}", 5_550_000 + number))).collect();
    assert_eq!(bench.suppress_all(&numbers).await.new, 12_000);
    let other_team = Uuid::now_v7();
    let psql = bench.psql().await;
    psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'other')", &[&other_team]).await.unwrap();
    add_suppressions(&bench.database, other_team, &[asked("+12025550050")], bench.now).await.unwrap();
    let after = &numbers[6].phone;
    let page = list_suppressions(&bench.database, bench.team, after, 3).await.unwrap();
    let phones: Vec<&str> = page.iter().map(|one| one.phone.as_str()).collect();
    assert_eq!(phones, ["+12025550007", "+12025550008", "+12025550009"]);
    let streamed: Vec<Suppression> =
        stream_suppressions(&bench.database, bench.team).try_concat().await.unwrap();
    assert!(streamed.iter().map(|one| &one.phone).eq(numbers.iter().map(|one| &one.phone)));
}

#[tokio::test]
async fn lists_that_share_numbers_do_not_lock_each_other_out() {
    let bench = Bench::new().await;
    let numbers: Vec<NewSuppression> =
        (0..2_000).map(|number| asked(&format!("+1202{:07}", 5_550_000 + number))).collect();
    let reversed: Vec<NewSuppression> = numbers.iter().rev().cloned().collect();
    let add = async |list: &[NewSuppression]| {
        add_suppressions(&bench.database, bench.team, list, bench.now).await.unwrap()
    };
    let (one, other) = tokio::join!(add(&numbers), add(&reversed));
    assert_eq!(one.new + other.new, 2_000);
    assert_eq!(one.kept + other.kept, 2_000);
}

#[tokio::test]
async fn campaigns_that_call_a_suppressed_number_are_found_until_their_call_is_settled() {
    let bench = Bench::new().await;
    let (ann, bob) = (bench.running(&[ANN]).await, bench.running(&[BOB]).await);
    let attempt = bench.claimed(ann).await;
    bench.claimed(bob).await;
    let calling =
        async || list_campaigns_calling_suppressed(&bench.database, bench.team, bench.now).await.unwrap();
    bench.suppress_all(&[bench.until(-1, "over")]).await;
    assert!(calling().await.is_empty());
    bench.suppress(ANN).await;
    assert_eq!(calling().await, [ann.campaign]);
    bench.settle(ann, attempt.id, Outcome::Answered, Verdict::Completed).await;
    assert!(calling().await.is_empty());
}

#[tokio::test]
async fn a_look_sees_what_speaks_against_the_open_call_and_the_tick_finds_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&[ANN]).await;
    let attempt = bench.claimed(owner).await;
    let open =
        async || look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap().open.unwrap();
    let overdue = async || {
        let quiet_since = bench.minutes(-2);
        watchdog::list_overdue(&bench.database, bench.node, bench.now, quiet_since).await.unwrap()
    };
    assert_eq!((open().await.objection, open().await.end_asked_at), (None, None));
    bench.suppress_all(&[bench.until(9, "for a while")]).await;
    assert!(overdue().await.is_empty(), "a call without an id cannot be ended");
    let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA1", &[ringing])]).await;
    assert_eq!(open().await.objection, Some(Objection::Suppressed { until: Some(bench.minutes(9)) }));
    assert_eq!(overdue().await, [owner.campaign]);
    let psql = bench.psql().await;
    let off =
        r#"UPDATE campaigns SET settings = settings || '{"suppression": {"end_ringing_calls": false}}'"#;
    psql.execute(off, &[]).await.unwrap();
    assert!(overdue().await.is_empty(), "its campaign lets it ring");
    note_end_asked(&bench.database, attempt.id, bench.now).await.unwrap();
    assert_eq!(open().await.end_asked_at, Some(bench.now));
    psql.execute("UPDATE attempts SET end_wanted_at = now()", &[]).await.unwrap();
    assert_eq!(open().await.objection, Some(Objection::EndWanted));
    assert_eq!(overdue().await, [owner.campaign]);
}

#[tokio::test]
async fn claims_looks_and_ticks_read_their_own_numbers_of_a_list_and_never_the_list() {
    let bench = Bench::new().await;
    let psql = bench.psql().await;
    psql.execute(
        "INSERT INTO suppressions (team_id, phone, reason, source, created_at)
         SELECT $1, '+1999' || n, 'asked', 'file', now() FROM generate_series(1, 100000) n",
        &[&bench.team],
    )
    .await
    .unwrap();
    let phones: Vec<String> = (0..25).map(|number| format!("+120255501{number:02}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let owner = bench.running(&phones).await;
    // Nobody has analysed the table yet, as after an import; then somebody has.
    for analyse in [false, true] {
        if analyse {
            psql.batch_execute("ANALYZE").await.unwrap();
        }
        let read_before = rows_read(&psql, "suppressions").await;
        for _ in 0..10 {
            let attempt = bench.claimed(owner).await;
            let permission = look_once_more(&bench.database, owner, &attempt, bench.now).await.unwrap();
            assert_eq!(permission, Permission::Granted);
            look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
            let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
            bench.record(&[heard(owner, attempt.id, &attempt.id.to_string(), &[ringing])]).await;
            watchdog::list_overdue(&bench.database, bench.node, bench.now, bench.minutes(-2)).await.unwrap();
            list_campaigns_calling_suppressed(&bench.database, bench.team, bench.now).await.unwrap();
            bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Failed).await;
        }
        let read = rows_read(&psql, "suppressions").await - read_before;
        assert!(read < 100, "10 calls read {read} rows of the list, analysed: {analyse}");
    }
}

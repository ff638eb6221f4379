//! What is heard of calls is merged, whoever brings it, in whatever order and however often.

use super::*;

#[tokio::test]
async fn the_table_merges_what_is_heard_exactly_as_the_fold_does() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let psql = bench.psql().await;
    let at = |seconds| bench.now + TimeDelta::seconds(seconds);
    let machine = |report: Report, answered_by| Report { answered_by: Some(answered_by), ..report };
    let reports = [
        report(Status::Queued, Source::Answer, 0, at(0)),
        report(Status::Initiated, Source::Callback, 0, at(1)),
        report(Status::Ringing, Source::Callback, 1, at(2)),
        report(Status::InProgress, Source::Callback, 2, at(5)),
        report(Status::InProgress, Source::Fetch, 0, at(4)),
        machine(report(Status::Completed, Source::Callback, 3, at(30)), AnsweredBy::Human),
        machine(report(Status::Failed, Source::Fetch, 0, at(29)), AnsweredBy::MachineEndBeep),
        Report { sip_code: Some(486), ..report(Status::Busy, Source::Callback, 3, at(31)) },
    ];
    let sid = "CA0000000000000000000000000000000a";
    for round in 0..200_u64 {
        psql.execute(
            "UPDATE attempts SET sid = NULL, status = NULL, status_key = 0, ringing_at = NULL, answered_at = NULL,
                 ended_at = NULL, duration_seconds = NULL, answered_by = NULL, sip_code = NULL",
            &[],
        )
        .await
        .unwrap();
        let drawn = draw(round, &reports);
        for one in &drawn {
            let recorded = bench.record(&[heard(owner, attempt.id, sid, std::slice::from_ref(one))]).await;
            assert!(matches!(recorded[0], Recorded::Known { .. }));
        }
        let expected = drawn.iter().map(Facts::from).reduce(Facts::merge).unwrap();
        let row = psql.query_one("SELECT * FROM attempts", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>("status"), expected.status.as_str(), "{drawn:?}");
        assert_eq!(row.get::<_, i64>("status_key"), expected.key.as_i64());
        assert_eq!(row.get::<_, Option<DateTime<Utc>>>("ringing_at"), expected.ringing_at);
        assert_eq!(row.get::<_, Option<DateTime<Utc>>>("answered_at"), expected.answered_at);
        assert_eq!(row.get::<_, Option<DateTime<Utc>>>("ended_at"), expected.ended_at);
        let duration = expected.duration_seconds.map(|seconds| seconds as i32);
        assert_eq!(row.get::<_, Option<i32>>("duration_seconds"), duration);
        let answered_by = expected.answered_by.map(AnsweredBy::as_str);
        assert_eq!(row.get::<_, Option<&str>>("answered_by"), answered_by, "{drawn:?}");
        assert_eq!(row.get::<_, Option<i32>>("sip_code"), expected.sip_code.map(i32::from));
    }
}

/// One to eight reports in a random order, some of them twice.
fn draw(seed: u64, reports: &[Report]) -> Vec<Report> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let count = 1 + next(8);
    (0..count).map(|_| reports[next(reports.len())].clone()).collect()
}

#[tokio::test]
async fn a_batch_is_recorded_whole_and_one_stranger_in_it_costs_nobody_else() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let other = bench.running(&["+12025550102"]).await;
    let (one, two) = (bench.claimed(owner).await, bench.claimed(other).await);
    let ended = |source| report(Status::Busy, source, 2, bench.now);
    let batch = [
        heard(owner, one.id, "CA0000000000000000000000000000000a", &[ended(Source::Callback)]),
        heard(owner, Uuid::now_v7(), "CA0000000000000000000000000000000b", &[ended(Source::Callback)]),
        heard(other, one.id, "CA0000000000000000000000000000000c", &[ended(Source::Callback)]),
        heard(
            other,
            two.id,
            "CA0000000000000000000000000000000d",
            &[report(Status::Ringing, Source::Callback, 1, bench.now)],
        ),
        // The same once more.
        heard(owner, one.id, "CA0000000000000000000000000000000a", &[ended(Source::Callback)]),
    ];
    let recorded = bench.record(&batch).await;
    assert_eq!(recorded[0], Recorded::Known { matters: true });
    assert_eq!(recorded[1], Recorded::UnknownAttempt);
    assert_eq!(recorded[3], Recorded::Known { matters: false });
    assert_eq!(recorded[4], Recorded::Known { matters: true });
    let stranger = heard(other, two.id, "CA0000000000000000000000000000000e", &[ended(Source::Callback)]);
    assert_eq!(bench.record(&[stranger]).await, [Recorded::OtherCall]);
}

#[tokio::test]
async fn the_provider_s_word_takes_a_call_from_the_attempt_that_had_adopted_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let other = bench.running(&["+12025550102"]).await;
    let (one, two) = (bench.claimed(owner).await, bench.claimed(other).await);
    let sid = "CA0000000000000000000000000000000a";
    assert!(adopt(&bench.database, one.id, sid, bench.now).await.unwrap());
    assert!(!adopt(&bench.database, two.id, sid, bench.now).await.unwrap(), "a call has one attempt");
    let said = heard(other, two.id, sid, &[report(Status::Ringing, Source::Callback, 1, bench.now)]);
    assert_eq!(bench.record(&[said]).await, [Recorded::Known { matters: false }]);
    let look = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    let Some(Stage::Under { silence, .. }) = look.open.map(|open| open.stage) else { panic!("it is open") };
    assert!(matches!(silence, outdial::domain::reconcile::Silence::Unplaced { .. }), "{silence:?}");
}

#[tokio::test]
async fn an_attempt_that_had_adopted_the_wrong_call_lets_go_of_it_and_of_what_it_learnt() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let (wrong, right) = ("CA0000000000000000000000000000000a", "CA0000000000000000000000000000000b");
    assert!(adopt(&bench.database, attempt.id, wrong, bench.now).await.unwrap());
    bench
        .record(&[heard(owner, attempt.id, wrong, &[report(Status::Busy, Source::Fetch, 0, bench.now)])])
        .await;
    let said = heard(owner, attempt.id, right, &[report(Status::Ringing, Source::Callback, 1, bench.now)]);
    assert_eq!(bench.record(&[said]).await, [Recorded::Known { matters: false }]);
    let row = bench.psql().await.query_one("SELECT sid, status FROM attempts", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), (right, "ringing"));
}

#[tokio::test]
async fn a_word_is_heeded_however_early_the_clock_was_of_whoever_brings_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Unknown, Verdict::Due(bench.minutes(60))).await);
    let earlier = bench.now - TimeDelta::seconds(10);
    let sid = "CA0000000000000000000000000000000a";
    let rings = heard(owner, attempt.id, sid, &[report(Status::Ringing, Source::Callback, 1, earlier)]);
    let recorded = record(&bench.database, &[rings], earlier).await.unwrap();
    assert!(matches!(recorded[..], [Ok(Recorded::Known { matters: true })]));
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    assert_eq!(seen.revived, Some(attempt.id));
}

/// An attempt that was settled by the answer to a question is heard of once more, by a late callback.
#[tokio::test]
async fn what_was_counted_for_a_settled_call_still_equals_a_recount_after_a_late_callback() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    let sid = "CA0000000000000000000000000000000a";
    let fetched = Report { duration_seconds: None, ..report(Status::Completed, Source::Fetch, 0, bench.now) };
    bench.record(&[heard(owner, attempt.id, sid, &[fetched])]).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    let late = report(Status::Completed, Source::Callback, 3, bench.now);
    assert_eq!(
        bench.record(&[heard(owner, attempt.id, sid, &[late])]).await,
        [Recorded::Known { matters: false }]
    );
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_call_that_is_certainly_another_attempt_s_is_told_so_every_time() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let other = bench.running(&["+12025550102"]).await;
    let (one, two) = (bench.claimed(owner).await, bench.claimed(other).await);
    let sid = "CA0000000000000000000000000000000a";
    let rings = || report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, one.id, sid, &[rings()])]).await;
    let poisoned = heard(other, two.id, sid, &[rings()]);
    let sound = heard(owner, one.id, sid, &[report(Status::InProgress, Source::Callback, 2, bench.now)]);
    // The table refuses the batch for the sake of one, and nobody else loses anything by it.
    let recorded = bench.record(&[poisoned, sound]).await;
    assert_eq!(recorded, [Recorded::OtherCall, Recorded::Known { matters: false }]);
    let sql = "SELECT status FROM attempts WHERE id = $1";
    let row = bench.psql().await.query_one(sql, &[&one.id]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "in-progress");
}

/// The statement sees the table as it was when it began, and the row as it is when its turn has come.
#[tokio::test]
async fn what_another_node_writes_meanwhile_is_merged_and_not_overwritten() {
    for (their_sid, expected) in [
        ("CA0000000000000000000000000000000a", Recorded::Known { matters: true }),
        ("CA0000000000000000000000000000000b", Recorded::OtherCall),
    ] {
        let bench = Bench::new().await;
        let owner = bench.running(&["+12025550101"]).await;
        let attempt = bench.claimed(owner).await;
        let (psql, watcher) = (bench.psql().await, bench.psql().await);
        let theirs = format!("BEGIN; UPDATE attempts SET sid = '{their_sid}', answered_by = 'fax'");
        psql.batch_execute(&theirs).await.unwrap();
        let they_commit = async {
            eventually("the second waits for the first", || somebody_waits(&watcher)).await;
            psql.batch_execute("COMMIT").await.unwrap();
        };
        let ended = report(Status::Completed, Source::Callback, 3, bench.now);
        let ours = [heard(owner, attempt.id, "CA0000000000000000000000000000000a", &[ended])];
        let (recorded, ()) = tokio::join!(bench.record(&ours), they_commit);
        assert_eq!(recorded, [expected]);
        let row = psql.query_one("SELECT sid, answered_by, status FROM attempts", &[]).await.unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), (their_sid, "fax"));
        let is_ours = expected != Recorded::OtherCall;
        assert_eq!(row.get::<_, Option<&str>>(2), is_ours.then_some("completed"));
    }
}

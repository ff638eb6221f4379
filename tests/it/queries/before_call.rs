//! Who would be called next, what becomes of him by somebody else's word, and servers that give none.

use outdial::db::attempts::{NextContact, find_next, postpone, veto};
use outdial::db::callbacks::{Asked, ask_for_callback};
use outdial::db::hooks::find_hook;
use outdial::db::hooks::silence::{end_silence, record_silence};
use outdial::domain::callback::Callback;

use super::*;

/// The version of settings that nobody has changed.
const FIRST_VERSION: i32 = 1;

impl Bench {
    /// Who would be called next, by the terms of every campaign here and one call a day.
    async fn next(&self, owner: Ownership, now: DateTime<Utc>) -> Option<NextContact> {
        let (mut settings, library) = (settings(), Library::shipped().unwrap());
        settings.caps.per_day = Some(1);
        let rules = library.select([]).unwrap();
        let terms = Terms::of(&settings, &rules);
        let seen = look(&self.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let ready = ready_queues(&seen.queues, &terms, now);
        find_next(&self.database, owner, self.team, &terms, &ready, now).await.unwrap()
    }

    async fn veto(&self, owner: Ownership, contact: &NextContact) -> bool {
        veto(&self.database, (owner, FIRST_VERSION), contact, "vetoed", self.now).await.unwrap()
    }

    async fn postpone(&self, owner: Ownership, contact: &NextContact, due_at: DateTime<Utc>) -> bool {
        let put_off = (due_at, "postponed");
        postpone(&self.database, (owner, FIRST_VERSION), contact, put_off, self.now).await.unwrap()
    }

    /// Where the cursors of the only area stand: that of those in the order of the list as how many of them it has passed.
    async fn cursors(&self) -> (i64, Option<DateTime<Utc>>) {
        const SQL: &str = "
            SELECT (SELECT count(*) FROM contacts WHERE place <= order_cursor),
                   nullif(due_cursor, '-infinity') FROM areas";
        let row = self.psql().await.query_one(SQL, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Until when a hook's server is left alone, and why.
    async fn silence(&self, hook: Uuid) -> Option<(DateTime<Utc>, String)> {
        find_hook(&self.database, self.team, hook).await.unwrap().expect("the hook").silent
    }

    async fn note_silence(&self, hook: Uuid, now: DateTime<Utc>) {
        record_silence(&self.database, (self.team, hook), "it answered 500", now).await.unwrap();
    }
}

fn phone_of(next: Option<&NextContact>) -> Option<&str> {
    next.map(|contact| contact.phone.as_str())
}

#[tokio::test]
async fn whoever_is_vetoed_or_postponed_is_left_behind_by_the_cursors_as_whoever_is_called() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103"]).await;
    let first = bench.next(owner, bench.now).await.unwrap();
    assert!(bench.veto(owner, &first).await);
    assert_eq!(bench.cursors().await, (1, None));
    let second = bench.next(owner, bench.now).await.unwrap();
    assert_eq!(second.phone, "+12025550102");
    let due_at = bench.minutes(60);
    assert!(bench.postpone(owner, &second, due_at).await);
    assert_eq!(bench.cursors().await, (2, None));
    assert_eq!(phone_of(bench.next(owner, bench.now).await.as_ref()), Some("+12025550103"));
    // When he is due again, he stands in the other queue, and before the third.
    let again = bench.next(owner, bench.minutes(61)).await.unwrap();
    assert_eq!(again.phone, "+12025550102");
    assert!(bench.veto(owner, &again).await);
    assert_eq!(bench.cursors().await, (2, Some(due_at)));
    assert_eq!(phone_of(bench.next(owner, bench.minutes(61)).await.as_ref()), Some("+12025550103"));
    assert_recounted(&bench, owner.campaign).await;
}

/// Between the question and the answer somebody comes to stand before the one who was asked about: the cursors do not leave
/// him behind.
#[tokio::test]
async fn nobody_is_left_behind_who_came_before_the_one_who_was_asked_about() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103"]).await;
    let psql = bench.psql().await;
    let first = bench.next(owner, bench.now).await.unwrap();
    let sql = "UPDATE contacts SET priority = 9 WHERE phone = '+12025550102'";
    psql.batch_execute(&format!("{sql}; UPDATE areas SET order_cursor = DEFAULT")).await.unwrap();
    assert!(bench.veto(owner, &first).await);
    assert_eq!(phone_of(bench.next(owner, bench.now).await.as_ref()), Some("+12025550102"));

    let due = "UPDATE contacts SET timed = true, due_at = $2 WHERE phone = $1";
    psql.execute(due, &[&"+12025550102", &bench.minutes(-10)]).await.unwrap();
    let timed = bench.next(owner, bench.now).await.unwrap();
    assert_eq!(timed.phone, "+12025550102");
    psql.execute(due, &[&"+12025550103", &bench.minutes(-20)]).await.unwrap();
    assert!(bench.postpone(owner, &timed, bench.minutes(60)).await);
    assert_eq!(phone_of(bench.next(owner, bench.now).await.as_ref()), Some("+12025550103"));
}

/// Somebody promises a callback after it was found who is next, and before he is judged.
#[tokio::test]
async fn whoever_has_changed_since_he_was_found_is_not_vetoed_by_what_is_said_of_him() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let contact = bench.contacts(owner.campaign).await[0].id;
    // How often he was called cannot be read until then.
    let gate = bench.psql().await;
    gate.batch_execute("BEGIN; LOCK TABLE calls_of_deleted_campaigns").await.unwrap();
    let (at, psql) = (bench.minutes(60), bench.psql().await);
    let change = async {
        eventually("somebody waits at the gate", || async {
            let waits = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'calls_of_deleted_campaigns'::regclass";
            psql.query_opt(waits, &[]).await.unwrap()
        })
        .await;
        let (ids, wanted) = ((owner.campaign, contact), Callback { at, note: None });
        let just_after = bench.now + TimeDelta::milliseconds(1);
        let asked =
            ask_for_callback(&bench.database, bench.team, ids, &wanted, Some(bench.node), just_after).await;
        assert!(matches!(asked, Ok(Asked::Promised { .. })), "{asked:?}");
        gate.batch_execute("COMMIT").await.unwrap();
    };
    let (found, ()) = tokio::join!(bench.next(owner, bench.now), change);
    let found = found.expect("he was due when he was found");
    assert!(!bench.veto(owner, &found).await);
    assert!(!bench.postpone(owner, &found, bench.minutes(10)).await);
    let stands = &bench.contacts(owner.campaign).await[0];
    assert_eq!((stands.state, stands.due_at), (ContactState::Pending, Some(at)));
}

#[tokio::test]
async fn a_word_counts_only_for_a_campaign_that_runs_is_ours_and_is_as_it_was() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let found = bench.next(owner, bench.now).await.unwrap();
    let stranger = Ownership { epoch: owner.epoch + 1, ..owner };
    let due_at = bench.minutes(60);
    for (owner, version) in [(stranger, FIRST_VERSION), (owner, FIRST_VERSION + 1)] {
        let (database, under) = (&bench.database, (owner, version));
        assert!(!veto(database, under, &found, "vetoed", bench.now).await.unwrap());
        assert!(!postpone(database, under, &found, (due_at, "postponed"), bench.now).await.unwrap());
    }
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    assert!(!bench.veto(owner, &found).await);
    assert!(!bench.postpone(owner, &found, due_at).await);
    let resume = Command::Resume { limit: Limited::AsBefore };
    assert_eq!(bench.command(owner.campaign, resume).await, Moved::Done);
    campaigns::make_move(&bench.database, bench.owner(owner.campaign).await, Move::Begin, None, bench.now)
        .await
        .unwrap();
    assert!(bench.veto(bench.owner(owner.campaign).await, &found).await, "nothing speaks against it");
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_server_is_left_alone_for_longer_with_each_silence_until_it_answers() {
    let bench = Bench::new().await;
    let (hook, _) = bench.make_hook(None, 100).await;
    let (other, _) = bench.make_hook(None, 100).await;
    assert_eq!(bench.silence(hook).await, None);
    let mut now = bench.now;
    let patience = async |now: &mut DateTime<Utc>| {
        bench.note_silence(hook, *now).await;
        let (until, why) = bench.silence(hook).await.expect("it is silent");
        assert_eq!(why, "it answered 500");
        let seconds = (until - *now).num_seconds();
        *now = until;
        seconds
    };
    for seconds in [5, 10, 20, 40, 60, 60] {
        assert_eq!(patience(&mut now).await, seconds);
    }
    // A hook of another team is nobody's of ours.
    end_silence(&bench.database, (Uuid::now_v7(), hook)).await.unwrap();
    assert!(bench.silence(hook).await.is_some());
    end_silence(&bench.database, (bench.team, hook)).await.unwrap();
    assert_eq!(bench.silence(hook).await, None);
    assert_eq!(patience(&mut now).await, 5, "it begins anew");
    assert_eq!(bench.silence(other).await, None, "nobody has asked that one");
    record_silence(&bench.database, (Uuid::now_v7(), other), "it answered 500", now).await.unwrap();
    assert_eq!(bench.silence(other).await, None, "nor has another team");
}

#[tokio::test]
async fn what_several_find_at_the_same_time_is_one_silence() {
    let bench = Bench::new().await;
    let (hook, _) = bench.make_hook(None, 100).await;
    for round in 0..10 {
        let now = bench.minutes(2 * round);
        futures_util::future::join_all((0..6).map(|_| bench.note_silence(hook, now))).await;
        let times: i32 =
            bench.psql().await.query_one("SELECT silent_times FROM hooks", &[]).await.unwrap().get(0);
        assert_eq!(i64::from(times), round + 1);
    }
    // Whoever learns of it late, from before it was left alone, adds nothing.
    let (until, _) = bench.silence(hook).await.unwrap();
    bench.note_silence(hook, until - TimeDelta::milliseconds(1)).await;
    assert_eq!(bench.silence(hook).await.unwrap().0, until);
}

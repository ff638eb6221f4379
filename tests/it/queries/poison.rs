//! Contacts that make their campaign fail, and are set aside.

use outdial::db::attempts::{SetAside, set_aside};
use outdial::db::callbacks::{Asked, ask_for_callback};
use outdial::db::look::count_in_missing_zones;
use outdial::domain::area::InMissingZone;
use outdial::domain::callback::Callback;

use super::*;

const PHONES: [&str; 5] = ["+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105"];
const WHY: &str = "a statement failed: 22003 integer out of range";

impl Bench {
    /// No attempt can be written for this one any more.
    async fn poison(&self, phone: &str) {
        let sql = "UPDATE contacts SET last_number = 2147483647 WHERE phone = $1";
        assert_eq!(self.psql().await.execute(sql, &[&phone]).await.unwrap(), 1);
    }

    async fn set_aside(&self, owner: Ownership, contact: Uuid, unsent: Option<Uuid>) -> SetAside {
        set_aside(&self.database, owner, contact, unsent, WHY, self.now).await.unwrap()
    }

    async fn told(&self, owner: Ownership) -> Vec<(ContactState, Option<String>)> {
        let contacts = self.contacts(owner.campaign).await;
        contacts.into_iter().map(|contact| (contact.state, contact.set_aside)).collect()
    }
}

#[tokio::test]
async fn a_claim_that_fails_says_whose_row_it_is_and_the_others_are_called_once_that_one_is_set_aside() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES[..2]).await;
    bench.poison(PHONES[0]).await;
    let first = bench.contacts(owner.campaign).await[0].id;
    for _ in 0..2 {
        let error = bench.try_claim(owner).await.unwrap_err();
        assert_eq!((error.contact(), error.to_string().as_str()), (Some(first), WHY));
        assert!(error.is_of_a_row() && !error.is_outage());
    }
    assert_eq!(bench.set_aside(owner, first, None).await, SetAside::Done { outcome: None });
    assert_eq!(bench.claimed(owner).await.phone, PHONES[1]);
    assert_eq!(bench.told(owner).await[0], (ContactState::Failed, Some(WHY.to_owned())));
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.failed, counts.set_aside, counts.pending, counts.calling), (1, 1, 0, 1));
    let sql = "SELECT contact_id, data ->> 'detail' FROM events WHERE kind = 'contact.failed'";
    let event = bench.psql().await.query_one(sql, &[]).await.unwrap();
    assert_eq!((event.get::<_, Uuid>(0), event.get::<_, &str>(1)), (first, WHY));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn only_what_a_row_holds_is_a_contact_s_and_nothing_that_a_database_in_trouble_says() {
    let bench = Bench::new().await;
    let psql = bench.psql().await;
    for (code, is_of_a_row) in [
        ("22003", true),
        ("22P02", true),
        ("23514", false),
        ("23505", false),
        ("40001", false),
        ("40P01", false),
        ("25006", false),
        ("42703", false),
        ("42501", false),
        ("53100", false),
        ("53300", false),
        ("55P03", false),
        ("57014", false),
        ("57P01", false),
        ("58030", false),
        ("XX000", false),
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{code}'; END $$");
        let error = Error::from(psql.batch_execute(&raise).await.unwrap_err());
        assert_eq!(error.is_of_a_row(), is_of_a_row, "{code}");
        let told = error.met_with(Uuid::nil());
        assert_eq!(told.contact().is_some(), is_of_a_row, "{code}");
    }
    // A lost race for the campaign's only open call is nobody's fault, a constraint of the contact's own row is.
    let owner = bench.running(&PHONES[..2]).await;
    bench.claimed(owner).await;
    assert!(!bench.try_claim(owner).await.unwrap_err().is_of_a_row());
    let refused = psql.execute("UPDATE contacts SET due_at = NULL WHERE state = 'pending'", &[]).await;
    assert!(Error::from(refused.unwrap_err()).is_of_a_row());
    let refused = psql.execute("UPDATE campaigns SET pending = -1", &[]).await;
    assert!(!Error::from(refused.unwrap_err()).is_of_a_row());
    psql.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
    assert!(!Error::from(psql.execute("SELECT 1", &[]).await.unwrap_err()).is_of_a_row());
}

#[tokio::test]
async fn nobody_is_set_aside_while_his_call_may_be_under_way() {
    let mut bench = Bench::new().await;
    let owner = bench.running(&PHONES[..2]).await;
    let attempt = bench.claimed(owner).await;
    let rings = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA1", &[rings])]).await;
    let SetAside::NotYet { until } = bench.set_aside(owner, attempt.contact, None).await else {
        panic!("it rings")
    };
    assert!(until > bench.minutes(30), "{until}");
    assert_eq!(bench.counts(owner.campaign).await.calling, 1);
    bench.now = until;
    assert_eq!(
        bench.set_aside(owner, attempt.contact, None).await,
        SetAside::Done { outcome: Some(Outcome::Failed) }
    );
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.failed, counts.attempts, counts.outcomes.get("failed")), (1, 1, Some(&1)));
    assert_recounted(&bench, owner.campaign).await;
    let next = bench.claimed(owner).await;
    let ended = report(Status::Completed, Source::Callback, 2, bench.now);
    bench.record(&[heard(owner, next.id, "CA2", &[ended])]).await;
    assert_eq!(
        bench.set_aside(owner, next.contact, None).await,
        SetAside::Done { outcome: Some(Outcome::Failed) },
        "its call is over"
    );
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn an_attempt_of_which_nothing_has_left_is_taken_back_with_the_contact() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES[..2]).await;
    let attempt = bench.claimed(owner).await;
    assert_eq!(
        bench.set_aside(owner, attempt.contact, Some(attempt.id)).await,
        SetAside::Done { outcome: Some(Outcome::NotPlaced) }
    );
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.failed, counts.attempts, counts.outcomes.get("not-placed")), (1, 0, Some(&1)));
    assert_recounted(&bench, owner.campaign).await;
    // Who is final already stays so.
    assert_eq!(bench.set_aside(owner, attempt.contact, None).await, SetAside::Done { outcome: None });
    assert_eq!(bench.counts(owner.campaign).await.failed, 1);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn an_attempt_that_nobody_can_read_is_told_with_its_contact() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES[..1]).await;
    let attempt = bench.claimed(owner).await;
    let sql = "UPDATE attempts SET sid = 'CA1', heard_at = NULL";
    bench.psql().await.execute(sql, &[]).await.unwrap();
    let error = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap_err();
    assert_eq!(error.contact(), Some(attempt.contact));
    // What is wrong with the campaign itself is no contact's.
    let sql = "UPDATE attempts SET heard_at = now(); UPDATE campaigns SET settings = '{}'";
    bench.psql().await.batch_execute(sql).await.unwrap();
    let error = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap_err();
    assert_eq!(error.contact(), None);
}

#[tokio::test]
async fn contacts_that_are_set_aside_one_after_the_other_pause_their_campaign() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES).await;
    let contacts: Vec<Uuid> = bench.contacts(owner.campaign).await.iter().map(|contact| contact.id).collect();
    assert_eq!(bench.set_aside(owner, contacts[4], None).await, SetAside::Done { outcome: None });
    assert_eq!(bench.set_aside(owner, contacts[3], None).await, SetAside::Done { outcome: None });
    // One that is taken back proves nothing, one that is settled does.
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Failed).await);
    let again = bench.claimed(owner).await;
    assert_eq!(
        bench.set_aside(owner, again.contact, Some(again.id)).await,
        SetAside::Done { outcome: Some(Outcome::NotPlaced) }
    );
    let last = bench.claimed(owner).await;
    assert!(bench.settle(owner, last.id, Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))).await);
    assert_eq!(bench.set_aside(owner, last.contact, None).await, SetAside::Done { outcome: None });
    let campaign =
        campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!(campaign.state, State::Running, "two in a row");
    assert_eq!(bench.set_aside(owner, contacts[0], None).await, SetAside::AndPaused { outcome: None });
    let campaign =
        campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!((campaign.state, campaign.state_reason.as_deref()), (State::Paused, Some("contacts-fail")));
    assert!(campaign.state_detail.unwrap().contains(WHY));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn who_was_set_aside_is_called_again_only_if_somebody_asks_for_it() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES[..2]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Unknown, Verdict::Due(bench.minutes(60))).await);
    assert_eq!(bench.set_aside(owner, attempt.contact, None).await, SetAside::Done { outcome: None });
    // Its call that was given up proves alive, which would bring anybody else back.
    bench
        .record(&[heard(
            owner,
            attempt.id,
            "CA1",
            &[report(Status::Ringing, Source::Callback, 1, bench.now)],
        )])
        .await;
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    assert_eq!(seen.revived, None);
    assert!(!reopen(&bench.database, owner, attempt.id, bench.now).await.unwrap());
    let wanted = Callback { at: bench.minutes(5), note: None };
    let ids = (owner.campaign, attempt.contact);
    let asked = ask_for_callback(&bench.database, bench.team, ids, &wanted, Some(bench.node), bench.now)
        .await
        .unwrap();
    assert!(matches!(asked, Asked::Promised { .. }), "{asked:?}");
    assert_eq!(bench.told(owner).await[0], (ContactState::Pending, None));
    assert_eq!(bench.counts(owner.campaign).await.set_aside, 0);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn nobody_sets_anybody_aside_for_a_campaign_that_was_taken_over() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES[..1]).await;
    let contact = bench.contacts(owner.campaign).await[0].id;
    let stranger = Ownership { epoch: owner.epoch + 1, ..owner };
    assert_eq!(bench.set_aside(stranger, contact, None).await, SetAside::NotOurs);
    assert_eq!(bench.told(owner).await[0].0, ContactState::Pending);
}

#[tokio::test]
async fn who_is_in_a_zone_that_nobody_knows_is_counted_zone_by_zone() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+13125550101", "+13125550102"]).await;
    let sql = "UPDATE areas SET zones = 'Mars/Olympus' WHERE zones = 'America/Chicago'";
    bench.psql().await.execute(sql, &[]).await.unwrap();
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    assert_eq!(seen.queues.len(), 1);
    let counted = count_in_missing_zones(&bench.database, owner.campaign, &seen.missing_zones).await.unwrap();
    assert_eq!(counted, [InMissingZone { zone: "Mars/Olympus".to_owned(), contacts: 2 }]);
    assert_eq!(bench.claimed(owner).await.phone, "+12025550101");
}

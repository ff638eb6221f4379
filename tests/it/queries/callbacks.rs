//! Callbacks that people ask for, and what the look tells of earlier attempts.

use outdial::db::callbacks::{Asked, ask_for_callback};
use outdial::domain::callback::{Callback, NoCallback};
use outdial::domain::retry::Earlier;

use super::*;

impl Bench {
    async fn ask_for_callback(&self, owner: Ownership, contact: Uuid, at: DateTime<Utc>) -> Asked {
        let wanted = Callback { at, note: Some("after lunch".to_owned()) };
        let ids = (owner.campaign, contact);
        ask_for_callback(&self.database, self.team, ids, &wanted, Some(self.node), self.now).await.unwrap()
    }

    /// The contact at this place of the list.
    async fn contact(&self, owner: Ownership, position: usize) -> outdial::db::contacts::Contact {
        self.contacts(owner.campaign).await.swap_remove(position - 1)
    }

    async fn events(&self, owner: Ownership) -> i64 {
        let sql = "SELECT count(*) FROM events WHERE campaign_id = $1";
        self.psql().await.query_one(sql, &[&owner.campaign]).await.unwrap().get(0)
    }
}

fn due(at: DateTime<Utc>) -> Asked {
    Asked::Promised { state: ContactState::Pending, due_at: Some(at) }
}

#[tokio::test]
async fn a_callback_wins_over_the_backoff_and_brings_back_who_was_final() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103", "+12025550104"]).await;
    let verdicts = [
        (Outcome::NoAnswer, Verdict::Due(bench.minutes(600))),
        (Outcome::Answered, Verdict::Completed),
        (Outcome::Busy, Verdict::Failed),
    ];
    for (outcome, verdict) in verdicts {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, verdict).await);
    }
    for position in 1..=4 {
        let contact = bench.contact(owner, position).await.id;
        // The last one's stands before the first one's: the cursor goes back.
        let at = bench.minutes(-(position as i64));
        assert_eq!(bench.ask_for_callback(owner, contact, at).await, due(at), "contact {position}");
        assert_eq!(bench.contact(owner, position).await.due_at, Some(at));
        assert_recounted(&bench, owner.campaign).await;
    }
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.pending, counts.completed, counts.failed), (4, 0, 0));
    for position in (1..=4).rev() {
        let attempt = bench.claimed(owner).await;
        assert_eq!(attempt.contact, bench.contact(owner, position).await.id);
        assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    }
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_callback_asked_for_during_the_call_applies_when_it_is_settled() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103"]).await;
    let endings = [
        (Outcome::Answered, Verdict::Completed, Some(bench.minutes(90))),
        (Outcome::NotPlaced, Verdict::Due(bench.minutes(1)), Some(bench.minutes(90))),
        (Outcome::InvalidNumber, Verdict::Failed, None),
    ];
    for (position, (outcome, verdict, expected)) in (1..).zip(endings) {
        let attempt = bench.claimed(owner).await;
        let asked = bench.ask_for_callback(owner, attempt.contact, bench.minutes(90)).await;
        assert_eq!(asked, Asked::Promised { state: ContactState::Calling, due_at: None });
        assert!(bench.settle(owner, attempt.id, outcome, verdict).await);
        let contact = bench.contact(owner, position).await;
        assert_eq!(contact.due_at, expected, "{outcome}");
        assert_eq!(contact.state == ContactState::Pending, expected.is_some(), "{outcome}");
        assert_recounted(&bench, owner.campaign).await;
    }
    // It is made once: the next call's end follows the policy again.
    let mut bench = bench;
    bench.now = bench.minutes(91);
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert_eq!(bench.counts(owner.campaign).await.completed, 1);
    let refused = bench.contact(owner, 3).await.id;
    let again = bench.ask_for_callback(owner, refused, bench.minutes(90)).await;
    assert_eq!(again, Asked::Refused(NoCallback::NumberRefused(Outcome::InvalidNumber)));
}

#[tokio::test]
async fn the_same_wish_again_changes_nothing_before_or_after_its_call() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let contact = bench.contact(owner, 1).await.id;
    let at = bench.now;
    assert_eq!(bench.ask_for_callback(owner, contact, at).await, due(at));
    let events = bench.events(owner).await;
    // The table keeps microseconds, and a wish may be finer.
    assert_eq!(bench.ask_for_callback(owner, contact, at + TimeDelta::nanoseconds(300)).await, due(at));
    let attempt = bench.claimed(owner).await;
    let later = bench.minutes(60);
    assert!(bench.settle(owner, attempt.id, Outcome::NoAnswer, Verdict::Due(later)).await);
    assert_eq!(bench.ask_for_callback(owner, contact, at).await, due(later));
    // The call told of its beginning and its end, and nothing else did.
    assert_eq!(bench.events(owner).await, events + 2);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_completed_campaign_runs_again_for_a_callback_and_has_an_owner() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let attempt = bench.claimed(owner).await;
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    let psql = bench.psql().await;
    psql.execute("UPDATE campaigns SET node = NULL", &[]).await.unwrap();
    let at = bench.minutes(30);
    assert_eq!(bench.ask_for_callback(owner, attempt.contact, at).await, due(at));
    let campaign =
        campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!((campaign.state, campaign.completed_at), (State::Running, None));
    assert_eq!(bench.owner(owner.campaign).await.epoch, owner.epoch + 1);
    assert_recounted(&bench, owner.campaign).await;
    // A campaign that was given up promises nothing.
    assert_eq!(bench.command(owner.campaign, Command::Cancel).await, Moved::Done);
    let refused = bench.ask_for_callback(owner, attempt.contact, bench.minutes(40)).await;
    assert_eq!(refused, Asked::Refused(NoCallback::CampaignOver(State::Canceled)));
}

#[tokio::test]
async fn nobody_promises_a_callback_to_a_suppressed_number_or_in_somebody_else_s_campaign() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let contact = bench.contact(owner, 1).await.id;
    let stranger = Ownership { campaign: Uuid::now_v7(), ..owner };
    assert_eq!(bench.ask_for_callback(stranger, contact, bench.now).await, Asked::NotFound);
    assert_eq!(bench.ask_for_callback(owner, Uuid::now_v7(), bench.now).await, Asked::NotFound);
    bench.suppress("+12025550101").await;
    let refused = bench.ask_for_callback(owner, contact, bench.now).await;
    assert_eq!(refused, Asked::Refused(NoCallback::Suppressed));
    assert_eq!(bench.events(owner).await, 3, "created, started, begun");
}

#[tokio::test]
async fn a_look_tells_what_the_open_attempt_s_contact_went_through_before() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    let outcomes = [Outcome::NoAnswer, Outcome::NotPlaced, Outcome::Busy, Outcome::NoAnswer];
    for outcome in outcomes {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Due(bench.minutes(-1))).await);
    }
    bench.claimed(owner).await;
    let looked = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    let zone = settings().timezone;
    let expected = Earlier::of(outcomes.map(|outcome| (outcome, bench.now)), &zone);
    assert_eq!(looked.open.unwrap().earlier, expected);
    assert_eq!((expected.tries(), expected.that_came_to(Outcome::NoAnswer)), (3, 2));
}

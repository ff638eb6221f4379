//! Campaigns that call only so many of their contacts before they are paused.

use super::*;

const PHONES: [&str; 4] = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];

impl Bench {
    /// A running campaign that calls so many of four contacts.
    async fn limited(&self, contacts: u32) -> Ownership {
        let id = self.draft(&PHONES).await;
        let start = Command::Start { account_sid: ACCOUNT, limit: Limited::To(contacts) };
        assert_eq!(self.command(id, start).await, Moved::Done);
        let owner = self.owner(id).await;
        assert!(campaigns::make_move(&self.database, owner, Move::Begin, None, self.now).await.unwrap());
        owner
    }

    async fn left(&self, owner: Ownership) -> Option<u32> {
        let seen = look(&self.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let shown = campaigns::find_campaign(&self.database, self.team, owner.campaign).await.unwrap();
        assert_eq!(shown.unwrap().limit_left, seen.limit_left);
        seen.limit_left
    }

    /// Somebody is called, and it comes to this; then he is due again at once.
    async fn call(&self, owner: Ownership, outcome: Outcome) -> String {
        let attempt = self.claimed(owner).await;
        assert!(self.settle(owner, attempt.id, outcome, Verdict::Due(self.minutes(-1))).await);
        attempt.phone
    }

    async fn resume(&self, owner: Ownership, limit: Limited) -> Ownership {
        assert_eq!(self.command(owner.campaign, Command::Pause).await, Moved::Done);
        assert_eq!(self.command(owner.campaign, Command::Resume { limit }).await, Moved::Done);
        let owner = self.owner(owner.campaign).await;
        assert!(campaigns::make_move(&self.database, owner, Move::Begin, None, self.now).await.unwrap());
        owner
    }
}

#[tokio::test]
async fn a_contact_counts_once_however_often_it_is_called() {
    let bench = Bench::new().await;
    let owner = bench.limited(2).await;
    assert_eq!(bench.left(owner).await, Some(2));
    for left in [1, 1, 1] {
        assert_eq!(bench.call(owner, Outcome::Busy).await, "+12025550101");
        assert_eq!(bench.left(owner).await, Some(left));
    }
    let last = bench.claimed(owner).await;
    assert!(bench.settle(owner, last.id, Outcome::Answered, Verdict::Completed).await);
    let second = bench.claimed(owner).await;
    assert_eq!((second.phone.as_str(), bench.left(owner).await), ("+12025550102", Some(0)));
    assert!(bench.settle(owner, second.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await);
    // Whoever looked before goes away empty, retries or not.
    assert!(matches!(bench.claim(owner).await, Claim::LimitReached));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn an_attempt_that_is_taken_back_leaves_room_for_another() {
    let bench = Bench::new().await;
    let owner = bench.limited(1).await;
    bench.call(owner, Outcome::NotPlaced).await;
    assert_eq!(bench.left(owner).await, Some(1));
    // A retry that is taken back leaves none: its contact was called before.
    bench.call(owner, Outcome::Busy).await;
    assert_eq!(bench.left(owner).await, Some(0));
    let owner = bench.resume(owner, Limited::To(2)).await;
    bench.call(owner, Outcome::Busy).await;
    bench.call(owner, Outcome::NotPlaced).await;
    assert_eq!(bench.left(owner).await, Some(1));
}

#[tokio::test]
async fn who_is_set_aside_before_he_was_called_leaves_room_for_another() {
    let bench = Bench::new().await;
    let owner = bench.limited(1).await;
    let attempt = bench.claimed(owner).await;
    assert_eq!(bench.left(owner).await, Some(0));
    let unsent = Some(attempt.id);
    let because = "his row cannot be read";
    let aside =
        outdial::db::attempts::set_aside(&bench.database, owner, attempt.contact, unsent, because, bench.now);
    assert_eq!(
        aside.await.unwrap(),
        outdial::db::attempts::SetAside::Done { outcome: Some(Outcome::NotPlaced) }
    );
    assert_eq!(bench.left(owner).await, Some(1));
}

#[tokio::test]
async fn a_pause_keeps_what_is_left_and_a_limit_that_is_reached_is_over() {
    let bench = Bench::new().await;
    let owner = bench.limited(2).await;
    bench.call(owner, Outcome::Busy).await;
    let owner = bench.resume(owner, Limited::AsBefore).await;
    assert_eq!(bench.left(owner).await, Some(1));
    let owner = bench.resume(owner, Limited::Not).await;
    assert_eq!(bench.left(owner).await, None);
    let owner = bench.resume(owner, Limited::To(1)).await;
    // Paused while the last of them is on the phone, it calls nobody else when it goes on.
    let open = bench.claimed(owner).await;
    let owner = bench.resume(owner, Limited::AsBefore).await;
    assert_eq!(bench.left(owner).await, Some(0));
    assert!(bench.settle(owner, open.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await);
    let reached = Some((HaltReason::LimitReached, "as many as wished"));
    assert!(campaigns::make_move(&bench.database, owner, Move::Pause, reached, bench.now).await.unwrap());
    let resume = Command::Resume { limit: Limited::AsBefore };
    assert_eq!(bench.command(owner.campaign, resume).await, Moved::Done);
    assert_eq!(bench.left(bench.owner(owner.campaign).await).await, None);
}

#[tokio::test]
async fn a_contact_that_was_called_before_counts_again_under_another_limit() {
    let bench = Bench::new().await;
    let owner = bench.limited(4).await;
    bench.call(owner, Outcome::Busy).await;
    // His attempt is taken back under the next limit, to which it never counted.
    let open = bench.claimed(owner).await;
    assert_eq!(bench.command(owner.campaign, Command::Pause).await, Moved::Done);
    let limit = Limited::To(2);
    assert_eq!(bench.command(owner.campaign, Command::Resume { limit }).await, Moved::Done);
    let owner = bench.owner(owner.campaign).await;
    assert!(bench.settle(owner, open.id, Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))).await);
    assert_eq!(bench.left(owner).await, Some(2));
    assert!(campaigns::make_move(&bench.database, owner, Move::Begin, None, bench.now).await.unwrap());
    assert_eq!(bench.call(owner, Outcome::Busy).await, "+12025550101");
    assert_eq!(bench.left(owner).await, Some(1));
}

//! The calls of a campaign's day, which are counted in its row.

use outdial::domain::daily_cap::CallDay;
use outdial::domain::hours::BusinessHours;
use outdial::domain::zone::Zone;

use super::*;

const PHONES: [&str; 4] = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];

/// Midnight comes early in the campaign's zone, while it is time to call people in New York.
fn twice_a_day() -> Settings {
    let timezone = Zone::parse("Asia/Kathmandu").unwrap();
    let business_hours = BusinessHours::around_the_clock();
    Settings { max_calls_per_day: Some(2), timezone, business_hours, ..settings() }
}

impl Bench {
    async fn call_day(&self, owner: Ownership) -> Option<CallDay> {
        let seen = look(&self.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let shown = campaigns::find_campaign(&self.database, self.team, owner.campaign).await.unwrap();
        assert_eq!(shown.unwrap().call_day, seen.call_day);
        seen.call_day
    }

    async fn call_twice_a_day(&self, owner: Ownership) -> Claim {
        self.claim_by(owner, twice_a_day()).await.unwrap()
    }

    /// A call that is made, and settled as this.
    async fn one_call(&self, owner: Ownership, outcome: Outcome) {
        let Claim::Attempt(attempt) = self.call_twice_a_day(owner).await else { panic!("no attempt") };
        assert!(self.settle(owner, attempt.id, outcome, Verdict::Due(self.minutes(-1))).await);
    }
}

fn on(day: &str, calls: u32) -> Option<CallDay> {
    Some(CallDay { on: day.parse().unwrap(), calls })
}

#[tokio::test]
async fn no_claim_goes_beyond_the_calls_of_a_day_whatever_was_seen_before() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES).await;
    assert_eq!(bench.call_day(owner).await, None);
    for calls in 1..=2 {
        bench.one_call(owner, Outcome::Busy).await;
        assert_eq!(bench.call_day(owner).await, on("2026-03-02", calls));
    }
    assert!(matches!(bench.call_twice_a_day(owner).await, Claim::DayIsFull));
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.pending, counts.calling, counts.attempts), (4, 0, 2), "nobody was touched");
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_call_that_was_taken_back_does_not_count_and_any_other_does() {
    let bench = Bench::new().await;
    let owner = bench.running(&PHONES).await;
    bench.one_call(owner, Outcome::NotPlaced).await;
    assert_eq!(bench.call_day(owner).await, on("2026-03-02", 0));
    bench.one_call(owner, Outcome::Unknown).await;
    bench.one_call(owner, Outcome::InvalidNumber).await;
    assert_eq!(bench.call_day(owner).await, on("2026-03-02", 2));
    assert!(matches!(bench.call_twice_a_day(owner).await, Claim::DayIsFull));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_day_is_one_of_the_campaign_s_own_clock() {
    let mut bench = Bench::new().await;
    let owner = bench.running(&PHONES).await;
    // A minute before midnight in Kathmandu.
    bench.now = "2026-03-02T18:14:00Z".parse().unwrap();
    for _ in 0..2 {
        bench.one_call(owner, Outcome::Busy).await;
    }
    assert!(matches!(bench.call_twice_a_day(owner).await, Claim::DayIsFull));
    bench.now = bench.minutes(1);
    let Claim::Attempt(attempt) = bench.call_twice_a_day(owner).await else { panic!("it is another day") };
    assert_eq!(bench.call_day(owner).await, on("2026-03-03", 1));
    // The clock was set back: the day that has begun is not left again, and the call counts to it.
    bench.now = bench.minutes(-1);
    assert!(bench.settle(owner, attempt.id, Outcome::Busy, Verdict::Due(bench.minutes(-1))).await);
    bench.one_call(owner, Outcome::Busy).await;
    assert_eq!(bench.call_day(owner).await, on("2026-03-03", 2));
    assert!(matches!(bench.call_twice_a_day(owner).await, Claim::DayIsFull));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_call_of_yesterday_that_is_taken_back_today_is_not_counted_off_today() {
    let mut bench = Bench::new().await;
    let owner = bench.running(&PHONES).await;
    bench.now = "2026-03-02T18:14:00Z".parse().unwrap();
    bench.one_call(owner, Outcome::Unknown).await;
    let revived = bench.psql().await.query_one("SELECT id FROM attempts", &[]).await.unwrap().get(0);
    bench.now = bench.minutes(2);
    bench.one_call(owner, Outcome::Busy).await;
    // Given up as unknown, heard of after all, and never dialed.
    let contact =
        "UPDATE contacts SET last_number = 1 WHERE id = (SELECT contact_id FROM attempts WHERE id = $1)";
    bench.psql().await.execute(contact, &[&revived]).await.unwrap();
    assert!(reopen(&bench.database, owner, revived, bench.now).await.unwrap());
    assert!(bench.settle(owner, revived, Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))).await);
    assert_eq!(bench.call_day(owner).await, on("2026-03-03", 1));
    assert_recounted(&bench, owner.campaign).await;
}

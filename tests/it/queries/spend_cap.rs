//! What a campaign's calls cost: the sums in its row, and the claim that goes by them.

use outdial::db::attempts::{
    AttemptFilter, Price, SetAside, ToldPrice, ask_price_again, list_attempts, record_price,
    record_told_prices, set_aside,
};
use outdial::db::retention::{Erasure, Keep, Person, erase_expired, erase_person};
use outdial::domain::money::Money;
use outdial::domain::spend::Spend;

use super::*;

const PHONES: [&str; 4] = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn told(amount: &str) -> Price {
    Price::Told { amount: money(amount), unit: Some("USD".to_owned()) }
}

fn capped() -> Settings {
    Settings { max_spend: Some(money("0.10")), ..settings() }
}

impl Bench {
    /// A running campaign that may spend ten cents.
    async fn thrifty(&self) -> Ownership {
        let owner = self.running(&PHONES).await;
        let settings = serde_json::to_value(capped()).unwrap();
        let sql = "UPDATE campaigns SET settings = $2 WHERE id = $1";
        self.psql().await.execute(sql, &[&owner.campaign, &settings]).await.unwrap();
        owner
    }

    /// A call that the provider knows, ended with this status, and settled as this.
    async fn call_by(&self, owner: Ownership, status: Status, outcome: Outcome) -> Uuid {
        let Claim::Attempt(attempt) = self.claim_by(owner, capped()).await.unwrap() else {
            panic!("no attempt")
        };
        let sid = format!("CA{}", attempt.id.simple());
        let report = report(status, Source::Callback, 3, self.now);
        let duration_seconds = report.duration_seconds.filter(|_| status == Status::Completed);
        let report = Report { duration_seconds, ..report };
        self.record(&[heard(owner, attempt.id, &sid, &[report])]).await;
        assert!(self.settle(owner, attempt.id, outcome, Verdict::Due(self.minutes(-1))).await);
        attempt.id
    }

    async fn answered(&self, owner: Ownership) -> Uuid {
        self.call_by(owner, Status::Completed, Outcome::Answered).await
    }

    async fn price(&self, owner: Ownership, attempt: Uuid, price: &Price) -> bool {
        record_price(&self.database, owner, attempt, price).await.unwrap()
    }

    /// What the campaign's calls cost, as its owner sees it and as the API shows it.
    async fn spend(&self, owner: Ownership) -> (String, u32, String) {
        let seen = look(&self.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let shown = campaigns::find_campaign(&self.database, self.team, owner.campaign).await.unwrap();
        assert_eq!(shown.unwrap().spend, seen.spend);
        assert_eq!(seen.unpriced.is_some(), seen.spend.unpriced > 0);
        assert_recounted(self, owner.campaign).await;
        let Spend { spent, unpriced, highest } = seen.spend;
        (spent.to_string(), unpriced, highest.to_string())
    }

    async fn is_refused(&self, owner: Ownership) -> bool {
        matches!(self.claim_by(owner, capped()).await.unwrap(), Claim::SpendCap)
    }
}

fn is(spent: &str, unpriced: u32, highest: &str) -> (String, u32, String) {
    (spent.to_owned(), unpriced, highest.to_owned())
}

#[tokio::test]
async fn a_call_has_no_price_until_one_is_told_and_one_that_is_told_twice_counts_once() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let call = bench.answered(owner).await;
    assert_eq!(bench.spend(owner).await, is("0.00", 1, "0.00"));
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap().unpriced.unwrap();
    assert_eq!((seen.attempt, seen.ended_at), (call, bench.now));
    assert_eq!(seen.ask_at, bench.now + TimeDelta::seconds(10));
    for first in [true, false] {
        assert_eq!(bench.price(owner, call, &told("0.0140")).await, first);
        assert_eq!(bench.spend(owner).await, is("0.014", 0, "0.014"));
    }
    let attempts =
        list_attempts(&bench.database, bench.team, owner.campaign, &AttemptFilter::default(), 9).await;
    let attempt = &attempts.unwrap()[0];
    assert_eq!((attempt.price, attempt.price_unit.as_deref()), (Some(money("0.014")), Some("USD")));
    let shown = campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!(shown.currency.as_deref(), Some("USD"));
}

#[tokio::test]
async fn only_calls_that_may_cost_something_await_a_price() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    for (status, outcome) in [
        (Status::Busy, Outcome::Busy),
        (Status::NoAnswer, Outcome::NoAnswer),
        (Status::Failed, Outcome::Failed),
        (Status::Canceled, Outcome::NotPlaced),
    ] {
        bench.call_by(owner, status, outcome).await;
        assert_eq!(bench.spend(owner).await, is("0.00", 0, "0.00"), "{status}");
    }
    // One of which the provider knows nothing has no price, either.
    let Claim::Attempt(lost) = bench.claim_by(owner, capped()).await.unwrap() else { panic!("no attempt") };
    assert!(bench.settle(owner, lost.id, Outcome::Unknown, Verdict::Due(bench.minutes(-1))).await);
    assert_eq!(bench.spend(owner).await, is("0.00", 0, "0.00"));
    // Where nothing is capped nothing is asked.
    let free = bench.running(&["+12025550150"]).await;
    let attempt = bench.claimed(free).await;
    let ended = report(Status::Completed, Source::Callback, 3, bench.now);
    bench.record(&[heard(free, attempt.id, "CA0150", &[ended])]).await;
    assert!(bench.settle(free, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert_eq!(bench.spend(free).await, is("0.00", 0, "0.00"));
}

#[tokio::test]
async fn no_claim_is_made_while_the_calls_may_have_cost_what_they_may() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let first = bench.answered(owner).await;
    assert!(bench.price(owner, first, &told("0.04")).await);
    let second = bench.answered(owner).await;
    let third = bench.answered(owner).await;
    // Four cents were spent, and twice four may have been.
    assert_eq!(bench.spend(owner).await, is("0.04", 2, "0.04"));
    assert!(bench.is_refused(owner).await);
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.pending, counts.calling, counts.attempts), (4, 0, 3), "nobody was touched");
    assert!(bench.price(owner, second, &told("0.01")).await);
    assert!(!bench.is_refused(owner).await, "five cents, and four that may come");
    let open = bench.psql().await.query_one("SELECT id FROM attempts WHERE settled_at IS NULL", &[]).await;
    let taken_back = open.unwrap().get(0);
    assert!(bench.settle(owner, taken_back, Outcome::NotPlaced, Verdict::Due(bench.minutes(-1))).await);
    assert!(bench.price(owner, third, &told("0.05")).await);
    assert_eq!(bench.spend(owner).await, is("0.10", 0, "0.05"));
    assert!(bench.is_refused(owner).await);
}

#[tokio::test]
async fn a_call_whose_price_is_never_told_counts_as_the_most_expensive_one() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let calls = [bench.answered(owner).await, bench.answered(owner).await];
    assert!(bench.price(owner, calls[0], &told("0.03")).await);
    ask_price_again(&bench.database, calls[1], bench.minutes(5)).await.unwrap();
    let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap().unpriced.unwrap();
    assert_eq!((seen.attempt, seen.ask_at), (calls[1], bench.minutes(5)));
    assert!(bench.price(owner, calls[1], &Price::Assumed).await);
    assert!(!bench.price(owner, calls[1], &told("0.01")).await);
    assert_eq!(bench.spend(owner).await, is("0.06", 0, "0.03"));
    let attempts =
        list_attempts(&bench.database, bench.team, owner.campaign, &AttemptFilter::default(), 9).await;
    assert_eq!(attempts.unwrap()[0].price, None, "nobody has told it");
}

#[tokio::test]
async fn a_call_that_proves_alive_has_no_price_before_it_ends_again() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let Claim::Attempt(attempt) = bench.claim_by(owner, capped()).await.unwrap() else {
        panic!("no attempt")
    };
    let ringing = report(Status::Ringing, Source::Callback, 1, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA0101", &[ringing])]).await;
    let heard_at = Some(bench.now + TimeDelta::seconds(1));
    let given_up = Settlement {
        attempt: attempt.id,
        outcome: Outcome::Unknown,
        verdict: Verdict::Due(bench.minutes(60)),
        call_ended_at: Some(bench.now),
        error: None,
        last_word: heard_at,
    };
    assert!(settle(&bench.database, owner, &given_up, bench.now).await.unwrap());
    assert_eq!(bench.spend(owner).await, is("0.00", 1, "0.00"));
    let ended = report(Status::Completed, Source::Callback, 3, bench.now);
    bench.record(&[heard(owner, attempt.id, "CA0101", &[ended])]).await;
    assert!(reopen(&bench.database, owner, attempt.id, bench.now).await.unwrap());
    assert_eq!(bench.spend(owner).await, is("0.00", 0, "0.00"));
    assert!(!bench.price(owner, attempt.id, &told("0.01")).await);
    assert!(bench.settle(owner, attempt.id, Outcome::Answered, Verdict::Completed).await);
    assert_eq!(bench.spend(owner).await, is("0.00", 1, "0.00"));
}

#[tokio::test]
async fn a_call_that_was_taken_awaits_a_price_also_where_its_contact_is_set_aside() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    for (status, unpriced) in [(Status::NoAnswer, 0), (Status::Completed, 1)] {
        let Claim::Attempt(attempt) = bench.claim_by(owner, capped()).await.unwrap() else {
            panic!("no attempt")
        };
        let sid = format!("CA{}", attempt.id.simple());
        let ended = report(status, Source::Callback, 3, bench.now);
        bench.record(&[heard(owner, attempt.id, &sid, &[ended])]).await;
        let done = set_aside(&bench.database, owner, attempt.contact, None, "why", bench.now).await.unwrap();
        assert_eq!(done, SetAside::Done { outcome: Some(Outcome::Failed) });
        assert_eq!(bench.spend(owner).await, is("0.00", unpriced, "0.00"), "{status}");
    }
}

#[tokio::test]
async fn nobody_tells_the_prices_of_a_campaign_that_was_taken_over() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let call = bench.answered(owner).await;
    let stranger = Ownership { epoch: owner.epoch - 1, ..owner };
    assert!(!bench.price(stranger, call, &told("0.01")).await);
    assert_eq!(bench.spend(owner).await, is("0.00", 1, "0.00"));
}

#[tokio::test]
async fn a_call_that_is_erased_before_its_price_is_told_costs_what_the_dearest_did() {
    let bench = Bench::new().await;
    let owner = bench.thrifty().await;
    let first = bench.answered(owner).await;
    assert!(bench.price(owner, first, &told("0.0140")).await);
    let second = bench.answered(owner).await;
    let sql = "SELECT to_phone FROM attempts WHERE id = $1";
    let phone: String = bench.psql().await.query_one(sql, &[&second]).await.unwrap().get(0);
    let third = bench.answered(owner).await;
    assert_eq!(bench.spend(owner).await, is("0.014", 2, "0.014"));
    let person = Person { phone: &phone, national: &phone[2..] };
    let erased = erase_person(&bench.database, bench.team, person, bench.now).await.unwrap();
    assert!(matches!(erased, Erasure::Done(_)), "{erased:?}");
    let of_the_person = "SELECT count(*) FROM attempts WHERE ask_price_at IS NOT NULL";
    let asked: i64 = bench.psql().await.query_one(of_the_person, &[]).await.unwrap().get(0);
    let left = u32::try_from(asked).unwrap();
    let spent = money("0.014").millionths() * i64::from(3 - left);
    let spend = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap().spend;
    assert_eq!((spend.spent.millionths(), spend.unpriced), (spent, left));
    assert!(left < 2, "the price of an erased call is not asked for");
    assert_eq!(bench.price(owner, third, &told("0.0100")).await, left == 1);

    // The same where a campaign ended long ago.
    let fourth = bench.answered(owner).await;
    assert_eq!(bench.command(owner.campaign, Command::Cancel).await, Moved::Done);
    let before = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap();
    assert!(before.is_none_or(|seen| seen.spend.unpriced == 1));
    let keep = Keep { contacts: Some(TimeDelta::days(1)), ..Keep::default() };
    let later = bench.now + TimeDelta::days(2);
    erase_expired(&bench.database, keep, later, later).await.unwrap();
    let sql = "SELECT price FROM attempts WHERE id = $1";
    let price: Option<i64> = bench.psql().await.query_one(sql, &[&fourth]).await.unwrap().get(0);
    assert_eq!(price, Some(money("0.014").millionths()));
    let sql = "
        SELECT spent = (SELECT sum(price) FROM attempts)::bigint AND unpriced = 0 FROM campaigns WHERE id = $1";
    assert!(bench.psql().await.query_one(sql, &[&owner.campaign]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn prices_are_learned_of_a_list_once_and_of_calls_that_have_no_time_of_their_own() {
    let bench = Bench::new().await;
    let (owner, thrifty) = (bench.running(&PHONES).await, bench.thrifty().await);
    let (first, second) = (bench.answered(owner).await, bench.answered(owner).await);
    let asked_for = bench.answered(thrifty).await;
    let Claim::Attempt(open) = bench.claim_by(owner, capped()).await.unwrap() else { panic!("no attempt") };
    let told = |attempt: Uuid, amount: &str| {
        let (amount, unit) = (money(amount), Some("USD".to_owned()));
        ToldPrice { sid: format!("CA{}", attempt.simple()), amount, unit }
    };
    let sid = format!("CA{}", open.id.simple());
    bench
        .record(&[heard(owner, open.id, &sid, &[report(Status::Ringing, Source::Callback, 1, bench.now)])])
        .await;
    let strange = told(Uuid::now_v7(), "5.00");
    let list =
        [told(first, "0.02"), strange, told(asked_for, "0.07"), told(open.id, "0.09"), told(second, "0.01")];
    let learn = async || record_told_prices(&bench.database, &list).await.unwrap();
    assert_eq!(learn().await, 2);
    assert_eq!(bench.spend(owner).await, is("0.03", 0, "0.02"));
    assert_eq!(bench.spend(thrifty).await, is("0.00", 1, "0.00"), "it asks itself");
    assert_eq!(learn().await, 0, "they are known");
    assert_eq!(record_told_prices(&bench.database, &[]).await.unwrap(), 0);
    let seen = campaigns::find_campaign(&bench.database, bench.team, owner.campaign).await.unwrap().unwrap();
    assert_eq!(seen.currency.as_deref(), Some("USD"));
}

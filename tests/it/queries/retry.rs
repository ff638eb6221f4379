//! Contacts that were given up and are called again.

use outdial::db::attempts::find_earlier;
use outdial::db::retry::{Again, Retried, retry};

use super::*;

impl Bench {
    async fn retry(&self, campaign: Uuid, outcomes: &[Outcome], set_aside: bool) -> Retried {
        let again = Again { outcomes: outcomes.to_vec(), set_aside };
        retry(&self.database, self.team, campaign, &again, (None, Some(self.node)), self.now).await.unwrap()
    }

    /// A campaign whose contacts were given up, each after one of these.
    async fn given_up(&self, outcomes: &[Outcome]) -> Ownership {
        let phones: Vec<String> = (1..).take(outcomes.len()).map(phone).collect();
        let owner = self.running(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for &outcome in outcomes {
            let attempt = self.claimed(owner).await;
            let verdict = if outcome == Outcome::Answered { Verdict::Completed } else { Verdict::Failed };
            assert!(self.settle(owner, attempt.id, outcome, verdict).await);
        }
        owner
    }

    /// The places of those who wait.
    async fn waiting(&self, owner: Ownership) -> Vec<i32> {
        let contacts = self.contacts(owner.campaign).await.into_iter();
        contacts
            .filter(|contact| contact.state == ContactState::Pending)
            .map(|contact| contact.position)
            .collect()
    }
}

fn done(contacts: u32, state: State) -> Retried {
    Retried::Done { contacts, state }
}

#[tokio::test]
async fn only_those_are_called_again_whose_outcome_is_named_and_only_once() {
    use Outcome::{Answered, Blocked, Busy, InvalidNumber, NoAnswer};
    let bench = Bench::new().await;
    let owner = bench.given_up(&[NoAnswer, Busy, Answered, InvalidNumber, NoAnswer, Blocked]).await;
    assert_eq!(bench.retry(owner.campaign, &[NoAnswer, Busy], false).await, done(3, State::Running));
    assert_eq!(bench.waiting(owner).await, [1, 2, 5]);
    assert_eq!(bench.retry(owner.campaign, &[NoAnswer, Busy], false).await, done(0, State::Running));
    assert_eq!(bench.retry(owner.campaign, &[InvalidNumber], false).await, done(1, State::Running));
    assert_recounted(&bench, owner.campaign).await;
    let sql = "SELECT data FROM events WHERE campaign_id = $1 AND kind = 'contacts.retried' ORDER BY id";
    let rows = bench.psql().await.query(sql, &[&owner.campaign]).await.unwrap();
    let told: Vec<u64> =
        rows.iter().map(|row| row.get::<_, serde_json::Value>(0)["contacts"].as_u64().unwrap()).collect();
    assert_eq!(told, [3, 1]);
    // They come in the order of the list, though the cursor had gone past them.
    for number in [1, 2, 4, 5] {
        let attempt = bench.claimed(owner).await;
        assert_eq!(attempt.phone, phone(number));
        assert!(bench.settle(owner, attempt.id, Busy, Verdict::Failed).await);
    }
}

#[tokio::test]
async fn a_completed_campaign_runs_again_has_an_owner_and_one_at_its_end_does_not() {
    let bench = Bench::new().await;
    let owner = bench.given_up(&[Outcome::NoAnswer]).await;
    assert!(campaigns::make_move(&bench.database, owner, Move::Finish, None, bench.now).await.unwrap());
    bench.psql().await.execute("UPDATE campaigns SET node = NULL", &[]).await.unwrap();
    // Nobody is found, so nothing begins.
    assert_eq!(bench.retry(owner.campaign, &[Outcome::Busy], false).await, done(0, State::Completed));
    assert_eq!(bench.retry(owner.campaign, &[Outcome::NoAnswer], false).await, done(1, State::Running));
    assert_eq!(bench.owner(owner.campaign).await.epoch, owner.epoch + 1);
    assert_eq!(bench.command(owner.campaign, Command::Cancel).await, Moved::Done);
    let refused = bench.retry(owner.campaign, &[Outcome::NoAnswer], false).await;
    let Retried::AtItsEnd(refused) = refused else { panic!("{refused:?}") };
    assert!(refused.to_string().starts_with("cannot call anybody again in a canceled campaign"), "{refused}");
    assert_eq!(bench.retry(Uuid::now_v7(), &[Outcome::NoAnswer], false).await, Retried::NotFound);
    let again = Again { outcomes: vec![Outcome::NoAnswer], set_aside: false };
    let stranger =
        retry(&bench.database, Uuid::now_v7(), owner.campaign, &again, (None, Some(bench.node)), bench.now)
            .await;
    assert_eq!(stranger.unwrap(), Retried::NotFound);
}

#[tokio::test]
async fn the_retry_policy_begins_anew_and_what_was_counted_stays() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101"]).await;
    for verdict in [Verdict::Due(bench.minutes(-1)), Verdict::Failed] {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, Outcome::Busy, verdict).await);
    }
    bench.retry(owner.campaign, &[Outcome::Busy], false).await;
    let attempt = bench.claimed(owner).await;
    assert_eq!(attempt.tries_before, 2);
    let earlier = async || {
        let seen = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
        let asked = find_earlier(&bench.database, attempt.contact, &settings().timezone).await.unwrap();
        (seen.open.unwrap().earlier.tries(), asked.tries())
    };
    assert_eq!(earlier().await, (0, 0));
    assert!(bench.settle(owner, attempt.id, Outcome::NoAnswer, Verdict::Due(bench.minutes(-1))).await);
    bench.claimed(owner).await;
    assert_eq!(earlier().await, (1, 1));
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn who_was_set_aside_is_called_again_only_if_that_is_named() {
    let bench = Bench::new().await;
    let owner = bench.given_up(&[Outcome::Busy, Outcome::Busy]).await;
    let sql = "UPDATE contacts SET set_aside = 'his row could not be read' WHERE position = 2";
    bench.psql().await.execute(sql, &[]).await.unwrap();
    assert_eq!(bench.retry(owner.campaign, &[Outcome::Busy], false).await, done(1, State::Running));
    assert_eq!(bench.waiting(owner).await, [1]);
    assert_eq!(bench.retry(owner.campaign, &[], true).await, done(1, State::Running));
    assert_eq!(bench.counts(owner.campaign).await.set_aside, 0);
    assert_recounted(&bench, owner.campaign).await;
}

#[tokio::test]
async fn a_list_of_several_portions_is_called_again_to_its_end() {
    const SQL: &str = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, state,
                              last_outcome, updated_at, area)
        SELECT gen_random_uuid(), team_id, campaign_id, n, '+1303' || (5550000 + n), metadata, n, raw_phone, 'failed',
               'busy', updated_at, area
        FROM contacts, generate_series(2, 20500) n WHERE campaign_id = $1";
    let bench = Bench::new().await;
    let owner = bench.given_up(&[Outcome::Busy]).await;
    let psql = bench.psql().await;
    psql.execute(SQL, &[&owner.campaign]).await.unwrap();
    psql.execute("UPDATE campaigns SET failed = 20500 WHERE id = $1", &[&owner.campaign]).await.unwrap();
    assert_eq!(bench.retry(owner.campaign, &[Outcome::Busy], false).await, done(20_500, State::Running));
    let counts = bench.counts(owner.campaign).await;
    assert_eq!((counts.pending, counts.failed), (20_500, 0));
}

#[tokio::test]
async fn a_few_are_called_again_while_lists_are_being_stored() {
    let bench = Bench::new().await;
    let owner = bench.given_up(&[Outcome::Busy, Outcome::NoAnswer]).await;
    let lists = [bench.database.list_client().await.unwrap(), bench.database.list_client().await.unwrap()];
    let retried = bench.retry(owner.campaign, &[Outcome::Busy], false);
    let retried = tokio::time::timeout(Duration::from_secs(5), retried).await;
    assert_eq!(retried.expect("it waits for the lists"), done(1, State::Running));
    drop(lists);
    assert_recounted(&bench, owner.campaign).await;
}

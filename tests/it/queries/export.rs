//! Lists that are taken away.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use outdial::db::export::{Rows, Wanted, list_metadata_names, stream_attempts, stream_contacts};

use super::*;

/// Makes a campaign's list so much longer, from position 1000 on.
async fn lengthen(bench: &Bench, campaign: Uuid, contacts: i32) {
    let sql = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area, state, due_at,
                              last_outcome, updated_at)
        SELECT gen_random_uuid(), $2, $1, 1000 + n, '+1' || 2000000000 + n, jsonb_build_object('Plan', n::text), n, '', 0,
               'pending', now(), CASE WHEN n % 2 = 0 THEN 'busy' END, now()
        FROM generate_series(1, $3) n";
    bench.psql().await.execute(sql, &[&campaign, &bench.team, &contacts]).await.unwrap();
}

fn phones(rows: &Rows) -> Vec<String> {
    rows.contacts().map(|contact| contact.unwrap().phone).collect()
}

#[tokio::test]
async fn each_contact_is_taken_away_once_in_the_order_of_the_list_and_nobody_who_came_later() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101", "+12025550102"]).await;
    lengthen(&bench, campaign, 4_998).await;
    let wanted = Wanted { metadata: true, ..Wanted::default() };
    let mut batches = Box::pin(stream_contacts(&bench.database, bench.team, campaign, wanted));
    let first = batches.try_next().await.unwrap().unwrap();
    let someone = first.contacts().nth(2).unwrap().unwrap();
    assert_eq!((someone.metadata["Plan"].as_str(), someone.state.as_str()), (Some("1"), "pending"));
    let late = "
        INSERT INTO contacts (id, team_id, campaign_id, position, phone, metadata, file_row, raw_phone, area, state, due_at,
                              updated_at)
        VALUES (gen_random_uuid(), $2, $1, 90000, '+12025550199', '{}', 1, '', 0, 'pending', now(), now())";
    bench.psql().await.execute(late, &[&campaign, &bench.team]).await.unwrap();
    let mut taken = phones(&first);
    let mut most = taken.len();
    while let Some(rows) = batches.try_next().await.unwrap() {
        most = most.max(phones(&rows).len());
        taken.extend(phones(&rows));
    }
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (5_000, 5_000));
    assert_eq!((taken[0].as_str(), taken[4_999].as_str()), ("+12025550101", "+12000004998"));
    assert!(most < 5_000, "all were read at once");
}

#[tokio::test]
async fn a_list_is_taken_away_by_state_and_outcome_and_by_its_own_team_only() {
    let bench = Bench::new().await;
    let campaign = bench.draft(&["+12025550101"]).await;
    lengthen(&bench, campaign, 10).await;
    let count = async |team, wanted| {
        let all: Vec<Rows> =
            stream_contacts(&bench.database, team, campaign, wanted).try_collect().await.unwrap();
        all.iter().map(|rows| rows.contacts().count()).sum::<usize>()
    };
    let of = |state, outcome| Wanted { state, outcome, metadata: false };
    assert_eq!(count(bench.team, of(None, None)).await, 11);
    assert_eq!(count(bench.team, of(Some(ContactState::Pending), Some(Outcome::Busy))).await, 5);
    assert_eq!(count(bench.team, of(Some(ContactState::Failed), None)).await, 0);
    assert_eq!(count(Uuid::now_v7(), of(None, None)).await, 0);
    let names = list_metadata_names(&bench.database, bench.team, campaign).await.unwrap();
    assert_eq!(names, ["Company", "Plan"]);
}

#[tokio::test]
async fn attempts_are_taken_away_with_their_contact_s_name() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102"]).await;
    for outcome in [Outcome::Answered, Outcome::Busy] {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Completed).await);
    }
    let wanted = Wanted { outcome: Some(Outcome::Busy), metadata: true, ..Wanted::default() };
    let busy = stream_attempts(&bench.database, bench.team, owner.campaign, wanted);
    let busy: Vec<Rows> = busy.try_collect().await.unwrap();
    let [attempt] = &busy[0].attempts().map(Result::unwrap).collect::<Vec<_>>()[..] else { panic!("one") };
    assert_eq!((attempt.name.as_deref(), attempt.to.as_str()), (Some("person 2"), "+12025550102"));
    assert_eq!(
        (attempt.outcome.as_deref(), attempt.metadata["Company"].as_str()),
        (Some("busy"), Some("Acme"))
    );
    let all = stream_attempts(&bench.database, bench.team, owner.campaign, Wanted::default());
    let all: Vec<Rows> = all.try_collect().await.unwrap();
    assert_eq!(all[0].attempts().count(), 2);
}

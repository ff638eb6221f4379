//! The last calls of contacts, and how long those of a campaign were.

use outdial::db::attempts::{list_last_calls_of, list_last_lengths};

use super::*;

#[tokio::test]
async fn the_last_call_of_each_contact_is_told_and_how_long_calls_rang_and_lasted() {
    let bench = Bench::new().await;
    let owner = bench.running(&["+12025550101", "+12025550102", "+12025550103"]).await;
    let psql = bench.psql().await;
    for (outcome, answered, duration) in [
        (Outcome::Answered, true, Some(42)),
        (Outcome::NoAnswer, false, None),
        (Outcome::Failed, false, None),
    ] {
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, outcome, Verdict::Failed).await);
        let told =
            "UPDATE attempts SET placed_at = intended_at, ringing_at = intended_at + interval '1 second',
                        answered_at = CASE WHEN $2 THEN intended_at + interval '8 seconds' END,
                        ended_at = intended_at + interval '31 seconds', duration_seconds = $3 WHERE id = $1";
        psql.execute(told, &[&attempt.id, &answered, &duration]).await.unwrap();
    }
    let contacts: Vec<Uuid> = bench.contacts(owner.campaign).await.iter().map(|contact| contact.id).collect();
    let last = list_last_calls_of(&bench.database, bench.team, &contacts[..2]).await.unwrap();
    assert_eq!(last.len(), 2);
    assert_eq!(last[&contacts[0]].duration_seconds, Some(42));
    assert_eq!(last[&contacts[1]].duration_seconds, None);
    let of_others = list_last_calls_of(&bench.database, Uuid::now_v7(), &contacts).await.unwrap();
    assert!(of_others.is_empty());

    let lengths = list_last_lengths(&bench.database, bench.team, owner.campaign, 10).await.unwrap();
    let told: Vec<_> = lengths.iter().map(|length| (length.rang, length.talked)).collect();
    assert_eq!(told, [(None, None), (Some(30.0), None), (Some(7.0), Some(42))]);
    let newest = list_last_lengths(&bench.database, bench.team, owner.campaign, 1).await.unwrap();
    assert_eq!(newest.len(), 1);
}

//! What is told of a campaign's last calls.

use outdial::db::look::look;
use outdial::domain::outcome::Outcome;
use outdial::domain::retry::Verdict;
use uuid::Uuid;

use super::{ACCOUNT, Bench, phone};

#[tokio::test]
async fn calls_that_fail_are_seen_through_those_that_were_taken_back_and_told_once() {
    let bench = Bench::new().await;
    let phones: Vec<String> = (1..=12).map(phone).collect();
    let owner = bench.running(&phones.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut failed: Vec<Uuid> = Vec::new();
    for _ in 0..11 {
        for _ in 0..2 {
            let taken_back = bench.claimed(owner).await;
            assert!(bench.settle(owner, taken_back.id, Outcome::NotPlaced, Verdict::Due(bench.now)).await);
        }
        let attempt = bench.claimed(owner).await;
        assert!(bench.settle(owner, attempt.id, Outcome::Failed, Verdict::Failed).await);
        failed.insert(0, attempt.id);
    }
    let look = look(&bench.database, owner.campaign, ACCOUNT, None).await.unwrap().unwrap();
    let recent: Vec<Outcome> = look.recent.iter().map(|call| call.outcome).collect();
    assert_eq!(recent, [Outcome::Failed; 11]);
    // The tenth failure tripped it, and the eleventh is no news.
    let sql = "SELECT data FROM events WHERE campaign_id = $1 AND kind = 'campaign.calls-fail'";
    let told = bench.psql().await.query(sql, &[&owner.campaign]).await.unwrap();
    assert_eq!(told.len(), 1);
    let told: serde_json::Value = told[0].get("data");
    assert_eq!((&told["failures"], &told["calls"]), (&10.into(), &10.into()));
    assert_eq!(told["attempts"], serde_json::to_value(&failed[1..]).unwrap());
    assert!(told["until"].is_string());
}

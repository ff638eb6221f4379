//! What is shown first: campaigns by where they stand, and the last calls of a team.

use outdial::db::events::place_events;
use outdial::db::home::{Among, has_campaigns, list_campaigns_among, list_last_calls};

use super::*;

impl Bench {
    async fn among(&self, among: Among, search: Option<&str>, before: Option<Uuid>, limit: i64) -> Vec<Uuid> {
        let found = list_campaigns_among(&self.database, self.team, among, search, before, limit).await;
        found.unwrap().iter().map(|campaign| campaign.id).collect()
    }
}

#[tokio::test]
async fn campaigns_are_listed_by_where_they_stand_and_by_name_the_newest_first() {
    let bench = Bench::new().await;
    assert!(!has_campaigns(&bench.database, bench.team).await.unwrap());
    let running = bench.running(&["+12025550101"]).await.campaign;
    let paused = bench.running(&["+12025550102"]).await.campaign;
    let completed = bench.running(&["+12025550103"]).await.campaign;
    let psql = bench.psql().await;
    let pause =
        "UPDATE campaigns SET state = 'paused', state_reason = 'by-person', name = '50% _Off_' WHERE id = $1";
    psql.execute(pause, &[&paused]).await.unwrap();
    psql.execute("UPDATE campaigns SET state = 'canceled' WHERE id = $1", &[&completed]).await.unwrap();
    assert!(has_campaigns(&bench.database, bench.team).await.unwrap());

    assert_eq!(bench.among(Among::AtWork, None, None, 10).await, [paused, running]);
    assert_eq!(bench.among(Among::AtWork, None, Some(paused), 10).await, [running]);
    assert_eq!(bench.among(Among::AtWork, None, None, 1).await, [paused]);
    assert_eq!(bench.among(Among::AtRest, None, None, 10).await, [completed]);
    assert_eq!(bench.among(Among::In(State::Running), None, None, 10).await, [running]);
    assert_eq!(bench.among(Among::All, None, None, 10).await, [completed, paused, running]);
    // What is looked for is a text, and no pattern.
    for (search, found) in [("_OFF", &[paused][..]), ("50%", &[paused]), ("%", &[paused]), ("x_", &[])] {
        assert_eq!(bench.among(Among::All, Some(search), None, 10).await, found, "{search}");
    }
    assert_eq!(bench.among(Among::In(State::Paused), Some("off"), None, 10).await, [paused]);

    let others = Uuid::now_v7();
    psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'others')", &[&others]).await.unwrap();
    let all = list_campaigns_among(&bench.database, others, Among::All, None, None, 10).await.unwrap();
    assert!(all.is_empty() && !has_campaigns(&bench.database, others).await.unwrap());
    assert_eq!(list_last_calls(&bench.database, others, None, 10).await.unwrap().0.len(), 0);
}

#[tokio::test]
async fn the_last_calls_of_all_campaigns_come_the_newest_first_and_page_by_page() {
    let bench = Bench::new().await;
    let one = bench.running(&["+12025550101", "+12025550102"]).await;
    let other = bench.running(&["+12025550103"]).await;
    let first = bench.claimed(one).await;
    assert!(bench.settle(one, first.id, Outcome::Answered, Verdict::Completed).await);
    let second = bench.claimed(other).await;
    assert!(bench.settle(other, second.id, Outcome::Busy, Verdict::Failed).await);
    bench.claimed(one).await;
    while place_events(&bench.database).await.unwrap().may_be_more {}

    let page =
        async |before, limit| list_last_calls(&bench.database, bench.team, before, limit).await.unwrap();
    let (calls, next) = page(None, 10).await;
    let shown: Vec<_> = calls.iter().map(|call| (call.to.as_str(), call.campaign, call.outcome)).collect();
    assert_eq!(
        shown,
        [
            ("+12025550102", one.campaign, None),
            ("+12025550103", other.campaign, Some(Outcome::Busy)),
            ("+12025550101", one.campaign, Some(Outcome::Answered)),
        ]
    );
    assert_eq!((next, calls[0].timezone.as_str(), calls[0].number), (None, "America/New_York", 1));
    let (newest, next) = page(None, 2).await;
    assert_eq!((newest.len(), next), (2, Some(newest[1].position)));
    let (rest, end) = page(next, 2).await;
    assert_eq!((rest.len(), rest[0].to.as_str(), end), (1, "+12025550101", None));

    let (psql, others) = (bench.psql().await, Uuid::now_v7());
    psql.execute("INSERT INTO teams (id, name) VALUES ($1, 'others')", &[&others]).await.unwrap();
    let (theirs, next) = list_last_calls(&bench.database, others, None, 1).await.unwrap();
    assert_eq!((theirs.len(), next), (0, None));

    // Of a campaign that is no more, nothing is told.
    psql.execute("DELETE FROM campaigns WHERE id = $1", &[&other.campaign]).await.unwrap();
    assert_eq!(page(None, 10).await.0.len(), 2);
}

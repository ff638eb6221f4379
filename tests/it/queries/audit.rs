//! The audit trail: what is begun stands there, with what came of it, until it is forgotten.

use outdial::db::audit::{AuditFilter, By, Ending, Intent, begin, finish, forget, list};
use serde_json::json;
use uuid::Uuid;

use super::Bench;

/// Puts on record what somebody with this key wants of a campaign, so many minutes from now. Returns the row's id.
async fn record(bench: &Bench, team: Uuid, key: Uuid, campaign: Option<Uuid>, minutes: i64) -> Uuid {
    let by = By::Key {
        id: key,
        name: "the night shift".to_owned(),
        prefix: "od_aaaaaaaa".to_owned(),
        permission: "campaigns:start".to_owned(),
        request_id: "a-request".to_owned(),
    };
    let (id, at, ids) = (Uuid::now_v7(), bench.minutes(minutes), json!({"id": campaign}));
    let action = "POST /api/v1/campaigns/{id}/start";
    begin(&bench.database, &Intent { id, team, at, by: &by, action, campaign, ids: &ids }).await.unwrap();
    id
}

async fn listed(bench: &Bench, filter: AuditFilter, limit: i64) -> Vec<Uuid> {
    list(&bench.database, bench.team, &filter, limit).await.unwrap().iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn what_is_begun_is_on_record_and_what_came_of_it_is_written_once() {
    let bench = Bench::new().await;
    let (key, campaign) = (Uuid::now_v7(), Uuid::now_v7());
    let row = record(&bench, bench.team, key, Some(campaign), 0).await;
    let found =
        async || list(&bench.database, bench.team, &AuditFilter::default(), 9).await.unwrap().remove(0);
    let entry = found().await;
    assert_eq!((entry.id, entry.campaign, entry.ending), (row, Some(campaign), None));
    assert!(matches!(entry.by, By::Key { id, .. } if id == key));
    let ending = Ending { at: bench.minutes(1), status: 409, made: None, detail: Some(json!({"a": 1})) };
    assert!(finish(&bench.database, bench.team, row, &ending).await.unwrap());
    let later = Ending { status: 200, ..ending.clone() };
    assert!(!finish(&bench.database, bench.team, row, &later).await.unwrap(), "the first word stands");
    assert!(!finish(&bench.database, Uuid::now_v7(), row, &later).await.unwrap(), "another team's");
    assert_eq!(found().await.ending, Some(ending));
}

#[tokio::test]
async fn the_trail_is_told_by_campaign_key_and_time_and_page_by_page() {
    let bench = Bench::new().await;
    let (key, other_key, campaign) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    record(&bench, Uuid::now_v7(), key, Some(campaign), 0).await;
    let first = record(&bench, bench.team, key, Some(campaign), 0).await;
    let second = record(&bench, bench.team, other_key, None, 1).await;
    let third = record(&bench, bench.team, key, Some(Uuid::now_v7()), 2).await;
    // The one that made a campaign is the campaign's, too.
    let ending = Ending { at: bench.now, status: 201, made: Some(campaign), detail: None };
    finish(&bench.database, bench.team, second, &ending).await.unwrap();
    let all = AuditFilter::default();
    assert_eq!(listed(&bench, all, 9).await, [third, second, first]);
    assert_eq!(listed(&bench, AuditFilter { campaign: Some(campaign), ..all }, 9).await, [second, first]);
    assert_eq!(listed(&bench, AuditFilter { key: Some(key), ..all }, 9).await, [third, first]);
    let both = AuditFilter { key: Some(key), campaign: Some(campaign), ..all };
    assert_eq!(listed(&bench, both, 9).await, [first]);
    let since = AuditFilter { since: Some(bench.minutes(1)), ..all };
    assert_eq!(listed(&bench, since, 9).await, [third, second]);
    let until = AuditFilter { until: Some(bench.minutes(1)), ..all };
    assert_eq!(listed(&bench, until, 9).await, [first]);
    assert_eq!(listed(&bench, all, 2).await, [third, second]);
    assert_eq!(listed(&bench, AuditFilter { before: Some(second), ..all }, 2).await, [first]);
    let of_nothing = AuditFilter { before: Some(Uuid::now_v7()), ..all };
    assert!(listed(&bench, of_nothing, 2).await.is_empty(), "it was forgotten, and all behind it");
}

#[tokio::test]
async fn what_was_done_of_the_same_instant_is_told_once_on_whatever_page() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        record(&bench, bench.team, Uuid::now_v7(), None, 0).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    while seen.len() < 6 {
        let page = listed(&bench, AuditFilter { before, ..AuditFilter::default() }, 2).await;
        let Some(last) = page.last() else { break };
        before = Some(*last);
        seen.extend(page);
    }
    let mut distinct = seen.clone();
    distinct.dedup();
    assert_eq!((seen.len(), distinct), (5, seen));
}

#[tokio::test]
async fn the_oldest_are_forgotten_first_and_so_many_at_a_time() {
    let bench = Bench::new().await;
    let mut rows = Vec::new();
    for minutes in 0..4 {
        rows.push(record(&bench, bench.team, Uuid::now_v7(), None, minutes).await);
    }
    let before = bench.minutes(3);
    assert_eq!(forget(&bench.database, before, 2).await.unwrap(), 2);
    assert_eq!(listed(&bench, AuditFilter::default(), 9).await, [rows[3], rows[2]]);
    assert_eq!(forget(&bench.database, before, 2).await.unwrap(), 1);
    assert_eq!(forget(&bench.database, before, 2).await.unwrap(), 0);
    assert_eq!(listed(&bench, AuditFilter::default(), 9).await, [rows[3]]);
}

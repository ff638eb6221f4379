//! Requests that may come again: begun once, answered alike, and known for a day.

use chrono::TimeDelta;
use outdial::db::idempotency::{
    Begun, KNOWN_FOR, Named, begin, forget_expired, keep_answer, leave_unknown, take_back,
};
use outdial::db::nodes;
use uuid::Uuid;

use super::Bench;

fn named(bench: &Bench, name: &str) -> Named {
    Named { team: bench.team, key: Uuid::nil(), name: name.to_owned(), fingerprint: [7; 32] }
}

/// Begins a request now, on the bench's node. Returns what is to be done, and the id that was offered.
async fn begun(bench: &Bench, request: &Named) -> (Begun, Uuid) {
    let id = Uuid::now_v7();
    (begin(&bench.database, request, id, bench.node, bench.now).await.unwrap(), id)
}

#[tokio::test]
async fn a_request_is_begun_once_however_many_come_at_one_time() {
    let bench = Bench::new().await;
    let request = named(&bench, "a");
    let all = futures_util::future::join_all((0..8).map(|_| begun(&bench, &request))).await;
    let new = all.iter().filter(|(begun, id)| *begun == Begun::New(*id)).count();
    let under_way = all.iter().filter(|(begun, _)| *begun == Begun::UnderWay).count();
    assert_eq!((new, under_way), (1, 7), "{all:?}");
    let other = Named { fingerprint: [8; 32], ..request.clone() };
    assert_eq!(begun(&bench, &other).await.0, Begun::Another);
    for others in [
        Named { team: Uuid::now_v7(), ..other.clone() },
        Named { key: Uuid::now_v7(), ..other.clone() },
        Named { name: "b".to_owned(), ..other },
    ] {
        let (begun, id) = begun(&bench, &others).await;
        assert_eq!(begun, Begun::New(id), "{others:?}");
    }
}

#[tokio::test]
async fn what_was_answered_is_answered_again_until_a_day_has_passed() {
    let bench = Bench::new().await;
    let request = named(&bench, "a");
    let (_, made) = begun(&bench, &request).await;
    assert!(!keep_answer(&bench.database, &request, Uuid::now_v7(), 201, None).await.unwrap());
    assert!(keep_answer(&bench.database, &request, made, 201, Some(b"{}")).await.unwrap());
    let answered = Begun::Answered { made, status: 201, body: Some(b"{}".to_vec()) };
    assert_eq!(begun(&bench, &request).await.0, answered);
    // Nobody takes back what was answered.
    take_back(&bench.database, &request, made).await.unwrap();
    assert_eq!(begun(&bench, &request).await.0, answered);
    let (id, end) = (Uuid::now_v7(), bench.now + KNOWN_FOR);
    let at = async |at| begin(&bench.database, &request, id, bench.node, at).await.unwrap();
    assert_eq!(at(end - TimeDelta::seconds(1)).await, answered);
    assert_eq!(forget_expired(&bench.database, end - TimeDelta::seconds(1)).await.unwrap(), 0);
    assert_eq!(at(end).await, Begun::New(id));
    assert_eq!(forget_expired(&bench.database, end).await.unwrap(), 0, "it is known for another day");
    assert_eq!(forget_expired(&bench.database, end + KNOWN_FOR).await.unwrap(), 1);
}

#[tokio::test]
async fn a_request_whose_node_has_died_is_taken_over_by_one_with_the_id_that_it_had() {
    let bench = Bench::new().await;
    let request = named(&bench, "a");
    let (_, made) = begun(&bench, &request).await;
    assert_eq!(begun(&bench, &request).await.0, Begun::UnderWay);
    nodes::leave(&bench.database, bench.node).await.unwrap();
    let other = Uuid::now_v7();
    nodes::renew(&bench.database, super::oneself(other), std::time::Duration::from_secs(59)).await.unwrap();
    let id = Uuid::now_v7();
    let on_other = || begin(&bench.database, &request, id, other, bench.now);
    let (one, two) = tokio::join!(on_other(), on_other());
    let both = [one.unwrap(), two.unwrap()];
    assert!(both.contains(&Begun::Unknown(made)) && both.contains(&Begun::UnderWay), "{both:?}");
}

#[tokio::test]
async fn what_nobody_knows_the_end_of_is_looked_for_and_what_has_made_nothing_is_forgotten() {
    let bench = Bench::new().await;
    let request = named(&bench, "a");
    let (_, made) = begun(&bench, &request).await;
    leave_unknown(&bench.database, &request, made).await.unwrap();
    let other = Named { fingerprint: [8; 32], ..request.clone() };
    assert_eq!(begun(&bench, &other).await.0, Begun::Another, "it may have made something");
    assert_eq!(begun(&bench, &request).await.0, Begun::Unknown(made));
    assert_eq!(begun(&bench, &request).await.0, Begun::UnderWay);
    take_back(&bench.database, &request, made).await.unwrap();
    let (begun, id) = begun(&bench, &other).await;
    assert_eq!(begun, Begun::New(id));
}
